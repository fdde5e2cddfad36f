// LINE opens this page first; its SDK knows where to lead on to.
document.addEventListener('DOMContentLoaded', async () => {
  const { liffId } = document.querySelector('main').dataset;
  try {
    await window.liff.init({ liffId });
  } catch {
    document.getElementById('failed').hidden = false;
  }
});
