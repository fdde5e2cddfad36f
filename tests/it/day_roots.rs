//! Every day is sealed, and whatever is done afterwards to a seal or to what lies under it
//! is found.

use std::time::Duration;

use azukari::{
    domain::{
        day_root::{DayRoot, Ends, SETTLE_MS},
        time::{DAY_MS, HOUR_MS},
    },
    host::{deadline::Deadline, roles::Role},
    store::{
        Outcome,
        audit::Audit,
        day_root::{Fault, Finding, LoggedRoot, Verdict, fingerprint, verify},
        key::{self, ROOTS},
        ledger::{self, Range, Row},
        tables::Table,
    },
};
use azukari_local::engine::wire::{Call, Calm, Fate, Service, Weather};
use azukari_tests::{
    app::{NOON, TestApp},
    witness,
};
use serde_json::{Value, json};

use crate::audit::{evidence, rows};

/// Entries about nobody.
async fn enter(app: &TestApp, n: usize) {
    for _ in 0..n {
        let answer = app.ask("desk", &json!({"act": "list"})).await;
        assert!(answer["arrivals"].is_array(), "{answer}");
        app.advance(1_000);
    }
}

/// A day passes.
async fn seal(app: &TestApp) {
    app.advance_days(1);
    app.sweep_all().await;
}

/// Three days. The first chain has three entries of the first day and one of the second; the
/// other has two of the second.
async fn three_days() -> TestApp {
    let mut app = TestApp::new().await;
    enter(&app, 3).await;
    seal(&app).await;
    enter(&app, 1).await;
    app.cold_start();
    enter(&app, 2).await;
    seal(&app).await;
    seal(&app).await;
    app
}

/// The writers of the first and of the last entry.
fn writers(app: &TestApp) -> [String; 2] {
    let entries = app.entries();
    let writer = |row: Option<&Value>| row.unwrap()["pk"]["S"].as_str().unwrap().trim_start_matches("A#").to_owned();
    [writer(entries.first()), writer(entries.last())]
}

/// The day roots as they are stored, in their order.
fn roots(app: &TestApp) -> Vec<DayRoot> {
    let rows = app.rows(Table::Audit).into_iter().filter(|row| row["kind"]["S"] == "day_root");
    let mut roots: Vec<DayRoot> = rows.map(|row| DayRoot::parse(row["root"]["S"].as_str().unwrap()).unwrap()).collect();
    roots.sort_by_key(|root| root.day);
    roots
}

fn days(app: &TestApp) -> Vec<String> {
    roots(app).iter().map(|root| root.day.to_string()).collect()
}

/// The day roots of this app that were logged.
fn logged(app: &TestApp) -> Vec<LoggedRoot> {
    let own: Vec<_> = roots(app).iter().map(fingerprint).collect();
    let said = String::from_utf8_lossy(&witness::said()).into_owned();
    said.lines().filter_map(LoggedRoot::of_line).filter(|line| own.contains(&line.digest)).collect()
}

fn check(app: &TestApp, rows: &[Row]) -> Verdict {
    verify(rows, &evidence(app), &[])
}

/// Whether the chains are sound by themselves, without the log.
fn chains_are_sound(app: &TestApp, rows: &[Row]) -> bool {
    ledger::verify(rows, &evidence(app), &[], Range::default()).sound()
}

fn faults(verdict: &Verdict) -> Vec<Fault> {
    verdict.findings.iter().map(|finding| finding.fault).collect()
}

fn missing(day: &str, writer: &str, sequence: u64) -> Finding {
    Finding { day: day.to_owned(), entry: Some((writer.to_owned(), sequence)), fault: Fault::EntryMissing }
}

fn is(row: &Row, pk: &str, sk: &str) -> bool {
    let has = |name: &str, value: &str| row.get(name).and_then(|it| it.as_s().ok()).is_some_and(|it| it == value);
    has("pk", pk) && has("sk", sk)
}

