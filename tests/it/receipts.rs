//! Receipts of erasures: at each step they tell whoever asked how far it has come, what is
//! saved of them proves it without the system, and nothing in them leads to the person.

use axum::body::Body;
use azukari::{
    domain::{
        erasure::Ground,
        id::SubjectId,
        receipt::{Receipt, ReceiptId, State},
        time::{DAY_MS, UnixMs},
    },
    host::{
        roles::{Key, Role},
        secrets,
    },
    keys::{self, evidence::EvidenceKey},
    store::{
        receipt::{NotProven, SignedReceipt},
        tables::Table,
    },
};
use azukari_local::engine::wire::{Call, Calm, Fate, Service, Touch, Weather};
use azukari_tests::{
    app::{NOON, TestApp, unique},
    faults::Down,
    witness,
};
use http::{HeaderMap, Request};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::erasure::{erase, order};

struct Page {
    status: u16,
    headers: HeaderMap,
    text: String,
}

async fn get(app: &TestApp, path: &str) -> Page {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let (parts, body) = app.router().oneshot(request).await.unwrap().into_parts();
    let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
    Page { status: parts.status.as_u16(), headers: parts.headers, text }
}

/// The id of the receipt for an order, as whoever takes the order derives it.
fn receipt_id(app: &TestApp, subject: SubjectId, order: &str) -> ReceiptId {
    let origin = secrets::origin(&app.installation().secrets(Role::Sweeper)).expect("there is an origin key");
    ReceiptId::of(subject, order, &origin)
}

/// The same for an order placed by [`order`], which is named by its time.
fn receipt_as_of(app: &TestApp, subject: SubjectId, as_of: i64) -> ReceiptId {
    receipt_id(app, subject, &format!("EO{as_of}"))
}

/// All that is needed to check a receipt.
fn evidence(app: &TestApp) -> EvidenceKey {
    EvidenceKey::new(app.installation().evidence()).expect("it is a public key")
}

/// A receipt as far as it has come, checked.
async fn signed(app: &TestApp, id: ReceiptId) -> Receipt {
    let file = get(app, &format!("/receipts/{id}.json")).await;
    assert_eq!(file.status, 200, "{}", file.text);
    let receipt = SignedReceipt::verify(&file.text, &evidence(app)).expect("it is genuine").receipt;
    assert_eq!(receipt.id, id);
    receipt
}

/// Every stored step of every receipt.
fn stored(app: &TestApp) -> Vec<Value> {
    let of_receipt = |row: &Value| row["pk"]["S"].as_str().is_some_and(|pk| pk.starts_with("T#"));
    app.rows(Table::Audit).into_iter().filter(of_receipt).collect()
}

/// Milliseconds after noon.
fn noon(ms: i64) -> UnixMs {
    UnixMs::new(NOON + ms)
}

/// The sweeper can delete no row of a person.
struct RowsStay;

impl Weather for RowsStay {
    fn fate(&self, call: &Call) -> Fate {
        let of_person = |touch: &Touch| touch.target == "vault" && touch.partition == "S#";
        let deletes = call.operation == "DeleteItem" && call.touches.iter().any(of_person);
        if call.role == Some(Role::Sweeper) && deletes { Fate::Fails } else { Fate::Answered }
    }
}

