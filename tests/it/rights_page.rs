//! The page on which people ask, inside LINE, to have everything erased, to take back a
//! consent, to have something corrected or its use stopped.

use axum::body::Body;
use azukari::{
    domain::{
        erasure::SETTLE_MS,
        time::{DAY_MS, HOUR_MS},
    },
    store::tables::Table,
};
use azukari_local::engine::wire::{Call, Calm};
use azukari_tests::{
    app::{NOON, PUBLIC_URL, TestApp, unique},
    faults::{Fault, faults},
    forms::Page,
    line::Someone,
    opened::OpenedRow,
};
use http::Request;
use serde_json::{Value, json};

use crate::{
    browser::{ALONE, new_friend, rows, send},
    driver::{Browser, Screen},
};

const PAGE: &str = "/forms/rights/demo";

/// Somebody who has agreed, written something and pressed a button.
async fn known(app: &TestApp) -> Someone {
    let someone = app.someone();
    assert_eq!(app.hook(&[someone.follow(NOON - 10_000)]).await, 200);
    app.agree("demo", &someone, NOON - 9_000).await;
    let text = someone.text("first", NOON - 8_000, &app.marker("消えてほしい文"));
    assert_eq!(app.hook(&[text, someone.postback("EP", NOON - 7_000, "コース=A")]).await, 200);
    someone
}

/// The notice that stands on a page.
fn notice_on(page: &Page) -> String {
    let (_, behind) = page.text.split_once("name=\"notice\" value=\"").expect("a notice is on the page");
    behind.split('"').next().unwrap_or_default().to_owned()
}

async fn notice(app: &TestApp) -> String {
    let page = app.get(PAGE).await;
    assert_eq!(page.status, 200, "{}", page.text);
    notice_on(&page)
}

/// Sends a wish as a program does.
async fn ask(app: &TestApp, someone: &Someone, notice: &str, step: &str, wish: &Value) -> Page {
    let mut body = wish.clone();
    body["notice"] = json!(notice);
    body["step"] = json!(step);
    app.send_json("rights/demo", Some(&app.id_token("demo", someone)), &body).await
}

/// Sends a wish as a browser does.
async fn submit(app: &TestApp, someone: &Someone, notice: &str, fields: &[(&str, &str)]) -> Page {
    let mut body = form_urlencoded::Serializer::new(String::new());
    body.append_pair("notice", notice).append_pair("id_token", &app.id_token("demo", someone));
    for (name, value) in fields {
        body.append_pair(name, value);
    }
    let request = Request::post(PAGE).header("content-type", "application/x-www-form-urlencoded");
    app.request(request.body(Body::from(body.finish())).unwrap()).await
}

fn code(page: &Page) -> (u16, String) {
    (page.status, page.json()["code"].as_str().unwrap_or_default().to_owned())
}

fn status(page: &Page) -> (u16, String) {
    (page.status, page.json()["status"].as_str().unwrap_or_default().to_owned())
}

fn accepted() -> (u16, String) {
    (200, "accepted".to_owned())
}

fn dropped(app: &TestApp) -> u64 {
    app.installation().metrics().get("form_dropped", "older_than_erasure")
}

#[tokio::test]
async fn everything_is_erased_with_a_receipt_and_an_old_page_erases_nothing_more() {
    let app = TestApp::new().await;
    let someone = known(&app).await;
    let subject = app.subject("demo", &someone).unwrap();
    let wish = json!({"what": "erase"});
    let notice_at_first = notice(&app).await;
    app.advance(60_000);
    let before = app.rows(Table::Vault);
    let page = ask(&app, &someone, &notice_at_first, "confirm", &wish).await;
    assert_eq!(status(&page), (200, "confirmed".to_owned()), "{}", page.text);
    assert_eq!(app.rows(Table::Vault), before, "asking is not answering");
    let page = ask(&app, &someone, &notice_at_first, "send", &wish).await;
    assert_eq!(status(&page), accepted(), "{}", page.text);
    let receipt = page.json()["receipt"].as_str().expect("a receipt").to_owned();
    let order = app.rows_of("order");
    assert_eq!((order.len(), &order[0]["what"]["S"], &order[0]["ground"]["S"]), (1, &json!("erase"), &json!("asked")));
    // Sent again it is the same.
    app.advance(1_000);
    let page = ask(&app, &someone, &notice_at_first, "send", &wish).await;
    assert_eq!(page.json()["receipt"], receipt.as_str());
    assert_eq!(app.rows_of("order"), order, "one order, unchanged");
    let shown = app.get(&format!("/receipts/{receipt}")).await;
    assert!(shown.status == 200 && shown.text.contains("1分ほどたってから"), "{}", shown.text);
    app.sweep_all().await;
    assert!(app.rows_of_person(subject).is_empty());
    let shown = app.get(&format!("/receipts/{receipt}")).await;
    assert!(shown.text.contains("トークのメッセージ"), "{}", shown.text);
    assert_eq!(app.installation().metrics().get("form_rights", "erase"), 2);
    // Whoever comes back is new, and the old page is not theirs.
    app.advance(1_000);
    assert_eq!(app.hook(&[someone.follow(app.now())]).await, 200);
    app.agree("demo", &someone, app.now() + 1).await;
    let new = app.subject("demo", &someone).expect("somebody new");
    for (step, wish) in [("confirm", &wish), ("send", &wish), ("send", &json!({"what": "stop"}))] {
        let page = ask(&app, &someone, &notice_at_first, step, wish).await;
        assert_eq!(code(&page), (409, "notice_expired".to_owned()), "{step} {wish}");
    }
    assert_eq!(dropped(&app), 3);
    assert!(app.rows_of("order").is_empty() && app.rows_of("request").is_empty());
    assert_eq!(app.subject("demo", &someone), Some(new));
    app.assert_nothing_in_the_clear();
}

