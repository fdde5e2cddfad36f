// The talk with the account: days, bubbles, and what can be done with them.

import { h, keyedList, uniqueId } from './dom.js';
import { initial, time, weekday } from './format.js';
import { language, t } from './lang.js';
import { menuButton } from './menu.js';
import { renderMessage } from './message.js';

/**
 * The scrolling talk of one phone. Each phone has its own, so that taking another
 * phone in hand is not read out as a stream of news.
 */
export function createTalk({ act, unsend }) {
  const list = h('div', { class: 'talk-list' });
  const element = h('div', { class: 'talk', role: 'log', 'aria-live': 'polite', tabindex: '0', 'data-testid': 'chat' }, list);
  const show = keyedList(list, { key: (item) => item.key, create: (item) => createItem(item, { act, unsend }) });
  let count = 0;
  // Whoever reads at the end stays there, also when the keyboard or the suggested
  // replies take room; whoever has scrolled back is left alone.
  let atEnd = true;
  const toEnd = () => {
    element.scrollTop = element.scrollHeight;
  };
  // Only somebody's own hand scrolls back: that the talk has less room is no wish to leave.
  let last = 0;
  element.addEventListener('scroll', () => {
    if (element.clientHeight === 0) return;
    const near = element.scrollHeight - element.scrollTop - element.clientHeight < 60;
    if (near || element.scrollTop < last) atEnd = near;
    last = element.scrollTop;
  });
  new ResizeObserver(() => atEnd && toEnd()).observe(element);

  function update(chat, account) {
    element.setAttribute('aria-label', t('chatOf', { account }));
    const grown = chat.messages.length > count;
    const mine = grown && chat.messages.at(-1).from === 'friend';
    count = chat.messages.length;
    show(items(chat, account));
    if (grown && (atEnd || mine)) toEnd();
  }

  return { element, update };
}

function items(chat, account) {
  const result = [];
  let day = null;
  let before = null;
  for (const message of chat.messages) {
    const today = weekday(message.at);
    if (today !== day) {
      result.push({ key: `day-${today}`, day: today });
      before = null;
    }
    day = today;
    // The account's picture stands beside the first of several messages only.
    const first = before !== message.from;
    before = message.unsent ? null : message.from;
    result.push({ key: message.id, message, first, account, name: chat.name, disabled: chat.blocked || !chat.following });
  }
  return result;
}

function createItem(item, tools) {
  const element = h('div', { class: 'talk-item' });
  let drawn = null;
  function update(next) {
    const look = JSON.stringify([next, language()]);
    if (look === drawn) return;
    drawn = look;
    element.replaceChildren(next.day ? h('p', { class: 'talk-day' }, next.day) : drawMessage(next, tools));
  }
  update(item);
  return { element, update };
}

function drawMessage({ message, first, account, name, disabled }, { act, unsend }) {
  const own = message.from === 'friend';
  if (message.unsent) {
    return h('p', { class: 'talk-unsent' }, own ? t('unsentByFriend', { name }) : t('unsentByAccount'));
  }
  const menu = own
    ? menuButton({
        label: 'bubbleMenu',
        testid: 'bubble-menu',
        items: () => [{ text: t('unsend'), testid: 'unsend', run: () => unsend(message.id) }],
      })
    : null;
  const body = renderMessage(message.message, { act, disabled });
  if (menu) {
    // Says which message the menu belongs to.
    body.id ||= uniqueId('bubble');
    menu.setAttribute('aria-describedby', body.id);
  }
  return h(
    'div',
    { class: `said said-by-${message.from}${first ? ' said-first' : ''}${message.delivered ? '' : ' said-undelivered'}` },
    own || !first ? null : h('span', { class: 'avatar avatar-account', 'aria-hidden': 'true' }, initial(account)),
    h('span', { class: 'sr' }, t('saysFriend', { name: own ? name : account })),
    h(
      'div',
      { class: 'said-line' },
      body,
      h(
        'div',
        { class: 'said-meta' },
        menu,
        message.delivered ? null : h('span', { class: 'mark' }, t('notDelivered')),
        h('span', { class: 'said-time' }, time(message.at)),
      ),
    ),
  );
}
