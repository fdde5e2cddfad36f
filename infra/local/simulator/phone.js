// The phone in hand: which one, how it is set up, and its screen.

import { api } from './api.js';
import { createTalk } from './chat.js';
import { createComposer } from './composer.js';
import { h, keyedList, setText } from './dom.js';
import { initial, time } from './format.js';
import { pick, t } from './lang.js';
import { menuButton } from './menu.js';
import { actionButton, actOf } from './message.js';
import { createPhoneTabs } from './phone-tabs.js';
import { createSetUp } from './set-up.js';
import { friendInHand, refresh, state } from './state.js';

/** Builds the phone; the returned function redraws it. */
export function createPhone(pane) {
  const tabs = createPhoneTabs();
  const setUp = createSetUp();
  const talks = new Map();
  const answered = new Set();
  const notes = new Map();

  const clock = h('span');
  const statusBar = h('p', { class: 'status-bar' }, h('span', { class: 'sr', t: 'statusBar' }), clock);
  const name = h('strong');
  const sub = h('span');
  const picture = h('span', { class: 'avatar avatar-account', 'aria-hidden': 'true' });
  const menu = menuButton({ label: 'phoneMenu', testid: 'phone-menu', items: menuItems });
  const head = h(
    'div',
    { class: 'phone-head' },
    picture,
    h('p', { class: 'phone-head-text' }, name, sub),
    menu,
  );
  const card = createFollowCard(async () => {
    await act('follow');
    restFocus();
  });
  const talkPlace = h('div', { class: 'talk-place' });
  const replies = h('div', { class: 'quick-replies', role: 'group', tLabel: 'quickReplies', 'data-testid': 'quick-reply', hidden: true });
  const notice = h('p', { class: 'phone-notice', role: 'status', 'data-testid': 'phone-notice' });
  const blocked = h('p', { class: 'phone-blocked', t: 'composerBlocked' });
  const composer = createComposer({ act });
  const chatScreen = h('div', { class: 'chat-screen' }, head, card.element, talkPlace, notice, replies, blocked, composer.element);
  const screen = h('div', { class: 'screen', id: 'phone-screen', role: 'tabpanel' }, statusBar, setUp.element, chatScreen);
  pane.append(tabs.element, h('div', { class: 'handset' }, screen));

  /** Does something on this phone, says what came of it, and resolves to whether LINE has it now. */
  async function act(what, details = {}) {
    const user = state.selected;
    // A note is told anew when the language changes, so it is kept as a question.
    let note = () => '';
    let sent = false;
    try {
      const { status, dropped } = await api.act(user, what, details);
      sent = true;
      const taken = status < 400;
      note = () => (dropped ? t('olderThanErasure') : taken ? noteOf(what) : t('notStored', { status }));
      const last = state.chat?.messages.at(-1);
      if (last && what !== 'unsend') answered.add(last.id);
    } catch (failure) {
      note = () => (failure.text ? pick(failure.text) : String(failure));
    }
    notes.set(user, note);
    await refresh();
    return sent;
  }

  function noteOf(what) {
    const names = { redeliver: 'redelivered', unsend: 'unsentNotice', block: 'blockedNotice', unblock: 'unblockedNotice' };
    return names[what] ? t(names[what]) : '';
  }

  async function pressed(action) {
    const [what, details] = actOf(action);
    await act(what, details);
    restFocus();
  }

  /** What was pressed may have gone with the press: the focus then waits where one goes on. */
  function restFocus() {
    const held = document.activeElement;
    if (held !== document.body && held.checkVisibility()) return;
    if (matchMedia('(hover: hover)').matches) composer.focus();
    else talks.get(state.selected)?.element.focus();
  }

  async function unsend(message) {
    await act('unsend', { message });
    restFocus();
  }

  function menuItems() {
    const { blocked: isBlocked } = friendInHand();
    return [
      isBlocked
        ? { text: t('unblock'), testid: 'unblock', run: () => act('unblock') }
        : { text: t('block'), testid: 'block', run: () => act('block') },
      { text: t('redeliver'), testid: 'redeliver', run: () => act('redeliver') },
    ];
  }

  const showReplies = keyedList(replies, {
    key: ({ id, index, disabled }) => `${id}-${index}-${disabled}`,
    create: ({ action, disabled }) => ({
      element: actionButton(action, 'quick-reply', { act: pressed, disabled }),
      update: () => {},
    }),
  });

  /** Chips belong to the last message only, and go once one is pressed or something else is said. */
  function updateReplies(chat) {
    const last = chat?.messages.at(-1);
    const offered = last?.from === 'account' && !last.unsent && !answered.has(last.id);
    const items = offered ? (last.message.quickReply?.items ?? []) : [];
    replies.hidden = items.length === 0;
    showReplies(items.map(({ action }, index) => ({ id: last.id, index, action, disabled: chat.blocked })));
  }

  function talkOf(user) {
    if (!talks.has(user)) talks.set(user, createTalk({ act: pressed, unsend }));
    return talks.get(user);
  }

  return function update() {
    const { view, chat } = state;
    if (!view) return;
    const friend = friendInHand();
    const settingUp = state.adding || !friend;
    tabs.update(settingUp);
    setUp.update(settingUp);
    setText(clock, time(view.now_ms));
    screen.setAttribute('aria-label', settingUp ? t('newPhoneTitle') : t('phoneOf', { name: friend.name }));
    chatScreen.hidden = settingUp;
    if (settingUp) return;

    const account = accountName(view, friend.channel);
    const stranger = !friend.following && !friend.blocked;
    setText(name, account);
    setText(picture, initial(account));
    setText(sub, friend.blocked ? t('blockedMark') : t('officialAccount'));
    sub.classList.toggle('mark', friend.blocked);
    card.element.hidden = !stranger;
    card.update(account);
    menu.hidden = stranger;
    talkPlace.hidden = stranger;
    composer.element.hidden = stranger || friend.blocked;
    blocked.hidden = !friend.blocked;
    composer.update(friend.user_id, !stranger && !friend.blocked);
    setText(notice, notes.get(friend.user_id)?.() ?? '');
    const talk = talkOf(friend.user_id);
    if (talkPlace.firstElementChild !== talk.element) talkPlace.replaceChildren(talk.element);
    if (chat?.user_id === friend.user_id) talk.update(chat, account);
    updateReplies(chat);
  };
}

function accountName(view, name) {
  const channel = view.channels.find((candidate) => candidate.name === name);
  return pick({ ja: channel?.account, en: channel?.account_en }) || name;
}

/** The account as somebody sees it who has not added it yet. */
function createFollowCard(follow) {
  const name = h('strong');
  const picture = h('span', { class: 'avatar avatar-account avatar-large', 'aria-hidden': 'true' });
  const element = h(
    'div',
    { class: 'follow-card' },
    picture,
    name,
    h('span', { class: 'follow-kind', t: 'officialAccount' }),
    h('button', { type: 'button', class: 'primary', 'data-testid': 'follow', t: 'follow', on: { click: follow } }),
    h('p', { t: 'notFriendYet' }),
  );
  function update(account) {
    setText(name, account);
    setText(picture, initial(account));
  }
  return { element, update };
}
