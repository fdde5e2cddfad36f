//! An installation for one test.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{Router, body::Body};
use azukari::{
    domain::{
        consent::Answer,
        id::{ChannelName, LineUserId, SubjectId},
        time::UnixMs,
    },
    host::{
        clock::Clock,
        mint::{Mint, SystemMint},
        roles::Role,
    },
    line::signature,
    seal::index::IndexKey,
    store::{key, tables::Table},
};
use azukari_local::{
    clock::MovableClock,
    engine::wire::{Call, Service, Weather},
    installation::{Installation, Options},
};
use azukari_opener::Opener;
use azukari_sweeper::{Report, SweepError};
use base64::{Engine, engine::general_purpose::STANDARD};
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::{canary::Canaries, line::Someone, logging, witness};

/// When the tests' clock stands still: 2026-11-21T03:00:00Z, noon in Japan.
pub const NOON: i64 = 1_795_230_000_000;

/// Channels of the tests, one for each setting of `before_consent`.
pub const CHANNELS: [(&str, &str); 3] = [("demo", "keep_24h"), ("kept", "keep"), ("strict", "drop")];

/// Forms of the tests: those that are shipped.
pub const FORMS: [&str; 4] = ["trial-lesson", "visit", "health-check", "satisfaction"];

/// A form of every channel, `note-<channel>`: one answer, for the purpose `chat`.
const NOTE: &str = r#"
channel = "CHANNEL"
title = { ja = "ひとこと", en = "A note" }
description = { ja = "ひとことお書きください。", en = "Write a note." }
thanks = { ja = "ありがとうございます。", en = "Thank you." }

[[section]]
title = { ja = "ひとこと", en = "A note" }

[[section.field]]
name = "answer"
kind = "text"
label = { ja = "ひとこと", en = "A note" }
required = true
purpose = "chat"
"#;

/// Where the people's pages are.
pub const PUBLIC_URL: &str = "https://pages.azukari.test";

/// Key pairs in the pool of a test.
const POOL: usize = 24;

/// An installation with everything a test wants to ask of it.
pub struct TestApp {
    /// Absent only while the process is "down" in [`TestApp::restart`].
    installation: Option<Arc<Installation>>,
    router: Router,
    opener: Arc<Opener>,
    mint: Arc<dyn Mint>,
    folder: tempfile::TempDir,
    canaries: Mutex<Canaries>,
    heard: Mutex<Vec<u8>>,
}

/// An answer of a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpAnswer {
    /// HTTP status.
    pub status: u16,
    /// Body.
    pub body: String,
}

impl TestApp {
    /// An installation as it is after its first start.
    pub async fn new() -> Self {
        Self::with_files(&[]).await
    }

    /// The same, with some configuration files of the test's own.
    pub async fn with_files(files: &[(&str, &str)]) -> Self {
        Self::with_mint(files, Arc::new(SystemMint::new())).await
    }

    /// The same, with random ids from a seed, answering on one thread: everything in
    /// it happens in the same order in every run.
    pub async fn of_seed(seed: u64) -> Self {
        let app = Self::with_mint(&[], Arc::new(SeededMint::new(seed))).await;
        app.installation().wires().answer_inline();
        app
    }

    async fn with_mint(files: &[(&str, &str)], mint: Arc<dyn Mint>) -> Self {
        witness::listen();
        let folder = scratch();
        write_configuration(folder.path(), files);
        if files.is_empty() {
            copy_folder(&started().await.join("data"), &folder.path().join("data"));
        }
        let installation = Arc::new(installation(folder.path(), NOON, Arc::clone(&mint)).await);
        let (router, opener) = functions(&installation);
        let (canaries, heard) = (Mutex::default(), Mutex::default());
        Self { installation: Some(installation), router, opener, mint, folder, canaries, heard }
    }

    /// Ends the process and begins it again over the same folder. Time goes on where
    /// it was.
    pub async fn restart(&mut self) {
        let now = self.now();
        self.router = Router::new();
        self.installation = None;
        let installation = Arc::new(installation(self.folder.path(), now, Arc::clone(&self.mint)).await);
        (self.router, self.opener) = functions(&installation);
        self.installation = Some(installation);
    }

    /// A cold start of every function: nothing is remembered, and the opener begins a
    /// chain of its own.
    pub fn cold_start(&mut self) {
        (self.router, self.opener) = functions(self.installation());
    }

    /// A cold start with the time for calls to LINE that the functions really have.
    pub fn cold_start_in_a_hurry(&mut self) {
        (self.router, self.opener) = functions_within(self.installation(), None);
    }

    /// The opener function.
    pub fn opener(&self) -> &Opener {
        &self.opener
    }

