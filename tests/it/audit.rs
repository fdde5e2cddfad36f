//! The audit log is attacked, and the check names what was done.

use azukari::{
    domain::time::UnixMs,
    keys::evidence::EvidenceKey,
    store::{
        day_root,
        ledger::{self, Fault, Finding, Head, Range, Row, Verdict},
        tables::Table,
    },
};
use azukari_tests::{
    app::{NOON, TestApp},
    operators::open,
    witness,
};
use serde_json::{Value, json};

/// The rows of the audit table.
pub(crate) fn rows(app: &TestApp) -> Vec<Row> {
    app.rows(Table::Audit).iter().map(|row| ledger::from_json(row).unwrap()).collect()
}

/// What they are checked with.
pub(crate) fn evidence(app: &TestApp) -> EvidenceKey {
    EvidenceKey::new(app.installation().evidence()).unwrap()
}

/// The heads that were logged for the chains of this app.
fn heads(app: &TestApp) -> Vec<Head> {
    let said = String::from_utf8_lossy(&witness::said()).into_owned();
    let own: Vec<String> =
        app.entries().iter().map(|row| row["pk"]["S"].as_str().unwrap().trim_start_matches("A#").to_owned()).collect();
    said.lines().filter_map(Head::of_line).filter(|head| own.contains(&head.writer)).collect()
}

/// Every chain is sound and complete, as far as the log knows, and so are the day roots.
pub(crate) fn assert_sound(app: &TestApp) {
    let verdict = ledger::verify(&rows(app), &evidence(app), &heads(app), Range::default());
    assert!(verdict.sound(), "{verdict:?}");
    assert!(verdict.entries > 0, "there is something to check");
    let roots = day_root::verify(&rows(app), &evidence(app), &[]);
    assert!(roots.sound(), "{roots:?}");
}

/// An installation with two chains of six entries each.
async fn two_chains() -> TestApp {
    two_chains_of(TestApp::new().await).await
}

async fn two_chains_of(mut app: TestApp) -> TestApp {
    let someone = app.someone();
    assert_eq!(app.hook_to("kept", &[someone.text("1", NOON, "a")]).await, 200);
    for _ in 0..2 {
        for _ in 0..6 {
            let answer = app.ask("officer", &open("kept", &[&someone], &["text"], Some("chat"))).await;
            assert_eq!(answer["people"][0]["status"], "opened");
            app.advance(1_000);
        }
        app.cold_start();
    }
    app
}

fn first(verdict: &Verdict) -> Option<(u64, Fault)> {
    verdict.findings.first().map(|finding| (finding.sequence, finding.fault))
}

fn is(row: &Row, name: &str, value: &str) -> bool {
    row.get(name).and_then(|it| it.as_s().ok()).is_some_and(|it| it == value)
}

#[tokio::test]
async fn a_sound_log_is_called_sound_and_its_end_unproven_without_heads() {
    let app = two_chains().await;
    let (rows, evidence) = (rows(&app), evidence(&app));
    let verdict = ledger::verify(&rows, &evidence, &heads(&app), Range::default());
    assert!(verdict.complete() && (verdict.chains, verdict.entries) == (2, 12), "{verdict:?}");
    let verdict = ledger::verify(&rows, &evidence, &[], Range::default());
    assert!(verdict.sound() && !verdict.complete());
    assert_eq!(verdict.unproven.iter().map(|(_, last)| *last).collect::<Vec<_>>(), [6, 6]);
    let range = Range { from: Some(UnixMs::new(NOON + 3_000)), to: Some(UnixMs::new(NOON + 8_000)) };
    let verdict = ledger::verify(&rows, &evidence, &heads(&app), range);
    assert_eq!((verdict.complete(), verdict.entries), (true, 5));
}

#[tokio::test]
async fn a_range_hides_nothing() {
    let app = two_chains().await;
    let (rows, evidence, heads) = (rows(&app), evidence(&app), heads(&app));
    let ranges = [
        Range { from: Some(UnixMs::new(NOON + 2_000)), to: None },
        Range { from: None, to: Some(UnixMs::new(NOON + 2_000)) },
        Range { from: Some(UnixMs::new(NOON + 90_000)), to: Some(UnixMs::new(NOON + 99_000)) },
    ];
    let chain = format!("A#{}", heads[0].writer);
    for range in ranges {
        assert!(ledger::verify(&rows, &evidence, &heads, range).complete());
        // An edited row cannot be believed about its own time.
        let edited: Vec<Row> = rows
            .iter()
            .map(|row| {
                let mut json = ledger::to_json(row);
                if is(row, "pk", &chain) && is(row, "sk", "000000000000004") {
                    json["at"] = json!({"N": "0"});
                    json["operator"] = json!({"S": "nobody"});
                }
                ledger::from_json(&json).unwrap()
            })
            .collect();
        assert_eq!(first(&ledger::verify(&edited, &evidence, &heads, range)).map(|it| it.0), Some(4), "{range:?}");
        for gone in ["000000000000001", "000000000000003", "000000000000006"] {
            let fewer: Vec<Row> =
                rows.iter().filter(|row| !(is(row, "pk", &chain) && is(row, "sk", gone))).cloned().collect();
            assert!(!ledger::verify(&fewer, &evidence, &heads, range).sound(), "{gone} {range:?}");
        }
    }
}

