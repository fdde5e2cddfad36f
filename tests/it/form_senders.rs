//! Who may send a form, from where, and how often.

use axum::body::Body;
use azukari::domain::time::{DAY_MS, HOUR_MS};
use azukari_local::engine::wire::Service;
use azukari_tests::app::{NOON, PUBLIC_URL, TestApp};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::Request;
use serde_json::{Value, json};

use crate::forms::{open, records, send_visit};

/// A token with another header, other claims, or another signature.
fn edited(token: &str, header: Option<Value>, claims: impl FnOnce(&mut Value)) -> String {
    let parts: Vec<&str> = token.split('.').collect();
    let read = |part: &str| -> Value { serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap() };
    let mut body = read(parts[1]);
    claims(&mut body);
    let write = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let head = header.unwrap_or_else(|| read(parts[0]));
    format!("{}.{}.{}", write(&head), write(&body), parts[2])
}

#[tokio::test]
async fn only_who_line_vouches_for_now_and_for_this_channel_can_send() {
    let app = TestApp::new().await;
    let someone = app.someone();
    let other = app.someone();
    let good = app.id_token("demo", &someone);
    let kid = serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(good.split('.').next().unwrap()).unwrap())
        .unwrap()["kid"]
        .clone();
    let claims = |body: &mut Value| body["sub"] = json!(other.0);
    // HS256 with the public key as its secret.
    let certs = app.installation().line().certs().unwrap();
    let header = json!({"alg": "HS256", "typ": "JWT", "kid": kid});
    let unsigned = edited(&good, Some(header), |_| {});
    let signing = unsigned.rsplit_once('.').unwrap().0.to_owned();
    let x = URL_SAFE_NO_PAD.decode(certs["keys"][0]["x"].as_str().unwrap()).unwrap();
    let y = URL_SAFE_NO_PAD.decode(certs["keys"][0]["y"].as_str().unwrap()).unwrap();
    let public = [&[4][..], &x, &y].concat();
    let mac =
        aws_lc_rs::hmac::sign(&aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &public), signing.as_bytes());
    let hs256 = format!("{signing}.{}", URL_SAFE_NO_PAD.encode(mac.as_ref()));
    let none = edited(&good, Some(json!({"alg": "none", "typ": "JWT"})), |_| {});
    let none_bare = format!("{}.", none.rsplit_once('.').unwrap().0);
    let elsewhere = TestApp::new().await;
    let bad = [
        ("of another channel", app.id_token("kept", &someone)),
        ("of another person, edited", edited(&good, None, claims)),
        ("alg none", none),
        ("alg none without a signature", none_bare),
        ("HS256 with the public key", hs256),
        ("unsigned", format!("{}.", good.rsplit_once('.').unwrap().0)),
        ("of an unknown key", elsewhere.id_token("demo", &someone)),
        ("without a key id", edited(&good, Some(json!({"alg": "ES256", "typ": "JWT"})), |_| {})),
        ("no token at all", "x".to_owned()),
        ("very long", "a.".repeat(10_000)),
    ];
    let body = json!({"notice": app.notice("visit").await, "answers": app.visit(), "consents": TestApp::visit_consents(), "step": "send"});
    for (what, token) in bad {
        if (20..2_000).contains(&token.len()) {
            app.watch(&token);
        }
        let page = app.send_json("visit", Some(&token), &body).await;
        assert_eq!((page.status, page.json()["code"].as_str()), (401, Some("id_token_invalid")), "{what}");
    }
    let page = app.send_json("visit", None, &body).await;
    assert_eq!(page.status, 401);
    app.watch(&good);
    app.advance(HOUR_MS);
    let page = app.send_json("visit", Some(&good), &body).await;
    assert_eq!((page.status, page.json()["code"].as_str()), (401, Some("id_token_expired")));
    assert!(app.rows_of("submission").is_empty() && app.subject("demo", &someone).is_none());
    let fresh = app.id_token("demo", &someone);
    assert_eq!(app.send_json("visit", Some(&fresh), &body).await.status, 200);
    assert!(app.subject("demo", &other).is_none());
    elsewhere.close();
}

#[tokio::test]
async fn keys_of_line_are_fetched_once_and_again_for_a_new_one() {
    let app = TestApp::new().await;
    let someone = app.someone();
    app.start_counting();
    for _ in 0..3 {
        assert_eq!(send_visit(&app, &someone).await.status, 200);
    }
    let certs = || app.operations(Service::Line).iter().filter(|call| call.ends_with("/certs")).count();
    assert_eq!(certs(), 1);
    // Guessing at keys does not make us ask each time.
    let unknown = json!({"alg": "ES256", "typ": "JWT", "kid": "unknown"});
    let token = edited(&app.id_token("demo", &someone), Some(unknown), |_| {});
    let body = json!({"notice": app.notice("visit").await, "answers": app.visit(), "step": "send"});
    for _ in 0..5 {
        assert_eq!(app.send_json("visit", Some(&token), &body).await.status, 401);
    }
    assert_eq!(certs(), 1, "within a minute");
    app.advance(60_000);
    for _ in 0..5 {
        assert_eq!(app.send_json("visit", Some(&token), &body).await.status, 401);
    }
    assert_eq!(certs(), 2);
    app.advance(HOUR_MS);
    assert_eq!(send_visit(&app, &someone).await.status, 200);
    assert_eq!(certs(), 3, "after an hour");
}

