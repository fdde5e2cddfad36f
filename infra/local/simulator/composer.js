// Where the person writes: text, stickers, a photo, a place.

import { h, uniqueId } from './dom.js';
import { icon, STICKERS, stickerFace } from './icons.js';
import { language } from './lang.js';
import { stickerText } from './message.js';

/** Public places, so that nobody's address is made up. */
const PLACES = [
  {
    ja: ['東京駅', '東京都千代田区丸の内1丁目'],
    en: ['Tokyo Station', '1 Marunouchi, Chiyoda, Tokyo'],
    at: [35.681236, 139.767125],
  },
  {
    ja: ['京都駅', '京都府京都市下京区東塩小路町'],
    en: ['Kyoto Station', 'Higashishiokoji-cho, Shimogyo, Kyoto'],
    at: [34.985849, 135.758767],
  },
  {
    ja: ['那覇空港', '沖縄県那覇市鏡水'],
    en: ['Naha Airport', 'Kagamizu, Naha, Okinawa'],
    at: [26.206, 127.6465],
  },
];

/** `act(name, details)` sends and resolves to whether LINE has it. */
export function createComposer({ act }) {
  const drafts = new Map();
  let phone = null;

  const input = h('textarea', {
    rows: '1',
    maxlength: '5000',
    'data-testid': 'composer',
    tLabel: 'composer',
    tPlaceholder: 'composerPlaceholder',
  });
  const send = h('button', { type: 'submit', class: 'send', 'data-testid': 'send', tLabel: 'send' }, icon('send'));
  const stickers = createPicker({
    label: 'sticker',
    title: 'chooseSticker',
    testid: 'sticker',
    image: 'smile',
    className: 'picker-stickers',
    choices: () => STICKERS.map((keyword) => stickerChoice(keyword, act)),
  });
  const places = createPicker({
    label: 'location',
    title: 'chooseLocation',
    testid: 'location',
    image: 'pin',
    className: 'picker-places',
    choices: () => PLACES.map((place) => placeChoice(place, act)),
  });
  const image = h(
    'button',
    { type: 'button', class: 'icon-button', 'data-testid': 'image', tLabel: 'image', on: { click: () => act('image') } },
    icon('image'),
  );
  const fields = h(
    'fieldset',
    {},
    h('legend', { class: 'sr', t: 'composer' }),
    stickers.panel,
    places.panel,
    h('div', { class: 'composer-line' }, stickers.button, image, places.button, input, send),
  );
  const element = h('form', { class: 'composer' }, fields);
  stickers.only(places);
  places.only(stickers);

  async function submit() {
    const text = input.value.trim();
    if (text === '') return;
    const sender = phone;
    input.value = '';
    drafts.delete(sender);
    // What could not be handed over goes back to where it was written.
    if (!(await act('text', { text })) && phone === sender && input.value === '') input.value = text;
  }

  element.addEventListener('submit', (event) => {
    event.preventDefault();
    submit();
  });
  input.addEventListener('input', () => drafts.set(phone, input.value));
  input.addEventListener('keydown', (event) => {
    // Enter that chooses a candidate of an input method belongs to the input method;
    // older browsers mark it with 229 only. On a touch keyboard Enter is a newline.
    const choosing = event.isComposing || event.keyCode === 229;
    if (event.key !== 'Enter' || event.shiftKey || choosing || !matchMedia('(hover: hover)').matches) return;
    event.preventDefault();
    submit();
  });

  /** Shows the composer of that phone, with what was being written on it. */
  function update(user, enabled) {
    if (user !== phone) {
      phone = user;
      input.value = drafts.get(user) ?? '';
      stickers.close();
      places.close();
    }
    fields.disabled = !enabled;
    if (!enabled) {
      stickers.close();
      places.close();
    }
  }

  return { element, update, focus: () => input.focus() };
}

/** A button that unfolds a few choices above the line; choosing one folds them again. */
function createPicker({ label, title, testid, image, className, choices }) {
  const id = uniqueId('picker');
  const panel = h('div', { id, class: `picker ${className}`, role: 'group', tLabel: title, hidden: true });
  const button = h(
    'button',
    { type: 'button', class: 'icon-button', 'data-testid': testid, tLabel: label, 'aria-expanded': 'false', 'aria-controls': id },
    icon(image),
  );
  let other = null;

  function close() {
    panel.hidden = true;
    button.setAttribute('aria-expanded', 'false');
  }

  function open() {
    other.close();
    panel.replaceChildren(...choices());
    panel.hidden = false;
    button.setAttribute('aria-expanded', 'true');
    panel.querySelector('button').focus();
  }

  button.addEventListener('click', () => (panel.hidden ? open() : close()));
  panel.addEventListener('click', () => {
    close();
    button.focus();
  });
  panel.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape') return;
    close();
    button.focus();
  });
  return { panel, button, close, only: (picker) => (other = picker) };
}

function stickerChoice(keyword, act) {
  return h(
    'button',
    { type: 'button', 'data-testid': 'sticker-choice', on: { click: () => act('sticker', { sticker: keyword }) } },
    stickerFace(keyword),
    h('span', {}, stickerText(keyword)),
  );
}

function placeChoice(place, act) {
  const [title, address] = place[language()];
  const [latitude, longitude] = place.at;
  return h(
    'button',
    {
      type: 'button',
      'data-testid': 'location-choice',
      on: { click: () => act('location', { title, address, latitude, longitude }) },
    },
    icon('pin'),
    h('span', {}, h('strong', {}, title), h('span', {}, address)),
  );
}