#[tokio::test]
async fn it_tells_how_far_the_erasure_has_come() {
    let app = TestApp::new().await;
    let someone = app.someone();
    assert_eq!(app.hook_to("kept", &[someone.text("1", NOON, "a")]).await, 200);
    let subject = order(&app, "kept", &someone, NOON).await;
    let id = receipt_as_of(&app, subject, NOON);
    let path = format!("/receipts/{id}");

    // The order is placed, and no step taken.
    let page = get(&app, &path).await;
    assert_eq!(page.status, 200);
    assert!(
        page.text.contains("受け付けたばかりか、番号が正しくないかのどちらかです。1分ほどたってから"),
        "{}",
        page.text
    );
    assert!(page.text.contains("もう一度確かめる"));
    assert!(!page.text.contains("<time") && !page.text.contains("<table") && !page.text.contains(".json"));
    let english = get(&app, &format!("{path}?lang=en")).await.text;
    assert!(english.contains("open this page again in about a minute"), "{english}");
    assert_eq!(get(&app, &format!("{path}.json")).await.status, 404);

    app.sweep().await.unwrap();
    let page = get(&app, &path).await.text;
    assert!(page.contains("もうだれにも開けません") && page.contains("もう一度確かめる"), "{page}");
    assert!(page.contains("<dt>開封の停止</dt>") && !page.contains("<dt>鍵の破棄</dt>"), "{page}");
    let receipt = signed(&app, id).await;
    assert_eq!((receipt.state, receipt.restricted_at), (State::Restricted, noon(0)));
    assert_eq!((receipt.unreachable_at, receipt.erased_at, receipt.held), (None, None, None));

    // The key is destroyed, and then it breaks off.
    app.advance(120_000);
    app.weather(RowsStay);
    assert!(app.sweep().await.unwrap().failed > 0);
    let page = get(&app, &path).await.text;
    assert!(page.contains("鍵を破棄したので、お預かりしていたものは、もう読めません"), "{page}");
    assert!(page.contains("<dt>鍵の破棄</dt>") && !page.contains("<dt>消去の完了</dt>"), "{page}");
    let unreachable = signed(&app, id).await;
    assert_eq!((unreachable.state, unreachable.unreachable_at), (State::Unreachable, Some(noon(120_000))));
    assert_eq!(unreachable.erased_at, None);

    app.weather(Calm);
    app.advance(60_000);
    assert_eq!(app.sweep().await.unwrap().persons, 1);
    let page = get(&app, &path).await.text;
    assert!(page.contains("消去が終わりました") && !page.contains("もう一度確かめる"), "{page}");
    assert_eq!(signed(&app, id).await, unreachable.erased(noon(180_000)), "what was told before stays");
}

#[tokio::test]
async fn what_was_held_and_every_time_is_on_it_in_both_languages() {
    let app = TestApp::new().await;
    let someone = app.someone();
    let at = NOON - 120_000;
    let events = [someone.follow(at), someone.text("1", at, "a"), someone.text("2", at, "b")];
    assert_eq!(app.hook_to("kept", &events).await, 200);
    let rows = app.rows_of_person(app.subject("kept", &someone).unwrap()).len();
    let subject = erase(&app, "kept", &someone, NOON - 60_000).await;
    let id = receipt_as_of(&app, subject, NOON - 60_000);

    let receipt = signed(&app, id).await;
    assert_eq!((receipt.state, receipt.ground.0), (State::Erased, Ground::Asked));
    assert_eq!((receipt.requested_at, receipt.restricted_at), (noon(-60_000), noon(0)));
    assert_eq!((receipt.unreachable_at, receipt.erased_at), (Some(noon(120_000)), Some(noon(120_000))));
    assert_eq!(receipt.unrecoverable_at, Some(noon(120_000 + 7 * DAY_MS)));
    let held = receipt.held.expect("it is known");
    assert_eq!((held["message"], held["line_user_id"], held["friendship"]), (2, 1, 1), "{held:?}");
    let all = usize::try_from(held.values().sum::<u64>()).unwrap();
    assert_eq!(all, rows, "every row is counted, and none that serves the erasure: {held:?}");

    for (language, parts) in [
        (
            "ja",
            [
                "<html lang=\"ja\">",
                "消去が終わりました",
                "日本時間",
                "<th scope=\"row\">トークのメッセージ</th><td>2</td>",
            ],
        ),
        (
            "en",
            [
                "<html lang=\"en\">",
                "The erasure is done",
                "Japan time",
                "<th scope=\"row\">chat messages</th><td>2</td>",
            ],
        ),
    ] {
        let page = get(&app, &format!("/receipts/{id}?lang={language}")).await.text;
        for part in parts {
            assert!(page.contains(part), "{part} is missing: {page}");
        }
        assert_eq!(page.matches("<time ").count(), 5, "{page}");
        for (stamp, minute) in [
            ("2026-11-21T02:59:00Z", "2026-11-21 11:59"),
            ("2026-11-21T03:00:00Z", "2026-11-21 12:00"),
            ("2026-11-21T03:02:00Z", "2026-11-21 12:02"),
            ("2026-11-28T03:02:00Z", "2026-11-28 12:02"),
        ] {
            assert!(page.contains(&format!("datetime=\"{stamp}\">{minute}</time>")), "{minute} is missing: {page}");
        }
        assert!(page.contains(&format!("href=\"/receipts/{id}.json\"")), "{page}");
    }
}

