//! What people ask in the chat of what is held about them, and what becomes of it.

use azukari::domain::{erasure::SETTLE_MS, rights::CONFIRM_MS, time::HOUR_MS};
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

/// The data of the quick reply of this label that somebody was shown last.
fn quick_reply(app: &TestApp, someone: &Someone, label: &str) -> Option<String> {
    let sent = app.installation().line().sent();
    let own = sent.iter().filter(|sent| sent.to == someone.0).flat_map(|sent| sent.messages.clone());
    let mut items = own.flat_map(|message| message["quickReply"]["items"].as_array().cloned().unwrap_or_default());
    let found = items.rfind(|item| item["action"]["label"] == label)?;
    Some(found["action"]["data"].as_str()?.to_owned())
}

fn purpose(app: &TestApp, name: &str) -> String {
    app.installation().published().purposes[name].id.as_str().to_owned()
}

/// Takes back the consent to a purpose at a time, as the button does.
async fn withdraw(app: &TestApp, someone: &Someone, name: &str, id: &str, at: i64) {
    let data = format!("azukari:withdraw:{}:{at}", purpose(app, name));
    assert_eq!(app.hook(&[someone.postback(id, at, &data)]).await, 200);
}

fn kinds(person: &Value) -> Vec<String> {
    let records = person["records"].as_array().cloned().unwrap_or_default();
    let mut kinds: Vec<String> = records.iter().map(|it| it["kind"].as_str().unwrap().to_owned()).collect();
    kinds.sort();
    kinds
}

#[tokio::test]
async fn a_consent_is_taken_back_from_the_list_in_the_chat() {
    let app = TestApp::new().await;
    let someone = known(&app).await;
    assert_eq!(app.hook(&[someone.postback("E1", NOON - 5, "コース=A")]).await, 200);
    assert_eq!(app.hook(&[someone.text("2", NOON, "個人情報")]).await, 200);
    let ask = quick_reply(&app, &someone, "1を取り消す").expect("the first purpose");
    assert_eq!(ask, format!("azukari:withdraw:{}", purpose(&app, "chat")));
    assert!(quick_reply(&app, &someone, "すべて消去する").is_some());
    let contact = purpose(&app, "contact");
    assert!((1..=13).all(|n| {
        quick_reply(&app, &someone, &format!("{n}を取り消す")).is_none_or(|data| !data.ends_with(&contact))
    }));
    assert_eq!(app.hook(&[someone.postback("E2", NOON + 1, &ask)]).await, 200);
    assert!(app.rows_of("order").is_empty(), "asking is not answering");
    app.advance(10);
    let yes = data(&app, &someone, "取り消す");
    assert_eq!(app.hook(&[someone.postback("E3", app.now(), &yes)]).await, 200);
    // Use stops at once.
    let opened = app.open_all("demo", &someone).await;
    assert!(!kinds(&opened).contains(&"message".to_owned()), "{opened}");
    assert!(kinds(&opened).contains(&"event".to_owned()), "the rest stays: {opened}");
    let report = app.sweep_all().await;
    assert_eq!((report.withdrawn, report.persons, report.erased), (1, 0, 2), "{report:?}");
    assert!(app.rows_of("message").is_empty());
    assert_eq!(app.rows_of("event").len(), 1);
    let said: Vec<String> =
        app.rows_of("consent").iter().map(|row| row["consent"]["S"].as_str().unwrap().to_owned()).collect();
    assert_eq!(said.iter().filter(|word| *word == "withdrawn").count(), 1, "the ledger of consents has it");
    // Nothing more is kept for it.
    assert_eq!(app.hook(&[someone.text("3", app.now(), &app.marker("もう預けない"))]).await, 200);
    assert!(app.rows_of("message").is_empty());
    app.assert_nothing_in_the_clear();
    // Until they agree anew.
    app.advance(1_000);
    let agree = data(&app, &someone, "同意する");
    assert_eq!(app.hook(&[someone.postback("E4", app.now(), &agree)]).await, 200);
    app.advance(1_000);
    assert_eq!(app.hook(&[someone.text("4", app.now(), "また")]).await, 200);
    assert_eq!(app.rows_of("message").len(), 1);
    assert!(kinds(&app.open_all("demo", &someone).await).contains(&"message".to_owned()));
}

