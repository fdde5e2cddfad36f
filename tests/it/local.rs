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
    for path in [
        "/walk",
        "/assets/main.js",
        "/simulator/view",
        "/simulator/chat?user=U1",
        "/simulator/sent",
        "/simulator/line",
        "/simulator/certs",
        "/simulator/liff.js",
        "/simulator/clock",
    ] {
        assert_eq!(local.send(request(path, Some(HOST), Some("https://evil.example"))).await.0, 403, "{path}");
        assert_eq!(local.send(request(path, Some("evil.example"), None)).await.0, 421, "{path}");
    }
    for path in ["friends", "act", "id-token", "line", "open", "opener", "sweep", "clock"] {
        let foreign =
            Request::post(format!("/simulator/{path}")).header("host", HOST).header("origin", "https://evil.example");
        assert_eq!(local.send(foreign.body(Body::from("{}")).unwrap()).await.0, 403, "{path}");
    }
}

#[tokio::test]
async fn a_phone_of_the_simulator_acts_as_line_does() {
    let app = TestApp::new().await;
    let local = Local::of(&app);
    let (status, friend) =
        local.call(Method::POST, "/simulator/friends", r#"{"channel":"demo","name":"さくら"}"#).await;
    assert_eq!(status, 201, "{friend}");
    let friend: Value = serde_json::from_str(&friend).unwrap();
    let user = friend["user_id"].as_str().unwrap().to_owned();
    app.watch(&user);
    let act = async |more: Value| {
        let mut body = json!({ "user_id": user });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        local.call(Method::POST, "/simulator/act", &body.to_string()).await
    };
    assert_eq!(act(json!({"act": "text", "text": "a"})).await.0, 409, "not a friend yet");
    assert_eq!(act(json!({"act": "follow"})).await.0, 200);
    assert_eq!(act(json!({"act": "follow"})).await.0, 409, "a friend already");
    let chat = local.json(Method::GET, &format!("/simulator/chat?user={user}"), "").await;
    let from: Vec<&str> = chat["messages"].as_array().unwrap().iter().map(|it| it["from"].as_str().unwrap()).collect();
    assert_eq!(from, ["account", "account"]);
    let action = &chat["messages"][1]["message"]["template"]["actions"][0];
    let tap = json!({"act": "postback", "data": action["data"], "display_text": action["displayText"]});
    assert_eq!(act(tap).await.0, 200);
    let secret = app.marker("内緒");
    let (_, sent) = act(json!({"act": "text", "text": secret})).await;
    let sent: Value = serde_json::from_str(&sent).unwrap();
    assert_eq!((&sent["status"], app.rows_of("message").len()), (&json!(200), 1));
    assert_eq!(act(json!({"act": "sticker", "sticker": "おじぎ"})).await.0, 200);
    assert_eq!(act(json!({"act": "image"})).await.0, 200);
    let place = json!({"act": "location", "title": "駅", "address": "東京都", "latitude": 35.6, "longitude": 139.7});
    assert_eq!(act(place).await.0, 200);
    assert_eq!(act(json!({"act": "redeliver"})).await.0, 200);
    assert_eq!(app.rows_of("message").len(), 4, "delivered again, stored once");
    assert_eq!(act(json!({"act": "unsend", "message": sent["message_id"]})).await.0, 200);
    assert_eq!(act(json!({"act": "unsend", "message": sent["message_id"]})).await.0, 404, "once");
    assert_eq!((app.rows_of("message").len(), app.rows_of("tombstone").len()), (3, 1));
    assert_eq!(act(json!({"act": "block"})).await.0, 200);
    assert_eq!(act(json!({"act": "text", "text": "a"})).await.0, 409);
    assert_eq!(act(json!({"act": "unblock"})).await.0, 200);
    let all = local.json(Method::GET, "/simulator/sent", "").await;
    assert!(all.as_array().unwrap().iter().all(|sent| sent["to"] == user.as_str() && sent["via"] == "reply"));
    let view = local.json(Method::GET, "/simulator/view", "").await;
    assert!(!view["rows"].to_string().contains("内緒"));
    let message = view["rows"].as_array().unwrap().iter().find(|row| row["kind"] == "message").unwrap();
    assert_eq!(message["user_id"], user.as_str());
    assert!(
        message["explain"]["ja"]
            .as_str()
            .unwrap()
            .contains("この人だけの鍵で封をしたメッセージです。「お問い合わせへの返答」")
    );
    assert!(message["explain"]["ja"].as_str().unwrap().contains("2027年5月20日に消去します"));
    for (bad, status) in [
        (json!({"act": "fly"}), 400),
        (json!({"act": "text", "text": ""}), 400),
        (json!({"act": "text", "text": "長".repeat(5_001)}), 400),
        (json!({"act": "unsend", "message": "1"}), 404),
    ] {
        let (answered, text) = act(bad.clone()).await;
        assert_eq!(answered, status, "{bad}: {text}");
        let problem: Value = serde_json::from_str(&text).unwrap();
        assert!(!problem["title"].as_str().unwrap().is_ascii());
    }
}

#[tokio::test]
async fn id_tokens_hold_against_the_keys_that_line_shows() {
    use jsonwebtoken::{Algorithm, DecodingKey, Validation, jwk::JwkSet};
    let app = TestApp::new().await;
    let local = Local::of(&app);
    let user = app.someone();
    let body = json!({"user_id": user.0, "channel": "demo"}).to_string();
    let token = local.json(Method::POST, "/simulator/id-token", &body).await;
    let token = token["id_token"].as_str().unwrap().to_owned();
    let certs = local.json(Method::GET, "/simulator/certs", "").await;
    let keys: JwkSet = serde_json::from_value(certs).unwrap();
    let header = jsonwebtoken::decode_header(&token).unwrap();
    assert_eq!(header.alg, Algorithm::ES256);
    let key = keys.find(header.kid.as_deref().unwrap()).expect("the key is among those shown");
    let mut validation = Validation::new(Algorithm::ES256);
    // The clock of the installation stands still.
    validation.validate_exp = false;
    validation.set_issuer(&["https://access.line.me"]);
    validation.set_audience(&[app.installation().channel_secret("demo", "login_channel_id").unwrap()]);
    let claims =
        jsonwebtoken::decode::<Value>(&token, &DecodingKey::from_jwk(key).unwrap(), &validation).unwrap().claims;
    assert_eq!((&claims["sub"], &claims["exp"]), (&json!(user.0), &json!(NOON / 1000 + 3_600)));
    for bad in ["", "{}", r#"{"user_id":""}"#, r#"{"user_id":"U1","channel":"nobody"}"#] {
        assert_eq!(local.call(Method::POST, "/simulator/id-token", bad).await.0, 400, "{bad}");
    }
    let liff = local.call(Method::GET, "/simulator/liff.js", "").await.1;
    for name in ["init", "isLoggedIn", "getIDToken", "getDecodedIDToken", "getProfile", "isInClient", "closeWindow"] {
        assert!(liff.contains(&format!(" {name}")), "{name}");
    }
}

#[tokio::test]
async fn the_answers_of_line_can_be_made_bad() {
    let app = TestApp::new().await;
    let local = Local::of(&app);
    let usual = json!({"reply": "ok", "push": "ok", "profile": "ok"});
    assert_eq!(local.json(Method::GET, "/simulator/line", "").await, usual);
    let set = local.json(Method::POST, "/simulator/line", r#"{"reply":"429","profile":"timeout"}"#).await;
    assert_eq!(set, json!({"reply": "429", "push": "ok", "profile": "timeout"}));
    assert_eq!(local.json(Method::GET, "/simulator/line", "").await, set);
    assert_eq!(local.json(Method::POST, "/simulator/line", "{}").await, usual);
    for bad in ["", r#"{"reply":"418"}"#, r#"{"mail":"ok"}"#] {
        assert_eq!(local.call(Method::POST, "/simulator/line", bad).await.0, 400, "{bad}");
    }
}

#[tokio::test]
async fn a_webhook_of_somebody_elses_making_gets_its_reply_too() {
    let app = TestApp::new().await;
    let local = Local::of(&app);
    let someone = app.someone();
    let (body, signature) = app.signed("demo", &[someone.follow(NOON)]);
    let post = Request::post("/webhook/demo")
        .header("host", HOST)
        .header("x-line-signature", signature)
        .header("content-length", body.len());
    assert_eq!(local.send(post.body(Body::from(body)).unwrap()).await.0, 200);
    let sent = local.json(Method::GET, "/simulator/sent", "").await;
    assert_eq!((&sent[0]["to"], &sent[0]["via"]), (&json!(someone.0), &json!("reply")));
    assert!(sent[0]["messages"][0]["text"].as_str().unwrap().contains("http://127.0.0.1:8080/policy/demo"));
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
    assert_eq!(app.installation().published().changed, 11, "the policy, three channels and seven forms under it");
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
