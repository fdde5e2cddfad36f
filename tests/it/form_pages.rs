//! Forms in a real browser: filled in, got wrong, put right, looked over and sent.

use azukari::domain::time::{DAY_MS, UnixMs};
use azukari_tests::{app::TestApp, line::Someone};
use serde_json::{Value, json};

use crate::{
    browser::{ALONE, new_friend, rows, send},
    driver::{Browser, Screen},
};

const TAB: &str = "\u{e004}";
const SPACE: &str = "\u{e00d}";
const ENTER: &str = "\u{e007}";
const DOWN: &str = "\u{e015}";

/// A date field takes what is typed in the order of the browser's language: set it as a
/// picker does.
async fn pick_date(browser: &Browser, name: &str, day: &str) {
    let script = format!(
        "const d = document.querySelector('[name={name}]'); d.value = {day:?}; d.dispatchEvent(new Event('change', {{bubbles: true}}))"
    );
    browser.run(&script).await;
}

fn in_days(app: &TestApp, days: i64) -> String {
    UnixMs::new(app.now()).plus(days * DAY_MS).tokyo_day().to_string()
}

async fn ready(browser: &Browser) {
    let script = "return document.readyState === 'complete' && !!document.querySelector('main') && liff.isLoggedIn()";
    browser.until("LIFF is ready", script).await;
}

/// Opens a form of a person's as LINE's in-app browser would, without the phone around it.
async fn open_form(browser: &Browser, someone: &Someone, form: &str, language: &str) {
    let name = format!("azukari-liff:{}", json!({"user_id": someone.0, "channel": "demo"}));
    browser.run(&format!("window.name = {}", json!(name))).await;
    browser.goto(&format!("/forms/{form}?lang={language}")).await;
    ready(browser).await;
}

/// The installation's clock as that of the browser: the page compares them.
async fn same_time(app: &TestApp, browser: &Browser) {
    let now = browser.run("return Date.now()").await.as_i64().expect("a time");
    app.advance(now - app.now());
}

