// A button that opens a small menu. The menu is a popover, so it lies above
// everything, closes on Escape or a press elsewhere, and is never cut off by the
// scrolling chat.

import { h, uniqueId } from './dom.js';
import { icon } from './icons.js';

/** `items()` returns `[{text, testid, run}]` at the moment of opening. */
export function menuButton({ label, testid, items }) {
  const id = uniqueId('menu');
  const button = h(
    'button',
    { type: 'button', class: 'icon-button', 'data-testid': testid, tLabel: label, 'aria-haspopup': 'menu', 'aria-expanded': 'false' },
    icon('dots'),
  );
  button.addEventListener('click', () => openMenu(button, id, label, items()));
  return button;
}

function openMenu(button, id, label, items) {
  if (document.getElementById(id)) return;
  const menu = h('div', { id, class: 'menu', role: 'menu', popover: 'auto', tLabel: label });
  const close = () => menu.hidePopover();
  for (const item of items) {
    const entry = h('button', { type: 'button', role: 'menuitem', tabindex: '-1', 'data-testid': item.testid }, item.text);
    entry.addEventListener('click', () => {
      close();
      item.run();
    });
    menu.append(entry);
  }
  menu.addEventListener('keydown', (event) => moveFocus(event, menu, close));
  menu.addEventListener('toggle', (event) => {
    if (event.newState === 'closed') {
      button.setAttribute('aria-expanded', 'false');
      if (menu.contains(document.activeElement)) button.focus();
      menu.remove();
    }
  });
  // Within the page's landmarks, yet not within the talk, which reads out what it gains.
  document.getElementById('main').append(menu);
  menu.showPopover();
  place(menu, button);
  button.setAttribute('aria-expanded', 'true');
  menu.firstElementChild?.focus();
}

function moveFocus(event, menu, close) {
  const entries = [...menu.children];
  const now = entries.indexOf(document.activeElement);
  const next = {
    ArrowDown: (now + 1) % entries.length,
    ArrowUp: (now - 1 + entries.length) % entries.length,
    Home: 0,
    End: entries.length - 1,
  }[event.key];
  if (next !== undefined) {
    event.preventDefault();
    entries[next].focus();
  } else if (event.key === 'Tab') {
    close();
  }
}

/** Puts the menu below its button, or above where there is no room. */
function place(menu, button) {
  const at = button.getBoundingClientRect();
  const room = 8;
  const left = Math.min(Math.max(room, at.right - menu.offsetWidth), innerWidth - menu.offsetWidth - room);
  const below = at.bottom + menu.offsetHeight + room < innerHeight;
  menu.style.left = `${left}px`;
  menu.style.top = `${below ? at.bottom : Math.max(room, at.top - menu.offsetHeight)}px`;
}
