// Times, sizes and ids as people read them. Times are those of Japan, whatever the
// computer's own zone: due dates are counted there.

import { language, t } from './lang.js';

const ZONE = 'Asia/Tokyo';
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

const formats = new Map();

function format(options) {
  const locale = language() === 'ja' ? 'ja-JP' : 'en-GB';
  const name = locale + JSON.stringify(options);
  if (!formats.has(name)) formats.set(name, new Intl.DateTimeFormat(locale, { timeZone: ZONE, ...options }));
  return formats.get(name);
}

/** 2027年5月20日 */
export function day(ms) {
  return format({ year: 'numeric', month: language() === 'ja' ? 'long' : 'short', day: 'numeric' }).format(ms);
}

/** 11月22日(日) */
export function weekday(ms) {
  return format({ month: 'long', day: 'numeric', weekday: 'short' }).format(ms);
}

/** 11:36 */
export function time(ms) {
  return format({ hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(ms);
}

/** 2026年11月22日(日) 11:36 */
export function moment(ms) {
  return format({
    year: 'numeric',
    month: language() === 'ja' ? 'long' : 'short',
    day: 'numeric',
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  }).format(ms);
}

/** 2026/11/22 11:36 */
export function stamp(ms) {
  return format({
    year: 'numeric',
    month: language() === 'ja' ? 'numeric' : 'short',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  }).format(ms);
}

/** How long until then: あと180日. A day begun counts. */
export function until(then, now) {
  const left = then - now;
  if (left >= 2 * DAY) return t('daysLeft', { n: Math.ceil(left / DAY) });
  return t('hoursLeft', { n: Math.max(1, Math.ceil(left / HOUR)) });
}

/** How far the clock has been moved, in whole days. */
export function daysAhead(offset) {
  return Math.round(offset / DAY);
}

/** The beginning of a random id, enough to tell a few apart. */
export function shortId(id) {
  return `${id.slice(0, 8)}…`;
}

/** The first character of a name, to stand for a picture. */
export function initial(name) {
  return [...name][0] ?? '';
}
