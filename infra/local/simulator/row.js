// One row of the vault: what can be seen of it, the seal, and, unfolded, what it
// means and how it is stored.

import { h, setAttribute, setText, uniqueId } from './dom.js';
import { day, until } from './format.js';
import { icon, kindIcon } from './icons.js';
import { known, language, pick, t } from './lang.js';
import { state } from './state.js';

/** Builds a row; `looked` is called when it is unfolded. */
export function createRow(first, { fresh, looked }) {
  const detailId = uniqueId('row');
  const kind = h('strong', { class: 'row-kind' });
  const purpose = h('span', { class: 'row-purpose' });
  const due = h('span', { class: 'row-due' });
  const left = h('span', { class: 'row-left' });
  const seal = h('span', { class: 'seal' });
  const explain = h('p', { 'data-testid': 'row-explain' });
  const raw = h('pre', { tabindex: '0', role: 'region', tLabel: 'rawRow' });
  const detail = h('div', { class: 'row-detail', id: detailId, hidden: true }, explain, h('p', { class: 'caption', t: 'rawRow' }), raw);
  const iconPlace = h('span', { class: 'row-icon' });
  const button = h(
    'button',
    {
      type: 'button',
      class: 'row',
      'data-testid': 'vault-row',
      'data-sk': first.sk,
      'aria-expanded': 'false',
      'aria-controls': detailId,
    },
    iconPlace,
    h('span', { class: 'row-what' }, kind, purpose),
    seal,
    h('span', { class: 'row-when' }, due, left),
    icon('chevron'),
  );
  const element = h('li', { class: fresh ? 'is-new' : null }, button, detail);
  let drawn = null;

  button.addEventListener('click', () => {
    detail.hidden = !detail.hidden;
    button.setAttribute('aria-expanded', String(!detail.hidden));
    if (!detail.hidden) looked();
  });

  function update(row) {
    const { view } = state;
    const passed = row.due_at !== null && row.due_at <= view.now_ms;
    setText(due, dueText(row, passed));
    setText(left, leftText(row, passed, view));
    button.classList.toggle('is-due', passed && !row.extended);
    const look = JSON.stringify([row, language()]);
    if (look === drawn) return;
    drawn = look;
    setAttribute(button, 'data-kind', row.kind);
    iconPlace.replaceChildren(kindIcon(row.kind));
    setText(kind, known(`kind_${row.kind}`) ? t(`kind_${row.kind}`) : row.kind);
    setText(purpose, purposeText(row, view));
    seal.replaceChildren(...drawSeal(row));
    setText(explain, pick(row.explain));
    setText(raw, asStored(row.item));
  }

  return { element, update };
}

function dueText(row, passed) {
  if (row.extended) return passed ? t('extendedSoon') : t('extendedOn', { day: day(row.due_at) });
  if (passed) return row.kind === 'tombstone' ? '' : t('dueNow');
  if (row.due_at !== null) return t('erasedOn', { day: day(row.due_at) });
  return row.person === null ? '' : t('withPerson');
}

function leftText(row, passed, view) {
  if (row.extended) return t('extendedWhy');
  if (row.due_at === null) return '';
  if (passed) return t(row.kind === 'tombstone' ? 'nextSweepNotes' : 'nextSweep');
  return until(row.due_at, view.now_ms);
}

function purposeText(row, view) {
  return row.purpose === null ? '' : pick(view.purposes[row.purpose]?.title) || row.purpose;
}

/** The sealed bytes: enough characters to see that they say nothing. */
function drawSeal(row) {
  if (row.sealed === null) return [h('span', { class: 'seal-none' }, t('notSealed'))];
  return [
    h('span', { class: 'seal-mark', 'aria-hidden': 'true' }, t('sealMark')),
    h('span', { class: 'seal-bytes', 'aria-hidden': 'true' }, sealedBytes(row.item)),
    h('span', { class: 'seal-size', 'aria-hidden': 'true' }, t('sealedBytes', { n: row.sealed })),
    h('span', { class: 'sr' }, t('sealedSpoken', { n: row.sealed })),
  ];
}

/** DynamoDB JSON with an attribute a line: its values are too short to stand alone. */
function asStored(item) {
  const attributes = Object.entries(item).map(([name, value]) => `  ${JSON.stringify(name)}: ${JSON.stringify(value)}`);
  return `{\n${attributes.join(',\n')}\n}`;
}

function sealedBytes(item) {
  const bytes = item.env?.B ?? Object.values(item).find((value) => value.B)?.B ?? '';
  return bytes.slice(0, 120);
}
