//! Requests to correct and to stop: what they stop, who answers them, and what is left of
//! them.

use std::collections::BTreeSet;

use azukari::{
    domain::{
        id::{ChannelName, LineUserId},
        plain::Plain,
        request::{CLOSED_KEPT_MS, REQUEST_KEPT_MS, RequestKind},
        sweep::Slot,
        time::{DAY_MS, HOUR_MS, UnixMs},
    },
    host::roles::Role,
    seal::{self, place::RowPlace},
    store::{Outcome, key, request::RequestRow},
};
use azukari_local::engine::wire::{Call, Calm};
use azukari_tests::{
    app::{NOON, TestApp, unique},
    faults::faults,
    line::Someone,
};
use serde_json::{Value, json};

/// Somebody in a channel that keeps, with one message.
async fn known(app: &TestApp) -> Someone {
    let someone = app.someone();
    let text = app.marker("予約の文");
    assert_eq!(app.hook_to("kept", &[someone.text(&format!("{:x}", unique()), NOON, &text)]).await, 200);
    someone
}

/// Stores a request of theirs as their page does, and says how operators name it.
async fn asked(app: &TestApp, someone: &Someone, kind: RequestKind, at: i64, details: Option<&str>) -> String {
    let id = format!("{:x}", unique());
    let channel = ChannelName::parse("kept").unwrap();
    let own = app.key_of("kept", someone).await.unwrap();
    let published = app.installation().published();
    let (purpose, policy) = (published.purposes["contact"].id.clone(), published.policies["privacy"].clone());
    let sk = key::request(kind, &id);
    let place = RowPlace {
        channel: &channel,
        subject: own.subject(),
        row: &sk,
        purpose: &purpose,
        policy: &policy,
        form: None,
    };
    let owner = app.index_key().owner(&channel, &LineUserId::parse(&someone.0).unwrap());
    let env = details.map(|text| seal::seal(&own, &place, &owner, &[("details", Plain::text(text))]).unwrap());
    let row = RequestRow {
        subject: own.subject(),
        kind,
        id: id.clone(),
        purpose: purpose.clone(),
        shown: Some(policy.to_string()),
        policy: policy.clone(),
        event_at: UnixMs::new(at),
        env,
    };
    let (vault, now) = (app.installation().vault_as(Role::Form).unwrap(), UnixMs::new(app.now()));
    assert_eq!(vault.put_request(row.clone(), now).await, Ok(Outcome::Written));
    assert_eq!(vault.put_request(row, now).await, Ok(Outcome::Already), "once");
    key::request_name(kind, &id)
}

/// Everything of somebody, as an operator asks for it: the person's part of the answer.
async fn opened(app: &TestApp, operator: &str, someone: &Someone, reason: &str) -> Value {
    let mut request = json!({
        "act": "open",
        "people": [{"user_id": someone.0, "channel": "kept"}],
        "fields": ["*"],
        "reason": reason,
    });
    if operator != "officer" {
        request["purpose"] = json!("chat");
    }
    let mut answer = app.ask(operator, &request).await;
    assert!(answer["error"].is_null(), "{}", answer["error"]);
    answer["people"][0].take()
}

/// Whether somebody is opened for everyday use.
async fn in_use(app: &TestApp, someone: &Someone) -> bool {
    let person = opened(app, "desk", someone, "inquiry").await;
    if person["status"] != "opened" {
        assert_eq!((&person["status"], &person["why"]), (&json!("refused"), &json!("restricted")));
    }
    person["status"] == "opened"
}

/// What was written in requests, of what was opened.
fn details(person: &Value) -> Vec<&str> {
    let records = person["records"].as_array().into_iter().flatten();
    records.filter_map(|record| record["fields"]["details"].as_str()).collect()
}

fn close(app: &TestApp, someone: &Someone, request: &str, outcome: &str) -> Value {
    let person = app.subject("kept", someone).unwrap().to_string();
    json!({"act": "close_request", "person": person, "request": request, "outcome": outcome})
}

/// Status and outcome of a closing by the privacy officer.
async fn closed(app: &TestApp, someone: &Someone, request: &str, outcome: &str) -> (String, String) {
    let answer = app.ask("officer", &close(app, someone, request, outcome)).await;
    assert!(answer["error"].is_null(), "{answer}");
    let text = |name: &str| answer["closing"][name].as_str().unwrap_or("-").to_owned();
    (text("status"), text("outcome"))
}

