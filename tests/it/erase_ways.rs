//! The ways by which the business has somebody erased, and what each of them leaves behind.

use std::collections::BTreeSet;

use azukari::{
    domain::{
        id::SubjectId,
        time::{HOUR_MS, UnixMs},
    },
    store::tables::Table,
};
use azukari_local::engine::wire::{Call, Calm};
use azukari_tests::{
    app::{NOON, PUBLIC_URL, TestApp, unique},
    faults::faults,
    forms::Page,
    line::Someone,
    linking::site_name,
};
use serde_json::{Value, json};

/// Somebody in a channel that keeps, with one message.
async fn known(app: &TestApp) -> Someone {
    let someone = app.someone();
    let text = app.marker("消える文");
    assert_eq!(app.hook_to("kept", &[someone.text(&format!("{:x}", unique()), NOON, &text)]).await, 200);
    someone
}

/// A request to have somebody erased.
fn erase(someone: &Someone) -> Value {
    json!({"act": "erase", "user_id": someone.0, "channel": "kept", "reason": "request"})
}

/// What the opener says to it, as the privacy officer.
async fn ordered(app: &TestApp, request: &Value) -> Value {
    let mut answer = app.ask("officer", request).await;
    assert!(answer["error"].is_null(), "{answer}");
    answer["erasure"].take()
}

/// How many messages were sent to anybody.
fn sent(app: &TestApp) -> usize {
    app.installation().line().sent().len()
}

/// The page of a receipt.
async fn receipt(app: &TestApp, erasure: &Value) -> String {
    let id = erasure["receipt"].as_str().expect("there is a receipt");
    let page = app.get(&format!("/receipts/{id}")).await;
    assert_eq!(page.status, 200, "{}", page.text);
    page.text
}

fn touches(call: &Call, target: &str, partition: &str) -> bool {
    call.touches.iter().any(|touch| touch.target == target && touch.partition == partition)
}

#[tokio::test]
async fn the_privacy_officer_has_somebody_erased_after_an_entry_that_says_why() {
    let app = TestApp::new().await;
    let (someone, other) = (known(&app).await, known(&app).await);
    let subject = app.subject("kept", &someone).unwrap();
    let before = sent(&app);
    let words = app.marker("受付1021、窓口で");
    let mut request = erase(&someone);
    request["note"] = json!(words);
    app.start_counting();
    let erasure = ordered(&app, &request).await;
    assert_eq!((&erasure["status"], &erasure["why"]), (&json!("ordered"), &Value::Null));
    assert_eq!(erasure["person"], subject.to_string().as_str());

    let calls = app.calls();
    let entered = calls.iter().position(|call| touches(call, "audit", "A#")).expect("there is an entry");
    let placed = calls.iter().position(|call| call.operation == "PutItem" && touches(call, "vault", "S#"));
    assert!(placed.is_some_and(|placed| placed > entered), "{entered}, {placed:?}");
    assert!(calls.iter().all(|call| call.operation != "Decrypt"), "nothing is opened");

    let [entry] = &app.entries()[..] else { panic!("one entry") };
    let text = |name: &str| entry[name]["S"].as_str().unwrap_or_default().to_owned();
    assert_eq!(
        (text("act"), text("operator"), text("reason")),
        ("order_erasure".into(), "officer".into(), "request".into())
    );
    assert_eq!(text("subjects"), json!([subject.to_string()]).to_string());
    assert!(entry["note"]["B"].is_string() && entry["refusal"].is_null());
    let ledger = app.ask("auditor", &json!({"act": "ledger"})).await;
    let notes: Vec<&Value> = ledger["notes"].as_object().unwrap().values().collect();
    assert!(notes.len() == 1 && notes[0] == words.as_str(), "in the operator's own words");

    let [order] = &app.rows_of("order")[..] else { panic!("one order") };
    assert_eq!((&order["what"]["S"], &order["ground"]["S"]), (&json!("erase"), &json!("asked")));
    let person = app.open_all("kept", &someone).await;
    assert_eq!((&person["status"], &person["why"]), (&json!("refused"), &json!("restricted")), "at once");
    assert!(receipt(&app, &erasure).await.contains("1分ほどたってから"));
    app.sweep_all().await;
    assert!(app.rows_of_person(subject).is_empty());
    assert!(app.rows(Table::Keys).iter().all(|row| row["pk"]["S"] != subject.to_string().as_str()));
    let page = receipt(&app, &erasure).await;
    assert!(page.contains("消去が終わりました") && page.contains("トークのメッセージ"), "{page}");
    assert!(app.subject("kept", &other).is_some(), "others stay");
    assert_eq!(sent(&app), before, "nobody is told in the chat");
    crate::audit::assert_sound(&app);
}