#[tokio::test]
async fn any_changed_byte_of_the_file_is_found_and_another_key_refuses_it() {
    let app = TestApp::new().await;
    let someone = app.someone();
    assert_eq!(app.hook_to("kept", &[someone.text("1", NOON - 9, "a")]).await, 200);
    let subject = erase(&app, "kept", &someone, NOON - 1).await;
    let id = receipt_as_of(&app, subject, NOON - 1);
    let file = get(&app, &format!("/receipts/{id}.json")).await.text;
    let evidence = evidence(&app);
    assert!(SignedReceipt::verify(&file, &evidence).is_ok());
    assert!(file.contains("\"message\":1") && file.is_ascii(), "{file}");
    for place in 0..file.len() {
        let mut bytes = file.clone().into_bytes();
        bytes[place] ^= 1;
        let changed = String::from_utf8(bytes).expect("it is still ASCII");
        assert!(SignedReceipt::verify(&changed, &evidence).is_err(), "byte {place}: {changed}");
    }
    // Another key of the same installation.
    let other = keys::public_key(&app.installation().kms_as(Role::Admin), Key::Enrol.as_str()).await.unwrap();
    let other = EvidenceKey::new(&other).unwrap();
    assert_eq!(SignedReceipt::verify(&file, &other), Err(NotProven::Signature));
}

#[tokio::test]
async fn nothing_in_it_leads_to_the_person() {
    let app = TestApp::new().await;
    let someone = app.someone();
    let (name, text) = (app.marker("鈴木"), app.marker("消えた文"));
    let profile = json!({"displayName": name, "userId": someone.0, "language": "ja"});
    app.installation().line().set_profile(&someone.0, Some(profile));
    assert_eq!(app.hook_to("kept", &[someone.follow(NOON - 9), someone.text("1", NOON - 8, &text)]).await, 200);
    app.agree("kept", &someone, NOON - 7).await;
    assert_eq!(app.rows_of("profile").len(), 1);
    let mapping = app.mapping_key("kept", &someone);
    let digest = mapping.rsplit('#').next().expect("a digest").to_owned();
    let subject = erase(&app, "kept", &someone, NOON - 1).await;
    let id = receipt_as_of(&app, subject, NOON - 1);

    let rows = stored(&app);
    assert_eq!(rows.len(), 3, "restricted, unreachable, erased: {rows:?}");
    let mut told: Vec<String> = rows.iter().map(Value::to_string).collect();
    for path in [format!("/receipts/{id}.json"), format!("/receipts/{id}"), format!("/receipts/{id}?lang=en")] {
        told.push(get(&app, &path).await.text);
    }
    let secrets = [someone.0.clone(), subject.to_string(), name, text, digest, format!("EO{}", NOON - 1)];
    for what in &told {
        assert!(what.contains(&id.to_string()), "{what}");
        for secret in &secrets {
            assert!(!what.contains(secret), "{secret} is in {what}");
        }
    }
    let list: String = app.rows(Table::Audit).iter().map(Value::to_string).collect();
    assert!(list.contains(&secrets[1]), "the erasure list names them, so the search can find");
}