fn place_of(rows: &[Row], pk: &str, sk: &str) -> usize {
    rows.iter().position(|row| is(row, pk, sk)).unwrap()
}

fn without(rows: &[Row], pk: &str, sk: &str) -> Vec<Row> {
    let mut rows = rows.to_vec();
    rows.remove(place_of(&rows, pk, sk));
    rows
}

/// Takes a row away, past the role table, as who has got at the table itself.
fn take_away(app: &TestApp, pk: &str, sk: &str) -> Value {
    let row = app.rows(Table::Audit).into_iter().find(|row| row["pk"]["S"] == pk && row["sk"]["S"] == sk).unwrap();
    let request = json!({"TableName": "audit", "Key": {"pk": row["pk"], "sk": row["sk"]}});
    app.installation().dynamodb().database().delete_item(serde_json::from_value(request).unwrap()).unwrap();
    row
}

fn put_back(app: &TestApp, row: &Value) {
    let request = json!({"TableName": "audit", "Item": row});
    app.installation().dynamodb().database().put_item(serde_json::from_value(request).unwrap()).unwrap();
}

fn counted(app: &TestApp, kind: &str) -> u64 {
    app.installation().metrics().get("day_root", kind)
}

fn is_of_roots(call: &Call) -> bool {
    call.touches.iter().any(|touch| touch.partition == "D#")
}

fn stores_a_root(call: &Call) -> bool {
    call.operation == "PutItem" && is_of_roots(call)
}