#[tokio::test]
async fn nobody_but_the_privacy_officer_has_anybody_erased() {
    let app = TestApp::new().await;
    let someone = known(&app).await;
    for operator in ["desk", "crm", "auditor"] {
        let answer = app.ask(operator, &erase(&someone)).await;
        assert_eq!((&answer["error"]["code"], &answer["error"]["status"]), (&json!("not_granted"), &json!(403)));
        assert!(answer["error"]["ja"][0].as_str().unwrap().contains("個人情報保護管理者"), "{answer}");
    }
    assert_eq!(app.entered(), ["desk", "crm", "auditor"].map(|name| format!("refuse {name} not_granted")));
    assert!(app.entries().iter().all(|entry| entry["reason"]["S"] == "request" && entry["unknown"]["N"] == "1"));
    assert!(app.rows_of("order").is_empty());
    assert_eq!(app.open_all("kept", &someone).await["status"], "opened");
}

#[tokio::test]
async fn without_a_reason_for_it_nobody_is_erased() {
    let app = TestApp::new().await;
    let someone = known(&app).await;
    let but = |name: &str, value: Value| {
        let mut request = erase(&someone);
        request[name] = value;
        request
    };
    let without = |name: &str| {
        let mut request = erase(&someone);
        request.as_object_mut().unwrap().remove(name);
        request
    };
    let wrong = [
        without("reason"),
        without("channel"),
        without("user_id"),
        but("reason", json!("inquiry")),
        but("reason", json!("窓口で求められた")),
        but("reason", json!("other")),
        but("person", json!("0".repeat(32))),
        but("people", json!([])),
    ];
    for request in &wrong {
        let answer = app.ask("officer", request).await;
        assert_eq!((&answer["error"]["code"], &answer["error"]["status"]), (&json!("request"), &json!(400)));
    }
    assert_eq!(app.entered(), vec!["refuse officer request"; wrong.len()]);
    assert!(app.rows_of("order").is_empty());
}

#[tokio::test]
async fn of_whom_nothing_is_held_nothing_is_ordered_and_that_is_recorded() {
    let app = TestApp::new().await;
    let gone = known(&app).await;
    let subject = crate::erasure::erase(&app, "kept", &gone, NOON).await;
    let by_id = |subject: SubjectId| json!({"act": "erase", "person": subject.to_string(), "reason": "purpose_over"});
    for request in [erase(&Someone::numbered(7)), erase(&gone), by_id(SubjectId::new([7; 16])), by_id(subject)] {
        let erasure = ordered(&app, &request).await;
        assert_eq!((&erasure["status"], &erasure["receipt"]), (&json!("not_found"), &Value::Null), "{request}");
    }
    // Beside the entry of the sweeper, which has erased the one.
    let mut entered = app.entered();
    entered.retain(|entry| !entry.starts_with("erase sweeper"));
    assert_eq!(entered, ["refuse officer not_found"; 4]);
    assert!(app.rows_of("order").is_empty());
}

