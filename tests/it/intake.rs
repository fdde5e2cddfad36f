//! `POST /webhook/{channel}`: what is taken, what is refused, what is kept.

use azukari::{domain::time::DAY_MS, store::tables::Table};
use azukari_tests::{
    app::{NOON, TestApp},
    line::redelivered,
};
use serde_json::{Value, json};

fn due(row: &Value) -> i64 {
    row["due_at"]["N"].as_str().expect("a due time").parse().expect("a number")
}

#[tokio::test]
async fn a_message_becomes_a_sealed_row_with_purpose_and_due_date() {
    let app = TestApp::new().await;
    let (someone, text) = (app.someone(), app.marker("体験レッスンの予約"));
    assert_eq!(app.hook_to("kept", &[someone.text("71", NOON - 5, &text)]).await, 200);
    let [row] = &app.rows_of("message")[..] else { panic!("one message row") };
    let terms = &app.installation().published().purposes["chat"];
    assert_eq!(row["purpose"]["S"], terms.id.as_str());
    assert_eq!(row["event_at"]["N"], (NOON - 5).to_string().as_str());
    assert_eq!(due(row) - (NOON - 5), 180 * DAY_MS);
    assert_eq!(row["shown"]["S"], "none");
    let opened = app.opened("kept", &someone, row).await.expect("it opens for the opener");
    assert_eq!(opened["text"], text);
    let [subject] = &app.rows_of("subject")[..] else { panic!("one subject row") };
    assert_eq!(app.opened("kept", &someone, subject).await.unwrap()["line_user_id"], someone.0);
}

#[tokio::test]
async fn before_consent_each_channel_has_its_rule() {
    let app = TestApp::new().await;
    let someone = app.someone();
    for channel in ["demo", "kept", "strict"] {
        let events = [someone.follow(NOON - 9), someone.text("71", NOON - 5, "a"), someone.unsend("72", NOON - 3)];
        assert_eq!(app.hook_to(channel, &events).await, 200);
    }
    let subject = app.subject("demo", &someone).unwrap();
    let message = app.rows_of_person(subject).into_iter().find(|row| row["kind"]["S"] == "message").unwrap();
    assert_eq!(due(&message) - (NOON - 5), DAY_MS);
    assert!(app.mapping("kept", &someone).is_some());
    assert!(app.mapping("strict", &someone).is_none(), "nothing is kept before consent");
    assert_eq!(app.installation().metrics().get("webhook_dropped", "no_consent"), 3);
}

#[tokio::test]
async fn the_profile_is_fetched_after_consent() {
    let app = TestApp::new().await;
    let someone = app.someone();
    let name = app.marker("山田");
    let profile =
        json!({"displayName": name, "userId": someone.0, "statusMessage": app.marker("近況"), "language": "ja"});
    app.installation().line().set_profile(&someone.0, Some(profile));
    assert_eq!(app.hook(&[someone.follow(NOON - 1)]).await, 200);
    assert_eq!(app.hook_to("kept", &[someone.follow(NOON - 1)]).await, 200);
    assert!(app.rows_of("profile").is_empty(), "not before consent, whatever the channel keeps");
    app.agree("kept", &someone, NOON).await;
    let [row] = &app.rows_of("profile")[..] else { panic!("one profile row") };
    assert_eq!(app.opened("kept", &someone, row).await.unwrap()["display_name"], name);
    assert_eq!(row["purpose"]["S"], app.installation().published().purposes["profile"].id.as_str());
}

#[tokio::test]
async fn a_profile_that_line_does_not_show_does_not_hold_up_the_event() {
    use azukari_local::engine::wire::{Fate, Service};
    use azukari_tests::faults::Down;
    let app = TestApp::new().await;
    let (blocked, unreachable) = (app.someone(), app.someone());
    app.installation().line().set_profile(&blocked.0, None);
    assert_eq!(app.hook_to("kept", &[blocked.text("1", NOON, "a")]).await, 200);
    app.agree("kept", &blocked, NOON).await;
    app.weather(Down(Service::Line, Fate::Fails));
    assert_eq!(app.hook_to("kept", &[unreachable.text("2", NOON, "a")]).await, 200);
    app.agree("kept", &unreachable, NOON).await;
    assert_eq!(app.rows_of("message").len(), 2);
    assert!(app.rows_of("profile").is_empty());
    app.weather(azukari_local::engine::wire::Calm);
    assert_eq!(app.hook_to("kept", &[unreachable.text("3", NOON, "a"), blocked.text("4", NOON, "a")]).await, 200);
    assert_eq!(app.rows_of("profile").len(), 1, "a missing profile is fetched at the next event");
}

