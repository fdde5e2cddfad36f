//! The functions under the real Lambda runtime: each runs as a process of its own
//! against a Runtime API and AWS endpoints on the loopback interface, with nothing but
//! its environment to go by.

use std::{
    collections::HashMap,
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
};

use aws_smithy_runtime_api::client::http::{HttpConnector, SharedHttpConnector};
use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Path, Request, State},
    response::Response,
    routing::{get, post},
};
use azukari::host::{roles::Role, settings};
use azukari_local::{engine::wire::Wire, installation::AUDIENCE};
use azukari_tests::app::TestApp;
use base64::{Engine, engine::general_purpose::STANDARD};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    process::{Child, Command},
    sync::{Mutex as AsyncMutex, mpsc},
};

/// A Lambda Runtime API with one function behind it.
struct Host {
    events: mpsc::UnboundedSender<Value>,
    answers: AsyncMutex<mpsc::UnboundedReceiver<(String, String)>>,
    _function: Child,
}

struct Runtime {
    events: AsyncMutex<mpsc::UnboundedReceiver<Value>>,
    answers: mpsc::UnboundedSender<(String, String)>,
}

impl Host {
    async fn start(app: &TestApp, role: Role) -> Self {
        Self::start_with(app, role, &[]).await
    }

    async fn start_with(app: &TestApp, role: Role, changed: &[(&str, &str)]) -> Self {
        let (events, events_in) = mpsc::unbounded_channel();
        let (answers_out, answers) = mpsc::unbounded_channel();
        let runtime = Arc::new(Runtime { events: AsyncMutex::new(events_in), answers: answers_out });
        let api = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/{outcome}", post(answer))
            .route("/2018-06-01/runtime/init/error", post(init_error))
            .with_state(runtime);
        let api = listen(api).await;
        let aws = listen(aws(app, role)).await;
        let mut environment: HashMap<String, String> = HashMap::from([
            ("AWS_LAMBDA_RUNTIME_API".to_owned(), api),
            ("AWS_ENDPOINT_URL".to_owned(), format!("http://{aws}")),
            ("AWS_REGION".to_owned(), "local".to_owned()),
            ("AWS_ACCESS_KEY_ID".to_owned(), role.as_str().to_owned()),
            ("AWS_SECRET_ACCESS_KEY".to_owned(), "not checked".to_owned()),
        ]);
        for name in ["FUNCTION_NAME", "FUNCTION_VERSION", "LOG_GROUP_NAME", "LOG_STREAM_NAME"] {
            environment.insert(format!("AWS_LAMBDA_{name}"), "test".to_owned());
        }
        environment.insert("AWS_LAMBDA_FUNCTION_MEMORY_SIZE".to_owned(), "128".to_owned());
        environment.extend(own_settings(app, role).await);
        for (name, value) in changed {
            environment.insert((*name).to_owned(), (*value).to_owned());
        }
        let function = Command::new(env!("CARGO_BIN_EXE_lambda"))
            .arg(role.as_str())
            .env_clear()
            .envs(environment)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the function starts");
        Self { events, answers: AsyncMutex::new(answers), _function: function }
    }

    /// Invokes the function and waits for what it answers: `response` or `error`, and
    /// the body.
    async fn invoke(&self, event: Value) -> (String, Value) {
        self.events.send(event).expect("the runtime takes events");
        let (outcome, body) = self.answers.lock().await.recv().await.expect("the function answers");
        (outcome, serde_json::from_str(&body).unwrap_or(Value::String(body)))
    }
}

async fn next(State(runtime): State<Arc<Runtime>>) -> Response {
    let event = runtime.events.lock().await.recv().await;
    let Some(event) = event else { std::future::pending().await };
    // Ten minutes from now, by the machine's clock, as Lambda says it.
    let clock = azukari::host::clock::SystemClock;
    let deadline = azukari::host::clock::Clock::now(&clock).plus(600_000).get();
    Response::builder()
        .header("lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd")
        .header("lambda-runtime-deadline-ms", deadline)
        .header("lambda-runtime-invoked-function-arn", "arn:aws:lambda:local:000000000000:function:test")
        .header("lambda-runtime-trace-id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700")
        .body(Body::from(event.to_string()))
        .expect("a response")
}

