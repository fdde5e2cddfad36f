//! What people ask in the chat of what is held about them, and what becomes of it.

use azukari::domain::{rights::CONFIRM_MS, time::HOUR_MS};
use azukari_tests::{
    app::{NOON, PUBLIC_URL, TestApp},
    line::{Someone, redelivered},
};
use serde_json::Value;

/// The buttons that the account has shown to somebody, the newest last.
fn buttons(app: &TestApp, someone: &Someone) -> Vec<Value> {
    let sent = app.installation().line().sent();
    let own = sent.iter().filter(|sent| sent.to == someone.0).flat_map(|sent| sent.messages.clone());
    own.flat_map(|message| message["template"]["actions"].as_array().cloned().unwrap_or_default()).collect()
}

fn button(app: &TestApp, someone: &Someone, label: &str) -> Option<Value> {
    buttons(app, someone).into_iter().rfind(|action| action["label"] == label)
}

fn data(app: &TestApp, someone: &Someone, label: &str) -> String {
    let button = button(app, someone, label).unwrap_or_else(|| panic!("there is no button {label}"));
    button["data"].as_str().expect("it sends something back").to_owned()
}

/// The path of the receipt that somebody was led to last.
fn receipt(app: &TestApp, someone: &Someone) -> Option<String> {
    let uri = button(app, someone, "消去の控えを見る")?["uri"].as_str()?.to_owned();
    Some(uri.strip_prefix(PUBLIC_URL).expect("an address of ours").to_owned())
}

/// How many messages somebody was sent.
fn told(app: &TestApp, someone: &Someone) -> usize {
    let sent = app.installation().line().sent();
    sent.iter().filter(|sent| sent.to == someone.0).map(|sent| sent.messages.len()).sum()
}

/// Somebody who has agreed and written something.
async fn known(app: &TestApp) -> Someone {
    let someone = app.someone();
    assert_eq!(app.hook(&[someone.follow(NOON - 9 * HOUR_MS)]).await, 200);
    let agree = data(app, &someone, "同意する");
    assert_eq!(app.hook(&[someone.postback("EA", NOON - 9 * HOUR_MS + 1, &agree)]).await, 200);
    assert_eq!(app.hook(&[someone.text("first", NOON - 8 * HOUR_MS, &app.marker("消えてほしい文"))]).await, 200);
    someone
}

#[tokio::test]
async fn asked_in_the_chat_and_asked_again_everything_is_erased_with_a_receipt() {
    let app = TestApp::new().await;
    let someone = known(&app).await;
    let subject = app.subject("demo", &someone).unwrap();
    assert_eq!(app.hook(&[someone.text("2", NOON, "　データ削除 ")]).await, 200);
    assert!(app.rows_of("order").is_empty(), "asking is not answering");
    let erase = data(&app, &someone, "すべて消去する");
    assert_eq!(app.hook(&[someone.postback("E1", NOON + 1, &erase)]).await, 200);
    let [order] = &app.rows_of("order")[..] else { panic!("one order") };
    assert_eq!((&order["what"]["S"], &order["ground"]["S"]), (&"erase".into(), &"asked".into()));
    let path = receipt(&app, &someone).expect("they are led to the receipt");
    let page = app.get(&path).await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains("1分ほどたってから"), "{}", page.text);
    app.sweep_all().await;
    assert!(app.rows_of_person(subject).is_empty());
    let page = app.get(&path).await;
    assert!(page.text.contains("トークのメッセージ"), "{}", page.text);
    assert!(app.subject("demo", &someone).is_none());
    app.assert_nothing_in_the_clear();
    // A new friend is a new person, of whom nothing is remembered.
    assert_eq!(app.hook(&[someone.follow(app.now())]).await, 200);
    let new = app.subject("demo", &someone).expect("somebody new");
    assert_ne!(new, subject);
    assert_eq!(app.rows_of("consent").len(), 0);
}

#[tokio::test]
async fn the_order_comes_once_and_tells_the_same_receipt_however_often_it_is_delivered() {
    let app = TestApp::new().await;
    let someone = known(&app).await;
    app.advance(HOUR_MS);
    assert_eq!(app.hook(&[someone.postback("E0", NOON, "azukari:erase")]).await, 200);
    let event = [someone.postback("E1", app.now(), &data(&app, &someone, "すべて消去する"))];
    assert_eq!(app.hook(&event).await, 200);
    let first = receipt(&app, &someone);
    let before = app.rows_of("order");
    assert_eq!(app.hook(&redelivered(&event)).await, 200);
    assert_eq!(receipt(&app, &someone), first);
    assert_eq!(app.rows_of("order"), before, "one order, unchanged");
    app.sweep_all().await;
    let told_before = told(&app, &someone);
    // Late: it is older than the erasure that it has ordered.
    assert_eq!(app.hook(&redelivered(&event)).await, 200);
    assert_eq!((app.rows_of("order").len(), told(&app, &someone)), (0, told_before));
    assert_eq!(app.installation().metrics().get("webhook_rights", "older_than_erasure"), 1);
    assert!(app.rows_of("subject").is_empty(), "nothing comes back");
}

