// Opening what is kept of one person: why, for what purpose, and then, in a dress
// that nobody mistakes for the vault, what it says.

import { api } from './api.js';
import { h, setText, uniqueId } from './dom.js';
import { day, stamp } from './format.js';
import { icon, kindIcon } from './icons.js';
import { known, language, pick, t } from './lang.js';
import { refresh, state } from './state.js';

/** The reasons that stand in the ledger as they are; `other` is in own words. */
const REASONS = ['inquiry', 'booking', 'delivery', 'request', 'incident', 'check', 'other'];

/** Builds the button, and the form it unfolds. */
export function createOpening() {
  const ids = { form: uniqueId('open'), reason: uniqueId('open'), words: uniqueId('open'), purpose: uniqueId('open') };
  let person = null;

  const label = h('span', { t: 'open' });
  const button = h(
    'button',
    { type: 'button', class: 'open-button', 'data-testid': 'open-person', 'aria-expanded': 'false', 'aria-controls': ids.form },
    icon('open'),
    label,
  );
  const reason = h(
    'select',
    { id: ids.reason, 'data-testid': 'open-reason' },
    REASONS.map((code) => h('option', { value: code, t: `reason_${code}` })),
  );
  const words = h('input', { id: ids.words, type: 'text', maxlength: '200', autocomplete: 'off', 'data-testid': 'open-words' });
  const wordsField = h('div', { class: 'field field-wide', hidden: true }, h('label', { for: ids.words, t: 'ownWords' }), words);
  const purpose = h('select', { id: ids.purpose, 'data-testid': 'open-purpose' });
  const error = h('p', { class: 'error', role: 'alert' });
  const form = h(
    'form',
    { id: ids.form, class: 'open-form', 'data-testid': 'open-form', hidden: true },
    h('p', { class: 'lead', t: 'openLead' }),
    h('div', { class: 'field' }, h('label', { for: ids.reason, t: 'reason' }), reason),
    h('div', { class: 'field' }, h('label', { for: ids.purpose, t: 'purpose' }), purpose),
    h('button', { type: 'submit', class: 'primary', 'data-testid': 'open-submit', t: 'openNow' }),
    wordsField,
    error,
  );
  const result = h('div', { class: 'open-place' });
  const element = h('div', { class: 'opening' }, form, result);
  let answer = null;
  let drawn = null;

  button.addEventListener('click', () => {
    form.hidden = !form.hidden;
    button.setAttribute('aria-expanded', String(!form.hidden));
    if (!form.hidden) reason.focus();
  });
  reason.addEventListener('change', () => {
    wordsField.hidden = reason.value !== 'other';
    if (!wordsField.hidden) words.focus();
  });
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const why = reason.value === 'other' ? words.value.trim() : reason.value;
    setText(error, why === '' ? t('ownWordsMissing') : '');
    if (why === '') {
      words.focus();
      return;
    }
    try {
      answer = await api.open(request(person, purpose.value, why));
      draw();
      result.firstElementChild.focus();
    } catch (failure) {
      setText(error, failure.text ? pick(failure.text) : String(failure));
    }
    // Refused or not, the ledger has a new entry.
    await refresh();
  });

  function close() {
    answer = null;
    draw();
    button.focus();
  }

  function draw() {
    const look = JSON.stringify([answer, language()]);
    if (look === drawn) return;
    drawn = look;
    result.replaceChildren(...(answer ? [drawResult(answer, close)] : []));
  }

  function update(next) {
    person = next;
    button.setAttribute('aria-label', t('openOf', { name: next.name }));
    button.hidden = !next.user;
    const names = [['', t('everyPurpose')], ...Object.values(state.view.purposes).map(({ name, title }) => [name, pick(title)])];
    const look = JSON.stringify(names);
    if (purpose.dataset.look !== look) {
      const chosen = purpose.value;
      purpose.dataset.look = look;
      purpose.replaceChildren(...names.map(([value, text]) => h('option', { value }, text)));
      purpose.value = chosen;
    }
    draw();
  }

  return { button, element, update };
}

function request({ user, friend }, purpose, reason) {
  return {
    user_id: user,
    channel: friend?.channel ?? state.view.channels[0].name,
    fields: ['*'],
    ...(purpose === '' ? {} : { purpose }),
    reason,
  };
}

function drawResult(answer, close) {
  const titleId = uniqueId('opened');
  const notes = [
    answer.records.length === 0 ? t('openedNothing') : null,
    answer.withheld?.length ? t('openedWithheld', { n: answer.withheld.length }) : null,
    answer.bad?.length ? t('openedBad', { n: answer.bad.length }) : null,
    answer.more ? t('openedMore') : null,
  ].filter(Boolean);
  return h(
    'section',
    { class: 'opened', tabindex: '-1', 'data-testid': 'open-result', 'aria-labelledby': titleId },
    h(
      'div',
      { class: 'opened-head' },
      icon('open'),
      h('div', {}, h('h4', { id: titleId }, t('opened')), h('p', {}, t('openedText'))),
      h('button', { type: 'button', class: 'quiet', 'data-testid': 'open-close', on: { click: close } }, t('close')),
    ),
    ...[...answer.records].sort(newestFirst).map(drawRecord),
    ...notes.map((note) => h('p', { class: 'opened-note' }, note)),
  );
}

/** What the person said last is what one opens for; how to reach them comes at the end. */
function newestFirst(a, b) {
  return (a.kind === 'contact') - (b.kind === 'contact') || b.at - a.at;
}

function drawRecord(record) {
  const kind = `kind_${record.kind}`;
  const shown = record.shown === 'none' ? t('shownNone') : record.shown;
  return h(
    'div',
    { class: 'record' },
    h(
      'p',
      { class: 'record-head' },
      kindIcon(record.kind),
      h('strong', {}, known(kind) ? t(kind) : record.kind),
      h('span', {}, purposeTitle(record.purpose)),
      h('span', {}, stamp(record.at)),
      record.due_at ? h('span', {}, t('keptUntil', { day: day(record.due_at) })) : null,
    ),
    h(
      'dl',
      {},
      Object.entries(record.fields).map(([name, value]) => [
        h('dt', {}, known(`field_${name}`) ? t(`field_${name}`) : name),
        h('dd', { class: name === 'text' ? 'record-said' : null }, value),
      ]),
    ),
    h('p', { class: 'caption' }, t('policyShown', { policy: record.policy, shown })),
  );
}

function purposeTitle(name) {
  const purpose = Object.values(state.view.purposes).find((candidate) => candidate.name === name);
  return pick(purpose?.title) || name;
}
