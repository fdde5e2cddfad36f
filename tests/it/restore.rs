//! After a restore from backup: what was erased is erased again before anything else runs.

use azukari::{
    domain::{
        erasure::Ground,
        id::SubjectId,
        time::{DAY_MS, UnixMs},
    },
    host::roles::Role,
    store::{order::EraseOrder, tables::Table},
};
use azukari_local::{
    engine::wire::{Call, Calm},
    serve::{self, ServeError},
};
use azukari_sweeper::{RestoreReport, SweepError};
use azukari_tests::{
    app::{NOON, TestApp},
    faults::faults,
    line::Someone,
};
use serde_json::{Value, json};

/// The tables that are brought back; the audit log is not.
struct Backup {
    vault: Vec<Value>,
    keys: Vec<Value>,
}

impl Backup {
    fn of(app: &TestApp) -> Self {
        Self { vault: app.rows(Table::Vault), keys: app.rows(Table::Keys) }
    }

    fn bring_back(&self, app: &TestApp) {
        put_back(app, Table::Vault, &self.vault);
        put_back(app, Table::Keys, &self.keys);
    }

    /// The row of a message.
    fn message(&self, id: &str) -> &Value {
        let sk = format!("R#{id}");
        self.vault.iter().find(|row| row["sk"]["S"] == sk.as_str()).unwrap()
    }
}

fn put(app: &TestApp, table: Table, row: &Value) {
    let request = json!({"TableName": table.as_str(), "Item": row});
    app.installation().dynamodb().database().put_item(serde_json::from_value(request).unwrap()).unwrap();
}

fn put_back(app: &TestApp, table: Table, rows: &[Value]) {
    for row in app.rows(table) {
        let request = json!({"TableName": table.as_str(), "Key": {"pk": row["pk"], "sk": row["sk"]}});
        app.installation().dynamodb().database().delete_item(serde_json::from_value(request).unwrap()).unwrap();
    }
    rows.iter().for_each(|row| put(app, table, row));
}

async fn run_check(app: &TestApp) -> Result<RestoreReport, SweepError> {
    app.installation().restore_check(None, false, &|_| {}).await
}

async fn check(app: &TestApp) -> RestoreReport {
    run_check(app).await.unwrap()
}

async fn is_restored(app: &TestApp) -> bool {
    app.installation().is_restored().await.unwrap()
}

fn has_key(app: &TestApp, subject: SubjectId) -> bool {
    app.rows(Table::Keys).iter().any(|row| row["pk"]["S"] == subject.to_string().as_str())
}

/// Somebody who was erased after the backup, and somebody else who unsent a message.
struct Story {
    someone: Someone,
    other: Someone,
    subject: SubjectId,
    backup: Backup,
}

async fn story(app: &TestApp) -> Story {
    let (someone, other) = (app.someone(), app.someone());
    let events = [
        someone.text("1", NOON - 9, &app.marker("消えた人の文")),
        other.text("2", NOON - 8, &app.marker("残る文")),
        other.text("3", NOON - 7, &app.marker("取り消す文")),
    ];
    assert_eq!(app.hook_to("kept", &events).await, 200);
    let backup = Backup::of(app);
    assert_eq!(app.hook_to("kept", &[other.unsend("3", NOON - 5)]).await, 200);
    let subject = crate::erasure::erase(app, "kept", &someone, NOON - 1).await;
    assert!(!is_restored(app).await);
    Story { someone, other, subject, backup }
}

