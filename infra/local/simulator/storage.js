// What this browser remembers between visits. A browser that forbids storage only
// forgets: nothing here may fail.

const PREFIX = 'azukari.';

/** What was remembered under the name, or null. */
export function recall(name) {
  try {
    return localStorage.getItem(PREFIX + name);
  } catch {
    return null;
  }
}

/** Remembers the text under the name. */
export function remember(name, text) {
  try {
    localStorage.setItem(PREFIX + name, text);
  } catch {
    // A private window may refuse; the page works all the same.
  }
}