#[tokio::test]
async fn a_line_that_does_not_answer_is_not_waited_for() {
    use azukari_local::engine::wire::{Call, Fate, Service, Weather};
    struct Silent;
    impl Weather for Silent {
        fn fate(&self, call: &Call) -> Fate {
            if call.service == Service::Line { Fate::CallerDiesBefore } else { Fate::Answered }
        }
    }
    let mut app = TestApp::new().await;
    app.weather(Silent);
    app.cold_start_in_a_hurry();
    let someone = app.someone();
    assert_eq!(app.hook_to("kept", &[someone.text("1", NOON, "a")]).await, 200);
    assert_eq!(app.rows_of("message").len(), 1);
}

#[tokio::test]
async fn unsent_messages_leave_a_tombstone_whatever_came_first() {
    let app = TestApp::new().await;
    let someone = app.someone();
    let text = app.marker("取り消す文");
    let (sent, unsent) = (someone.text("71", NOON - 9, &text), someone.unsend("71", NOON - 5));
    for order in [[&sent, &unsent], [&unsent, &sent]] {
        for event in order {
            assert_eq!(app.hook(std::slice::from_ref(event)).await, 200);
        }
        assert_eq!(app.rows_of("message").len(), 0);
        assert_eq!(app.rows_of("tombstone").len(), 1);
    }
}

#[tokio::test]
async fn an_edited_message_replaces_the_earlier_text_and_never_a_tombstone() {
    let app = TestApp::new().await;
    let someone = app.someone();
    let events = [
        someone.edit("71", NOON - 5, "二"),
        someone.text("71", NOON - 9, "一"),
        someone.edit("71", NOON - 3, "三"),
        someone.edit("71", NOON - 4, "間"),
    ];
    for event in &events {
        assert_eq!(app.hook(std::slice::from_ref(event)).await, 200);
    }
    let [row] = &app.rows_of("message")[..] else { panic!("one message row") };
    assert_eq!(app.opened("demo", &someone, row).await.unwrap()["text"], "三");
    assert_eq!(app.hook(&[someone.unsend("71", NOON - 2)]).await, 200);
    assert_eq!(app.hook(&[someone.edit("71", NOON - 1, "四")]).await, 200);
    assert!(app.rows_of("message").is_empty());
}

#[tokio::test]
async fn the_newer_of_follow_and_unfollow_counts() {
    let app = TestApp::new().await;
    let someone = app.someone();
    let state = || app.rows_of("state")[0]["state"]["S"].as_str().unwrap().to_owned();
    assert_eq!(app.hook(&[someone.unfollow(NOON - 5)]).await, 200);
    assert_eq!(app.hook(&[someone.follow(NOON - 9)]).await, 200);
    assert_eq!(state(), "blocked");
    assert_eq!(app.hook(&[someone.follow(NOON - 1)]).await, 200);
    assert_eq!(app.hook(&redelivered(&[someone.unfollow(NOON - 5)])).await, 200);
    assert_eq!(state(), "following");
}

#[tokio::test]
async fn what_is_not_a_persons_is_counted_and_not_stored() {
    let app = TestApp::new().await;
    let someone = app.someone();
    let group = app.marker("グループの発言");
    let mut in_group = someone.text("1", NOON, &group);
    in_group["source"] = json!({"type": "group", "groupId": app.marker("C"), "userId": someone.0});
    let mut in_room = someone.unsend("1", NOON);
    in_room["source"] = json!({"type": "room", "roomId": "R1", "userId": someone.0});
    let others = [
        in_group,
        in_room,
        json!({"type": "join", "mode": "active", "timestamp": NOON, "source": {"type": "group", "groupId": "C1"}, "webhookEventId": "1"}),
        json!({"type": "delivery", "timestamp": NOON, "delivery": {"data": app.marker("電話")}, "webhookEventId": "2"}),
        json!({"type": "brandNew", "timestamp": NOON, "secretThing": app.marker("新型")}),
        someone.event("accountLink", "3", NOON, json!({"link": {"result": "ok", "nonce": app.marker("nonce")}})),
        json!({"type": "accountLink", "timestamp": NOON, "webhookEventId": "4", "link": {"result": "failed", "nonce": "n"}}),
        json!({"type": "accountLink", "timestamp": NOON, "webhookEventId": "8", "link": {"result": "ok", "nonce": "n"}}),
        someone.message(NOON, json!({"id": "5", "type": "hologram", "scene": app.marker("像")})),
        someone.event("activated", "6", NOON, json!({"chatControl": {"expireAt": 1}})),
        someone.event("module", "7", NOON, json!({"module": {"type": "attached"}})),
    ];
    assert_eq!(app.hook(&others).await, 200);
    assert!(app.rows(Table::Vault).iter().all(|row| !row["pk"]["S"].as_str().unwrap().starts_with("S#")));
    let metrics = app.installation().metrics();
    let counts = [
        ("group_chat", 3),
        ("control", 3),
        ("unknown_event", 1),
        ("account_link", 2),
        ("anonymous", 1),
        ("unknown_message", 1),
    ];
    for (kind, n) in counts {
        assert_eq!(metrics.get("webhook_event", kind), n, "{kind}");
    }
}