#[tokio::test]
async fn a_forged_entry_beside_the_genuine_one_is_found() {
    let app = two_chains().await;
    let (mut rows, evidence, heads) = (rows(&app), evidence(&app), heads(&app));
    let mut forged = ledger::to_json(rows.iter().find(|row| is(row, "sk", "000000000000002")).unwrap());
    forged["operator"]["S"] = json!("forged");
    rows.insert(0, ledger::from_json(&forged).unwrap());
    assert_eq!(first(&ledger::verify(&rows, &evidence, &heads, Range::default())), Some((2, Fault::Twice)));
}

#[tokio::test]
async fn what_is_logged_while_rows_are_read_proves_the_end_and_accuses_nobody() {
    let app = two_chains().await;
    let (rows, evidence) = (rows(&app), evidence(&app));
    let before: Vec<Head> = heads(&app).into_iter().filter(|head| head.sequence < 6).collect();
    let mut verdict = ledger::verify(&rows, &evidence, &before, Range::default());
    assert!(verdict.sound() && verdict.unproven.len() == 2);
    verdict.prove(&rows, &evidence, &heads(&app));
    assert!(verdict.complete());
}

#[tokio::test]
async fn every_changed_attribute_is_found_at_its_entry() {
    let app = two_chains().await;
    let (rows, evidence, heads) = (rows(&app), evidence(&app), heads(&app));
    let at = rows.iter().position(|row| is(row, "sk", "000000000000003")).unwrap();
    let mut changed = 0;
    for name in rows[at].keys().filter(|name| !["pk", "sk"].contains(&name.as_str())) {
        for add in [false, true] {
            let mut json = ledger::to_json(&rows[at]);
            if add {
                json[format!("{name}2")] = json!({"S": "more"});
            } else {
                json[name] = match &json[name] {
                    value if value.get("N").is_some() => json!({"N": "7"}),
                    value if value.get("B").is_some() => json!({"B": "AAAA"}),
                    _ => json!({"S": "x"}),
                };
            }
            let mut edited = rows.clone();
            edited[at] = ledger::from_json(&json).unwrap();
            let verdict = ledger::verify(&edited, &evidence, &heads, Range::default());
            assert_eq!(first(&verdict).map(|(sequence, _)| sequence), Some(3), "{name}");
            changed += 1;
        }
    }
    for name in ["due_at", "due_slot", "tag"] {
        let mut json = ledger::to_json(&rows[at]);
        json[name] = json!({"S": "x"});
        let mut edited = rows.clone();
        edited[at] = ledger::from_json(&json).unwrap();
        assert!(!ledger::verify(&edited, &evidence, &heads, Range::default()).sound(), "{name}");
    }
    assert!(changed >= 20, "{changed}");
}

#[tokio::test]
async fn removed_entries_are_found() {
    let app = two_chains().await;
    let (rows, evidence, heads) = (rows(&app), evidence(&app), heads(&app));
    let writer = heads[0].writer.clone();
    let chain = format!("A#{writer}");
    let without = |doomed: &dyn Fn(&Row) -> bool| -> Vec<Row> {
        rows.iter().filter(|row| !(is(row, "pk", &chain) && doomed(row))).cloned().collect()
    };
    // In the middle: with or without heads.
    let middle = without(&|row| is(row, "sk", "000000000000004"));
    for heads in [&heads[..], &[]] {
        assert_eq!(first(&ledger::verify(&middle, &evidence, heads, Range::default())), Some((4, Fault::Missing)));
    }
    // At the beginning.
    let beginning = without(&|row| is(row, "sk", "000000000000001"));
    assert_eq!(first(&ledger::verify(&beginning, &evidence, &[], Range::default())), Some((1, Fault::Missing)));
    // The last two: the log knows.
    let tail = without(&|row| is(row, "sk", "000000000000005") || is(row, "sk", "000000000000006"));
    let verdict = ledger::verify(&tail, &evidence, &heads, Range::default());
    assert_eq!(first(&verdict), Some((5, Fault::TailMissing)));
    let verdict = ledger::verify(&tail, &evidence, &[], Range::default());
    assert!(
        verdict.sound() && verdict.unproven.contains(&(writer.clone(), 4)),
        "without the log it says from where on"
    );
    // The whole chain, and then its place on the list of chains, too.
    let whole = without(&|_| true);
    assert_eq!(first(&ledger::verify(&whole, &evidence, &[], Range::default())), Some((1, Fault::Empty)));
    let unlisted: Vec<Row> = whole.into_iter().filter(|row| !is(row, "writer", &writer)).collect();
    let verdict = ledger::verify(&unlisted, &evidence, &heads, Range::default());
    let expected = Finding { writer: writer.clone(), sequence: 1, fault: Fault::TailMissing, at: None };
    assert_eq!(verdict.findings, [expected]);
    assert!(ledger::verify(&unlisted, &evidence, &[], Range::default()).sound(), "nobody can see this without the log");
}

