//! Stories that are lived through and counted: what friends, operators and the schedules cause.

use std::collections::{BTreeMap, BTreeSet};

use axum::body::Body;
use azukari::{
    domain::time::{HOUR_MS, SECOND_MS},
    host::roles::Role,
    store::tables::Table,
};
use azukari_sweeper::Report;
use http::Request;
use serde_json::{Value, json};

use super::{
    meter::{Spent, Tally},
    rig::Rig,
    size,
};
use crate::{app::TestApp, line::Someone, operators};

/// How the work of a story reaches its function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// A request of its own, through the API.
    Request,
    /// An invocation of its own: by an operator, or by the schedule.
    Invocation,
    /// Done by a run that takes place anyway.
    Within,
}

/// What one occurrence of something costs.
#[derive(Debug, Clone, PartialEq)]
pub struct Story {
    /// By what it is found.
    pub id: &'static str,
    /// What happens.
    pub ja: &'static str,
    /// The same in English.
    pub en: &'static str,
    /// Which function does it.
    pub role: Role,
    /// How it gets there.
    pub way: Way,
    /// What it costs.
    pub spent: Spent,
    /// How many bytes are stored by it, and stay.
    pub bytes: f64,
}

/// Everything that was counted.
#[derive(Debug, Clone, PartialEq)]
pub struct Stories {
    /// The stories, in the order of the page.
    pub all: Vec<Story>,
    /// What loading the published configuration costs a function that has none, or one that is
    /// older than a minute.
    pub configuration: BTreeMap<Role, Spent>,
    /// Metrics that are written every minute, whatever happens.
    pub metrics_always: usize,
    /// Metrics that were written in any of the stories.
    pub metrics_seen: usize,
}

/// Pairs in the pool while people come: in each shard more than are looked at for one.
const POOL: usize = 192;

const MINUTE_MS: i64 = 60 * SECOND_MS;

/// Values that become due at once.
const DUE: usize = 50;

impl Stories {
    /// Lives through all of them. A full pool is one of this size.
    pub async fn told(pool_target: usize) -> Self {
        let mut told = Told::default();
        let rig = Rig::new(TestApp::of_seed(1).await);
        told.people(&rig).await;
        told.schedules(&rig, pool_target).await;
        told.due(&Rig::new(TestApp::with_files(&[("purposes.toml", &super::purposes("erase"))]).await)).await;
        Self {
            all: told.all,
            configuration: told.configuration,
            metrics_always: told.metrics_always,
            metrics_seen: told.metrics.len(),
        }
    }

    /// One of them.
    pub fn story(&self, id: &str) -> &Story {
        self.all.iter().find(|story| story.id == id).expect("a story of this id is told")
    }
}

/// What was told so far.
#[derive(Default)]
struct Told {
    all: Vec<Story>,
    configuration: BTreeMap<Role, Spent>,
    metrics_always: usize,
    metrics: BTreeSet<(&'static str, &'static str)>,
}

