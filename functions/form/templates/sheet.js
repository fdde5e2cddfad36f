// What a form does inside LINE. It asks LINE who the person is only when they send, keeps
// what they have written when the page has to be loaded again, and never writes an answer
// or a token to the console or an address. All texts come from the page.
(() => {
  'use strict';

  const PATH = location.pathname;
  const KEPT = `azukari:kept:${PATH}`;
  const RENEWED = `azukari:renewed:${PATH}`;
  const SENT = `azukari:sent:${PATH}`;
  const MINUTE = 60_000;
  // How long an ID token must still be good for: sending takes a moment.
  const MARGIN = MINUTE;
  // How long answers wait for the page to come back.
  const KEPT_FOR = 10 * MINUTE;
  // A sign-in that was renewed so recently is not renewed again: it would not help.
  const RENEWED_FOR = 5 * MINUTE;
  const PATIENCE = 20_000;
  const LOCKED_FOR = 30_000;
  // What belongs to the page and not to the person.
  const OWN = ['notice', 'id_token', 'lang', 'step'];

  const main = document.querySelector('main');
  const byId = (id) => document.getElementById(id);

  // A browser may refuse to store anything; then nothing is kept.
  const store = {
    read(key) {
      try {
        return sessionStorage.getItem(key);
      } catch {
        return null;
      }
    },
    write(key, value) {
      try {
        sessionStorage.setItem(key, value);
        return true;
      } catch {
        return false;
      }
    },
    remove(key) {
      try {
        sessionStorage.removeItem(key);
      } catch {
        // There is nothing to remove.
      }
    },
  };

  if (main.dataset.page === 'sent') {
    thank();
  } else {
    fill(byId('sheet'));
  }

  // The page after sending: leaves a mark, so that going back does not show the answers.
  function thank() {
    store.remove(KEPT);
    store.remove(RENEWED);
    store.write(SENT, '1');
    document.addEventListener('DOMContentLoaded', () => {
      const liff = window.liff;
      if (!liff || !liff.isInClient()) return;
      const close = byId('close');
      close.hidden = false;
      close.addEventListener('click', () => liff.closeWindow());
    });
  }

  function fill(form) {
    const says = main.dataset;
    // Not form.elements: a field of that name would hide it.
    const controls = (place = form) => [...place.querySelectorAll('input, textarea')];
    const token = form.querySelector('input[name="id_token"]');
    const buttons = form.querySelectorAll('button[type="submit"]');
    const outside = byId('outside');
    const failed = byId('failed');
    const quick = byId('quick');
    // 'starting', 'ready', 'outside' or 'failed'.
    let state = 'starting';
    let sending = false;
    // The button that was pressed before LINE was ready.
    let pressed = null;
    let tired = null;

    const say = (id, text) => {
      const place = byId(id);
      if (place) place.textContent = text;
    };

    const show = (panel) => {
      outside.hidden = panel !== outside;
      failed.hidden = panel !== failed;
    };

    // A fresh copy of the form, in the language of the page.
    const fresh = () => `${location.origin}${PATH}?lang=${document.documentElement.lang}`;

    // ---- answers ----

    const isOwn = (control) => OWN.includes(control.name);
    const isTicked = (control) => control.type === 'radio' || control.type === 'checkbox';
    const isConsent = (name) => name.startsWith('consents.');

    const answers = () => [...new FormData(form)].filter(([name]) => !OWN.includes(name));

    // Whether it is told when they are back is up to what the page was left for.
    const keep = (told) =>
      store.write(KEPT, JSON.stringify({ at: Date.now(), told, words: main.dataset.words, answers: answers() }));

    const kept = () => {
      try {
        const found = JSON.parse(store.read(KEPT));
        return found && Date.now() - found.at < KEPT_FOR ? found : null;
      } catch {
        return null;
      }
    };

    const restore = () => {
      const found = kept();
      if (!found) return store.remove(KEPT);
      const given = new Map();
      for (const [name, value] of found.answers) given.set(name, [...(given.get(name) || []), value]);
      // A tick belongs to the words beside it.
      const sameWords = found.words === main.dataset.words;
      let again = false;
      for (const control of controls()) {
        if (isOwn(control)) continue;
        const values = given.get(control.name) || [];
        if (isConsent(control.name) && !sameWords) {
          again = again || values.length > 0;
        } else if (isTicked(control)) {
          control.checked = values.includes(control.value);
        } else if (values.length > 0) {
          control.value = values[0];
        }
      }
      say('said', [found.told && says.sayRestored, again && says.sayAgreeAgain].filter(Boolean).join(' '));
    };

    // ---- what is asked ----

    const chosen = (name) =>
      controls()
        .filter((control) => control.name === name && !control.disabled && (!isTicked(control) || control.checked))
        .map((control) => control.value);

    // Fields that do not apply are not shown and not sent. They come after what they
    // depend on, so that once through the form is enough.
    const showAsked = () => {
      for (const field of form.querySelectorAll('[data-show-if]')) {
        const any = field.dataset.showAny.split(' ');
        field.hidden = !chosen(field.dataset.showIf).some((value) => any.includes(value));
        for (const control of controls(field)) control.disabled = field.hidden;
      }
      for (const section of form.querySelectorAll('.section')) {
        const fields = [...section.querySelectorAll('.field')];
        section.hidden = fields.length > 0 && fields.every((field) => field.hidden);
      }
      for (const undo of form.querySelectorAll('[data-undo]')) {
        undo.hidden = !undo.parentElement.querySelector('input:checked');
      }
    };

    // ---- signing in ----

    // Whether the ID token is missing, or runs out before it can be looked at.
    const isStale = () => {
      try {
        const claims = liff.getDecodedIDToken();
        return !liff.getIDToken() || !claims || !(claims.exp * 1000 - Date.now() > MARGIN);
      } catch {
        return true;
      }
    };

    // Has LINE sign the person in again, with the answers kept. Returns whether the page is
    // being left. Inside LINE, the SDK goes on with the token that it has stored until it is
    // logged out; signing in again is then part of its start.
    const renew = () => {
      const last = Number(store.read(RENEWED));
      if (Date.now() - last < RENEWED_FOR || !keep(true)) return false;
      store.write(RENEWED, String(Date.now()));
      try {
        liff.logout();
        if (liff.isInClient()) {
          location.replace(fresh());
        } else {
          liff.login({ redirectUri: fresh() });
        }
        return true;
      } catch {
        return false;
      }
    };

    const ready = () => {
      if (state === 'ready') return;
      if (liff.isLoggedIn() && liff.getIDToken()) {
        state = 'ready';
        store.remove(KEPT);
        show(null);
        unlock();
        offerQuickFill();
        if (main.dataset.trouble === 'sign-in-expired' && renew()) return;
        say('said-below', '');
        if (pressed) pressed.click();
        pressed = null;
      } else if (liff.isInClient()) {
        // The answers stay kept: LINE may be about to sign the person in.
        fail();
      } else {
        state = 'outside';
        store.remove(KEPT);
        say('said-below', says.sayOutside);
        show(outside);
        unlock();
        if (pressed) outside.focus();
        pressed = null;
      }
    };

    const fail = () => {
      clearTimeout(tired);
      if (state === 'ready' || state === 'outside') return;
      state = 'failed';
      say('said-below', '');
      show(failed);
      unlock();
      if (pressed) failed.focus();
      pressed = null;
    };

    const wait = () => {
      clearTimeout(tired);
      tired = setTimeout(fail, PATIENCE);
    };

    const begin = () => {
      state = 'starting';
      show(null);
      const { liffId } = main.dataset;
      if (!window.liff || !liffId) return fail();
      wait();
      const start = async () => {
        const plugin = window.liffCommonProfile && window.liffCommonProfile.LiffCommonProfilePlugin;
        if (plugin && liff.use && !liff.$commonProfile) liff.use(new plugin());
        await liff.init({ liffId });
        ready();
      };
      start()
        .catch(fail)
        .finally(() => clearTimeout(tired));
    };

    // ---- sending ----

    const lock = () => {
      for (const button of buttons) button.disabled = true;
    };

    function unlock() {
      sending = false;
      for (const button of buttons) button.disabled = state === 'outside' && button.value !== 'edit';
    }

    // The buttons are locked once the browser has read which of them was pressed. If the
    // page is still there after a while, the answer did not come.
    const send = (text) => {
      sending = true;
      // From here on, the server's copy is the newer one.
      store.remove(KEPT);
      say('said-below', text);
      setTimeout(lock, 0);
      setTimeout(() => {
        say('said-below', '');
        unlock();
      }, LOCKED_FOR);
    };

    form.addEventListener('submit', (event) => {
      const button = event.submitter || buttons[0];
      if (sending) {
        event.preventDefault();
      } else if (button.value === 'edit') {
        // Nothing leaves the page for good: LINE need not be asked.
        send('');
      } else if (state !== 'ready') {
        event.preventDefault();
        if (state === 'starting') {
          pressed = button;
          say('said-below', says.sayWait);
        } else {
          (state === 'outside' ? outside : failed).focus();
        }
      } else if (isStale() && renew()) {
        event.preventDefault();
        say('said-below', says.sayWait);
      } else {
        token.value = liff.getIDToken() || '';
        send(button.value === 'send' ? says.saySending : says.sayChecking);
      }
    });

    // ---- filling in from the LINE profile ----

    const comma = document.documentElement.lang === 'ja' ? '、' : ', ';

    const places = () => [...form.querySelectorAll('[data-quick-fill]')].filter((place) => !place.closest('[hidden]'));
    const keysOf = (place) => place.dataset.quickFill.split(' ');
    const isEmpty = (place) => ('value' in place ? !place.value.trim() : !place.querySelector('input:checked'));

    const nameOf = (place) => {
      const part = [...(place.labels || [])].find((label) => label.classList.contains('part'));
      return part ? part.firstChild.textContent.trim() : place.closest('.field').dataset.label;
    };

    // The values of these keys as one text; nothing if there are none.
    const joined = (keys, data) => {
      const values = keys.map((key) => data[key]).filter((value) => value !== undefined && value !== null);
      const texts = values.map((value) => String(value).trim()).filter((text) => text);
      if (!keys.every((key) => key.startsWith('bday-'))) {
        return texts.join(keys[0].startsWith('address-') ? '' : ' ');
      }
      if (texts.length < keys.length) return '';
      return texts.map((text, at) => text.padStart(keys[at] === 'bday-year' ? 4 : 2, '0')).join('-');
    };

    const put = (place, text) => {
      if ('value' in place) {
        place.value = text;
        return true;
      }
      const option = place.querySelector(`[data-quick-value="${CSS.escape(text)}"]`);
      if (option) option.checked = true;
      return Boolean(option);
    };

    const fillQuickly = async () => {
      const wanted = places();
      const { data } = await liff.$commonProfile.get([...new Set(wanted.flatMap(keysOf))]);
      const filled = new Set();
      const own = new Set();
      const left = new Set();
      for (const place of wanted) {
        const name = nameOf(place);
        const text = joined(keysOf(place), data || {});
        if (!isEmpty(place)) own.add(name);
        else if (text && put(place, text)) filled.add(name);
        else left.add(name);
      }
      showAsked();
      const told = (text, names) => (names.size ? [text.replace('{fields}', () => [...names].join(comma))] : []);
      const nothing = filled.size ? [] : [says.sayFilledNothing];
      say(
        'said',
        [
          ...told(says.sayFilled, filled),
          ...nothing,
          ...told(says.sayFilledKept, own),
          ...(filled.size ? told(says.sayFilledLeft, left) : []),
        ].join(' '),
      );
    };

    function offerQuickFill() {
      if (!quick || !liff.isInClient() || !liff.$commonProfile) return;
      quick.hidden = places().length === 0;
    }

    if (quick) {
      const button = quick.querySelector('button');
      button.addEventListener('click', async () => {
        button.disabled = true;
        try {
          await fillQuickly();
        } catch {
          say('said', says.sayFilledFailed);
        }
        button.disabled = false;
      });
    }

    // ---- the page ----

    form.addEventListener('change', showAsked);

    for (const undo of form.querySelectorAll('[data-undo]')) {
      undo.addEventListener('click', () => {
        const options = controls(undo.parentElement);
        for (const option of options) option.checked = false;
        showAsked();
        options[0].focus();
      });
    }

    for (const link of document.querySelectorAll('[data-keep]')) {
      link.addEventListener('click', () => keep(false));
    }

    for (const link of document.querySelectorAll('#problems a')) {
      link.addEventListener('click', (event) => {
        const target = byId(link.hash.slice(1));
        if (!target) return;
        event.preventDefault();
        target.focus({ preventScroll: true });
        (target.closest('.field, .consent') || target).scrollIntoView();
      });
    }

    byId('retry').addEventListener('click', () => {
      // The SDK itself may be missing: only loading the page again brings it.
      if (keep(true)) location.replace(fresh());
      else begin();
    });

    window.addEventListener('pagehide', () => {
      token.value = '';
    });

    // Comes when the page is shown first, and when somebody goes back to it.
    window.addEventListener('pageshow', (event) => {
      const entry = performance.getEntriesByType('navigation')[0];
      const isBack = event.persisted || (entry && entry.type === 'back_forward');
      const wasSent = store.read(SENT);
      store.remove(SENT);
      if (isBack && wasSent) {
        // It was sent: nothing of it is to be seen any more.
        main.replaceChildren();
        location.replace(fresh());
      } else if (event.persisted) {
        token.value = '';
        say('said-below', '');
        unlock();
        showAsked();
      }
    });

    if (main.dataset.page === 'fill') restore();
    showAsked();
    const news = byId('problems') || byId('trouble');
    if (news) news.focus();
    // The SDK is there, or could not be loaded, once the page is complete.
    wait();
    document.addEventListener('DOMContentLoaded', begin);
  }
})();
