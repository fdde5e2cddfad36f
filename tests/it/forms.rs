//! Forms: what is asked, who answers, what is kept of it and what of the asking.

use axum::body::Body;
use azukari::{domain::time::DAY_MS, store::tables::Table};
use azukari_local::engine::wire::Service;
use azukari_tests::{
    app::{NOON, PUBLIC_URL, TestApp},
    forms::Page,
    line::Someone,
};
use http::Request;
use serde_json::{Value, json};

pub(crate) async fn send_visit(app: &TestApp, someone: &Someone) -> Page {
    app.send_form("visit", someone, app.visit(), TestApp::visit_consents()).await
}

pub(crate) async fn open(app: &TestApp, someone: &Someone) -> Value {
    app.open_all("demo", someone).await
}

pub(crate) fn records(person: &Value, kind: &str) -> Vec<Value> {
    let all = person["records"].as_array().cloned().unwrap_or_default();
    all.into_iter().filter(|record| record["kind"] == kind).collect()
}

#[tokio::test]
async fn what_was_answered_is_sealed_by_purpose_and_what_was_shown_can_be_told_again() {
    let app = TestApp::new().await;
    let someone = app.someone();
    let name = app.marker("山田")[..6].to_owned();
    let answers = json!({
        "child_name": "髙﨑　𠮷乃", "child_kana": "ﾀｶｻﾞｷ ﾖｼﾉ", "child_birthday": "令和元年5月1日",
        "guardian_name": name, "phone": "+81 90-1234-5678", "email": "Yamada@EXAMPLE.jp", "lesson": "piano",
        "wish_date": "2026-12-24", "wish_time": "pm", "experience": "some",
        "experience_detail": app.marker("2年ほど"), "news": ["events", "courses"], "news_email": "news@example.jp",
    });
    let consents = json!({"lesson": true, "news": true, "contact": true});
    let notice = app.get("/forms/trial-lesson.json").await.json();
    app.advance(90_000);
    let body = json!({"notice": notice["notice"], "answers": answers, "consents": consents, "step": "send"});
    let answer = app.send_json("trial-lesson", Some(&app.id_token("demo", &someone)), &body).await;
    assert_eq!((answer.status, answer.json()["status"].as_str()), (200, Some("accepted")), "{}", answer.text);
    let rows = app.rows_of("submission");
    assert_eq!(rows.len(), 2, "one for each purpose for which something was answered");
    for row in &rows {
        for attribute in ["purpose", "policy", "shown", "form", "event_at", "due_at", "due_slot", "inbox_slot", "env"] {
            assert!(row.get(attribute).is_some(), "{attribute} of {row}");
        }
    }
    let person = open(&app, &someone).await;
    let opened = records(&person, "submission");
    let of = |purpose: &str| opened.iter().find(|record| record["purpose"] == purpose).unwrap().clone();
    let lesson = &of("lesson")["fields"];
    for (field, expected) in [
        ("child_name", "髙﨑 𠮷乃"),
        ("child_kana", "タカザキ ヨシノ"),
        ("child_birthday", "2019-05-01"),
        ("phone", "09012345678"),
        ("email", "Yamada@example.jp"),
        ("wish_date", "2026-12-24"),
    ] {
        assert_eq!(lesson[field], expected, "{field}");
    }
    assert_eq!(of("news")["fields"], json!({"news": "courses,events", "news_email": "news@example.jp"}));
    assert_eq!(of("lesson")["due_at"], NOON + 90_000 + 180 * DAY_MS);
    assert_eq!(of("lesson")["form"], "trial-lesson.1");
    // The ledger of what was shown.
    let said = person["consents"].as_array().unwrap();
    assert_eq!(said.len(), 3);
    for consent in said {
        assert_eq!(consent["consent"], "given");
        assert_eq!((&consent["shown_at"], &consent["sent_at"]), (&json!(NOON), &json!(NOON + 90_000)));
        assert_eq!((&consent["form"], &consent["policy"]), (&json!("trial-lesson.1"), &json!("privacy.1")));
        let shown = &person["notices"][consent["notice"].as_str().unwrap()];
        assert_eq!((&shown["as_shown"], &shown["words"]), (&json!(true), &notice["words"]));
    }
    let words = notice["words"].as_array().unwrap();
    assert!(words.iter().any(|line| line == "お子さまのお名前"), "{words:?}");
    assert!(words.iter().any(|line| line.as_str().unwrap().contains("受け取ってから180日で消去")), "{words:?}");
}

