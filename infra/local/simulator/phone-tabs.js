// The row of phones above the handset: one tab each, and a button for another.

import { h, keyedList, setAttribute, setText } from './dom.js';
import { icon } from './icons.js';
import { t } from './lang.js';
import { setUpPhone, state, takePhone } from './state.js';

/** Builds the row; `update(settingUp)` redraws it. */
export function createPhoneTabs() {
  const list = h('div', { class: 'phone-tabs', role: 'tablist', tLabel: 'phones' });
  const add = h(
    'button',
    { type: 'button', class: 'icon-button add-phone', 'data-testid': 'add-phone', tLabel: 'addPhone', on: { click: () => setUpPhone(true) } },
    icon('plus'),
  );
  const element = h('div', { class: 'phone-row' }, list, add);
  const show = keyedList(list, { key: (friend) => friend.user_id, create: createTab });

  list.addEventListener('keydown', (event) => {
    const entries = [...list.children];
    const now = entries.indexOf(document.activeElement);
    const next = {
      ArrowRight: (now + 1) % entries.length,
      ArrowLeft: (now - 1 + entries.length) % entries.length,
      Home: 0,
      End: entries.length - 1,
    }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    entries[next].focus();
    entries[next].click();
  });

  function update(settingUp) {
    const { friends } = state.view;
    list.hidden = friends.length === 0;
    show(friends.map((friend) => ({ ...friend, chosen: !settingUp && friend.user_id === state.selected })));
    // While a phone is being set up no tab is chosen, yet the keyboard must reach them.
    if (settingUp && list.firstElementChild) list.firstElementChild.tabIndex = 0;
    add.classList.toggle('is-chosen', settingUp);
  }

  return { element, update };
}

function createTab(friend) {
  const name = h('span');
  const mark = h('span', { class: 'mark' });
  const element = h(
    'button',
    {
      type: 'button',
      role: 'tab',
      'aria-controls': 'phone-screen',
      'data-testid': 'phone-tab',
      on: { click: () => takePhone(friend.user_id) },
    },
    icon('phone'),
    name,
    mark,
  );
  function update(next) {
    setText(name, next.name);
    setText(mark, next.blocked ? t('blockedMark') : '');
    mark.hidden = !next.blocked;
    // Among many phones, the one in hand is brought into view when it is taken.
    if (next.chosen && element.getAttribute('aria-selected') === 'false') element.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    setAttribute(element, 'aria-selected', String(next.chosen));
    element.tabIndex = next.chosen ? 0 : -1;
  }
  return { element, update };
}
