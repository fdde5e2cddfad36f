// The in-app browser: a page of this server, opened from the chat as LINE would.

import { h, setText } from './dom.js';
import { icon } from './icons.js';
import { t } from './lang.js';
import { friendInHand } from './state.js';

const dialog = document.getElementById('browser');
const title = document.getElementById('browser-title');
const host = document.getElementById('browser-host');
const page = document.getElementById('browser-page');
const closeButton = document.getElementById('browser-close');

/** Makes the browser close properly. */
export function startBrowser() {
  closeButton.append(icon('close'));
  closeButton.addEventListener('click', () => dialog.close());
  // The page is dropped on closing, so that it stops whatever it was doing. The
  // dialog itself gives the focus back to where it came from.
  dialog.addEventListener('close', () => page.replaceChildren());
  window.addEventListener('message', (event) => {
    const ours = event.origin === location.origin && event.source === page.querySelector('iframe')?.contentWindow;
    if (ours && event.data?.liff === 'close') dialog.close();
  });
}

/** Opens an address of this server. */
export function openInside(address) {
  const friend = friendInHand();
  // The phone speaks the language of the page around it.
  if (!address.searchParams.has('lang')) address.searchParams.set('lang', document.documentElement.lang);
  // Whose phone it is: liff.js reads it.
  const name = friend ? `azukari-liff:${JSON.stringify({ user_id: friend.user_id, channel: friend.channel })}` : '';
  const frame = h('iframe', { src: address.href, name, tLabel: 'pageIn', title: t('pageIn') });
  frame.addEventListener('load', () => {
    const inside = frame.contentDocument;
    setText(title, inside?.title || t('pageIn'));
    // Escape pressed inside the page does not reach the dialog by itself.
    inside?.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') dialog.close();
    });
  });
  setText(title, t('loading'));
  setText(host, address.host);
  page.replaceChildren(frame);
  dialog.showModal();
  closeButton.focus();
}

/** The address if it may be followed at all: a link in a message is somebody else's text. */
export function address(text) {
  try {
    const url = new URL(text, location.href);
    return ['http:', 'https:', 'tel:', 'mailto:', 'line:'].includes(url.protocol) ? url : null;
  } catch {
    return null;
  }
}

/** Whether the address is one of this server's pages. */
export function isInside(url) {
  return url.origin === location.origin;
}
