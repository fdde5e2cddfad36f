//! Stories in which every function does everything that it does, for the comparison of what
//! is granted with what is called. Each through the doors that LINE and the schedules use.

use std::collections::BTreeSet;

use azukari::{host::roles::Role, store::tables::Table};
use azukari_local::engine::wire::{Call, Service, Touch};
use azukari_tests::{
    app::{NOON, TestApp},
    linking::location,
};
use serde_json::{Value, json};

/// One thing that a function really did: which action, on which resource of the template,
/// and how the partition key began (up to its first `#`; empty if there is none).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Called {
    /// Who called.
    pub(super) role: Role,
    /// `service:Action`. Parts of a transaction one by one, as IAM counts them.
    pub(super) action: String,
    /// The logical id of a table or key, an index behind it.
    pub(super) on: String,
    /// The family of rows.
    pub(super) family: String,
}

/// Everything that the functions did in all stories.
pub(super) async fn called() -> BTreeSet<Called> {
    let mut all = BTreeSet::new();
    for calls in [everyday().await, a_new_index_key().await, after_a_restore().await] {
        all.extend(calls.iter().filter(|call| call.service != Service::Line).flat_map(done));
    }
    all
}

/// What one call was about.
fn done(call: &Call) -> Vec<Called> {
    let role = call.role.expect("every call is signed by a role");
    assert!(!call.touches.is_empty(), "{call:?} is about something");
    let one = |touch: &Touch| {
        let (service, on) = match (call.service, touch.target.as_str()) {
            (Service::DynamoDb, "vault") => ("dynamodb", "VaultTable".to_owned()),
            (Service::DynamoDb, "keys") => ("dynamodb", "KeysTable".to_owned()),
            (Service::DynamoDb, "audit") => ("dynamodb", "AuditTable".to_owned()),
            (Service::DynamoDb, index) => ("dynamodb", format!("VaultTable/{index}")),
            (_, "wrap") => ("kms", "WrapKey".to_owned()),
            (_, "enrol") => ("kms", "EnrolKey".to_owned()),
            (_, "evidence") => ("kms", "EvidenceKey".to_owned()),
            (_, "index") => ("kms", "IndexKey".to_owned()),
            (service, other) => panic!("{service:?} {other} is not in the template"),
        };
        // A slot of an index is no family of rows.
        let family = if on.contains('/') { String::new() } else { touch.partition.clone() };
        Called { role, action: format!("{service}:{}", touch.operation), on, family }
    };
    call.touches.iter().map(one).collect()
}

/// Months of an account: people come, write, agree, fill in forms, link, leave; operators
/// look and erase; what is due goes.
async fn everyday() -> Vec<Call> {
    let counted = crate::retention::purposes("operation", "after = \"collected\", days = 30", "anonymise");
    let app = TestApp::with_files(&[("purposes.toml", &counted)]).await;
    let (someone, erased) = (app.someone(), app.someone());
    app.start_counting();
    let events = [
        someone.follow(NOON),
        someone.postback("EP", NOON, "x"),
        someone.text("1", NOON, "a"),
        someone.unsend("2", NOON),
        erased.text("3", NOON, "b"),
    ];
    assert_eq!(app.hook_to("kept", &events).await, 200);
    assert_eq!(app.hook(&events).await, 200);
    // Somebody known by a form alone, somebody known before, an anonymous answer.
    for sender in [&app.someone(), &someone] {
        let page = app.send_form("visit", sender, app.visit(), TestApp::visit_consents()).await;
        assert_eq!(page.status, 200, "{}", page.text);
    }
    app.get("/policy/demo").await;
    app.get(&format!("/receipts/{:032x}", 1)).await;
    let anonymous = json!({"overall": "5", "again": "yes"});
    assert_eq!(app.send_form("satisfaction", &someone, anonymous, json!({})).await.status, 200);
    // All ways to a link, by somebody known and by strangers, and a claim that is refused.
    app.link_in_chat(&someone, "M-1").await;
    location(&app.link_by_login(&app.someone(), "M-2").await);
    app.link_in_chat(&app.someone(), "M-1").await;
    assert_eq!(app.site("unlink", Some("M-2"), None).await.status, 200);
    // What the sweeper clears away of a later link leaves the mark that the site has freed it.
    app.advance(1_000);
    let later = app.someone();
    location(&app.link_by_login(&later, "M-2").await);
    app.advance(1_000);
    assert_eq!(app.hook(&[later.postback("U1", app.now(), "azukari:unlink")]).await, 200);
    app.sweep_all().await;
    app.installation().refill().await.expect("the pool is filled");
    crate::erasure::erase(&app, "kept", &erased, NOON).await;
    crate::opener::every_act(&app, "kept", &someone).await;
    app.advance_days(91);
    app.sweep_all().await;
    app.calls()
}