fn came(status: &str, outcome: &str) -> (String, String) {
    (status.to_owned(), outcome.to_owned())
}

/// What waits, as staff see it.
async fn waiting(app: &TestApp) -> Vec<Value> {
    let mut answer = app.ask("desk", &json!({"act": "requests"})).await;
    serde_json::from_value(answer["requests"].take()).unwrap()
}

/// The only request that is stored.
fn row(app: &TestApp) -> Value {
    let mut rows = app.rows_of("request");
    assert_eq!(rows.len(), 1);
    rows.remove(0)
}

/// Brings the due time of a row forward to now, past the role table.
async fn hasten(app: &TestApp, row: &Value, someone: &Someone) {
    let (subject, now) = (app.subject("kept", someone).unwrap(), UnixMs::new(app.now()));
    crate::opener::rewrite(app, row, false, |row| {
        row["due_at"] = json!({ "N": now.get().to_string() });
        row["due_slot"] = json!({ "S": Slot::of(subject, now, now).to_string() });
    })
    .await;
}

fn touches(call: &Call, target: &str, partition: &str) -> bool {
    call.touches.iter().any(|touch| touch.target == target && touch.partition == partition)
}

#[tokio::test]
async fn requests_are_listed_with_the_days_that_are_left_the_oldest_first_and_nothing_is_opened() {
    let app = TestApp::new().await;
    let (someone, other) = (known(&app).await, known(&app).await);
    let words = app.marker("住所が違います");
    let correct = asked(&app, &someone, RequestKind::Correct, NOON, Some(&words)).await;
    app.advance_days(3);
    let stop = asked(&app, &other, RequestKind::Stop, app.now(), None).await;
    app.advance_days(12);
    app.start_counting();
    let listed = waiting(&app).await;
    assert!(app.calls().iter().all(|call| call.operation != "Decrypt"));
    let id = |someone: &Someone| app.subject("kept", someone).unwrap().to_string();
    let expected = |at: i64, what: &str, person: String, request: &str, left: i64| json!({"at": at, "what": what, "person": person, "request": request, "holder": null, "days_left": left});
    assert_eq!(
        listed,
        [
            expected(NOON, "correct", id(&someone), &correct, -1),
            expected(NOON + 3 * DAY_MS, "stop", id(&other), &stop, 2)
        ]
    );
    let list = json!({"act": "list", "kind": "request", "since": "2026-11-21"});
    let arrivals = app.ask("desk", &list).await["arrivals"].take();
    assert_eq!(arrivals.as_array().map(Vec::len), Some(2), "{arrivals}");
    for operator in ["crm", "auditor"] {
        assert_eq!(app.ask(operator, &json!({"act": "requests"})).await["error"]["code"], "not_granted");
    }
    let entered = ["requests desk -", "list desk -", "refuse crm not_granted", "refuse auditor not_granted"];
    assert_eq!(app.entered(), entered);
}

#[tokio::test]
async fn a_stop_restricts_at_once_but_for_the_officer_who_has_to_answer_it() {
    let app = TestApp::new().await;
    let (someone, other) = (known(&app).await, known(&app).await);
    assert!(in_use(&app, &someone).await);
    let words = app.marker("もう使わないでください");
    let stop = asked(&app, &someone, RequestKind::Stop, NOON, Some(&words)).await;
    for (operator, reason) in [
        ("desk", "inquiry"),
        ("desk", "request"),
        ("crm", "booking"),
        ("crm", "request"),
        ("officer", "inquiry"),
        ("officer", "check"),
        ("officer", "ご本人の請求"),
    ] {
        let person = opened(&app, operator, &someone, reason).await;
        let said = (&person["status"], &person["why"], details(&person).len(), &person["stops"]);
        assert_eq!(said, (&json!("refused"), &json!("restricted"), 0, &Value::Null), "{operator} {reason}");
        assert_eq!(app.entered().last().unwrap(), &format!("refuse {operator} restricted"));
    }
    let person = opened(&app, "officer", &someone, "request").await;
    assert_eq!((&person["status"], &person["stops"]), (&json!("opened"), &json!([stop])));
    assert!(details(&person) == [words.as_str()]);
    assert!(person["records"].as_array().unwrap().iter().any(|record| record["kind"] == "message"));
    assert!(in_use(&app, &other).await, "others are not stopped");
    assert!(opened(&app, "officer", &other, "request").await["stops"].is_null());
}

