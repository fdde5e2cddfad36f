//! Erasing a person: what is left, what comes back, what begins anew.

use azukari::{
    domain::{
        erasure::Ground,
        id::SubjectId,
        sweep::Slot,
        time::{DAY_MS, UnixMs},
    },
    host::roles::Role,
    store::{order::EraseOrder, tables::Table},
};
use azukari_tests::{
    app::{NOON, TestApp},
    line::{Someone, redelivered},
};

/// Places an order to erase, as of a time, with a valid tag.
pub(crate) async fn order(app: &TestApp, channel: &str, someone: &Someone, as_of: i64) -> SubjectId {
    let subject = app.subject(channel, someone).expect("they are known");
    let order = EraseOrder { subject, id: format!("EO{as_of}"), ground: Ground::Asked, as_of: UnixMs::new(as_of) };
    let vault = app.installation().vault_as(Role::Sweeper).expect("the secrets are complete");
    vault.put_erase_order(&order, UnixMs::new(app.now())).await.expect("the order is placed");
    subject
}

/// Erases somebody, to the end.
pub(crate) async fn erase(app: &TestApp, channel: &str, someone: &Someone, as_of: i64) -> SubjectId {
    let subject = order(app, channel, someone, as_of).await;
    let report = app.sweep_all().await;
    assert_eq!(report.persons, 1, "{report:?}");
    subject
}

/// Steps of a person on the erasure list.
fn steps(app: &TestApp, subject: SubjectId) -> Vec<String> {
    let rows = app.rows(Table::Audit).into_iter().filter(|row| row["subject"]["S"] == subject.to_string().as_str());
    let mut steps: Vec<String> = rows.map(|row| row["step"]["S"].as_str().unwrap_or("unsent").to_owned()).collect();
    steps.sort();
    steps
}

#[tokio::test]
async fn nothing_of_an_erased_person_is_left() {
    let app = TestApp::new().await;
    let (someone, other) = (app.someone(), app.someone());
    let text = app.marker("消える文");
    let events = [
        someone.follow(NOON - 9),
        someone.text("1", NOON - 8, &text),
        someone.postback("EP", NOON - 7, "a"),
        other.text("2", NOON, "b"),
    ];
    assert_eq!(app.hook_to("kept", &events).await, 200);
    let kept: Vec<_> = app.rows(Table::Vault).into_iter().filter(|row| row.get("env").is_some()).collect();
    let wrapped = app.rows(Table::Keys).len();
    let subject = erase(&app, "kept", &someone, NOON - 1).await;

    assert!(app.rows_of_person(subject).is_empty());
    assert_eq!(app.rows(Table::Keys).len(), wrapped - 1);
    assert!(app.rows(Table::Keys).iter().all(|row| row["pk"]["S"] != subject.to_string().as_str()));
    assert_eq!(app.mapping("kept", &someone).unwrap()["kind"]["S"], "erased");
    assert_eq!(steps(&app, subject), ["1-restrict", "2-unmap", "3-destroy-key", "4-erase-rows"]);
    for row in kept.iter().filter(|row| row["pk"]["S"] == azukari::store::key::subject(subject).as_str()) {
        assert!(app.opened("kept", &someone, row).await.is_none(), "an envelope kept aside does not open");
    }
    assert!(app.subject("kept", &other).is_some(), "others stay");
}

#[tokio::test]
async fn the_key_waits_120_seconds_and_the_person_is_restricted_before() {
    let app = TestApp::new().await;
    let someone = app.someone();
    assert_eq!(app.hook(&[someone.text("1", NOON, "a")]).await, 200);
    let subject = order(&app, "demo", &someone, NOON).await;
    let report = app.sweep().await.unwrap();
    assert_eq!((report.persons, report.waiting), (0, 1));
    assert_eq!(app.rows_of("hold").len(), 1);
    assert_eq!(app.mapping("demo", &someone).unwrap()["kind"]["S"], "erased");
    app.advance(119_999);
    assert_eq!(app.sweep().await.unwrap().persons, 0);
    assert!(app.rows(Table::Keys).iter().any(|row| row["pk"]["S"] == subject.to_string().as_str()));
    app.advance(1);
    assert_eq!(app.sweep().await.unwrap().persons, 1);
    assert!(app.rows_of_person(subject).is_empty());
}

#[tokio::test]
async fn older_events_bring_nothing_back_and_a_later_one_starts_a_new_person() {
    let mut app = TestApp::new().await;
    let someone = app.someone();
    let old = [someone.follow(NOON - 9), someone.text("1", NOON - 8, "a"), someone.unsend("2", NOON - 7)];
    assert_eq!(app.hook(&old).await, 200);
    let first = erase(&app, "demo", &someone, NOON - 5).await;
    for _ in 0..2 {
        assert_eq!(app.hook(&redelivered(&old)).await, 200);
        assert_eq!(app.hook(&[someone.text("3", NOON - 5, "同時刻")]).await, 200);
        app.cold_start();
    }
    assert!(
        app.rows_of("subject").is_empty() && app.rows_of("tombstone").is_empty() && app.rows_of("state").is_empty()
    );
    assert_eq!(app.installation().metrics().get("webhook_dropped", "older_than_erasure"), 8);

    assert_eq!(app.hook(&[someone.text("4", NOON - 4, "b")]).await, 200);
    let second = app.subject("demo", &someone).expect("a new person");
    assert_ne!(first, second);
    assert_eq!(app.mapping("demo", &someone).unwrap()["not_before"]["N"], (NOON - 5).to_string().as_str());
    assert_eq!(app.hook(&redelivered(&old)).await, 200);
    assert_eq!(app.rows_of("message").len(), 1, "still nothing older");
}

