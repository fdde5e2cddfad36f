// The settings: how LINE behaves towards us, and the way to other pages.

import { api } from './api.js';
import { openInside } from './browser.js';
import { h, setText, uniqueId } from './dom.js';
import { icon } from './icons.js';
import { language, pick, t } from './lang.js';
import { state } from './state.js';

const CALLS = ['reply', 'push', 'profile'];
const BEHAVIOURS = ['ok', '400', '401', '404', '409', '429', '500', 'timeout'];

/** Builds the dialog and the button that opens it; the returned function redraws it. */
export function createSettings(dialog, opener, { restartWalk }) {
  const close = h('button', { type: 'button', class: 'icon-button', tLabel: 'close', 'data-testid': 'settings-close' }, icon('close'));
  const selects = CALLS.map(createSelect);
  const saved = h('p', { class: 'caption', role: 'status' });
  const pages = h('ul', { class: 'pages' });
  const again = h('button', { type: 'button', class: 'quiet', t: 'walkAgain' });
  dialog.append(
    h('div', { class: 'settings-head' }, h('h2', { id: 'settings-title', t: 'settings' }), close),
    h('h3', { t: 'lineTitle' }),
    h('p', { class: 'lead', t: 'lineLead' }),
    h('div', { class: 'settings-fields' }, selects.map(({ element }) => element)),
    saved,
    h('h3', { t: 'pagesTitle' }),
    pages,
    again,
  );

  opener.prepend(icon('gear'));
  opener.addEventListener('click', async () => {
    setText(saved, '');
    dialog.showModal();
    await exchange(() => api.line());
  });
  close.addEventListener('click', () => dialog.close());
  again.addEventListener('click', () => {
    dialog.close();
    restartWalk();
  });
  for (const { select } of selects) {
    select.addEventListener('change', () => {
      const wanted = Object.fromEntries(selects.map((part) => [part.name, part.select.value]));
      exchange(() => api.setLine(wanted), 'lineSaved');
    });
  }

  /** Shows the behaviour that the server says is in force now. */
  async function exchange(ask, note) {
    try {
      const behaviour = await ask();
      for (const part of selects) part.select.value = behaviour[part.name];
      setText(saved, note ? t(note) : '');
    } catch (failure) {
      setText(saved, failure.text ? pick(failure.text) : String(failure));
    }
  }

  let drawn = null;
  return function update() {
    const { view } = state;
    const look = JSON.stringify([language(), view?.channels]);
    if (!view || look === drawn) return;
    drawn = look;
    for (const part of selects) part.update();
    pages.replaceChildren(h('li', {}, h('a', { href: '/walk' }, t('walkLink'))), ...view.channels.map(policyLink));
  };
}

function policyLink({ account: ja, account_en: en, policy_url: path }) {
  const url = new URL(`${path}?lang=${language()}`, location.href);
  const link = h('a', { href: url.href }, t('policyOf', { account: pick({ ja, en }) }));
  link.addEventListener('click', (event) => {
    event.preventDefault();
    openInside(url);
  });
  return h('li', {}, link);
}

function createSelect(name) {
  const id = uniqueId('line');
  const options = BEHAVIOURS.map((value) => h('option', { value }));
  const select = h('select', { id, 'data-testid': `line-${name}` }, options);
  const element = h('div', { class: 'field' }, h('label', { for: id, t: `line_${name}` }), select);
  const names = { ok: 'lineOk', timeout: 'lineTimeout' };
  function update() {
    for (const option of options) setText(option, t(names[option.value] ?? 'lineStatus', { n: option.value }));
  }
  return { name, element, select, update };
}
