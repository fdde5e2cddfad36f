// What the page knows: the latest view of the server, the chat on the phone in hand,
// and which phone that is. Parts of the page listen and redraw themselves.

import { api } from './api.js';
import { recall, remember } from './storage.js';

export const state = {
  view: null,
  chat: null,
  /** The LINE user id of the phone in hand. */
  selected: recall('phone'),
  /** Whether a new phone is being set up. */
  adding: false,
  /** The failure of the last look, if the server did not answer. */
  failure: null,
};

const listeners = [];

/** Calls the function whenever something may look different. */
export function onChange(listener) {
  listeners.push(listener);
}

/** Redraws everything from what is known. */
export function redraw() {
  for (const listener of listeners) listener(state);
}

/** The friend whose phone is in hand, or null. */
export function friendInHand() {
  return state.view?.friends.find((friend) => friend.user_id === state.selected) ?? null;
}

let turns = 0;

/** Looks at the server again and redraws. An answer that a later look has overtaken is dropped. */
export async function refresh() {
  turns += 1;
  const turn = turns;
  try {
    const view = await api.view();
    const held = view.friends.find((friend) => friend.user_id === state.selected) ?? view.friends[0];
    const chat = held ? await api.chat(held.user_id) : null;
    if (turn !== turns) return;
    state.view = view;
    state.chat = chat;
    state.selected = held?.user_id ?? null;
    state.failure = null;
  } catch (failure) {
    if (turn !== turns) return;
    state.failure = failure;
  }
  redraw();
}

/** Takes another phone in hand. */
export async function takePhone(user) {
  state.selected = user;
  state.adding = false;
  state.chat = null;
  remember('phone', user);
  redraw();
  await refresh();
}

/** Begins or ends setting up a new phone. */
export function setUpPhone(adding) {
  state.adding = adding;
  redraw();
}
