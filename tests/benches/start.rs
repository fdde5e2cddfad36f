//! `cargo bench -p azukari-tests --bench start`: what a cold start and an event cost, in one run, against the
//! same job as it is usually done (`benches/usual`): `lambda_http` and the AWS SDK as they
//! come, one AES-GCM item an event. With `-- --write` the report goes into `tests/BENCH.md`.
//!
//! What is run are release builds as processes of their own under a Lambda Runtime API, with
//! the in-process engines on the loopback interface. What counts is CPU time, as the kernel
//! keeps it for each thread, and the ratios of it within one run.
//!
//! The bootstraps are those of `.ci/bootstraps`, which is run first unless
//! `AZUKARI_BOOTSTRAPS` names a folder of them.

use std::{
    cell::Cell,
    collections::BTreeMap,
    fmt::Write as _,
    io::{Read, Write as _},
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
    time::Duration,
};

use azukari::{
    domain::time::DAY_MS,
    host::{
        aws,
        clock::{Clock, SystemClock},
        roles::Role,
    },
};
use azukari_local::engine::wire::Service;
use azukari_tests::{
    app::TestApp,
    line::Someone,
    runtime::{
        Answer, BOOTSTRAPS, Function, Program,
        cloud::{Cloud, Transport},
        event,
    },
};
use serde_json::Value;
use tokio::runtime::Runtime;

/// Cold starts of each kind, turn by turn.
const STARTS: usize = 15;
/// Events before and in a measurement of a warm function.
const WARM_UP: usize = 40;
const WARM: usize = 200;
/// Webhooks with many events.
const MANY: usize = 20;
/// Events in each of them.
const EVENTS: usize = 50;
/// People who are known when the measurement begins.
const PEOPLE: usize = 60;

const CHANNEL: &str = "kept";
const TEXT: &str = "来週の土曜、体験レッスンを予約できますか？ 二人で伺いたいです。";

/// The roots that a function trusts.
const AMAZON_ROOTS: &str = include_str!("../../shared/src/host/amazon_roots.pem");

/// Where systems keep the authorities that they trust.
const SYSTEM_ROOTS: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];

/// This program, started once more: what the first random byte costs.
const PROBE: &str = "--probe";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(at) = arguments.iter().position(|argument| argument == PROBE) {
        probe(arguments.get(at + 1).map(String::as_str));
        return ExitCode::SUCCESS;
    }
    let builds = Builds::make();
    let runtime = Runtime::new().expect("a runtime");
    let report = runtime.block_on(measure(&builds));
    say(&report);
    if arguments.iter().any(|argument| argument == "--write") {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/BENCH.md");
        std::fs::write(path, report).expect("the report can be written");
    }
    ExitCode::SUCCESS
}

#[expect(clippy::print_stdout, reason = "a benchmark prints its report")]
fn say(text: &str) {
    println!("{text}");
}

// ------------------------------------------------------------------------ builds

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The programs that are measured.
struct Builds {
    bootstraps: PathBuf,
    usual: PathBuf,
    /// Python and a script, where Python has what it takes.
    python: Option<Program>,
}

impl Builds {
    fn make() -> Self {
        let bootstraps = std::env::var_os(BOOTSTRAPS).map(PathBuf::from).unwrap_or_else(|| {
            run(Command::new(root().join(".ci/bootstraps")).arg("--only-build"));
            root().join("target/bootstraps")
        });
        let target = root().join("target/usual");
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        run(Command::new(cargo)
            .args(["build", "--locked", "--release", "--manifest-path"])
            .arg(root().join("tests/benches/usual/Cargo.toml"))
            .arg("--target-dir")
            .arg(&target)
            // Built as it comes, without what .cargo/config.toml says for Azukari.
            .env("AWS_LC_SYS_NO_JITTER_ENTROPY", "0"));
        Self { bootstraps, usual: target.join("release"), python: python() }
    }

    fn bootstrap(&self) -> Program {
        Program::new(self.bootstraps.join("webhook/bootstrap"), &[])
    }

    fn usual(&self, name: &str) -> Program {
        Program::new(self.usual.join(name), &[])
    }

