//! Nothing personal in the clear, whatever comes in. [`TestApp`] searches after every
//! story; this one sends a marker through every member of every event there is.

use azukari_tests::{
    app::{NOON, TestApp},
    faults::{Fault, Level},
    line::Someone,
};
use serde_json::{Value, json};

/// An event of every type and shape, a marker in every member that a person or their
/// phone can fill.
pub(crate) fn everything(app: &TestApp) -> Vec<Value> {
    let someone = app.someone();
    let other = app.someone();
    let mark = |what: &str| app.marker(what);
    let content =
        json!({"type": "external", "originalContentUrl": mark("https://a"), "previewImageUrl": mark("https://b")});
    let messages = [
        json!({"id": "1", "type": "text", "text": mark("本文"), "quoteToken": mark("q"), "markAsReadToken": mark("m"),
               "emojis": [{"index": 0, "length": 1, "productId": mark("p"), "emojiId": mark("e")}],
               "mention": {"mentionees": [{"index": 0, "length": 3, "type": "user", "userId": other.0}]}, "quotedMessageId": mark("引用")}),
        json!({"id": "2", "type": "image", "contentProvider": content, "imageSet": {"id": mark("組"), "index": 1, "total": 2}, "quoteToken": mark("q")}),
        json!({"id": "3", "type": "video", "contentProvider": content, "duration": 60000}),
        json!({"id": "4", "type": "audio", "contentProvider": content}),
        json!({"id": "5", "type": "file", "fileName": mark("履歴書.pdf"), "fileSize": 2138}),
        json!({"id": "6", "type": "location", "title": mark("自宅"), "address": mark("東京都千代田区"), "latitude": 35.65910807942, "longitude": 139.70372892916}),
        json!({"id": "7", "type": "sticker", "packageId": mark("包"), "stickerId": mark("札"), "stickerResourceType": "MESSAGE", "keywords": [mark("鍵")], "text": mark("札文")}),
    ];
    app.watch("35.65910807942");
    app.watch("139.70372892916");
    let mut events: Vec<Value> = messages.iter().map(|message| someone.message(NOON, message.clone())).collect();
    events.extend([
        someone.follow(NOON),
        someone.unfollow(NOON),
        someone.edit("1", NOON, &mark("訂正文")),
        someone.unsend("2", NOON),
        someone.event("postback", "E1", NOON, json!({"replyToken": mark("返"), "postback": {"data": mark("選択"), "params": {"datetime": mark("日時")}}})),
        someone.event("videoPlayComplete", "E2", NOON, json!({"videoPlayComplete": {"trackingId": mark("動画")}})),
        someone.event("beacon", "E3", NOON, json!({"beacon": {"hwid": mark("店"), "type": "enter", "dm": mark("機")}})),
        someone.event("membership", "E4", NOON, json!({"membership": {"type": "joined", "membershipId": mark("会員")}})),
        someone.event("accountLink", "E5", NOON, json!({"link": {"result": "ok", "nonce": mark("nonce")}})),
        json!({"type": "delivery", "timestamp": NOON, "webhookEventId": "E6", "delivery": {"data": mark("電話")}}),
        json!({"type": "memberJoined", "timestamp": NOON, "webhookEventId": "E7", "source": {"type": "group", "groupId": mark("C")}, "joined": {"members": [{"type": "user", "userId": other.0}]}}),
        json!({"type": "newType", "payload": mark("新"), "source": {"type": "user", "userId": other.0}}),
        someone.message(NOON, json!({"id": "8", "type": "newMessage", "payload": mark("新")})),
        someone.message(NOON, json!({"id": mark("#壊"), "type": "text", "text": mark("壊")})),
        someone.event("postback", &mark("#壊"), NOON, json!({"postback": {"data": mark("壊")}})),
    ]);
    events
}

#[tokio::test]
async fn no_event_leaves_anything_in_the_clear() {
    let mut app = TestApp::new().await;
    let events = everything(&app);
    let someone = events[0]["source"]["userId"].as_str().unwrap().to_owned();
    let profile = json!({"displayName": app.marker("山田 太郎"), "userId": someone, "pictureUrl": app.marker("https://p"), "statusMessage": app.marker("近況"), "language": app.marker("ja")});
    app.installation().line().set_profile(&someone, Some(profile));
    for channel in ["demo", "kept", "strict"] {
        assert_eq!(app.hook_to(channel, &events).await, 200);
        app.agree(channel, &Someone(someone.clone()), NOON).await;
        let (body, _) = app.signed(channel, &events);
        assert_eq!(app.post(&format!("/webhook/{channel}"), Some("c2lnbmF0dXJl"), body.clone()).await.status, 401);
        assert_eq!(app.post("/webhook/nobody", None, body).await.status, 404);
    }
    assert!(app.rows_of("message").len() >= 12, "the story stores what it says it stores");
    app.assert_nothing_in_the_clear();
    app.sweep_all().await;
    app.advance_days(2);
    app.sweep_all().await;
    app.restart().await;
    app.assert_nothing_in_the_clear();
}

