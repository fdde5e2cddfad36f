// A stand-in for LINE's Common Profile plugin (PLATFORM.md §4.2): one profile for every
// phone, of which the last line of the address is not set.
(() => {
  const PROFILE = {
    'family-name': '見本',
    'given-name': '花子',
    'family-name-kana': 'ミホン',
    'given-name-kana': 'ハナコ',
    'sex-enum': 1,
    'bday-year': 1985,
    'bday-month': 4,
    'bday-day': 1,
    tel: '09012345678',
    email: 'hanako@example.jp',
    'postal-code': '1000005',
    'address-level1': '東京都',
    'address-level2': '千代田区',
    'address-level3': '丸の内1-2-3',
    'address-level4': null,
  };

  class LiffCommonProfilePlugin {
    name = 'commonProfile';

    install() {
      return {
        async get(keys) {
          return { data: Object.fromEntries(keys.map((key) => [key, PROFILE[key]])), error: {} };
        },
      };
    }
  }

  window.liffCommonProfile = { LiffCommonProfilePlugin };
})();
