//! Linking in a real browser: all three ways, from the chat or the member site to linked and
//! back, with the cookies and redirects of a browser.

use azukari_tests::app::TestApp;

use crate::{
    browser::{ALONE, new_friend, rows, send},
    driver::{Browser, Screen},
};

const FRAME: &str = "[data-testid=browser] iframe";
const PASSWORD: &str = "a long enough password";

async fn page_is(browser: &Browser, page: &str) {
    browser.until(page, &format!("return document.querySelector('main')?.dataset.page === {page:?}")).await;
}

/// Signs up at the member site, wherever it asks.
async fn sign_up(browser: &Browser, member: &str) {
    browser.write("sign-up-id", member).await;
    browser.write("sign-up-password", PASSWORD).await;
    browser.press("sign-up").await;
}

async fn state_is(browser: &Browser, state: &str) {
    browser.until_shown("state", state).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_the_chat_to_linked_and_back() {
    let _alone = ALONE.lock().await;
    let app = TestApp::new().await;
    let Some(browser) = Browser::open(&app, Screen::Phone, "ja").await else { return };
    new_friend(&browser, "さくら").await;
    send(&browser, "連携").await;
    browser.press_action("連携に進む").await;
    browser.wait("browser").await;
    browser.enter(FRAME).await;
    page_is(&browser, "about").await;
    browser.assert_accessible("what linking means").await;
    browser.picture("link-1-about").await;
    browser.press("begin").await;
    browser.wait("sign-up").await;
    browser.assert_accessible("the member site").await;
    browser.picture("link-2-site").await;
    sign_up(&browser, "M-1001").await;
    browser.wait("link").await;
    browser.picture("link-3-vouch").await;
    browser.press("link").await;
    page_is(&browser, "dialog").await;
    browser.picture("link-4-dialog").await;
    browser.press("access-link").await;
    browser.until("linked", "return document.querySelector('main')?.dataset.outcome === 'linked'").await;
    browser.press("access-close").await;
    browser.leave().await;
    browser.until_shown("chat", "連携しました").await;
    browser.picture("link-5-chat").await;
    browser.show("vault").await;
    rows(&browser, "link", 1).await;
    let row = "[data-testid=\"vault-row\"][data-kind=\"link\"]";
    browser.run(&format!("document.querySelector({row:?}).scrollIntoView({{block: 'center'}})")).await;
    browser.press_css(row).await;
    browser.until_shown("row-explain", "会員ID").await;
    browser.picture("link-6-vault").await;
    send(&browser, "連携解除").await;
    browser.press_action("解除する").await;
    browser.until_shown("chat", "連携を解除しました").await;
    browser.show("vault").await;
    browser.press("sweep").await;
    rows(&browser, "link", 0).await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_line_login_from_the_account_and_undone_on_our_page() {
    let _alone = ALONE.lock().await;
    let app = TestApp::new().await;
    let Some(browser) = Browser::open(&app, Screen::Phone, "ja").await else { return };
    new_friend(&browser, "さくら").await;
    browser.goto("/link/demo").await;
    browser.press("login").await;
    page_is(&browser, "sign-in").await;
    browser.assert_accessible("LINE's consent screen").await;
    browser.picture("link-login-1-consent").await;
    browser.press("access-allow").await;
    page_is(&browser, "joining").await;
    browser.until_shown("line-name", "さくら").await;
    browser.assert_accessible("before joining").await;
    browser.picture("link-login-2-joining").await;
    browser.press("join").await;
    sign_up(&browser, "M-2001").await;
    browser.press("link").await;
    page_is(&browser, "finish").await;
    browser.until_shown("member-id", "M-2001").await;
    browser.assert_accessible("one last look").await;
    browser.picture("link-login-2b-finish").await;
    browser.press("finish").await;
    state_is(&browser, "連携しています").await;
    browser.picture("link-login-3-linked").await;

    browser.goto("/link/demo/unlink").await;
    page_is(&browser, "unlink").await;
    browser.assert_accessible("how to undo it").await;
    browser.picture("link-login-4-unlink").await;
    browser.press("unlink-login").await;
    page_is(&browser, "sign-in").await;
    browser.press("access-allow").await;
    page_is(&browser, "unlink").await;
    browser.press("unlink").await;
    page_is(&browser, "message").await;
    browser.picture("link-login-5-undone").await;
    browser.goto("/simulator/member/demo").await;
    state_is(&browser, "連携していません").await;
    browser.goto("/?lang=ja").await;
    browser.until_shown("chat", "連携を解除しました").await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_social_login_that_links_and_then_signs_in() {
    let _alone = ALONE.lock().await;
    let app = TestApp::new().await;
    let Some(browser) = Browser::open(&app, Screen::Phone, "ja").await else { return };
    new_friend(&browser, "さくら").await;
    browser.goto("/simulator/member/demo").await;
    browser.assert_accessible("the member site's door").await;
    browser.press("with-line").await;
    page_is(&browser, "sign-in").await;
    browser.press("access-allow").await;
    page_is(&browser, "joining").await;
    browser.press("join").await;
    sign_up(&browser, "M-3001").await;
    browser.press("link").await;
    browser.press("finish").await;
    state_is(&browser, "連携しています").await;
    browser.press("sign-out").await;
    // The next time LINE is enough: nothing of ours is asked, no password given.
    browser.press("with-line").await;
    page_is(&browser, "sign-in").await;
    browser.press("access-allow").await;
    browser.until_shown("member", "M-3001").await;
    state_is(&browser, "連携しています").await;
    browser.picture("link-social-1-signed-in").await;
    // Undone by the member site: nobody is told in the chat.
    browser.press("unlink").await;
    state_is(&browser, "連携していません").await;
    browser.goto("/?lang=ja").await;
    browser.until_shown("chat", "連携しました").await;
    let told =
        browser.run("return document.querySelector('[data-testid=chat]').textContent.includes('解除しました')").await;
    assert_eq!(told, false);
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_want_to_is_back_where_they_came_from() {
    let _alone = ALONE.lock().await;
    let app = TestApp::new().await;
    let Some(browser) = Browser::open(&app, Screen::Phone, "ja").await else { return };
    new_friend(&browser, "さくら").await;
    // Not at LINE's screen.
    browser.goto("/simulator/member/demo").await;
    browser.press("with-line").await;
    page_is(&browser, "sign-in").await;
    browser.press("access-deny").await;
    page_is(&browser, "message").await;
    browser.assert_accessible("stopped").await;
    browser.picture("link-denied-1").await;
    browser.press_css("a.button").await;
    browser.until_shown("note", "連携しませんでした").await;
    // Not at ours.
    browser.goto("/simulator/member/demo").await;
    browser.press("with-line").await;
    page_is(&browser, "sign-in").await;
    browser.press("access-allow").await;
    page_is(&browser, "joining").await;
    browser.press("cancel").await;
    browser.until_shown("note", "連携しませんでした").await;
    assert!(app.rows_of("link").is_empty());
    browser.close().await;
}
