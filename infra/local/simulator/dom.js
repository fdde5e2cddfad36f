// Small tools to build the page. Data reaches it as text nodes and attributes only,
// so nothing a friend writes can become markup.

import { t } from './lang.js';

/**
 * An element. Of the properties, `on` holds listeners, `t`, `tLabel` and
 * `tPlaceholder` name texts that follow the language, `true` sets an empty attribute
 * and `false` or null leaves it out.
 */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === 'on') {
      for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    } else if (name === 't') {
      element.dataset.t = value;
      element.textContent = t(value);
    } else if (name === 'tLabel') {
      element.dataset.tLabel = value;
      element.setAttribute('aria-label', t(value));
    } else if (name === 'tPlaceholder') {
      element.dataset.tPlaceholder = value;
      element.placeholder = t(value);
    } else if (value === true) {
      element.setAttribute(name, '');
    } else if (value !== false && value !== null && value !== undefined) {
      element.setAttribute(name, value);
    }
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Sets a text only when it differs, so that live regions speak and selections break only for news. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Sets an attribute only when it differs; null takes it away. */
export function setAttribute(element, name, value) {
  if (value === null) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value);
}

/**
 * A list that follows its data without being rebuilt: focus, scroll position and what
 * is unfolded stay as they are. `create(item)` returns `{element, update(item)}`.
 * With `leave`, it is called for elements whose item has gone and must remove them.
 */
export function keyedList(parent, { key, create, leave = (element) => element.remove() }) {
  const shown = new Map();
  return function show(items) {
    const keys = new Set(items.map(key));
    for (const [name, part] of shown) {
      if (!keys.has(name)) {
        shown.delete(name);
        leave(part.element);
      }
    }
    let next = settled(parent.firstElementChild);
    for (const item of items) {
      const name = key(item);
      const part = shown.get(name) ?? create(item);
      shown.set(name, part);
      part.update(item);
      if (part.element === next) next = settled(next.nextElementSibling);
      else parent.insertBefore(part.element, next);
    }
  };
}

/** The element or the next one after it that is not about to leave. */
function settled(element) {
  while (element?.classList.contains('is-leaving')) element = element.nextElementSibling;
  return element;
}

/** Whether the person prefers less motion. */
function calm() {
  return matchMedia('(prefers-reduced-motion: reduce)').matches;
}

/**
 * Lets an element fade before it is removed. It is gone for keyboards, screen readers
 * and tests at once: only the eye sees it leave.
 */
export function fadeAway(element) {
  if (calm() || !element.isConnected) {
    element.remove();
    return;
  }
  element.classList.add('is-leaving');
  element.inert = true;
  for (const part of [element, ...element.querySelectorAll('[data-testid]')]) part.removeAttribute('data-testid');
  setTimeout(() => element.remove(), 900);
}

let lastId = 0;

/** An id that no other element has, for labels and descriptions. */
export function uniqueId(prefix) {
  lastId += 1;
  return `${prefix}-${lastId}`;
}
