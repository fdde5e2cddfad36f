//! The installation and its functions, driven by a plan and compared with the model
//! after every action.

mod links;
mod proofs;
mod rights;

use std::collections::{BTreeMap, BTreeSet};

use azukari::{
    domain::{
        consent::{Answer, Said},
        erasure::Ground,
        id::{LineItemId, SubjectId},
        order::EventOrder,
        person::Standing,
        time::UnixMs,
    },
    host::roles::Role,
    keys::evidence::EvidenceKey,
    store::{
        consent::Notice,
        ledger::{self, Head, Range},
        order::EraseOrder,
        tables::Table,
    },
};
use azukari_local::engine::wire::Calm;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::{
    app::TestApp,
    bad_days::{
        Broken, Tally,
        model::{Model, Sent},
        plan::{Action, Bad, CHANNELS, Event, EventKind, PEOPLE, PURPOSES, Plan, Rule, Who},
        weather::{Storm, killed_after},
    },
    line::{Someone, redelivered},
    operators::open,
    witness,
};

const DAY: i64 = 86_400_000;
/// A card number as somebody writes it, and what may be kept of it.
const CARD: &str = " 4242-4242-4242-4242";
const CARD_MASKED: &str = " ****4242";

struct World {
    seed: u64,
    /// How much this process had said when this day began.
    said_before: usize,
    app: TestApp,
    /// By how much the clock has gone back, in all.
    gone_back: i64,
    model: Model,
    people: Vec<Someone>,
    tally: Tally,
    /// How often each person was opened with an answer: there must be as many entries.
    answered: BTreeMap<String, usize>,
    /// How many notices of which policy version LINE has taken for whom.
    notices: BTreeMap<(Who, String), usize>,
    /// Of how many things that were sent the notices are counted.
    counted: usize,
    /// Webhooks that were delivered, to be delivered again.
    past: Vec<Past>,
    /// Receipts that somebody was led to, by their ids.
    receipts: BTreeSet<String>,
    /// Everybody who was ever known, by the id of the product.
    subjects: BTreeSet<String>,
    /// Whose webhooks did not always come in calm weather: their notices may come twice.
    stormy: BTreeSet<Who>,
}

/// A webhook that was delivered.
#[derive(Clone)]
struct Past {
    /// When it was delivered first.
    at: i64,
    channel: usize,
    sent: Vec<(Who, Event, Sent)>,
    bodies: Vec<Value>,
}

pub(super) async fn live(plan: &Plan) -> Result<Tally, Broken> {
    let mut app = TestApp::of_seed(plan.seed).await;
    if plan.rule != Rule::default() {
        keep_buttons(&mut app, plan.rule).await;
    }
    let people: Vec<Someone> =
        (0..PEOPLE).map(|n| Someone::numbered(u128::from(plan.seed) << 64 | 0xbad0_0000 | n as u128)).collect();
    for someone in &people {
        app.watch(&someone.0);
    }
    let mut world = World {
        seed: plan.seed,
        said_before: witness::said().len(),
        app,
        gone_back: 0,
        model: Model::new(plan.rule),
        people,
        tally: Tally::default(),
        answered: BTreeMap::new(),
        notices: BTreeMap::new(),
        counted: 0,
        past: Vec::new(),
        receipts: BTreeSet::new(),
        subjects: BTreeSet::new(),
        stormy: BTreeSet::new(),
    };
    let mut result = Ok(());
    for (number, action) in &plan.actions {
        result = world.act(*number, action).await.map_err(|what| Broken { action: *number, what });
        if result.is_err() {
            break;
        }
    }
    if result.is_ok() {
        result = world.end().await.map_err(|what| Broken { action: usize::MAX, what });
    }
    // The search of plain text has been done; a second one would panic.
    world.app.close();
    result.map(|()| world.tally)
}