#[tokio::test]
async fn late_events_of_before_a_withdrawal_bring_nothing_back() {
    let app = TestApp::new().await;
    let someone = known(&app).await;
    let late = [someone.text("late", NOON - 3, "遅れて届く"), someone.postback("EL", NOON - 2, "x")];
    withdraw(&app, &someone, "chat", "W1", NOON).await;
    app.sweep_all().await;
    app.advance(SETTLE_MS);
    app.sweep_all().await;
    assert_eq!(app.hook(&late).await, 200);
    assert_eq!(app.hook(&redelivered(&late)).await, 200);
    assert!(app.rows_of("message").is_empty());
    assert_eq!(app.rows_of("event").len(), 1, "another purpose");
    // A withdrawal that is delivered again erases nothing more.
    withdraw(&app, &someone, "operation", "W2", app.now()).await;
    assert_eq!(app.rows_of("order").len(), 1);
    app.sweep_all().await;
    app.advance(SETTLE_MS);
    app.sweep_all().await;
    withdraw(&app, &someone, "chat", "W1", NOON).await;
    assert!(app.rows_of("order").is_empty());
}

#[tokio::test]
async fn the_end_does_not_depend_on_what_came_first() {
    let mut ends = Vec::new();
    for agreed_first in [true, false] {
        let app = TestApp::new().await;
        let someone = known(&app).await;
        app.advance(HOUR_MS);
        let agree = data(&app, &someone, "同意する");
        let (taken_back, anew) = (NOON + 10, NOON + 20);
        let yes = format!("azukari:withdraw:{}:{taken_back}", purpose(&app, "chat"));
        let mut events = vec![someone.postback("W", taken_back, &yes), someone.postback("A", anew, &agree)];
        if agreed_first {
            events.reverse();
        }
        for event in events {
            assert_eq!(app.hook(&[event]).await, 200);
        }
        let between = [someone.text("m15", NOON + 15, "a"), someone.text("m25", NOON + 25, "b")];
        assert_eq!(app.hook(&between).await, 200);
        app.sweep_all().await;
        let mut keys: Vec<String> =
            app.rows_of("message").iter().map(|row| row["sk"]["S"].as_str().unwrap().to_owned()).collect();
        keys.sort();
        ends.push(keys);
    }
    assert_eq!(ends[0], ["R#m25"]);
    assert_eq!(ends[0], ends[1]);
}

#[tokio::test]
async fn of_two_statements_in_one_millisecond_the_later_event_counts_whatever_comes_first() {
    for (agree_id, taken_id) in [("E1", "E2"), ("E2", "E1")] {
        let mut ends = Vec::new();
        for agreed_first in [true, false] {
            let app = TestApp::new().await;
            let someone = known(&app).await;
            let agree = data(&app, &someone, "同意する");
            let yes = format!("azukari:withdraw:{}:{NOON}", purpose(&app, "chat"));
            let mut events = vec![someone.postback(agree_id, NOON, &agree), someone.postback(taken_id, NOON, &yes)];
            if !agreed_first {
                events.reverse();
            }
            for event in events {
                assert_eq!(app.hook(&[event]).await, 200, "{agree_id} {taken_id} {agreed_first}");
            }
            app.sweep_all().await;
            let of_chat = format!("C#{}#{NOON:015}", purpose(&app, "chat"));
            let said = app.rows_of("consent").into_iter().find(|row| row["sk"]["S"] == of_chat.as_str());
            let said = said.expect("the ledger of consents has it")["consent"]["S"].clone();
            assert_eq!(said, if taken_id == "E2" { "withdrawn" } else { "given" });
            ends.push(app.rows_of("message").len());
        }
        assert_eq!(ends, [0, 0], "what came before is gone: it was taken back");
    }
}