async fn answer(
    State(runtime): State<Arc<Runtime>>,
    Path((_, outcome)): Path<(String, String)>,
    body: Bytes,
) -> http::StatusCode {
    let _ = runtime.answers.send((outcome, String::from_utf8_lossy(&body).into_owned()));
    http::StatusCode::ACCEPTED
}

async fn init_error(State(runtime): State<Arc<Runtime>>, body: Bytes) -> http::StatusCode {
    let _ = runtime.answers.send(("init".to_owned(), String::from_utf8_lossy(&body).into_owned()));
    http::StatusCode::ACCEPTED
}

async fn listen(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its address").to_string();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// The engines of the installation, and the role's own secret, over HTTP.
fn aws(app: &TestApp, role: Role) -> Router {
    let installation = app.shared();
    let wires = Arc::clone(installation.wires());
    let dynamodb = Wire::new(installation.dynamodb_engine(), Arc::clone(&wires)).connector();
    let kms = Wire::new(installation.kms_engine(), Arc::clone(&wires)).connector();
    let line = Wire::new(Arc::<azukari_local::engine::line::Line>::clone(installation.line()), wires).connector();
    let secret = installation.secrets(role).to_string();
    let asked = Arc::new(Mutex::new(0));
    Router::new().fallback(move |request: Request| {
        let (dynamodb, kms, line, secret, asked) =
            (dynamodb.clone(), kms.clone(), line.clone(), secret.clone(), Arc::clone(&asked));
        async move {
            let target = request.headers().get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or("");
            match target.split('.').next() {
                Some("DynamoDB_20120810") => pass(dynamodb, request).await,
                Some("TrentService") => pass(kms, request).await,
                Some("secretsmanager") => {
                    *asked.lock().unwrap_or_else(PoisonError::into_inner) += 1;
                    Response::new(Body::from(json!({ "Name": "secret", "SecretString": secret }).to_string()))
                }
                _ => pass(line, request).await,
            }
        }
    })
}

async fn pass(connector: SharedHttpConnector, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.expect("a body").to_bytes();
    let request = http::Request::from_parts(parts, aws_smithy_types::body::SdkBody::from(body));
    let response = connector.call(request.try_into().expect("a request")).await.expect("an answer");
    let status = response.status().as_u16();
    let body = response.body().bytes().unwrap_or_default().to_vec();
    Response::builder()
        .status(status)
        .header("content-type", "application/x-amz-json-1.0")
        .body(Body::from(body))
        .expect("a response")
}

async fn own_settings(app: &TestApp, role: Role) -> HashMap<String, String> {
    let kms = app.installation().kms_as(Role::Admin);
    let enrol = azukari::keys::public_key(&kms, "enrol").await.expect("the enrol key answers");
    let value = |name: &str| match name {
        settings::VAULT_TABLE => "vault".to_owned(),
        settings::KEYS_TABLE => "keys".to_owned(),
        settings::AUDIT_TABLE => "audit".to_owned(),
        settings::SECRET => "secret".to_owned(),
        settings::ENROL_PUBLIC_KEY => STANDARD.encode(&enrol),
        settings::WRAP_KEY => "wrap".to_owned(),
        settings::ENROL_KEY => "enrol".to_owned(),
        settings::EVIDENCE_KEY => "evidence".to_owned(),
        settings::AUDIENCE => AUDIENCE.to_owned(),
        settings::POOL_TARGET => "26".to_owned(),
        settings::LINE_API => "http://127.0.0.1:9".to_owned(),
        settings::LINE_ACCESS => "https://access.azukari.test".to_owned(),
        settings::PUBLIC_URL => azukari_tests::app::PUBLIC_URL.to_owned(),
        settings::LIFF_URL => "https://liff.azukari.test".to_owned(),
        settings::LIFF_SDK => "https://sdk.azukari.test/sdk.js".to_owned(),
        settings::LIFF_PLUGIN => "none".to_owned(),
        settings::INDEX_KEY => "index".to_owned(),
        settings::FRAME_ANCESTORS => "'none'".to_owned(),
        other => panic!("the test knows no value for {other}"),
    };
    settings::of(role).iter().map(|name| ((*name).to_owned(), value(name))).collect()
}

fn gateway_event(path: &str, signature: &str, body: &[u8]) -> Value {
    json!({
        "version": "2.0", "routeKey": "POST /webhook/{channel}", "rawPath": path, "rawQueryString": "",
        "headers": {"x-line-signature": signature, "content-type": "application/json; charset=utf-8"},
        "requestContext": {
            "accountId": "0", "apiId": "a", "domainName": "d", "domainPrefix": "p", "stage": "$default", "requestId": "r",
            "time": "21/Nov/2026:03:00:00 +0000", "timeEpoch": 0, "routeKey": "POST /webhook/{channel}",
            "http": {"method": "POST", "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "LineBotWebhook/2.0"}
        },
        "isBase64Encoded": true, "body": STANDARD.encode(body)
    })
}

fn scheduled_event() -> Value {
    json!({
        "version": "0", "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa", "detail-type": "Scheduled Event", "source": "aws.events",
        "account": "0", "time": "2026-11-21T03:00:00Z", "region": "local", "resources": ["arn:aws:events:local:0:rule/r"], "detail": {}
    })
}

#[tokio::test]
async fn the_webhook_function_stores_and_refuses() {
    let app = TestApp::new().await;
    let host = Host::start(&app, Role::Webhook).await;
    let someone = app.someone();
    let now = azukari::host::clock::Clock::now(&azukari::host::clock::SystemClock).get();
    let (body, signature) = app.signed("demo", &[someone.follow(now), someone.text("1", now, &app.marker("関数"))]);
    let (outcome, answer) = host.invoke(gateway_event("/webhook/demo", &signature, &body)).await;
    assert_eq!((outcome.as_str(), &answer["statusCode"]), ("response", &json!(200)), "{answer}");
    assert_eq!(app.rows_of("message").len(), 1);
    let (_, answer) = host.invoke(gateway_event("/webhook/demo", "bm8=", &body)).await;
    assert_eq!(answer["statusCode"], 401, "{answer}");
    let (_, answer) = host.invoke(gateway_event("/webhook/nobody", &signature, &body)).await;
    assert_eq!(answer["statusCode"], 404, "{answer}");
}

/// A GET as API Gateway hands it on: cookies are a list of their own.
fn page_event(path: &str, query: &str, cookies: &[&str]) -> Value {
    let mut event = gateway_event(path, "", b"");
    event["rawQueryString"] = json!(query);
    event["cookies"] = json!(cookies);
    event["headers"] = json!({"accept-language": "ja"});
    event["requestContext"]["http"]["method"] = json!("GET");
    event
}

#[tokio::test]
async fn the_link_function_sends_to_line_and_knows_the_browser_again() {
    let app = TestApp::new().await;
    let host = Host::start(&app, Role::Link).await;
    let (outcome, answer) = host.invoke(page_event("/link/demo/login", "intent=unlink", &[])).await;
    assert_eq!((outcome.as_str(), &answer["statusCode"]), ("response", &json!(303)), "{answer}");
    let location = answer["headers"]["location"].as_str().expect("a location");
    assert!(location.starts_with("https://access.azukari.test/oauth2/v2.1/authorize?"), "{location}");
    let state = azukari_tests::linking::parameter(location, "state").expect("a state");
    let cookie = answer["cookies"][0].as_str().expect("a cookie").split(';').next().expect("a pair");
    let denied = format!("error=ACCESS_DENIED&state={state}");
    let (_, answer) = host.invoke(page_event("/link/demo/callback", &denied, &["a=b", cookie])).await;
    assert_eq!(answer["statusCode"], 200, "{answer}");
    assert!(answer["body"].as_str().expect("a page").contains("LINEログインをやめました"));
}

#[tokio::test]
async fn the_locksmith_function_fills_the_pool() {
    let app = TestApp::new().await;
    let host = Host::start(&app, Role::Locksmith).await;
    let (outcome, answer) = host.invoke(scheduled_event()).await;
    assert_eq!(outcome, "response", "{answer}");
    assert_eq!(app.rows_of("pool").len(), 26);
}

#[tokio::test]
async fn the_sweeper_function_erases_what_is_due() {
    let app = TestApp::new().await;
    let someone = app.someone();
    let long_ago = 1_600_000_000_000;
    assert_eq!(app.hook_to("kept", &[someone.text("1", long_ago, &app.marker("昔"))]).await, 200);
    let host = Host::start(&app, Role::Sweeper).await;
    let (outcome, report) = host.invoke(json!({"dry_run": true})).await;
    assert_eq!(
        (outcome.as_str(), &report["erased"], &report["dry_run"]),
        ("response", &json!(0), &json!(true)),
        "{report}"
    );
    let (outcome, report) = host.invoke(scheduled_event()).await;
    assert_eq!((outcome.as_str(), &report["erased"]), ("response", &json!(1)), "{report}");
    assert!(app.rows_of("message").is_empty());
    let (outcome, report) = host.invoke(json!({"restore_check": {"since": "2026-01-01", "dry_run": true}})).await;
    assert_eq!(
        (outcome.as_str(), &report["since"], &report["dry_run"], &report["failed"]),
        ("response", &json!("2026-01-01"), &json!(true), &json!(0)),
        "{report}"
    );
    let pool = app.rows_of("pool").len();
    assert!(pool > 0);
    let (outcome, report) = host.invoke(json!({"restore_check": {}})).await;
    assert_eq!((outcome.as_str(), &report["dry_run"]), ("response", &json!(false)), "{report}");
    assert_eq!(app.rows_of("pool").len(), 0, "pairs that may have been given out since are not given out again");
    for none in [json!({"since": "yesterday"}), json!({"day": 1}), json!(true)] {
        let (outcome, problem) = host.invoke(json!({"restore_check": none})).await;
        assert_eq!(outcome, "error", "{problem}");
        assert!(problem["errorMessage"].as_str().is_some_and(|said| said.contains("a day like")), "{problem}");
    }
}

#[tokio::test]
async fn the_opener_function_opens_on_the_record() {
    let app = TestApp::new().await;
    let someone = app.someone();
    let now = azukari::host::clock::Clock::now(&azukari::host::clock::SystemClock);
    let text = app.marker("関数");
    assert_eq!(app.hook_to("kept", &[someone.text("1", now.get(), &text)]).await, 200);
    let host = Host::start(&app, Role::Opener).await;
    let request = json!({
        "act": "open", "people": [{"user_id": someone.0, "channel": "kept"}],
        "fields": ["text"], "purpose": "chat", "reason": "inquiry"
    });
    let assertion = app.installation().local_operator().assertion(AUDIENCE, now, &request).unwrap();
    let (outcome, answer) = host.invoke(json!({ "assertion": assertion })).await;
    assert_eq!(outcome, "response", "{answer}");
    assert!(answer["people"][0]["records"][0]["fields"]["text"] == text.as_str(), "it was opened");
    let (_, answer) = host.invoke(json!({ "assertion": assertion })).await;
    assert_eq!(answer["error"]["code"], "replayed", "{answer}");
    assert_eq!(app.entries().len(), 2);
}

#[tokio::test]
async fn a_function_that_is_not_set_up_says_so_and_does_not_start() {
    let app = TestApp::new().await;
    for (role, name, value) in [
        (Role::Webhook, settings::ENROL_PUBLIC_KEY, "none"),
        (Role::Webhook, settings::VAULT_TABLE, ""),
        (Role::Locksmith, settings::POOL_TARGET, "0"),
        (Role::Sweeper, settings::SECRET, ""),
        (Role::Opener, settings::AUDIENCE, ""),
    ] {
        let mut host = Host::start_with(&app, role, &[(name, value)]).await;
        let status = host._function.wait().await.expect("it ends");
        assert!(!status.success(), "{role:?} {name}");
        let mut said = String::new();
        let mut out = host._function.stdout.take().expect("its output");
        tokio::io::AsyncReadExt::read_to_string(&mut out, &mut said).await.expect("text");
        assert!(said.contains(name), "{role:?} names {name}: {said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}