#[tokio::test]
async fn who_thinks_better_of_it_keeps_everything() {
    let app = TestApp::new().await;
    let someone = known(&app).await;
    assert_eq!(app.hook(&[someone.text("2", NOON, "delete my data")]).await, 200);
    let keep = data(&app, &someone, "やめる");
    let before = told(&app, &someone);
    assert_eq!(app.hook(&[someone.postback("E1", NOON + 1, &keep)]).await, 200);
    assert_eq!(told(&app, &someone), before + 1);
    assert_eq!(app.sweep_all().await.persons, 0);
    assert!(app.subject("demo", &someone).is_some() && app.rows_of("order").is_empty());
}

#[tokio::test]
async fn a_button_in_an_old_chat_asks_again() {
    let app = TestApp::new().await;
    let someone = known(&app).await;
    assert_eq!(app.hook(&[someone.postback("E0", NOON, "azukari:erase")]).await, 200);
    let erase = data(&app, &someone, "すべて消去する");
    let late = app.now() + CONFIRM_MS + 1;
    app.advance(CONFIRM_MS + HOUR_MS);
    assert_eq!(app.hook(&[someone.postback("E1", late, &erase)]).await, 200);
    assert!(app.rows_of("order").is_empty());
    let again = data(&app, &someone, "すべて消去する");
    assert_ne!(again, erase);
    assert_eq!(app.hook(&[someone.postback("E2", app.now(), &again)]).await, 200);
    assert_eq!(app.rows_of("order").len(), 1);
}

#[tokio::test]
async fn of_whom_nothing_is_held_is_told_so() {
    let app = TestApp::new().await;
    let someone = app.someone();
    for (n, data) in ["azukari:erase".to_owned(), format!("azukari:erase:{}", app.now())].iter().enumerate() {
        let n = i64::try_from(n).unwrap();
        assert_eq!(app.hook(&[someone.postback(&format!("E{n}"), NOON + n, data)]).await, 200);
    }
    let sent = app.installation().line().sent();
    let texts: Vec<&str> = sent.iter().flat_map(|sent| &sent.messages).filter_map(|it| it["text"].as_str()).collect();
    assert_eq!(texts, ["お預かりしているものはありません。"; 2]);
    assert!(app.rows_of("subject").is_empty() && app.rows_of("order").is_empty());
}

#[tokio::test]
async fn another_persons_button_erases_only_whoever_presses_it() {
    let app = TestApp::new().await;
    let (someone, other) = (known(&app).await, known(&app).await);
    assert_eq!(app.hook(&[someone.postback("E0", NOON, "azukari:erase")]).await, 200);
    let erase = data(&app, &someone, "すべて消去する");
    assert_eq!(app.hook(&[other.postback("E1", NOON + 1, &erase)]).await, 200);
    app.sweep_all().await;
    assert!(app.subject("demo", &someone).is_some(), "they have not pressed it");
    assert!(app.subject("demo", &other).is_none());
}

#[tokio::test]
async fn whoever_does_not_agree_is_led_to_a_receipt_too() {
    let app = TestApp::new().await;
    let someone = app.someone();
    assert_eq!(app.hook(&[someone.follow(NOON - 9)]).await, 200);
    let refuse = data(&app, &someone, "同意しない");
    assert_eq!(app.hook(&[someone.postback("E1", NOON, &refuse)]).await, 200);
    let path = receipt(&app, &someone).expect("they are led to the receipt");
    app.sweep_all().await;
    let page = app.get(&path).await;
    assert!(page.status == 200 && page.text.contains("LINEのユーザーID"), "{}", page.text);
}

#[tokio::test]
async fn a_channel_can_name_its_own_words() {
    let demo = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../infra/config/channels/demo.toml"));
    let own = format!("{}\n[rights]\nerase_words = [\"退会\"]\n", demo.expect("it is shipped"));
    let app = TestApp::with_files(&[("channels/demo.toml", &own)]).await;
    let someone = known(&app).await;
    assert_eq!(app.hook(&[someone.text("2", NOON, "データ削除")]).await, 200);
    assert!(button(&app, &someone, "すべて消去する").is_none());
    assert_eq!(app.hook(&[someone.text("3", NOON + 1, "退会")]).await, 200);
    assert!(button(&app, &someone, "すべて消去する").is_some());
}
