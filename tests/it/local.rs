//! Local mode as outside tools see it: the routes, the door, the folder, restarts.

use std::sync::Arc;

use axum::body::Body;
use azukari::{domain::time::UnixMs, host::clock::Clock, store::tables::Table};
use azukari_local::{
    clock::MovableClock,
    installation::{Installation, OpenError, Options},
    serve,
};
use azukari_tests::app::{NOON, TestApp};
use http::{Method, Request};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

const HOST: &str = "127.0.0.1:8080";

struct Local(axum::Router);

impl Local {
    fn of(app: &TestApp) -> Self {
        Self(serve::router(&app.shared(), HOST.parse().unwrap()).unwrap())
    }

    async fn send(&self, request: Request<Body>) -> (u16, String) {
        let response = self.0.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    async fn call(&self, method: Method, path: &str, body: &str) -> (u16, String) {
        let request = Request::builder().method(method).uri(path).header("host", HOST);
        self.send(request.body(Body::from(body.to_owned())).unwrap()).await
    }

    async fn json(&self, method: Method, path: &str, body: &str) -> Value {
        let (status, body) = self.call(method, path, body).await;
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_str(&body).unwrap()
    }

    async fn rows(&self, table: &str) -> Vec<Value> {
        let (status, body) = self.call(Method::GET, &format!("/simulator/rows?table={table}"), "").await;
        assert_eq!(status, 200);
        body.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

#[tokio::test]
async fn the_first_walk() {
    let app = TestApp::new().await;
    let local = Local::of(&app);
    assert_eq!(local.call(Method::GET, "/healthz", "").await.0, 200);
    let someone = app.someone();
    let (body, signature) = app.signed("demo", &[someone.text("1", NOON, &app.marker("予約"))]);
    let post = Request::post("/webhook/demo").header("host", HOST).header("x-line-signature", signature);
    assert_eq!(local.send(post.body(Body::from(body)).unwrap()).await.0, 200);

    let rows = local.rows("vault").await;
    let message = rows.iter().find(|row| row["kind"]["S"] == "message").expect("a message row");
    for name in [
        "pk",
        "sk",
        "kind",
        "purpose",
        "policy",
        "shown",
        "event_at",
        "due_at",
        "due_slot",
        "inbox_slot",
        "at",
        "env",
        "tag",
    ] {
        assert!(message.get(name).is_some(), "{name}");
    }
    assert!(message["due_at"]["N"].is_string() && message["env"]["B"].is_string());
    assert_eq!((local.rows("keys").await.len(), local.rows("audit").await.len()), (24, 0));

    let moved = local.json(Method::POST, "/simulator/clock", r#"{"advance":"P31D"}"#).await;
    assert_eq!(moved["now"], "2026-12-22T03:00:00Z");
    let dry = local.json(Method::POST, "/simulator/sweep", r#"{"dry_run":true}"#).await;
    assert_eq!((&dry["due"], &dry["erased"], &dry["dry_run"]), (&json!(2), &json!(0), &json!(true)));
    let swept = local.json(Method::POST, "/simulator/sweep", r#"{"dry_run":false}"#).await;
    for (name, n) in [("due", 2), ("erased", 1), ("anonymised", 0), ("set_aside", 0), ("persons", 1)] {
        assert_eq!(swept[name], n, "{name}: {swept}");
    }
    assert!(local.rows("vault").await.iter().all(|row| !row["pk"]["S"].as_str().unwrap().starts_with("S#")));
    assert_eq!(local.rows("keys").await.len(), 23);
    assert_eq!(local.json(Method::DELETE, "/simulator/clock", "").await["now"], "2026-11-21T03:00:00Z");
    let metrics = local.json(Method::GET, "/simulator/metrics", "").await;
    assert_eq!(metrics["counters"]["sweeper"]["persons"], 1);
}

#[tokio::test]
async fn the_page_gives_commands_that_work() {
    let app = TestApp::new().await;
    let local = Local::of(&app);
    let (status, page) = local.call(Method::GET, "/walk", "").await;
    assert_eq!(status, 200);
    let text = page.replace("&#39;", "'").replace("&#34;", "\"").replace("&quot;", "\"");
    let between = |from: &str, to: &str| text.split(from).nth(1).unwrap().split(to).next().unwrap().to_owned();
    let (signature, body) = (between("x-line-signature: ", "'"), between("-d '", "'"));
    app.watch(serde_json::from_str::<Value>(&body).unwrap()["events"][0]["source"]["userId"].as_str().unwrap());
    let post = Request::post("/webhook/demo").header("host", HOST).header("x-line-signature", signature);
    assert_eq!(local.send(post.body(Body::from(body)).unwrap()).await.0, 200);
    assert_eq!(app.rows_of("message").len(), 1);
    assert!(page.contains("lang=\"ja\"") && !page.contains("<script") && !page.contains("style="));
}

#[tokio::test]
async fn the_door_opens_to_this_machine_only() {
    let app = TestApp::new().await;
    let local = Local::of(&app);
    let request = |path: &str, host: Option<&str>, origin: Option<&str>| {
        let mut request = Request::get(path);
        for (name, value) in [("host", host), ("origin", origin)] {
            if let Some(value) = value {
                request = request.header(name, value);
            }
        }
        request.body(Body::empty()).unwrap()
    };
    let cases = [
        ("/", Some(HOST), None, 200),
        ("/", Some("localhost:8080"), Some("http://localhost:8080"), 200),
        ("/simulator/metrics", Some(HOST), Some("http://127.0.0.1:8080"), 200),
        ("/", None, None, 421),
        ("/", Some("evil.example"), None, 421),
        ("/healthz", Some("evil.example:8080"), None, 421),
        ("/simulator/rows?table=vault", Some(HOST), Some("https://evil.example"), 403),
        ("/simulator/rows?table=vault", Some(HOST), Some("http://127.0.0.1:9999"), 403),
        ("/", Some(HOST), Some("null"), 403),
    ];
    for (path, host, origin, status) in cases {
        assert_eq!(local.send(request(path, host, origin)).await.0, status, "{path} {host:?} {origin:?}");
    }
}

#[tokio::test]
async fn wrong_use_is_answered_with_words() {
    let app = TestApp::new().await;
    let local = Local::of(&app);
    let cases = [
        (Method::GET, "/simulator/rows", ""),
        (Method::GET, "/simulator/rows?table=users", ""),
        (Method::POST, "/simulator/clock", ""),
        (Method::POST, "/simulator/clock", r#"{"advance":"31 days please"}"#),
        (Method::POST, "/simulator/clock", r#"{"advance":"P9999Y"}"#),
        (Method::POST, "/simulator/sweep", "dry"),
        (Method::POST, "/simulator/sweep", r#"{"dryrun":true}"#),
    ];
    for (method, path, body) in cases {
        let (status, answer) = local.call(method, path, body).await;
        assert_eq!(status, 400, "{path} {body}: {answer}");
        let problem: Value = serde_json::from_str(&answer).unwrap();
        assert!(!problem["title"].as_str().unwrap().is_ascii() && !problem["detail"].as_str().unwrap().is_empty());
    }
    assert_eq!(app.now(), NOON, "the clock has not moved");
}

#[tokio::test]
async fn a_clock_set_back_leaves_no_stale_memory() {
    let app = TestApp::new().await;
    let local = Local::of(&app);
    let someone = app.someone();
    let send = async |id: &str, at: i64| {
        let (body, signature) = app.signed("demo", &[someone.text(id, at, "a")]);
        let post = Request::post("/webhook/demo").header("host", HOST).header("x-line-signature", signature);
        local.send(post.body(Body::from(body)).unwrap()).await.0
    };
    assert_eq!(send("1", NOON).await, 200);
    local.json(Method::POST, "/simulator/clock", r#"{"advance":"P3D"}"#).await;
    local.json(Method::POST, "/simulator/sweep", "").await;
    local.json(Method::DELETE, "/simulator/clock", "").await;
    assert_eq!(send("2", NOON).await, 200);
    assert!(app.rows_of("message").is_empty(), "nothing is stored under an erased person");
}

#[tokio::test]
async fn a_restart_keeps_everything() {
    let mut app = TestApp::new().await;
    let someone = app.someone();
    assert_eq!(app.hook_to("kept", &[someone.text("1", NOON, "a")]).await, 200);
    let lasting = |app: &TestApp| -> Vec<Value> {
        app.rows(Table::Vault).into_iter().filter(|row| row["kind"]["S"] != "pool").collect()
    };
    let (before, keys) = (lasting(&app), app.rows(Table::Keys).len());
    app.restart().await;
    assert_eq!(before, lasting(&app), "and publishes nothing anew");
    assert_eq!(app.rows(Table::Keys).len(), keys + 1, "the claimed pair was made up for");
    let row = &app.rows_of("message")[0];
    assert!(app.opened("kept", &someone, row).await.is_some());
}

#[tokio::test]
async fn changed_configuration_becomes_a_new_version_and_old_rows_keep_theirs() {
    let mut app = TestApp::new().await;
    let someone = app.someone();
    assert_eq!(app.hook_to("kept", &[someone.text("1", NOON, "a")]).await, 200);
    let old = app.rows_of("message")[0]["policy"].clone();
    let path = app.folder().join("config/policies/privacy/ja.md");
    let text = std::fs::read_to_string(&path).unwrap() + "\n改訂しました。\n";
    std::fs::write(&path, text).unwrap();
    app.restart().await;
    assert_eq!(app.installation().published().changed, 4, "the policy, and the three channels under it");
    assert_eq!(app.hook_to("kept", &[someone.text("2", NOON, "b")]).await, 200);
    let policies: Vec<Value> = app.rows_of("message").iter().map(|row| row["policy"].clone()).collect();
    assert!(policies.contains(&old) && policies.iter().any(|policy| *policy != old), "{policies:?}");
    let versions =
        app.rows_of("published").iter().filter(|row| row["pk"]["S"].as_str().unwrap().starts_with("P#policy")).count();
    assert_eq!(versions, 2, "the old text is still there");
}

#[tokio::test]
async fn a_bad_configuration_stops_the_start_before_anything_is_made() {
    let folder = azukari_tests::app::scratch();
    std::fs::create_dir_all(folder.path().join("config/channels")).unwrap();
    std::fs::write(folder.path().join("config/channels/demo.toml"), "policy = 5\nsurprise = 1\n").unwrap();
    let data_dir = folder.path().join("data");
    let options = Options { data_dir: data_dir.clone(), config_dir: folder.path().join("config"), pool_target: 1 };
    let clock = Arc::new(MovableClock::frozen(UnixMs::new(NOON)));
    let Err(OpenError::Configuration(problems)) = Installation::open(options, clock).await else {
        panic!("it must not open")
    };
    let lines: Vec<(String, usize)> = problems.iter().map(|problem| (problem.file.clone(), problem.line)).collect();
    assert!(
        lines.contains(&("channels/demo.toml".to_owned(), 1)) && lines.contains(&("channels/demo.toml".to_owned(), 2)),
        "{problems}"
    );
    assert!(!data_dir.exists());
}

#[tokio::test]
async fn a_data_folder_is_for_one_process_at_a_time() {
    let app = TestApp::new().await;
    let folder = app.folder();
    let options = Options { data_dir: folder.join("data"), config_dir: folder.join("config"), pool_target: 1 };
    let second = Installation::open(options, Arc::new(MovableClock::frozen(UnixMs::new(NOON)))).await;
    assert!(matches!(second, Err(OpenError::Busy(_))));
}

#[cfg(unix)]
#[tokio::test]
async fn keys_and_secrets_are_readable_by_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let app = TestApp::with_files(&[("policies/privacy/en.md", "Text\n")]).await;
    let mode = |name: &str| std::fs::metadata(app.folder().join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("data"), 0o700);
    assert_eq!(mode("data/secrets.toml"), 0o600);
    assert_eq!(mode("data/master-keys.json"), 0o600);
}

#[tokio::test]
async fn missing_secrets_are_added_and_given_ones_kept() {
    let mut app = TestApp::new().await;
    let path = app.folder().join("data/secrets.toml");
    let mut secrets: String = std::fs::read_to_string(&path).unwrap();
    let old = app.installation().channel_secret("demo", "channel_secret").unwrap().to_owned();
    secrets = secrets.replace(&old, "8c570fa6dd201bb328f1c1eac23a96d8");
    let token = app.installation().channel_secret("kept", "access_token").unwrap().to_owned();
    secrets = secrets.replace(&format!("access_token = \"{token}\"\n"), "");
    std::fs::write(&path, secrets).unwrap();
    app.restart().await;
    assert_eq!(app.installation().channel_secret("demo", "channel_secret"), Some("8c570fa6dd201bb328f1c1eac23a96d8"));
    assert!(
        app.installation().channel_secret("kept", "access_token").is_some_and(|made| made != token && made.len() > 40)
    );
    assert_eq!(app.installation().clock().now().get(), NOON);
}

#[tokio::test]
async fn opening_as_the_contract_says() {
    let app = TestApp::new().await;
    let local = Local::of(&app);
    let (someone, nobody) = (app.someone(), app.someone());
    let text = app.marker("予約");
    assert_eq!(app.hook_to("kept", &[someone.text("1", NOON, &text)]).await, 200);
    let open = async |body: Value| local.call(Method::POST, "/simulator/open", &body.to_string()).await;
    let body = json!({"user_id": someone.0, "fields": ["*"], "purpose": "chat", "reason": "確認のため"});
    let (status, answer) = open(body.clone()).await;
    assert_eq!(status, 200, "{status}");
    let answer: Value = serde_json::from_str(&answer).unwrap();
    let [record] = &answer["records"].as_array().unwrap()[..] else { panic!("one record") };
    assert!(record["fields"]["text"] == text.as_str());
    for (name, value) in [("kind", "message"), ("purpose", "chat"), ("policy", "privacy.1"), ("shown", "none")] {
        assert_eq!(record[name], value);
    }
    assert_eq!(record["at"], NOON);
    assert!(record["due_at"].as_i64().unwrap() > NOON);
    let every = json!({"user_id": someone.0, "fields": ["text", "line_user_id"], "reason": "inquiry"});
    let answer: Value = serde_json::from_str(&open(every).await.1).unwrap();
    assert_eq!(answer["records"].as_array().unwrap().len(), 2, "every purpose held");
    assert_eq!(open(json!({"user_id": nobody.0, "fields": ["*"], "reason": "inquiry"})).await.0, 404);
    for wrong in [json!({"user_id": someone.0, "fields": [], "reason": "a"}), json!({"user_id": someone.0}), json!([])]
    {
        assert_eq!(open(wrong.clone()).await.0, 400);
    }
    crate::erasure::order(&app, "kept", &someone, NOON).await;
    assert_eq!(open(body.clone()).await.0, 403, "being erased");
    app.sweep_all().await;
    assert_eq!(open(body).await.0, 404, "erased");
    let rows = local.rows("audit").await;
    let acts: Vec<&str> =
        rows.iter().filter(|row| row["kind"]["S"] == "entry").map(|row| row["act"]["S"].as_str().unwrap()).collect();
    assert_eq!(acts.iter().filter(|act| **act == "open").count(), 5);
    assert_eq!(acts.iter().filter(|act| **act == "refuse").count(), 3, "two bad requests, and who is being erased");
    assert_eq!(local.json(Method::GET, "/simulator/clock", "").await["now_ms"], app.now());
}