#[tokio::test]
async fn an_optional_purpose_can_be_refused_and_a_required_one_cannot() {
    let app = TestApp::new().await;
    let someone = app.someone();
    let mut answers = json!({
        "child_name": "山田 花子", "child_kana": "やまだ はなこ", "child_birthday": "2019-05-01",
        "guardian_name": "山田 太郎", "phone": "0312345678", "lesson": "piano", "wish_date": "2026-12-24",
        "wish_time": "pm", "experience": "first",
    });
    let only = json!({"lesson": true, "contact": true});
    let without = app.send_form("trial-lesson", &someone, answers.clone(), json!({"news": true})).await;
    assert_eq!(without.problems(), ["lesson: consent", "contact: consent"]);
    let mut filled = answers.clone();
    filled["news"] = json!(["events"]);
    let filled = app.send_form("trial-lesson", &someone, filled, only.clone()).await;
    assert_eq!(filled.problems(), ["news: consent"]);
    // What is not asked is not missing, and is not taken.
    answers["experience_detail"] = json!(app.marker("たずねていない"));
    let taken = app.send_form("trial-lesson", &someone, answers, only).await;
    assert_eq!(taken.status, 200, "{}", taken.text);
    let person = open(&app, &someone).await;
    let said: Vec<(&str, &str)> = person["consents"]
        .as_array()
        .unwrap()
        .iter()
        .map(|consent| (consent["purpose"].as_str().unwrap(), consent["consent"].as_str().unwrap()))
        .collect();
    assert!(said.contains(&("news", "refused")) && said.contains(&("lesson", "given")), "{said:?}");
    assert_eq!(records(&person, "submission").len(), 1);
    assert!(records(&person, "submission")[0]["fields"].get("experience_detail").is_none());
}

#[tokio::test]
async fn refusing_in_a_form_takes_back_nothing_that_was_agreed_to_before() {
    let app = TestApp::new().await;
    let someone = app.someone();
    let lesson = |news: bool| {
        let mut answers = json!({
            "child_name": "山田 花子", "child_kana": "ヤマダ", "child_birthday": "2019-05-01", "guardian_name": "山田",
            "phone": "0312345678", "lesson": "piano", "wish_date": "2026-12-24", "wish_time": "pm",
            "experience": "first",
        });
        if news {
            answers["news"] = json!(["events"]);
        }
        (answers, json!({"lesson": true, "contact": true, "news": news}))
    };
    for news in [true, false] {
        let (answers, consents) = lesson(news);
        assert_eq!(app.send_form("trial-lesson", &someone, answers, consents).await.status, 200);
        app.advance(1_000);
    }
    let person = open(&app, &someone).await;
    let purposes: Vec<_> = records(&person, "submission").iter().map(|record| record["purpose"].clone()).collect();
    assert!(purposes.contains(&json!("news")), "{purposes:?} {}", person["withheld"]);
}

#[tokio::test]
async fn sensitive_answers_need_a_consent_of_their_own() {
    let app = TestApp::new().await;
    let someone = app.someone();
    let answers = json!({"name": "山田", "birthday": "1950-01-01", "symptoms": app.marker("せきが出ます"), "allergies": ["none"]});
    let both = json!({"health": true, "contact": true});
    let refused = app.send_form("health-check", &someone, answers.clone(), both.clone()).await;
    assert_eq!(refused.problems(), ["health.sensitive: sensitive_consent"]);
    let all = json!({"health": true, "health.sensitive": true, "contact": true});
    assert_eq!(app.send_form("health-check", &someone, answers, all).await.status, 200);
    // Without such answers it is free, and said so in the row.
    let plain = json!({"name": "山田", "birthday": "1950-01-01"});
    assert_eq!(app.send_form("health-check", &someone, plain, both).await.status, 200);
    let rows = app.rows_of("consent");
    let words: Vec<_> = rows.iter().filter_map(|row| row["sensitive"]["S"].as_str()).collect();
    assert_eq!(words.iter().filter(|word| **word == "given").count(), 1, "{words:?}");
    assert_eq!(words.iter().filter(|word| **word == "refused").count(), 1, "{words:?}");
}