/// Publishes another rule for what people do with buttons.
async fn keep_buttons(app: &mut TestApp, Rule { counted, after_unfollow }: Rule) {
    let path = app.folder().join("config/purposes.toml");
    let text = std::fs::read_to_string(&path).expect("the configuration is there");
    let shipped = "retention = { after = \"collected\", days = 30 }\nthen = \"erase\"";
    assert!(text.contains(shipped), "buttons are kept for 30 days");
    let after = if after_unfollow { "unfollow" } else { "collected" };
    let then = if counted { "anonymise" } else { "erase" };
    let own = format!("retention = {{ after = \"{after}\", days = 30 }}\nthen = \"{then}\"");
    std::fs::write(path, text.replacen(shipped, &own, 1)).expect("a file");
    app.restart().await;
    app.installation().wires().answer_inline();
}

fn everybody() -> impl Iterator<Item = Who> {
    (0..CHANNELS.len()).flat_map(|channel| (0..PEOPLE).map(move |person| Who { channel, person }))
}

impl World {
    async fn act(&mut self, number: usize, action: &Action) -> Result<(), String> {
        self.tally.count("actions", 1);
        match action {
            Action::Webhook { channel, events, bad, deliveries, stops_when_taken } => {
                self.webhook(number, *channel, events, *bad, *deliveries, *stops_when_taken).await;
            }
            Action::Said { who, purpose, given } => self.said(*who, *purpose, *given).await,
            Action::Submission { who, bad } => self.submission(number, *who, *bad).await,
            Action::Link { who, link, bad } => self.link(number, *who, *link, *bad).await?,
            Action::Erase { who, ago } => self.erase(number, *who, *ago).await,
            Action::EraseByOperator { who, bad } => self.erase_by_operator(*who, *bad).await?,
            Action::Late(which) => self.late(*which).await,
            Action::Sweep(bad) => self.sweep(*bad).await,
            Action::Refill(bad) => self.refill(*bad).await,
            Action::Clock(ms) => {
                if *ms > 0 || !self.model.anybody_closing() {
                    self.app.advance(*ms);
                    self.gone_back += (-*ms).max(0);
                }
            }
            Action::Open { who, officer, bad } => self.open(*who, *officer, *bad).await?,
            Action::ColdStart => self.app.cold_start(),
            Action::Restart(days) => self.restart(*days).await,
        }
        self.note_subjects();
        // Proofs are looked at now and then, and at the end.
        if number % 12 == 5 {
            self.proofs_hold()?;
        }
        // Somebody is looked at after every action, everybody at the end.
        let n = number.wrapping_mul(7) % (CHANNELS.len() * PEOPLE);
        self.compare(Who { channel: n % CHANNELS.len(), person: n / CHANNELS.len() }).await
    }

    // ------------------------------------------------------------------ actions

