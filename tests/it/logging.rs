//! What is logged and measured is what `LOGGING.md` lists: read from the sources in both
//! directions, and held against every line of every story in this process.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    sync::{Arc, Mutex, PoisonError},
};

use azukari::{
    domain::trace::TraceId,
    host::{
        clock::{Clock, SystemClock},
        ctx::Ctx,
        embedded::{DIMENSIONS, MOST_METRICS, NAMESPACE},
        log,
        metrics::Metrics,
        mint::SystemMint,
        roles::Role,
        watch::Watch,
    },
    seal::origin::OriginKey,
};
use azukari_local::{
    clock::MovableClock,
    engine::wire::{Calm, Fate, Service},
};
use azukari_tests::{
    app::{NOON, TestApp, unique},
    faults::{Down, Fault, Level},
    logging::{self, Book, arguments, bracketed, literal, literals, owner},
    runtime::{
        Function,
        cloud::{Cloud, Transport},
        event,
    },
    witness,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use lambda_http::tracing;
use serde_json::{Value, json};
use tracing_subscriber::{filter::LevelFilter, fmt::MakeWriter, layer::SubscriberExt, util::SubscriberInitExt};

// ------------------------------------------------------- sources and the list

#[test]
fn every_place_that_logs_is_listed_and_every_listed_event_is_logged() {
    let book = Book::of_repository();
    let mut seen: BTreeMap<String, (BTreeSet<String>, BTreeSet<String>)> = BTreeMap::new();
    for call in logging::calls() {
        // The span of an invocation: it carries the request id, and nothing else.
        if call.mac == "info_span" {
            assert_eq!(call.file, "shared/src/host/watch.rs");
            assert_eq!(
                (call.message.as_deref(), call.fields),
                (Some("invocation"), BTreeSet::from(["request_id".to_owned()]))
            );
            continue;
        }
        let event = call.event.as_deref().unwrap_or_else(|| panic!("{}: a line without an event", call.file));
        let listed = book.events.get(event).unwrap_or_else(|| panic!("{}: {event} is not listed", call.file));
        assert_eq!(call.mac.to_uppercase(), listed.level, "{event}");
        let message = call.message.unwrap_or_else(|| panic!("{event} has no message of its own"));
        let fixed = !message.contains(['{', '}']) || matches!(message.as_str(), "{HEAD_MESSAGE}" | "{ROOT_MESSAGE}");
        assert!(fixed, "{event}: the message is not fixed");
        assert!(call.owner == "shared" || listed.functions.contains(&call.owner), "{event} is of {}", call.owner);
        let (owners, fields) = seen.entry(event.to_owned()).or_default();
        owners.insert(call.owner);
        fields.extend(call.fields);
    }
    for (event, listed) in &book.events {
        let (owners, fields) = seen.get(event).unwrap_or_else(|| panic!("{event} is listed and never logged"));
        assert_eq!(*fields, listed.fields, "the fields of {event}");
        assert!(!listed.functions.is_empty(), "{event} is of nobody");
        if !owners.contains("shared") {
            assert_eq!(*owners, listed.functions, "who logs {event}");
        }
    }
    let used: BTreeSet<&String> = book.events.values().flat_map(|listed| &listed.fields).collect();
    assert_eq!(used, book.fields.keys().collect(), "fields and their kinds");
}

#[test]
fn nothing_is_written_but_by_the_log_and_the_watch() {
    for (file, code) in logging::sources() {
        if file.starts_with("infra/local/") {
            continue;
        }
        for word in ["println!", "print!(", "eprintln!", "dbg!(", "log::error!", "log::info!", "stderr()"] {
            assert!(!code.contains(word), "{file} uses {word}");
        }
        assert_eq!(code.contains("stdout()"), file == "shared/src/host/watch.rs", "{file}");
        assert!(
            !code.contains("[instrument") && !code.contains("tracing::instrument"),
            "{file} opens spans by attribute"
        );
    }
    for (file, code) in logging::sources() {
        assert_eq!(hidden_calls(&code), Vec::<String>::new(), "{file}");
    }
}

/// Places that log and that [`logging::calls`] would not find, because they do not read
/// `tracing::…!(`, and imports that make such places possible.
fn hidden_calls(code: &str) -> Vec<String> {
    const MACROS: [&str; 13] = [
        "trace!",
        "debug!",
        "info!",
        "warn!",
        "error!",
        "event!",
        "enabled!",
        "span!",
        "trace_span!",
        "debug_span!",
        "info_span!",
        "warn_span!",
        "error_span!",
    ];
    let mut found = Vec::new();
    for name in MACROS {
        for (at, _) in code.match_indices(name) {
            let (before, behind) = (&code[..at], &code[at + name.len()..]);
            // Another macro whose name ends like this one.
            let longer = before.ends_with(|c: char| c.is_alphanumeric() || c == '_');
            let with_path = before.ends_with("tracing::") && behind.starts_with('(');
            if !longer && !with_path {
                found.push(format!("{name} without its path"));
            }
        }
    }
    for line in code.split(';').filter_map(import) {
        // From whichever crate it comes.
        for (at, _) in line.match_indices("tracing") {
            let (before, behind) = (&line[..at], &line[at + "tracing".len()..]);
            let whole = !before.ends_with(|c: char| c.is_alphanumeric() || c == '_')
                && !behind.starts_with(|c: char| c.is_alphanumeric() || c == '_');
            // The crate itself: its macros keep their path.
            let ends = |rest: &str| rest.is_empty() || rest.starts_with([',', '}']);
            let harmless = behind.strip_prefix("::Instrument").is_some_and(ends) || behind.starts_with("::field::");
            if whole && !harmless && !ends(behind) {
                found.push(format!("imports tracing{behind}"));
            }
        }
    }
    found
}

/// What a statement imports, without white space between its names.
fn import(statement: &str) -> Option<String> {
    let begins = |at: usize| {
        let before = statement[..at].trim_end_matches(' ');
        before.is_empty() || before.ends_with("pub") || before.ends_with(['\n', '{', '}', ']', ')'])
    };
    let (at, word) = statement.rmatch_indices("use ").find(|(at, _)| begins(*at))?;
    let names = &statement[at + word.len()..];
    Some(names.replace(" as ", "@").split_whitespace().collect())
}

#[test]
fn a_place_that_logs_by_another_name_is_found() {
    for fine in [
        "tracing::info!(event = \"a\", \"b\");",
        "use tracing::Instrument;\ntracing::info_span!(\"invocation\", request_id);",
        "use tracing::field::{DisplayValue, display};",
        "use std::fmt;\n\nuse lambda_http::{\n    Error,\n    tracing,\n};\nlambda_http::tracing::warn!(\"a\");",
        "use lambda_http::tracing;",
        "use tracing_subscriber::{layer::SubscriberExt, util::SubscriberInitExt};",
        "my_error!(1); terror!(2);",
    ] {
        assert_eq!(hidden_calls(fine), Vec::<String>::new(), "{fine}");
    }
    for hidden in [
        "info!(\"a\");",
        "use lambda_http::tracing::info;",
        "use tracing::info as say;\nsay!(\"a\");",
        "use std::fmt;\nuse lambda_runtime::{Error, tracing::{self, error}};",
        "pub use tracing::*;",
        "pub(crate) use tracing::warn;",
        "use tracing as t;",
        "fn f() {\n    use tracing::debug;\n}",
        "t::warn!(\"a\");",
        "log::warn!(\"a\");",
        "tracing::error! { \"a\" }",
        "tracing::error![\"a\"];",
    ] {
        assert!(!hidden_calls(hidden).is_empty(), "{hidden}");
    }
}

/// Sources of the errors that a line may carry as `error`.
const FAULTS: [&str; 6] = [
    "shared/src/domain/id.rs",
    "shared/src/store/error.rs",
    "shared/src/keys/mod.rs",
    "shared/src/line/client.rs",
    "shared/src/line/id_token.rs",
    "shared/src/seal/sealer.rs",
];

#[test]
fn every_text_of_an_error_is_listed() {
    let mut texts = BTreeSet::new();
    for (file, code) in logging::sources() {
        let of_a_function = file.starts_with("functions/") || file.starts_with("shared/src/host/");
        if !of_a_function && !FAULTS.contains(&file.as_str()) {
            continue;
        }
        for rest in code.split("#[error(").skip(1) {
            let inside = arguments(bracketed(rest));
            let Some(text) = inside.first().and_then(|first| literal(first)) else { continue };
            texts.insert(with_gaps(text));
        }
    }
    assert_eq!(texts, Book::of_repository().faults);
    texts.retain(|text| text.contains('…'));
    assert_eq!(texts, logging::faults_with_gaps(), "what may stand in the gaps");
}

/// A text with `…` for each of its placeholders.
fn with_gaps(text: &str) -> String {
    let mut parts = text.split('{');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + "…" + part.split_once('}').map_or("", |(_, rest)| rest))
}