#[tokio::test]
async fn every_problem_is_named_at_once_and_nothing_is_stored() {
    let app = TestApp::new().await;
    let someone = app.someone();
    let before = app.rows(Table::Vault);
    let answers = json!({
        "visit_date": "2026-02-30", "visit_time": "09-11", "people": "11", "name": "＠＠＠", "phone": "03-1234",
        "request": "4111-1111-1111-1111で払います", "surprise": "x",
    });
    let page = app.send_form("visit", &someone, answers, json!({"visit": false, "other": true})).await;
    assert_eq!(
        (page.status, page.headers["content-type"].as_bytes()),
        (422, &b"application/problem+json; charset=utf-8"[..])
    );
    let problems = page.problems();
    for expected in [
        "surprise: unknown",
        "other: unknown",
        "visit_date: not_a_date",
        "visit_time: not_a_choice",
        "people: too_large",
        "name: not_a_name",
        "phone: phone_length",
        "request: card",
        "visit: consent",
        "contact: consent",
    ] {
        assert!(problems.contains(&expected.to_owned()), "{expected} is not in {problems:?}");
    }
    assert_eq!(problems.len(), 10, "{problems:?}");
    assert!(!page.text.contains("4111") && !page.text.contains("＠＠＠"), "no answer comes back in a problem");
    assert_eq!(app.rows(Table::Vault), before);
    assert_eq!(app.installation().metrics().get("guard", "card"), 1);
    // A My Number is refused, too.
    let mut answers = app.visit();
    answers["request"] = json!("マイナンバーは123456789018です");
    let page = app.send_form("visit", &someone, answers, TestApp::visit_consents()).await;
    assert_eq!(page.problems(), ["request: my_number"]);
    let empty = app.send_form("visit", &someone, json!({}), json!({})).await;
    assert_eq!(empty.problems().iter().filter(|problem| problem.ends_with(": missing")).count(), 5, "{}", empty.text);
}

#[tokio::test]
async fn sent_twice_it_is_one_submission() {
    let app = TestApp::new().await;
    let someone = app.someone();
    let body = json!({"notice": app.notice("visit").await, "answers": app.visit(), "consents": TestApp::visit_consents(), "step": "send"});
    let token = app.id_token("demo", &someone);
    let both = tokio::join!(app.send_json("visit", Some(&token), &body), app.send_json("visit", Some(&token), &body));
    let mut words: Vec<String> =
        [both.0, both.1].iter().map(|page| page.json()["status"].as_str().unwrap_or_default().to_owned()).collect();
    words.sort();
    assert_eq!(words, ["accepted", "already_accepted"]);
    app.advance(5_000);
    let again = app.send_json("visit", Some(&token), &body).await;
    assert_eq!(again.json()["status"], "already_accepted");
    assert_eq!(app.rows_of("submission").len(), 1);
    assert_eq!(app.rows_of("consent").len(), 2);
    assert_eq!(app.rows_of("lookup").len(), 1);
    // The chat is told once.
    let told = app.installation().line().sent().into_iter().filter(|sent| sent.via == "push").count();
    assert_eq!(told, 1);
    // Somebody else's is another one, though the same page was shown to both.
    let other = app.someone();
    let page = app.send_json("visit", Some(&app.id_token("demo", &other)), &body).await;
    assert_eq!(page.json()["status"], "accepted");
}

