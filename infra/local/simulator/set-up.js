// Setting up a new phone: whose it is, and which account it will talk to.

import { api } from './api.js';
import { h, setText, uniqueId } from './dom.js';
import { stickerFace } from './icons.js';
import { language, pick, t } from './lang.js';
import { setUpPhone, state, takePhone } from './state.js';

/** Given names only: nobody in particular. */
const NAMES = {
  ja: ['さくら', 'みなと', 'あおい', 'ひなた', 'つむぎ', 'はると', 'すみれ', 'いつき'],
  en: ['Sakura', 'Minato', 'Aoi', 'Hinata', 'Tsumugi', 'Haruto', 'Sumire', 'Itsuki'],
};

/** Builds the screen; `update(shown)` redraws it. */
export function createSetUp() {
  const nameId = uniqueId('phone-name');
  const channelId = uniqueId('phone-channel');
  const errorId = uniqueId('phone-error');
  const name = h('input', {
    id: nameId,
    type: 'text',
    maxlength: '20',
    autocomplete: 'off',
    'data-testid': 'phone-name',
    'aria-describedby': errorId,
  });
  const channel = h('select', { id: channelId, 'data-testid': 'phone-channel' });
  const channelField = h('div', { class: 'field' }, h('label', { for: channelId, t: 'phoneChannel' }), channel);
  const error = h('p', { id: errorId, class: 'error', role: 'alert' });
  const cancel = h('button', { type: 'button', class: 'quiet', t: 'cancel', on: { click: () => setUpPhone(false) } });
  const element = h(
    'form',
    { class: 'set-up' },
    stickerFace('thanks'),
    h('h3', { t: 'newPhoneTitle' }),
    h('p', { t: 'newPhoneText' }),
    h('div', { class: 'field' }, h('label', { for: nameId, t: 'phoneName' }), name),
    channelField,
    error,
    h('button', { type: 'submit', class: 'primary', 'data-testid': 'create-phone', t: 'createPhone' }),
    cancel,
  );
  let shown = false;

  element.addEventListener('submit', async (event) => {
    event.preventDefault();
    const chosen = name.value.trim();
    setText(error, chosen === '' ? t('nameMissing') : '');
    name.setAttribute('aria-invalid', chosen === '');
    if (chosen === '') {
      name.focus();
      return;
    }
    try {
      const { user_id: user } = await api.addFriend(channel.value, chosen);
      await takePhone(user);
      document.querySelector('[data-testid="follow"]')?.focus();
    } catch (failure) {
      setText(error, failure.text ? pick(failure.text) : String(failure));
    }
  });

  function update(now) {
    const { channels, friends } = state.view;
    element.hidden = !now;
    cancel.hidden = friends.length === 0;
    channelField.hidden = channels.length < 2;
    if (channel.options.length !== channels.length) {
      channel.replaceChildren(...channels.map(({ name: value, account, account_en: en }) => h('option', { value }, pick({ ja: account, en }))));
    }
    if (now && !shown) {
      const taken = friends.map((friend) => friend.name);
      name.value = NAMES[language()].find((candidate) => !taken.includes(candidate)) ?? '';
      setText(error, '');
      // Nobody asked for the very first set-up, so it leaves the focus alone.
      if (state.adding) {
        name.focus();
        name.select();
      }
    }
    shown = now;
  }

  return { element, update };
}