    /// The installation itself.
    pub fn installation(&self) -> &Installation {
        self.installation.as_deref().expect("the process is up")
    }

    /// The installation, to be shared.
    pub fn shared(&self) -> Arc<Installation> {
        Arc::clone(self.installation.as_ref().expect("the process is up"))
    }

    /// The webhook function as a router.
    pub fn router(&self) -> Router {
        self.router.clone()
    }

    /// The folder with `config` and `data`.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Now.
    pub fn now(&self) -> i64 {
        self.installation().clock().now().get()
    }

    /// Moves the clock.
    pub fn advance(&self, ms: i64) {
        self.installation().clock().advance(ms);
    }

    /// Moves the clock by whole days.
    pub fn advance_days(&self, days: i64) {
        self.advance(days * 86_400_000);
    }

    // ------------------------------------------------------------- canaries

    /// A person nobody else is, whose LINE user id must not be found anywhere.
    pub fn someone(&self) -> Someone {
        let someone = Someone::numbered(unique());
        self.watch(&someone.0);
        someone
    }

    /// A rare text that must not be found anywhere.
    pub fn marker(&self, what: &str) -> String {
        // Letters alone: digits could be a number that the guard takes out.
        let rare: String = format!("{:016x}", unique() >> 64 ^ unique())
            .bytes()
            .map(|digit| char::from(digit + if digit.is_ascii_digit() { b'q' - b'0' } else { 0 }))
            .collect();
        self.watch(&rare);
        let marker = format!("{what}・金糸雀{rare}");
        self.watch(&marker);
        marker
    }

    /// Watches a value.
    pub fn watch(&self, value: &str) {
        self.canaries.lock().unwrap_or_else(PoisonError::into_inner).watch(value);
    }

    /// Fails if a canary is found in a file of the data folder, a log line, a panic,
    /// an answer or a metric.
    pub fn assert_nothing_in_the_clear(&self) {
        let found = self.found_in_the_clear();
        assert!(found.is_empty(), "plain text was left behind: {found:#?}");
    }

    /// Where canaries are found.
    pub fn found_in_the_clear(&self) -> Vec<String> {
        let mut sources = vec![
            ("what was said".to_owned(), witness::said()),
            ("answers".to_owned(), self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()),
            ("metrics".to_owned(), format!("{:?}", self.installation().metrics().snapshot()).into_bytes()),
        ];
        sources.extend(files(&self.folder.path().join("data")));
        self.canaries.lock().unwrap_or_else(PoisonError::into_inner).find_in(&sources)
    }

    /// Ends without the search for plain text, for who has done it already.
    pub fn close(self) {
        std::fs::remove_dir_all(self.folder.path().join("data")).unwrap_or_default();
    }

    // ----------------------------------------------------------------- LINE

    /// Sends events to the channel `demo`, signed as LINE signs them.
    pub async fn hook(&self, events: &[Value]) -> StatusCode {
        self.hook_to("demo", events).await
    }

    /// Sends events to a channel.
    pub async fn hook_to(&self, channel: &str, events: &[Value]) -> StatusCode {
        let (body, signature) = self.signed(channel, events);
        self.installation().line().heard(channel, &json!({ "events": events }));
        let answer = self.post(&format!("/webhook/{channel}"), Some(&signature), body).await;
        StatusCode::from_u16(answer.status).expect("a status")
    }

    /// The answer to the notice in force, as its buttons send it.
    pub fn answer(&self, someone: &Someone, at: i64, agreed: bool) -> Value {
        let shown = self.installation().published().policies["privacy"].clone();
        let data = Answer { agreed, shown, notice: None }.data();
        someone.postback(&format!("EA{at}{agreed}"), at, &data)
    }

    /// They agree, in a webhook of its own.
    pub async fn agree(&self, channel: &str, someone: &Someone, at: i64) {
        assert_eq!(self.hook_to(channel, &[self.answer(someone, at, true)]).await, 200);
    }

    /// A body and its signature.
    pub fn signed(&self, channel: &str, events: &[Value]) -> (Vec<u8>, String) {
        let destination = self.installation().channel_secret(channel, "bot_user_id").unwrap_or_default();
        let body = json!({ "destination": destination, "events": events }).to_string().into_bytes();
        let signature = self.signature(channel, &body);
        (body, signature)
    }

    /// The signature of a body.
    pub fn signature(&self, channel: &str, body: &[u8]) -> String {
        let secret = self.installation().channel_secret(channel, "channel_secret").unwrap_or_default();
        signature::sign(&azukari::domain::plain::Plain::new(secret.to_owned()), body)
    }

