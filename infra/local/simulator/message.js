// One LINE message object, as the phone shows it.

import { address, isInside, openInside } from './browser.js';
import { h } from './dom.js';
import { icon, samplePhoto, stickerFace } from './icons.js';
import { t } from './lang.js';

/** Addresses of plain ASCII: Japanese text may follow one without a space. */
const LINK = /https?:\/\/[\w\-.~:/?#[\]@!$&()*+,;=%]*[\w\-~/#&=%]/g;

const STICKER_TEXTS = {
  thanks: 'stickerThanks',
  ok: 'stickerOk',
  please: 'stickerPlease',
  happy: 'stickerHappy',
  sorry: 'stickerSorry',
  'good night': 'stickerNight',
};

/** What a sticker's keyword says in the page's language. */
export function stickerText(keyword) {
  return keyword in STICKER_TEXTS ? t(STICKER_TEXTS[keyword]) : (keyword ?? t('sticker'));
}

/** The element for a message. `act(action)` is called when one of its buttons is pressed. */
export function renderMessage(message, { act, disabled }) {
  switch (message.type) {
    case 'text':
      return h('div', { class: 'bubble' }, ...withLinks(message.text));
    case 'sticker':
      return sticker(message);
    case 'image':
      return h('div', { class: 'photo', role: 'img', 'aria-label': t('imageSample') }, samplePhoto());
    case 'location':
      return place(message);
    case 'template':
      return template(message, { act, disabled });
    default:
      return h('div', { class: 'bubble' }, message.altText ?? t('cannotShow'));
  }
}

function withLinks(text) {
  const parts = [];
  let from = 0;
  for (const match of text.matchAll(LINK)) {
    const url = address(match[0]);
    parts.push(text.slice(from, match.index), url ? link(url, match[0]) : match[0]);
    from = match.index + match[0].length;
  }
  parts.push(text.slice(from));
  return parts.filter((part) => part !== '');
}

/** A link in a text: our own pages open inside the phone, others in a tab of their own. */
function link(url, text) {
  if (!isInside(url)) return outside(url, text, 'link');
  const anchor = h('a', { class: 'link', href: url.href }, text);
  anchor.addEventListener('click', (event) => {
    event.preventDefault();
    openInside(url);
  });
  return anchor;
}

function outside(url, text, className) {
  return h(
    'a',
    { class: className, href: url.href, target: '_blank', rel: 'noopener noreferrer' },
    text,
    h('span', { class: 'sr' }, t('newTab')),
  );
}

function sticker(message) {
  const keyword = message.keywords?.[0];
  const word = stickerText(keyword);
  return h(
    'div',
    { class: 'sticker', role: 'img', 'aria-label': t('stickerOf', { word }) },
    stickerFace(keyword),
    h('span', {}, word),
  );
}

function place(message) {
  return h(
    'div',
    { class: 'bubble place' },
    h('span', { class: 'place-map' }, icon('pin')),
    h(
      'span',
      { class: 'place-text' },
      h('strong', {}, message.title ?? t('locationSent')),
      h('span', {}, message.address ?? `${message.latitude}, ${message.longitude}`),
    ),
  );
}

function template(message, tools) {
  const content = message.template;
  if (!['buttons', 'confirm'].includes(content?.type)) return h('div', { class: 'bubble' }, message.altText);
  return h(
    'div',
    { class: `card card-${content.type}` },
    h(
      'div',
      { class: 'card-text' },
      content.title ? h('strong', {}, content.title) : null,
      h('p', {}, ...withLinks(content.text)),
    ),
    h('div', { class: 'card-actions' }, content.actions.map((action) => actionButton(action, 'card-action', tools))),
  );
}

/** A button for a LINE action; a link where the action is to open another site. */
export function actionButton(action, className, { act, disabled }) {
  const url = action.type === 'uri' ? address(action.uri) : null;
  if (url && !isInside(url)) {
    const anchor = outside(url, action.label, className);
    anchor.dataset.testid = 'action';
    return anchor;
  }
  const button = h('button', { type: 'button', class: className, 'data-testid': 'action' }, action.label);
  // A page can be read whether or not the account is blocked; the rest is sent to it.
  button.disabled = url === null && (disabled || !canAct(action));
  button.addEventListener('click', () => (url ? openInside(url) : act(action)));
  return button;
}

/** The act of the simulator that stands for a LINE action. */
export function actOf(action) {
  switch (action.type) {
    case 'postback':
      return ['postback', { data: action.data, display_text: action.displayText ?? action.text }];
    case 'message':
      return ['text', { text: action.text }];
    case 'camera':
    case 'cameraRoll':
      return ['image', {}];
    default:
      return null;
  }
}

function canAct(action) {
  return actOf(action) !== null;
}