#[tokio::test]
async fn a_correction_stops_nothing() {
    let app = TestApp::new().await;
    let someone = known(&app).await;
    let words = app.marker("名前が違います");
    asked(&app, &someone, RequestKind::Correct, NOON, Some(&words)).await;
    assert!(in_use(&app, &someone).await);
    assert!(details(&opened(&app, "desk", &someone, "inquiry").await).is_empty(), "of another purpose");
    let person = app.open_all("kept", &someone).await;
    assert!(details(&person) == [words.as_str()]);
    let record = person["records"].as_array().unwrap().iter().find(|record| record["kind"] == "request").unwrap();
    assert_eq!((&record["purpose"], &record["shown"]), (&json!("contact"), &json!("privacy.1")));
    assert_eq!(record["due_at"], NOON + REQUEST_KEPT_MS);
}

#[tokio::test]
async fn nobody_but_the_privacy_officer_closes_a_request_and_only_as_requests_can_end() {
    let app = TestApp::new().await;
    let someone = known(&app).await;
    let stop = asked(&app, &someone, RequestKind::Stop, NOON, None).await;
    let before = row(&app);
    for operator in ["desk", "crm", "auditor"] {
        let answer = app.ask(operator, &close(&app, &someone, &stop, "lifted")).await;
        assert_eq!((&answer["error"]["code"], &answer["error"]["status"]), (&json!("not_granted"), &json!(403)));
        assert!(answer["error"]["ja"][0].as_str().unwrap().contains("個人情報保護管理者"), "{answer}");
    }
    for (request, outcome) in
        [(stop.as_str(), "unanswered"), (stop.as_str(), "open"), ("correct~1", "lifted"), ("1", "done")]
    {
        let answer = app.ask("officer", &close(&app, &someone, request, outcome)).await;
        assert_eq!((&answer["error"]["code"], &answer["error"]["status"]), (&json!("request"), &json!(400)));
    }
    let other = known(&app).await;
    let as_correction = stop.replace("stop", "correct");
    for (whom, request) in [(&someone, "stop~0"), (&someone, as_correction.as_str()), (&other, stop.as_str())] {
        assert_eq!(closed(&app, whom, request, "done").await, came("not_found", "-"), "{request}");
    }
    let mut refusals = vec!["not_granted"; 3];
    refusals.extend(["request"; 4]);
    refusals.extend(["not_found"; 3]);
    let entered: Vec<String> =
        app.entered().iter().filter_map(|entry| entry.rsplit_once(' ')).map(|(_, ground)| ground.to_owned()).collect();
    assert_eq!(entered, refusals);
    assert_eq!(row(&app), before);
    assert!(!in_use(&app, &someone).await);
}

