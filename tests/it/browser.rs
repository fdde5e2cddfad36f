//! The first minute in a real browser: on a desk and on a phone, in both languages.

use azukari_tests::app::TestApp;
use serde_json::Value;
use tokio::sync::Mutex;

use crate::driver::{Browser, Screen};

/// One browser at a time: they are heavy.
pub(crate) static ALONE: Mutex<()> = Mutex::const_new(());

struct Words {
    language: &'static str,
    answering: &'static str,
    blocked: &'static str,
    unsent: &'static str,
}

const JA: Words =
    Words {
        language: "ja", answering: "お問い合わせへの返答", blocked: "ブロックしました", unsent: "取り消"
    };
const EN: Words =
    Words { language: "en", answering: "Answering your messages", blocked: "has blocked", unsent: "unsent" };

/// A new phone of this name, which adds the account.
pub(crate) async fn new_friend(browser: &Browser, name: &str) {
    browser.show("phone").await;
    // The first time the form is there already.
    let hidden =
        "const f = document.querySelector('[data-testid=\"phone-name\"]'); return !f || f.offsetParent === null";
    if browser.run(hidden).await == true {
        browser.press("add-phone").await;
    }
    browser.write("phone-name", name).await;
    browser.press("create-phone").await;
    browser.press("follow").await;
    browser.until_shown("chat", "預かりデモ（見本）です").await;
}

pub(crate) async fn send(browser: &Browser, text: &str) {
    browser.show("phone").await;
    browser.write("composer", text).await;
    browser.press("send").await;
    browser.until_shown("chat", text).await;
}

/// How many rows of a kind the page shows.
pub(crate) async fn rows(browser: &Browser, kind: &str, n: usize) {
    let script =
        format!("return document.querySelectorAll('[data-testid=\"vault-row\"][data-kind=\"{kind}\"]').length === {n}");
    browser.until(&format!("{n} rows of {kind}"), &script).await;
}

async fn move_on(browser: &Browser, button: &str) {
    browser.show("vault").await;
    browser.press(button).await;
    browser.press("sweep").await;
    browser.wait("happened").await;
}