#[tokio::test]
async fn whoever_was_erased_is_unreadable_again_after_the_check() {
    let mut app = TestApp::new().await;
    let Story { someone, other, subject, backup } = story(&app).await;
    backup.bring_back(&app);
    // What is readable before the check: the person, and the unsent message.
    assert_eq!(app.open_all("kept", &someone).await["status"], "opened");
    assert!(app.opened("kept", &someone, backup.message("1")).await.is_some());
    assert!(app.opened("kept", &other, backup.message("3")).await.is_some());

    let before = app.rows(Table::Vault);
    let seen = app.installation().restore_check(None, true, &|_| {}).await.unwrap();
    assert_eq!((seen.restored, seen.listed, seen.back, seen.messages, seen.sound()), (true, 1, 1, 1, false));
    assert!(app.rows(Table::Vault) == before, "a dry run changes nothing");
    let report = check(&app).await;
    assert!(report.restored && report.sound(), "{report:?}");
    assert_eq!((report.listed, report.back, report.unsent, report.messages), (1, 1, 1, 1), "{report:?}");

    assert!(app.rows_of_person(subject).is_empty() && !has_key(&app, subject));
    let mapping = app.mapping("kept", &someone).unwrap();
    assert_eq!((&mapping["kind"]["S"], &mapping["erased_at"]["N"]), (&json!("erased"), &json!((NOON - 1).to_string())));
    assert_ne!(app.open_all("kept", &someone).await["status"], "opened");
    assert!(app.opened("kept", &someone, backup.message("1")).await.is_none(), "an envelope kept aside does not open");
    assert!(app.rows_of("message").iter().all(|row| row["sk"]["S"] != "R#3"), "unsent again");
    assert!(app.opened("kept", &other, backup.message("2")).await.is_some(), "others stay");

    let audit = app.rows(Table::Audit);
    let again = check(&app).await;
    assert_eq!((again.restored, again.back, again.messages, again.sound()), (false, 0, 0, true), "{again:?}");
    assert!(app.rows(Table::Audit) == audit);
    let swept = app.sweep().await.unwrap();
    assert_eq!((swept.restored, swept.unsent, swept.failed, swept.complete), (false, 1, 0, true), "{swept:?}");
    // Nobody gets a pair of the backup that was claimed since.
    assert!(app.rows_of("pool").is_empty());
    app.installation().refill().await.unwrap();
    app.cold_start();
    assert_eq!(app.hook_to("kept", &[someone.text("4", app.now(), "はじめまして")]).await, 200);
    assert!(app.subject("kept", &someone).is_some_and(|new| new != subject));
}

#[tokio::test]
async fn a_vault_that_was_brought_back_is_neither_served_nor_swept() {
    let app = TestApp::new().await;
    let story = story(&app).await;
    put_back(&app, Table::Vault, &story.backup.vault);
    let before = app.rows(Table::Vault);
    let address = "127.0.0.1:0".parse().unwrap();
    let refused = serve::serve(app.shared(), address, |_| panic!("it serves")).await.unwrap_err();
    assert!(matches!(refused, ServeError::Restored) && refused.to_string().contains("azukari restore check"));
    app.advance_days(400);
    let report = app.sweep().await.unwrap();
    assert!(report.restored && report.due_but_not_erased() > 0, "{report:?}");
    assert_eq!((report.due, report.erased), (0, 0));
    assert_eq!(app.installation().metrics().get("sweeper_restored", "vault"), 1);
    assert!(app.rows(Table::Vault) == before, "nothing was touched");
    assert!(check(&app).await.sound());
    let report = app.sweep().await.unwrap();
    assert!(!report.restored && report.due > 0, "{report:?}");
    assert_eq!(app.installation().metrics().get("sweeper_restored", "vault"), 0);
}

#[tokio::test]
async fn with_the_vault_alone_the_person_does_not_open_and_the_unsent_message_does() {
    let app = TestApp::new().await;
    let Story { someone, other, subject, backup } = story(&app).await;
    put_back(&app, Table::Vault, &backup.vault);
    assert!(app.subject("kept", &someone) == Some(subject));
    assert!(app.opened("kept", &someone, backup.message("1")).await.is_none(), "the key stays destroyed");
    assert!(app.opened("kept", &other, backup.message("3")).await.is_some());
    let report = check(&app).await;
    assert_eq!((report.back, report.keys, report.messages, report.sound()), (1, 0, 1, true), "{report:?}");
    assert!(app.rows_of_person(subject).is_empty());
}

#[tokio::test]
async fn a_key_that_is_back_alone_is_not_noticed_and_destroyed_by_the_check() {
    let app = TestApp::new().await;
    let Story { subject, backup, .. } = story(&app).await;
    put_back(&app, Table::Keys, &backup.keys);
    assert!(has_key(&app, subject) && !is_restored(&app).await, "nothing in the vault tells");
    let report = check(&app).await;
    assert_eq!((report.back, report.keys, report.rows, report.sound()), (1, 1, 0, true), "{report:?}");
    assert!(!has_key(&app, subject));
    assert_eq!(check(&app).await.back, 0);
}

