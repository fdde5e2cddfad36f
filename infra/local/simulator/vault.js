// The vault: the rows as they are stored, grouped by the person they belong to.

import { fadeAway, h, keyedList, setText } from './dom.js';
import { initial, shortId } from './format.js';
import { icon } from './icons.js';
import { t } from './lang.js';
import { createOpening } from './opening.js';
import { createRow } from './row.js';
import { state } from './state.js';

/** What somebody said or did, or is: the rest is what keeping it takes. */
const CONTENT = ['message', 'event', 'profile', 'submission', 'link', 'claim', 'subject', 'order'];

const FACTS = [
  ['Sealed', 'hold'],
  ['Due', 'clock'],
  ['Recorded', 'records'],
];

/** Builds the vault; the returned function redraws it. `looked` is called when a row is unfolded. */
export function createVault(panel, { looked }) {
  const people = h('span', { class: 'chip' });
  const rows = h('span', { class: 'chip' });
  const pool = h('span', { class: 'chip' });
  const empty = h(
    'div',
    { class: 'empty' },
    h('span', { class: 'empty-picture' }, icon('vault')),
    h('h3', { t: 'vaultEmpty' }),
    h('p', { t: 'vaultEmptyText' }),
    h('ul', { class: 'facts' }, FACTS.map(([name, image]) => h('li', {}, icon(image), h('strong', { t: `fact${name}` }), h('span', { t: `fact${name}Text` })))),
  );
  const list = h('div', { class: 'people' });
  panel.append(
    h(
      'div',
      { class: 'panel-head' },
      h('h2', { t: 'vault' }),
      h('p', { class: 'chips' }, people, rows, pool),
      h('p', { class: 'lead', t: 'vaultLead' }),
    ),
    empty,
    list,
  );
  const show = keyedList(list, {
    key: (group) => group.person ?? '',
    create: (group) => createPerson(group, looked),
    leave: fadeAway,
  });

  return function update() {
    const { view } = state;
    if (!view) return;
    const groups = group(view);
    setText(people, t('countPeople', { n: groups.filter(({ person }) => person !== null).length }));
    setText(rows, t('countRows', { n: view.rows.length }));
    setText(pool, t('countPool', { n: view.pool }));
    empty.hidden = groups.length > 0;
    show(groups);
    animate = true;
  };
}

/** Rows that were there when the page opened are not news; those that come later are. */
let animate = false;

/** The rows by person: friends in the order of their phones, then others, then rows of nobody. */
function group(view) {
  const groups = new Map();
  for (const friend of view.friends) if (friend.person) groups.set(friend.person, { person: friend.person, friend, rows: [] });
  for (const row of view.rows) {
    if (!groups.has(row.person)) {
      const friend = row.person && view.friends.find(({ user_id: user }) => user === row.user_id);
      groups.set(row.person, { person: row.person, friend: friend || null, rows: [] });
    }
    groups.get(row.person).rows.push(row);
  }
  return [...groups.values()].filter(({ rows }) => rows.length > 0).sort((a, b) => (a.person === null) - (b.person === null));
}

function createPerson({ person }, looked) {
  const picture = h('span', { class: 'avatar', 'aria-hidden': 'true' }, person === null ? icon('tombstone') : null);
  const name = h('h3');
  const note = h('p', { class: 'person-note' });
  const opening = person === null ? null : createOpening();
  const content = createGroup('groupContent', looked);
  const keeping = createGroup('groupKeeping', looked);
  const element = h(
    'article',
    { class: 'person', 'data-testid': 'person', 'data-person': person },
    h('header', { class: 'person-head' }, picture, h('div', { class: 'person-name' }, name, note), opening?.button),
    opening?.element,
    content.element,
    keeping.element,
  );
  if (animate) element.classList.add('is-new');

  function update({ friend, rows }) {
    const called = friend?.name ?? t(person === null ? 'noPerson' : 'personUnknown');
    setText(name, called);
    if (person !== null) setText(picture, initial(called));
    const number = person === null ? t('noPersonText') : t('personNumber', { id: shortId(person) });
    setText(note, person === null ? number : `${number} ・ ${t('countRows', { n: rows.length })}`);
    opening?.update({ name: called, friend, user: friend?.user_id ?? rows.find((row) => row.user_id)?.user_id });
    // What came before consent is due in a day, and stays longer once consent is given.
    const agreed = rows.some((row) => row.kind === 'mapping' && row.item.consent?.S === 'given');
    const shown = rows.map((row) => ({ ...row, extended: agreed && Boolean(row.item.awaiting) }));
    content.update(shown.filter(({ kind }) => CONTENT.includes(kind)));
    keeping.update(shown.filter(({ kind }) => !CONTENT.includes(kind)));
  }

  return { element, update };
}

function createGroup(title, looked) {
  const list = h('ul', { class: 'rows' });
  const element = h('div', { class: 'row-group' }, h('h4', { t: title }), list);
  const show = keyedList(list, {
    key: ({ pk, sk }) => `${pk}\n${sk}`,
    create: (row) => createRow(row, { fresh: animate, looked }),
    leave: fadeAway,
  });
  function update(rows) {
    element.hidden = rows.length === 0;
    show([...rows].sort(newestFirst));
  }
  return { element, update };
}

function newestFirst(a, b) {
  return (b.event_at ?? 0) - (a.event_at ?? 0) || (a.pk + a.sk < b.pk + b.sk ? 1 : -1);
}