/// Id and words of a story.
type Words = (&'static str, &'static str, &'static str);

impl Told {
    fn tell(&mut self, (id, ja, en): Words, role: Role, way: Way, spent: Spent, bytes: f64) {
        self.all.push(Story { id, ja, en, role, way, spent, bytes });
    }

    /// A request to `webhook`, whose configuration is kept apart.
    fn tell_hook(&mut self, words: Words, tally: Tally, bytes: f64) {
        self.tell(words, Role::Webhook, Way::Request, tally.own, bytes);
    }

    fn spent(&self, id: &str) -> Spent {
        self.all.iter().find(|story| story.id == id).expect("it was told").spent.clone()
    }

    fn measured(&mut self, rig: &Rig) -> usize {
        let measured = rig.app().installation().metrics().take();
        self.metrics.extend(measured.iter().map(|one| (one.what, one.kind)));
        measured.len()
    }

    /// Somebody becomes a friend, agrees, writes, sends a form, is opened and is erased.
    async fn people(&mut self, rig: &Rig) {
        let app = rig.app();
        rig.refill(POOL).await;
        app.advance(30 * MINUTE_MS);
        settle(rig).await;
        app.advance(HOUR_MS);
        let (_, turn) = run(rig).await;
        let words = ("hour", "掃除の時の区切り", "the first minute of an hour of the sweeper");
        self.tell(words, Role::Sweeper, Way::Within, turn.clone(), 0.0);

        let (one, other) = (app.someone(), app.someone());
        // The first event of a process loads the configuration.
        let first = rig.hook("demo", &[other.follow(app.now())]).await;
        self.configuration.insert(Role::Webhook, first.configuration);
        // Written before they agree: due in a day, and then dated anew.
        let early = ["b1", "b2"].map(|id| other.text(id, app.now(), "こんにちは"));
        rig.hook("demo", &early).await;
        rig.hook("demo", &[app.answer(&other, app.now(), true)]).await;
        rig.refill(POOL).await;
        let before = size::stored(app);
        let follow = rig.hook("demo", &[one.follow(app.now())]).await;
        app.advance(40 * SECOND_MS);
        let consent = rig.hook("demo", &[app.answer(&one, app.now(), true)]).await;
        let missing = size::stored(app);
        let (pairs, refill) = rig.refill(POOL).await;
        assert_eq!(pairs, 1, "one pair was claimed");
        let (_, full) = rig.refill(POOL).await;
        let (person, pair) = (grown(app, before), grown(app, missing));
        self.tell_hook(("follow", "友だち追加（新しい方）", "a new friend"), follow, person);
        self.tell_hook(("consent", "同意", "agreeing"), consent, 0.0);
        let words = ("pair", "鍵の組を一つ作る", "making a key pair");
        self.tell(words, Role::Locksmith, Way::Within, refill.own.beyond(&full.own), pair);

        // It is 13:30 in Japan, and the minute in which the two are due is no first of an hour.
        app.advance(24 * HOUR_MS - 5 * MINUTE_MS);
        settle(rig).await;
        app.advance(5 * MINUTE_MS);
        let (report, spent) = run(rig).await;
        assert_eq!(report.redated, 2, "{report:?}");
        let redated = spent.times(0.5);
        app.advance(11 * HOUR_MS);
        settle(rig).await;
        let words = ("redated", "同意を受けた期限の付け直し", "a new due date after the consent");
        self.tell(words, Role::Sweeper, Way::Within, redated, 0.0);
        // The day before is sealed ten minutes after midnight.
        app.advance(20 * MINUTE_MS);
        settle(rig).await;

        self.messages(rig, &one).await;
        self.form(rig, &one).await;
        self.opening(rig, &one).await;
        self.erasure(rig, &one).await;
        self.measured(rig);
    }

    async fn messages(&mut self, rig: &Rig, one: &Someone) {
        let app = rig.app();
        let before = size::stored(app);
        let text = |id: &str| one.text(id, app.now(), "来週の土曜に予約できますか");
        let first = rig.hook("demo", &[text("9001")]).await;
        let message = grown(app, before);
        app.advance(31 * SECOND_MS);
        let later = rig.hook("demo", &[text("9002")]).await;
        let soon = rig.hook("demo", &[text("9003")]).await;
        self.tell_hook(("first", "その日の最初のメッセージ", "the first message of a day"), first, message);
        self.tell_hook(("message", "メッセージ", "a message"), later, message);
        self.tell_hook(("soon", "30秒以内の次のメッセージ", "another message within 30 seconds"), soon, message);
    }

    async fn form(&mut self, rig: &Rig, one: &Someone) {
        let app = rig.app();
        let page = Request::get("/forms/visit").body(Body::empty()).expect("a well formed request");
        let page = rig.request(page).await;
        self.configuration.insert(Role::Form, page.configuration.clone());
        let words = ("page", "フォームを開く", "opening a form");
        self.tell(words, Role::Form, Way::Request, page.own, 0.0);
        // The first time, LINE's keys for ID tokens are fetched.
        send_visit(rig, one).await;
        app.advance(31 * SECOND_MS);
        let before = size::stored(app);
        let sent = send_visit(rig, one).await;
        let words = ("form", "フォームの送信（来店の予約）", "sending a form (a visit)");
        self.tell(words, Role::Form, Way::Request, sent.own, grown(app, before));
    }

    async fn opening(&mut self, rig: &Rig, one: &Someone) {
        let request = operators::open("demo", &[one], &["text"], Some("chat"));
        // The first entry of a process begins a chain.
        let first = rig.open("officer", &request).await;
        self.configuration.insert(Role::Opener, first.configuration);
        let before = size::stored(rig.app());
        let opened = rig.open("officer", &request).await;
        let words = ("opening", "一人の開封", "opening one person");
        self.tell(words, Role::Opener, Way::Invocation, opened.own, grown(rig.app(), before));
    }

    async fn erasure(&mut self, rig: &Rig, one: &Someone) {
        let app = rig.app();
        let refused = rig.hook("demo", &[app.answer(one, app.now(), false)]).await;
        self.tell_hook(("refusal", "同意しない（消去の求め）", "not agreeing: an order to erase"), refused, 0.0);
        let mut spent = Spent::default();
        let mut persons = 0;
        // Cutting the look-up, the erasure after two minutes, and a look at the new mark.
        const RUNS: u8 = 3;
        for _ in 0..RUNS {
            let (report, sweep) = rig.sweep().await;
            persons += report.persons;
            spent = spent.plus(&sweep.own);
            app.advance(2 * MINUTE_MS);
        }
        assert_eq!(persons, 1, "they are erased");
        let (_, quiet) = rig.sweep().await;
        let erased = spent.beyond(&quiet.own.times(RUNS.into()));
        let words = ("erasure", "一人の消去（控えつき）", "erasing one person, with a receipt");
        self.tell(words, Role::Sweeper, Way::Within, erased, 0.0);
    }

    /// Minutes in which nothing happens, and the night.
    async fn schedules(&mut self, rig: &Rig, pool_target: usize) {
        let app = rig.app();
        settle(rig).await;
        self.measured(rig);
        let (_, sweep) = rig.sweep().await;
        self.tell(
            ("quiet", "掃除の一分（期限の来たものなし）", "a minute of the sweeper, with nothing due"),
            Role::Sweeper,
            Way::Invocation,
            sweep.own.clone(),
            0.0,
        );
        fill(app, pool_target);
        let before = size::stored(app);
        let (made, pool) = rig.refill(pool_target).await;
        assert_eq!((made, grown(app, before)), (0, 0.0), "the pool is full");
        self.tell(
            ("pool", "鍵の備えの一分（満ちているとき）", "a minute of the locksmith, with a full pool"),
            Role::Locksmith,
            Way::Invocation,
            pool.own,
            0.0,
        );
        self.metrics_always = self.measured(rig);
        // Over midnight in Japan, the day before is sealed, at the first minute of an hour.
        app.advance(24 * HOUR_MS);
        let before = size::stored(app);
        let (_, night) = run(rig).await;
        let words = ("day", "一日の締め（台帳の署名）", "sealing a day of the ledger");
        let night = night.beyond(&self.spent("hour"));
        self.tell(words, Role::Sweeper, Way::Within, night, grown(app, before));
        self.measured(rig);
    }

    /// Values whose days are over.
    async fn due(&mut self, rig: &Rig) {
        let app = rig.app();
        app.advance(30 * MINUTE_MS);
        let someone = app.someone();
        let texts: Vec<Value> = (0..DUE).map(|n| someone.text(&format!("{n:04}"), app.now(), "a")).collect();
        rig.hook("kept", &texts).await;
        app.advance(23 * HOUR_MS + 45 * MINUTE_MS);
        settle(rig).await;
        app.advance(30 * MINUTE_MS);
        let (report, spent) = run(rig).await;
        assert_eq!(report.erased, DUE as u64, "{report:?}");
        let each = spent.times(1.0 / DUE as f64);
        let words = ("due", "期限の来た一件の消去", "erasing one value that is due");
        self.tell(words, Role::Sweeper, Way::Within, each, 0.0);
        self.measured(rig);
    }
}

/// Sweeps until there is nothing left but an ordinary minute.
async fn settle(rig: &Rig) {
    rig.sweep().await;
    rig.sweep().await;
}

/// Runs the sweeper: what it has done, and what that costs beyond an ordinary minute.
async fn run(rig: &Rig) -> (Report, Spent) {
    let (report, sweep) = rig.sweep().await;
    let (_, quiet) = rig.sweep().await;
    (report, sweep.own.beyond(&quiet.own))
}

/// Bytes that are stored now and were not before.
fn grown(app: &TestApp, before: usize) -> f64 {
    size::stored(app) as f64 - before as f64
}

/// Sends the form `visit` with everything filled in.
async fn send_visit(rig: &Rig, one: &Someone) -> Tally {
    let app = rig.app();
    let body = json!({
        "notice": app.notice("visit").await,
        "answers": app.visit(),
        "consents": TestApp::visit_consents(),
        "step": "send",
    });
    let request = Request::post("/forms/visit")
        .header("content-type", "application/json")
        .header("authorization", format!("Bearer {}", app.id_token("demo", one)));
    rig.request(request.body(Body::from(body.to_string())).expect("a well formed request")).await
}

/// Fills the pool up to this number with copies of a pair of its own, past the functions: only
/// its level is read after this. Each has a signature of the greatest length.
fn fill(app: &TestApp, target: usize) {
    const SHARDS: usize = azukari::store::key::POOL_SHARDS as usize;
    let pooled = app.rows_of("pool");
    let mut longest = pooled.first().cloned().expect("there are pairs in the pool");
    longest["signature"] = json!({"B": "A".repeat(96)});
    let database = app.installation().dynamodb().database();
    for row in &pooled {
        let request = json!({"TableName": "vault", "Key": {"pk": row["pk"], "sk": row["sk"]}});
        database.delete_item(serde_json::from_value(request).expect("a delete")).expect("it is deleted");
    }
    let copy = |n: usize| {
        let mut row = longest.clone();
        row["pk"] = json!({"S": azukari::store::key::pool(u8::try_from(n % SHARDS).expect("a shard"))});
        row["sk"] = json!({"S": format!("{n:032x}")});
        serde_json::from_value(row).expect("an item")
    };
    let copies = (0..target).map(copy).collect();
    database.import_items(Table::Vault.as_str(), copies, Default::default()).expect("the rows are taken");
}