#[tokio::test]
async fn old_submissions_point_to_the_words_that_were_shown() {
    let mut app = TestApp::new().await;
    let someone = app.someone();
    assert_eq!(send_visit(&app, &someone).await.status, 200);
    let open_page = app.notice("visit").await;
    let file = app.folder().join("config/forms/visit.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let changed = text.replace("お名前\", en = \"Your name\"", "ご予約の方のお名前\", en = \"Your name\"");
    assert_ne!(text, changed);
    std::fs::write(&file, changed).unwrap();
    app.restart().await;
    app.advance(60_000);
    // Whoever has the old page open sends what they were shown.
    let body =
        json!({"notice": open_page, "answers": app.visit(), "consents": TestApp::visit_consents(), "step": "send"});
    assert_eq!(app.send_json("visit", Some(&app.id_token("demo", &someone)), &body).await.status, 200);
    app.advance(1_000);
    assert_eq!(send_visit(&app, &someone).await.status, 200);
    let person = open(&app, &someone).await;
    let mut versions: Vec<(String, bool)> = person["consents"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|consent| consent["purpose"] == "visit")
        .map(|consent| {
            let shown = &person["notices"][consent["notice"].as_str().unwrap()];
            assert_eq!(shown["as_shown"], true);
            let new = shown["words"].as_array().unwrap().contains(&json!("ご予約の方のお名前"));
            (consent["form"].as_str().unwrap().to_owned(), new)
        })
        .collect();
    versions.sort();
    let expected = [("visit.1", false), ("visit.1", false), ("visit.2", true)];
    assert_eq!(versions, expected.map(|(form, new)| (form.to_owned(), new)));
}

#[tokio::test]
async fn who_is_known_by_a_form_alone_is_kept_as_they_agreed() {
    for channel in ["keep_24h", "drop"] {
        let app = TestApp::new().await;
        let file = app.folder().join("config/channels/demo.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, text.replace("\"keep_24h\"", &format!("\"{channel}\""))).unwrap();
        let mut app = app;
        app.restart().await;
        let someone = app.someone();
        assert_eq!(send_visit(&app, &someone).await.status, 200);
        // A message without consent in the chat does not shorten anything.
        app.advance_days(2);
        assert_eq!(app.hook(&[someone.text("1", app.now(), "こんにちは")]).await, 200);
        app.advance_days(5);
        app.sweep_all().await;
        assert_eq!(records(&open(&app, &someone).await, "submission").len(), 1, "{channel}");
        app.advance_days(84);
        app.sweep_all().await;
        assert!(app.rows_of("submission").is_empty() && app.rows_of("lookup").is_empty(), "due after 90 days");
        assert!(app.rows_of("found_by").is_empty());
    }
}

#[tokio::test]
async fn look_ups_are_digests_and_go_with_the_person() {
    let app = TestApp::new().await;
    let (one, two) = (app.someone(), app.someone());
    for someone in [&one, &two] {
        assert_eq!(send_visit(&app, someone).await.status, 200);
    }
    let rows = app.rows_of("lookup");
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0]["pk"], rows[1]["pk"], "the same number has the same digest");
    assert!(rows[0]["pk"]["S"].as_str().unwrap().starts_with("X#phone#"));
    assert_eq!(app.hook(&[app.answer(&one, NOON + 1, false)]).await, 200);
    app.advance(60_000);
    app.sweep_all().await;
    let left = app.rows_of("lookup");
    assert_eq!(left.len(), 1);
    assert_eq!(left[0]["subject"]["S"], app.subject("demo", &two).unwrap().to_string());
    assert!(app.subject("demo", &one).is_none());
}