#[tokio::test]
async fn two_orders_of_one_person_both_end_with_a_receipt() {
    // In a seed the two are carried out in the same order in every run.
    let app = TestApp::of_seed(7).await;
    let someone = app.someone();
    assert_eq!(app.hook_to("kept", &[someone.text("1", NOON - 9, "a")]).await, 200);
    let subject = order(&app, "kept", &someone, NOON - 2).await;
    assert_eq!(order(&app, "kept", &someone, NOON - 1).await, subject);
    app.sweep_all().await;
    assert!(app.rows_of_person(subject).is_empty());
    for as_of in [NOON - 2, NOON - 1] {
        let receipt = signed(&app, receipt_as_of(&app, subject, as_of)).await;
        assert_eq!((receipt.state, receipt.requested_at), (State::Erased, UnixMs::new(as_of)));
        assert_eq!(receipt.held.expect("it is known")["message"], 1);
    }
}

#[tokio::test]
async fn whoever_does_not_agree_has_a_receipt_too() {
    let app = TestApp::new().await;
    let someone = app.someone();
    assert_eq!(app.hook_to("kept", &[someone.text("1", NOON - 9, "a")]).await, 200);
    assert_eq!(app.hook_to("kept", &[app.answer(&someone, NOON - 1, false)]).await, 200);
    let consents = u64::try_from(app.rows_of("consent").len()).unwrap();
    assert!(consents > 0);
    let subject = app.subject("kept", &someone).unwrap();
    // The order is named by the event that gave it.
    let id = receipt_id(&app, subject, &format!("EA{}false", NOON - 1));
    assert_eq!(app.sweep_all().await.persons, 1);
    let receipt = signed(&app, id).await;
    assert_eq!((receipt.state, receipt.ground.0), (State::Erased, Ground::Refused));
    assert_eq!(receipt.requested_at, noon(-1));
    assert_eq!(receipt.held.expect("it is known")["consent"], consents);
    assert!(get(&app, &format!("/receipts/{id}")).await.text.contains("「同意しない」を選ばれました"));
}

#[tokio::test]
async fn a_refusal_that_is_taken_back_ends_with_the_word_that_nothing_was_lost() {
    let app = TestApp::new().await;
    let someone = app.someone();
    assert_eq!(app.hook_to("kept", &[someone.text("1", NOON - 9, "a")]).await, 200);
    assert_eq!(app.hook_to("kept", &[app.answer(&someone, NOON - 5, false)]).await, 200);
    app.agree("kept", &someone, NOON - 1).await;
    let subject = app.subject("kept", &someone).unwrap();
    let id = receipt_id(&app, subject, &format!("EA{}false", NOON - 5));
    assert_eq!(app.sweep_all().await.persons, 0);
    assert_eq!(app.rows_of("message").len(), 1);
    let receipt = signed(&app, id).await;
    assert_eq!((receipt.state, receipt.revoked_at), (State::Revoked, Some(noon(0))));
    assert_eq!((receipt.unreachable_at, receipt.unrecoverable_at, receipt.held), (None, None, None));
    for (language, words, called_off) in
        [("ja", "何も失われていません", "<dt>取りやめ</dt>"), ("en", "Nothing was lost", "<dt>Called off</dt>")]
    {
        let page = get(&app, &format!("/receipts/{id}?lang={language}")).await.text;
        assert!(page.contains(words) && page.contains(called_off), "{page}");
        assert!(!page.contains("<table"), "{page}");
    }
}

#[tokio::test]
async fn what_ends_by_a_term_has_no_receipt() {
    let app = TestApp::new().await;
    let someone = app.someone();
    assert_eq!(app.hook(&[someone.follow(NOON), someone.text("1", NOON, "a")]).await, 200);
    app.advance(2 * DAY_MS);
    assert_eq!(app.sweep_all().await.persons, 1);
    assert!(stored(&app).is_empty());
}