/// Where the kinds of a metric stand whose call does not spell them out: the literals in the
/// block, or up to the semicolon, that follows.
const KINDS: [(&str, &[(&str, &str)]); 18] = [
    ("webhook_event", &[("shared/src/line/event.rs", "impl Other {"), ("shared/src/line/event.rs", "impl Act {")]),
    ("webhook_answer", &[("functions/webhook/src/receive.rs", "fn answer_word")]),
    ("webhook_row", &[("functions/webhook/src/intake.rs", "let word = match outcome")]),
    ("webhook_link", &[("functions/webhook/src/linking.rs", "let (word, news) =")]),
    ("webhook_rights", &[("functions/webhook/src/rights.rs", "let word = match &news")]),
    ("webhook_consent", &[("shared/src/domain/consent.rs", "impl Said {")]),
    (
        "webhook_reply",
        &[("functions/webhook/src/reply.rs", "let mut way ="), ("functions/webhook/src/reply.rs", "        way =")],
    ),
    ("webhook_notice", &[("functions/webhook/src/reply.rs", "fn notice_word")]),
    ("guard", &[("shared/src/domain/guard/mod.rs", "impl Found {")]),
    ("form_refused", &[("functions/form/src/answer.rs", "fn code(&self)")]),
    (
        "form_rights",
        &[
            ("functions/form/src/rights/questions.rs", "const ERASE: &str ="),
            ("functions/form/src/rights/questions.rs", "const WITHDRAW: &str ="),
            ("shared/src/domain/request.rs", "fn as_str(self)"),
            ("functions/form/src/rights/carry_out.rs", "Self::NothingHeld => \"nothing_held\""),
        ],
    ),
    ("form_reply", &[("functions/form/src/submit.rs", "let word = if result.is_ok()")]),
    ("sweeper", &[("functions/sweeper/src/sweep.rs", "let counts =")]),
    ("link_trouble", &[("functions/link/src/words.rs", "fn code(self)")]),
    ("link_joined", &[("functions/link/src/finish.rs", "let (word, result) =")]),
    ("link_site", &[("functions/link/src/assertion.rs", "fn as_str(self)")]),
    ("link_site_refused", &[("functions/link/src/refusal.rs", "fn code(self)")]),
    (
        "opener_answer",
        &[
            ("functions/opener/src/service.rs", "let word = match &answer"),
            ("functions/opener/src/answer.rs", "fn as_str(self)"),
        ],
    ),
];