#[tokio::test]
async fn a_submission_costs_what_it_should() {
    let mut app = TestApp::new().await;
    let someone = app.someone();
    let send = async |app: &TestApp| {
        let body = json!({"notice": app.notice("visit").await, "answers": app.visit(), "consents": TestApp::visit_consents(), "step": "send"});
        let token = app.id_token("demo", &someone);
        app.start_counting();
        assert_eq!(app.send_json("visit", Some(&token), &body).await.status, 200);
        (app.operations(Service::DynamoDb), app.operations(Service::Kms), app.operations(Service::Line))
    };
    let certs = "GET /oauth2/v2.1/certs".to_owned();
    let push = "POST /v2/bot/message/push".to_owned();
    let (dynamodb, kms, line) = send(&app).await;
    assert_eq!(dynamodb, ["GetItem", "Query", "TransactWriteItems"], "somebody new");
    assert_eq!((kms, line), (vec!["GenerateMac".to_owned()], vec![certs.clone(), push.clone()]));
    let (dynamodb, kms, line) = send(&app).await;
    assert_eq!(dynamodb, ["TransactWriteItems"], "known, within 30 seconds");
    assert_eq!((kms, line), (vec!["GenerateMac".to_owned()], vec![push.clone()]));
    app.cold_start();
    app.get("/forms/visit").await;
    let (dynamodb, _, line) = send(&app).await;
    assert_eq!((dynamodb, line), (vec!["GetItem".to_owned(), "TransactWriteItems".to_owned()], vec![certs, push]));
    app.advance_days(1);
    let (dynamodb, ..) = send(&app).await;
    assert_eq!(dynamodb, ["GetItem", "TransactWriteItems"], "the first of a day is no dearer");
    // A page costs nothing once the form is known; looking it over costs nothing either.
    app.start_counting();
    assert_eq!(app.get("/forms/visit").await.status, 200);
    assert!(app.operations(Service::DynamoDb).is_empty());
}

#[tokio::test]
async fn words_in_the_chat_lead_to_forms() {
    let app = TestApp::new().await;
    let someone = app.someone();
    app.agree("demo", &someone, NOON - 10).await;
    let sent_uris = |app: &TestApp| {
        let all = app.installation().line().sent();
        let messages = all.last().map(|sent| sent.messages.clone()).unwrap_or_default();
        let texts: Vec<String> = messages.iter().map(ToString::to_string).collect();
        texts.join("\n")
    };
    for (n, word) in ["予約", " 来店予約\n", "よやく"].into_iter().enumerate() {
        let before = app.installation().line().sent().len();
        assert_eq!(app.hook(&[someone.text(&format!("k{n}"), NOON + n as i64, word)]).await, 200);
        let answered = app.installation().line().sent().len() > before;
        assert_eq!(answered, n < 2, "{word}");
        if answered {
            let said = sent_uris(&app);
            assert!(said.contains("/1234567890-AzukariA/visit") && said.contains("来店のご予約"), "{said}");
        }
    }
    // Whoever has not agreed yet can still fill in a form.
    let stranger = app.someone();
    assert_eq!(app.hook(&[stranger.text("s1", NOON, "アンケート")]).await, 200);
    assert!(sent_uris(&app).contains("/satisfaction"));
}

#[tokio::test]
async fn the_notice_leads_to_a_form_where_the_channel_says_so() {
    let app = TestApp::new().await;
    let file = app.folder().join("config/channels/demo.toml");
    let text = std::fs::read_to_string(&file).unwrap().replace("# greeting_form", "greeting_form");
    std::fs::write(&file, text).unwrap();
    let mut app = app;
    app.restart().await;
    let someone = app.someone();
    assert_eq!(app.hook(&[someone.follow(NOON)]).await, 200);
    let sent = app.installation().line().sent();
    let actions = sent.last().unwrap().messages.last().unwrap()["template"]["actions"].clone();
    assert_eq!(actions[3]["label"], "体験レッスンのお申し込み");
    assert!(actions[3]["uri"].as_str().unwrap().ends_with("/1234567890-AzukariA/trial-lesson"), "{actions}");
}

#[tokio::test]
async fn a_form_that_is_taken_away_is_closed() {
    let mut app = TestApp::new().await;
    let someone = app.someone();
    let body = json!({"notice": app.notice("health-check").await, "answers": {}, "consents": {}, "step": "send"});
    std::fs::remove_file(app.folder().join("config/forms/health-check.toml")).unwrap();
    let channel = app.folder().join("config/channels/demo.toml");
    let text = std::fs::read_to_string(&channel).unwrap();
    let text = text.replace("form = \"health-check\"", "form = \"visit\"");
    std::fs::write(&channel, text).unwrap();
    app.restart().await;
    assert_eq!(app.get("/forms/health-check").await.status, 404);
    assert_eq!(app.send_json("health-check", Some(&app.id_token("demo", &someone)), &body).await.status, 404);
    assert_eq!(app.get("/forms/visit").await.status, 200);
}