#[tokio::test]
async fn what_a_warm_function_stores_after_a_withdrawal_goes_with_the_second_look() {
    for anew in [false, true] {
        let app = TestApp::new().await;
        let someone = known(&app).await;
        let shown = notice(&app).await;
        // The webhook function knows the mapping, and the page is another function.
        app.advance(1_000);
        assert_eq!(app.hook(&[someone.text("m1", app.now(), "a")]).await, 200);
        let wish = json!({"what": "withdraw", "purpose": "chat"});
        assert_eq!(status(&ask(&app, &someone, &shown, "send", &wish).await), accepted());
        app.advance(1_000);
        assert_eq!(app.hook(&[someone.text("m2", app.now(), "b")]).await, 200);
        app.sweep_all().await;
        assert_eq!(app.rows_of("message").len(), 1, "it was stored as if nothing had been said");
        if anew {
            app.advance(1_000);
            app.agree("demo", &someone, app.now()).await;
        }
        app.advance(SETTLE_MS);
        app.sweep_all().await;
        // Who agrees anew is not asked about what lies between.
        assert_eq!(app.rows_of("message").len(), usize::from(anew));
        assert!(app.rows_of("order").is_empty());
    }
}

#[tokio::test]
async fn nothing_that_one_page_asks_takes_the_place_of_another() {
    // Two consents: what was kept for both goes.
    let app = TestApp::new().await;
    let someone = known(&app).await;
    let shown = notice(&app).await;
    app.advance(1_000);
    for purpose in ["chat", "operation"] {
        let wish = json!({"what": "withdraw", "purpose": purpose});
        assert_eq!(status(&ask(&app, &someone, &shown, "send", &wish).await), accepted());
    }
    assert_eq!(app.rows_of("order").len(), 2);
    app.sweep_all().await;
    assert!(app.rows_of("message").is_empty() && app.rows_of("event").is_empty());
    // A link that is undone and an erasure, in either order: the person is erased.
    for erase_first in [false, true] {
        let app = TestApp::new().await;
        let someone = known(&app).await;
        app.link_in_chat(&someone, "M-0001").await;
        let shown = notice(&app).await;
        app.advance(1_000);
        let mut wishes = vec![json!({"what": "withdraw", "purpose": "member"}), json!({"what": "erase"})];
        if erase_first {
            wishes.reverse();
        }
        for wish in &wishes {
            assert_eq!(status(&ask(&app, &someone, &shown, "send", wish).await), accepted());
        }
        app.sweep_all().await;
        assert!(app.rows_of("subject").is_empty(), "{erase_first}");
        assert!(app.rows_of("message").is_empty(), "{erase_first}");
    }
}

#[tokio::test]
async fn other_words_on_the_same_page_are_another_request() {
    let app = TestApp::new().await;
    let someone = known(&app).await;
    let shown = notice(&app).await;
    for details in ["電話番号を直してください", "住所を直してください", "住所を直してください"]
    {
        let wish = json!({"what": "correct", "details": details});
        assert_eq!(ask(&app, &someone, &shown, "send", &wish).await.status, 200);
    }
    assert_eq!(app.rows_of("request").len(), 2);
}

