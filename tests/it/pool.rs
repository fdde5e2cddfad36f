//! The pool of key pairs: claimed once, whole, and never a swapped one.

use azukari::{
    domain::{id::SubjectId, person::KeyRow},
    host::roles::{Key, Role},
    keys::unwrap,
    store::{pool::PoolPick, tables::Table, wrapped::WrappedKeys},
};
use azukari_tests::app::{NOON, TestApp};
use base64::{Engine, engine::general_purpose::STANDARD};
use futures::future::join_all;
use serde_json::{Value, json};

/// Every pair in the pool is vouched for and can be unwrapped: what is claimed can be
/// opened later.
pub(crate) async fn every_pooled_pair_is_whole(app: &TestApp) {
    let installation = app.installation();
    let keys = WrappedKeys::new(installation.dynamodb_as(Role::Opener), Table::Keys.as_str());
    let pooled = app.rows_of("pool");
    assert_eq!(pooled.len(), 24, "the pool is full, and not over-full");
    for row in pooled {
        let row = key_row(&row);
        let key = installation.enrol().verify(&row).expect("vouched for");
        let wrapped = keys.get(row.subject, row.version).await.unwrap().expect("the wrapped half is there");
        let kms = installation.kms_as(Role::Opener);
        unwrap::unwrap(&kms, Key::Wrap.as_str(), &key, &wrapped).await.expect("it unwraps to this pair");
    }
}

fn key_row(row: &Value) -> KeyRow {
    let bytes = |name: &str| STANDARD.decode(row[name]["B"].as_str().unwrap()).unwrap();
    KeyRow {
        subject: SubjectId::parse(row["sk"]["S"].as_str().unwrap()).unwrap(),
        version: row["key_version"]["N"].as_str().unwrap().parse().unwrap(),
        public_key: bytes("public_key").try_into().unwrap(),
        wrapped_sha256: bytes("wrapped_sha256").try_into().unwrap(),
        signature: bytes("signature"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_first_events_of_one_person_make_one_person() {
    let app = TestApp::new().await;
    let someone = app.someone();
    let requests: Vec<_> = (0..20).map(|n| vec![someone.text(&n.to_string(), NOON, "a")]).collect();
    let answers = join_all(requests.iter().map(|events| app.hook(events))).await;
    assert!(answers.iter().all(|status| *status == 200), "{answers:?}");
    assert_eq!(app.rows_of("mapping").len(), 1);
    assert_eq!(app.rows_of("subject").len(), 1);
    assert_eq!(app.rows_of("message").len(), 20);
    assert_eq!(app.rows_of("pool").len(), 23, "one pair was claimed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_first_events_of_many_persons_claim_a_pair_each() {
    let app = TestApp::new().await;
    let people: Vec<_> = (0..20).map(|_| app.someone()).collect();
    let requests: Vec<_> = people.iter().map(|someone| vec![someone.text("1", NOON, "a")]).collect();
    let answers = join_all(requests.iter().map(|events| app.hook(events))).await;
    assert!(answers.iter().all(|status| *status == 200), "{answers:?}");
    let mut subjects: Vec<_> = people.iter().map(|someone| app.subject("demo", someone).unwrap()).collect();
    subjects.sort();
    subjects.dedup();
    assert_eq!(subjects.len(), 20);
    assert_eq!(app.rows_of("pool").len(), 4);
}

#[tokio::test]
async fn an_empty_pool_is_answered_with_500_and_nothing_half_done() {
    let app = TestApp::new().await;
    let people: Vec<_> = (0..24).map(|_| app.someone()).collect();
    let events: Vec<_> = people.iter().map(|someone| someone.text("1", NOON, "a")).collect();
    assert_eq!(app.hook(&events).await, 200);
    let (known, late) = (&people[0], app.someone());
    assert_eq!(app.hook(&[late.text("2", NOON, "a"), known.text("3", NOON, "b")]).await, 500);
    assert!(app.mapping("demo", &late).is_none());
    assert_eq!(app.rows_of("message").len(), 25, "the known person's event is stored all the same");
    assert_eq!(app.installation().metrics().get("webhook_alarm", "pool_empty"), 1);
    app.installation().refill().await.unwrap();
    assert_eq!(app.hook(&[late.text("2", NOON, "a"), known.text("3", NOON, "b")]).await, 200);
    assert_eq!(app.rows_of("message").len(), 26);
    every_pooled_pair_is_whole_after_one_more_refill(&app).await;
}

async fn every_pooled_pair_is_whole_after_one_more_refill(app: &TestApp) {
    app.installation().refill().await.unwrap();
    every_pooled_pair_is_whole(app).await;
}

#[tokio::test]
async fn a_swapped_public_key_is_refused_before_anything_is_sealed_to_it() {
    let mut app = TestApp::new().await;
    let plant = |app: &TestApp, row: Value| {
        let request = serde_json::from_value(json!({"TableName": "vault", "Item": row})).unwrap();
        app.installation().dynamodb().database().put_item(request).unwrap();
    };
    let good = app.rows_of("pool")[0].clone();
    let attackers = app.rows_of("pool")[1]["public_key"].clone();
    for row in app.rows_of("pool") {
        let mut swapped = row;
        swapped["public_key"] = attackers.clone();
        plant(&app, swapped);
    }
    let one = app.someone();
    let status = app.hook(&[one.text("1", NOON, "a")]).await;
    let subject = app.subject("demo", &one);
    // One row still carries the attacker's own pair, signed as such: it may be claimed.
    assert!(status == 500 || subject.is_some_and(|subject| row_is(&app, subject, &attackers)), "{status}");
    assert!(app.installation().metrics().get("webhook_alarm", "key_not_vouched") > 0 || status == 200);

    let known = app.someone();
    app.installation().refill().await.unwrap();
    let mut mapping = loop {
        plant(&app, good.clone());
        if app.hook(&[known.text("2", NOON, "a")]).await == 200 {
            break app.mapping("demo", &known).unwrap();
        }
    };
    let before = app.rows_of("message").len();
    mapping["public_key"] = json!({"B": STANDARD.encode([4; 65])});
    plant(&app, mapping);
    app.cold_start();
    assert_eq!(app.hook(&[known.text("3", NOON, "b")]).await, 500, "a swapped key in the mapping");
    assert_eq!(app.rows_of("message").len(), before);
}

fn row_is(app: &TestApp, subject: SubjectId, public_key: &Value) -> bool {
    let mappings = app.rows_of("mapping");
    mappings.iter().any(|row| row["subject"]["S"] == subject.to_string().as_str() && row["public_key"] == *public_key)
}

#[tokio::test]
async fn an_unclaimed_pair_is_found_wherever_the_search_begins() {
    let app = TestApp::new().await;
    let vault = app.installation().vault_as(Role::Webhook).unwrap();
    for shard in [0, 1, 7, 8, 255] {
        for pair in [0, 1, 2, 3, 255] {
            assert!(vault.pooled_key(PoolPick { shard, pair }).await.unwrap().is_some());
        }
    }
}
