//! What a request costs: calls to DynamoDB and KMS, counted. Loading published
//! configuration is counted apart.

use azukari::domain::time::DAY_MS;
use azukari_local::engine::wire::Service;
use azukari_tests::app::{NOON, TestApp};

/// Operations of a request that is expected to succeed.
async fn cost(app: &TestApp, channel: &str, events: &[serde_json::Value]) -> Vec<String> {
    app.start_counting();
    assert_eq!(app.hook_to(channel, events).await, 200);
    assert!(app.operations(Service::Kms).is_empty(), "no KMS call on the request path");
    app.operations(Service::DynamoDb)
}

#[tokio::test]
async fn a_known_person_costs_two_calls_and_one_within_30_seconds() {
    let mut app = TestApp::new().await;
    let someone = app.someone();
    assert_eq!(app.hook(&[someone.text("1", NOON, "a")]).await, 200);
    app.cold_start();
    assert_eq!(cost(&app, "demo", &[someone.text("2", NOON, "b")]).await, ["GetItem", "PutItem"]);
    app.advance(29_999);
    assert_eq!(cost(&app, "demo", &[someone.text("3", NOON, "c")]).await, ["PutItem"]);
    app.advance(1);
    assert_eq!(cost(&app, "demo", &[someone.text("4", NOON, "d")]).await, ["GetItem", "PutItem"]);
    assert_eq!(cost(&app, "demo", &[someone.unfollow(NOON + 1)]).await, ["PutItem"]);
    assert_eq!(cost(&app, "demo", &[someone.unsend("4", NOON + 2)]).await, ["PutItem"]);
    assert_eq!(cost(&app, "demo", &[someone.follow(NOON + 3)]).await, ["GetItem", "PutItem"], "follow reads afresh");
}

#[tokio::test]
async fn the_first_event_of_a_day_costs_one_call_more() {
    let app = TestApp::new().await;
    let someone = app.someone();
    assert_eq!(app.hook(&[someone.text("1", NOON, "a")]).await, 200);
    app.advance_days(1);
    let first = cost(&app, "demo", &[someone.text("2", NOON + DAY_MS, "b")]).await;
    assert_eq!(first, ["GetItem", "PutItem", "TransactWriteItems"]);
    assert_eq!(cost(&app, "demo", &[someone.text("3", NOON + DAY_MS, "c")]).await, ["PutItem"]);
    assert_eq!(
        cost(&app, "demo", &[someone.text("4", NOON, "late")]).await,
        ["PutItem"],
        "an older day changes nothing"
    );
}

#[tokio::test]
async fn a_new_person_costs_four_calls_one_more_with_the_notice_and_no_kms() {
    let app = TestApp::new().await;
    let someone = app.someone();
    let new = cost(&app, "demo", &[someone.text("1", NOON, "a")]).await;
    assert_eq!(new, ["GetItem", "PutItem", "Query", "TransactWriteItems", "TransactWriteItems"]);
    let mut silent = app.someone().text("1", NOON, "a");
    silent.as_object_mut().unwrap().remove("replyToken");
    assert_eq!(cost(&app, "demo", &[silent]).await, ["GetItem", "PutItem", "Query", "TransactWriteItems"]);
    // 同意する: what is stored, in one transaction, and the profile in another.
    let agreed = cost(&app, "demo", &[app.answer(&someone, NOON, true)]).await;
    assert_eq!(agreed, ["GetItem", "TransactWriteItems", "TransactWriteItems"]);
    assert_eq!(cost(&app, "demo", &[someone.text("2", NOON, "b")]).await, ["PutItem"]);
    let refused = cost(&app, "demo", &[app.answer(&someone, NOON + 1, false)]).await;
    assert_eq!(refused, ["GetItem", "TransactWriteItems"]);
}

#[tokio::test]
async fn one_call_to_line_at_most_for_a_reply_and_one_for_a_profile() {
    let app = TestApp::new().await;
    let someone = app.someone();
    let to_line = async |events: &[serde_json::Value]| {
        app.start_counting();
        assert_eq!(app.hook(events).await, 200);
        app.operations(Service::Line)
    };
    let card = "4111 1111 1111 1111";
    assert_eq!(
        to_line(&[someone.follow(NOON - 9), someone.text("1", NOON, card)]).await,
        ["POST /v2/bot/message/reply"]
    );
    let agreed = to_line(&[app.answer(&someone, NOON, true)]).await;
    assert_eq!(agreed.iter().filter(|call| call.starts_with("POST")).count(), 1);
    assert_eq!(agreed.iter().filter(|call| call.starts_with("GET /v2/bot/profile/")).count(), 1);
    assert_eq!(agreed.len(), 2);
    assert!(to_line(&[someone.text("2", NOON, "b")]).await.is_empty());
}

#[tokio::test]
async fn published_configuration_is_read_once_a_minute() {
    let app = TestApp::new().await;
    let someone = app.someone();
    let reads = async |app: &TestApp, id: &str| {
        app.start_counting();
        assert_eq!(app.hook(&[someone.text(id, NOON, "a")]).await, 200);
        app.calls().iter().filter(|call| call.touches.iter().any(|touch| touch.partition == "P#")).count()
    };
    assert_eq!(reads(&app, "1").await, 2);
    app.advance(59_999);
    assert_eq!(reads(&app, "2").await, 0);
    app.advance(1);
    assert_eq!(reads(&app, "3").await, 2);
}

#[tokio::test]
async fn events_of_one_person_share_the_reading() {
    let app = TestApp::new().await;
    let (one, two) = (app.someone(), app.someone());
    let events: Vec<_> =
        (0..10).flat_map(|n| [one.text(&format!("1{n}"), NOON, "a"), two.text(&format!("2{n}"), NOON, "a")]).collect();
    assert_eq!(app.hook(&events).await, 200);
    app.advance(31_000);
    let again: Vec<_> =
        (0..10).flat_map(|n| [one.text(&format!("3{n}"), NOON, "a"), two.text(&format!("4{n}"), NOON, "a")]).collect();
    let operations = cost(&app, "demo", &again).await;
    assert_eq!(operations.iter().filter(|operation| *operation == "GetItem").count(), 2);
    assert_eq!(operations.iter().filter(|operation| *operation == "PutItem").count(), 20);
    assert_eq!(operations.len(), 22);
}

#[tokio::test]
async fn a_pair_costs_two_kms_calls_and_two_writes() {
    let app = TestApp::new().await;
    assert_eq!(app.hook(&[app.someone().text("1", NOON, "a")]).await, 200);
    app.start_counting();
    assert_eq!(app.installation().refill().await.unwrap().added, 1);
    assert_eq!(app.operations(Service::Kms), ["GenerateDataKeyPairWithoutPlaintext", "Sign"]);
    let dynamodb = app.operations(Service::DynamoDb);
    assert_eq!(dynamodb.iter().filter(|operation| *operation == "PutItem").count(), 2);
    assert_eq!(dynamodb.iter().filter(|operation| *operation == "Query").count(), 8, "the levels of the shards");
}