#[tokio::test]
async fn a_consent_is_taken_back_once_for_each_page() {
    let app = TestApp::new().await;
    let someone = known(&app).await;
    let wish = json!({"what": "withdraw", "purpose": "chat"});
    let shown = notice(&app).await;
    app.advance(1_000);
    let before = app.rows(Table::Vault);
    assert_eq!(ask(&app, &someone, &shown, "confirm", &wish).await.status, 200);
    assert_eq!(app.rows(Table::Vault), before, "asking is not answering");
    let page = ask(&app, &someone, &shown, "send", &wish).await;
    assert_eq!(status(&page), accepted(), "{}", page.text);
    assert_eq!(app.rows_of("order").len(), 1);
    let kinds = |person: &Value| -> Vec<String> {
        let records = person["records"].as_array().cloned().unwrap_or_default();
        records.iter().map(|record| record["kind"].as_str().unwrap().to_owned()).collect()
    };
    // Use stops at once.
    let opened = app.open_all("demo", &someone).await;
    assert!(!kinds(&opened).contains(&"message".to_owned()), "{opened}");
    assert!(kinds(&opened).contains(&"event".to_owned()), "{opened}");
    let report = app.sweep_all().await;
    assert_eq!((report.withdrawn, report.persons), (1, 0), "{report:?}");
    assert!(app.rows_of("message").is_empty());
    assert_eq!(app.rows_of("consent").iter().filter(|row| row["how"]["S"] == "page").count(), 1);
    assert_eq!(app.rows_of("event").len(), 1, "another purpose");
    // The second look, when no warm function can know the old mapping any more.
    app.advance(SETTLE_MS);
    let report = app.sweep_all().await;
    assert_eq!((report.withdrawn, app.rows_of("order").len()), (0, 0), "{report:?}");
    let withdrawn = || app.rows_of("consent").iter().filter(|row| row["consent"]["S"] == "withdrawn").count();
    assert_eq!(withdrawn(), 1);
    // Whoever agrees anew, and whose browser sends the page again, has not taken it back twice.
    app.advance(1_000);
    app.agree("demo", &someone, app.now()).await;
    app.advance(1_000);
    assert_eq!(status(&ask(&app, &someone, &shown, "send", &wish).await), accepted());
    assert_eq!((withdrawn(), app.rows_of("order").len()), (1, 0));
    let text = app.marker("また預ける");
    assert_eq!(app.hook(&[someone.text("2", app.now(), &text)]).await, 200);
    assert_eq!(app.rows_of("message").len(), 1);
    // A new page is a new wish.
    let anew = notice(&app).await;
    assert_eq!(status(&ask(&app, &someone, &anew, "send", &wish).await), accepted());
    assert_eq!(app.rows_of("order").len(), 1);
}

#[tokio::test]
async fn a_link_whose_purpose_is_taken_back_on_the_page_is_undone() {
    let app = TestApp::new().await;
    let someone = known(&app).await;
    app.link_in_chat(&someone, "M-1").await;
    app.advance(1_000);
    let wish = json!({"what": "withdraw", "purpose": "member"});
    assert_eq!(status(&ask(&app, &someone, &notice(&app).await, "send", &wish).await), accepted());
    app.sweep_all().await;
    app.advance(SETTLE_MS);
    app.sweep_all().await;
    assert!(app.rows_of("link").is_empty() && app.rows_of("order").is_empty());
    assert!(app.mapping("demo", &someone).unwrap().get("member").is_none());
    assert!(app.subject("demo", &someone).is_some());
}

#[tokio::test]
async fn requests_are_sealed_and_stored_once() {
    let app = TestApp::new().await;
    let someone = known(&app).await;
    let words = app.marker("電話番号が古いので直してください");
    let wish = json!({"what": "correct", "details": format!("　{words}\r\nお願いします ")});
    let shown = notice(&app).await;
    app.advance(1_000);
    let page = ask(&app, &someone, &shown, "confirm", &wish).await;
    assert_eq!(status(&page), (200, "confirmed".to_owned()), "{}", page.text);
    assert!(app.rows_of("request").is_empty());
    assert_eq!(status(&ask(&app, &someone, &shown, "send", &wish).await), accepted());
    let [row] = &app.rows_of("request")[..] else { panic!("one request") };
    assert!(row["sk"]["S"].as_str().unwrap().starts_with("O#correct~"), "{row}");
    let contact = app.installation().published().purposes["contact"].id.as_str().to_owned();
    assert_eq!((&row["purpose"]["S"], &row["event_at"]["N"]), (&json!(contact), &json!(app.now().to_string())));
    let opened = app.opened("demo", &someone, row).await.expect("it opens at its place");
    assert_eq!(opened["details"], format!("{words}\nお願いします"));
    let page = ask(&app, &someone, &shown, "send", &wish).await;
    assert_eq!(status(&page), (200, "already_accepted".to_owned()));
    assert_eq!(app.rows_of("request").len(), 1);
    // A stop needs no words, and may have some.
    for details in [Value::Null, json!(app.marker("お知らせに使わないでください"))] {
        let wish = json!({"what": "stop", "details": details});
        assert_eq!(status(&ask(&app, &someone, &notice(&app).await, "send", &wish).await), accepted(), "{details}");
    }
    let stops = app.rows_of("request");
    let stops = stops.iter().filter(|row| row["sk"]["S"].as_str().unwrap().starts_with("O#stop~"));
    assert_eq!(stops.map(|row| row.get("env").is_some()).filter(|sealed| *sealed).count(), 1);
    assert_eq!(app.rows_of("request").len(), 3);
    assert!(app.rows_of("order").is_empty());
    app.assert_nothing_in_the_clear();
}