#[tokio::test]
async fn a_form_for_several_purposes_came_in_once() {
    let app = TestApp::new().await;
    let someone = app.someone();
    let answers = json!({
        "child_name": "山田 花子", "child_kana": "ヤマダ", "child_birthday": "2019-05-01", "guardian_name": "山田",
        "phone": "0312345678", "lesson": "piano", "wish_date": "2026-12-24", "wish_time": "pm",
        "experience": "first", "news": ["events"],
    });
    let consents = json!({"lesson": true, "contact": true, "news": true});
    assert_eq!(app.send_form("trial-lesson", &someone, answers, consents).await.status, 200);
    assert_eq!(app.rows_of("submission").len(), 2);
    let listed = app.ask("desk", &json!({"act": "list", "kind": "submission"})).await["arrivals"].clone();
    assert_eq!(listed.as_array().unwrap().len(), 1, "{listed}");
}

/// A form of which everything is optional, the purposes of the fields too.
const FREE: &str = r#"
channel = "demo"
title = { ja = "ご自由に", en = "As you like" }
description = { ja = "ご自由にお書きください。", en = "Write what you like." }
thanks = { ja = "ありがとうございます。", en = "Thank you." }

[[section]]
title = { ja = "一", en = "One" }

[[section.field]]
name = "member"
kind = "member_id"
label = { ja = "会員番号", en = "Member" }
purpose = "news"

[[section.field]]
name = "words"
kind = "text"
label = { ja = "ひとこと", en = "A word" }
purpose = "visit"

[[section.field]]
name = "home"
kind = "address"
label = { ja = "住所", en = "Address" }
purpose = "visit"

[[section.field]]
name = "agree"
kind = "agreement"
label = { ja = "読みました", en = "I have read it" }
purpose = "visit"
"#;

async fn free() -> TestApp {
    TestApp::with_files(&[("forms/free.toml", FREE)]).await
}

#[tokio::test]
async fn one_notice_is_answered_once_whatever_the_answers() {
    let app = free().await;
    let someone = app.someone();
    let (notice, token) = (app.notice("free").await, app.id_token("demo", &someone));
    let consents = json!({"news": true, "visit": true, "contact": true});
    let mut said = Vec::new();
    for answers in [json!({"words": "一"}), json!({"member": "M-1"}), json!({"member": "M-1", "words": "二"})] {
        let body = json!({"notice": notice, "answers": answers, "consents": consents, "step": "send"});
        let page = app.send_json("free", Some(&token), &body).await;
        assert_eq!(page.status, 200, "{}", page.text);
        said.push(page.json()["status"].as_str().unwrap().to_owned());
    }
    assert_eq!(said, ["accepted", "already_accepted", "already_accepted"]);
    assert_eq!(app.rows_of("submission").len(), 1);
}

#[tokio::test]
async fn what_holds_nothing_is_not_accepted_and_what_is_strange_is_named() {
    let app = free().await;
    let someone = app.someone();
    let send = async |answers: Value| {
        let consents = json!({"visit": true, "contact": true});
        app.send_form("free", &someone, answers, consents).await
    };
    let nothing = ["form: nothing".to_owned()];
    for empty in
        [json!({}), json!({"words": "\u{200b}"}), json!({"agree": false}), json!({"words": "  ", "agree": "no"})]
    {
        assert_eq!(send(empty.clone()).await.problems(), nothing, "{empty}");
    }
    let address = json!({"postal_code": "100-0005", "address": "東京都千代田区丸の内1-2-3"});
    let mut strange = address.clone();
    strange["room"] = json!("405");
    for (answers, expected) in [
        (json!({"home": strange}), "home: unknown"),
        (json!({"words": true}), "words: unknown"),
        (json!({"member": true, "words": "x"}), "member: unknown"),
        (json!({"words": {"part": "x"}}), "words: unknown"),
    ] {
        let problems = send(answers.clone()).await.problems();
        assert!(problems.contains(&expected.to_owned()), "{answers}: {problems:?}");
    }
    assert!(app.rows_of("submission").is_empty());
    // A purpose of which nothing is answered need not be agreed to.
    assert_eq!(send(json!({"home": address, "agree": true})).await.status, 200);
    // An answer does not become many times what was sent.
    let many: serde_json::Map<String, Value> = (0..20_000).map(|n| (format!("x{n}"), json!(""))).collect();
    let page = send(Value::Object(many)).await;
    assert_eq!(page.status, 422);
    assert!(page.text.len() < 10_000, "{} bytes", page.text.len());
}