#[tokio::test]
async fn an_erasure_that_was_given_up_is_not_replayed() {
    let app = TestApp::new().await;
    let someone = app.someone();
    assert_eq!(app.hook_to("kept", &[someone.text("1", NOON, "まだいます")]).await, 200);
    let subject = app.subject("kept", &someone).unwrap();
    let backup = Backup::of(&app);
    let (now, ground) = (UnixMs::new(app.now()), Ground::ContactDue);
    let order = EraseOrder { subject, id: "contact-1".into(), ground, as_of: now };
    app.installation().vault_as(Role::Sweeper).unwrap().put_erase_order(&order, now).await.unwrap();
    assert_eq!(app.sweep_all().await.persons, 0);
    let listed = |step: &str| app.rows(Table::Audit).iter().any(|row| row["step"]["S"] == step);
    assert!(listed("1-restrict") && listed("revoked"));
    backup.bring_back(&app);
    assert!(is_restored(&app).await);
    let report = check(&app).await;
    assert_eq!((report.listed, report.back, report.sound()), (0, 0, true), "{report:?}");
    assert!(!is_restored(&app).await && app.subject("kept", &someone) == Some(subject));
    assert!(app.opened("kept", &someone, backup.message("1")).await.is_some());
}

#[tokio::test]
async fn an_erasure_that_was_under_way_in_the_backup_ends_without_waiting() {
    let app = TestApp::new().await;
    let someone = app.someone();
    assert_eq!(app.hook_to("kept", &[someone.text("1", NOON - 9, "a")]).await, 200);
    let subject = crate::erasure::order(&app, "kept", &someone, NOON - 1).await;
    assert_eq!(app.sweep().await.unwrap().waiting, 1);
    let backup = Backup::of(&app);
    assert_eq!(app.sweep_all().await.persons, 1);
    let receipts = |app: &TestApp| app.rows(Table::Audit).iter().filter(|row| row["kind"]["S"] == "receipt").count();
    let before = receipts(&app);
    backup.bring_back(&app);
    let report = check(&app).await;
    assert!(report.restored && report.sound() && report.back == 1, "{report:?}");
    assert!(app.rows_of_person(subject).is_empty() && !has_key(&app, subject));
    assert_eq!(receipts(&app), before, "its receipt is the one it was given");
}

#[tokio::test]
async fn what_somebody_has_planted_on_the_list_is_not_believed() {
    let app = TestApp::new().await;
    let Story { other, subject, backup, .. } = story(&app).await;
    let stays = app.subject("kept", &other).unwrap();
    let rows = app.rows(Table::Audit);
    let mut planted = rows.into_iter().find(|row| row["step"]["S"] == "3-destroy-key").unwrap();
    planted["subject"] = json!({"S": stays.to_string()});
    planted["sk"] = json!({"S": format!("{stays}#3-destroy-key#0")});
    let mark = json!({
        "pk": {"S": "E#mark"}, "sk": {"S": "000000000000099"}, "kind": {"S": "mark"}, "mark": {"N": "99"},
        "at": {"N": NOON.to_string()}, "tag": planted["tag"],
    });
    put(&app, Table::Audit, &mark);
    assert!(!app.sweep().await.unwrap().restored, "a planted mark stops nobody");
    assert!(app.installation().metrics().get("erasure_list", "stranger") > 0, "and is told");
    put(&app, Table::Audit, &planted);
    backup.bring_back(&app);
    let report = check(&app).await;
    assert_eq!((report.strangers, report.listed, report.back, report.failed), (2, 1, 1, 0), "{report:?}");
    assert!(!report.sound() && is_restored(&app).await, "somebody has to look into it");
    assert!(app.rows_of_person(subject).is_empty() && !has_key(&app, subject));
    assert!(app.opened("kept", &other, backup.message("2")).await.is_some());
}

#[tokio::test]
async fn a_list_that_is_older_than_any_backup_is_read_from_where_it_is_needed() {
    let app = TestApp::new().await;
    let Story { subject, backup, .. } = story(&app).await;
    app.advance(100 * DAY_MS);
    backup.bring_back(&app);
    let report = check(&app).await;
    assert!(report.since.as_str() < "2026-11-21" && report.back == 1 && report.sound(), "{report:?}");
    assert!(app.rows_of_person(subject).is_empty());
}

