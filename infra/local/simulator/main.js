// The page's beginning: puts the parts together and keeps them up to date.

import { startBrowser } from './browser.js';
import { createClock } from './clock.js';
import { setText } from './dom.js';
import { language, pick, setLanguage, t, translate } from './lang.js';
import { createPhone } from './phone.js';
import { createRecords } from './records.js';
import { createSettings } from './settings.js';
import { onChange, redraw, refresh, state } from './state.js';
import { startTabs } from './tabs.js';
import { createVault } from './vault.js';
import { createWalk } from './walk.js';

const EVERY_MS = 2000;

const part = (id) => document.getElementById(id);

const walk = createWalk(part('walk'));
startTabs();
startBrowser();
onChange(createPhone(part('phone')));
onChange(createClock(part('clock'), { erased: () => walk.tick('Erase') }));
onChange(createVault(part('vault'), { looked: () => walk.tick('Look') }));
onChange(createRecords(part('records')));
onChange(createSettings(part('settings'), part('open-settings'), { restartWalk: walk.restart }));
onChange(walk.update);
onChange(updateFrame);

/** The language button, and word of a server that does not answer. */
function updateFrame() {
  const other = language() === 'ja' ? 'en' : 'ja';
  part('lang').lang = other;
  setText(part('lang'), t('otherLanguage'));
  part('offline').hidden = !state.failure;
  if (state.failure) setText(part('offline'), offlineText(state.failure));
}

/** A server that is away comes back; one that answers wrongly deserves its own words. */
function offlineText(failure) {
  return failure.status === 0 || !failure.text ? t('offline') : t('notAnswered', { text: pick(failure.text) });
}

part('lang').addEventListener('click', () => {
  setLanguage(language() === 'ja' ? 'en' : 'ja');
  redraw();
});

/** Looks again and again while somebody is looking at the page. */
async function poll() {
  if (!document.hidden) await refresh();
  setTimeout(poll, EVERY_MS);
}

document.addEventListener('visibilitychange', () => {
  if (!document.hidden) refresh();
});

translate();
poll();