#[tokio::test]
async fn asked_twice_it_is_one_order_with_one_receipt() {
    let app = TestApp::new().await;
    let someone = known(&app).await;
    let subject = app.subject("kept", &someone).unwrap();
    let assertion = app.assertion("officer", &erase(&someone));
    let first = app.invoke(&assertion).await["erasure"].take();
    assert_eq!(first["status"], "ordered");
    assert_eq!(app.invoke(&assertion).await["error"]["code"], "replayed");
    let orders = app.rows_of("order");
    app.advance(1_000);
    let by_id = json!({"act": "erase", "person": subject.to_string(), "reason": "other", "note": "もう一度"});
    for request in [erase(&someone), by_id.clone()] {
        let again = ordered(&app, &request).await;
        assert_eq!((&again["status"], &again["receipt"]), (&json!("under_way"), &first["receipt"]));
        assert_eq!(app.rows_of("order"), orders, "one order, unchanged");
    }
    // Its look-up is cut, and its key is still there.
    assert_eq!(app.sweep().await.unwrap().waiting, 1);
    let again = ordered(&app, &by_id).await;
    assert_eq!((&again["status"], &again["receipt"]), (&json!("under_way"), &first["receipt"]));
    assert_eq!(ordered(&app, &erase(&someone)).await["status"], "not_found", "nobody is found by the user id now");
    app.sweep_all().await;
    assert!(app.rows_of_person(subject).is_empty() && app.rows_of("order").is_empty());
    assert!(receipt(&app, &first).await.contains("消去が終わりました"));
}

#[tokio::test]
async fn an_order_of_the_operator_ends_with_that_of_the_person() {
    let app = TestApp::new().await;
    let someone = known(&app).await;
    let subject = crate::erasure::order(&app, "kept", &someone, NOON).await;
    let erasure = ordered(&app, &erase(&someone)).await;
    assert_eq!(erasure["status"], "under_way");
    assert_eq!(app.rows_of("order").len(), 2);
    app.sweep_all().await;
    assert!(app.rows_of_person(subject).is_empty());
    assert!(receipt(&app, &erasure).await.contains("消去が終わりました"));
}

#[tokio::test]
async fn an_order_that_nobody_vouches_for_does_not_stand_in_the_way() {
    let app = TestApp::new().await;
    let someone = known(&app).await;
    let subject = app.subject("kept", &someone).unwrap();
    ordered(&app, &erase(&someone)).await;
    let order = app.rows_of("order").remove(0);
    crate::opener::rewrite(&app, &order, false, |row| row["event_at"]["N"] = json!("1")).await;
    assert_eq!(app.open_all("kept", &someone).await["status"], "opened", "an order without a valid tag is none");
    let again = ordered(&app, &erase(&someone)).await;
    assert_eq!((&again["status"], app.rows_of("order").len()), (&json!("ordered"), 2));
    app.sweep_all().await;
    assert!(app.rows_of_person(subject).is_empty());
    assert!(receipt(&app, &again).await.contains("消去が終わりました"));
}

#[tokio::test]
async fn a_mapping_that_leads_to_somebody_else_erases_nobody() {
    let app = TestApp::new().await;
    let (someone, other) = (known(&app).await, known(&app).await);
    let (own, theirs) = (app.mapping("kept", &someone).unwrap(), app.mapping("kept", &other).unwrap());
    crate::opener::rewrite(&app, &theirs, true, |row| row["pk"] = own["pk"].clone()).await;
    let erasure = ordered(&app, &erase(&someone)).await;
    assert_eq!((&erasure["status"], &erasure["why"]), (&json!("failed"), &json!("mapping")));
    assert!(app.rows_of("order").is_empty());
    assert_eq!(app.entered(), ["refuse officer mapping"]);
}

#[tokio::test]
async fn twenty_in_an_hour_and_no_more() {
    let app = TestApp::new().await;
    let someone = known(&app).await;
    for n in 0..20 {
        assert_eq!(ordered(&app, &erase(&Someone::numbered(n))).await["status"], "not_found");
    }
    let answer = app.ask("officer", &erase(&someone)).await;
    assert_eq!((&answer["error"]["code"], &answer["error"]["status"]), (&json!("budget"), &json!(429)));
    assert!(app.rows_of("order").is_empty());
    assert_eq!(app.open_all("kept", &someone).await["status"], "opened", "openings have a budget of their own");
    app.advance(HOUR_MS);
    assert_eq!(ordered(&app, &erase(&someone)).await["status"], "ordered");
}