/// What a check leaves: everything but the marks, which depend on how often it was begun.
fn left(app: &TestApp) -> Vec<Value> {
    let apart = |row: &Value| row["pk"]["S"].as_str().unwrap().starts_with("K#") || row["pk"]["S"] == "W#restore";
    let vault = app.rows(Table::Vault).into_iter().filter(|row| !apart(row));
    let mut left: Vec<Value> = vault.chain(app.rows(Table::Keys)).collect();
    left.sort_by_key(|row| format!("{} {}", row["pk"], row["sk"]));
    left
}

/// Runs a check that may break off; whether it has ended well.
async fn attempt(app: &TestApp) -> bool {
    let wires = app.shared();
    tokio::select! {
        report = run_check(app) => report.is_ok_and(|report| report.sound()),
        () = wires.wires().death() => false,
    }
}

/// Calls that are like many others are taken now and then: the days of the list, and the
/// pairs of the pool.
fn is_taken(call: &Call) -> bool {
    let many = call.operation == "Query" || call.touches.iter().any(|touch| touch.partition == "K#");
    call.attempt == 1 && (!many || call.nth.is_multiple_of(10))
}

#[tokio::test]
async fn a_check_that_breaks_off_anywhere_is_taken_up_again() {
    let app = TestApp::new().await;
    let Story { subject, backup, .. } = story(&app).await;
    let audit = app.rows(Table::Audit);
    let begin = || {
        backup.bring_back(&app);
        put_back(&app, Table::Audit, &audit);
        app.start_counting();
    };
    begin();
    assert!(attempt(&app).await);
    let (calls, clean) = (app.calls(), left(&app));
    assert!(calls.len() > 20);
    for call in calls.iter().filter(|call| is_taken(call)) {
        for fault in faults(call) {
            begin();
            app.weather(fault);
            let ended = attempt(&app).await;
            app.weather(Calm);
            assert!(ended || attempt(&app).await, "{fault:?} at {call:?}");
            assert!(!is_restored(&app).await && !has_key(&app, subject), "{fault:?} at {call:?}");
            assert!(left(&app) == clean, "{fault:?} at {call:?}");
        }
    }
}

#[tokio::test]
async fn a_consent_that_was_taken_back_is_taken_back_again_and_stays_so() {
    let app = TestApp::new().await;
    let someone = app.someone();
    let events = [someone.text("1", NOON - 9, &app.marker("撤回した文")), someone.postback("E1", NOON - 8, "x")];
    assert_eq!(app.hook_to("kept", &events).await, 200);
    let backup = Backup::of(&app);
    let chat = app.installation().published().purposes["chat"].id.clone();
    let data = format!("azukari:withdraw:{chat}:{}", NOON - 5);
    assert_eq!(app.hook_to("kept", &[someone.postback("W1", NOON - 5, &data)]).await, 200);
    app.sweep_all().await;
    assert!(app.rows_of("message").is_empty());
    backup.bring_back(&app);
    assert!(is_restored(&app).await, "the vault lacks the mark");
    // What is readable before the check.
    let kinds = |person: &Value| {
        let records = person["records"].as_array().unwrap();
        records.iter().map(|it| it["kind"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert!(kinds(&app.open_all("kept", &someone).await).contains(&"message".to_owned()));
    let seen = app.installation().restore_check(None, true, &|_| {}).await.unwrap();
    assert_eq!((seen.withdrawn, seen.values, seen.sound()), (1, 1, false), "{seen:?}");
    let report = check(&app).await;
    assert_eq!((report.withdrawn, report.values, report.failed, report.back), (1, 1, 0, 0), "{report:?}");
    assert!(report.sound() && !is_restored(&app).await);
    assert!(app.rows_of("message").is_empty() && app.rows_of("order").is_empty());
    assert_eq!(kinds(&app.open_all("kept", &someone).await).iter().filter(|kind| *kind == "event").count(), 1);
    // Nothing is kept for it any more, as before.
    app.installation().refill().await.unwrap();
    app.advance(31_000);
    let late = [someone.text("1", NOON - 9, "遅れ"), someone.text("2", app.now(), "新しい")];
    assert_eq!(app.hook_to("kept", &late).await, 200);
    assert!(app.rows_of("message").is_empty());
    assert_eq!((check(&app).await.values, check(&app).await.failed), (0, 0), "and again nothing");
}