#[tokio::test]
async fn a_day_passes_and_is_sealed() {
    let app = three_days().await;
    assert_eq!(days(&app), ["2026-11-21", "2026-11-22", "2026-11-23"]);
    let [first, second, third] = &roots(&app)[..] else { panic!("three roots") };
    let [writer, other] = writers(&app);
    assert_eq!((first.entries, first.previous, first.ends.len()), (3, None, 1));
    assert_eq!(first.sealed_at.get(), NOON + 3_000 + DAY_MS);
    assert_eq!((first.ends.get(&writer), first.ends.get(&other)), (Some(&3), None));
    assert_eq!((second.entries, second.previous), (3, Some(fingerprint(first))));
    assert_eq!((second.ends.get(&writer), second.ends.get(&other)), (Some(&4), Some(&2)));
    // A day without an entry: the root of the empty tree.
    assert_eq!((third.entries, third.previous), (0, Some(fingerprint(second))));
    assert_eq!(third.root.to_string(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_eq!(third.ends, second.ends);
    let rows = rows(&app);
    let verdict = check(&app, &rows);
    assert_eq!((verdict.roots, verdict.last, verdict.uncovered), (3, Some(third.day), 0));
    assert!(verdict.sound() && chains_are_sound(&app, &rows), "{verdict:?}");
    assert_eq!(counted(&app, "sealed"), 3);
}

#[tokio::test]
async fn a_day_is_sealed_ten_minutes_after_its_end_whatever_the_clock_of_an_entry_says() {
    let app = TestApp::new().await;
    app.sweep().await.unwrap();
    assert_eq!(days(&app), ["2026-11-20"], "there is no root: the day before is sealed at once");
    app.advance(12 * HOUR_MS + SETTLE_MS - 1_001);
    // Of the next day, and under the root of this one: it covers what is there.
    enter(&app, 1).await;
    app.sweep().await.unwrap();
    assert_eq!(days(&app), ["2026-11-20"]);
    app.advance(1);
    app.sweep().await.unwrap();
    assert_eq!(days(&app), ["2026-11-20", "2026-11-21"]);
    assert_eq!(roots(&app)[1].entries, 1);
    // Days on which nothing ran lose nothing.
    enter(&app, 2).await;
    app.advance_days(4);
    app.sweep().await.unwrap();
    assert_eq!(days(&app), ["2026-11-20", "2026-11-21", "2026-11-25"]);
    assert_eq!(roots(&app)[2].entries, 2);
    assert!(check(&app, &rows(&app)).sound());
}

#[tokio::test]
async fn a_chain_that_a_slow_clock_dates_back_is_covered() {
    let mut app = TestApp::new().await;
    enter(&app, 1).await;
    seal(&app).await;
    // It begins on the list of chains long before the root that does not know it.
    app.advance_days(-20);
    app.cold_start();
    enter(&app, 2).await;
    app.advance_days(20);
    assert_eq!(check(&app, &rows(&app)).uncovered, 2);
    seal(&app).await;
    assert_eq!(check(&app, &rows(&app)).uncovered, 0);
    assert_eq!(roots(&app)[1].entries, 2);
}

/// It takes a while until a root is stored.
struct Slow;

impl Weather for Slow {
    fn fate(&self, call: &Call) -> Fate {
        if stores_a_root(call) { Fate::Delayed(500) } else { Fate::Answered }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_sweepers_at_once_seal_once() {
    let app = TestApp::new().await;
    enter(&app, 3).await;
    app.advance_days(1);
    app.start_counting();
    app.weather(Slow);
    let (one, two) = tokio::join!(app.sweep(), app.sweep());
    app.weather(Calm);
    assert_eq!((one.unwrap().failed, two.unwrap().failed), (0, 0));
    assert_eq!(app.calls().iter().filter(|call| stores_a_root(call)).count(), 2, "both have tried");
    assert_eq!(days(&app), ["2026-11-21"]);
    let verdict = verify(&rows(&app), &evidence(&app), &logged(&app));
    assert!(verdict.sound() && !logged(&app).is_empty(), "{verdict:?}");
}

#[tokio::test]
async fn nothing_is_sealed_twice() {
    let app = three_days().await;
    let before = app.rows(Table::Audit);
    app.start_counting();
    for _ in 0..3 {
        app.sweep().await.unwrap();
        app.advance(60_000);
    }
    assert!(app.calls().iter().any(is_of_roots) && !app.calls().iter().any(stores_a_root));
    // Nor by who comes too late.
    let audit = Audit::new(app.installation().dynamodb_as(Role::Sweeper), Table::Audit.as_str());
    let mut late = audit.last_root().await.unwrap().unwrap();
    late.root.entries += 1;
    assert_eq!(audit.put_root(&late).await, Ok(Outcome::Already));
    assert_eq!(app.rows(Table::Audit), before);
}

/// The answer to the first attempt to store a root is lost.
struct Lost;

impl Weather for Lost {
    fn fate(&self, call: &Call) -> Fate {
        if stores_a_root(call) && call.attempt == 1 { Fate::AnswerLost } else { Fate::Answered }
    }
}

#[tokio::test]
async fn a_root_whose_storing_was_not_answered_is_logged_as_well() {
    let app = TestApp::new().await;
    enter(&app, 1).await;
    app.advance_days(1);
    app.start_counting();
    app.weather(Lost);
    app.sweep().await.unwrap();
    app.weather(Calm);
    assert_eq!(app.calls().iter().filter(|call| stores_a_root(call)).count(), 2, "it was tried again");
    assert_eq!(days(&app), ["2026-11-21"]);
    assert_eq!(logged(&app).len(), 1);
}

#[tokio::test]
async fn an_ordinary_minute_costs_no_call() {
    let app = TestApp::new().await;
    enter(&app, 1).await;
    let sweeper = app.installation().sweeper().unwrap();
    let sweep = async || sweeper.sweep(Deadline::within(Duration::from_secs(600)), false).await.unwrap();
    sweep().await;
    assert_eq!(days(&app), ["2026-11-20"]);
    app.start_counting();
    for _ in 0..3 {
        app.advance(60_000);
        sweep().await;
    }
    let calls = app.calls();
    assert!(!calls.is_empty(), "the sweeps did call");
    let of_audit = |call: &Call| call.touches.iter().any(|touch| touch.target == Table::Audit.as_str());
    assert!(!calls.iter().any(|call| of_audit(call) || call.service == Service::Kms), "{calls:?}");
    app.advance_days(1);
    app.start_counting();
    sweep().await;
    assert_eq!(days(&app), ["2026-11-20", "2026-11-21"]);
    let calls = app.calls();
    let reads = calls.iter().filter(|call| of_audit(call) && call.operation == "Query").count();
    let writes = calls.iter().filter(|call| of_audit(call) && call.operation != "Query").count();
    let signs = calls.iter().filter(|call| call.service == Service::Kms).count();
    // The last root; the list of chains and its end; one chain.
    assert_eq!((reads, signs, writes), (4, 1, 1), "{calls:?}");
}

#[tokio::test]
async fn every_changed_attribute_and_byte_of_a_root_is_found() {
    let app = three_days().await;
    let rows = rows(&app);
    assert!(check(&app, &rows).sound());
    let mut changed = 0;
    let mut found = |at: usize, row: Value, what: &str| {
        let mut edited = rows.clone();
        edited[at] = ledger::from_json(&row).unwrap();
        assert!(!check(&app, &edited).sound(), "{what}");
        changed += 1;
    };
    for day in days(&app) {
        let at = place_of(&rows, ROOTS, &day);
        let row = ledger::to_json(&rows[at]);
        // A root that is moved elsewhere is one that is taken away: see below.
        for name in row.as_object().unwrap().keys().filter(|name| *name != "pk") {
            let mut edited = row.clone();
            edited[name] = match &row[name] {
                value if value.get("N").is_some() => json!({"N": "7"}),
                value if value.get("B").is_some() => json!({"B": "AAAA"}),
                _ => json!({"S": "x"}),
            };
            found(at, edited, name);
            let mut edited = row.clone();
            edited[format!("{name}2")] = json!({"S": "more"});
            found(at, edited, name);
            let mut edited = row.clone();
            edited.as_object_mut().unwrap().remove(name);
            found(at, edited, name);
        }
        let text = row["root"]["S"].as_str().unwrap();
        for place in 0..text.len() {
            let mut bytes = text.as_bytes().to_vec();
            bytes[place] ^= 1;
            let mut edited = row.clone();
            edited["root"]["S"] = json!(String::from_utf8(bytes).unwrap());
            found(at, edited, &format!("byte {place} of {text}"));
        }
        let signature = rows[at]["signature"].as_b().unwrap().as_ref().to_vec();
        for place in 0..signature.len() {
            let mut edited = rows.clone();
            let mut bytes = signature.clone();
            bytes[place] ^= 1;
            edited[at].insert("signature".to_owned(), aws_sdk_dynamodb::types::AttributeValue::B(bytes.into()));
            let verdict = check(&app, &edited);
            assert_eq!(faults(&verdict), [Fault::Signature], "byte {place} of the signature");
        }
    }
    assert!(changed > 600, "{changed}");
}

#[tokio::test]
async fn a_root_of_another_key_is_found() {
    let app = three_days().await;
    // An installation with its own keys.
    let other = TestApp::with_files(&[("policies/privacy/en.md", "A policy of another business.")]).await;
    assert_ne!(other.installation().evidence(), app.installation().evidence());
    seal(&other).await;
    assert!(check(&other, &rows(&other)).sound());
    assert_eq!(faults(&check(&app, &rows(&other))), [Fault::Signature]);
}

#[tokio::test]
async fn every_changed_attribute_of_a_sealed_entry_is_found_at_its_root() {
    let app = three_days().await;
    let rows = rows(&app);
    let chain = key::chain(&writers(&app)[0]);
    let at = place_of(&rows, &chain, &key::sequence(2));
    let row = ledger::to_json(&rows[at]);
    let mut changed = 0;
    for name in row.as_object().unwrap().keys() {
        for add in [false, true] {
            let mut edited = row.clone();
            if add {
                edited[format!("{name}2")] = json!({"S": "more"});
            } else {
                edited[name] = match &row[name] {
                    value if value.get("N").is_some() => json!({"N": "7"}),
                    value if value.get("B").is_some() => json!({"B": "AAAA"}),
                    _ => json!({"S": "x"}),
                };
            }
            let mut rows = rows.clone();
            rows[at] = ledger::from_json(&edited).unwrap();
            let verdict = check(&app, &rows);
            match (add, name.as_str()) {
                (false, "pk" | "sk") => assert_eq!(faults(&verdict), [Fault::EntryMissing]),
                // It is not sealed: it is in the entry's own check.
                (false, "signature") => assert!(!chains_are_sound(&app, &rows)),
                _ => {
                    let finding = Finding { day: "2026-11-21".to_owned(), entry: None, fault: Fault::Entries };
                    assert_eq!(verdict.findings, [finding], "{name}");
                }
            }
            changed += 1;
        }
    }
    assert!(changed >= 20, "{changed}");
    for name in ["due_at", "due_slot", "tag"] {
        let mut edited = row.clone();
        edited[name] = json!({"S": "x"});
        let mut rows = rows.clone();
        rows[at] = ledger::from_json(&edited).unwrap();
        assert!(!chains_are_sound(&app, &rows), "{name}");
    }
}

#[tokio::test]
async fn a_removed_entry_is_found_without_the_log() {
    let app = three_days().await;
    let rows_then = rows(&app);
    let [writer, other] = writers(&app);
    let chain = key::chain;
    // From the end of a chain: nothing else can see it.
    let tail = without(&rows_then, &chain(&writer), &key::sequence(4));
    assert!(chains_are_sound(&app, &tail));
    assert_eq!(check(&app, &tail).findings, [missing("2026-11-22", &writer, 4)]);
    // The entry before it, too, of which an earlier root knows.
    let tail = without(&tail, &chain(&writer), &key::sequence(3));
    assert!(chains_are_sound(&app, &tail));
    let findings = [missing("2026-11-21", &writer, 3), missing("2026-11-22", &writer, 4)];
    assert_eq!(check(&app, &tail).findings, findings);
    // A whole chain with its place on the list of chains.
    let whole: Vec<Row> = rows_then
        .iter()
        .filter(|row| {
            let names =
                |name: &str, value: &str| row.get(name).and_then(|it| it.as_s().ok()).is_some_and(|it| it == value);
            !names("pk", &chain(&other)) && !names("writer", &other)
        })
        .cloned()
        .collect();
    assert_eq!(whole.len() + 3, rows_then.len());
    assert!(chains_are_sound(&app, &whole));
    let findings = [missing("2026-11-22", &other, 1), missing("2026-11-22", &other, 2)];
    assert_eq!(check(&app, &whole).findings, findings);
    // In the middle, both see it.
    let middle = without(&rows_then, &chain(&writer), &key::sequence(2));
    assert!(!chains_are_sound(&app, &middle));
    assert_eq!(check(&app, &middle).findings, [missing("2026-11-21", &writer, 2)]);
    // What no root covers yet is said to be so: it is found by the log alone.
    enter(&app, 2).await;
    let grown = rows(&app);
    let verdict = check(&app, &grown);
    assert!(verdict.sound());
    assert_eq!((verdict.uncovered, verdict.open), (2, vec![(other.clone(), 3)]));
    let verdict = check(&app, &without(&grown, &chain(&other), &key::sequence(4)));
    assert!(verdict.sound());
    assert_eq!(verdict.uncovered, 1);
}

#[tokio::test]
async fn a_removed_or_replaced_root_is_found() {
    let app = three_days().await;
    let (rows_then, known) = (rows(&app), logged(&app));
    let with_log = |rows: &[Row]| verify(rows, &evidence(&app), &known);
    assert_eq!(known.len(), 3, "{known:?}");
    assert!(with_log(&rows_then).sound());
    // The first, and one in the middle: the next tells.
    for (gone, tells) in [("2026-11-21", "2026-11-22"), ("2026-11-22", "2026-11-23")] {
        let verdict = check(&app, &without(&rows_then, ROOTS, gone));
        let finding = Finding { day: tells.to_owned(), entry: None, fault: Fault::Chain };
        assert_eq!(verdict.findings, [finding], "{gone}");
    }
    // The last: the log tells, and nobody else.
    let last = without(&rows_then, ROOTS, "2026-11-23");
    assert!(check(&app, &last).sound());
    let finding = Finding { day: "2026-11-23".to_owned(), entry: None, fault: Fault::Gone };
    assert_eq!(with_log(&last).findings, [finding]);
    // All of them.
    let none: Vec<Row> = rows_then.iter().filter(|row| row["pk"].as_s().is_ok_and(|pk| pk != ROOTS)).cloned().collect();
    assert_eq!(faults(&with_log(&none)), [Fault::Gone; 3]);
    // Another is made in the place of the last, by a sweeper that knows nothing of it.
    take_away(&app, ROOTS, "2026-11-23");
    app.advance(60_000);
    app.sweep().await.unwrap();
    assert_eq!(days(&app).len(), 3);
    assert!(check(&app, &rows(&app)).sound());
    assert_eq!(faults(&with_log(&rows(&app))), [Fault::NotTheLogged]);
    // A line that somebody made up.
    let mut forged = known[0].clone();
    forged.day = known[1].day;
    assert_eq!(faults(&verify(&rows_then, &evidence(&app), &[forged])), [Fault::Line]);
}

#[tokio::test]
async fn what_the_opener_hands_out_is_checked_without_the_system() {
    let app = three_days().await;
    let page = app.ask("auditor", &json!({"act": "ledger"})).await;
    assert!(page["more"].is_null());
    let given = page["rows"].as_array().unwrap();
    assert_eq!(given[0]["pk"]["S"], ROOTS, "roots first: what is sealed meanwhile is in the entries behind them");
    let lines: String = given.iter().map(|row| format!("{row}\n")).collect();
    let exported: Vec<Row> =
        lines.lines().map(|line| ledger::from_json(&serde_json::from_str(line).unwrap()).unwrap()).collect();
    let verdict = verify(&exported, &evidence(&app), &logged(&app));
    assert!(verdict.sound(), "{verdict:?}");
    assert_eq!((verdict.roots, verdict.uncovered), (3, 1), "this reading is not sealed yet");
    let fewer = without(&exported, &key::chain(&writers(&app)[0]), &key::sequence(4));
    assert_eq!(faults(&verify(&fewer, &evidence(&app), &[])), [Fault::EntryMissing]);
    // Who wants to read up to a time gets entries alone.
    let page = app.ask("auditor", &json!({"act": "ledger", "to": NOON + 500})).await;
    let kinds: Vec<&str> =
        page["rows"].as_array().unwrap().iter().filter_map(|row| row["kind"]["S"].as_str()).collect();
    assert!(kinds.contains(&"entry") && !kinds.contains(&"day_root"), "{kinds:?}");
}

#[tokio::test]
async fn a_log_that_is_not_whole_is_not_sealed() {
    let app = TestApp::new().await;
    enter(&app, 4).await;
    let chain = key::chain(&writers(&app)[0]);
    let gone = take_away(&app, &chain, &key::sequence(2));
    app.advance_days(1);
    let sweeper = app.installation().sweeper().unwrap();
    let sweep = async || sweeper.sweep(Deadline::within(Duration::from_secs(600)), false).await.unwrap();
    sweep().await;
    assert!(roots(&app).is_empty());
    assert_eq!((counted(&app, "broken"), counted(&app, "sealed")), (1, 0));
    let said = String::from_utf8_lossy(&witness::said()).into_owned();
    let line = said.lines().find(|line| line.contains("is not whole") && line.contains(&writers(&app)[0])).unwrap();
    let line: Value = serde_json::from_str(line).unwrap();
    assert_eq!((&line["sequence"], &line["fault"]), (&json!(2), &json!("Missing")), "{line}");
    // It is tried again after an hour.
    app.advance(HOUR_MS - 1);
    sweep().await;
    assert_eq!(counted(&app, "broken"), 1);
    app.advance(1);
    sweep().await;
    assert_eq!(counted(&app, "broken"), 2);
    put_back(&app, &gone);
    app.advance(HOUR_MS);
    sweep().await;
    assert_eq!((days(&app), counted(&app, "sealed")), (vec!["2026-11-21".to_owned()], 1));
    // The last entry that is covered has to be there, too.
    take_away(&app, &chain, &key::sequence(4));
    seal(&app).await;
    assert_eq!((days(&app).len(), counted(&app, "broken")), (1, 3));
    assert_eq!(faults(&check(&app, &rows(&app))), [Fault::EntryMissing]);
}

#[tokio::test]
async fn an_edited_entry_is_not_sealed() {
    let app = TestApp::new().await;
    enter(&app, 3).await;
    let chain = key::chain(&writers(&app)[0]);
    // The next entry does not follow it any more; or it cannot be read.
    for (name, value) in [("operator", json!({"S": "nobody"})), ("at", json!({"S": "noon"}))] {
        let row = take_away(&app, &chain, &key::sequence(2));
        let mut edited = row.clone();
        edited[name] = value;
        put_back(&app, &edited);
        let before = counted(&app, "broken");
        seal(&app).await;
        assert_eq!((roots(&app).len(), counted(&app, "broken")), (0, before + 1), "{name}");
        put_back(&app, &row);
    }
    seal(&app).await;
    assert_eq!(roots(&app).len(), 1);
}

#[tokio::test]
async fn a_chain_that_rests_is_left_out_of_later_roots_and_does_not_grow() {
    let app = TestApp::new().await;
    enter(&app, 1).await;
    seal(&app).await;
    app.advance_days(32);
    app.sweep_all().await;
    let [first, second] = &roots(&app)[..] else { panic!("two roots") };
    assert_eq!((first.ends.len(), second.ends.len(), second.entries), (1, 0, 0));
    let writer = writers(&app)[0].clone();
    let fewer = without(&rows(&app), &key::chain(&writer), &key::sequence(1));
    assert_eq!(check(&app, &fewer).findings, [missing("2026-11-21", &writer, 1)], "it is still under the first");
    // The same opener goes on in a chain that the next root finds.
    enter(&app, 1).await;
    seal(&app).await;
    let verdict = check(&app, &rows(&app));
    assert_eq!((verdict.sound(), verdict.roots, verdict.uncovered), (true, 3, 0), "{verdict:?}");
    let other = writers(&app)[1].clone();
    assert_ne!(writer, other);
    assert_eq!(roots(&app)[2].ends, Ends::from([(other, 1)]));
}

#[tokio::test]
async fn more_chains_than_kms_could_sign_at_once_are_sealed() {
    let app = TestApp::new().await;
    let request = json!({"act": "list"});
    for _ in 0..160 {
        let opener = app.installation().opener().unwrap();
        opener.invoke(&json!({ "assertion": app.assertion("desk", &request) })).await;
    }
    seal(&app).await;
    let [root] = &roots(&app)[..] else { panic!("one root") };
    assert_eq!((root.entries, root.ends.len()), (160, 160));
    assert!(root.json().len() > 4_096, "{}", root.json().len());
    assert!(check(&app, &rows(&app)).sound());
}