async fn first_minute(screen: Screen, words: Words) {
    let _alone = ALONE.lock().await;
    let app = TestApp::new().await;
    let Some(browser) = Browser::open(&app, screen, words.language).await else { return };
    let name = |state: &str| format!("{screen:?}-{}-{state}", words.language).to_lowercase();
    browser.wait("phone-name").await;
    browser.assert_accessible("at first").await;
    browser.picture(&name("0-first")).await;

    // Add the friend, read the notice, agree, write.
    new_friend(&browser, "さくら").await;
    browser.assert_accessible("with the notice").await;
    browser.picture(&name("1-notice")).await;
    browser.press_action("取扱いを読む").await;
    browser.wait("browser").await;
    browser.until("the policy in the frame", "return !!document.querySelector('[data-testid=browser] iframe')").await;
    browser.press("browser-close").await;
    browser.press_action("同意する").await;
    browser.until_shown("chat", "ありがとうございます。お預かりした情報は").await;
    send(&browser, "来週の土曜、体験レッスンを予約できますか？").await;

    // The row appears, sealed, and says why it is there.
    browser.show("vault").await;
    rows(&browser, "message", 1).await;
    rows(&browser, "consent", 4).await;
    browser.press_css("[data-testid=\"vault-row\"][data-kind=\"message\"]").await;
    browser.until_shown("row-explain", words.answering).await;
    let page = browser.run("return document.querySelector('[data-testid=vault]').textContent").await;
    assert!(!page.as_str().unwrap_or_default().contains("来週の土曜"), "the vault shows nothing in the clear");
    browser.assert_accessible("with a row open").await;
    browser.picture(&name("2-vault")).await;

    // Time passes: it is gone.
    move_on(&browser, "plus-180").await;
    rows(&browser, "message", 0).await;
    browser.picture(&name("3-gone")).await;
    assert!(app.rows_of("message").is_empty());
    browser.press("reset-clock").await;

    // A card number does not get in.
    new_friend(&browser, "みなと").await;
    browser.press_action("同意する").await;
    send(&browser, "カードは 4242 4242 4242 4242 です").await;
    browser.until_shown("chat", "カード番号のように見える数字がありました").await;
    browser.picture(&name("4-card")).await;
    let page: Value = browser.run("return document.querySelector('[data-testid=chat]').textContent").await;
    assert_eq!(page.as_str().unwrap_or_default().matches("4242").count(), 4, "only what the person wrote");

    // What is taken back is gone.
    browser.press_last("bubble-menu").await;
    browser.press("unsend").await;
    browser.until_shown("chat", words.unsent).await;
    browser.show("vault").await;
    rows(&browser, "tombstone", 1).await;
    assert!(app.rows_of("message").is_empty());

    // Block: the time that is left is shown.
    browser.show("phone").await;
    browser.press("phone-menu").await;
    browser.press("block").await;
    let no_more_writing = "const c = document.querySelector('[data-testid=composer]'); return !c || c.disabled || c.offsetParent === null";
    browser.until("no more writing", no_more_writing).await;
    browser.picture(&name("5-blocked")).await;
    browser.show("vault").await;
    rows(&browser, "state", 2).await;
    browser.run("document.querySelectorAll('[data-testid=\"vault-row\"][data-kind=\"state\"][aria-expanded=\"false\"]').forEach((row) => row.click())").await;
    browser.picture(&name("6-block-explained")).await;
    browser.until_shown("row-explain", words.blocked).await;
    browser.assert_accessible("after a block").await;

    // Refuse: nothing is kept.
    let before = app.rows_of("subject").len();
    new_friend(&browser, "あおい").await;
    send(&browser, "聞いてもいいですか").await;
    browser.press_action("同意しない").await;
    browser.until_shown("chat", "承知しました").await;
    browser.picture(&name("7-refused")).await;
    browser.show("vault").await;
    browser.press("sweep").await;
    rows(&browser, "order", 0).await;
    rows(&browser, "message", 0).await;
    assert_eq!(app.rows_of("subject").len(), before, "nothing of who refused is left");
    browser.show("records").await;
    browser.assert_accessible("the records").await;
    browser.picture(&name("8-records")).await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_desk_in_japanese() {
    first_minute(Screen::Desktop, JA).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_desk_in_english() {
    first_minute(Screen::Desktop, EN).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_phone_in_japanese() {
    first_minute(Screen::Phone, JA).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_phone_in_english() {
    first_minute(Screen::Phone, EN).await;
}

/// Looks at the page that the phone shows in its browser, and closes it.
async fn in_the_phones_browser(browser: &Browser, selector: &str, text: &str, picture: &str) {
    let frame = "[data-testid=\"browser\"] iframe";
    browser.wait("browser").await;
    browser.enter(frame).await;
    browser.wait_css(selector).await;
    let shown = format!("return document.body.textContent.includes({text:?})");
    browser.until(text, &shown).await;
    browser.assert_accessible(picture).await;
    browser.leave().await;
    browser.picture(picture).await;
    browser.press("browser-close").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_is_erased_from_the_phone_and_the_receipt_is_shown() {
    let _alone = ALONE.lock().await;
    let app = TestApp::new().await;
    let Some(browser) = Browser::open(&app, Screen::Phone, "ja").await else { return };
    browser.wait("phone-name").await;
    new_friend(&browser, "ひなた").await;
    browser.press_action("同意する").await;
    browser.until_shown("chat", "ありがとうございます。お預かりした情報は").await;
    send(&browser, "住所は 港区1-2-3 です").await;
    send(&browser, "データ削除").await;
    browser.until_shown("chat", "すべて消去しますか").await;
    browser.picture("erase-0-question").await;
    browser.press_action("すべて消去する").await;
    browser.until_shown("chat", "承知しました").await;
    browser.picture("erase-1-asked").await;
    browser.press_action("消去の控えを見る").await;
    in_the_phones_browser(&browser, "h1", "1分ほどたってから", "erase-2-receipt-at-once").await;
    browser.show("vault").await;
    browser.press("sweep").await;
    rows(&browser, "message", 0).await;
    browser.show("phone").await;
    browser.press_action("消去の控えを見る").await;
    in_the_phones_browser(&browser, "h1", "トークのメッセージ", "erase-3-receipt").await;
    assert!(app.rows_of("subject").is_empty());
    // Purposes by number, with buttons.
    send(&browser, "また始めます").await;
    browser.press_action("同意する").await;
    send(&browser, "個人情報").await;
    browser.until_shown("chat", "使いみちごとに、同意を取り消すことができます").await;
    browser.picture("withdraw-0-purposes").await;
    browser.press_action("1を取り消す").await;
    browser.until_shown("chat", "への同意を取り消しますか").await;
    browser.press_action("取り消す").await;
    browser.until_shown("chat", "への同意を取り消しました").await;
    browser.picture("withdraw-1-done").await;
    browser.close().await;
}

/// Taken for the README by `tests/picture.sh`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_picture_of_the_first_minute() {
    let _alone = ALONE.lock().await;
    // As it is shipped: the notice leads to a form, too.
    let mut app = TestApp::new().await;
    let channel = app.folder().join("config/channels/demo.toml");
    let text = std::fs::read_to_string(&channel).expect("the channel is there");
    std::fs::write(channel, text.replace("# greeting_form", "greeting_form")).expect("a file");
    app.restart().await;
    let Some(browser) = Browser::open(&app, Screen::Wide, "ja").await else { return };
    new_friend(&browser, "さくら").await;
    browser.press_action("同意する").await;
    browser.until_shown("chat", "ありがとうございます。お預かりした情報は").await;
    send(&browser, "来週の土曜、体験レッスンを予約できますか？").await;
    rows(&browser, "message", 1).await;
    browser.press_css("[data-testid=\"vault-row\"][data-kind=\"message\"]").await;
    browser.until_shown("row-explain", JA.answering).await;
    // Nothing of the pointer, the focus or the phone's latest news is to be in the way.
    browser
        .run("document.activeElement.blur(); document.getElementById('vault').scrollTop = 0; window.scrollTo(0, 0)")
        .await;
    browser.picture("first-minute").await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_policy_page_reads_well() {
    let _alone = ALONE.lock().await;
    let app = TestApp::new().await;
    for (screen, language) in [(Screen::Phone, "ja"), (Screen::Desktop, "en")] {
        let Some(browser) = Browser::open(&app, screen, language).await else { return };
        browser.goto(&format!("/policy/demo?lang={language}")).await;
        browser.wait_css("#rights").await;
        browser.assert_accessible("the policy").await;
        browser.picture(&format!("policy-{language}")).await;
        browser.close().await;
    }
}