#[tokio::test]
async fn an_event_that_can_never_be_stored_is_counted_and_spoils_nothing() {
    let app = TestApp::new().await;
    let someone = app.someone();
    let mut nameless = someone.text("1", NOON, "a");
    nameless.as_object_mut().unwrap().remove("webhookEventId");
    let huge = app.marker("長い").repeat(12_000);
    let events = [
        nameless,
        someone.message(NOON, json!({"id": "2", "type": "text"})),
        someone.text("3", NOON, &huge),
        someone.text("4", NOON, "b"),
    ];
    assert_eq!(app.hook(&events).await, 200);
    assert_eq!(app.rows_of("message").len(), 1);
    assert_eq!(app.installation().metrics().get("webhook_permanent_fault", "malformed"), 2);
    assert_eq!(app.installation().metrics().get("webhook_permanent_fault", "too_large"), 1);
}

#[tokio::test]
async fn an_event_that_no_reader_can_hold_spoils_nothing() {
    let app = TestApp::new().await;
    let someone = app.someone();
    let odd = [
        r#"{"type":"message","message":{"id":"1","type":"text","text":"\ud83d"}}"#.to_owned(),
        format!(r#"{{"type":"new","deep":{}{}}}"#, "[".repeat(200), "]".repeat(200)),
        r#"{"type":"new","huge":1e400}"#.to_owned(),
    ];
    let destination = app.installation().channel_secret("demo", "bot_user_id").unwrap().to_owned();
    for (n, odd) in odd.iter().enumerate() {
        let good = someone.text(&n.to_string(), NOON, "a");
        let body = format!(r#"{{"destination":"{destination}","events":[{odd},{good}]}}"#).into_bytes();
        let signature = app.signature("demo", &body);
        assert_eq!(app.post("/webhook/demo", Some(&signature), body).await.status, 200, "{odd}");
        assert_eq!(app.rows_of("message").len(), n + 1, "{odd}");
    }
    assert_eq!(app.installation().metrics().get("webhook_permanent_fault", "malformed"), 3);
}

#[tokio::test]
async fn an_event_too_large_to_be_stored_starts_nobody() {
    let app = TestApp::new().await;
    let someone = app.someone();
    assert_eq!(app.hook(&[someone.text("1", NOON, &app.marker("大").repeat(20_000))]).await, 200);
    assert!(app.mapping("demo", &someone).is_none());
    assert_eq!(app.hook(&[someone.text("2", NOON, &"あ".repeat(100_000))]).await, 200);
    assert_eq!(app.rows_of("message").len(), 1, "300,000 bytes do fit");
}

#[tokio::test]
async fn what_is_not_lines_is_refused_with_words() {
    let app = TestApp::new().await;
    let someone = app.someone();
    let (body, signature) = app.signed("demo", &[someone.text("1", NOON, &app.marker("本文"))]);
    let broken = b"{\"destination\":".to_vec();
    let elsewhere = json!({"destination": "U0000", "events": []}).to_string().into_bytes();
    let not_a_list = json!({"destination": "U0000", "events": 5}).to_string().into_bytes();
    let large = vec![b' '; 1024 * 1024 + 1];
    let mut edited = body.clone();
    edited.push(b' ');
    let sign = |body: &[u8]| app.signature("demo", body);
    let cases = [
        ("/webhook/demo", None, body.clone(), 401),
        ("/webhook/demo", Some("".to_owned()), body.clone(), 401),
        ("/webhook/demo", Some("not base64!".to_owned()), body.clone(), 401),
        ("/webhook/demo", Some(signature.clone()), edited, 401),
        ("/webhook/kept", Some(signature.clone()), body.clone(), 401),
        ("/webhook/demo", Some(sign(&broken)), broken, 400),
        ("/webhook/demo", Some(sign(&not_a_list)), not_a_list, 400),
        ("/webhook/demo", Some(sign(&elsewhere)), elsewhere, 400),
        ("/webhook/demo", Some(sign(&large)), large, 413),
        ("/webhook/nobody", Some(signature.clone()), body.clone(), 404),
        ("/webhook/%ff", Some(signature.clone()), body.clone(), 404),
        ("/webhook/Demo", Some(signature), body, 404),
    ];
    for (path, signature, body, status) in cases {
        let answer = app.post(path, signature.as_deref(), body).await;
        assert_eq!(answer.status, status, "{path} {signature:?}: {}", answer.body);
        let problem: Value = serde_json::from_str(&answer.body).expect("a problem in JSON");
        assert_eq!(problem["status"], status);
        assert!(!problem["title"].as_str().unwrap().is_ascii(), "Japanese first");
    }
    assert!(app.rows_of("mapping").is_empty());
}

#[tokio::test]
async fn the_connection_check_needs_no_store() {
    let app = TestApp::new().await;
    app.start_counting();
    assert_eq!(app.hook(&[]).await, 200);
    assert!(app.calls().is_empty());
}

#[tokio::test]
async fn api_gateway_hands_over_a_base64_body() {
    use base64::{Engine, engine::general_purpose::STANDARD};
    use lambda_http::{request::LambdaRequest, tower::ServiceExt};
    let app = TestApp::new().await;
    let someone = app.someone();
    let (body, signature) = app.signed("demo", &[someone.text("71", NOON, &app.marker("関数"))]);
    let event = json!({
        "version": "2.0", "routeKey": "POST /webhook/{channel}", "rawPath": "/webhook/demo", "rawQueryString": "",
        "headers": {"x-line-signature": signature, "content-type": "application/json"},
        "requestContext": {
            "accountId": "0", "apiId": "a", "stage": "$default", "requestId": "r", "time": "t", "timeEpoch": 0,
            "http": {"method": "POST", "path": "/webhook/demo", "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "u"}
        },
        "isBase64Encoded": true, "body": STANDARD.encode(&body)
    });
    let request: LambdaRequest = serde_json::from_value(event).expect("an event of API Gateway");
    let request: lambda_http::Request = request.into();
    let response = app.router().oneshot(request).await.expect("the router answers");
    assert_eq!(response.status(), 200);
    assert_eq!(app.rows_of("message").len(), 1);
}

#[tokio::test]
async fn a_person_is_another_one_in_another_channel() {
    let app = TestApp::new().await;
    let someone = app.someone();
    for channel in ["demo", "kept"] {
        assert_eq!(app.hook_to(channel, &[someone.text("1", NOON, "a")]).await, 200);
    }
    assert_ne!(app.subject("demo", &someone), app.subject("kept", &someone));
    assert_eq!(app.rows_of("message").len(), 2);
}

#[tokio::test]
async fn a_time_in_the_future_is_taken_as_now() {
    let app = TestApp::new().await;
    let someone = app.someone();
    assert_eq!(app.hook(&[someone.text("1", NOON + 90 * DAY_MS, "a")]).await, 200);
    assert_eq!(app.rows_of("message")[0]["event_at"]["N"], NOON.to_string().as_str());
}

#[tokio::test]
async fn a_new_index_key_finds_the_person_under_the_old_digest_once() {
    let mut app = TestApp::new().await;
    let (someone, erased) = (app.someone(), app.someone());
    assert_eq!(app.hook(&[someone.text("1", NOON, "a"), erased.text("2", NOON, "a")]).await, 200);
    let (subject, old_key) = (app.subject("demo", &someone).unwrap(), app.mapping_key("demo", &someone));
    crate::erasure::erase(&app, "demo", &erased, NOON).await;
    let path = app.folder().join("data/secrets.toml");
    let secrets = std::fs::read_to_string(&path).unwrap();
    let secrets = secrets.replace("user_index = ", "user_index_previous = ");
    std::fs::write(&path, secrets).unwrap();
    app.restart().await;
    let again = redelivered(&[erased.text("2", NOON, "a")]);
    assert_eq!(app.hook(&[someone.text("3", NOON + 1, "b"), again[0].clone()]).await, 200);
    assert_eq!(app.subject("demo", &someone), Some(subject), "the same person under the new digest");
    assert_ne!(app.mapping_key("demo", &someone), old_key);
    let old = app.rows(Table::Vault).into_iter().filter(|row| row["pk"]["S"] == old_key.as_str()).count();
    assert_eq!(old, 0, "the old digest is gone");
    assert!(app.mapping("demo", &erased).is_none(), "an old tombstone still speaks");
    let subject_row = app.rows_of("subject").into_iter().next().unwrap();
    assert_eq!(subject_row["mapping"]["S"], app.mapping_key("demo", &someone).as_str());
}
