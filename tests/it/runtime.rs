//! The functions under the real Lambda runtime: each runs as a process of its own against a
//! Runtime API, AWS and LINE on the loopback interface, with nothing but its environment to go
//! by. Every story is told twice, over plain HTTP and over TLS.
//!
//! In `cargo test` the functions are those of the debug build, `src/bin/lambda.rs`. With
//! `AZUKARI_BOOTSTRAPS=<folder>` they are the release builds that `.ci/bootstraps` makes.

use azukari::host::{
    aws,
    clock::{Clock, SystemClock},
    roles::Role,
    settings,
};
use azukari_local::{engine::wire::Service, installation::AUDIENCE};
use azukari_tests::{
    app::TestApp,
    runtime::{
        Answer, Function, Program,
        cloud::{Cloud, POOL_TARGET, Transport},
        event,
    },
};
use serde_json::{Value, json};

/// The program of a function: its release build, where there is one.
pub(crate) fn program(role: Role) -> Program {
    Program::bootstrap(role).unwrap_or_else(|| Program::new(env!("CARGO_BIN_EXE_lambda"), &[role.as_str()]))
}

/// Each story over plain HTTP and over TLS.
macro_rules! over_http_and_tls {
    ($($story:ident),* $(,)?) => {
        mod over_http {
            $(#[tokio::test]
            async fn $story() {
                super::$story(super::Transport::Plain).await;
            })*
        }
        mod over_tls {
            $(#[tokio::test]
            async fn $story() {
                super::$story(super::Transport::Tls).await;
            })*
        }
    };
}

over_http_and_tls!(
    the_webhook_function_stores_and_refuses,
    the_form_function_takes_a_form_from_whom_line_vouches_for,
    the_link_function_sends_to_line_and_knows_the_browser_again,
    the_locksmith_function_fills_the_pool,
    the_sweeper_function_erases_what_is_due,
    the_opener_function_opens_on_the_record,
);

/// A function, and the cloud it lives in.
struct Hosted {
    function: Function,
    cloud: Cloud,
}

impl Hosted {
    async fn start(app: &TestApp, role: Role, transport: Transport) -> Self {
        let cloud = Cloud::of(app, role, transport).await;
        let mut function = Function::start(&program(role), cloud.environment()).await;
        function.idle().await;
        Self { function, cloud }
    }

    async fn invoke(&mut self, event: &Value) -> Answer {
        self.function.invoke(event).await
    }

    /// Asks over HTTP: status and answer.
    async fn ask(&mut self, event: &Value) -> (u64, Value) {
        let Answer { outcome, body } = self.invoke(event).await;
        assert_eq!(outcome, "response", "{body}");
        (body["statusCode"].as_u64().expect("a status"), body)
    }

    /// Asks for something that is not refused.
    async fn done(&mut self, event: &Value) -> Value {
        let Answer { outcome, body } = self.invoke(event).await;
        assert_eq!(outcome, "response", "{body}");
        body
    }

    /// It is no longer needed. Nothing of `secrets` is in its log.
    async fn stop(self, secrets: &[&str]) {
        let log = self.function.log();
        for secret in secrets {
            assert!(!log.contains(secret), "it was logged");
        }
        self.function.stop().await;
    }
}

/// Now, by the clock that the functions go by.
fn now() -> i64 {
    SystemClock.now().get()
}

async fn the_webhook_function_stores_and_refuses(transport: Transport) {
    let app = TestApp::new().await;
    let mut webhook = Hosted::start(&app, Role::Webhook, transport).await;
    assert_eq!(webhook.cloud.fetched(), 1, "the secret, and it alone, before the first event");
    let someone = app.someone();
    let text = app.marker("関数");
    let (body, signature) = app.signed("demo", &[someone.follow(now()), someone.text("1", now(), &text)]);
    app.start_counting();
    let (status, answer) = webhook.ask(&event::webhook("demo", &signature, &body)).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(app.rows_of("message").len(), 1);
    assert!(app.operations(Service::Kms).is_empty(), "no call to KMS on the way of an event");
    let (status, answer) = webhook.ask(&event::webhook("demo", "bm8=", &body)).await;
    assert_eq!(status, 401, "{answer}");
    let (status, answer) = webhook.ask(&event::webhook("nobody", &signature, &body)).await;
    assert_eq!(status, 404, "{answer}");
    assert_eq!(webhook.cloud.fetched(), 1, "once");
    webhook.stop(&[&text, &someone.0]).await;
}