#[tokio::test]
async fn in_a_browser_every_wish_is_told_in_words_and_asked_once_more() {
    for (fields, question, title) in [
        (&[("what", "erase")][..], "すべて消去しますか", "消去を始めました"),
        (
            &[("what", "withdraw"), ("purpose", "chat")][..],
            "「お問い合わせへの返答」への同意を取り消しますか",
            "同意を取り消しました",
        ),
        (
            &[("what", "correct"), ("details", "住所 <b>港区</b>")][..],
            "訂正・追加・削除を求めますか",
            "お申し出を受け付けました",
        ),
        (&[("what", "stop"), ("stop_details", "")][..], "利用の停止を求めますか", "お申し出を受け付けました"),
    ] {
        let app = TestApp::new().await;
        let someone = known(&app).await;
        let shown = notice(&app).await;
        let before = app.rows(Table::Vault);
        let page = submit(&app, &someone, &shown, fields).await;
        assert_eq!(page.status, 200, "{fields:?} {}", page.text);
        assert!(page.text.contains(question) && page.text.contains("data-page=\"confirm\""), "{}", page.text);
        assert!(!page.text.contains("<b>港区"), "what was written is no markup");
        assert_eq!(notice_on(&page), shown, "what was shown first counts");
        assert_eq!(app.rows(Table::Vault), before, "nothing waits on the server");
        // Back, with what was chosen.
        let back: Vec<_> = fields.iter().copied().chain([("step", "edit")]).collect();
        let page = submit(&app, &someone, &shown, &back).await;
        let chosen = format!("value=\"{}\" checked", fields[0].1);
        assert!(page.status == 200 && page.text.contains(&chosen), "{}", page.text);
        let sent: Vec<_> = fields.iter().copied().chain([("step", "send")]).collect();
        let page = submit(&app, &someone, &shown, &sent).await;
        assert_eq!(page.status, 200, "{fields:?} {}", page.text);
        assert!(page.text.contains(title) && page.text.contains("data-page=\"sent\""), "{}", page.text);
        assert_eq!(page.text.contains("/receipts/"), fields[0].1 == "erase", "{}", page.text);
        assert_ne!(app.rows(Table::Vault), before);
    }
}

#[tokio::test]
async fn only_who_line_vouches_for_in_this_channel_can_ask() {
    let app = TestApp::new().await;
    let (someone, other) = (known(&app).await, known_elsewhere(&app).await);
    let shown = notice(&app).await;
    let body = json!({"notice": shown, "what": "erase", "step": "send"});
    let old = app.id_token("demo", &someone);
    for (what, token) in [
        ("none", None),
        ("empty", Some(String::new())),
        ("no token", Some("x".to_owned())),
        ("of another channel", Some(app.id_token("kept", &someone))),
    ] {
        let page = app.send_json("rights/demo", token.as_deref(), &body).await;
        assert_eq!(code(&page), (401, "id_token_invalid".to_owned()), "{what}");
        let mut looked = body.clone();
        looked["step"] = json!("confirm");
        assert_eq!(app.send_json("rights/demo", token.as_deref(), &looked).await.status, 401, "{what}");
    }
    app.advance(2 * HOUR_MS);
    let page = app.send_json("rights/demo", Some(&old), &body).await;
    assert_eq!(code(&page), (401, "id_token_expired".to_owned()));
    let request = Request::post(PAGE).header("content-type", "application/x-www-form-urlencoded");
    let text = format!("notice={shown}&id_token={old}&what=erase&step=send");
    let page = app.request(request.body(Body::from(text)).unwrap()).await;
    assert!(page.status == 401 && page.text.contains("data-trouble=\"sign-in-expired\""), "{}", page.text);
    assert!(app.rows_of("order").is_empty());
    // The page of each channel is for its own people.
    let theirs = app.get("/forms/rights/kept").await;
    let body = json!({"notice": notice_on(&theirs), "what": "erase", "step": "send"});
    let page = app.send_json("rights/demo", Some(&app.id_token("demo", &someone)), &body).await;
    assert_eq!(code(&page), (400, "notice_forged".to_owned()));
    let page = app.send_json("rights/kept", Some(&app.id_token("kept", &someone)), &body).await;
    assert_eq!(status(&page), (200, "nothing_held".to_owned()));
    let page = app.send_json("rights/kept", Some(&app.id_token("kept", &other)), &body).await;
    assert_eq!(status(&page), accepted());
    assert_eq!(app.rows_of("order").len(), 1);
    app.watch(&old);
}