    /// The largest zipped bootstrap and its size in bytes.
    fn largest(&self) -> Option<(String, u64)> {
        let folders = std::fs::read_dir(&self.bootstraps).ok()?.flatten();
        let sizes = folders.filter_map(|folder| {
            let zipped = std::fs::metadata(folder.path().join("bootstrap.zip")).ok()?.len();
            Some((folder.file_name().to_string_lossy().into_owned(), zipped))
        });
        sizes.max_by_key(|(_, zipped)| *zipped)
    }
}

fn run(command: &mut Command) {
    let status = command.status().unwrap_or_else(|error| panic!("{command:?} cannot be run: {error}"));
    assert!(status.success(), "{command:?} has failed");
}

fn python() -> Option<Program> {
    let asked = Command::new("python3")
        .args(["-c", "import boto3, cryptography, sys; print(sys.executable)"])
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let path = String::from_utf8_lossy(&asked.stdout).trim().to_owned();
    let script = root().join("tests/benches/usual/handler.py").to_string_lossy().into_owned();
    (asked.status.success() && !path.is_empty()).then(|| Program::new(path, &[&script]))
}

// ----------------------------------------------------------------------- measuring

/// CPU time of a process so far, in milliseconds: that of every thread it has.
fn cpu_ms(pid: u32) -> f64 {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).expect("the kernel tells of its processes").flatten();
    let ns: u64 = threads
        .filter_map(|thread| {
            let times = std::fs::read_to_string(thread.path().join("schedstat")).ok()?;
            times.split(' ').next()?.parse::<u64>().ok()
        })
        .sum();
    assert!(ns > 0, "the kernel keeps no CPU time for each thread (CONFIG_SCHED_INFO): nothing can be measured");
    Duration::from_nanos(ns).as_secs_f64() * 1_000.0
}

/// Resident memory of a process, in MB.
fn resident_mb(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let kib =
        status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.split_whitespace().next()?.parse::<f64>().ok());
    kib.unwrap_or(f64::NAN) * 1_024.0 / 1_000_000.0
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Something that takes webhooks.
struct Candidate {
    program: Program,
    environment: BTreeMap<String, String>,
}

/// CPU of one start: until the first event was asked for, and until the first was answered.
struct Start {
    ready: f64,
    answered: f64,
}

/// CPU and memory of a warm function.
struct Warm {
    /// Of an event of somebody who has just written.
    same: f64,
    /// Of an event of somebody who is known and has not.
    other: f64,
    /// Of a webhook with many events.
    many: f64,
    resident_mb: f64,
}

/// Makes events that count.
struct Events<'a> {
    app: &'a TestApp,
    number: Cell<u64>,
}

fn now() -> i64 {
    SystemClock.now().get()
}

impl Events<'_> {
    /// An id that no message has had.
    fn id(&self) -> String {
        self.number.set(self.number.get() + 1);
        (620_000_000_000 + self.number.get()).to_string()
    }

    /// A webhook with `n` messages.
    fn webhook(&self, someone: &Someone, n: usize) -> Value {
        let events: Vec<Value> = (0..n).map(|_| someone.text(&self.id(), now(), TEXT)).collect();
        let (body, signature) = self.app.signed(CHANNEL, &events);
        event::webhook(CHANNEL, &signature, &body)
    }
}

async fn took(function: &mut Function, event: &Value) {
    let Answer { outcome, body } = function.invoke(event).await;
    assert_eq!((outcome.as_str(), body["statusCode"].as_u64()), ("response", Some(200)), "{body}");
}

/// Waits until a function has nothing to do: only then is its CPU time complete.
async fn settled(function: &mut Function) -> f64 {
    function.idle().await;
    tokio::time::sleep(Duration::from_millis(15)).await;
    cpu_ms(function.id())
}

async fn start(candidate: &Candidate, event: &Value) -> Start {
    let mut function = Function::start(&candidate.program, candidate.environment.clone()).await;
    let ready = settled(&mut function).await;
    took(&mut function, event).await;
    let answered = settled(&mut function).await;
    function.stop().await;
    Start { ready, answered }
}