#[tokio::test]
async fn once_it_is_closed_on_the_record_its_words_are_gone_and_it_waits_no_longer() {
    let app = TestApp::new().await;
    let someone = known(&app).await;
    let (words, note) = (app.marker("電話番号を直してください"), app.marker("受付1021、直しました"));
    let correct = asked(&app, &someone, RequestKind::Correct, NOON, Some(&words)).await;
    app.advance(HOUR_MS);
    let mut request = close(&app, &someone, &correct, "done");
    request["note"] = json!(note);
    app.start_counting();
    let answer = app.ask("officer", &request).await;
    let expected =
        json!({"person": request["person"], "request": correct, "status": "closed", "why": null, "outcome": "done"});
    assert_eq!(answer["closing"], expected);

    let calls = app.calls();
    let entered = calls.iter().position(|call| touches(call, "audit", "A#")).expect("there is an entry");
    let written = calls.iter().position(|call| call.operation == "PutItem" && touches(call, "vault", "S#"));
    assert!(written.is_some_and(|written| written > entered), "{entered}, {written:?}");
    assert!(calls.iter().all(|call| call.operation != "Decrypt"), "nothing is opened");
    let [entry] = &app.entries()[..] else { panic!("one entry") };
    let text = |name: &str| entry[name]["S"].as_str().unwrap_or_default().to_owned();
    assert_eq!(
        (text("act"), text("operator"), text("reason")),
        ("close_request".into(), "officer".into(), "request".into())
    );
    assert_eq!(text("subjects"), json!([request["person"]]).to_string());
    assert_eq!(text("fields"), json!([format!("request:{correct}"), "outcome:done"]).to_string());
    let ledger = app.ask("auditor", &json!({"act": "ledger"})).await;
    let notes: Vec<&Value> = ledger["notes"].as_object().unwrap().values().collect();
    assert!(notes.len() == 1 && notes[0] == note.as_str());

    let kept = row(&app);
    for gone in ["env", "at", "inbox_slot"] {
        assert!(kept[gone].is_null(), "{gone}");
    }
    let due_at = (app.now() + CLOSED_KEPT_MS).to_string();
    assert_eq!((&kept["outcome"]["S"], &kept["due_at"]["N"]), (&json!("done"), &json!(due_at)));
    assert!(waiting(&app).await.is_empty());
    assert!(details(&app.open_all("kept", &someone).await).is_empty());
    for outcome in ["done", "declined"] {
        assert_eq!(closed(&app, &someone, &correct, outcome).await, came("already", "done"));
        assert_eq!(app.entered().last().unwrap(), "refuse officer closed_before");
    }
    assert_eq!(row(&app), kept, "it ends once");
    crate::audit::assert_sound(&app);
    app.advance(CLOSED_KEPT_MS);
    let report = app.sweep().await.unwrap();
    assert_eq!((report.unanswered, report.due_but_not_erased()), (0, 0));
    assert!(app.rows_of("request").is_empty());
}

#[tokio::test]
async fn a_stop_that_is_followed_is_in_force_until_it_is_lifted() {
    let app = TestApp::new().await;
    let someone = known(&app).await;
    let words = app.marker("使わないでください");
    let stop = asked(&app, &someone, RequestKind::Stop, NOON, Some(&words)).await;
    assert_eq!(closed(&app, &someone, &stop, "done").await, came("closed", "done"));
    assert!(waiting(&app).await.is_empty());
    assert!(!in_use(&app, &someone).await);
    let person = opened(&app, "officer", &someone, "request").await;
    assert_eq!((&person["stops"], details(&person).len()), (&json!([stop]), 0));
    let kept = row(&app);
    assert!(kept["due_at"].is_null() && kept["due_slot"].is_null(), "it has no term");
    // Nor is it given one by whoever can write the table.
    hasten(&app, &kept, &someone).await;
    assert_eq!(app.sweep().await.unwrap().redated, 1);
    assert_eq!(row(&app), kept);
    assert!(!in_use(&app, &someone).await);
    for outcome in ["done", "declined"] {
        assert_eq!(closed(&app, &someone, &stop, outcome).await, came("already", "done"));
    }
    assert!(!in_use(&app, &someone).await);
    assert_eq!(closed(&app, &someone, &stop, "lifted").await, came("closed", "lifted"));
    assert!(in_use(&app, &someone).await);
    assert!(opened(&app, "officer", &someone, "request").await["stops"].is_null());
    assert_eq!(row(&app)["due_at"]["N"], (app.now() + CLOSED_KEPT_MS).to_string());
    assert_eq!(closed(&app, &someone, &stop, "lifted").await, came("already", "lifted"));
}

#[tokio::test]
async fn a_stop_that_is_declined_or_lifted_ends_and_another_one_goes_on() {
    let app = TestApp::new().await;
    for outcome in ["declined", "lifted"] {
        let someone = known(&app).await;
        let first = asked(&app, &someone, RequestKind::Stop, NOON, None).await;
        let second = asked(&app, &someone, RequestKind::Stop, NOON, None).await;
        assert_eq!(closed(&app, &someone, &first, outcome).await, came("closed", outcome));
        assert!(!in_use(&app, &someone).await, "the other one is open");
        assert_eq!(closed(&app, &someone, &second, outcome).await, came("closed", outcome));
        assert!(in_use(&app, &someone).await);
    }
}