#[tokio::test]
async fn a_new_key_of_lines_is_learnt_with_the_first_token_under_it() {
    let mut app = TestApp::new().await;
    let someone = app.someone();
    assert_eq!(send_visit(&app, &someone).await.status, 200);
    // The stand-in makes its key with the process; the function remembers the old ones.
    let old = app.id_token("demo", &someone);
    app.restart().await;
    app.advance(60_000);
    let body = json!({"notice": app.notice("visit").await, "answers": app.visit(), "consents": TestApp::visit_consents(), "step": "send"});
    assert_eq!(app.send_json("visit", Some(&old), &body).await.status, 401);
    assert_eq!(send_visit(&app, &someone).await.status, 200);
}

#[tokio::test]
async fn a_notice_counts_for_its_own_form_and_for_a_day() {
    let app = TestApp::new().await;
    let someone = app.someone();
    let token = app.id_token("demo", &someone);
    let body = |notice: &str| json!({"notice": notice, "answers": app.visit(), "consents": TestApp::visit_consents(), "step": "send"});
    let notice = app.notice("visit").await;
    let other = app.notice("health-check").await;
    for bad in ["", "x", &other, &notice[1..], &format!("{notice}A")] {
        let page = app.send_json("visit", Some(&token), &body(bad)).await;
        assert_eq!((page.status, page.json()["code"].as_str()), (400, Some("notice_forged")), "{bad}");
    }
    app.advance(DAY_MS + 1);
    let token = app.id_token("demo", &someone);
    let page = app.send_json("visit", Some(&token), &body(&notice)).await;
    assert_eq!((page.status, page.json()["code"].as_str()), (409, Some("notice_expired")));
    assert!(app.subject("demo", &someone).is_none());
}

#[tokio::test]
async fn a_page_of_somebody_else_cannot_send() {
    let app = TestApp::new().await;
    let someone = app.someone();
    let body = json!({"notice": app.notice("visit").await, "answers": app.visit(), "consents": TestApp::visit_consents(), "step": "send"});
    let token = app.id_token("demo", &someone);
    let with = |name: &'static str, value: &'static str| {
        Request::post("/forms/visit")
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {token}"))
            .header(name, value)
            .body(Body::from(body.to_string()))
            .unwrap()
    };
    for (name, value) in [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("origin", "https://pages.azukari.test.evil.example"),
        ("sec-fetch-site", "cross-site"),
    ] {
        let page = app.request(with(name, value)).await;
        assert_eq!((page.status, page.json()["code"].as_str()), (403, Some("other_site")), "{name} {value}");
    }
    assert!(app.rows_of("submission").is_empty());
    assert_eq!(app.request(with("origin", PUBLIC_URL)).await.status, 200);
}

#[tokio::test]
async fn what_is_no_form_is_told_so() {
    let app = TestApp::new().await;
    let post = |kind: Option<&str>, body: Vec<u8>| {
        let mut request = Request::post("/forms/visit");
        if let Some(kind) = kind {
            request = request.header("content-type", kind);
        }
        request.body(Body::from(body)).unwrap()
    };
    for (kind, body) in [
        (None, vec![]),
        (Some("text/plain"), b"notice=x".to_vec()),
        (Some("multipart/form-data; boundary=x"), b"--x--".to_vec()),
        (Some("application/json"), b"{".to_vec()),
        (Some("application/json"), b"{\"surprise\":1}".to_vec()),
        (Some("application/x-www-form-urlencoded"), b"step=steal".to_vec()),
    ] {
        assert_eq!(app.request(post(kind, body)).await.status, 400, "{kind:?}");
    }
    let large = app.request(post(Some("application/json"), vec![b' '; 256 * 1024 + 1])).await;
    assert_eq!(large.status, 413);
    for path in ["/forms/nothing", "/forms/VISIT", "/forms/a%2Fb", "/forms/nothing.json", "/forms"] {
        assert_eq!(app.get(path).await.status, 404, "{path}");
    }
    assert_eq!(app.get("/forms?liff.state=%2Fvisit").await.status, 200);
}

#[tokio::test]
async fn one_person_cannot_send_without_end() {
    let app = TestApp::new().await;
    let someone = app.someone();
    for n in 0..20 {
        assert_eq!(send_visit(&app, &someone).await.status, 200, "{n}");
    }
    let page = send_visit(&app, &someone).await;
    assert_eq!((page.status, page.json()["code"].as_str()), (429, Some("too_often")));
    assert_eq!(send_visit(&app, &app.someone()).await.status, 200);
    app.advance(HOUR_MS);
    assert_eq!(send_visit(&app, &someone).await.status, 200);
    assert_eq!(app.rows_of("submission").len(), 22);
}

#[tokio::test]
async fn somebody_who_is_being_erased_is_told_and_loses_nothing_unseen() {
    let app = TestApp::new().await;
    let someone = app.someone();
    let notice = app.notice("visit").await;
    app.advance(1_000);
    assert_eq!(app.hook(&[someone.text("1", NOON + 1_000, "a")]).await, 200);
    assert_eq!(app.hook(&[app.answer(&someone, NOON + 1_001, false)]).await, 200);
    app.advance(60_000);
    let page = send_visit(&app, &someone).await;
    assert_eq!((page.status, page.json()["code"].as_str()), (409, Some("erasing")));
    app.sweep_all().await;
    // A page that was open before the erasure says so; a fresh one starts somebody new.
    let body = json!({"notice": notice, "answers": app.visit(), "consents": TestApp::visit_consents(), "step": "send"});
    let page = app.send_json("visit", Some(&app.id_token("demo", &someone)), &body).await;
    assert_eq!((page.status, page.json()["code"].as_str()), (409, Some("notice_expired")));
    assert_eq!(send_visit(&app, &someone).await.status, 200);
    assert_eq!(records(&open(&app, &someone).await, "submission").len(), 1);
}
