// A `liff` object of the shape of LINE's SDK, for pages that the simulator opens in its
// in-app browser. The simulator names the frame after the person whose phone it is; outside
// of it nobody is logged in, as in a browser of one's own.
(() => {
  const FRAME = 'azukari-liff:';

  const phone = () => {
    if (!window.name.startsWith(FRAME)) return null;
    try {
      return JSON.parse(window.name.slice(FRAME.length));
    } catch {
      return null;
    }
  };

  let idToken = null;
  let announceReady;
  const ready = new Promise((resolve) => {
    announceReady = resolve;
  });

  const fetchIdToken = async () => {
    const { user_id, channel } = phone();
    const answer = await fetch('/simulator/id-token', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ user_id, channel }),
    });
    if (!answer.ok) throw new Error('INIT_FAILED');
    idToken = (await answer.json()).id_token;
  };

  const claims = () => {
    if (!idToken) return null;
    const payload = idToken.split('.')[1].replace(/-/g, '+').replace(/_/g, '/');
    const bytes = Uint8Array.from(atob(payload), (char) => char.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes));
  };

  const tell = (what) => {
    if (window.parent !== window) window.parent.postMessage({ liff: what }, window.location.origin);
  };

  window.liff = {
    ready,
    async init(config) {
      if (!config || !config.liffId) throw new Error('INVALID_CONFIG: liffId is necessary for liff.init()');
      // The folder of the pages was opened first; where to go on stands in the address.
      const state = new URLSearchParams(window.location.search).get('liff.state');
      if (state) {
        window.location.replace(window.location.pathname + state);
        await new Promise(() => {});
      }
      if (phone()) await fetchIdToken();
      announceReady();
    },
    isInClient: () => phone() !== null,
    isLoggedIn: () => idToken !== null,
    // Whoever is not in the client has no account here to log in with.
    login() {},
    logout() {
      idToken = null;
    },
    getIDToken: () => idToken,
    getDecodedIDToken: claims,
    getAccessToken: () => (idToken ? 'simulator' : null),
    async getProfile() {
      const own = claims();
      if (!own) throw new Error('UNAUTHORIZED');
      return { userId: own.sub, displayName: own.name, pictureUrl: undefined, statusMessage: undefined };
    },
    async getFriendship() {
      return { friendFlag: Boolean(phone()) };
    },
    getContext: () => (phone() ? { type: 'utou', userId: phone().user_id, viewType: 'tall' } : { type: 'external' }),
    getOS: () => 'web',
    getLanguage: () => document.documentElement.lang || 'ja',
    // Plugins hang themselves up under their names (LIFF, "Pluggable SDK").
    use(module, option) {
      window.liff[`$${module.name}`] = module.install({ liff: window.liff }, option);
      return window.liff;
    },
    getVersion: () => '2.22.3',
    getLineVersion: () => (phone() ? '15.12.0' : null),
    isApiAvailable: () => false,
    openWindow({ url }) {
      window.open(url, '_blank', 'noopener');
    },
    closeWindow() {
      tell('close');
    },
  };
})();
