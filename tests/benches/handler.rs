//! `cargo bench -p azukari-tests --bench handler`: sealing, opening, the webhook handler with 1, 5 and 50 events beside the
//! same handler without sealing, and a form: its page, and a submission with eight fields
//! over three purposes. Ratios within one run count; the absolute
//! times depend on the machine, which is printed first.
//!
//! The handler without sealing does everything else: it checks the signature, reads the
//! events, reads the mapping, and puts one row for each event with the text in it.

use std::{hint::black_box, sync::Arc, time::Duration};

use azukari::{
    domain::{
        id::{ChannelName, LineUserId},
        origin::Nobody,
        plain::Plain,
        time::UnixMs,
    },
    host::roles::Role,
    line::{
        event::{self, Act, Event},
        signature,
    },
    seal::{envelope::Envelope, index::IndexKey, opening},
    store::{Vault, key},
};
use azukari_tests::{
    app::{NOON, TestApp},
    independent::unhex,
    line::Someone,
    sealed::{self, OwnedPlace, unsealed},
};
use criterion::{BenchmarkId, Criterion};
use tokio::runtime::Runtime;

const TEXT: &str = "来週の土曜、体験レッスンを予約できますか？ 二人で伺いたいです。";

fn main() {
    let runtime = Runtime::new().expect("a runtime");
    machine();
    let mut criterion = Criterion::default()
        .configure_from_args()
        .sample_size(20)
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(4));
    sealing(&mut criterion);
    handlers(&mut criterion, &runtime);
    forms(&mut criterion, &runtime);
    criterion.final_summary();
    ratios();
}

#[expect(clippy::print_stdout, reason = "a benchmark prints what it ran on")]
fn machine() {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find(|line| line.starts_with("model name")).unwrap_or("model name: unknown");
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let build = if cfg!(debug_assertions) { "a debug build: its ratios say little" } else { "an optimised build" };
    println!("{model}; {cores} cores; {build}; database in a scratch folder");
}

fn sealing(criterion: &mut Criterion) {
    let vector = sealed::seal(unsealed("rustls", &[("type", "text"), ("text", TEXT)]));
    let (key, place, owner) = (sealed::subject_key(&vector), OwnedPlace::of(&vector), sealed::owner(&vector));
    let fields = [("type", Plain::text("text")), ("text", Plain::text(TEXT))];
    criterion.bench_function("seal", |bench| {
        bench.iter(|| azukari::seal::seal(&key, &place.as_place(), &owner, black_box(&fields)).expect("it seals"));
    });
    let envelope = Envelope::parse(&vector.envelope_bytes()).expect("an envelope");
    let secret = Plain::new(unhex(&vector.secret));
    criterion.bench_function("open", |bench| {
        bench.iter(|| {
            opening::open(&secret, &place.as_place(), |found| *found == owner, black_box(&envelope), |_| true)
                .expect("it opens")
        });
    });
}

fn handlers(criterion: &mut Criterion, runtime: &Runtime) {
    let app = runtime.block_on(TestApp::new());
    let someone = app.someone();
    let mut number = 0_u64;
    let mut events = |n: usize| -> Vec<serde_json::Value> {
        (0..n)
            .map(|_| {
                number += 1;
                someone.text(&number.to_string(), NOON, TEXT)
            })
            .collect()
    };
    assert_eq!(runtime.block_on(app.hook(&events(1))), 200);
    let plain = PlainHandler::new(&app);
    let mut group = criterion.benchmark_group("handler");
    for n in [1, 5, 50] {
        group.bench_function(BenchmarkId::new("sealed", n), |bench| {
            bench.iter_batched(
                || app.signed("demo", &events(n)),
                |(body, signature)| {
                    app.advance(31_000);
                    let answer = runtime.block_on(app.post("/webhook/demo", Some(&signature), body));
                    assert_eq!(answer.status, 200);
                },
                criterion::BatchSize::SmallInput,
            );
        });
        group.bench_function(BenchmarkId::new("without sealing", n), |bench| {
            bench.iter_batched(
                || app.signed("demo", &events(n)),
                |(body, signature)| runtime.block_on(plain.take(&body, &signature, &someone)),
                criterion::BatchSize::SmallInput,
            );
        });
    }
    group.finish();
    // What this handler wrote is in the clear on purpose: no search at the end.
    std::fs::remove_dir_all(app.folder().join("data")).expect("the folder is there");
}

/// A form with eight fields over three purposes, the LINE account's not counted.
const EIGHT: &str = r#"
channel = "demo"
title = { ja = "八つの項目", en = "Eight fields" }
description = { ja = "計測のためのフォームです。", en = "A form to be measured." }
thanks = { ja = "ありがとうございます。", en = "Thank you." }

[[section]]
title = { ja = "項目", en = "Fields" }
"#;

fn eight_fields() -> String {
    let fields = [
        ("name", "name", "visit"),
        ("kana", "kana", "visit"),
        ("phone", "phone", "visit"),
        ("address", "address", "lesson"),
        ("birthday", "birthday", "lesson"),
        ("words", "text", "lesson"),
        ("email", "email", "news"),
        ("request", "long_text", "news"),
    ];
    let field = |(name, kind, purpose): (&str, &str, &str)| {
        format!(
            "[[section.field]]\nname = \"{name}\"\nkind = \"{kind}\"\nlabel = {{ ja = \"{name}\", en = \"{name}\" }}\npurpose = \"{purpose}\"\n"
        )
    };
    EIGHT.to_owned() + &fields.map(field).join("\n")
}