/// Medians over starts, which take turns: what else the machine does befalls all alike.
async fn starts(candidates: &[&Candidate], events: &Events<'_>, someone: &Someone) -> Vec<Start> {
    let mut all: Vec<(Vec<f64>, Vec<f64>)> = candidates.iter().map(|_| (Vec::new(), Vec::new())).collect();
    for _ in 0..STARTS {
        for (candidate, (ready, answered)) in candidates.iter().zip(&mut all) {
            let one = start(candidate, &events.webhook(someone, 1)).await;
            ready.push(one.ready);
            answered.push(one.answered);
        }
    }
    all.into_iter().map(|(ready, answered)| Start { ready: median(ready), answered: median(answered) }).collect()
}

async fn warm(candidate: &Candidate, events: &Events<'_>, people: &[Someone]) -> Warm {
    let mut function = Function::start(&candidate.program, candidate.environment.clone()).await;
    let someone = &people[0];
    for _ in 0..WARM_UP {
        took(&mut function, &events.webhook(someone, 1)).await;
    }
    let mut before = settled(&mut function).await;
    let mut since = |now: f64, n: usize| -> f64 {
        let each = (now - before) / f64::from(u32::try_from(n).unwrap_or(u32::MAX));
        before = now;
        each
    };
    for _ in 0..WARM {
        took(&mut function, &events.webhook(someone, 1)).await;
    }
    let same = since(settled(&mut function).await, WARM);
    for other in &people[1..] {
        took(&mut function, &events.webhook(other, 1)).await;
    }
    let other = since(settled(&mut function).await, people.len() - 1);
    let resident_mb = resident_mb(function.id());
    for _ in 0..MANY {
        took(&mut function, &events.webhook(someone, EVENTS)).await;
    }
    let many = since(settled(&mut function).await, MANY);
    function.stop().await;
    Warm { same, other, many, resident_mb }
}

/// Calls that an event takes: to DynamoDB for somebody who has written on an earlier day, for
/// somebody who has written today, and for somebody who has just written; to KMS for all of
/// them and for somebody new.
struct Calls {
    first_of_day: usize,
    known: usize,
    again: usize,
    kms_known: usize,
    kms_new: usize,
}

async fn calls(candidate: &Candidate, events: &Events<'_>, earlier: &Someone, today: &Someone) -> Calls {
    let app = events.app;
    let mut function = Function::start(&candidate.program, candidate.environment.clone()).await;
    let mut kms_known = 0;
    let mut dynamodb = Vec::new();
    for someone in [earlier, today, today] {
        app.start_counting();
        took(&mut function, &events.webhook(someone, 1)).await;
        dynamodb.push(app.operations(Service::DynamoDb).len());
        kms_known += app.operations(Service::Kms).len();
    }
    app.start_counting();
    took(&mut function, &events.webhook(&app.someone(), 1)).await;
    let kms_new = app.operations(Service::Kms).len();
    function.stop().await;
    Calls { first_of_day: dynamodb[0], known: dynamodb[1], again: dynamodb[2], kms_known, kms_new }
}

/// CPU of the first random byte in a program, beside the same program without it.
fn first_random_byte(program: &Path, arguments: &[&str]) -> f64 {
    let cost = |what: &str| {
        let mut process = Command::new(program)
            .args(arguments)
            .arg(what)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut byte = [0];
        process.stdout.as_mut().expect("its output").read_exact(&mut byte).expect("it has done it");
        std::thread::sleep(Duration::from_millis(15));
        let cost = cpu_ms(process.id());
        drop(process.stdin.take());
        process.wait().expect("it ends");
        cost
    };
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        with.push(cost("fill"));
        without.push(cost("nothing"));
    }
    median(with) - median(without)
}

/// The other side of [`first_random_byte`], in this build.
fn probe(what: Option<&str>) {
    if what == Some("fill") {
        let random = aws_lc_rs::rand::SystemRandom::new();
        aws_lc_rs::rand::SecureRandom::fill(&random, &mut [0; 32]).expect("randomness");
    }
    let mut out = std::io::stdout();
    out.write_all(b".").and_then(|()| out.flush()).expect("somebody listens");
    std::io::stdin().read_to_end(&mut Vec::new()).expect("the end comes");
}

// ------------------------------------------------------------------------- the run