/// The literals of a place of [`KINDS`]: its own, those of the block that it opens, of the
/// statement that it begins, or of the function that it names.
fn kinds_at(code: &str, place: &str) -> BTreeSet<String> {
    let at = code.find(place).unwrap_or_else(|| panic!("{place} is not there"));
    let rest = &code[at + place.len()..];
    if place.contains('"') {
        literals(place)
    } else if place.ends_with('{') {
        literals(bracketed(rest))
    } else if place.contains('=') {
        literals(statement(rest))
    } else {
        literals(bracketed(&rest[rest.find('{').expect("a block") + 1..]))
    }
}

/// What stands before the semicolon that is in no bracket.
fn statement(text: &str) -> &str {
    let mut depth = 0_i32;
    for (at, c) in text.char_indices() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            ';' if depth == 0 => return &text[..at],
            _ => {}
        }
    }
    text
}

#[test]
fn every_metric_is_listed_and_every_listed_metric_is_measured() {
    let sources: BTreeMap<String, String> = logging::sources().into_iter().collect();
    let mut measured: BTreeMap<String, (String, BTreeSet<String>)> = BTreeMap::new();
    let mut indirect = BTreeSet::new();
    for (file, code) in &sources {
        for (form, method) in [("counter", ".count("), ("counter", ".add("), ("level", ".level(")] {
            for (at, _) in code.match_indices(method) {
                let receiver = code[..at].trim_end();
                if !receiver.ends_with("metrics()") && !receiver.ends_with("metrics") {
                    continue;
                }
                let inside = arguments(bracketed(&code[at + method.len()..]));
                let [what, kind, ..] = inside.as_slice() else { panic!("{file}: {inside:?}") };
                let whats: Vec<String> = match literal(what) {
                    Some(what) => vec![what.to_owned()],
                    None => of_each_function(what, &sources),
                };
                for what in whats {
                    let mut kinds = literals(kind);
                    if kinds.is_empty() {
                        let (_, places) = KINDS
                            .iter()
                            .find(|(known, _)| *known == what)
                            .unwrap_or_else(|| panic!("{file}: {what} by {kind}, which the test does not know"));
                        kinds = places.iter().flat_map(|(file, place)| kinds_at(&sources[*file], place)).collect();
                        indirect.insert(what.clone());
                    }
                    for kind in kinds {
                        let entry = measured.entry(format!("{what}/{kind}"));
                        let (known, owners) = entry.or_insert_with(|| (form.to_owned(), BTreeSet::new()));
                        assert_eq!(known, form, "{what}/{kind} is both a counter and a level");
                        owners.insert(owner(file));
                    }
                }
            }
        }
    }
    let known: BTreeSet<String> = KINDS.iter().map(|(what, _)| (*what).to_owned()).collect();
    assert_eq!(indirect, known, "every place is used");
    let book = Book::of_repository();
    let listed: BTreeSet<&String> = book.metrics.keys().collect();
    assert_eq!(measured.keys().collect::<BTreeSet<_>>(), listed);
    for (name, (form, owners)) in &measured {
        let listed = &book.metrics[name];
        assert_eq!(*form, listed.form, "{name}");
        assert!(!listed.functions.is_empty(), "{name} is of nobody");
        if !owners.contains("shared") {
            assert_eq!(*owners, listed.functions, "who measures {name}");
        }
    }
}