#[tokio::test]
async fn a_stop_that_somebody_has_planted_or_edited_restricts_and_the_officer_ends_it() {
    let app = TestApp::new().await;
    let someone = known(&app).await;
    let message = app.rows_of("message").remove(0);
    crate::opener::rewrite(&app, &message, false, |row| row["sk"] = json!({"S": "O#correct~1"})).await;
    assert!(in_use(&app, &someone).await, "a correction stops nothing");
    crate::opener::rewrite(&app, &message, false, |row| row["sk"] = json!({"S": "O#stop~1"})).await;
    assert!(!in_use(&app, &someone).await);
    let person = opened(&app, "officer", &someone, "request").await;
    assert_eq!(person["stops"], json!(["stop~1"]));
    assert_eq!(person["bad"], json!({"O#correct~1": "origin_tag", "O#stop~1": "origin_tag"}));
    assert_eq!(closed(&app, &someone, "stop~1", "lifted").await, came("closed", "lifted"));
    assert!(in_use(&app, &someone).await);
    assert_eq!(closed(&app, &someone, "correct~1", "declined").await, came("closed", "declined"));
    // Nobody lifts a stop by editing it.
    asked(&app, &someone, RequestKind::Stop, NOON, None).await;
    let open = app.rows_of("request").into_iter().find(|row| row["outcome"].is_null()).unwrap();
    crate::opener::rewrite(&app, &open, false, |row| {
        row["outcome"] = json!({"S": "lifted"});
        row["closed_at"] = json!({ "N": NOON.to_string() });
    })
    .await;
    assert!(!in_use(&app, &someone).await);
    // The sweeper does not act on it either: it goes aside, and stays in force.
    let edited = app.rows_of("request").into_iter().find(|row| row["sk"] == open["sk"]).unwrap();
    hasten(&app, &edited, &someone).await;
    assert_eq!(app.sweep_all().await.set_aside, 1);
    assert!(app.rows_of("request").iter().any(|row| row["sk"] == open["sk"]));
    assert!(!in_use(&app, &someone).await);
}

#[tokio::test]
async fn requests_are_erased_with_the_person_and_told_in_the_receipt() {
    let app = TestApp::new().await;
    let someone = known(&app).await;
    let subject = app.subject("kept", &someone).unwrap();
    let words = app.marker("直してください");
    asked(&app, &someone, RequestKind::Correct, NOON, Some(&words)).await;
    let stop = asked(&app, &someone, RequestKind::Stop, NOON, None).await;
    let erase = json!({"act": "erase", "person": subject.to_string(), "reason": "request"});
    let receipt = app.ask("officer", &erase).await["erasure"]["receipt"].take();
    let person = opened(&app, "officer", &someone, "request").await;
    assert_eq!((&person["status"], &person["why"]), (&json!("refused"), &json!("restricted")), "for nobody now");
    let close = close(&app, &someone, &stop, "lifted");
    app.sweep_all().await;
    assert!(app.rows_of_person(subject).is_empty() && app.rows_of("request").is_empty());
    assert_eq!(app.ask("officer", &close).await["closing"]["status"], "not_found");
    assert!(app.rows_of_person(subject).is_empty(), "nothing comes back");
    assert!(waiting(&app).await.is_empty());
    let page = app.get(&format!("/receipts/{}", receipt.as_str().unwrap())).await;
    assert!(page.text.contains("訂正・利用停止のご請求"), "{}", page.text);
}

#[tokio::test]
async fn what_nobody_has_answered_in_a_year_loses_its_words_with_an_alarm_and_a_stop_stays_in_force() {
    let app = TestApp::new().await;
    let (someone, other) = (known(&app).await, known(&app).await);
    let (wrong, enough) = (app.marker("違います"), app.marker("やめてください"));
    let at = NOON - REQUEST_KEPT_MS + HOUR_MS;
    asked(&app, &someone, RequestKind::Correct, at, Some(&wrong)).await;
    let stop = asked(&app, &other, RequestKind::Stop, at, Some(&enough)).await;
    assert!(waiting(&app).await.iter().all(|request| request["days_left"] == -350));
    // A due time that somebody has brought forward is put right.
    let correct = app.rows_of("request").into_iter().find(|row| row["sk"]["S"].as_str().unwrap().contains("correct"));
    hasten(&app, &correct.clone().unwrap(), &someone).await;
    let report = app.sweep().await.unwrap();
    assert_eq!((report.redated, report.unanswered), (1, 0));
    assert_eq!(app.rows_of("request").len(), 2);

    app.advance(HOUR_MS);
    assert_eq!(waiting(&app).await.len(), 2, "as long as nobody has swept");
    assert!(details(&app.open_all("kept", &someone).await).is_empty(), "due is gone, swept or not");
    let report = app.sweep().await.unwrap();
    assert_eq!((report.unanswered, report.erased, report.due_but_not_erased()), (2, 2, 0));
    assert_eq!(app.installation().metrics().get("sweeper", "unanswered"), 2);
    let kept = row(&app);
    assert!(kept["env"].is_null() && kept["inbox_slot"].is_null() && kept["due_at"].is_null());
    assert_eq!((&kept["outcome"]["S"], kept["sk"]["S"].as_str()), (&json!("unanswered"), Some(&*format!("O#{stop}"))));
    assert!(waiting(&app).await.is_empty());
    assert!(!in_use(&app, &other).await && in_use(&app, &someone).await);
    assert_eq!(app.sweep().await.unwrap().due, 0);
    assert_eq!(closed(&app, &other, &stop, "lifted").await, came("closed", "lifted"));
    assert!(in_use(&app, &other).await);
}