#[tokio::test]
async fn what_is_asked_depends_on_choices_as_they_are_read() {
    let app = TestApp::new().await;
    let someone = app.someone();
    let answers =
        json!({"name": "山田", "birthday": "1950-01-01", "allergies": "none, food", "allergies_detail": "そば"});
    let consents = json!({"health": true, "health.sensitive": true, "contact": true});
    assert_eq!(app.send_form("health-check", &someone, answers, consents).await.status, 200);
    let person = open(&app, &someone).await;
    assert_eq!(records(&person, "submission")[0]["fields"]["allergies_detail"], "そば");
}

fn post_page(form: &str, fields: &[(&str, &str)]) -> Request<Body> {
    let body: Vec<String> = fields
        .iter()
        .map(|(name, value)| {
            let encode = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
            format!("{}={}", encode(name), encode(value))
        })
        .collect();
    Request::post(format!("/forms/{form}"))
        .header("content-type", "application/x-www-form-urlencoded")
        .header("origin", PUBLIC_URL)
        .body(Body::from(body.join("&")))
        .unwrap()
}

#[tokio::test]
async fn a_tick_belongs_to_the_words_beside_it() {
    let mut app = TestApp::new().await;
    let someone = app.someone();
    let old = app.notice("visit").await;
    let fields = |notice: &str, step: &str| {
        let fields = [
            ("notice", notice.to_owned()),
            ("step", step.to_owned()),
            ("lang", "ja".to_owned()),
            ("id_token", app.id_token("demo", &someone)),
            ("name", "山田 花子".to_owned()),
            ("consents.visit", "yes".to_owned()),
            ("consents.contact", "yes".to_owned()),
        ];
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        post_page("visit", &fields)
    };
    let ticked = |page: &Page| page.text.matches(" checked").count();
    assert_eq!(ticked(&app.request(fields(&old, "edit")).await), 2, "the same words");
    assert_eq!(ticked(&app.request(fields(&old, "confirm")).await), 2, "with problems: the same words");
    assert_eq!(ticked(&app.request(fields("forged", "edit")).await), 0, "nobody knows which words");
    let (edit, late) = (fields(&old, "edit"), fields(&old, "edit"));
    let file = app.folder().join("config/purposes.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("days = 90", "days = 900")).unwrap();
    app.restart().await;
    app.advance(60_000);
    // Within a day it is still the page that was looked over.
    let page = app.request(edit).await;
    assert_eq!((ticked(&page), page.text.contains("90日で消去")), (2, true));
    app.advance(DAY_MS);
    let page = app.request(late).await;
    assert_eq!((ticked(&page), page.text.contains("900日で消去")), (0, true), "other words");
    assert!(page.text.contains("山田 花子"), "what was written stays");
}

#[tokio::test]
async fn what_is_looked_over_is_what_is_kept_and_a_second_sending_claims_nothing() {
    let app = TestApp::new().await;
    let someone = app.someone();
    let notice = app.notice("visit").await;
    let token = app.id_token("demo", &someone);
    let fields = |step: &'static str, name: &'static str| {
        let mut fields =
            vec![("notice", notice.as_str()), ("step", step), ("lang", "ja"), ("id_token", token.as_str())];
        fields.extend([("name", name), ("visit_date", "令和8年11月25日"), ("visit_time", "13-15"), ("people", "２")]);
        fields.extend([("phone", "０３（１２３４）５６７８"), ("consents.visit", "yes"), ("consents.contact", "yes")]);
        post_page("visit", &fields)
    };
    let confirm = app.request(fields("confirm", "ﾔﾏﾀﾞ　花子")).await;
    assert_eq!(confirm.status, 200, "{}", confirm.text);
    for part in ["ヤマダ 花子", "0312345678", "2026-11-25"] {
        assert!(confirm.text.contains(part), "{part}");
    }
    assert!(!confirm.text.contains(&token) && !confirm.text.contains("１２３４"));
    let sent = app.request(fields("send", "ﾔﾏﾀﾞ　花子")).await;
    assert!(sent.text.contains("受け取ってから90日で消去します"), "{}", sent.text);
    let again = app.request(fields("send", "別の名前")).await;
    assert!(again.text.contains("何も保存していません") && !again.text.contains("90日で消去します"), "{}", again.text);
    for page in [&confirm, &sent, &again] {
        assert_eq!(page.headers["cache-control"], "no-store");
        assert_eq!(page.headers["referrer-policy"], "same-origin");
        let policy = page.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    }
    assert_eq!(records(&open(&app, &someone).await, "submission")[0]["fields"]["name"], "ヤマダ 花子");
}

#[tokio::test]
async fn the_notice_stays_while_it_holds_and_an_old_one_cannot_be_kept_alive() {
    let mut app = TestApp::new().await;
    let someone = app.someone();
    let shown = app.notice("visit").await;
    let hidden = |page: &Page| {
        let (_, rest) = page.text.split_once("name=\"notice\" value=\"").expect("a notice");
        rest.split('"').next().unwrap_or_default().to_owned()
    };
    let fields = |app: &TestApp, notice: &str, step: &str, name: &str| {
        let token = app.id_token("demo", &someone);
        post_page("visit", &[("notice", notice), ("step", step), ("lang", "ja"), ("id_token", &token), ("name", name)])
    };
    // Going back, and putting something right, is still the page that was shown first.
    app.advance(60_000);
    assert_eq!(hidden(&app.request(fields(&app, &shown, "edit", "山田")).await), shown);
    let page = app.request(fields(&app, &shown, "confirm", "＠＠＠")).await;
    assert_eq!((page.status, hidden(&page)), (422, shown.clone()));
    // In the other language other words are shown.
    let english = post_page("visit", &[("notice", &shown), ("step", "edit"), ("lang", "en")]);
    assert_ne!(hidden(&app.request(english).await), shown);
    // Terms of yesterday are not lengthened by opening the page again and again.
    let file = app.folder().join("config/purposes.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("days = 90", "days = 900")).unwrap();
    app.restart().await;
    let mut notice = shown.clone();
    for _ in 0..3 {
        app.advance(DAY_MS / 2);
        notice = hidden(&app.request(fields(&app, &notice, "edit", "山田")).await);
    }
    assert_ne!(notice, shown);
    let page = app.request(fields(&app, &notice, "edit", "山田")).await;
    assert!(page.text.contains("900日で消去") && !page.text.contains("90日で消去（"), "the terms of now");
}

#[tokio::test]
async fn what_dynamodb_would_not_take_is_refused_before_anything_is_written() {
    let field = |n: usize| {
        format!(
            "[[section.field]]\nname = \"f{n}\"\nkind = \"long_text\"\nlabel = {{ ja = \"文{n}\", en = \"Text {n}\" }}\npurpose = \"visit\"\nmax_length = 4000\n"
        )
    };
    let (head, _) = FREE.split_once("[[section.field]]").unwrap();
    let form = format!("{head}{}", (0..60).map(field).collect::<Vec<_>>().join("\n"));
    let app = TestApp::with_files(&[("forms/large.toml", &form)]).await;
    let someone = app.someone();
    // 1,400 characters of three bytes are sealed in 8 KiB: 60 of them are more than a row holds.
    let answers: serde_json::Map<String, Value> =
        (0..60).map(|n| (format!("f{n}"), json!("あ".repeat(1_400)))).collect();
    let consents = json!({"visit": true, "contact": true});
    let before = app.rows(Table::Vault);
    let page = app.send_form("large", &someone, Value::Object(answers.clone()), consents.clone()).await;
    assert_eq!((page.status, page.json()["code"].as_str()), (413, Some("too_large")));
    assert_eq!(app.rows(Table::Vault), before);
    let fewer: serde_json::Map<String, Value> = answers.into_iter().take(40).collect();
    assert_eq!(app.send_form("large", &someone, Value::Object(fewer), consents).await.status, 200);
}