async fn the_form_function_takes_a_form_from_whom_line_vouches_for(transport: Transport) {
    let app = TestApp::new().await;
    // LINE's clock is the test's; the function's is the machine's.
    app.advance(now() - app.now());
    let mut form = Hosted::start(&app, Role::Form, transport).await;
    let (status, page) = form.ask(&event::page("/forms/note-demo", &[])).await;
    assert_eq!(status, 200, "{page}");
    assert!(page["body"].as_str().is_some_and(|page| page.contains("ひとこと")), "{page}");
    let (status, shown) = form.ask(&event::page("/forms/note-demo.json", &[])).await;
    assert_eq!(status, 200, "{shown}");
    let shown: Value = serde_json::from_str(shown["body"].as_str().expect("a body")).expect("JSON");
    let someone = app.someone();
    let text = app.marker("伝言");
    let body = json!({
        "notice": shown["notice"], "answers": {"answer": text}, "consents": {"chat": true, "contact": true},
        "step": "send",
    });
    let send = |token: Option<String>| {
        let bearer = token.map(|token| format!("Bearer {token}")).unwrap_or_default();
        let headers = [("content-type", "application/json"), ("authorization", bearer.as_str())];
        event::request("POST", "/forms/note-demo", &headers, body.to_string().as_bytes())
    };
    let (status, refused) = form.ask(&send(None)).await;
    assert_eq!(status, 401, "{refused}");
    // The keys under which LINE vouches are fetched from LINE, over TLS from whom the system
    // trusts: only now is there a call to LINE at all.
    app.start_counting();
    let (status, taken) = form.ask(&send(Some(app.id_token("demo", &someone)))).await;
    assert_eq!(status, 200, "{taken}");
    assert!(app.operations(Service::Line).iter().any(|call| call.ends_with("/certs")));
    assert_eq!(app.rows_of("submission").len(), 1);
    form.stop(&[&text, &someone.0]).await;
}

async fn the_link_function_sends_to_line_and_knows_the_browser_again(transport: Transport) {
    let app = TestApp::new().await;
    let mut link = Hosted::start(&app, Role::Link, transport).await;
    let (status, answer) = link.ask(&event::page("/link/demo/login?intent=unlink", &[])).await;
    assert_eq!(status, 303, "{answer}");
    let location = answer["headers"]["location"].as_str().expect("a location");
    assert!(location.starts_with("https://access.azukari.test/oauth2/v2.1/authorize?"), "{location}");
    let state = azukari_tests::linking::parameter(location, "state").expect("a state");
    let cookie = answer["cookies"][0].as_str().expect("a cookie").split(';').next().expect("a pair");
    let denied = format!("/link/demo/callback?error=ACCESS_DENIED&state={state}");
    let (status, answer) = link.ask(&event::page(&denied, &["a=b", cookie])).await;
    assert_eq!(status, 200, "{answer}");
    assert!(answer["body"].as_str().expect("a page").contains("LINEログインをやめました"));
    link.stop(&[&state, cookie]).await;
}

async fn the_locksmith_function_fills_the_pool(transport: Transport) {
    let app = TestApp::new().await;
    let mut locksmith = Hosted::start(&app, Role::Locksmith, transport).await;
    assert_eq!(locksmith.cloud.fetched(), 0, "it has no secret");
    locksmith.done(&event::scheduled()).await;
    assert_eq!(app.rows_of("pool").len(), POOL_TARGET);
    locksmith.stop(&[]).await;
}