#[tokio::test]
async fn our_own_buttons_are_read_although_a_digest_in_them_may_look_like_a_card() {
    let app = TestApp::new().await;
    let someone = app.someone();
    assert_eq!(app.hook(&[someone.follow(NOON - 2)]).await, 200);
    let agree = data(&app, &someone, "同意する");
    let version = agree.split(':').nth(2).expect("the policy it answers to");
    let agree = format!("azukari:agree:{version}:4242424242424242");
    let list = "azukari:withdraw:4242424242424242";
    for data in [&agree, list] {
        assert!(!azukari::domain::guard::guard(data).found.is_empty(), "it looks like one");
    }
    let pressed = [someone.postback("E1", NOON - 1, &agree), someone.postback("E2", NOON, list)];
    assert_eq!(app.hook(&pressed).await, 200);
    assert!(app.rows_of("consent").iter().any(|row| row["consent"]["S"] == "given"), "it was read");
    assert!(quick_reply(&app, &someone, "1を取り消す").is_some(), "this, too");
    assert!(app.rows_of("event").is_empty(), "a button of ours is nothing to keep");
    assert_eq!(app.installation().metrics().get("guard", "card"), 0);
}

#[tokio::test]
async fn what_a_form_kept_for_a_purpose_goes_with_its_look_ups_and_the_rest_stays() {
    let app = TestApp::new().await;
    let someone = known(&app).await;
    let page = app.send_form("visit", &someone, app.visit(), TestApp::visit_consents()).await;
    assert_eq!(page.status, 200, "{}", page.text);
    assert!(!app.rows_of("submission").is_empty());
    app.advance(1_000);
    withdraw(&app, &someone, "visit", "W1", app.now()).await;
    app.sweep_all().await;
    assert!(app.rows_of("submission").is_empty() && app.rows_of("lookup").is_empty());
    assert!(app.rows_of("found_by").is_empty());
    assert_eq!(app.rows_of("message").len(), 1, "another purpose");
    // Whoever fills it in again agrees to it again.
    app.advance(1_000);
    let page = app.send_form("visit", &someone, app.visit(), TestApp::visit_consents()).await;
    assert_eq!(page.status, 200, "{}", page.text);
    app.sweep_all().await;
    assert!(!app.rows_of("submission").is_empty());
    assert!(kinds(&app.open_all("demo", &someone).await).contains(&"submission".to_owned()));
}

#[tokio::test]
async fn a_link_whose_purpose_is_withdrawn_is_undone() {
    let app = TestApp::new().await;
    let someone = known(&app).await;
    app.link_in_chat(&someone, "M-1").await;
    assert_eq!(app.rows_of("link").len(), 1);
    app.advance(1_000);
    withdraw(&app, &someone, "member", "W1", app.now()).await;
    app.sweep_all().await;
    app.advance(SETTLE_MS);
    app.sweep_all().await;
    assert!(app.rows_of("link").is_empty() && app.rows_of("order").is_empty());
    assert!(app.mapping("demo", &someone).unwrap().get("member").is_none());
    assert!(app.subject("demo", &someone).is_some());
}

#[tokio::test]
async fn who_is_not_known_or_names_what_is_not_there_withdraws_nothing() {
    let app = TestApp::new().await;
    let (someone, stranger) = (known(&app).await, app.someone());
    withdraw(&app, &stranger, "chat", "W0", NOON).await;
    for data in ["azukari:withdraw:nothing:1".to_owned(), format!("azukari:withdraw:nothing:{NOON}")] {
        assert_eq!(app.hook(&[someone.postback("W1", NOON, &data)]).await, 200);
    }
    // Being reached is what holds a person together: that is erasing everything.
    withdraw(&app, &someone, "contact", "W2", NOON).await;
    assert!(app.rows_of("order").is_empty());
    assert_eq!(app.rows_of("message").len(), 1);
}