#[tokio::test]
async fn a_crash_or_a_fault_at_any_call_leaves_no_order_without_entry_and_asking_again_is_safe() {
    let clean = {
        let app = TestApp::new().await;
        let someone = known(&app).await;
        app.start_counting();
        ordered(&app, &erase(&someone)).await;
        app.calls()
    };
    assert!(clean.len() > 4);
    let mut left = BTreeSet::new();
    for call in &clean {
        for fault in faults(call) {
            let mut app = TestApp::new().await;
            let someone = known(&app).await;
            app.start_counting();
            app.weather(fault);
            let installation = app.shared();
            let request = erase(&someone);
            let answer = tokio::select! {
                answer = app.ask("officer", &request) => Some(answer),
                () = installation.wires().death() => None,
            };
            app.weather(Calm);
            if answer.is_none() {
                app.cold_start();
            }
            let (orders, entries) = (app.rows_of("order").len(), app.entered());
            let recorded = entries.iter().filter(|entry| *entry == "order_erasure officer -").count();
            assert!(orders <= 1 && recorded >= orders, "{fault:?} at {call:?}: {entries:?}");
            let receipt = answer.as_ref().and_then(|answer| answer["erasure"]["receipt"].as_str());
            assert!(receipt.is_none() || orders == 1, "{fault:?} at {call:?}");
            if let Some(answer) = &answer {
                let error = answer["error"]["status"].as_u64();
                assert!(error.is_none() || error == Some(503), "{fault:?} at {call:?}: {error:?}");
            }
            left.insert((orders, receipt.is_some()));
            let again = ordered(&app, &request).await;
            assert_eq!(app.rows_of("order").len(), 1, "{fault:?} at {call:?}");
            assert_eq!(again["status"], if orders == 1 { "under_way" } else { "ordered" });
            assert!(receipt.is_none_or(|receipt| again["receipt"] == receipt), "the same receipt");
            crate::audit::assert_sound(&app);
        }
    }
    assert_eq!(left, BTreeSet::from([(0, false), (1, false), (1, true)]));
}

#[tokio::test]
async fn what_comes_after_it_belongs_to_somebody_new() {
    let app = TestApp::new().await;
    let someone = known(&app).await;
    let subject = app.subject("kept", &someone).unwrap();
    let erasure = ordered(&app, &erase(&someone)).await;
    assert_eq!(meant_at(&app), UnixMs::new(app.now()));
    app.sweep_all().await;
    assert!(receipt(&app, &erasure).await.contains("消去が終わりました"));
    assert_eq!(app.hook_to("kept", &[someone.follow(app.now())]).await, 200);
    let new = app.subject("kept", &someone).expect("somebody new");
    assert_ne!(new, subject);
    assert!(app.rows_of("message").is_empty() && app.rows_of("order").is_empty());
}

/// As of when the only order that waits is meant.
fn meant_at(app: &TestApp) -> UnixMs {
    let [order] = &app.rows_of("order")[..] else { panic!("one order") };
    UnixMs::new(order["event_at"]["N"].as_str().and_then(|at| at.parse().ok()).expect("a time"))
}

/// Somebody linked with a member, with one message.
async fn linked(app: &TestApp, member: &str) -> Someone {
    let someone = app.someone();
    let text = app.marker("会員の文");
    assert_eq!(app.hook(&[someone.text(&format!("{:x}", unique()), NOON, &text)]).await, 200);
    app.link_in_chat(&someone, member).await;
    assert!(app.linked(member).await);
    someone
}

/// The path of the receipt that a site was given.
fn path_of(page: &Page) -> String {
    assert_eq!(page.status, 202, "{}", page.text);
    let body = page.json();
    let receipt = body["receipt"].as_str().expect("an address");
    let path = receipt.strip_prefix(PUBLIC_URL).expect("an address of ours");
    assert!(path.starts_with("/receipts/") && body.as_object().unwrap().len() == 1, "{body}");
    path.to_owned()
}