    /// Posts a body.
    pub async fn post(&self, path: &str, signature: Option<&str>, body: Vec<u8>) -> HttpAnswer {
        let mut request = Request::post(path).header("content-type", "application/json; charset=utf-8");
        if let Some(signature) = signature {
            request = request.header("X-Line-Signature", signature);
        }
        let request = request.body(Body::from(body)).expect("a well formed request");
        let response = self.router.clone().oneshot(request).await.expect("the router answers");
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.expect("the body ends").to_bytes();
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&body);
        HttpAnswer { status, body: String::from_utf8_lossy(&body).into_owned() }
    }

    // ---------------------------------------------------------------- tables

    /// Every row of a table.
    pub fn rows(&self, table: Table) -> Vec<Value> {
        self.installation().rows(table)
    }

    /// Rows of the vault of one kind.
    pub fn rows_of(&self, kind: &str) -> Vec<Value> {
        self.rows(Table::Vault).into_iter().filter(|row| row["kind"]["S"] == kind).collect()
    }

    /// Rows of one person.
    pub fn rows_of_person(&self, subject: SubjectId) -> Vec<Value> {
        let pk = key::subject(subject);
        self.rows(Table::Vault).into_iter().filter(|row| row["pk"]["S"] == pk.as_str()).collect()
    }

    /// Who somebody is in a channel, if they are known.
    pub fn subject(&self, channel: &str, someone: &Someone) -> Option<SubjectId> {
        let row = self.mapping(channel, someone)?;
        SubjectId::parse(row["subject"]["S"].as_str()?).ok()
    }

    /// The mapping row of somebody in a channel.
    pub fn mapping(&self, channel: &str, someone: &Someone) -> Option<Value> {
        let pk = self.mapping_key(channel, someone);
        self.rows(Table::Vault).into_iter().find(|row| row["pk"]["S"] == pk.as_str())
    }

    /// The partition of the mapping of somebody in a channel.
    pub fn mapping_key(&self, channel: &str, someone: &Someone) -> String {
        let channel = ChannelName::parse(channel).expect("a channel name");
        let user = LineUserId::parse(&someone.0).expect("a user id");
        key::mapping(&channel, &self.index_key().user(&channel, &user))
    }

    /// The index key of the installation.
    pub fn index_key(&self) -> IndexKey {
        let secrets = self.installation().secrets(Role::Webhook);
        let key = STANDARD.decode(secrets["keys"]["user_index"].as_str().expect("a key")).expect("base64");
        IndexKey::new(&key).expect("32 bytes")
    }

    // ----------------------------------------------------------------- sweep

    /// Sweeps once, as the schedule does.
    pub async fn sweep(&self) -> Result<Report, SweepError> {
        let deadline = azukari::host::deadline::Deadline::within(std::time::Duration::from_secs(600));
        self.installation().sweeper().expect("the secrets are complete").sweep(deadline, false).await
    }

    /// Sweeps until every erasure that has begun is done.
    pub async fn sweep_all(&self) -> Report {
        self.installation().sweep_now(false).await.expect("the sweep begins")
    }

    // ----------------------------------------------------------------- calls

    /// Sets the weather.
    pub fn weather(&self, weather: impl Weather + 'static) {
        self.installation().wires().set_weather(Arc::new(weather));
    }

    /// Counts calls from here on.
    pub fn start_counting(&self) {
        self.installation().wires().start_ledger();
    }

    /// The calls since then.
    pub fn calls(&self) -> Vec<Call> {
        self.installation().wires().calls()
    }

    /// The operations since then, of one service, sorted, leaving out what loads
    /// published configuration.
    pub fn operations(&self, service: Service) -> Vec<String> {
        let calls = self.calls();
        let counted = calls
            .iter()
            .filter(|call| call.service == service && !call.touches.iter().any(|touch| touch.partition == "P#"));
        let mut operations: Vec<String> = counted.map(|call| call.operation.clone()).collect();
        operations.sort();
        operations
    }
}

/// Every story ends with the search for plain text, and with a look at what was logged and
/// measured: nothing but what `LOGGING.md` lists.
impl Drop for TestApp {
    fn drop(&mut self) {
        if !std::thread::panicking() && self.folder.path().join("data").exists() {
            self.assert_nothing_in_the_clear();
            let strays = logging::strays();
            assert!(strays.is_empty(), "lines that LOGGING.md does not list: {strays:#?}");
            let unlisted = logging::unlisted(&self.installation().metrics().snapshot());
            assert!(unlisted.is_empty(), "metrics that LOGGING.md does not list: {unlisted:?}");
        }
    }
}

