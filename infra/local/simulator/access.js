// The pages that stand in for LINE's sign-in: in the in-app browser it is known whose phone
// it is, and a page that has come to its end can close it.
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

  const owner = phone();
  const choices = [...document.querySelectorAll('input[name="user_id"]')];
  const own = owner && choices.find((choice) => choice.value === owner.user_id);
  if (own) {
    own.checked = true;
    document.getElementById('mine-name').textContent = own.dataset.name;
    document.getElementById('mine').hidden = false;
    document.getElementById('who').hidden = true;
  }

  const close = document.getElementById('close');
  if (close && window.parent !== window) {
    close.hidden = false;
    close.addEventListener('click', () => window.parent.postMessage({ liff: 'close' }, window.location.origin));
  }
})();
