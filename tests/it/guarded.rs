//! What must not be collected is taken out before anything is sealed, everywhere where
//! people write.

use azukari_tests::{
    app::{NOON, TestApp},
    line::Someone,
};
use serde_json::{Value, json};

const CARD: &str = "4242-4242-4242-4242";
/// The example of the law's check digit: 12345678901 → 8.
const MY_NUMBER: &str = "1234 5678 9018";

async fn stored(app: &TestApp, someone: &Someone, sk: &str) -> std::collections::BTreeMap<String, String> {
    let subject = app.subject("kept", someone).unwrap();
    let row = app.rows_of_person(subject).into_iter().find(|row| row["sk"]["S"] == sk).expect("the row is there");
    app.opened("kept", someone, &row).await.unwrap()
}

fn texts(app: &TestApp, someone: &Someone) -> Vec<String> {
    let sent = app.installation().line().sent();
    let own = sent.iter().filter(|sent| sent.to == someone.0).flat_map(|sent| &sent.messages);
    own.filter_map(|message| message["text"].as_str().map(str::to_owned)).collect()
}

#[tokio::test]
async fn every_place_where_people_write_is_guarded() {
    let app = TestApp::new().await;
    let someone = app.someone();
    let events = [
        someone.text("1", NOON, &format!("カードは{CARD}です")),
        someone.message(
            NOON,
            json!({"id": "2", "type": "location", "title": format!("店 {CARD}"), "address": MY_NUMBER, "latitude": 35.6, "longitude": 139.7}),
        ),
        someone.message(NOON, json!({"id": "3", "type": "file", "fileName": format!("{MY_NUMBER}.pdf"), "fileSize": 1})),
        someone.postback("EP4", NOON, &format!("pay={CARD}")),
        someone.edit("1", NOON + 1, &format!("マイナンバーは{MY_NUMBER}")),
        someone.message(NOON, json!({"id": "5", "type": "sticker", "packageId": "1", "stickerId": "2", "stickerResourceType": "MESSAGE", "text": CARD})),
    ];
    let name = format!("花子 {CARD}");
    let profile = json!({"displayName": name, "userId": someone.0, "statusMessage": MY_NUMBER});
    app.installation().line().set_profile(&someone.0, Some(profile));
    assert_eq!(app.hook_to("kept", &events[..1]).await, 200);
    assert_eq!(stored(&app, &someone, "R#1").await["text"], "カードは****4242です");
    assert_eq!(app.hook_to("kept", &events[1..]).await, 200);
    app.agree("kept", &someone, NOON + 2).await;
    let place = stored(&app, &someone, "R#2").await;
    assert_eq!((place["title"].as_str(), place["latitude"].as_str()), ("店 ****4242", "35.6"));
    let all = [
        place["address"].clone(),
        stored(&app, &someone, "R#3").await["file_name"].clone(),
        stored(&app, &someone, "R#EP4").await["data"].clone(),
        stored(&app, &someone, "R#1").await["text"].clone(),
        stored(&app, &someone, "R#5").await["text"].clone(),
        stored(&app, &someone, "R#profile").await["display_name"].clone(),
        stored(&app, &someone, "R#profile").await["status_message"].clone(),
    ];
    for text in &all {
        assert!(!text.contains("1234") && !text.contains("9018"), "{text}");
        assert!(text.matches("4242").count() <= 1, "{text}");
    }
    assert!(all[2] == "pay=****4242" && all[5] == "花子 ****4242", "{all:?}");
    let counted = |kind| app.installation().metrics().get("guard", kind);
    assert!(counted("card") >= 5 && counted("my_number") >= 3 && counted("my_number_named") == 1);
}

#[tokio::test]
async fn the_person_is_cautioned_once_and_the_number_is_nowhere() {
    let app = TestApp::new().await;
    let someone = app.someone();
    let number = "5555 5555 5555 4444";
    app.watch(number);
    app.watch("5555555555554444");
    let event = [someone.text("1", NOON, &format!("これで払えますか {number}"))];
    for _ in 0..2 {
        assert_eq!(app.hook_to("kept", &event).await, 200);
    }
    let cautions: Vec<String> =
        texts(&app, &someone).into_iter().filter(|text| text.contains("カード番号のように見える")).collect();
    assert_eq!(cautions.len(), 1, "a redelivery is no second message");
    assert!(!format!("{:?}", app.installation().metrics().snapshot()).contains("4444"));
    let sent: Vec<Value> = app.installation().line().sent().iter().flat_map(|sent| sent.messages.clone()).collect();
    assert!(!json!(sent).to_string().contains("4444"), "never echoed, not even in part");
}

#[tokio::test]
async fn an_escape_of_json_hides_nothing() {
    let app = TestApp::new().await;
    let someone = app.someone();
    let hidden = "4242\n4242\t4242\u{1}4242";
    let sticker =
        json!({"id": "1", "type": "sticker", "packageId": "1", "stickerId": "2", "keywords": [hidden, "おじぎ"]});
    let postback = json!({"postback": {"data": "d", "params": {"date": hidden, "n": 4242424242424242_u64}}});
    let events = [someone.message(NOON, sticker), someone.event("postback", "EP", NOON, postback)];
    assert_eq!(app.hook_to("kept", &events).await, 200);
    assert_eq!(stored(&app, &someone, "R#1").await["keywords"], "[\"****4242\",\"おじぎ\"]");
    let params: Value = serde_json::from_str(&stored(&app, &someone, "R#EP").await["params"]).unwrap();
    assert_eq!(params, json!({"date": "****4242", "n": "****4242"}));
}

#[tokio::test]
async fn ordinary_numbers_stay() {
    let app = TestApp::new().await;
    let someone = app.someone();
    let ordinary = "電話は090-1234-5678、注文は20261122-000123、2026/11/22 10:30に〒100-0001へ。";
    assert_eq!(app.hook_to("kept", &[someone.text("1", NOON, ordinary)]).await, 200);
    assert_eq!(stored(&app, &someone, "R#1").await["text"], ordinary);
    assert!(texts(&app, &someone).iter().all(|text| !text.contains("のように見える")));
}

#[tokio::test]
async fn what_is_dropped_is_guarded_and_cautioned_too() {
    let app = TestApp::new().await;
    let someone = app.someone();
    assert_eq!(app.hook_to("strict", &[someone.text("1", NOON, CARD)]).await, 200);
    let texts = texts(&app, &someone);
    assert!(texts[0].contains("カード番号のように見える") && texts[1].contains("保存していません"), "{texts:?}");
}
