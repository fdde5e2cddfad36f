//! The notice and the answers to it, as a person on LINE meets them.

use azukari::domain::time::DAY_MS;
use azukari_local::engine::line::{Answer, Faults};
use azukari_tests::{
    app::{NOON, PUBLIC_URL, TestApp},
    line::{Someone, redelivered},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// What the account has said to somebody in a channel, text by text; buttons as `[label]`.
fn said(app: &TestApp, channel: &str, someone: &Someone) -> Vec<String> {
    let sent = app.installation().line().sent();
    let own = sent.iter().filter(|sent| sent.channel == channel && sent.to == someone.0);
    own.flat_map(|sent| sent.messages.iter().map(in_words)).collect()
}

fn in_words(message: &Value) -> String {
    match message["type"].as_str() {
        Some("text") => message["text"].as_str().unwrap().to_owned(),
        Some("template") => {
            let actions = message["template"]["actions"].as_array().unwrap();
            actions.iter().map(|action| format!("[{}]", action["label"].as_str().unwrap())).collect()
        }
        other => panic!("{other:?}"),
    }
}

/// What the button of this label sends back.
fn data(app: &TestApp, someone: &Someone, label: &str) -> String {
    let sent = app.installation().line().sent();
    let actions = sent.iter().filter(|sent| sent.to == someone.0).flat_map(|sent| &sent.messages);
    let mut actions =
        actions.flat_map(|message| message["template"]["actions"].as_array().cloned().unwrap_or_default());
    let found = actions.rfind(|action| action["label"] == label).expect("the button is there");
    found["data"].as_str().unwrap().to_owned()
}

fn consents(app: &TestApp) -> Vec<(String, String, String)> {
    let text = |row: &Value, name: &str| row[name]["S"].as_str().unwrap_or_default().to_owned();
    let names = &app.installation().published().purposes;
    let name = |id: &str| names.iter().find(|(_, terms)| terms.id.as_str() == id).map(|(name, _)| name.clone());
    let mut rows: Vec<_> = app
        .rows_of("consent")
        .iter()
        .map(|row| (name(&text(row, "purpose")).unwrap(), text(row, "consent"), text(row, "shown")))
        .collect();
    rows.sort();
    rows
}

#[tokio::test]
async fn a_new_friend_is_told_who_what_for_and_how_long_and_may_answer() {
    let app = TestApp::new().await;
    let someone = app.someone();
    assert_eq!(app.hook(&[someone.follow(NOON)]).await, 200);
    let [notice, buttons] = &said(&app, "demo", &someone)[..] else { panic!("two messages") };
    for part in [
        "預かりデモ（見本）です",
        "・お問い合わせへの返答（受け取ってから180日で消去）",
        "・LINEでのご連絡（最後のやりとりから1年で消去）",
        "24時間で消去します",
        "ブロックすると、30日後に",
        &format!("{PUBLIC_URL}/policy/demo"),
    ] {
        assert!(notice.contains(part), "{part} is missing: {notice}");
    }
    assert!(!notice.contains('{'), "{notice}");
    assert_eq!(buttons, "[同意する][同意しない][取扱いを読む]");
    let policy = app.installation().published().policies["privacy"].to_string();
    // The answer refers to the words that were shown.
    let hash: String = Sha256::digest(notice).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let button = data(&app, &someone, "同意する");
    assert_eq!(button, format!("azukari:agree:{policy}:{hash}"));
    assert_eq!(app.hook(&[someone.postback("EP", NOON, &button)]).await, 200);
    assert!(app.rows_of("consent").iter().all(|row| row["notice"]["S"] == hash.as_str()));
    assert_eq!(app.mapping("demo", &someone).unwrap()["shown"]["S"], policy.as_str());
}

#[tokio::test]
async fn an_existing_friend_is_told_at_the_first_message_and_nobody_twice() {
    let app = TestApp::new().await;
    let someone = app.someone();
    let first = [someone.text("1", NOON - 5, "a")];
    assert_eq!(app.hook(&first).await, 200);
    assert_eq!(said(&app, "demo", &someone).len(), 2);
    assert_eq!(app.hook(&redelivered(&first)).await, 200);
    assert_eq!(app.hook(&[someone.text("2", NOON, "b"), someone.follow(NOON)]).await, 200);
    assert_eq!(said(&app, "demo", &someone).len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_events_at_the_same_time_bring_one_notice() {
    let app = TestApp::new().await;
    for _ in 0..10 {
        let someone = app.someone();
        let (one, two) = ([someone.follow(NOON - 1)], [someone.text("1", NOON, "a")]);
        let (first, second) = tokio::join!(app.hook_to("kept", &one), app.hook_to("kept", &two));
        assert_eq!((first.as_u16(), second.as_u16()), (200, 200));
        assert_eq!(said(&app, "kept", &someone).len(), 2, "{:?}", app.installation().metrics().snapshot());
    }
}

#[tokio::test]
async fn agreeing_is_recorded_for_every_purpose_and_keeps_what_came_before() {
    let app = TestApp::new().await;
    let someone = app.someone();
    assert_eq!(app.hook(&[someone.text("1", NOON - 60_000, "a")]).await, 200);
    let button = data(&app, &someone, "同意する");
    let tap = [someone.postback("EP1", NOON, &button)];
    for delivery in [tap.to_vec(), redelivered(&tap)] {
        assert_eq!(app.hook(&delivery).await, 200);
    }
    let policy = app.installation().published().policies["privacy"].to_string();
    let given = |purpose: &str| (purpose.to_owned(), "given".to_owned(), policy.clone());
    assert_eq!(consents(&app), ["chat", "contact", "operation", "profile"].map(given));
    assert_eq!(app.rows_of("event").len(), 0, "an answer is a consent, not an operation");
    assert_eq!(said(&app, "demo", &someone).iter().filter(|text| text.starts_with("ありがとう")).count(), 1);
    assert_eq!(app.mapping("demo", &someone).unwrap()["consent"]["S"], "given");
    assert_eq!(app.installation().metrics().get("webhook_consent", "given"), 1);
    // What had waited for it is kept on.
    app.advance_days(2);
    app.sweep_all().await;
    assert_eq!(app.rows_of("message").len(), 1);
    app.advance_days(179);
    app.sweep_all().await;
    assert!(app.rows_of("message").is_empty());
}

#[tokio::test]
async fn refusing_keeps_nothing_and_is_explained() {
    let mut app = TestApp::new().await;
    let someone = app.someone();
    for channel in ["demo", "kept"] {
        assert_eq!(app.hook_to(channel, &[someone.text("1", NOON - 2, &app.marker("言わない"))]).await, 200);
        let button = data(&app, &someone, "同意しない");
        let tap = [someone.postback("EP1", NOON - 1, &button)];
        assert_eq!(app.hook_to(channel, &tap).await, 200);
        let [.., last, receipt] = &said(&app, channel, &someone)[..] else { panic!("two messages") };
        assert!(last.contains("消去します"), "{last}");
        assert_eq!(receipt, "[消去の控えを見る]");
        // What comes now is not kept either, and that is said.
        assert_eq!(app.hook_to(channel, &[someone.text("2", NOON, "まだ")]).await, 200);
        let texts = said(&app, channel, &someone);
        assert!(texts[texts.len() - 3].contains("保存していません"), "{texts:?}");
        assert!(
            texts[texts.len() - 2].contains("情報についてお知らせします"),
            "an answer refers to the notice above it: {texts:?}"
        );
        assert_eq!(texts.last().unwrap(), "[同意する][同意しない][取扱いを読む]");
        assert_eq!(app.rows_of("message").iter().filter(|row| row["sk"]["S"] == "R#2").count(), 0);
        let person = app.open_all(channel, &someone).await;
        assert_eq!((&person["status"], &person["why"]), (&json!("refused"), &json!("restricted")));
        app.sweep_all().await;
        assert!(app.subject(channel, &someone).is_none());
        assert_eq!(app.hook_to(channel, &redelivered(&tap)).await, 200);
        assert!(app.subject(channel, &someone).is_none(), "an old refusal starts nobody anew");
    }
    assert!(app.rows(azukari::store::tables::Table::Vault).iter().all(|row| row.get("env").is_none()));
    app.restart().await;
    // Who comes back is new, and is asked again.
    app.advance(1_000);
    assert_eq!(app.hook(&[someone.text("3", NOON + 121_000, "また")]).await, 200);
    assert_eq!(said(&app, "demo", &someone).last().unwrap(), "[同意する][同意しない][取扱いを読む]");
}

#[tokio::test]
async fn nothing_is_held_of_who_refuses_at_once() {
    let app = TestApp::new().await;
    let someone = app.someone();
    let policy = app.installation().published().policies["privacy"].to_string();
    let tap = someone.postback("EP", NOON, &format!("azukari:refuse:{policy}"));
    assert_eq!(app.hook(&[tap]).await, 200);
    assert!(app.subject("demo", &someone).is_none());
    assert_eq!(said(&app, "demo", &someone), ["承知しました。お預かりしているものはありません。"]);
}

#[tokio::test]
async fn the_newest_answer_counts_whatever_came_first() {
    for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2], [2, 0, 1]] {
        for last_agrees in [true, false] {
            let app = TestApp::new().await;
            let someone = app.someone();
            assert_eq!(app.hook_to("kept", &[someone.text("1", NOON - 9, "a")]).await, 200);
            let answers = [
                app.answer(&someone, NOON - 3, true),
                app.answer(&someone, NOON - 2, false),
                app.answer(&someone, NOON - 1, last_agrees),
            ];
            for n in order {
                assert_eq!(app.hook_to("kept", &[answers[n].clone()]).await, 200);
            }
            let history = app.rows_of("consent").len();
            app.sweep_all().await;
            if last_agrees {
                assert_eq!(app.mapping("kept", &someone).unwrap()["consent"]["S"], "given", "{order:?}");
                assert_eq!((app.rows_of("message").len(), history), (1, 12), "{order:?}");
                assert!(app.rows_of("order").is_empty() && app.rows_of("hold").is_empty());
                assert_eq!(app.open_all("kept", &someone).await["status"], "opened");
            } else {
                assert!(app.subject("kept", &someone).is_none() && app.rows_of("message").is_empty(), "{order:?}");
            }
        }
    }
}

#[tokio::test]
async fn two_answers_in_the_same_millisecond_end_the_same_way() {
    for order in [[0, 1], [1, 0]] {
        let app = TestApp::new().await;
        let someone = app.someone();
        assert_eq!(app.hook_to("kept", &[someone.text("1", NOON - 9, "a")]).await, 200);
        // The ids of the events decide: EA…false before EA…true.
        let answers = [app.answer(&someone, NOON, false), app.answer(&someone, NOON, true)];
        for n in order {
            assert_eq!(app.hook_to("kept", &[answers[n].clone()]).await, 200);
        }
        assert_eq!(app.mapping("kept", &someone).unwrap()["consent"]["S"], "given");
        assert!(consents(&app).iter().all(|(_, said, _)| said == "given"));
    }
}

#[tokio::test]
async fn under_drop_nothing_is_stored_before_consent_and_the_person_is_told() {
    let app = TestApp::new().await;
    let someone = app.someone();
    let before = [someone.follow(NOON - 9), someone.text("1", NOON - 8, &app.marker("前"))];
    assert_eq!(app.hook_to("strict", &before).await, 200);
    assert!(app.subject("strict", &someone).is_none());
    let texts = said(&app, "strict", &someone);
    assert_eq!(texts.len(), 3, "not kept, notice, buttons: {texts:?}");
    assert!(texts[0].contains("保存していません") && texts[1].contains("同意をいただくまで"));
    app.agree("strict", &someone, NOON - 5).await;
    let after = [someone.text("2", NOON - 4, "後"), someone.text("0", NOON - 6, "遅れて届いた前")];
    assert_eq!(app.hook_to("strict", &after).await, 200);
    let kept: Vec<_> = app.rows_of("message").iter().map(|row| row["sk"]["S"].clone()).collect();
    assert_eq!(kept, ["R#2"]);
    assert_eq!(app.rows_of("message")[0]["awaiting"], Value::Null);
}

#[tokio::test]
async fn a_changed_policy_is_announced_once_and_the_consent_stays() {
    let mut app = TestApp::new().await;
    let someone = app.someone();
    assert_eq!(app.hook_to("kept", &[someone.follow(NOON - 9)]).await, 200);
    let old_button = data(&app, &someone, "同意しない");
    app.agree("kept", &someone, NOON - 8).await;
    let before = app.installation().published().policies["privacy"].clone();
    let path = app.folder().join("config/policies/privacy/ja.md");
    std::fs::write(&path, "新しい本文です。").unwrap();
    app.restart().await;
    let now = app.installation().published().policies["privacy"].clone();
    assert_eq!((&now.id, now.version), (&before.id, before.version + 1));
    for n in 0..3 {
        assert_eq!(app.hook_to("kept", &[someone.text(&n.to_string(), NOON + n, "a")]).await, 200);
        app.advance(120_000);
    }
    let texts = said(&app, "kept", &someone);
    assert_eq!(texts.len(), 2, "the new phone of LINE has heard nothing before: {texts:?}");
    assert!(texts[0].contains("取扱いが変わりました") && texts[0].contains("/policy/kept"));
    assert_eq!(texts[1], "[同意する][同意しない][取扱いを読む]");
    let mapping = app.mapping("kept", &someone).unwrap();
    assert_eq!(
        (mapping["consent"]["S"].as_str(), mapping["shown"]["S"].as_str()),
        (Some("given"), Some(&*now.to_string()))
    );
    let shown: Vec<_> =
        app.rows_of("message").iter().map(|row| row["shown"]["S"].as_str().unwrap().to_owned()).collect();
    // The first was written before the notice of the new version could be seen.
    assert_eq!(shown.iter().filter(|shown| **shown == before.to_string()).count(), 1, "{shown:?}");
    assert_eq!(shown.iter().filter(|shown| **shown == now.to_string()).count(), 2, "{shown:?}");
    // A button of the first notice still works, and says which version it was about.
    assert_eq!(app.hook_to("kept", &[someone.postback("EP9", NOON + 400_000, &old_button)]).await, 200);
    assert!(consents(&app).iter().any(|(_, said, shown)| said == "refused" && *shown == before.to_string()));
}

#[tokio::test]
async fn a_notice_that_line_does_not_take_is_tried_again_and_what_matters_is_stored_all_the_same() {
    let app = TestApp::new().await;
    let line = app.installation().line();
    for answer in [Answer::Unauthorized, Answer::TooManyRequests, Answer::InternalError, Answer::NotFound] {
        let someone = app.someone();
        line.set_faults(Faults { reply: answer, ..Faults::default() });
        assert_eq!(app.hook_to("kept", &[someone.text("1", NOON, "a")]).await, 200);
        assert!(said(&app, "kept", &someone).is_empty());
        assert_eq!(app.mapping("kept", &someone).unwrap()["shown"]["S"], "none");
        line.set_faults(Faults::default());
        // Not at once: another function may be at it.
        assert_eq!(app.hook_to("kept", &[someone.text("2", NOON, "b")]).await, 200);
        assert!(said(&app, "kept", &someone).is_empty());
        app.advance(60_000);
        assert_eq!(app.hook_to("kept", &[someone.text("3", NOON, "c")]).await, 200);
        assert_eq!(said(&app, "kept", &someone).len(), 2);
        assert_eq!(app.rows_of_person(app.subject("kept", &someone).unwrap()).len(), 4);
    }
    assert_eq!(app.installation().metrics().get("webhook_alarm", "access_token"), 1);
}

#[tokio::test(start_paused = true)]
async fn line_that_does_not_answer_holds_nothing_up() {
    let mut app = TestApp::new().await;
    app.cold_start_in_a_hurry();
    app.installation().wires().answer_inline();
    let line = app.installation().line();
    line.set_faults(Faults { reply: Answer::Timeout, profile: Answer::Timeout, push: Answer::Ok, ..Faults::default() });
    let someone = app.someone();
    let began = tokio::time::Instant::now();
    assert_eq!(app.hook_to("kept", &[someone.text("1", NOON, "a"), app.answer(&someone, NOON, true)]).await, 200);
    assert_eq!(began.elapsed().as_millis(), 800, "the budget of one webhook, on a clock that jumps");
    assert_eq!(app.rows_of("message").len(), 1);
    assert_eq!(app.mapping("kept", &someone).unwrap()["consent"]["S"], "given");
}

#[tokio::test]
async fn a_used_up_right_to_reply_is_made_up_for_by_one_push() {
    let app = TestApp::new().await;
    let line = app.installation().line();
    let someone = app.someone();
    line.set_faults(Faults { reply: Answer::BadRequest, ..Faults::default() });
    assert_eq!(app.hook_to("kept", &[someone.text("1", NOON, "a")]).await, 200);
    let sent = line.sent();
    let [push] = &sent[..] else { panic!("one push: {sent:?}") };
    assert_eq!((push.via, push.messages.len()), ("push", 2));
    assert_eq!(app.installation().metrics().get("webhook_reply", "pushed"), 1);
    // The function died before it could note that: the same retry key sends once.
    let mapping = app.mapping("kept", &someone).unwrap();
    assert_ne!(mapping["shown"]["S"], "none");
    let refused = app.someone();
    line.set_faults(Faults { reply: Answer::BadRequest, push: Answer::Conflict, ..Faults::default() });
    assert_eq!(app.hook_to("kept", &[refused.text("1", NOON, "a")]).await, 200);
    assert_ne!(app.mapping("kept", &refused).unwrap()["shown"]["S"], "none", "409: it was accepted before");
}

#[tokio::test]
async fn whoever_blocks_is_erased_after_the_time_stated_unless_they_come_back() {
    let app = TestApp::new().await;
    let (gone, back) = (app.someone(), app.someone());
    for someone in [&gone, &back] {
        app.agree("kept", someone, NOON - 60_000).await;
        // Whatever comes first: the block is the newer event.
        assert_eq!(app.hook_to("kept", &[someone.unfollow(NOON), someone.follow(NOON - 50_000)]).await, 200);
        assert_eq!(app.hook_to("kept", &[someone.text("1", NOON - 40_000, "a")]).await, 200);
    }
    let state = app.rows_of("state").into_iter().next().unwrap();
    assert_eq!(state["state"]["S"], "blocked");
    assert_eq!(state["due_at"]["N"], (NOON + 30 * DAY_MS).to_string().as_str());
    app.advance_days(29);
    app.sweep_all().await;
    assert!(app.subject("kept", &gone).is_some());
    assert_eq!(app.hook_to("kept", &[back.follow(NOON + 29 * DAY_MS)]).await, 200);
    app.advance_days(2);
    app.sweep_all().await;
    assert!(app.subject("kept", &gone).is_none(), "30 days are over");
    assert!(app.subject("kept", &back).is_some(), "they came back");
    assert_eq!(app.rows_of("message").len(), 1);
    let grounds: Vec<_> = app
        .rows(azukari::store::tables::Table::Audit)
        .iter()
        .filter_map(|row| row["ground"]["S"].as_str().map(str::to_owned))
        .collect();
    assert!(!grounds.is_empty() && grounds.iter().all(|ground| ground == "blocked"), "{grounds:?}");
}

#[tokio::test]
async fn who_comes_back_while_being_erased_for_a_block_stays() {
    let app = TestApp::new().await;
    let someone = app.someone();
    app.agree("kept", &someone, NOON - 60_000).await;
    assert_eq!(app.hook_to("kept", &[someone.unfollow(NOON)]).await, 200);
    let subject = app.subject("kept", &someone).unwrap();
    app.advance_days(31);
    // The order is there and nothing else: a run that broke off.
    let order = azukari::store::order::EraseOrder {
        subject,
        id: "block-1".into(),
        ground: azukari::domain::erasure::Ground::Blocked,
        as_of: azukari::domain::time::UnixMs::new(app.now()),
    };
    let vault = app.installation().vault_as(azukari::host::roles::Role::Sweeper).unwrap();
    vault.put_erase_order(&order, azukari::domain::time::UnixMs::new(app.now())).await.unwrap();
    assert_eq!(app.hook_to("kept", &[someone.follow(app.now())]).await, 200);
    app.sweep_all().await;
    assert_eq!(app.subject("kept", &someone), Some(subject));
    assert!(app.rows_of("order").is_empty() && app.rows_of("hold").is_empty());
}

#[tokio::test]
async fn what_looks_like_an_answer_and_is_none_is_kept_as_what_it_is() {
    let app = TestApp::new().await;
    let someone = app.someone();
    let policy = app.installation().published().policies["privacy"].to_string();
    for (n, data) in
        [format!("azukari:agree:{policy}:"), "azukari:agree:other".to_owned(), format!("azukari:perhaps:{policy}")]
            .iter()
            .enumerate()
    {
        assert_eq!(app.hook_to("kept", &[someone.postback(&format!("EP{n}"), NOON, data)]).await, 200);
    }
    assert!(app.rows_of("consent").is_empty());
    assert_eq!(app.rows_of("event").len(), 3);
}

#[tokio::test]
async fn a_refusal_by_a_stranger_is_not_overtaken_by_what_is_older() {
    for channel in ["demo", "strict", "kept"] {
        let app = TestApp::new().await;
        let someone = app.someone();
        assert_eq!(app.hook_to(channel, &[app.answer(&someone, NOON - 20, false)]).await, 200);
        let late =
            [app.answer(&someone, NOON - 30, true), someone.text("1", NOON - 25, "前"), someone.follow(NOON - 40)];
        for event in late {
            assert_eq!(app.hook_to(channel, &[event]).await, 200);
        }
        assert!(app.subject(channel, &someone).is_none(), "{channel}");
        assert!(app.rows_of("message").is_empty() && app.rows_of("consent").is_empty());
    }
}

#[tokio::test]
async fn what_is_taken_back_counts_whatever_was_answered() {
    let app = TestApp::new().await;
    let someone = app.someone();
    let events = [
        someone.text("1", NOON - 9, "a"),
        app.answer(&someone, NOON - 8, true),
        app.answer(&someone, NOON - 7, false),
        someone.unsend("1", NOON - 6),
        someone.unfollow(NOON - 5),
        app.answer(&someone, NOON - 4, true),
    ];
    for event in events {
        assert_eq!(app.hook_to("kept", &[event]).await, 200);
    }
    app.sweep_all().await;
    assert!(app.rows_of("message").is_empty());
    assert_eq!(app.rows_of("state")[0]["state"]["S"], "blocked");
}

#[tokio::test]
async fn an_old_button_refuses_whatever_has_changed_and_agrees_to_no_more_than_it_named() {
    let mut app = TestApp::new().await;
    let (agrees, refuses) = (app.someone(), app.someone());
    for someone in [&agrees, &refuses] {
        assert_eq!(app.hook_to("kept", &[someone.text("1", NOON - 9, "a")]).await, 200);
    }
    let (agree, refuse) = (data(&app, &agrees, "同意する"), data(&app, &refuses, "同意しない"));
    // Another policy, and a purpose that the first notice did not name.
    let config = app.folder().join("config");
    std::fs::create_dir(config.join("policies/other")).unwrap();
    for name in ["policy.toml", "ja.md", "en.md"] {
        std::fs::copy(config.join("policies/privacy").join(name), config.join("policies/other").join(name)).unwrap();
    }
    let purposes = std::fs::read_to_string(config.join("purposes.toml")).unwrap();
    let ads = "\n[[purpose]]\nid = \"ads\"\ntitle = { ja = \"広告\", en = \"Ads\" }\nretention = { after = \"collected\", years = 3 }\nthen = \"erase\"\n";
    std::fs::write(config.join("purposes.toml"), purposes + ads).unwrap();
    let channel = std::fs::read_to_string(config.join("channels/kept.toml")).unwrap();
    let channel = channel
        .replace("policy = \"privacy\"", "policy = \"other\"")
        .replace("profile = \"profile\"", "profile = \"ads\"");
    std::fs::write(config.join("channels/kept.toml"), channel).unwrap();
    app.restart().await;
    assert_eq!(app.hook_to("kept", &[agrees.postback("EP1", NOON - 1, &agree)]).await, 200);
    assert!(app.rows_of("consent").is_empty() && app.rows_of("profile").is_empty(), "it named less");
    assert!(said(&app, "kept", &agrees)[0].contains("取扱いが変わりました"));
    assert_eq!(app.hook_to("kept", &[refuses.postback("EP2", NOON - 1, &refuse)]).await, 200);
    app.sweep_all().await;
    assert!(app.subject("kept", &refuses).is_none() && app.subject("kept", &agrees).is_some());
}