/// The names that the functions on the internet side give to one metric of what they share.
fn of_each_function(what: &str, sources: &BTreeMap<String, String>) -> Vec<String> {
    let member = what.rsplit('.').next().expect("a name");
    assert!(matches!(member, "alarm" | "person"), "{what}");
    let names = Role::INTAKE.map(|role| {
        let code = &sources[&format!("functions/{}/src/service.rs", role.as_str())];
        let rest = code.split("IntakeMetrics {").nth(1).and_then(|rest| rest.split(&format!("{member}: \"")).nth(1));
        rest.and_then(|rest| rest.split('"').next()).expect("it names its metrics").to_owned()
    });
    names.to_vec()
}

// ------------------------------------------------------------------- stories

/// The lines that were logged in this process and name this trace.
fn lines_of(trace: &str) -> Vec<Value> {
    let said = String::from_utf8_lossy(&witness::said()).into_owned();
    let lines = said.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|line| line["trace"] == trace).collect()
}

fn origin(app: &TestApp) -> OriginKey {
    let secrets = app.installation().secrets(Role::Webhook);
    let key = STANDARD.decode(secrets["keys"]["origin"].as_str().expect("a key")).expect("base64");
    OriginKey::new(&key).expect("32 bytes")
}

#[tokio::test]
async fn every_function_logs_what_is_listed_and_nothing_personal() {
    let mut app = TestApp::new().await;
    // The webhook: everything that there is, and whatever fails on the way.
    let events = crate::canary::everything(&app);
    for nth in 0..6 {
        app.start_counting();
        app.weather(Fault { nth, fate: Fate::Fails, level: Level::Application });
        app.hook_to("kept", &events).await;
        app.cold_start();
    }
    app.weather(Calm);
    assert_eq!(app.hook_to("kept", &events).await, 200);
    // A form, a link and its end, an opening, an erasure.
    let (someone, member) = (app.someone(), app.marker("M-2002"));
    assert_eq!(app.hook(&[someone.follow(NOON)]).await, 200);
    app.agree("demo", &someone, NOON + 1).await;
    assert_eq!(crate::forms::send_visit(&app, &someone).await.status, 200);
    app.link_in_chat(&someone, &member).await;
    app.advance(1_000);
    assert_eq!(app.hook(&[someone.postback("EU9", app.now(), "azukari:unlink")]).await, 200);
    assert_eq!(app.open_all("demo", &someone).await["status"], "opened");
    app.advance_days(2);
    app.sweep_all().await;
    assert!(app.installation().refill().await.is_ok());
    let heard = logging::heard();
    for event in [
        "event_kept",
        "event_malformed",
        "consent_kept",
        "submission_kept",
        "order_placed",
        "record_opened",
        "audit_head",
        "row_handled",
        "sweep",
        "pool",
    ] {
        assert!(heard.contains(event), "{event}: {heard:?}");
    }
    assert!(heard.contains("events_not_stored") || heard.contains("channel_not_loaded"), "{heard:?}");
    assert_eq!(logging::strays(), Vec::<String>::new());
    app.assert_nothing_in_the_clear();
}

#[tokio::test]
async fn what_somebody_writes_into_an_address_is_not_logged() {
    let app = TestApp::new().await;
    app.weather(Down(Service::DynamoDb, Fate::Fails));
    let name: String = format!("yamada-{:032x}", unique()).chars().take(30).collect();
    app.watch(&name);
    for page in [format!("/policy/{name}"), format!("/policy/{name}/1"), format!("/forms/rights/{name}")] {
        assert_eq!(app.get(&page).await.status, 503, "it was looked for");
    }
    app.weather(Calm);
    app.assert_nothing_in_the_clear();
}