async fn the_sweeper_function_erases_what_is_due(transport: Transport) {
    let app = TestApp::new().await;
    let someone = app.someone();
    let long_ago = 1_600_000_000_000;
    assert_eq!(app.hook_to("kept", &[someone.text("1", long_ago, &app.marker("昔"))]).await, 200);
    let mut sweeper = Hosted::start(&app, Role::Sweeper, transport).await;
    let report = sweeper.done(&json!({"dry_run": true})).await;
    assert_eq!((&report["erased"], &report["dry_run"]), (&json!(0), &json!(true)), "{report}");
    let report = sweeper.done(&event::scheduled()).await;
    assert_eq!(report["erased"], 1, "{report}");
    assert!(app.rows_of("message").is_empty());
    let report = sweeper.done(&json!({"restore_check": {"since": "2026-01-01", "dry_run": true}})).await;
    let (since, dry_run, failed) = (&report["since"], &report["dry_run"], &report["failed"]);
    assert_eq!((since, dry_run, failed), (&json!("2026-01-01"), &json!(true), &json!(0)), "{report}");
    assert!(!app.rows_of("pool").is_empty());
    let report = sweeper.done(&json!({"restore_check": {}})).await;
    assert_eq!(report["dry_run"], false, "{report}");
    assert_eq!(app.rows_of("pool").len(), 0, "pairs that may have been given out since are not given out again");
    for none in [json!({"since": "yesterday"}), json!({"day": 1}), json!(true)] {
        let Answer { outcome, body } = sweeper.invoke(&json!({"restore_check": none})).await;
        assert_eq!(outcome, "error", "{body}");
        assert!(body["errorMessage"].as_str().is_some_and(|said| said.contains("a day like")), "{body}");
    }
    sweeper.stop(&[&someone.0]).await;
}

async fn the_opener_function_opens_on_the_record(transport: Transport) {
    let app = TestApp::new().await;
    let someone = app.someone();
    let text = app.marker("関数");
    assert_eq!(app.hook_to("kept", &[someone.text("1", now(), &text)]).await, 200);
    let mut opener = Hosted::start(&app, Role::Opener, transport).await;
    let request = json!({
        "act": "open", "people": [{"user_id": someone.0, "channel": "kept"}],
        "fields": ["text"], "purpose": "chat", "reason": "inquiry"
    });
    let assertion = app.installation().local_operator().assertion(AUDIENCE, SystemClock.now(), &request).unwrap();
    let answer = opener.done(&json!({ "assertion": assertion })).await;
    assert!(answer["people"][0]["records"][0]["fields"]["text"] == text.as_str(), "it was opened");
    let answer = opener.done(&json!({ "assertion": assertion })).await;
    assert_eq!(answer["error"]["code"], "replayed", "{answer}");
    assert_eq!(app.entries().len(), 2);
    opener.stop(&[&text, &someone.0]).await;
}

/// Starts a function that does not come up, and reads the one line it says.
async fn does_not_start(cloud: &Cloud, role: Role, changed: &[(&str, Option<&str>)]) -> String {
    let mut environment = cloud.environment();
    for (name, value) in changed {
        environment.remove(*name);
        environment.extend(value.map(|value| ((*name).to_owned(), value.to_owned())));
    }
    let ended = Function::start(&program(role), environment).await.ended().await;
    assert!(!ended.status.success(), "{role:?} {changed:?}");
    assert_eq!(ended.log.lines().count(), 1, "{}", ended.log);
    assert_eq!(ended.errors, "", "{role:?} {changed:?}");
    ended.log
}

#[tokio::test]
async fn a_secret_that_cannot_be_read_is_said_and_the_function_does_not_start() {
    let app = TestApp::new().await;
    let cloud = Cloud::of(&app, Role::Webhook, Transport::Plain).await;
    let said = does_not_start(&cloud, Role::Webhook, &[(settings::SECRET, Some("another"))]).await;
    assert!(said.contains("there is no such secret"), "{said}");
    assert_eq!(cloud.fetched(), 0);
}

#[tokio::test]
async fn a_cloud_that_amazon_does_not_vouch_for_is_told_nothing() {
    let app = TestApp::new().await;
    let cloud = Cloud::of(&app, Role::Webhook, Transport::Tls).await;
    // That the system trusts it is not enough: `SSL_CERT_FILE` still names it.
    assert!(cloud.environment().contains_key("SSL_CERT_FILE"));
    let said = does_not_start(&cloud, Role::Webhook, &[(aws::CA_BUNDLE, None)]).await;
    assert!(said.contains("cannot be read from AWS Secrets Manager"), "{said}");
    assert_eq!(cloud.fetched(), 0);
}