/// The environment of the usual handler: what Lambda sets, and three settings of its own.
fn usual_environment(app: &TestApp, cloud: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut environment = cloud.clone();
    environment.retain(|name, _| !name.starts_with("AZUKARI_") && name != aws::CA_BUNDLE);
    let secret = app.installation().channel_secret(CHANNEL, "channel_secret").expect("a secret");
    for (name, value) in
        [("TABLE_NAME", "vault"), ("CHANNEL_SECRET", secret), ("DATA_KEY", "0123456789abcdef0123456789abcdef")]
    {
        environment.insert(name.to_owned(), value.to_owned());
    }
    environment
}

fn with(environment: &BTreeMap<String, String>, changed: &[(&str, &Path)]) -> BTreeMap<String, String> {
    let changed = changed.iter().map(|(name, path)| ((*name).to_owned(), path.to_string_lossy().into_owned()));
    environment.clone().into_iter().chain(changed).collect()
}

async fn measure(builds: &Builds) -> String {
    let app = TestApp::new().await;
    let events = Events { app: &app, number: Cell::new(0) };
    let earlier = app.someone();
    app.advance(now() - DAY_MS - app.now());
    known(&events, &earlier).await;
    app.advance(now() - app.now());
    let mut people = Vec::new();
    for _ in 0..PEOPLE {
        let someone = app.someone();
        known(&events, &someone).await;
        people.push(someone);
    }

    let plain = Cloud::of(&app, Role::Webhook, Transport::Plain).await;
    let tls = Cloud::of(&app, Role::Webhook, Transport::Tls).await;
    let system = SYSTEM_ROOTS.iter().find_map(|path| std::fs::read_to_string(path).ok()).unwrap_or_default();
    let authorities = system.matches("-----BEGIN CERTIFICATE-----").count();
    let all = tls.trusted("system.pem", &system);
    let amazon = tls.trusted("amazon.pem", AMAZON_ROOTS);
    let (all, amazon) = (all.as_path(), amazon.as_path());

    let ours = |environment| Candidate { program: builds.bootstrap(), environment };
    let usual = |environment| Candidate { program: builds.usual("usual"), environment };
    let azukari_http = ours(plain.environment());
    let azukari_tls = ours(with(&tls.environment(), &[(aws::CA_BUNDLE, amazon), ("SSL_CERT_FILE", all)]));
    let azukari_all = ours(with(&tls.environment(), &[(aws::CA_BUNDLE, all), ("SSL_CERT_FILE", all)]));
    let usual_http = usual(usual_environment(&app, &plain.environment()));
    let usual_tls = usual(with(&usual_environment(&app, &tls.environment()), &[("SSL_CERT_FILE", all)]));
    let hello =
        Candidate { program: builds.usual("hello"), environment: usual_environment(&app, &plain.environment()) };
    let python = builds
        .python
        .clone()
        .map(|program| Candidate { program, environment: usual_environment(&app, &plain.environment()) });

    let calls = calls(&azukari_http, &events, &earlier, &people[0]).await;
    let cold = [&hello, &usual_http, &usual_tls, &azukari_http, &azukari_tls, &azukari_all];
    let cold = Cold::of(starts(&cold, &events, &people[0]).await);
    let azukari_warm = warm(&azukari_http, &events, &people).await;
    let usual_warm = warm(&usual_http, &events, &people).await;
    let python_warm = match &python {
        Some(python) => Some(warm(python, &events, &people).await),
        None => None,
    };
    let entropy_usual = first_random_byte(&builds.usual.join("entropy"), &[]);
    let own = std::env::current_exe().expect("this program is somewhere");
    let entropy_own = first_random_byte(&own, &[PROBE]);
    // The usual handler keeps people's ids in the clear: no search at the end.
    app.close();

    let mut report = Report::default();
    report.head(&machine());
    report.targets(&calls, &cold);
    report.warm(&azukari_warm, &usual_warm, python_warm.as_ref());
    report.size(builds.largest());
    report.line("| read units of a sweep for each erased item | `cargo bench -p azukari-tests --bench sweep` | | | the same ± 5 % | |");
    report.comparison(&usual_warm, python_warm.as_ref());
    report.spent(&cold);
    report.taken_out(&cold, authorities, entropy_usual, entropy_own);
    report.text
}

