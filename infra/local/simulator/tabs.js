// The tabs between phone, vault and records. On a wide screen the phone always
// shows, so only vault and records take turns; on a narrow one all three do.

import { icon } from './icons.js';

const NAMES = ['phone', 'vault', 'records'];
const wide = matchMedia('(min-width: 1000px)');

const tab = (name) => document.getElementById(`tab-${name}`);
const panel = (name) => document.getElementById(name);

let chosen = 'phone';

/** Makes the tabs work. */
export function startTabs() {
  for (const name of NAMES) {
    tab(name).prepend(icon(name));
    tab(name).addEventListener('click', () => choose(name));
  }
  document.getElementById('tabs').addEventListener('keydown', byKey);
  wide.addEventListener('change', () => choose(chosen));
  choose(chosen);
}

function offered() {
  return wide.matches ? NAMES.slice(1) : NAMES;
}

function choose(name) {
  chosen = name;
  const names = offered();
  const shown = names.includes(name) ? name : 'vault';
  for (const each of NAMES) {
    const selected = each === shown;
    tab(each).hidden = !names.includes(each);
    tab(each).setAttribute('aria-selected', selected);
    tab(each).tabIndex = selected ? 0 : -1;
    panel(each).hidden = !selected && names.includes(each);
  }
  // The clock belongs to the vault and the records; a narrow screen's phone needs the room.
  document.getElementById('clock').hidden = shown === 'phone';
  // Beside the vault the phone is a region of its own, not one of the tabs' panels.
  if (wide.matches) panel('phone').removeAttribute('role');
  else panel('phone').setAttribute('role', 'tabpanel');
  panel('phone').setAttribute('aria-labelledby', wide.matches ? 'phone-title' : 'tab-phone');
  document.body.dataset.tab = shown;
}

function byKey(event) {
  const names = offered();
  const now = names.findIndex((name) => tab(name).getAttribute('aria-selected') === 'true');
  const next = {
    ArrowRight: (now + 1) % names.length,
    ArrowLeft: (now - 1 + names.length) % names.length,
    Home: 0,
    End: names.length - 1,
  }[event.key];
  if (next === undefined) return;
  event.preventDefault();
  choose(names[next]);
  tab(names[next]).focus();
}