    async fn webhook(
        &mut self,
        number: usize,
        channel: usize,
        events: &[Event],
        bad: Bad,
        deliveries: u8,
        stops_when_taken: bool,
    ) {
        let now = self.app.now();
        let mut sent = Vec::new();
        let mut bodies = Vec::new();
        for (n, event) in events.iter().enumerate() {
            let someone = self.people[event.person].clone();
            let at = now - event.ago;
            let who = Who { channel, person: event.person };
            let id = format!("{number}x{n}");
            let content = self.content(&id);
            let (row, body) = match event.kind {
                EventKind::Text => (format!("R#m{id}"), someone.text(&format!("m{id}"), at, &content)),
                EventKind::Card => {
                    self.app.watch(CARD);
                    let text = someone.text(&format!("m{id}"), at, &format!("{content}{CARD}"));
                    (format!("R#m{id}"), text)
                }
                EventKind::Huge => (String::new(), someone.text(&format!("h{id}"), at, &"大".repeat(150_000))),
                EventKind::Postback => (format!("R#p{id}"), someone.postback(&format!("p{id}"), at, &content)),
                EventKind::Unsend(back) => {
                    let texts = self.model.texts(who);
                    let Some(row) = texts.iter().rev().nth(back).cloned() else { continue };
                    let body = someone.unsend(row.trim_start_matches("R#"), at);
                    (row, body)
                }
                EventKind::Follow => (String::new(), someone.follow(at)),
                EventKind::Unfollow => (String::new(), someone.unfollow(at)),
                EventKind::Agree { first } => (String::new(), self.answer(&someone, &id, at, true, first)),
                EventKind::Refuse => (String::new(), self.answer(&someone, &id, at, false, false)),
                EventKind::EraseAll { .. } | EventKind::Withdraw { .. } => {
                    (String::new(), self.wish(&someone, &id, at, event.kind))
                }
            };
            let mut body = body;
            if body.get("replyToken").is_some() {
                body["replyToken"] = Value::from(format!("t{id}"));
            }
            // What the guard leaves of it.
            let content = if event.kind == EventKind::Card { format!("{content}{CARD_MASKED}") } else { content };
            let event_id = body["webhookEventId"].as_str().unwrap_or_default().to_owned();
            sent.push((who, event, Sent { id: event_id, row, content, at }));
            bodies.push(body);
        }
        if bodies.is_empty() {
            return;
        }
        let owned = sent.iter().map(|(who, event, sent)| (*who, (*event).clone(), sent.clone())).collect();
        self.past.push(Past { at: now, channel, sent: owned, bodies: bodies.clone() });
        for delivery in 0..deliveries {
            let bad = if delivery == 0 { bad } else { Bad::default() };
            let events = if delivery == 0 { bodies.clone() } else { redelivered(&bodies) };
            let taken = self.deliver(CHANNELS[channel], &events, bad).await;
            self.tally.count(if taken { "webhooks taken" } else { "webhooks not taken" }, 1);
            let whose: BTreeSet<Who> = sent.iter().map(|(who, ..)| *who).collect();
            for who in whose {
                let own: Vec<(&Event, &Sent)> =
                    sent.iter().filter(|(of, ..)| *of == who).map(|(_, event, sent)| (*event, sent)).collect();
                self.model.delivered(who, &own, taken, now);
                if bad.rate > 0 || bad.killed_after.is_some() {
                    self.stormy.insert(who);
                }
            }
            self.count_notices();
            if taken && stops_when_taken {
                return;
            }
        }
    }

    /// The button of a notice: of the policy in force, or of its first version.
    fn answer(&self, someone: &Someone, id: &str, at: i64, agreed: bool, first: bool) -> Value {
        let mut shown = self.app.installation().published().policies["privacy"].clone();
        if first {
            shown.version = 1;
        }
        someone.postback(&format!("a{id}"), at, &Answer { agreed, shown, notice: None }.data())
    }

    /// Counts the notices that LINE has taken since the last time.
    fn count_notices(&mut self) {
        let sent = self.app.installation().line().sent();
        for sent in sent.iter().skip(self.counted) {
            self.receipts.extend(sent.messages.iter().flat_map(rights::receipts_in));
            let channel = CHANNELS.iter().position(|channel| *channel == sent.channel);
            let person = self.people.iter().position(|someone| someone.0 == sent.to);
            let (Some(channel), Some(person)) = (channel, person) else { continue };
            let text = |message: &&Value| message["text"].as_str().is_some_and(|text| text.contains("/policy/"));
            let Some(_notice) = sent.messages.iter().find(text) else { continue };
            let data = sent.messages.iter().find_map(|message| message["template"]["actions"][0]["data"].as_str());
            let version = data.and_then(|data| data.split(':').nth(2)).unwrap_or_default().to_owned();
            *self.notices.entry((Who { channel, person }, version)).or_default() += 1;
            self.tally.count("notices", 1);
        }
        self.counted = sent.len();
    }

