// The language of the page: which one it is, and what it says.

import { recall, remember } from './storage.js';
import { texts } from './texts.js';

const LANGUAGES = ['ja', 'en'];

let current = choose();

function choose() {
  const asked = new URLSearchParams(location.search).get('lang');
  // Japanese, unless the browser's owner reads English and no Japanese.
  const read = navigator.languages.map((tag) => tag.slice(0, 2));
  const usual = !read.includes('ja') && read.includes('en') ? 'en' : 'ja';
  const candidates = [asked, recall('lang'), usual];
  return candidates.find((candidate) => LANGUAGES.includes(candidate));
}

/** `ja` or `en`. */
export function language() {
  return current;
}

/** Changes the language and remembers it; whoever shows text redraws afterwards. */
export function setLanguage(next) {
  current = next;
  remember('lang', next);
  translate();
}

/** The text of that name, with `{name}` replaced by the values. */
export function t(name, values = {}) {
  const text = texts[name]?.[current] ?? name;
  return text.replace(/\{(\w+)\}/g, (whole, key) => values[key] ?? whole);
}

/** Whether a text of that name exists: words of the server may be newer than this page. */
export function known(name) {
  return name in texts;
}

/** The side of `{ja, en}` that the page speaks. */
export function pick(pair) {
  return pair?.[current] ?? pair?.ja ?? '';
}

/** Writes the texts of everything that carries a `data-t…` attribute. */
export function translate() {
  document.documentElement.lang = current;
  document.title = t('title');
  for (const element of document.querySelectorAll('[data-t]')) {
    element.textContent = t(element.dataset.t);
  }
  for (const element of document.querySelectorAll('[data-t-label]')) {
    element.setAttribute('aria-label', t(element.dataset.tLabel));
  }
  for (const element of document.querySelectorAll('[data-t-placeholder]')) {
    element.placeholder = t(element.dataset.tPlaceholder);
  }
}
