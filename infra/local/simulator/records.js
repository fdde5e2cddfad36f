// The records: who looked, what was erased, what was counted, what was called.

import { h, keyedList } from './dom.js';
import { shortId, stamp } from './format.js';
import { icon } from './icons.js';
import { known, language, pick, t } from './lang.js';
import { state } from './state.js';

const STEPS = ['1', '2', '3', '4'];
const ROLES = ['webhook', 'opener', 'sweeper', 'locksmith'];

/** Builds the panel; the returned function redraws it. */
export function createRecords(panel) {
  const entries = createSection('entries', h('ol', { class: 'entries', 'data-testid': 'entries' }));
  const erasures = createSection('erasures', h('ol', { class: 'erasures', 'data-testid': 'erasures' }));
  const metrics = createSection('metrics', createTable('metricsTitle', ['metricWhat', 'metricKind', 'metricCount']));
  const calls = createSection('calls', createTable('callsTitle', ['callRole', 'callOperation', 'metricCount']));
  panel.append(
    h('div', { class: 'panel-head' }, h('h2', { t: 'records' })),
    h('div', { class: 'record-sections' }, entries.element, erasures.element, metrics.element, calls.element),
  );
  const showEntries = keyedList(entries.body, { key: (entry) => entry.key, create: () => drawn('li', 'entry', drawEntry) });
  const showErasures = keyedList(erasures.body, { key: ({ person }) => person, create: () => drawn('li', 'erasure', drawErasure) });
  const showMetrics = keyedList(metrics.body.tBodies[0], { key: metricKey, create: () => drawn('tr', null, drawMetric) });
  const showCalls = keyedList(calls.body.tBodies[0], { key: callKey, create: () => drawn('tr', null, drawCall) });

  return function update() {
    const { view } = state;
    if (!view) return;
    const names = new Map(view.friends.filter(({ person }) => person).map(({ person, name }) => [person, name]));
    showEntries(newestEntries(view.entries, names));
    showErasures(byPerson(view.erasures));
    showMetrics(view.metrics);
    showCalls([...view.calls].sort(byRole));
    entries.update(view.entries.length);
    erasures.update(view.erasures.length);
    metrics.update(view.metrics.length);
    calls.update(view.calls.length);
  };
}

function createSection(name, body) {
  const empty = h('p', { class: 'record-empty', t: `${name}Empty` });
  const element = h(
    'section',
    { class: `record-section record-section-${name}` },
    h('h3', { t: `${name}Title` }),
    h('p', { class: 'lead', t: `${name}Lead` }),
    empty,
    body,
  );
  function update(count) {
    empty.hidden = count > 0;
    body.hidden = count === 0;
  }
  return { element, body, update };
}

function createTable(caption, heads) {
  return h(
    'table',
    {},
    h('caption', { class: 'sr', t: caption }),
    h('thead', {}, h('tr', {}, heads.map((head) => h('th', { scope: 'col', t: head })))),
    h('tbody'),
  );
}

/** A part that is drawn anew only when its data or the language has changed. */
function drawn(tag, className, draw) {
  const element = h(tag, { class: className });
  let look = null;
  function update(item) {
    const next = JSON.stringify([item, language()]);
    if (next === look) return;
    look = next;
    element.replaceChildren(...draw(item));
  }
  return { element, update };
}

function word(prefix, name) {
  return known(prefix + name) ? t(prefix + name) : name;
}

/** The server gives the newest first. */
function newestEntries(entries, names) {
  return entries.map((entry, index) => ({
    ...entry,
    // Counted from the oldest: a new entry must not change the keys of those before.
    key: `${entry.at}-${entries.length - index}`,
    people: (entry.people ?? []).map((person) => names.get(person) ?? shortId(person)),
    fields: entry.fields ?? [],
    purpose: pick(state.view.purposes[entry.purpose]?.title) || entry.purpose,
  }));
}