/// One person more who is known.
async fn known(events: &Events<'_>, someone: &Someone) {
    let app = events.app;
    let id = events.id();
    assert_eq!(app.hook_to(CHANNEL, &[someone.text(&id, app.now(), TEXT)]).await, 200);
    app.installation().refill().await.expect("the pool is filled");
}

struct Cold {
    hello: Start,
    usual_http: Start,
    usual_tls: Start,
    azukari_http: Start,
    azukari_tls: Start,
    azukari_all: Start,
}

impl Cold {
    fn of(starts: Vec<Start>) -> Self {
        let Ok([hello, usual_http, usual_tls, azukari_http, azukari_tls, azukari_all]) = <[Start; 6]>::try_from(starts)
        else {
            panic!("one for each candidate")
        };
        Self { hello, usual_http, usual_tls, azukari_http, azukari_tls, azukari_all }
    }
}

#[derive(Default)]
struct Report {
    text: String,
}

impl Report {
    fn line(&mut self, line: &str) {
        writeln!(self.text, "{line}").expect("a string takes it");
    }

    fn count(&mut self, what: &str, found: usize, target: usize) {
        self.limit(what, &found.to_string(), found <= target, &target.to_string());
    }

    fn limit(&mut self, what: &str, found: &str, holds: bool, target: &str) {
        self.line(&format!("| {what} | {found} | | | {target} | {} |", word(holds)));
    }

    fn ratio(&mut self, what: &str, ours: f64, against: f64, target: f64) {
        let ratio = ours / against;
        let holds = word(ratio <= target);
        self.line(&format!("| {what} | {ours:.2} | {against:.2} | {ratio:.2}× | ≤ {target}× | {holds} |"));
    }

    fn head(&mut self, machine: &str) {
        self.line(
            "# What a start and an event cost

Written by `cargo bench -p azukari-tests --bench start -- --write` (`tests/benches/start.rs`). The ratios of one run count; the
milliseconds belong to the machine. CPU is what the kernel keeps for each thread of the process.
",
        );
        self.line(&format!("- {machine}"));
        self.line(&format!("- {STARTS} starts of each kind in turns, medians; {WARM} warm events;"));
        self.line(&format!("  {MANY} webhooks with {EVENTS} events."));
        self.line(
            "- *The usual handler* (`tests/benches/usual`): `lambda_http` and the AWS SDK with their defaults. It checks the
  signature, encrypts each message with AES-256-GCM under one key, and puts one item.
- AWS is the in-process engine on the loopback interface; each service has an address and a TLS session of its own.
  Azukari fetches its secret at the start; the usual handler has its keys in the environment.

## Numbers to reach

| what | Azukari | against | ratio | target | |
|---|---|---|---|---|---|",
        );
    }

    fn targets(&mut self, calls: &Calls, cold: &Cold) {
        self.count("KMS calls on the way of an event, known people", calls.kms_known, 0);
        self.count("KMS calls on the way of an event, new person", calls.kms_new, 0);
        self.count("DynamoDB calls an event, known person", calls.known, 2);
        self.count("DynamoDB calls an event, within 30 s of the last", calls.again, 1);
        self.count("DynamoDB calls an event, first of a day", calls.first_of_day, 3);
        self.ratio("cold start over plain HTTP, CPU ms", cold.azukari_http.answered, cold.usual_http.answered, 1.0);
        self.ratio("cold start with TLS, CPU ms", cold.azukari_tls.answered, cold.usual_tls.answered, 0.5);
    }

    fn warm(&mut self, ours: &Warm, usual: &Warm, python: Option<&Warm>) {
        self.ratio("warm event, CPU ms", ours.same, usual.same, 1.3);
        self.ratio("warm event of somebody else each time (one more read), CPU ms", ours.other, usual.other, 1.3);
        match python {
            Some(python) => self.ratio("warm event against Python with boto3, CPU ms", ours.same, python.same, 0.3),
            None => self.line("| warm event against Python with boto3 | not measured: there is none | | | ≤ 0.3× | |"),
        }
        self.ratio(&format!("{EVENTS} events against one, CPU ms"), ours.many, ours.same, 20.0);
        let memory = ours.resident_mb;
        self.limit("resident memory, warm", &format!("{memory:.1} MB"), memory <= 20.0, "≤ 20 MB");
    }