/// A number that no other call in this process gives, and hardly one in another.
pub fn unique() -> u128 {
    static COUNTER: AtomicU64 = AtomicU64::new(1);
    let mut random = [0; 16];
    aws_lc_rs::rand::SecureRandom::fill(&aws_lc_rs::rand::SystemRandom::new(), &mut random).expect("randomness");
    u128::from_be_bytes(random) ^ u128::from(COUNTER.fetch_add(1, Ordering::Relaxed))
}

/// A folder of its own, in memory where the system offers that.
pub fn scratch() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let in_memory = if memory.is_dir() { tempfile::tempdir_in(memory).ok() } else { None };
    in_memory.unwrap_or_else(|| tempfile::tempdir().expect("a temporary folder"))
}

/// Random values that are the same for the same seed.
struct SeededMint(Mutex<fastrand::Rng>);

impl SeededMint {
    fn new(seed: u64) -> Self {
        Self(Mutex::new(fastrand::Rng::with_seed(seed)))
    }
}

impl Mint for SeededMint {
    fn fill(&self, bytes: &mut [u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).fill(bytes);
    }
}

async fn installation(folder: &Path, at: i64, mint: Arc<dyn Mint>) -> Installation {
    let options = Options { data_dir: folder.join("data"), config_dir: folder.join("config"), pool_target: POOL };
    let clock = Arc::new(MovableClock::frozen(UnixMs::new(at)));
    Installation::open_with(options, clock, mint).await.expect("the installation opens")
}

/// However busy the machine is, the functions have time to call LINE.
const PATIENCE: Duration = Duration::from_secs(60);

fn functions(installation: &Installation) -> (Router, Arc<Opener>) {
    functions_within(installation, Some(PATIENCE))
}

fn functions_within(installation: &Installation, line_budget: Option<Duration>) -> (Router, Arc<Opener>) {
    let webhook = installation.webhook(PUBLIC_URL).expect("the secrets are complete");
    let webhook = match line_budget {
        Some(budget) => webhook.with_line_budget(budget),
        None => webhook,
    };
    let form = installation.form(PUBLIC_URL).expect("the secrets are complete");
    let link = installation.link(PUBLIC_URL).expect("the secrets are complete");
    let router = azukari_webhook::router(Arc::new(webhook))
        .merge(azukari_form::router(Arc::new(form)))
        .merge(azukari_link::router(Arc::new(link)));
    (router, Arc::new(installation.opener().expect("the secrets are complete")))
}

/// The data folder of an installation right after its first start, made once: the
/// tests begin with a copy.
async fn started() -> PathBuf {
    static STARTED: OnceLock<tempfile::TempDir> = OnceLock::new();
    static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    let _alone = ALONE.lock().await;
    if let Some(folder) = STARTED.get() {
        return folder.path().to_owned();
    }
    let folder = scratch();
    write_configuration(folder.path(), &[]);
    drop(installation(folder.path(), NOON, Arc::new(SeededMint::new(0))).await);
    STARTED.get_or_init(|| folder).path().to_owned()
}

/// Every file of a folder and of those in it.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the folder is there").flatten() {
        if entry.path().is_dir() {
            found.extend(files(&entry.path()));
        } else {
            let bytes = std::fs::read(entry.path()).unwrap_or_default();
            found.push((entry.file_name().to_string_lossy().into_owned(), bytes));
        }
    }
    found
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder").flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("a copy");
        }
    }
}

/// The shipped configuration, with one channel for each setting of `before_consent`.
fn write_configuration(folder: &Path, files: &[(&str, &str)]) {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra/config");
    let config = folder.join("config");
    let read = |name: &str| std::fs::read_to_string(shipped.join(name)).expect("the shipped configuration is there");
    let write = |name: &str, text: &str| {
        let path = config.join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    };
    for name in ["purposes.toml", "policies/privacy/policy.toml", "policies/privacy/ja.md", "policies/privacy/en.md"] {
        write(name, &read(name));
    }
    let channel = read("channels/demo.toml");
    // Forms and keywords belong to the first; a form in the notice has stories of its own.
    let channel = channel.replace("\ngreeting_form", "\n# greeting_form");
    let (rules, keywords) = channel.split_once("[[keyword]]").expect("the shipped channel has keywords");
    for (name, rule) in CHANNELS {
        let text = rules.replace("before_consent = \"keep_24h\"", &format!("before_consent = \"{rule}\""));
        let keywords = if name == "demo" { format!("[[keyword]]{keywords}") } else { String::new() };
        write(&format!("channels/{name}.toml"), &(text + &keywords));
        write(&format!("forms/note-{name}.toml"), &NOTE.replace("CHANNEL", name));
    }
    for name in FORMS {
        write(&format!("forms/{name}.toml"), &read(&format!("forms/{name}.toml")));
    }
    write("operators.toml", &crate::operators::configuration());
    for (name, text) in files {
        write(name, text);
    }
}