    /// Nobody is told the same twice, but for who was new again, or whose function was
    /// hindered; strangers under `drop`, and who has taken a consent back, are told with
    /// everything that is not kept.
    fn notices_come_once(&self) -> Result<(), String> {
        for ((who, version), n) in &self.notices {
            let new_again = self.model.ever_erased(*who);
            let not_kept = self.model.ever_withdrew(*who) || CHANNELS[who.channel] == "strict";
            let once = !self.stormy.contains(who) && !new_again && !not_kept;
            if once && *n > 1 {
                return Err(format!("{who:?} was shown the notice of {version} {n} times"));
            }
        }
        Ok(())
    }

    /// A content that is nobody else's, and watched: no plain text of it may be found.
    fn content(&self, id: &str) -> String {
        let rare = format!("bd{:06x}{id}", self.seed);
        self.app.watch(&rare);
        format!("語{rare}終")
    }

    async fn deliver(&mut self, channel: &str, events: &[Value], bad: Bad) -> bool {
        self.app.weather(Storm::of(bad));
        let wires = self.app.shared();
        let status = tokio::select! {
            biased;
            () = wires.wires().death() => None,
            status = killed_after(bad.killed_after, self.app.hook_to(channel, events)) => status,
        };
        self.app.weather(Calm);
        if status.is_none() {
            self.tally.count("functions killed", 1);
            self.app.cold_start();
        }
        status.is_some_and(|status| status == 200)
    }

    /// Who somebody is, as the product knows them.
    async fn subject(&self, who: Who) -> Option<SubjectId> {
        let vault = self.app.installation().vault_as(Role::Opener).expect("the secrets are complete");
        let pk = self.app.mapping_key(CHANNELS[who.channel], &self.people[who.person]);
        match vault.mapping(&pk, UnixMs::new(self.app.now())).await.expect("calm weather").standing {
            Standing::Known(person) => Some(person.key.subject),
            Standing::Absent | Standing::Erased { .. } => None,
        }
    }

    async fn said(&mut self, who: Who, purpose: usize, given: bool) {
        if self.model.closing(who) {
            return;
        }
        let Some(subject) = self.subject(who).await else { return };
        let installation = self.app.installation();
        let vault = installation.vault_as(Role::Sweeper).expect("the secrets are complete");
        let said = if given { Said::Given } else { Said::Withdrawn };
        let purpose_id = &installation.published().purposes[PURPOSES[purpose]].id;
        let id = LineItemId::parse(&format!("said{}", self.app.now())).expect("an id");
        let order = EventOrder { at: UnixMs::new(self.app.now()), event: id };
        let at = order.clone();
        let notice = Notice { shown: "p.1".to_owned(), digest: None };
        let outcome = vault.put_consent(subject, purpose_id, said, &notice, &order).await.expect("calm weather");
        // Twice in the same millisecond: the first counts.
        if outcome == azukari::store::Outcome::Written {
            self.model.said(who, purpose, given, (at.at.get(), at.event.as_str().to_owned()));
        }
    }

    /// Sends a form through the page's own way, first in bad weather, and then until it is
    /// taken: whatever has failed, it is stored once.
    async fn submission(&mut self, number: usize, who: Who, bad: Bad) {
        if self.model.closing(who) || self.subject(who).await.is_none() {
            return;
        }
        let (channel, someone) = (CHANNELS[who.channel], self.people[who.person].clone());
        let form = format!("note-{channel}");
        let content = self.content(&format!("s{number}"));
        let notice = self.app.notice(&form).await;
        let claims = notice.split('.').next().and_then(|claims| URL_SAFE_NO_PAD.decode(claims).ok());
        let claims: Value = serde_json::from_slice(&claims.unwrap_or_default()).expect("a notice of ours");
        let id = claims["i"].as_str().expect("an id").to_owned();
        let token = self.app.id_token(channel, &someone);
        let body = json!({
            "notice": notice, "answers": {"answer": content}, "consents": {"chat": true, "contact": true}, "step": "send",
        });
        self.app.weather(Storm::of(bad));
        let wires = self.app.shared();
        let page = tokio::select! {
            biased;
            () = wires.wires().death() => None,
            page = killed_after(bad.killed_after, self.app.send_json(&form, Some(&token), &body)) => page,
        };
        self.app.weather(Calm);
        if page.is_none() {
            self.tally.count("functions killed", 1);
            self.app.cold_start();
        }
        if page.is_none_or(|page| page.status != 200) {
            self.tally.count("forms sent again", 1);
            let page = self.app.send_json(&form, Some(&token), &body).await;
            assert_eq!(page.status, 200, "in calm weather a form is taken: {}", page.text);
        }
        self.tally.count("forms", 1);
        self.model.submitted(who, &format!("F#{id}"), &content, self.app.now());
    }