/// Somebody of the channel `kept`.
async fn known_elsewhere(app: &TestApp) -> Someone {
    let someone = app.someone();
    assert_eq!(app.hook_to("kept", &[someone.text("k", NOON - 5_000, "a")]).await, 200);
    someone
}

#[tokio::test]
async fn a_notice_is_of_this_page_and_holds_for_a_day() {
    let app = TestApp::new().await;
    let someone = known(&app).await;
    let shown = notice(&app).await;
    let wish = json!({"what": "erase"});
    let of_a_form = app.notice("visit").await;
    for bad in ["", "x", &of_a_form, &shown[1..], &format!("{shown}A")] {
        let page = ask(&app, &someone, bad, "send", &wish).await;
        assert_eq!(code(&page), (400, "notice_forged".to_owned()), "{bad}");
    }
    // Nor does it count for a form.
    let body = json!({"notice": shown, "answers": app.visit(), "consents": TestApp::visit_consents(), "step": "send"});
    let page = app.send_json("visit", Some(&app.id_token("demo", &someone)), &body).await;
    assert_eq!(code(&page), (400, "notice_forged".to_owned()));
    app.advance(DAY_MS + 1);
    let page = ask(&app, &someone, &shown, "send", &wish).await;
    assert_eq!(code(&page), (409, "notice_expired".to_owned()));
    assert!(app.rows_of("order").is_empty());
}

#[tokio::test]
async fn of_whom_nothing_is_held_is_told_so_and_nothing_is_stored() {
    let app = TestApp::new().await;
    let someone = app.someone();
    let before = app.rows(Table::Vault);
    for wish in [
        json!({"what": "erase"}),
        json!({"what": "withdraw", "purpose": "chat"}),
        json!({"what": "correct", "details": app.marker("直して")}),
        json!({"what": "stop"}),
    ] {
        for step in ["confirm", "send"] {
            let page = ask(&app, &someone, &notice(&app).await, step, &wish).await;
            assert_eq!(status(&page), (200, "nothing_held".to_owned()), "{wish} {}", page.text);
        }
    }
    let page = submit(&app, &someone, &notice(&app).await, &[("what", "erase"), ("step", "send")]).await;
    assert!(page.text.contains("お預かりしているものはありません"), "{}", page.text);
    assert_eq!(app.rows(Table::Vault), before);
}

#[tokio::test]
async fn who_did_not_agree_is_being_erased_and_can_only_ask_for_that() {
    let app = TestApp::new().await;
    let someone = known(&app).await;
    assert_eq!(app.hook(&[app.answer(&someone, NOON, false)]).await, 200);
    app.advance(1_000);
    for wish in [json!({"what": "withdraw", "purpose": "chat"}), json!({"what": "stop"})] {
        let page = ask(&app, &someone, &notice(&app).await, "confirm", &wish).await;
        assert_eq!(code(&page), (409, "erasing".to_owned()), "{wish}");
    }
    let page = ask(&app, &someone, &notice(&app).await, "send", &json!({"what": "erase"})).await;
    assert_eq!(status(&page), accepted());
    let receipt = page.json()["receipt"].as_str().unwrap().to_owned();
    app.sweep_all().await;
    let shown = app.get(&format!("/receipts/{receipt}")).await;
    assert!(shown.text.contains("LINEのユーザーID"), "{}", shown.text);
    assert!(app.rows_of("subject").is_empty());
}