#[tokio::test]
async fn an_id_that_is_none_is_not_found() {
    let app = TestApp::new().await;
    let good = "0123456789abcdef0123456789abcdef";
    let upper = good.to_uppercase();
    let (long, program) = (format!("{good}0"), format!("{good}.json.json"));
    for bad in ["0", &good[1..], &long, &upper, "0123456789abcdef0123456789abcdeg", "%ff"] {
        let page = get(&app, &format!("/receipts/{bad}")).await;
        assert_eq!(page.status, 404, "{bad}");
        assert!(page.text.contains("ページが見つかりません"), "{bad}");
        assert_eq!(page.headers["cache-control"], "no-store");
    }
    for bad in [".json", "0.json", &program, &format!("{good}.json")] {
        let file = get(&app, &format!("/receipts/{bad}")).await;
        assert_eq!(file.status, 404, "{bad}");
        assert_eq!(file.headers["content-type"], "application/problem+json; charset=utf-8", "{bad}");
        let problem: Value = serde_json::from_str(&file.text).unwrap();
        assert!(problem["title"].as_str().unwrap().contains("控えはまだないか"), "{problem}");
    }
    // Nobody can tell a wrong one that is well formed from one before its first step.
    let page = get(&app, &format!("/receipts/{good}")).await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains("受け付けたばかりか、番号が正しくないかのどちらかです"), "{}", page.text);
}

#[tokio::test]
async fn it_is_kept_nowhere_lets_nothing_in_and_costs_one_call() {
    let app = TestApp::new().await;
    let someone = app.someone();
    assert_eq!(app.hook_to("kept", &[someone.text("1", NOON - 9, "a")]).await, 200);
    let subject = erase(&app, "kept", &someone, NOON - 1).await;
    let id = receipt_as_of(&app, subject, NOON - 1);
    app.start_counting();
    let page = get(&app, &format!("/receipts/{id}")).await;
    let touch = Touch { operation: "Query".to_owned(), target: "audit".to_owned(), partition: "T#".to_owned() };
    let calls: Vec<_> = app.calls().into_iter().map(|call| (call.role, call.touches)).collect();
    assert_eq!(calls, [(Some(Role::Form), vec![touch])]);

    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    assert!(!policy.contains("script-src") && policy.ends_with("frame-ancestors 'self'"), "{policy}");
    for part in ["<script", " style=", "http-equiv"] {
        assert!(!page.text.contains(part), "{part} in {}", page.text);
    }
    assert!(page.text.contains("<meta name=\"robots\" content=\"noindex\">"));

    let file = get(&app, &format!("/receipts/{id}.json")).await;
    assert_eq!(file.headers["content-type"], "application/json; charset=utf-8");
    let name = format!("attachment; filename=\"receipt-{id}.json\"");
    assert_eq!(file.headers["content-disposition"], name.as_str());
    for headers in [&page.headers, &file.headers] {
        assert_eq!(headers["cache-control"], "no-store");
        assert_eq!(headers["referrer-policy"], "no-referrer");
        assert_eq!(headers["x-content-type-options"], "nosniff");
    }
}

#[tokio::test]
async fn a_store_that_does_not_answer_is_said_in_words_and_the_log_does_not_tell_the_id() {
    let app = TestApp::new().await;
    let id = format!("{:032x}", unique());
    app.weather(Down(Service::DynamoDb, Fate::Fails));
    let page = get(&app, &format!("/receipts/{id}")).await;
    assert_eq!(page.status, 503);
    assert!(page.text.contains("ただいま表示できません"), "{}", page.text);
    let file = get(&app, &format!("/receipts/{id}.json")).await;
    assert_eq!(file.status, 503);
    assert!(file.text.contains("ただいまお答えできません"), "{}", file.text);
    let said = String::from_utf8_lossy(&witness::said()).into_owned();
    assert!(said.contains("a receipt could not be read"));
    assert!(!said.contains(&id));
}