    async fn erase(&mut self, number: usize, who: Who, ago: i64) {
        let Some(subject) = self.subject(who).await else { return };
        let now = self.app.now();
        let as_of = now - ago;
        let order =
            EraseOrder { subject, id: format!("sim{number}"), ground: Ground::Asked, as_of: UnixMs::new(as_of) };
        let vault = self.app.installation().vault_as(Role::Sweeper).expect("the secrets are complete");
        vault.put_erase_order(&order, UnixMs::new(now)).await.expect("calm weather");
        self.model.erase_ordered(who, as_of);
        self.tally.count("orders to erase", 1);
    }

    async fn sweep(&mut self, bad: Bad) {
        self.app.weather(Storm::of(bad));
        let installation = self.app.shared();
        let report = tokio::select! {
            biased;
            () = installation.wires().death() => None,
            report = killed_after(bad.killed_after, self.app.sweep()) => report.and_then(Result::ok),
        };
        self.app.weather(Calm);
        let clean = report.is_some_and(|report| report.failed == 0 && report.complete);
        self.tally.count(if clean { "sweeps done" } else { "sweeps broken off" }, 1);
        self.model.swept(self.app.now(), clean);
    }

    async fn refill(&mut self, bad: Bad) {
        self.app.weather(Storm::of(bad));
        let installation = self.app.shared();
        tokio::select! {
            biased;
            () = installation.wires().death() => {}
            _ = killed_after(bad.killed_after, installation.refill()) => {}
        }
        self.app.weather(Calm);
    }

    async fn restart(&mut self, days: Option<u16>) {
        if let Some(days) = days {
            let path = self.app.folder().join("config/purposes.toml");
            let text = std::fs::read_to_string(&path).expect("the configuration is there");
            let (before, after) = text.split_once("days = ").expect("the first purpose is chat");
            let after = after.trim_start_matches(|c: char| c.is_ascii_digit());
            std::fs::write(path, format!("{before}days = {days}{after}")).expect("a file");
            self.model.retention(days);
        }
        self.count_notices();
        self.app.restart().await;
        // The new phone of LINE has forgotten what was sent.
        self.counted = 0;
        self.app.installation().wires().answer_inline();
    }