#[tokio::test]
async fn a_crash_or_a_fault_at_any_call_closes_nothing_without_an_entry_and_closing_again_is_safe() {
    let clean = {
        let app = TestApp::new().await;
        let someone = known(&app).await;
        let stop = asked(&app, &someone, RequestKind::Stop, NOON, None).await;
        app.start_counting();
        assert_eq!(closed(&app, &someone, &stop, "declined").await, came("closed", "declined"));
        app.calls()
    };
    assert!(clean.len() > 4);
    let mut left = BTreeSet::new();
    for call in &clean {
        for fault in faults(call) {
            let mut app = TestApp::new().await;
            let someone = known(&app).await;
            let stop = asked(&app, &someone, RequestKind::Stop, NOON, None).await;
            let request = close(&app, &someone, &stop, "declined");
            app.start_counting();
            app.weather(fault);
            let installation = app.shared();
            let answer = tokio::select! {
                answer = app.ask("officer", &request) => Some(answer),
                () = installation.wires().death() => None,
            };
            app.weather(Calm);
            if answer.is_none() {
                app.cold_start();
            }
            let ended = row(&app)["outcome"]["S"] == "declined";
            let recorded = app.entered().contains(&"close_request officer -".to_owned());
            assert!(recorded || !ended, "{fault:?} at {call:?}");
            let told = answer.as_ref().is_some_and(|answer| answer["closing"]["status"] == "closed");
            assert!(ended || !told, "{fault:?} at {call:?}");
            if let Some(answer) = &answer {
                let error = answer["error"]["status"].as_u64();
                assert!(told || error == Some(503), "{fault:?} at {call:?}: {answer}");
            }
            left.insert((ended, told));
            let status = if ended { "already" } else { "closed" };
            assert_eq!(closed(&app, &someone, &stop, "declined").await, came(status, "declined"));
            assert!(in_use(&app, &someone).await);
            crate::audit::assert_sound(&app);
        }
    }
    assert_eq!(left, BTreeSet::from([(false, false), (true, false), (true, true)]));
}

#[tokio::test]
async fn asked_for_in_the_chat_the_way_to_the_page_is_shown() {
    let app = TestApp::new().await;
    let someone = app.someone();
    assert_eq!(app.hook(&[someone.follow(NOON - 9)]).await, 200);
    app.agree("demo", &someone, NOON - 8).await;
    let ways = || -> Vec<String> {
        let sent = app.installation().line().sent();
        let own = sent.iter().filter(|sent| sent.to == someone.0).flat_map(|sent| sent.messages.clone());
        let actions = own.flat_map(|message| message["template"]["actions"].as_array().cloned().unwrap_or_default());
        let open = actions.filter(|action| action["label"] == "お手続きのページを開く");
        open.filter_map(|action| action["uri"].as_str().map(str::to_owned)).collect()
    };
    for (n, words) in ["　利用停止 ", "訂正", "個人情報の訂正"].into_iter().enumerate() {
        assert_eq!(ways().len(), n);
        assert_eq!(app.hook(&[someone.text(&format!("W{n}"), NOON, words)]).await, 200);
    }
    assert_eq!(ways().len(), 3);
    assert!(ways().iter().all(|way| way.ends_with("/1234567890-AzukariA/rights/demo")), "{:?}", ways());
    assert!(app.rows_of("request").is_empty(), "asking for the page asks for nothing");
}
