//! The policy page: everything that the law wants a person to find, in both languages, in
//! every version there ever was.

use axum::body::Body;
use azukari_tests::app::TestApp;
use http::{HeaderMap, Request};
use http_body_util::BodyExt;
use tower::ServiceExt;

struct Page {
    status: u16,
    headers: HeaderMap,
    text: String,
}

async fn get(app: &TestApp, path: &str, accept: Option<&str>) -> Page {
    let mut request = Request::get(path);
    if let Some(accept) = accept {
        request = request.header("accept-language", accept);
    }
    let response = app.router().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
    Page { status: parts.status.as_u16(), headers: parts.headers, text }
}

#[tokio::test]
async fn everything_that_must_be_made_known_is_on_it() {
    let app = TestApp::new().await;
    let page = get(&app, "/policy/demo", None).await;
    assert_eq!(page.status, 200);
    for part in [
        "<html lang=\"ja\">",
        "預かりデモ（見本）",
        "ここに住所を書いてください",
        "ここに代表者名を書いてください",
        "お問い合わせへの返答",
        "受け取ってから180日",
        "最後のやりとりから1年",
        "24時間で消去します",
        "30日後に、お預かりしたものをすべて消去します",
        "クレジットカード番号とマイナンバー",
        "開示、訂正・追加・削除、利用の停止・消去",
        "2週間以内にお答えします",
        "いただきません",
        "お一人ずつ別の鍵で封をして保管します",
        "東京リージョン",
        "ここに窓口の名前と連絡先",
        "第1版（2026-11-21）",
        "LINEヤフー株式会社",
    ] {
        assert!(page.text.contains(part), "{part} is missing");
    }
    let strict = get(&app, "/policy/strict?lang=en", None).await.text;
    assert!(strict.contains("<html lang=\"en\">") && strict.contains("Nothing you send is stored until you agree."));
    assert!(get(&app, "/policy/demo", Some("en-US,en;q=0.8")).await.text.contains("<html lang=\"en\">"));
}

#[tokio::test]
async fn it_lets_nothing_in_and_is_known_by_its_digest() {
    let app = TestApp::new().await;
    let page = get(&app, "/policy/demo", None).await;
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    assert!(policy.ends_with("frame-ancestors 'self'"), "{policy}");
    assert!(!page.text.contains("<script") && !page.text.contains(" style="));
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cache-control", "public, max-age=60"),
        ("vary", "Accept-Language"),
    ] {
        assert_eq!(page.headers[name], value);
    }
}

#[tokio::test]
async fn past_versions_stay_with_what_changed() {
    let mut app = TestApp::new().await;
    let config = app.folder().join("config");
    let body = std::fs::read_to_string(config.join("policies/privacy/ja.md")).unwrap();
    std::fs::write(config.join("policies/privacy/ja.md"), body.replace("受付に使います", "ご注文の受付に使います"))
        .unwrap();
    let purposes = std::fs::read_to_string(config.join("purposes.toml")).unwrap();
    std::fs::write(config.join("purposes.toml"), purposes.replace("days = 180 }\nthen", "days = 90 }\nthen")).unwrap();
    app.restart().await;
    let now = get(&app, "/policy/demo", None).await.text;
    assert!(now.contains("第2版") && now.contains("受け取ってから90日"));
    for line in [
        "＋ <ins>- **ボタンの操作など**は、ご注文の受付に使います。</ins>",
        "－ <del>お問い合わせへの返答: 受け取ってから180日</del>",
    ] {
        assert!(now.contains(line), "{line} is missing: {now}");
    }
    let past = get(&app, "/policy/demo/1", None).await;
    assert_eq!(past.status, 200);
    assert!(past.text.contains("これは過去の版です") && past.text.contains("受け取ってから180日"));
    assert!(!past.text.contains("ご注文の受付"));
    assert!(get(&app, "/policy/demo/2", None).await.text.contains("aria-current=\"page\""));
}

#[tokio::test]
async fn what_is_not_there_is_said_in_words() {
    let app = TestApp::new().await;
    for path in [
        "/policy/nobody",
        "/policy/demo/2",
        "/policy/demo/0",
        "/policy/demo/01",
        "/policy/demo/+1",
        "/policy/demo/x",
        "/policy/Demo",
        "/policy/demo/99999999999",
        "/policy/%ff",
        "/policy/demo/%ff",
    ] {
        let page = get(&app, path, None).await;
        assert_eq!(page.status, 404, "{path}");
        assert!(page.text.contains("ページが見つかりません"), "{path}");
        assert_eq!(page.headers["cache-control"], "no-store");
    }
    assert_eq!(get(&app, "/policy/demo?lang=en&lang=ja", None).await.status, 200);
    assert!(get(&app, "/policy/nobody?lang=en", None).await.text.contains("There is no such page"));
}

#[tokio::test]
async fn it_reads_published_rows_alone_and_only_once_a_minute() {
    use azukari_local::engine::wire::Service;
    let app = TestApp::new().await;
    app.start_counting();
    for _ in 0..3 {
        assert_eq!(get(&app, "/policy/demo", None).await.status, 200);
    }
    let calls = app.calls();
    assert_eq!(calls.len(), 3, "channel, its version, the versions of the policy");
    assert!(
        calls
            .iter()
            .all(|call| call.service == Service::DynamoDb && call.touches.iter().all(|touch| touch.partition == "P#"))
    );
    app.advance(60_000);
    assert_eq!(get(&app, "/policy/demo/1", None).await.status, 200);
    assert_eq!(app.calls().len(), 6);
}

#[tokio::test]
async fn a_store_that_does_not_answer_is_said_in_words() {
    use azukari_local::engine::wire::{Fate, Service};
    let app = TestApp::new().await;
    app.weather(azukari_tests::faults::Down(Service::DynamoDb, Fate::Fails));
    let page = get(&app, "/policy/demo", None).await;
    assert_eq!(page.status, 503);
    assert!(page.text.contains("ただいま表示できません"));
}