    async fn open(&mut self, who: Who, officer: bool, bad: Bad) -> Result<(), String> {
        let (operator, purpose) = if officer { ("officer", None) } else { ("desk", Some("chat")) };
        let request = open(CHANNELS[who.channel], &[&self.people[who.person]], &["*"], purpose);
        let assertion = self.app.assertion(operator, &request);
        self.app.weather(Storm::of(bad));
        let installation = self.app.shared();
        let answer = tokio::select! {
            biased;
            () = installation.wires().death() => None,
            answer = killed_after(bad.killed_after, self.app.invoke(&assertion)) => answer,
        };
        self.app.weather(Calm);
        let Some(answer) = answer else {
            self.tally.count("openings killed", 1);
            self.app.cold_start();
            return Ok(());
        };
        self.tally.count("openings", 1);
        let person = &answer["people"][0];
        self.note_answer(person);
        let shown = shown(person)?;
        let expected = self.model.expected(who, officer, self.app.now());
        for row in shown.keys() {
            if expected.must_not.contains(row) {
                return Err(format!("{who:?}: {row} was shown and must not be"));
            }
            if !expected.must.contains_key(row) && !expected.may.contains_key(row) {
                return Err(format!("{who:?}: {row} was shown and is not for this purpose, or nobody sent it"));
            }
        }
        // What was taken once is not taken again.
        let again = self.app.invoke(&assertion).await;
        let used = answer.get("error").is_none();
        if used && again["error"]["code"] != "replayed" && again["error"]["code"] != "expired" {
            return Err(format!("{who:?}: an assertion was taken twice"));
        }
        self.note_answer(&again["people"][0]);
        Ok(())
    }

    fn note_answer(&mut self, person: &Value) {
        if let (true, Some(id)) = (person["status"] == "opened", person["person"].as_str()) {
            *self.answered.entry(id.to_owned()).or_default() += 1;
        }
    }

    // --------------------------------------------------------------- comparison

    async fn compare(&mut self, who: Who) -> Result<(), String> {
        let request = open(CHANNELS[who.channel], &[&self.people[who.person]], &["*"], None);
        let answer = self.app.ask("officer", &request).await;
        let person = &answer["people"][0];
        self.note_answer(person);
        if !matches!(person["status"].as_str(), Some("opened" | "refused" | "not_found")) {
            return Err(format!("{who:?}: in calm weather: {}", answer["error"]["code"]));
        }
        if person["bad"].as_object().is_some_and(|bad| !bad.is_empty()) {
            return Err(format!("{who:?}: rows that cannot be used: {}", person["bad"]));
        }
        let shown = shown(person)?;
        let expected = self.model.expected(who, true, self.app.now());
        for (row, content) in &expected.must {
            match shown.get(row) {
                None => return Err(format!("{who:?}: {row} must be readable and is not ({})", person["status"])),
                Some(found) if found != content => return Err(format!("{who:?}: {row} has another content")),
                Some(_) => {}
            }
        }
        for (row, found) in &shown {
            if expected.must_not.contains(row) {
                return Err(format!("{who:?}: {row} must be gone and is readable"));
            }
            let known = expected.must.get(row).or(expected.may.get(row));
            if known != Some(found) {
                return Err(format!("{who:?}: {row} is readable and nobody has sent it"));
            }
        }
        self.tally.count("values that must be readable", expected.must.len());
        self.tally.count("values that may be", expected.may.len());
        self.tally.count("values that must not be", expected.must_not.len());
        Ok(())
    }

    /// The storm is over: everything under way ends, and every promise is looked at.
    async fn end(&mut self) -> Result<(), String> {
        for who in everybody() {
            self.compare(who).await?;
        }
        // What was put into the slot of an hour to come, because the clock has gone back
        // since, is found when that hour comes.
        self.app.advance(self.gone_back);
        for _ in 0..4 {
            self.sweep(Bad::default()).await;
            self.app.advance(121_000);
        }
        for who in everybody() {
            self.compare(who).await?;
        }
        let now = self.app.now();
        let rows = self.app.rows(Table::Vault);
        let number = |row: &Value, name: &str| row[name]["N"].as_str().and_then(|n| n.parse::<i64>().ok());
        for row in &rows {
            let kind = row["kind"]["S"].as_str().unwrap_or_default();
            // The clock has moved on since the last sweep by less than this.
            if number(row, "due_at").is_some_and(|due| due <= now - 121_000) {
                return Err(format!("a row of kind {kind} is overdue"));
            }
            if ["hold", "order"].contains(&kind) {
                return Err(format!("a row of kind {kind} is left after everything has ended"));
            }
        }
        self.keys_are_whole(&rows)?;
        self.nobody_gone_is_left(&rows)?;
        self.counters_fit(&rows)?;
        self.links_are_whole()?;
        self.notices_come_once()?;
        self.proofs_hold()?;
        self.receipts_are_done()?;
        self.ledger_is_whole()?;
        let found = self.app.found_in_the_clear();
        if !found.is_empty() {
            return Err(format!("plain text was left behind: {found:?}"));
        }
        self.tally.count("days of the simulated clock", usize::try_from((now - crate::app::NOON) / DAY).unwrap_or(0));
        Ok(())
    }