async fn page_is(browser: &Browser, page: &str) {
    browser.until(page, &format!("return document.querySelector('main')?.dataset.page === {page:?}")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_the_chat_to_the_vault_with_mistakes_on_the_way() {
    let _alone = ALONE.lock().await;
    let app = TestApp::new().await;
    let Some(browser) = Browser::open(&app, Screen::Phone, "ja").await else { return };
    same_time(&app, &browser).await;
    new_friend(&browser, "さくら").await;
    send(&browser, "体験").await;
    browser.press_action("フォームを開く").await;
    browser.wait("browser").await;
    browser.enter("[data-testid=browser] iframe").await;
    browser.until("LINE leads on to the form", "return location.pathname === '/forms/trial-lesson'").await;
    ready(&browser).await;
    browser.picture("form-1-empty").await;
    browser.assert_accessible("an empty form").await;

    // Mistakes: named at once, at each field and in a summary, and nothing is lost.
    browser.type_in("[name=child_name]", "さくら　花").await;
    browser.type_in("[name=child_kana]", "桜").await;
    browser.type_in("[name=phone]", "090-1234").await;
    browser.press_css("button[type=submit]").await;
    browser.until("the problems", "return !!document.getElementById('problems')").await;
    browser.until("the summary has the focus", "return document.activeElement?.id === 'problems'").await;
    ready(&browser).await;
    browser.picture("form-2-problems").await;
    browser.assert_accessible("with problems").await;
    let kept = browser.run("return document.querySelector('[name=child_name]').value").await;
    assert_eq!(kept, "さくら　花");
    let described = browser
        .run("const f = document.querySelector('[name=child_kana]'); return f.getAttribute('aria-invalid') + ' ' + f.getAttribute('aria-describedby').split(' ').map((id) => document.getElementById(id).textContent).join(' ')")
        .await;
    assert!(
        described.as_str().unwrap().contains("true") && described.as_str().unwrap().contains("カタカナ"),
        "{described}"
    );

    // Put right.
    browser.type_in("[name=child_kana]", "さくら はな").await;
    browser.type_in("[name=child_birthday]", "令和元年5月1日").await;
    browser.type_in("[name=guardian_name]", "さくら 葉子").await;
    browser.type_in("[name=phone]", "０９０ー１２３４ー５６７８").await;
    browser.press_css("[name=lesson][value=piano]").await;
    pick_date(&browser, "wish_date", &in_days(&app, 30)).await;
    browser.press_css("[name=wish_time][value=pm]").await;
    let hidden = "return document.querySelector('[name=experience_detail]').offsetParent === null";
    assert_eq!(browser.run(hidden).await, true, "what does not apply is not shown");
    browser.press_css("[name=experience][value=some]").await;
    assert_eq!(browser.run(hidden).await, false);
    browser.type_in("[name=experience_detail]", "二年ほど習いました").await;
    browser.press_css("[name='consents.lesson']").await;
    browser.press_css("[name='consents.contact']").await;
    browser.press_css("button[type=submit]").await;
    page_is(&browser, "confirm").await;
    ready(&browser).await;
    browser.assert_accessible("to be looked over").await;
    browser.picture("form-3-confirm").await;
    let text = browser.run("return document.querySelector('main').innerText").await;
    for part in ["さくら 花", "ピアノ", "午後", "二年ほど習いました"] {
        assert!(text.as_str().unwrap().contains(part), "{part} is not in {text}");
    }
    assert!(app.rows_of("submission").is_empty(), "nothing waits on the server");

    // Back, changed, and sent.
    browser.press_css("button[name=step][value=edit]").await;
    page_is(&browser, "fill").await;
    ready(&browser).await;
    let still = browser.run("return document.querySelector('[name=\"consents.lesson\"]').checked && document.querySelector('[name=lesson][value=piano]').checked").await;
    assert_eq!(still, true);
    browser.press_css("[name=wish_time][value=am]").await;
    browser.press_css("button[type=submit]").await;
    page_is(&browser, "confirm").await;
    ready(&browser).await;
    browser.press_css("button[name=step][value=send], button[type=submit]:not([value=edit])").await;
    page_is(&browser, "sent").await;
    browser.assert_accessible("after it was sent").await;
    browser.picture("form-4-thanks").await;
    browser.until("LIFF", "return typeof liff !== 'undefined'").await;
    browser.run("liff.closeWindow()").await;
    browser.leave().await;
    browser.until("the frame has closed", "return !document.querySelector('[data-testid=browser]').open").await;
    browser.until_shown("chat", "体験レッスンのお申し込みを受け付けました").await;
    browser.show("vault").await;
    rows(&browser, "submission", 1).await;
    rows(&browser, "lookup", 1).await;
    let row = "[data-testid=\"vault-row\"][data-kind=\"submission\"]";
    browser.run(&format!("document.querySelector({row:?}).scrollIntoView({{block: 'center'}})")).await;
    browser.press_css(row).await;
    browser.until_shown("row-explain", "体験レッスン").await;
    browser.picture("form-5-vault").await;
    let urls = browser.run("return performance.getEntriesByType('resource').map((r) => r.name).join(' ')").await;
    assert!(!urls.as_str().unwrap().contains("eyJ"), "no token in an address");
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_the_keyboard_alone() {
    let _alone = ALONE.lock().await;
    let app = TestApp::new().await;
    let someone = app.someone();
    let Some(browser) = Browser::open(&app, Screen::Phone, "en").await else { return };
    same_time(&app, &browser).await;
    open_form(&browser, &someone, "visit", "en").await;
    browser.assert_accessible("in English").await;
    browser.picture("form-6-english").await;
    pick_date(&browser, "visit_date", &in_days(&app, 7)).await;
    browser.tab_to("[name=visit_time]").await;
    browser.keys(SPACE).await;
    browser.keys(DOWN).await;
    browser.tab_to("[name=people]").await;
    browser.keys("3").await;
    browser.tab_to("[name=name]").await;
    browser.keys("Hanako Yamada").await;
    browser.tab_to("[name=phone]").await;
    browser.keys("+81 3-1234-5678").await;
    browser.tab_to("[name='consents.visit']").await;
    browser.keys(SPACE).await;
    browser.keys(TAB).await;
    browser.tab_to("[name='consents.contact']").await;
    browser.keys(SPACE).await;
    browser.tab_to("button[type=submit]").await;
    browser.keys(ENTER).await;
    page_is(&browser, "confirm").await;
    ready(&browser).await;
    browser.tab_to("button[name=step][value=send], button[type=submit]:not([value=edit])").await;
    browser.keys(ENTER).await;
    page_is(&browser, "sent").await;
    browser.close().await;
    let person = app.open_all("demo", &someone).await;
    let submission: Vec<&Value> =
        person["records"].as_array().unwrap().iter().filter(|record| record["kind"] == "submission").collect();
    assert_eq!(submission[0]["fields"]["visit_time"], "13-15", "{person}");
    assert_eq!(submission[0]["fields"]["phone"], "0312345678");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_expired_sign_in_is_renewed_and_nothing_is_lost() {
    let _alone = ALONE.lock().await;
    let app = TestApp::new().await;
    let someone = app.someone();
    let Some(browser) = Browser::open(&app, Screen::Phone, "ja").await else { return };
    same_time(&app, &browser).await;
    open_form(&browser, &someone, "health-check", "ja").await;
    browser.type_in("[name=name]", "山田 花子").await;
    browser.type_in("[name=birthday]", "昭和60年4月1日").await;
    browser.type_in("[name=symptoms]", "せきが出ます").await;
    browser.press_css("[name='consents.health']").await;
    browser.press_css("[name='consents.contact']").await;
    // Two hours pass while the page is open.
    app.advance(2 * 3_600_000);
    browser.press_css("button[type=submit]").await;
    browser.until("signed in anew", "return performance.getEntriesByType('navigation').length > 0 && document.querySelector('[name=symptoms]')?.value === 'せきが出ます' && liff.getDecodedIDToken().exp * 1000 > 0").await;
    ready(&browser).await;
    browser.until("the ticks are there", "return document.querySelector('[name=\"consents.health\"]').checked").await;
    browser.picture("form-7-renewed").await;
    browser.press_css("button[type=submit]").await;
    browser
        .until("what is still wrong is named", "return document.querySelector('main').innerText.includes('配慮の要る')")
        .await;
    ready(&browser).await;
    browser.press_css("[name='consents.health.sensitive']").await;
    browser.press_css("button[type=submit]").await;
    page_is(&browser, "confirm").await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn outside_line_the_page_says_how_to_open_it() {
    let _alone = ALONE.lock().await;
    let app = TestApp::new().await;
    let Some(browser) = Browser::open(&app, Screen::Phone, "ja").await else { return };
    browser.goto("/forms/visit").await;
    browser
        .until(
            "how to open it in LINE",
            "return [...document.querySelectorAll('a')].some((a) => a.offsetParent && a.href.includes('/1234567890-AzukariA/visit'))",
        )
        .await;
    browser.assert_accessible("outside LINE").await;
    browser.picture("form-8-outside").await;
    browser.goto("/forms/satisfaction").await;
    browser.picture("form-9-anonymous").await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_profile_fills_in_on_a_button_and_leaves_alone_what_is_not_about_the_person() {
    let _alone = ALONE.lock().await;
    let app = TestApp::new().await;
    let someone = app.someone();
    let Some(browser) = Browser::open(&app, Screen::Phone, "ja").await else { return };
    same_time(&app, &browser).await;
    open_form(&browser, &someone, "trial-lesson", "ja").await;
    let value = async |name: &str| {
        browser.run(&format!("return document.querySelector('[name={name}]').value")).await.as_str().unwrap().to_owned()
    };
    assert_eq!(value("guardian_name").await, "", "nothing is filled in by itself");
    browser.type_in("[name=phone]", "03-1234-5678").await;
    browser.press_css("#quick button").await;
    browser.until("it is said", "return document.getElementById('said').textContent.includes('メールアドレス')").await;
    assert_eq!(value("guardian_name").await, "見本 花子");
    assert_eq!(value("email").await, "hanako@example.jp");
    assert_eq!(value("phone").await, "03-1234-5678", "what was typed stays");
    for child in ["child_name", "child_kana", "child_birthday"] {
        assert_eq!(value(child).await, "", "{child} is somebody else");
    }
    browser.assert_accessible("filled in from the profile").await;
    browser.picture("form-10-profile").await;
    // It can be put right like anything that was typed.
    browser.type_in("[name=guardian_name]", "見本 太郎").await;
    assert_eq!(value("guardian_name").await, "見本 太郎");
    browser.close().await;
    assert!(app.rows_of("submission").is_empty());
}