#[tokio::test]
async fn one_trace_leads_from_the_webhook_to_the_end_of_the_row() {
    let app = TestApp::new().await;
    let someone = app.someone();
    let id = (unique() % 1_000_000_000_000_000_000).to_string();
    assert_eq!(app.hook_to("kept", &[someone.text(&id, NOON, &app.marker("一通"))]).await, 200);
    let trace = TraceId::of(&id, &origin(&app)).to_string();
    assert!(!trace.contains(&id) && trace.len() == 16);
    let events = |trace: &str| -> Vec<String> {
        lines_of(trace).iter().map(|line| line["event"].as_str().unwrap_or_default().to_owned()).collect()
    };
    assert_eq!(events(&trace), ["event_kept"]);
    // Delivered again: the same trace.
    assert_eq!(app.hook_to("kept", &[someone.text(&id, NOON, &app.marker("一通"))]).await, 200);
    assert_eq!(lines_of(&trace).iter().map(|line| &line["outcome"]).collect::<Vec<_>>(), ["written", "already"]);
    assert_eq!(app.open_all("kept", &someone).await["status"], "opened");
    assert_eq!(events(&trace), ["event_kept", "event_kept", "record_opened"]);
    let due: i64 = app.rows_of("message")[0]["due_at"]["N"].as_str().expect("a time").parse().expect("a number");
    app.advance(due - app.now() + 1_000);
    let report = app.sweep().await.expect("it sweeps");
    assert!(app.rows_of("message").is_empty(), "{report:?}");
    assert_eq!(events(&trace), ["event_kept", "event_kept", "record_opened", "row_handled"]);
    assert_eq!(lines_of(&trace)[3]["outcome"], "erased");
}

#[tokio::test]
async fn one_trace_leads_from_the_form_to_its_rows() {
    let app = TestApp::new().await;
    let someone = app.someone();
    assert_eq!(crate::forms::send_visit(&app, &someone).await.status, 200);
    let rows = app.rows_of("submission");
    let key = rows[0]["sk"]["S"].as_str().expect("a key").to_owned();
    let trace = TraceId::of(key.split('#').nth(1).expect("an id"), &origin(&app)).to_string();
    let lines = lines_of(&trace);
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!((&lines[0]["event"], &lines[0]["records"]), (&json!("submission_kept"), &json!(rows.len())));
    assert_eq!(app.open_all("demo", &someone).await["status"], "opened");
    let opened = lines_of(&trace).iter().filter(|line| line["event"] == "record_opened").count();
    assert_eq!(opened, rows.len());
}

// ------------------------------------------------------------ single lines

/// Collects what a subscriber of a test writes.
#[derive(Debug, Clone, Default)]
struct Pad(Arc<Mutex<Vec<u8>>>);

impl Pad {
    fn lines(&self) -> Vec<String> {
        let written = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        String::from_utf8(written).expect("text").lines().map(str::to_owned).collect()
    }
}

