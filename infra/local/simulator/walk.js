// The first walk: five steps that tick themselves off as they happen.

import { h, setText } from './dom.js';
import { icon } from './icons.js';
import { t } from './lang.js';
import { state } from './state.js';
import { recall, remember } from './storage.js';

const STEPS = ['Follow', 'Consent', 'Message', 'Look', 'Erase'];

/** Builds the guide; `update` redraws it, `tick` notes a step that only the page can see. */
export function createWalk(section) {
  const done = new Set((recall('walk.done') ?? '').split(' ').filter(Boolean));
  let closed = recall('walk.closed') === 'yes';
  const steps = STEPS.map((name) => createStep(name));
  const hint = h('p', { class: 'walk-hint', role: 'status' });
  const close = h(
    'button',
    { type: 'button', class: 'icon-button', 'data-testid': 'walk-close', tLabel: 'walkClose', on: { click: () => setClosed(true) } },
    icon('close'),
  );
  section.append(h('ol', { class: 'walk-steps' }, steps.map(({ element }) => element)), hint, close);

  function tick(name) {
    if (done.has(name)) return;
    done.add(name);
    remember('walk.done', [...done].join(' '));
    update();
  }

  function setClosed(now) {
    closed = now;
    if (!closed) done.clear();
    remember('walk.closed', closed ? 'yes' : 'no');
    remember('walk.done', [...done].join(' '));
    update();
  }

  function update() {
    const { view } = state;
    section.hidden = closed || !view;
    if (!view) return;
    for (const name of seen(view)) tick(name);
    const next = STEPS.find((name) => !done.has(name));
    for (const step of steps) step.update(done.has(step.name), step.name === next);
    setText(hint, t(next ? `hint${next}` : 'hintAll'));
  }

  return { update, tick, restart: () => setClosed(false) };
}

/** The steps that the server's view shows to have happened. */
function seen(view) {
  const consented = (row) => row.item.consent?.S === 'given';
  return [
    view.friends.some((friend) => friend.following) ? 'Follow' : null,
    view.rows.some(consented) ? 'Consent' : null,
    view.rows.some((row) => row.kind === 'message') ? 'Message' : null,
  ].filter(Boolean);
}

function createStep(name) {
  const mark = h('span', { class: 'walk-mark', 'aria-hidden': 'true' });
  const spoken = h('span', { class: 'sr' });
  const element = h('li', {}, mark, h('span', { class: 'walk-name', t: `step${name}` }), spoken);
  function update(done, next) {
    element.classList.toggle('is-done', done);
    element.classList.toggle('is-next', next);
    if (next) element.setAttribute('aria-current', 'step');
    else element.removeAttribute('aria-current');
    const look = done ? 'check' : 'number';
    if (mark.dataset.look !== look) {
      mark.dataset.look = look;
      mark.replaceChildren(done ? icon('check') : String(STEPS.indexOf(name) + 1));
    }
    setText(spoken, done ? t('walkDone') : next ? t('walkNow') : '');
  }
  return { name, element, update };
}