#[tokio::test]
async fn the_wrapped_key_is_not_in_the_files_any_more() {
    use aho_corasick::AhoCorasick;
    let app = TestApp::new().await;
    let (someone, other) = (app.someone(), app.someone());
    assert_eq!(app.hook(&[someone.text("1", NOON, "a"), other.text("2", NOON, "a")]).await, 200);
    let subject = app.subject("demo", &someone).unwrap();
    let stays = app.subject("demo", &other).unwrap();
    let wrapped = |subject: SubjectId| {
        let row = app.rows(Table::Keys).into_iter().find(|row| row["pk"]["S"] == subject.to_string().as_str()).unwrap();
        row["wrapped"]["B"].as_str().unwrap().to_owned()
    };
    let (gone, kept) = (wrapped(subject), wrapped(stays));
    let found = |text: &str| {
        let search = AhoCorasick::new([text]).unwrap();
        let files = std::fs::read_dir(app.folder().join("data")).unwrap().flatten();
        files
            .filter(|file| file.path().is_file())
            .filter(|file| search.is_match(&std::fs::read(file.path()).unwrap()[..]))
            .count()
    };
    assert!(found(&gone) > 0, "it was there, written like this");
    erase(&app, "demo", &someone, NOON).await;
    assert_eq!(found(&gone), 0);
    assert!(found(&kept) > 0, "the search can find one");
}

#[tokio::test]
async fn a_person_without_newer_contact_is_erased_when_line_contact_is_due() {
    let app = TestApp::new().await;
    let (silent, talking) = (app.someone(), app.someone());
    assert_eq!(app.hook_to("kept", &[silent.text("1", NOON, "a"), talking.text("2", NOON, "a")]).await, 200);
    app.advance_days(200);
    assert_eq!(app.hook_to("kept", &[talking.text("3", app.now(), "b")]).await, 200);
    app.advance_days(166);
    let report = app.sweep_all().await;
    assert_eq!(report.persons, 1, "{report:?}");
    assert!(app.subject("kept", &silent).is_none());
    assert!(app.subject("kept", &talking).is_some());
    app.advance_days(200);
    assert_eq!(app.sweep_all().await.persons, 1);
}

#[tokio::test]
async fn a_contact_while_the_order_is_being_carried_out_revokes_it() {
    let app = TestApp::new().await;
    let someone = app.someone();
    assert_eq!(app.hook_to("kept", &[someone.text("1", NOON, "a")]).await, 200);
    let subject = app.subject("kept", &someone).unwrap();
    app.advance_days(400);
    let order =
        EraseOrder { subject, id: "contact-1".into(), ground: Ground::ContactDue, as_of: UnixMs::new(app.now()) };
    let vault = app.installation().vault_as(Role::Sweeper).unwrap();
    vault.put_erase_order(&order, UnixMs::new(app.now())).await.unwrap();
    assert_eq!(app.hook_to("kept", &[someone.text("2", app.now(), "まだいます")]).await, 200);
    assert_eq!(app.sweep_all().await.persons, 0);
    assert_eq!(app.subject("kept", &someone), Some(subject));
    assert!(app.rows_of("order").is_empty() && app.rows_of("hold").is_empty());
}

#[tokio::test]
async fn a_planted_order_is_set_aside_and_a_planted_mapping_refused() {
    let app = TestApp::new().await;
    let someone = app.someone();
    assert_eq!(app.hook(&[someone.text("1", NOON, "a")]).await, 200);
    let subject = app.subject("demo", &someone).unwrap();
    let plant = |row: serde_json::Value| {
        let request = serde_json::from_value(serde_json::json!({"TableName": "vault", "Item": row})).unwrap();
        app.installation().dynamodb().database().put_item(request).unwrap();
    };
    let order = serde_json::json!({
        "pk": {"S": azukari::store::key::subject(subject)}, "sk": {"S": "O#planted"}, "kind": {"S": "order"},
        "what": {"S": "erase"}, "ground": {"S": "asked"}, "event_at": {"N": NOON.to_string()},
        "due_at": {"N": NOON.to_string()}, "due_slot": {"S": Slot::of(subject, UnixMs::new(NOON), UnixMs::new(NOON)).to_string()},
        "tag": app.mapping("demo", &someone).unwrap()["tag"].clone()
    });
    plant(order);
    let report = app.sweep().await.unwrap();
    assert_eq!((report.set_aside, report.persons, report.failed), (1, 0, 0));
    assert_eq!(app.sweep().await.unwrap().set_aside, 0, "it is out of the index");
    assert!(app.subject("demo", &someone).is_some() && app.rows_of("hold").is_empty());

    let mut mapping = app.mapping("demo", &someone).unwrap();
    mapping["last_contact"] = serde_json::json!({"S": "2030-01-01"});
    plant(mapping);
    app.advance(31_000);
    assert_eq!(app.hook(&[someone.text("2", NOON + 1, "b")]).await, 500, "an edited mapping is refused");
    assert_eq!(app.rows_of("message").len(), 1);
}

#[tokio::test]
async fn a_day_later_nothing_of_a_person_without_consent_is_left() {
    let app = TestApp::new().await;
    let someone = app.someone();
    assert_eq!(app.hook(&[someone.follow(NOON), someone.text("1", NOON, &app.marker("未同意"))]).await, 200);
    app.advance(DAY_MS - 1);
    app.sweep_all().await;
    assert_eq!(app.rows_of("message").len(), 1, "not before 24 hours");
    app.advance(1);
    app.sweep_all().await;
    assert!(app.rows_of("message").is_empty());
    app.advance(DAY_MS);
    assert_eq!(app.sweep_all().await.persons, 1);
    assert!(app.subject("demo", &someone).is_none());
}