#[tokio::test]
async fn a_chain_written_anew_without_the_key_is_found() {
    let app = two_chains().await;
    let (rows, heads) = (rows(&app), heads(&app));
    // Somebody with a key of their own: every signature is good, for the wrong key.
    let policy = [("policies/privacy/en.md", "A policy of another business.")];
    let other = two_chains_of(TestApp::with_files(&policy).await).await;
    assert_ne!(other.installation().evidence(), app.installation().evidence(), "an installation with its own keys");
    let verdict = ledger::verify(&self::rows(&other), &evidence(&app), &[], Range::default());
    assert_eq!(first(&verdict), Some((1, Fault::Signature)));
    assert_eq!(verdict.findings.iter().filter(|finding| finding.fault == Fault::Signature).count(), 12);
    // A line of the log that somebody made up.
    let mut forged = heads.clone();
    forged[0].sequence = 99;
    let verdict = ledger::verify(&rows, &evidence(&app), &forged, Range::default());
    assert_eq!(first(&verdict), Some((99, Fault::Head)));
    // Or moved to another chain.
    let mut moved = heads.clone();
    let last = heads.iter().rfind(|head| head.writer != heads[0].writer).unwrap();
    moved[0].writer.clone_from(&last.writer);
    let verdict = ledger::verify(&rows, &evidence(&app), &moved, Range::default());
    assert_eq!(verdict.findings.first().map(|it| it.fault), Some(Fault::Head));
}

#[tokio::test]
async fn swapped_chains_and_entries_are_found() {
    let app = two_chains().await;
    let (rows, evidence, heads) = (rows(&app), evidence(&app), heads(&app));
    let mut writers: Vec<String> = heads.iter().map(|head| format!("A#{}", head.writer)).collect();
    writers.dedup();
    let move_to = |row: &Row, pk: &str| {
        let mut json = ledger::to_json(row);
        json["pk"]["S"] = json!(pk);
        ledger::from_json(&json).unwrap()
    };
    let swapped: Vec<Row> = rows
        .iter()
        .map(|row| match (is(row, "pk", &writers[0]), is(row, "pk", &writers[1])) {
            (true, _) => move_to(row, &writers[1]),
            (_, true) => move_to(row, &writers[0]),
            _ => row.clone(),
        })
        .collect();
    for heads in [&heads[..], &[]] {
        let verdict = ledger::verify(&swapped, &evidence, heads, Range::default());
        assert_eq!(first(&verdict), Some((1, Fault::Signature)));
    }
    // Two entries of one chain change places.
    let sk = |n: u64| format!("{n:015}");
    let exchanged: Vec<Row> = rows
        .iter()
        .map(|row| {
            let mut json: Value = ledger::to_json(row);
            if is(row, "pk", &writers[0]) && is(row, "sk", &sk(2)) {
                json["sk"]["S"] = json!(sk(3));
            } else if is(row, "pk", &writers[0]) && is(row, "sk", &sk(3)) {
                json["sk"]["S"] = json!(sk(2));
            }
            ledger::from_json(&json).unwrap()
        })
        .collect();
    assert_eq!(first(&ledger::verify(&exchanged, &evidence, &[], Range::default())).map(|it| it.0), Some(2));
}

#[tokio::test]
async fn heads_are_read_as_they_are_logged_and_as_cloudwatch_exports_them() {
    let app = two_chains().await;
    let head = heads(&app).pop().unwrap();
    let said = String::from_utf8_lossy(&witness::said()).into_owned();
    let line = said.lines().find(|line| line.contains(&head.writer) && line.contains("\"sequence\":6")).unwrap();
    let nested = json!({"timestamp": 1, "message": line}).to_string();
    assert_eq!(Head::of_line(&nested), Some(head.clone()));
    assert_eq!(Head::of_line(&format!("2026-11-21T03:00:00Z {line}")), Some(head));
    for other in ["", "{}", "not json", "{\"message\":\"sweep\"}", "{\"message\":\"audit head\"}"] {
        assert_eq!(Head::of_line(other), None, "{other}");
    }
}

#[tokio::test]
async fn the_opener_gives_the_ledger_as_it_is_stored() {
    let app = two_chains().await;
    let page = app.ask("auditor", &json!({"act": "ledger"})).await;
    let given: Vec<Row> = page["rows"].as_array().unwrap().iter().map(|row| ledger::from_json(row).unwrap()).collect();
    let verdict = ledger::verify(&given, &evidence(&app), &heads(&app), Range::default());
    assert!(verdict.complete(), "{verdict:?}");
    assert_eq!(verdict.entries, 13, "with the entry of this reading");
    assert_eq!(page["purposes"].as_object().unwrap().values().collect::<Vec<_>>(), [&json!("chat")]);
}