fn forms(criterion: &mut Criterion, runtime: &Runtime) {
    let app = runtime.block_on(TestApp::with_files(&[("forms/eight.toml", &eight_fields())]));
    let answers = serde_json::json!({
        "name": "山田 花子", "kana": "ヤマダ ハナコ", "phone": "03-1234-5678", "email": "hanako@example.jp",
        "address": "〒100-0005 東京都千代田区丸の内1-2-3", "birthday": "昭和60年4月1日", "words": TEXT, "request": TEXT,
    });
    let consents = serde_json::json!({"visit": true, "lesson": true, "news": true, "contact": true});
    let mut group = criterion.benchmark_group("form");
    group.bench_function("page", |bench| {
        bench.iter(|| {
            let page = runtime.block_on(app.get("/forms/eight"));
            assert_eq!(page.status, 200);
        });
    });
    group.bench_function("submission", |bench| {
        bench.iter_batched(
            || {
                let someone = app.someone();
                let token = app.id_token("demo", &someone);
                let notice = runtime.block_on(app.notice("eight"));
                let body = serde_json::json!({
                    "notice": notice, "answers": answers, "consents": consents, "step": "send",
                });
                // Known, as most are; the pool is filled outside of what is measured.
                assert_eq!(runtime.block_on(app.hook(&[someone.text("1", NOON, TEXT)])), 200);
                runtime.block_on(app.installation().refill()).expect("the pool is filled");
                (token, body)
            },
            |(token, body)| {
                let page = runtime.block_on(app.send_json("eight", Some(&token), &body));
                assert_eq!(page.status, 200, "{}", page.text);
            },
            criterion::BatchSize::PerIteration,
        );
    });
    group.finish();
}

/// The same work without sealing.
struct PlainHandler {
    secret: Plain<String>,
    channel: ChannelName,
    index: IndexKey,
    vault: Vault,
    dynamodb: aws_sdk_dynamodb::Client,
}

impl PlainHandler {
    fn new(app: &TestApp) -> Self {
        let installation = app.installation();
        let secret = installation.channel_secret("demo", "channel_secret").expect("a secret");
        Self {
            secret: Plain::new(secret.to_owned()),
            channel: ChannelName::parse("demo").expect("a channel"),
            index: app.index_key(),
            vault: installation
                .vault_as(Role::Webhook)
                .unwrap_or_else(|_| Vault::new(installation.dynamodb_as(Role::Webhook), "vault", Arc::new(Nobody))),
            dynamodb: installation.dynamodb_as(Role::Webhook),
        }
    }

    async fn take(&self, body: &[u8], signature: &str, someone: &Someone) {
        use aws_sdk_dynamodb::types::AttributeValue;
        assert!(signature::verify(&self.secret, body, signature));
        let webhook: event::Webhook = serde_json::from_slice(body).expect("a webhook");
        let user = LineUserId::parse(&someone.0).expect("a user");
        let pk = key::mapping(&self.channel, &self.index.user(&self.channel, &user));
        black_box(self.vault.mapping(&pk, UnixMs::new(NOON)).await.expect("the mapping"));
        let puts = webhook.events.iter().map(|event| async {
            let Ok(Event::Personal(event)) = event::read_raw(event) else { return };
            let Act::Message(message) = event.act else { return };
            let mut put = self
                .dynamodb
                .put_item()
                .table_name("vault")
                .item("pk", AttributeValue::S("S#00000000000000000000000000000000".to_owned()))
                .item("sk", AttributeValue::S(format!("R#plain{}", message.id.as_str())))
                .item("event_at", AttributeValue::N(event.at.get().to_string()))
                .item("due_at", AttributeValue::N(event.at.plus(1).get().to_string()))
                .item("due_slot", AttributeValue::S("2026-11-22T03#0".to_owned()))
                .item("inbox_slot", AttributeValue::S("2026-11-21#message#0".to_owned()))
                .item("at", AttributeValue::N(event.at.get().to_string()))
                .condition_expression("attribute_not_exists(pk)");
            for (name, plain) in &message.fields {
                put = put.item(*name, AttributeValue::B(plain.reveal().clone().into()));
            }
            put.send().await.expect("the row is put");
        });
        futures::future::join_all(puts).await;
    }
}

/// Prints the ratios of this run, from what criterion has measured.
#[expect(clippy::print_stdout, reason = "a benchmark prints its ratios")]
fn ratios() {
    let median = |name: &str| -> Option<f64> {
        let folder = std::env::var("CARGO_TARGET_DIR")
            .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../target").into());
        let text = std::fs::read_to_string(format!("{folder}/criterion/{name}/new/estimates.json")).ok()?;
        serde_json::from_str::<serde_json::Value>(&text).ok()?["median"]["point_estimate"].as_f64()
    };
    let ratio = |what: &str, of: &str, to: &str| match (median(of), median(to)) {
        (Some(of), Some(to)) => println!("{what}: {:.2}×", of / to),
        _ => println!("{what}: not measured in this run"),
    };
    for n in [1, 5, 50] {
        let (sealed, plain) = (format!("handler/sealed/{n}"), format!("handler/without sealing/{n}"));
        ratio(&format!("{n} event(s), sealed against without sealing"), &sealed, &plain);
    }
    ratio("50 events against one, sealed", "handler/sealed/50", "handler/sealed/1");
    ratio("open against seal", "open", "seal");
}