    fn size(&mut self, largest: Option<(String, u64)>) {
        const LIMIT: u64 = 6_000_000;
        match largest {
            Some((function, zipped)) => {
                let what = format!("largest bootstrap, stripped and zipped ({function})");
                self.limit(&what, &format!("{zipped} bytes"), zipped <= LIMIT, "≤ 6,000,000 bytes");
            }
            None => self.line("| largest bootstrap, zipped | not measured: no zip | | | ≤ 6,000,000 bytes | |"),
        }
    }

    fn comparison(&mut self, usual: &Warm, python: Option<&Warm>) {
        let of = |warm: &Warm| {
            let many = warm.many / warm.same;
            format!("{:.1} MB resident, and {many:.1}× the CPU of one event for {EVENTS}", warm.resident_mb)
        };
        self.line(&format!("\nFor comparison, warm: the usual handler takes {}.", of(usual)));
        if let Some(python) = python {
            self.line(&format!("Python takes {}.", of(python)));
        }
    }

    fn spent(&mut self, cold: &Cold) {
        self.line(
            "
## Where the CPU of a start goes

| CPU ms | until the first event is asked for | until it is answered | against hello world |
|---|---|---|---|",
        );
        for (what, start) in [
            ("a bare hello world", &cold.hello),
            ("the usual handler, plain HTTP", &cold.usual_http),
            ("the usual handler, TLS", &cold.usual_tls),
            ("Azukari, plain HTTP", &cold.azukari_http),
            ("Azukari, TLS", &cold.azukari_tls),
            ("Azukari, TLS, trusting whom the system trusts", &cold.azukari_all),
        ] {
            let ratio = start.answered / cold.hello.answered;
            self.line(&format!("| {what} | {:.1} | {:.1} | {ratio:.1}× |", start.ready, start.answered));
        }
    }

    fn taken_out(&mut self, cold: &Cold, authorities: usize, entropy_usual: f64, entropy_own: f64) {
        self.line("\nTaken out, and what each is worth in this run:\n");
        let store = cold.azukari_all.answered - cold.azukari_tls.answered;
        self.line(&format!(
            "- **Trust store**: Amazon's five roots in place of the system's {authorities}: {store:.1} ms."
        ));
        self.line(&format!(
            "- **Entropy**: the first random byte costs {entropy_usual:.1} ms in AWS-LC as it comes and"
        ));
        self.line(&format!("  {entropy_own:.1} ms as it is built here (`.cargo/config.toml` says why that is sound)."));
        let (ours, usual) = (
            cold.azukari_tls.answered - cold.azukari_http.answered,
            cold.usual_tls.answered - cold.usual_http.answered,
        );
        self.line(&format!("- **TLS altogether**: {ours:.1} ms of a start of Azukari, which calls two services, and"));
        self.line(&format!("  {usual:.1} ms of one of the usual handler, which calls one."));
        let (ours, usual) = (cold.azukari_http.ready - cold.hello.ready, cold.usual_http.ready - cold.hello.ready);
        self.line(
            "- **Settings, configuration, credentials, clients**: until the first event is asked for, over plain HTTP,",
        );
        self.line(&format!(
            "  Azukari takes {ours:.1} ms more than a hello world, its secret included; the usual handler"
        ));
        self.line(&format!(
            "  {usual:.1} ms, with files of profiles, a chain of credentials and a look-up of the region."
        ));
        self.line("- **LINE's trust store** is that of the system and is read at the first call to LINE; no event here calls it.");
    }
}

fn word(holds: bool) -> &'static str {
    if holds { "holds" } else { "**missed**" }
}

fn machine() -> String {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or(": an unknown processor");
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let rustc = Command::new("rustc").arg("-V").output().map(|out| String::from_utf8_lossy(&out.stdout).into_owned());
    format!(
        "{}; {cores} cores; Linux {}; {}",
        model.trim_start_matches([' ', '\t', ':']),
        kernel.trim(),
        rustc.unwrap_or_default().trim()
    )
}