function drawEntry(entry) {
  // Lists and looks at the ledger concern nobody in particular: the explanation says it all.
  if (entry.act !== 'open') return [drawEntryHead('records', pick(entry.explain), entry.at)];
  const people = entry.people.join(language() === 'ja' ? '、' : ', ') || t('entryNobody');
  const sentence = t(entry.refusal ? 'entryRefused' : 'entryOpen', { operator: entry.operator, people });
  const purpose = entry.purpose === '*' || entry.purpose === null ? t('everyPurpose') : entry.purpose;
  return [
    drawEntryHead(entry.refusal ? 'hold' : 'open', sentence, entry.at),
    h(
      'p',
      { class: 'chips' },
      h('span', { class: 'chip' }, reasonText(entry.reason)),
      h('span', { class: 'chip' }, purpose),
      h('span', { class: 'chip' }, fieldsText(entry.fields)),
      entry.refusal ? h('span', { class: 'chip chip-seal' }, entry.refusal) : null,
    ),
    h('p', { class: 'caption' }, pick(entry.explain)),
  ];
}

function drawEntryHead(image, sentence, at) {
  return h('p', { class: 'entry-head' }, icon(image), h('strong', {}, sentence), h('span', {}, stamp(at)));
}

function reasonText(reason) {
  return reason === null || reason === 'other' ? t('ownReason') : word('reason_', reason);
}

/** Asking for everything names every field there is, which tells a reader nothing. */
function fieldsText(fields) {
  if (fields.length > 6) return t('allFields');
  return fields.map((name) => (name === '*' ? t('allFields') : word('field_', name))).join(' ・ ');
}

/** The steps by person, the latest person first. */
function byPerson(steps) {
  const people = new Map();
  for (const step of steps) {
    if (!people.has(step.person)) people.set(step.person, { person: step.person, steps: [] });
    people.get(step.person).steps.push(step);
  }
  const latest = ({ steps: own }) => Math.max(...own.map(({ at }) => at));
  return [...people.values()].sort((a, b) => latest(b) - latest(a));
}

function drawErasure({ person, steps }) {
  const done = new Map(steps.map((step) => [step.step.split('-')[0], step]));
  const others = steps.filter(({ step }) => !STEPS.includes(step.split('-')[0]));
  const ofPerson = STEPS.some((number) => done.has(number));
  return [
    h('p', { class: 'erasure-head' }, h('strong', {}, person ? t('personNumber', { id: shortId(person) }) : t('noPerson'))),
    ofPerson
      ? h('ol', { class: 'steps' }, STEPS.map((number) => drawStep(number, done.get(number))))
      : null,
    ...others.map((step) => h('p', { class: 'caption' }, `${stamp(step.at)} ${pick(step.explain)}`)),
  ].filter(Boolean);
}

function drawStep(number, step) {
  return h(
    'li',
    { class: step ? 'is-done' : null },
    h('span', { class: 'step-mark', 'aria-hidden': 'true' }, step ? icon('check') : number),
    h('strong', {}, t(`step_${number}`)),
    h('span', {}, step ? stamp(step.at) : t('stepWaits')),
    step ? h('span', { class: 'sr' }, pick(step.explain)) : null,
  );
}

function metricKey({ what, kind }) {
  return `${what}-${kind}`;
}

function drawMetric({ what, kind, n }) {
  return [
    h('td', {}, known(`metric_${what}`) ? t(`metric_${what}`) : null, h('code', {}, what)),
    h('td', {}, h('code', {}, kind)),
    h('td', { class: 'number' }, String(n)),
  ];
}

/** Intake first: what it does not call is the point of the table. */
function byRole(a, b) {
  return roleOrder(a) - roleOrder(b);
}

function roleOrder({ role }) {
  const at = ROLES.indexOf(role);
  return at < 0 ? ROLES.length : at;
}

function callKey({ role, service, operation }) {
  return `${role}-${service}-${operation}`;
}

function drawCall({ role, service, operation, calls }) {
  return [
    h('td', {}, known(`role_${role}`) ? t(`role_${role}`) : null, h('code', {}, role)),
    h('td', {}, h('code', {}, `${service}.${operation}`)),
    h('td', { class: 'number' }, String(calls)),
  ];
}