#[tokio::test]
async fn what_is_wrong_is_named_and_a_card_number_goes_nowhere() {
    let app = TestApp::new().await;
    let someone = known(&app).await;
    let before = app.rows(Table::Vault);
    let shown = notice(&app).await;
    app.watch("4111-1111-1111-1111");
    let card = "カードは4111-1111-1111-1111に変わりました";
    for (wish, expected) in [
        (json!({}), "what: missing"),
        (json!({"what": "everything"}), "what: not_a_choice"),
        (json!({"what": "withdraw"}), "purpose: missing"),
        // Being reached is what holds a person together: that is erasing everything.
        (json!({"what": "withdraw", "purpose": "contact"}), "purpose: not_a_choice"),
        (json!({"what": "correct"}), "details: missing"),
        (json!({"what": "correct", "details": " \n"}), "details: missing"),
        (json!({"what": "correct", "details": "あ".repeat(2_001)}), "details: too_long"),
        (json!({"what": "correct", "details": card}), "details: card"),
        (json!({"what": "stop", "details": card}), "details: card"),
        (json!({"what": "correct", "details": "マイナンバーは123456789018です"}), "details: my_number"),
    ] {
        for step in ["confirm", "send"] {
            let page = ask(&app, &someone, &shown, step, &wish).await;
            assert_eq!((page.status, page.problems()), (422, vec![expected.to_owned()]), "{wish} {}", page.text);
            assert!(!page.text.contains("4111"), "no answer comes back in a problem");
        }
    }
    assert_eq!(app.installation().metrics().get("guard", "card"), 4);
    // In the browser what was written stays, beside what is wrong with it.
    let page = submit(&app, &someone, &shown, &[("what", "correct"), ("details", card), ("step", "send")]).await;
    assert_eq!(page.status, 422);
    for part in ["id=\"problems\"", "href=\"#f-details\"", "id=\"e-details\"", "カード番号と思われる", card] {
        assert!(page.text.contains(part), "{part} is not in {}", page.text);
    }
    assert_eq!(app.rows(Table::Vault), before);
    let longest = json!({"what": "correct", "details": "あ".repeat(2_000)});
    assert_eq!(ask(&app, &someone, &shown, "confirm", &longest).await.status, 200);
}

#[tokio::test]
async fn what_is_no_wish_or_comes_from_elsewhere_is_refused() {
    let app = TestApp::new().await;
    let someone = known(&app).await;
    let token = app.id_token("demo", &someone);
    let good = json!({"notice": notice(&app).await, "what": "erase", "step": "send"});
    for bad in ["{", "[]", "{\"surprise\":1}", "{\"answers\":{\"what\":\"erase\"}}", "{\"step\":\"steal\"}"] {
        let request = Request::post(PAGE).header("content-type", "application/json");
        let page = app.request(request.body(Body::from(bad)).unwrap()).await;
        assert_eq!(code(&page), (400, "not_read".to_owned()), "{bad}");
    }
    let with = |name: &'static str, value: &'static str| {
        Request::post(PAGE)
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {token}"))
            .header(name, value)
            .body(Body::from(good.to_string()))
            .unwrap()
    };
    for (name, value) in [("origin", "https://evil.example"), ("origin", "null"), ("sec-fetch-site", "cross-site")] {
        assert_eq!(code(&app.request(with(name, value)).await), (403, "other_site".to_owned()), "{name} {value}");
    }
    let large = Request::post(PAGE).header("content-type", "application/json");
    let large = app.request(large.body(Body::from(vec![b' '; 256 * 1024 + 1])).unwrap()).await;
    assert_eq!(large.status, 413);
    assert!(app.rows_of("order").is_empty());
    assert_eq!(app.request(with("origin", PUBLIC_URL)).await.status, 200);
    for path in
        ["/forms/rights/nothing", "/forms/rights/DEMO", "/forms/rights/a%2Fb", "/forms/rights/", "/forms/rights"]
    {
        assert_eq!(app.get(path).await.status, 404, "{path}");
    }
    let nowhere = app.send_json("rights/nothing", Some(&token), &good).await;
    assert_eq!(nowhere.status, 404);
}

#[tokio::test]
async fn one_person_cannot_ask_without_end() {
    let app = TestApp::new().await;
    let someone = known(&app).await;
    let wish = json!({"what": "stop"});
    for n in 0..20 {
        assert_eq!(status(&ask(&app, &someone, &notice(&app).await, "send", &wish).await), accepted(), "{n}");
    }
    let page = ask(&app, &someone, &notice(&app).await, "send", &wish).await;
    assert_eq!(code(&page), (429, "too_often".to_owned()));
    assert_eq!(app.rows_of("request").len(), 20);
    app.advance(HOUR_MS);
    assert_eq!(status(&ask(&app, &someone, &notice(&app).await, "send", &wish).await), accepted());
}