/// The key of the digests by which people are found is changed: whoever is met again moves,
/// through whichever door they come.
async fn a_new_index_key() -> Vec<Call> {
    let mut app = TestApp::new().await;
    let people = [app.someone(), app.someone(), app.someone()];
    let [writes, fills_in, links] = &people;
    let events: Vec<Value> =
        people.iter().enumerate().map(|(n, someone)| someone.text(&n.to_string(), NOON, "a")).collect();
    assert_eq!(app.hook(&events).await, 200);
    let before = people.each_ref().map(|someone| app.subject("demo", someone).expect("they are known"));
    let path = app.folder().join("data/secrets.toml");
    let secrets = std::fs::read_to_string(&path).expect("the secrets are there");
    std::fs::write(&path, secrets.replace("user_index = ", "user_index_previous = ")).expect("they are written");
    app.restart().await;
    app.start_counting();
    app.advance(1_000);
    assert_eq!(app.hook(&[writes.text("9", app.now(), "b")]).await, 200);
    let page = app.send_form("visit", fills_in, app.visit(), TestApp::visit_consents()).await;
    assert_eq!(page.status, 200, "{}", page.text);
    location(&app.link_by_login(links, "M-1").await);
    let after = people.each_ref().map(|someone| app.subject("demo", someone).expect("they are found again"));
    assert_eq!(before, after);
    app.calls()
}

/// Vault and keys are brought back from a backup, and whoever was erased since is erased
/// again: what the sweeper does when it is asked for a `restore_check`.
async fn after_a_restore() -> Vec<Call> {
    let app = TestApp::new().await;
    let (erased, other) = (app.someone(), app.someone());
    let events = [
        erased.text("1", NOON - 9, "a"),
        other.text("2", NOON - 8, "b"),
        other.text("3", NOON - 7, "c"),
        other.postback("E1", NOON - 6, "x"),
    ];
    assert_eq!(app.hook_to("kept", &events).await, 200);
    let backup = [Table::Vault, Table::Keys].map(|table| (table, app.rows(table)));
    assert_eq!(app.hook_to("kept", &[other.unsend("3", NOON - 5)]).await, 200);
    app.sweep_all().await;
    let chat = app.installation().published().purposes["chat"].id.clone();
    let withdraws = other.postback("W1", NOON - 4, &format!("azukari:withdraw:{chat}:{}", NOON - 4));
    assert_eq!(app.hook_to("kept", &[withdraws]).await, 200);
    crate::erasure::erase(&app, "kept", &erased, NOON - 1).await;
    app.start_counting();
    for (table, rows) in backup {
        bring_back(&app, table, &rows);
    }
    let dry = app.installation().restore_check(None, true, &|_| {}).await.expect("it looks");
    assert!(dry.restored && !dry.sound(), "{dry:?}");
    let report = app.installation().restore_check(None, false, &|_| {}).await.expect("it ends");
    assert!(report.restored && report.sound(), "{report:?}");
    assert_eq!((report.back, report.messages, report.withdrawn), (1, 1, 1), "{report:?}");
    app.calls()
}

/// A table as it was, past every role.
fn bring_back(app: &TestApp, table: Table, rows: &[Value]) {
    let database = app.installation().dynamodb().database();
    for row in app.rows(table) {
        let request = json!({"TableName": table.as_str(), "Key": {"pk": row["pk"], "sk": row["sk"]}});
        database.delete_item(serde_json::from_value(request).expect("a request")).expect("it is deleted");
    }
    for row in rows {
        let request = json!({"TableName": table.as_str(), "Item": row});
        database.put_item(serde_json::from_value(request).expect("a request")).expect("it is put");
    }
}