/// Letters that no other name in this process is made of in this order.
fn rare_kana() -> String {
    let mut number = azukari_tests::app::unique();
    let letters: Vec<char> = ('カ'..='ヂ').collect();
    (0..12)
        .map(|_| {
            let letter = letters[usize::try_from(number % letters.len() as u128).unwrap()];
            number /= letters.len() as u128;
            letter
        })
        .collect()
}

#[tokio::test]
async fn no_form_leaves_anything_in_the_clear() {
    use azukari_local::engine::wire::{Calm, Fate};
    let mut app = TestApp::new().await;
    let someone = app.someone();
    let name = rare_kana();
    let number = azukari_tests::app::unique() % 100_000_000;
    let phone = format!("090{number:08}");
    let email = format!("{:x}@example.jp", azukari_tests::app::unique());
    for value in [&name, &phone, &email] {
        app.watch(value);
    }
    let typed_phone = format!("０９０-{:04}-{:04}", number / 10_000, number % 10_000);
    app.watch(&typed_phone);
    let lesson = json!({
        "child_name": name, "child_kana": name, "child_birthday": "2019-05-01", "guardian_name": name,
        "phone": typed_phone, "email": email, "lesson": "piano", "wish_date": "2026-12-24", "wish_time": "am",
        "experience": "some", "experience_detail": app.marker("二年"), "news": ["events"], "news_email": email,
    });
    let consents = json!({"lesson": true, "contact": true, "news": true});
    let health =
        json!({"name": name, "birthday": "1950-01-01", "symptoms": app.marker("せき"), "medicines": app.marker("薬")});
    let health_consents = json!({"health": true, "health.sensitive": true, "contact": true});
    for (form, answers, consents) in [("trial-lesson", &lesson, &consents), ("health-check", &health, &health_consents)]
    {
        // Whatever fails on the way, and whatever is wrong with it.
        let token = app.id_token("demo", &someone);
        app.watch(&token);
        for nth in 0..8 {
            let body =
                json!({"notice": app.notice(form).await, "answers": answers, "consents": consents, "step": "send"});
            app.start_counting();
            app.weather(Fault { nth, fate: Fate::Fails, level: Level::Application });
            app.send_json(form, Some(&token), &body).await;
            app.weather(Calm);
            app.cold_start();
        }
        let mut wrong = answers.clone();
        wrong["phone"] = json!(app.marker("電話番号ではない"));
        wrong["surprise"] = json!(app.marker("ない項目"));
        wrong["symptoms"] = json!(app.marker("4111 1111 1111 1111"));
        let refused = app.send_form(form, &someone, wrong, consents.clone()).await;
        assert_eq!(refused.status, 422);
        assert!(!refused.text.contains("金糸雀"), "no answer comes back in a problem");
        assert_eq!(app.send_form(form, &someone, answers.clone(), consents.clone()).await.status, 200);
    }
    assert!(app.rows_of("submission").len() >= 3, "the story stores what it says it stores");
    app.assert_nothing_in_the_clear();
    app.advance_days(400);
    app.sweep_all().await;
    assert!(app.rows_of("submission").is_empty() && app.rows_of("lookup").is_empty());
    app.restart().await;
    app.assert_nothing_in_the_clear();
}

#[tokio::test]
async fn no_fault_brings_anything_into_the_clear() {
    use azukari_local::engine::wire::Fate;
    let mut app = TestApp::new().await;
    let events = everything(&app);
    for nth in 0..12 {
        app.start_counting();
        app.weather(Fault { nth, fate: Fate::Fails, level: Level::Application });
        let status = app.hook_to("kept", &events).await;
        assert!(status == 500 || status == 200, "{status}");
        app.cold_start();
    }
    assert!(!azukari_tests::witness::said().is_empty(), "faults are logged");
    app.assert_nothing_in_the_clear();
}

#[tokio::test]
async fn the_search_finds_what_is_in_the_clear() {
    let app = TestApp::new().await;
    let leak = app.marker("漏れ");
    std::fs::write(app.folder().join("data/leak.log"), format!("a line with {leak}")).unwrap();
    let search = std::panic::AssertUnwindSafe(|| app.assert_nothing_in_the_clear());
    let found = std::panic::catch_unwind(search).expect_err("it is found");
    assert!(found.downcast_ref::<String>().unwrap().contains("leak.log"));
    std::fs::remove_file(app.folder().join("data/leak.log")).unwrap();
    // The panic above was heard as well, and names the marker: this story ends here.
    std::fs::remove_dir_all(app.folder().join("data")).unwrap();
}