#[tokio::test]
async fn it_is_found_from_the_policy_in_force_and_lets_nothing_in() {
    let mut app = TestApp::new().await;
    let page = app.get(&format!("{PAGE}?lang=en")).await;
    assert_eq!(page.status, 200);
    for part in ["<html lang=\"en\">", "Erase everything", "Erased 180 days after we receive it", "Look it over"] {
        assert!(page.text.contains(part), "{part} is not in {}", page.text);
    }
    assert!(!page.text.contains("value=\"contact\""), "being reached is not taken back alone");
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    assert!(policy.contains("form-action 'self'") && !policy.contains("unsafe"), "{policy}");
    for (name, value) in
        [("x-content-type-options", "nosniff"), ("referrer-policy", "same-origin"), ("cache-control", "no-store")]
    {
        assert_eq!(page.headers[name], value);
    }
    assert!(!page.text.contains(" style="));
    let lead_on = app.get("/forms?liff.state=%2Frights%2Fdemo%3Flang%3Dja").await;
    assert!(lead_on.status == 200 && lead_on.text.contains("1234567890-AzukariA"), "{}", lead_on.text);
    assert_eq!(app.get("/forms?liff.state=%2Frights%2Fnothing").await.status, 404);
    // From the policy, in the language that is read.
    let link = "/1234567890-AzukariA/rights/demo?lang=";
    assert!(app.get("/policy/demo").await.text.contains(&format!("{link}ja")));
    assert!(app.get("/policy/demo?lang=en").await.text.contains(&format!("{link}en")));
    // Not from a past version.
    let words = app.folder().join("config/policies/privacy/ja.md");
    let text = std::fs::read_to_string(&words).unwrap();
    let shown = notice(&app).await;
    std::fs::write(&words, format!("{text}\n\nあとから書いたこと。\n")).unwrap();
    app.restart().await;
    assert!(!app.get("/policy/demo/1").await.text.contains(link));
    assert!(app.get("/policy/demo/2").await.text.contains(link));
    // What was shown under the version before is shown anew.
    let someone = app.someone();
    let page = ask(&app, &someone, &shown, "send", &json!({"what": "erase"})).await;
    assert_eq!(code(&page), (409, "notice_expired".to_owned()));
}

#[tokio::test]
async fn without_a_liff_app_there_is_no_page_and_the_policy_says_how_to_ask() {
    let demo = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../infra/config/channels/demo.toml"));
    let (rules, _) = demo.as_deref().expect("it is shipped").split_once("[[keyword]]").expect("it has keywords");
    let own = rules.replace("\nliff_id", "\n# liff_id").replace("\ngreeting_form", "\n# greeting_form");
    let own = own.replace("keep_24h", "keep");
    let mut app = TestApp::new().await;
    let config = app.folder().join("config");
    std::fs::write(config.join("channels/kept.toml"), own).unwrap();
    std::fs::remove_file(config.join("forms/note-kept.toml")).unwrap();
    app.restart().await;
    assert_eq!(app.get("/forms/rights/kept").await.status, 404);
    let policy = app.get("/policy/kept").await;
    assert!(policy.text.contains("id=\"rights\"") && !policy.text.contains("LINEで手続きする"), "{}", policy.text);
}

/// Opens the page and sends a wish until it is taken, as somebody does who sees an error: the
/// same page again, whatever has died meanwhile. Gives the calls, and what is left after a
/// sweep.
async fn tell(someone: &Someone, wish: &Value, fault: Option<Fault>) -> (Vec<Call>, Vec<OpenedRow>, usize) {
    let mut app = TestApp::new().await;
    app.watch(&someone.0);
    let events = [someone.text("1", NOON - 8, "a"), someone.postback("EP", NOON - 7, "b")];
    assert_eq!(app.hook(&events).await, 200);
    let shown = notice(&app).await;
    app.advance(1_000);
    app.start_counting();
    if let Some(fault) = fault {
        app.weather(fault);
    }
    let mut taken = false;
    for _ in 0..4 {
        let wires = app.shared();
        taken = tokio::select! {
            page = ask(&app, someone, &shown, "send", wish) => page.status == 200,
            () = wires.wires().death() => false,
        };
        if taken {
            break;
        }
        app.cold_start();
    }
    assert!(taken, "{wish} was never taken: {fault:?}");
    let calls = app.calls();
    app.weather(Calm);
    app.sweep_all().await;
    let receipts = app.rows(Table::Audit).into_iter().filter(|row| row["kind"]["S"] == "receipt").count();
    (calls, app.everything("demo", std::slice::from_ref(someone)).await, receipts)
}