impl std::io::Write for Pad {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Pad {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[test]
fn crates_that_we_depend_on_cannot_log() {
    let pad = Pad::default();
    let lines = tracing_subscriber::fmt::layer().json().flatten_event(true).with_writer(pad.clone());
    let subscriber = tracing_subscriber::registry().with(log::filter()).with(lines);
    let guard = subscriber.set_default();
    tracing::error!(target: "hyper::client", "GET /receipts/1");
    tracing::error!(target: "aws_smithy_runtime::client::orchestrator", "a request with its headers");
    tracing::error!(target: "lambda_runtime", "an event");
    tracing::debug!(target: "azukari", "not in the cloud");
    tracing::info!(target: "azukari_webhook::intake", "ours");
    drop(guard);
    assert_eq!(pad.lines().len(), 1, "{:?}", pad.lines());
    let error = LevelFilter::ERROR.into_level().expect("a level");
    for target in ["hyper", "h2", "rustls", "aws_config", "aws_sdk_dynamodb", "lambda_http", "tower", "dynoxide"] {
        assert!(!log::filter().would_enable(target, &error), "{target}");
    }
    for function in fs::read_dir(logging::root().join("functions")).expect("the functions are there").flatten() {
        let target = format!("azukari_{}", function.file_name().to_string_lossy());
        assert!(log::filter().would_enable(&target, &error), "{target}");
    }
}

#[test]
fn a_line_that_says_more_is_found() {
    let book = Book::of_repository();
    let good = json!({
        "timestamp": "2026-11-21T03:00:00Z", "level": "ERROR", "target": "azukari_webhook::intake",
        "message": "events of a person could not be stored", "event": "events_not_stored", "channel": "demo",
        "error": "PutItem: ThrottlingException",
        "span": {"name": "invocation", "request_id": "8476a536-e9f4-11e8-9739-2dfe598c3fcd"},
    });
    let check = |line: &Value| book.check(&line.to_string(), logging::messages());
    assert_eq!(check(&good), Ok(()));
    for fault in [
        "PutItem: ?",
        "PutItem: not reached",
        "PutItem: the condition did not hold",
        "TransactWriteItems: cancelled (None, ConditionalCheckFailed)",
        "KMS GenerateMac: timeout",
        "KMS GenerateMac answered without what was asked for",
        "a row has no valid wrapped_sha256",
        "not a valid LINE user id",
        "LINE answered 503",
        "the keys of LINE could not be fetched: LINE answered 503",
        "12 due rows could not be handled",
        "the function is not set up: AZUKARI_STAGE is missing; AWS_REGION is not a region",
        "the secret is not complete: keys.origin is missing; channel.demo.access_token is missing",
    ] {
        let mut other = good.clone();
        other["error"] = json!(fault);
        assert_eq!(check(&other), Ok(()), "{fault}");
    }
    for (member, value) in [
        ("event", json!("something_else")),
        ("level", json!("INFO")),
        ("message", json!("events of 山田 could not be stored")),
        ("error", json!("PutItem: 山田 太郎")),
        ("error", json!("PutItem: ")),
        ("error", json!("GetItem: Yamada Taro 090-1234-5678")),
        ("error", json!("PutItem: U4af4980629aaaaaaaaaaaaaaaaaaaaaaa")),
        ("error", json!("PutItem: ConditionalCheckFailedException: Yamada")),
        ("error", json!("Yamada Taro: timeout")),
        ("error", json!("Yamada Taro: the condition did not hold")),
        ("error", json!("KMS Decrypt: Yamada Taro")),
        ("error", json!("KMS Yamada Taro answered without what was asked for")),
        ("error", json!("TransactWriteItems: cancelled (None, Yamada Taro)")),
        ("error", json!("a row has no valid U4af4980629aaaaaaaaaaaaaaaaaaaaaaa")),
        ("error", json!("not a valid Yamada Taro")),
        ("error", json!("LINE answered Yamada")),
        ("error", json!("the keys of LINE could not be fetched: Yamada Taro")),
        ("error", json!("the function is not set up: Yamada Taro")),
        ("error", json!("something unheard of")),
        ("error", json!(7)),
        ("channel", json!("Yamada Taro")),
        ("channel", json!(null)),
        ("body", json!("x")),
        ("subject", json!("00112233445566778899aabbccddeeff")),
        ("span", json!({"name": "invocation", "request_id": "1", "path": "/receipts/1"})),
        ("span", json!({"name": "invocation", "request_id": "a b"})),
        ("spans", json!([])),
    ] {
        let mut bad = good.clone();
        bad[member] = value;
        assert!(check(&bad).is_err(), "{bad}");
    }
    assert!(book.check("thread panicked", logging::messages()).is_err());
}

#[tokio::test]
async fn a_line_carries_the_request_id_of_its_invocation() {
    let watch = Watch::new(Role::Webhook, ctx(Arc::default()));
    let pad = Pad::default();
    let lines = tracing_subscriber::fmt::layer().json().flatten_event(true);
    let lines = lines.with_current_span(true).with_span_list(false).with_writer(pad.clone());
    let subscriber = tracing_subscriber::registry().with(log::filter()).with(lines);
    let guard = subscriber.set_default();
    let id = "8476a536-e9f4-11e8-9739-2dfe598c3fcd";
    let work = async { tracing::error!(target: "azukari_webhook", event = "not_started", error = "a text") };
    watch.over(id, work).await;
    let work = async { tracing::error!(target: "azukari_webhook", event = "not_started", error = "a text") };
    watch.over("an id with a text", work).await;
    drop(guard);
    let spans: Vec<Value> =
        pad.lines().iter().map(|line| serde_json::from_str::<Value>(line).expect("JSON")["span"].clone()).collect();
    assert_eq!(
        spans,
        [json!({"name": "invocation", "request_id": id}), json!({"name": "invocation", "request_id": "?"})]
    );
}

#[tokio::test]
async fn under_the_real_runtime_every_line_is_listed_and_each_invocation_has_its_numbers() {
    let app = TestApp::new().await;
    let cloud = Cloud::of(&app, Role::Webhook, Transport::Plain).await;
    let mut function = Function::start(&crate::runtime::program(Role::Webhook), cloud.environment()).await;
    function.idle().await;
    let (someone, now) = (app.someone(), SystemClock.now().get());
    let (body, signature) = app.signed("kept", &[someone.text("71", now, &app.marker("関数"))]);
    let (mut log, mut sums) = (String::new(), BTreeMap::new());
    for (n, signature) in [(1, signature.as_str()), (2, "bm8="), (3, signature.as_str())] {
        let answer = function.invoke(&event::webhook("kept", signature, &body)).await;
        assert_eq!(answer.body["statusCode"], if n == 2 { 401 } else { 200 }, "{answer:?}");
        let id = format!("8476a536-e9f4-11e8-9739-{n:012x}");
        // What it has written before it answered.
        let said = function.log();
        let new = said.strip_prefix(log.as_str()).expect("a log only grows").to_owned();
        let (numbers, events): (Vec<&str>, Vec<&str>) = new.lines().partition(|line| line.contains("\"_aws\""));
        assert_eq!(numbers.len(), 1, "{new}");
        for (name, value) in read_of(numbers[0], "webhook", &id) {
            *sums.entry(name).or_insert(0) += value;
        }
        for line in events {
            assert_eq!(Book::of_repository().check(line, logging::messages()), Ok(()), "{line}");
            let line: Value = serde_json::from_str(line).expect("JSON");
            assert_eq!(line["span"]["request_id"], id.as_str(), "{line}");
        }
        log = said;
    }
    let count = |name: &str| sums.get(name).copied().unwrap_or_default();
    assert_eq!((count("webhook_answer/200"), count("webhook_answer/401")), (2, 1), "{sums:?}");
    assert_eq!((count("webhook_row/written"), count("webhook_row/already")), (1, 1), "{sums:?}");
    let trace = TraceId::of("71", &origin(&app)).to_string();
    assert_eq!(log.lines().filter(|line| line.contains(&trace)).count(), 2, "{log}");
    function.stop().await;
}

// ------------------------------------------------------------------- numbers

fn ctx(metrics: Arc<Metrics>) -> Ctx {
    let clock = Arc::new(MovableClock::frozen(azukari::domain::time::UnixMs::new(NOON)));
    Ctx::new(clock, Arc::new(SystemMint::new()), metrics).of_stage("azukari-test")
}

/// Reads a line by the rules of the format, of a function and an invocation: what CloudWatch
/// would take from it.
fn read_of(line: &str, function: &str, request_id: &str) -> BTreeMap<String, u64> {
    assert!(line.len() <= 256 * 1024 && !line.contains('\n'));
    let line: Value = serde_json::from_str(line).expect("JSON");
    let members = line.as_object().expect("an object");
    let aws = &line["_aws"];
    let in_milliseconds = 1_500_000_000_000..10_000_000_000_000_i64;
    assert!(aws["Timestamp"].as_i64().is_some_and(|at| in_milliseconds.contains(&at)), "{aws}");
    assert_eq!(aws.as_object().expect("an object").len(), 2);
    let mut found = BTreeMap::new();
    for directive in aws["CloudWatchMetrics"].as_array().expect("a list") {
        assert_eq!(directive["Namespace"], NAMESPACE);
        let sets = directive["Dimensions"].as_array().expect("a list of sets");
        assert_eq!(sets.len(), 1);
        let set: Vec<&str> = sets[0].as_array().expect("a set").iter().filter_map(Value::as_str).collect();
        assert_eq!(set, DIMENSIONS);
        assert!(set.len() <= 30);
        for dimension in set {
            let value = line[dimension].as_str().expect("a dimension is a member, and a text");
            assert!(!value.is_empty() && value.len() <= 1024);
        }
        let metrics = directive["Metrics"].as_array().expect("a list");
        assert!(!metrics.is_empty() && metrics.len() <= 100);
        for metric in metrics {
            let name = metric["Name"].as_str().expect("a name");
            assert!(!name.is_empty() && name.len() <= 1024 && name.is_ascii(), "{name}");
            assert_eq!(metric["Unit"], "Count");
            let value = line[name].as_u64().unwrap_or_else(|| panic!("{name} has no value"));
            assert!(found.insert(name.to_owned(), value).is_none(), "{name} is there twice");
        }
    }
    // No member but these: nothing else can have slipped in.
    assert_eq!(members.len(), found.len() + 4, "{line}");
    assert_eq!((&line["stage"], &line["function"]), (&json!("azukari-test"), &json!(function)));
    assert_eq!(line["request_id"], request_id);
    found
}

fn read(line: &str) -> BTreeMap<String, u64> {
    read_of(line, Role::Sweeper.as_str(), "r-1")
}

#[test]
fn numbers_are_written_as_cloudwatch_reads_them_and_add_up() {
    let metrics = Arc::new(Metrics::default());
    let watch = Watch::new(Role::Sweeper, ctx(Arc::clone(&metrics)));
    let take = || -> BTreeMap<String, u64> { watch.lines("r-1").iter().flat_map(|line| read(line)).collect() };
    assert_eq!(watch.lines("r-1").len(), 1, "an invocation without numbers has a line as well");
    let mut sums: BTreeMap<String, u64> = BTreeMap::new();
    for round in 0..5_u64 {
        metrics.add("sweeper", "erased", round);
        metrics.count("day_root", "sealed");
        metrics.level("sweeper_overdue", "rows", 0);
        metrics.level("locksmith_pool", "level", 5_000 - round);
        let taken = take();
        assert_eq!(taken.get("sweeper_overdue/rows"), Some(&0), "a level of 0 is written");
        assert_eq!(taken.get("locksmith_pool/level"), Some(&(5_000 - round)));
        assert_eq!(taken.contains_key("sweeper/erased"), round > 0, "a counter that has not grown is not");
        for (name, value) in taken {
            *sums.entry(name).or_default() += value;
        }
    }
    assert_eq!(sums["sweeper/erased"], metrics.get("sweeper", "erased"));
    assert_eq!(sums["day_root/sealed"], 5);
    assert_eq!(take(), BTreeMap::new(), "nothing is told twice, and no level of an earlier run");
}

#[test]
fn more_metrics_than_a_line_may_carry_go_on_several() {
    let metrics = Arc::new(Metrics::default());
    let watch = Watch::new(Role::Sweeper, ctx(Arc::clone(&metrics)));
    for n in 0..2 * MOST_METRICS + 1 {
        metrics.count("form_refused", format!("kind{n}").leak());
    }
    let lines = watch.lines("r-1");
    let read: Vec<BTreeMap<String, u64>> = lines.iter().map(|line| read(line)).collect();
    assert_eq!(read.iter().map(BTreeMap::len).collect::<Vec<_>>(), [100, 100, 1]);
    assert_eq!(read.into_iter().flatten().collect::<BTreeMap<_, _>>().len(), 201);
}

#[tokio::test]
async fn what_a_sweep_finds_is_written_also_when_it_is_nothing() {
    let app = TestApp::new().await;
    let watch = Watch::new(Role::Sweeper, app.installation().ctx().of_stage("azukari-test"));
    let told = || -> BTreeMap<String, u64> { watch.lines("r-1").iter().flat_map(|line| read(line)).collect() };
    told();
    app.sweep().await.expect("it sweeps");
    let taken = told();
    for level in ["sweeper_overdue/rows", "sweeper_aside/rows", "sweeper_restored/vault"] {
        assert_eq!(taken.get(level), Some(&0), "{level}: {taken:?}");
    }
    app.installation().refill().await.expect("it fills the pool");
    assert!(told().get("locksmith_pool/level").is_some_and(|level| *level > 0));
    let someone = app.someone();
    assert_eq!(app.hook_to("kept", &[someone.text("1", NOON, &app.marker("一"))]).await, 200);
    let taken = told();
    let count = |name: &str| taken.get(name).copied().unwrap_or_default();
    assert_eq!((count("webhook_answer/200"), count("webhook_row/written"), count("webhook_person/new")), (1, 1, 1));
}

// ------------------------------------------------------------------ template

fn template() -> String {
    fs::read_to_string(logging::root().join("infra/template.yaml")).expect("the template is there")
}

/// What the access log names of a request: which route as it is declared, how it went and how
/// long it took. Not the path, the query, the address or the headers of the caller, and no text
/// of an error. `integration.requestId` is the one that the functions log.
const ACCESS_LOG: [&str; 8] = [
    "integration.requestId",
    "integrationLatency",
    "integrationStatus",
    "requestId",
    "responseLatency",
    "responseLength",
    "routeKey",
    "status",
];

#[test]
fn the_access_log_has_no_path_query_or_body() {
    let template = template();
    let variable = |rest: &str| -> String {
        rest.chars().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_')).collect()
    };
    let named: BTreeSet<String> = template.split("$context.").skip(1).map(variable).collect();
    assert_eq!(named, BTreeSet::from(ACCESS_LOG.map(str::to_owned)));
}

#[test]
fn the_alarms_are_on_the_metrics_that_say_so() {
    let mut alarmed: BTreeSet<(String, String)> = BTreeSet::new();
    for rest in template().split(&format!("Namespace: {NAMESPACE}\n")).skip(1) {
        let value = |name: &str| -> String {
            let rest = rest.split(name).nth(1).unwrap_or_else(|| panic!("no {name}"));
            rest.trim_start_matches([' ', '"']).split([' ', '"', '}', '\n', ',']).next().unwrap_or_default().to_owned()
        };
        alarmed.insert((value("MetricName:"), value("Name: function, Value:")));
    }
    let metrics = Book::of_repository().metrics.iter().filter(|(_, listed)| listed.alarm);
    let listed = metrics
        .flat_map(|(name, listed)| listed.functions.iter().map(move |function| (name.clone(), function.clone())));
    assert_eq!(alarmed, listed.collect());
}