    /// Everybody who is known has one key, and nobody else has one but the pool and
    /// what a killed locksmith has left.
    fn keys_are_whole(&self, rows: &[Value]) -> Result<(), String> {
        let keys: BTreeSet<String> =
            self.app.rows(Table::Keys).iter().filter_map(|row| row["pk"]["S"].as_str().map(str::to_owned)).collect();
        for row in rows.iter().filter(|row| row["kind"]["S"] == "mapping" || row["kind"]["S"] == "pool") {
            let subject = row["subject"]["S"].as_str().or(row["sk"]["S"].as_str()).unwrap_or_default();
            if !keys.contains(subject) {
                return Err("somebody is known, or waits in the pool, without a key".to_owned());
            }
        }
        Ok(())
    }

    fn ledger_is_whole(&mut self) -> Result<(), String> {
        let rows: Vec<ledger::Row> = self.app.rows(Table::Audit).iter().filter_map(ledger::from_json).collect();
        let said = witness::said();
        let said = String::from_utf8_lossy(said.get(self.said_before..).unwrap_or_default());
        // Other stories of the same process log heads, too.
        let own: BTreeSet<&str> =
            rows.iter().filter_map(|row| row.get("pk")?.as_s().ok()).filter_map(|pk| pk.strip_prefix("A#")).collect();
        let heads: Vec<Head> =
            said.lines().filter_map(Head::of_line).filter(|head| own.contains(head.writer.as_str())).collect();
        let evidence = EvidenceKey::new(self.app.installation().evidence()).map_err(|error| error.to_string())?;
        let verdict = ledger::verify(&rows, &evidence, &heads, Range::default());
        if !verdict.sound() {
            return Err(format!("the ledger is not sound: {:?}", verdict.findings.first()));
        }
        self.tally.count("entries", verdict.entries);
        let mut opened: BTreeMap<String, usize> = BTreeMap::new();
        for entry in self.app.entries().iter().filter(|entry| entry["act"]["S"] == "open") {
            let subjects: Vec<String> =
                serde_json::from_str(entry["subjects"]["S"].as_str().unwrap_or("[]")).unwrap_or_default();
            for subject in subjects {
                *opened.entry(subject).or_default() += 1;
            }
        }
        for (subject, n) in &self.answered {
            let entered = opened.get(subject).copied().unwrap_or_default();
            if entered < *n {
                return Err(format!("{subject} was opened {n} times with {entered} entries"));
            }
        }
        Ok(())
    }
}

/// The values of an answer: row to content. Contact and profile are not of interest.
fn shown(person: &Value) -> Result<BTreeMap<String, String>, String> {
    let mut shown = BTreeMap::new();
    for record in person["records"].as_array().into_iter().flatten() {
        let id = record["id"].as_str().unwrap_or_default();
        let row = match record["kind"].as_str() {
            Some("contact" | "profile" | "link" | "claim") => continue,
            Some("submission") => id.rsplit_once('#').map_or(id, |(row, _)| row),
            _ => id,
        };
        let fields = &record["fields"];
        let content = ["text", "data", "answer"].iter().find_map(|name| fields[*name].as_str()).unwrap_or_default();
        if shown.insert(row.to_owned(), content.to_owned()).is_some() {
            return Err(format!("{row} is there twice"));
        }
    }
    Ok(shown)
}
