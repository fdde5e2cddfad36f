// The clock and the sweep: moving time, erasing what is due, and saying in words
// what happened.

import { api } from './api.js';
import { h, setText } from './dom.js';
import { day, daysAhead, moment } from './format.js';
import { icon } from './icons.js';
import { pick, t } from './lang.js';
import { refresh, state } from './state.js';

/** Builds the clock; the returned function redraws it. `erased` is called when something was. */
export function createClock(section, { erased }) {
  const now = h('strong', { class: 'clock-time', 'data-testid': 'clock' });
  const ahead = h('span', { class: 'chip' });
  const words = h('p');
  const happened = h('div', { class: 'happened', role: 'status', 'data-testid': 'happened' }, words);
  // Presses that are at work or wait for their turn.
  let wishes = 0;
  let last = Promise.resolve();
  let say = () => t('happenedNothing');
  // The view at that moment: later looks must not change what was said.
  let then = null;

  const button = (testid, label, className, work) =>
    h('button', { type: 'button', class: className, 'data-testid': testid, on: { click: () => run(work) } }, h('span', label));
  const days = [1, 31, 180].map((n) => ({ n, text: h('span') }));
  section.append(
    h(
      'div',
      { class: 'clock-line' },
      h('p', { class: 'clock-now' }, icon('clock'), h('span', { class: 'sr', t: 'clockNow' }), now, ahead),
      h(
        'div',
        { class: 'clock-buttons' },
        days.map(({ n, text }) =>
          h('button', { type: 'button', class: 'quiet', 'data-testid': `plus-${n}`, on: { click: () => run(() => move(n)) } }, text),
        ),
        button('reset-clock', { t: 'resetClock' }, 'quiet', reset),
      ),
    ),
    h(
      'div',
      { class: 'clock-line sweep-line' },
      h(
        'div',
        { class: 'clock-buttons' },
        button('sweep', { t: 'sweep' }, 'quiet', sweep),
        button('sweep-31', { t: 'sweepAfter' }, 'primary', moveAndSweep),
      ),
      happened,
    ),
  );

  /** One thing at a time, in the order of the presses: none is lost. */
  function run(work) {
    wishes += 1;
    section.setAttribute('aria-busy', 'true');
    last = last.then(() => carryOut(work));
  }

  async function carryOut(work) {
    happened.classList.remove('is-failure');
    // Only what takes long is worth a word of its own.
    const long = setTimeout(() => setText(words, t('sweeping')), 400);
    try {
      say = await work();
    } catch (failure) {
      say = () => (failure.text ? pick(failure.text) : String(failure));
      happened.classList.add('is-failure');
    }
    clearTimeout(long);
    await refresh();
    then = state.view;
    wishes -= 1;
    if (wishes === 0) section.removeAttribute('aria-busy');
    update();
  }

  async function move(n) {
    await api.advance(`P${n}D`);
    return (view) => movedText(n) + dueText(view);
  }

  async function reset() {
    await api.resetClock();
    return () => t('wasReset');
  }

  async function sweep() {
    const report = await api.sweep();
    if (report.erased + report.persons + report.anonymised > 0) erased();
    return (view) => reportText(report, view);
  }

  async function moveAndSweep() {
    await api.advance('P31D');
    const swept = await sweep();
    return (view) => movedText(31) + swept(view);
  }

  function update() {
    const { view } = state;
    if (!view) return;
    const n = daysAhead(view.offset_ms);
    setText(now, moment(view.now_ms));
    const minutes = Math.round(view.offset_ms / 60_000);
    setText(ahead, n !== 0 ? t('clockAhead', { n }) : minutes > 0 ? t('clockAheadMinutes', { n: minutes }) : t('clockReal'));
    ahead.classList.toggle('chip-seal', n !== 0);
    for (const { n: count, text } of days) setText(text, count === 1 ? t('plusDay') : t('plusDays', { n: count }));
    if (wishes === 0) setText(words, say(then));
  }

  return update;
}

function movedText(n) {
  return n === 1 ? t('movedOne') : t('moved', { n });
}

function dues(view) {
  return view.rows.map((row) => row.due_at).filter((due) => due !== null);
}

/** What is due now, or when something will be. */
function dueText(view) {
  const due = dues(view).filter((at) => at <= view.now_ms).length;
  return due > 0 ? t('waitingDue', { n: due }) : t('noneDue') + nextText(view);
}

function nextText(view) {
  const next = dues(view).filter((at) => at > view.now_ms);
  return next.length > 0 ? t('nextDue', { day: day(Math.min(...next)) }) : t('nothingHeld');
}

function reportText(report, view) {
  const { erased, persons } = report;
  const parts = [];
  if (erased > 0 && persons > 0) parts.push(t('sweptBoth', { erased, persons }));
  else if (erased > 0) parts.push(t('sweptValues', { erased }));
  else if (persons > 0) parts.push(t('sweptPersons', { persons }));
  const others = {
    anonymised: 'sweptAnonymised',
    redated: 'sweptRedated',
    unsent: 'sweptUnsent',
    waiting: 'sweptWaiting',
    failed: 'sweptFailed',
    set_aside: 'sweptAside',
  };
  for (const [field, name] of Object.entries(others)) {
    if (report[field] > 0) parts.push(t(name, { n: report[field] }));
  }
  return parts.length > 0 ? parts.join('') : t('sweptNothing') + nextText(view);
}