#[tokio::test]
async fn a_fault_at_any_call_changes_nothing_of_what_is_left() {
    let someone = Someone::numbered(unique());
    for wish in [
        json!({"what": "erase"}),
        json!({"what": "withdraw", "purpose": "chat"}),
        json!({"what": "correct", "details": "直して"}),
        json!({"what": "stop"}),
    ] {
        let (calls, clean, receipts) = tell(&someone, &wish, None).await;
        assert!(calls.len() > 2, "{wish} makes calls");
        for call in &calls {
            for fault in faults(call) {
                let (_, left, with_fault) = tell(&someone, &wish, Some(fault)).await;
                assert_eq!((left, with_fault), (clean.clone(), receipts), "{wish} {fault:?} at {call:?}");
            }
        }
    }
}

async fn ready(browser: &Browser) {
    let script = "return document.readyState === 'complete' && !!document.querySelector('main') && typeof liff !== 'undefined' && liff.isLoggedIn()";
    browser.until("LIFF is ready", script).await;
}

async fn page_is(browser: &Browser, page: &str) {
    browser.until(page, &format!("return document.querySelector('main')?.dataset.page === {page:?}")).await;
}

/// From the policy in the phone's browser to the page of rights.
async fn to_the_page(browser: &Browser) {
    browser.press_action("取扱いを読む").await;
    browser.wait("browser").await;
    browser.enter("[data-testid=browser] iframe").await;
    browser.press_css("a.button[href*='/rights/demo']").await;
    browser.until("LINE leads on to the page", "return location.pathname === '/forms/rights/demo'").await;
    ready(browser).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_is_erased_from_the_policy_page_on_the_phone() {
    let _alone = ALONE.lock().await;
    let app = TestApp::new().await;
    let Some(browser) = Browser::open(&app, Screen::Phone, "ja").await else { return };
    // The page compares the two clocks.
    let now = browser.run("return Date.now()").await.as_i64().expect("a time");
    app.advance(now - app.now());
    browser.wait("phone-name").await;
    new_friend(&browser, "ひなた").await;
    browser.press_action("同意する").await;
    browser.until_shown("chat", "ありがとうございます。お預かりした情報は").await;
    send(&browser, "住所は 港区1-2-3 です").await;
    to_the_page(&browser).await;
    browser.assert_accessible("the page of rights").await;
    browser.picture("rights-0-choices").await;

    // Nothing chosen: it is said, and the choices can be reached from what is said.
    browser.press_css("button[type=submit]").await;
    browser.until("the problems", "return document.activeElement?.id === 'problems'").await;
    ready(&browser).await;
    browser.assert_accessible("with nothing chosen").await;
    // What does not apply is not shown.
    let seen =
        "return [...document.querySelectorAll('textarea, [name=purpose]')].filter((it) => it.offsetParent).length";
    assert_eq!(browser.run(seen).await, 0);
    browser.press_css("[name=what][value=correct]").await;
    assert_eq!(browser.run(seen).await, 1);
    browser.picture("rights-1-correct").await;
    browser.press_css("[name=what][value=withdraw]").await;
    browser.assert_accessible("the purposes").await;
    browser.picture("rights-2-purposes").await;
    browser.press_css("[name=what][value=erase]").await;
    browser.press_css("button[type=submit]").await;
    page_is(&browser, "confirm").await;
    ready(&browser).await;
    browser.assert_accessible("asked once more").await;
    browser.picture("rights-3-confirm").await;
    assert!(app.rows_of("order").is_empty());

    // Back, and on.
    browser.press_css("button[name=step][value=edit]").await;
    page_is(&browser, "fill").await;
    ready(&browser).await;
    assert_eq!(browser.run("return document.querySelector('[name=what][value=erase]').checked").await, true);
    browser.press_css("button[type=submit]").await;
    page_is(&browser, "confirm").await;
    ready(&browser).await;
    browser.press_css("button[name=step][value=send]").await;
    page_is(&browser, "sent").await;
    browser.assert_accessible("it has begun").await;
    browser.picture("rights-4-begun").await;
    let receipt = browser.run("return document.getElementById('receipt').textContent").await;
    let receipt = receipt.as_str().expect("a receipt").to_owned();
    browser.press_css("a.button[href^='/receipts/']").await;
    browser.until("the receipt", "return document.body.textContent.includes('1分ほどたってから')").await;
    browser.leave().await;
    browser.press("browser-close").await;
    browser.show("vault").await;
    browser.press("sweep").await;
    rows(&browser, "message", 0).await;
    assert!(app.rows_of("subject").is_empty());
    browser.goto(&format!("/receipts/{receipt}?lang=ja")).await;
    browser.until("the receipt", "return document.body.textContent.includes('トークのメッセージ')").await;
    browser.picture("rights-5-receipt").await;
    browser.close().await;
}