#[tokio::test]
async fn the_site_has_whoever_is_linked_with_a_member_erased() {
    let app = TestApp::new().await;
    let (someone, other) = (linked(&app, "M-1").await, linked(&app, "M-2").await);
    let subject = app.subject("demo", &someone).unwrap();
    let before = sent(&app);
    let path = path_of(&app.site("erase", Some("M-1"), None).await);
    let [order] = &app.rows_of("order")[..] else { panic!("one order") };
    assert_eq!((&order["what"]["S"], &order["ground"]["S"]), (&json!("erase"), &json!("asked")));
    let person = app.open_all("demo", &someone).await;
    assert_eq!((&person["status"], &person["why"]), (&json!("refused"), &json!("restricted")), "at once");
    assert!(app.get(&path).await.text.contains("1分ほどたってから"));
    // Asked again while it waits: another order, which does no harm.
    let again = path_of(&app.site("erase", Some("M-1"), None).await);
    assert_ne!(again, path);
    app.sweep_all().await;
    assert!(app.rows_of_person(subject).is_empty() && app.rows_of("order").is_empty());
    for path in [&path, &again] {
        assert!(app.get(path).await.text.contains("消去が終わりました"));
    }
    assert!(!app.linked("M-1").await && app.linked("M-2").await);
    assert!(app.subject("demo", &other).is_some(), "others stay");
    assert_eq!(sent(&app), before, "nobody is told in the chat");
}

#[tokio::test]
async fn members_who_are_not_linked_are_all_alike() {
    let app = TestApp::new().await;
    linked(&app, "M-1").await;
    linked(&app, "M-2").await;
    path_of(&app.site("erase", Some("M-1"), None).await);
    app.sweep_all().await;
    assert_eq!(app.site("unlink", Some("M-2"), None).await.status, 200);
    for member in ["M-1", "M-2", "nobody"] {
        let page = app.site("erase", Some(member), None).await;
        assert_eq!((page.status, page.json()), (200, json!({"linked": false})), "{member}");
    }
    assert!(app.rows_of("order").iter().all(|order| order["what"]["S"] == "unlink"));
}

#[tokio::test]
async fn a_site_erases_its_own_members_alone_with_an_assertion_for_it_once() {
    let app = TestApp::new().await;
    let someone = linked(&app, "M-1").await;
    let refused = async |assertion: &str, code: &str| {
        let page = app.site_call("demo", "erase", assertion).await;
        assert_eq!((page.status, &page.json()["code"]), (401, &json!(code)), "{}", page.text);
    };
    refused(&app.site_assertion("kept", "erase", Some("M-1"), None), "assertion_audience").await;
    let (key, now) = (app.installation().site_key(), UnixMs::new(app.now()));
    let audience = format!("{PUBLIC_URL}/link/demo");
    let other = key.assertion(&site_name("kept"), &audience, "erase", Some("M-1"), None, now).unwrap();
    refused(&other, "assertion_site").await;
    for act in ["unlink", "status", "link", "login"] {
        refused(&app.site_assertion("demo", act, Some("M-1"), None), "assertion_act").await;
    }
    refused("", "assertion_malformed").await;
    let nobody = app.site("erase", None, None).await;
    assert_eq!((nobody.status, &nobody.json()["code"]), (400, &json!("malformed")));
    assert!(app.rows_of("order").is_empty());
    assert_eq!(app.open_all("demo", &someone).await["status"], "opened");
    // The one that holds is for one use, and for nothing else.
    let assertion = app.site_assertion("demo", "erase", Some("M-1"), None);
    let page = app.site_call("demo", "unlink", &assertion).await;
    assert_eq!((page.status, &page.json()["code"]), (401, &json!("assertion_act")));
    path_of(&app.site_call("demo", "erase", &assertion).await);
    refused(&assertion, "assertion_replayed").await;
    assert_eq!(app.rows_of("order").len(), 1);
}
