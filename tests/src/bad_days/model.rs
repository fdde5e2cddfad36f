//! What should be known: a plain ledger, kept beside the product and without its code.
//!
//! Of every value it says whether it must be readable, must not be, or may be. *May* is
//! for what nobody outside can know: an event that was not answered with 200, what
//! arrives while a person is being erased, a sweep that broke off.
//!
//! The rules, from the promises and not from the code:
//!
//! - What was answered with 200 is readable until it is due, unsent, withdrawn, or its
//!   person erased; under `drop` only what happened after 同意する is. A card number in it
//!   is not.
//! - The newest answer to the notice counts. After 同意しない nothing is kept any more and
//!   everything is erased, as if asked for, unless 同意する comes after all.
//! - Whoever blocks the account is due 30 days later, unless they add it again.
//! - Whoever takes a consent back is not read for it any more from then on, and a sweep
//!   takes what was kept for it and is not newer. Nothing more is kept for it, whenever it
//!   arrives, but what happens after they have agreed anew.
//! - Due: `chat` and forms after the days of the policy in force when it came,
//!   buttons after 30. Under `keep_24h` after 24 hours, unless consent was given before
//!   a sweep found it due.
//! - Where the 30 days of buttons begin with a block, those of a friend are not due; of
//!   whom it was never heard that they are one, they begin with the last contact.
//! - Where buttons are counted, each counts once when its days are over, and not if it went
//!   otherwise: with a consent, with its person, or because a consent did not come.
//! - A person is forgotten one year after the start of the last day of contact; under
//!   `keep_24h` without consent for `contact`, 48 hours after it.
//! - An order to erase stops opening at once, takes what is not newer than itself, and
//!   is done after two sweeps 120 seconds apart. What arrives meanwhile may go with it.
//!   Whoever asks in the chat is taken at their word within a day of being asked; of whom
//!   nothing is held, nothing is done.

use std::collections::{BTreeMap, BTreeSet};

use crate::bad_days::plan::{CHANNELS, Event, EventKind, PURPOSES, Rule, Who};

const DAY: i64 = 86_400_000;
const SETTLE: i64 = 120_000;
/// The purpose of buttons, by number, and how long they are kept.
const OPERATION: usize = 1;
const BUTTONS: i64 = 30 * DAY;
/// Japan is nine hours ahead and knows no summer time.
const TOKYO: i64 = 9 * 3_600_000;

/// What is known of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sure {
    No,
    Maybe,
    Yes,
}

/// A value that was sent.
#[derive(Debug, Clone)]
struct Value {
    content: String,
    purpose: usize,
    at: i64,
    /// Every due time that it may have got, by the terms when it came.
    due: BTreeSet<i64>,
    /// Whether it waits for consent.
    waits: Sure,
    stored: Sure,
    gone: Sure,
    unsent: Sure,
    /// It came while its person was being erased.
    astray: bool,
    /// Whether its days begin with a block.
    after_unfollow: bool,
    /// How often it may have been written, because it was gone in between.
    writes: u64,
    /// How often it was counted: at least, and at most.
    counted: (u64, u64),
}

/// A consent was taken back, and no sweep has seen to it for certain.
#[derive(Debug, Clone, Copy)]
struct Withdrawal {
    purpose: usize,
    as_of: i64,
    /// Whether there certainly is such an order, of the person who is known.
    certain: bool,
}

impl Withdrawal {
    fn is_about(&self, value: &Value) -> bool {
        self.purpose == value.purpose && value.at <= self.as_of
    }
}

/// An erasure under way.
#[derive(Debug, Clone, Copy)]
struct Erasure {
    as_of: i64,
    /// Whether somebody asked for it; else nobody had been in contact for too long, and
    /// a newer contact may still revoke it.
    asked: bool,
    /// Whether it certainly was due, without any contact since.
    certain: bool,
    /// When the mapping was certainly gone, if so.
    unmapped: Option<i64>,
}

/// Something that is said once and that something newer overrules, whatever comes first.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Statement {
    /// Its place: when, and the id of the event.
    order: (i64, String),
    yes: bool,
    sure: Sure,
}

/// Statements about one thing.
#[derive(Debug, Clone, Default)]
struct Statements(Vec<Statement>);

/// What the newest statement says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Newest {
    Nothing,
    Surely { yes: bool, at: i64 },
    Unsure,
}

impl Statements {
    fn make(&mut self, order: (i64, String), yes: bool, sure: Sure) {
        match self.0.iter_mut().find(|known| known.order == order) {
            Some(known) => known.sure = known.sure.or(sure),
            None => self.0.push(Statement { order, yes, sure }),
        }
    }

    /// The newest that is sure, and every one that may be newer.
    fn candidates(&self) -> (Option<&Statement>, Vec<&Statement>) {
        let sure = self.0.iter().filter(|known| known.sure == Sure::Yes).max_by(|a, b| a.order.cmp(&b.order));
        let newer = |known: &&Statement| known.sure == Sure::Maybe && sure.is_none_or(|sure| known.order > sure.order);
        (sure, self.0.iter().filter(newer).collect())
    }

    /// Every statement that may be the newest; `None` if there may be none.
    fn possible(&self) -> Vec<Option<&Statement>> {
        let (sure, newer) = self.candidates();
        newer.into_iter().map(Some).chain([sure]).collect()
    }

    fn newest(&self) -> Newest {
        match self.candidates() {
            (None, newer) if newer.is_empty() => Newest::Nothing,
            (Some(sure), newer) if newer.iter().all(|newer| newer.yes == sure.yes) => {
                Newest::Surely { yes: sure.yes, at: sure.order.0 }
            }
            _ => Newest::Unsure,
        }
    }

    fn doubt(&mut self) {
        self.0.iter_mut().for_each(|known| known.sure = Sure::Maybe);
    }
}

#[derive(Debug, Clone, Default)]
struct Person {
    values: BTreeMap<String, Value>,
    consents: BTreeMap<usize, Statements>,
    /// Answers to the notice.
    answers: Statements,
    /// Consents that were taken back in the chat, by purpose.
    taken_back: BTreeMap<usize, Statements>,
    withdrawals: Vec<Withdrawal>,
    /// Whether the account is blocked.
    blocked: Statements,
    /// Whether anything was ever erased because of the person as a whole.
    ever_erased: bool,
    /// Whether a consent was ever taken back.
    ever_withdrew: bool,
    /// Whether consents may have been lost with an erasure nobody is sure of.
    consents_unsure: bool,
    contact: Option<Contact>,
    /// Contact since an erasure has begun: whether it belongs to the old person or to
    /// a new one is not known.
    meanwhile: Option<Contact>,
    /// Whether being contacted was ever agreed to.
    contact_agreed: bool,
    erasure: Option<Erasure>,
    /// Whether somebody has asked once more meanwhile, and as of when: it may be about the
    /// one who is being erased, or about the next.
    again: Option<i64>,
    /// Nothing up to this time may be readable again.
    erased_at: Option<i64>,
    /// The same, after an erasure that nobody is sure of: it may be dropped.
    maybe_erased_at: Option<i64>,
}

/// The last day of contact, if the person is known at all: between these.
#[derive(Debug, Clone, Copy)]
struct Contact {
    low: i64,
    high: i64,
    sure: bool,
}

impl Contact {
    fn and(known: Option<Self>, day: i64, sure: bool) -> Self {
        let Some(known) = known else { return Self { low: day, high: day, sure } };
        let low = match (known.sure, sure) {
            (true, true) => known.low.max(day),
            (true, false) => known.low,
            (false, true) => day,
            (false, false) => known.low.min(day),
        };
        Self { low, high: known.high.max(day), sure: known.sure || sure }
    }
}

/// What must, may and must not be readable of somebody.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expected {
    /// Row to content.
    pub must: BTreeMap<String, String>,
    /// Row to content.
    pub may: BTreeMap<String, String>,
    /// Rows.
    pub must_not: BTreeSet<String>,
}

/// An event as it was sent.
#[derive(Debug, Clone)]
pub struct Sent {
    /// LINE's id of it.
    pub id: String,
    /// The row it becomes or, for an unsend, the row it is about.
    pub row: String,
    /// What is in it.
    pub content: String,
    /// When it happened.
    pub at: i64,
}

/// The ledger.
#[derive(Debug, Clone)]
pub struct Model {
    people: BTreeMap<Who, Person>,
    chat_days: i64,
    rule: Rule,
    /// The latest time at which anything was written: what was written into the hour of
    /// that time is found by a sweep that does not come before it.
    latest: i64,
}

fn day_start(at: i64) -> i64 {
    (at + TOKYO).div_euclid(DAY) * DAY - TOKYO
}

/// One year later, to the day; a year is at least 365 days and at most 366.
fn year_after(start: i64) -> (i64, i64) {
    (start + 365 * DAY, start + 366 * DAY)
}

impl Model {
    /// Nobody is known; `chat` is kept 180 days, and buttons by a rule.
    pub fn new(rule: Rule) -> Self {
        Self { people: BTreeMap::new(), chat_days: 180, rule, latest: i64::MIN }
    }

    /// Another retention of `chat`, from now on.
    pub fn retention(&mut self, days: u16) {
        self.chat_days = i64::from(days);
    }

    fn person(&mut self, who: Who) -> &mut Person {
        self.people.entry(who).or_default()
    }

    /// The texts of somebody that could be unsent, the newest last.
    pub fn texts(&self, who: Who) -> Vec<String> {
        let values = self.people.get(&who).into_iter().flat_map(|person| &person.values);
        let mut texts: Vec<(i64, String)> =
            values.filter(|(row, _)| row.starts_with("R#m")).map(|(row, value)| (value.at, row.clone())).collect();
        texts.sort();
        texts.into_iter().map(|(_, row)| row).collect()
    }

    /// Events of one person were delivered together at `now`.
    pub fn delivered(&mut self, who: Who, events: &[(&Event, &Sent)], taken: bool, now: i64) {
        let rule = CHANNELS[who.channel];
        let terms = Terms { demo: rule == "demo", chat_days: self.chat_days, rule: self.rule };
        self.latest = self.latest.max(now);
        let person = self.person(who);
        let fresh: Vec<(&Event, &Sent, i64)> = events
            .iter()
            .map(|(event, sent)| (*event, *sent, sent.at.min(now)))
            .filter(|(event, _, at)| {
                event.kind != EventKind::Huge && person.erased_at.is_none_or(|erased| *at > erased)
            })
            .collect();
        let mut sure = if taken { Sure::Yes } else { Sure::Maybe };
        let mut wishes: Vec<&(&Event, &Sent, i64)> = fresh.iter().filter(|(event, ..)| event.kind.is_wish()).collect();
        wishes.sort_by(|a, b| (a.2, &a.1.id).cmp(&(b.2, &b.1.id)));
        for (event, sent, at) in wishes {
            person.wished(event.kind, (*at, sent.id.clone()), sure.and(person.in_time(*at)));
        }
        let answers = fresh.iter().filter_map(|(event, sent, at)| Some((answer(event.kind)?, *at, sent.id.clone())));
        let answers: Vec<(bool, i64, String)> = answers.collect();
        let newest = answers.iter().max_by(|a, b| (a.1, &a.2).cmp(&(b.1, &b.2))).map(|(agrees, ..)| *agrees);
        let mut stranger = false;
        if newest == Some(false) {
            let refused = answers.iter().map(|(_, at, _)| *at).max().unwrap_or(now);
            match person.known() {
                // Nothing is held of them, and what is older comes too late.
                Sure::No if taken => {
                    person.erased_at = Some(person.erased_at.unwrap_or(i64::MIN).max(refused));
                    stranger = true;
                }
                Sure::No => {
                    person.maybe_erased_at = Some(person.maybe_erased_at.unwrap_or(i64::MIN).max(refused));
                    stranger = true;
                }
                Sure::Maybe => {
                    person.maybe_erased_at = Some(person.maybe_erased_at.unwrap_or(i64::MIN).max(refused));
                    sure = Sure::Maybe;
                }
                Sure::Yes => {}
            }
        }
        for (agrees, at, id) in answers.iter().filter(|_| !stranger) {
            person.answered(*agrees, (*at, id.clone()), sure.and(person.in_time(*at)));
        }
        for (event, sent, at) in &fresh {
            if answer(event.kind).is_some() || event.kind.is_wish() {
                continue;
            }
            if person.erased_at.is_some_and(|erased| *at <= erased) {
                continue;
            }
            // What takes something back, or is about the account, counts whatever was answered.
            let takes_back = matches!(event.kind, EventKind::Unsend(_) | EventKind::Follow | EventKind::Unfollow);
            let custody = match person.known() {
                Sure::No => person.custody(rule, *at),
                known if takes_back => known.and(person.custody(rule, *at).or(Sure::Maybe)),
                _ => person.custody(rule, *at),
            };
            let custody = custody.and(sure).and(if stranger && !taken { Sure::Maybe } else { Sure::Yes });
            // Of an erasure that nobody is sure of: it may come too late.
            let custody = custody.and(person.in_time(*at));
            if custody == Sure::No {
                continue;
            }
            person.happened(event.kind, sent, *at, custody, terms);
        }
    }

    /// Whether anything of somebody was ever erased as a whole, or may have been.
    pub fn ever_erased(&self, who: Who) -> bool {
        self.people.get(&who).is_some_and(|person| person.ever_erased || person.erasure.is_some())
    }

    /// Whether somebody ever took a consent back: what they send is not kept then, and they
    /// are told so with the notice.
    pub fn ever_withdrew(&self, who: Who) -> bool {
        self.people.get(&who).is_some_and(|person| person.ever_withdrew)
    }

    /// Somebody said something about a purpose.
    pub fn said(&mut self, who: Who, purpose: usize, given: bool, order: (i64, String)) {
        let person = self.person(who);
        person.consents.entry(purpose).or_default().make(order, given, Sure::Yes);
        person.contact_agreed |= given && PURPOSES[purpose] == "contact";
    }

    /// Somebody sent a form, and agreed in it to what it is for. It counts after whatever
    /// else was said in the same millisecond.
    pub fn submitted(&mut self, who: Who, row: &str, content: &str, now: i64) {
        let due = BTreeSet::from([now + self.chat_days * DAY]);
        self.latest = self.latest.max(now);
        let person = self.person(who);
        person.contacted(now, true);
        for purpose in ["chat", "contact"] {
            let number = PURPOSES.iter().position(|known| *known == purpose).unwrap_or_default();
            person.consents.entry(number).or_default().make((now, "~".to_owned()), true, Sure::Yes);
        }
        person.contact_agreed = true;
        let astray = person.erasure.is_some();
        let value = Value {
            content: content.to_owned(),
            purpose: 0,
            at: now,
            due,
            waits: Sure::No,
            stored: Sure::Yes,
            gone: Sure::No,
            unsent: Sure::No,
            astray,
            after_unfollow: false,
            writes: 1,
            counted: (0, 0),
        };
        person.values.insert(row.to_owned(), value);
    }

    /// Somebody was joined or parted, or tried to: a contact, if they are known by now.
    pub fn in_touch(&mut self, who: Who, now: i64) {
        let person = self.person(who);
        person.contacted(now, false);
        // Whoever joins agrees to be reached.
        person.contact_agreed = true;
        let number = PURPOSES.iter().position(|known| *known == "contact").unwrap_or_default();
        person.consents.entry(number).or_default().make((now, "~link".to_owned()), true, Sure::Maybe);
    }

    /// An order to erase was placed.
    pub fn erase_ordered(&mut self, who: Who, as_of: i64) {
        let person = self.person(who);
        person.must_be_erased(as_of);
    }

    /// Whether somebody is being erased, or may be.
    pub fn closing(&self, who: Who) -> bool {
        self.people.get(&who).is_some_and(|person| person.erasure.is_some())
    }

    /// Whether anybody is.
    pub fn anybody_closing(&self) -> bool {
        self.people.values().any(|person| person.erasure.is_some())
    }

    /// A sweep ran; `clean` if nothing went wrong in it.
    pub fn swept(&mut self, now: i64, clean: bool) {
        let whole = clean && now >= self.latest;
        self.latest = self.latest.max(now);
        for (who, person) in &mut self.people {
            let waiting = CHANNELS[who.channel] == "demo";
            person.sweep_values(now, clean, whole, self.rule.counted);
            person.sweep_withdrawals(whole);
            person.sweep_erasure(now, clean);
            person.sweep_contact(now, clean, waiting);
        }
    }

    /// How many buttons were counted: at least, and at most.
    pub fn counted(&self) -> (u64, u64) {
        let values = self.people.values().flat_map(|person| person.values.values());
        values.fold((0, 0), |(least, most), value| (least + value.counted.0, most + value.counted.1))
    }

    /// What must, may and must not be readable of somebody. `every` purpose, or `chat`.
    pub fn expected(&self, who: Who, every: bool, now: i64) -> Expected {
        let mut expected = Expected::default();
        let Some(person) = self.people.get(&who) else { return expected };
        let contact = person.contact_due(CHANNELS[who.channel] == "demo");
        for (row, value) in &person.values {
            if !every && value.purpose != 0 {
                continue;
            }
            match person.readable(value, contact, now) {
                Sure::Yes => drop(expected.must.insert(row.clone(), value.content.clone())),
                Sure::Maybe => drop(expected.may.insert(row.clone(), value.content.clone())),
                Sure::No => drop(expected.must_not.insert(row.clone())),
            }
        }
        expected
    }
}

/// The terms under which something comes.
#[derive(Debug, Clone, Copy)]
struct Terms {
    /// Whether it waits for consent.
    demo: bool,
    chat_days: i64,
    rule: Rule,
}

impl Sure {
    /// Only if both.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::No, _) | (_, Self::No) => Self::No,
            (Self::Maybe, _) | (_, Self::Maybe) => Self::Maybe,
            (Self::Yes, Self::Yes) => Self::Yes,
        }
    }

    /// Known from two sources: the surer one.
    fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Yes, _) | (_, Self::Yes) => Self::Yes,
            (Self::Maybe, _) | (_, Self::Maybe) => Self::Maybe,
            (Self::No, Self::No) => Self::No,
        }
    }
}

impl Value {
    /// The earliest and the latest time at which it may be due, given what may have been
    /// said and when its own days are over.
    fn due_by(&self, days: (i64, i64), consent: Option<bool>, sure: bool) -> (i64, i64) {
        if sure {
            return self.due(days, consent);
        }
        (self.due(days, None).0, self.due(days, Some(true)).1)
    }

    /// The earliest and the latest time at which it may be due, given what was said.
    fn due(&self, (first, last): (i64, i64), consent: Option<bool>) -> (i64, i64) {
        let soon = (first.min(self.at + DAY), last.min(self.at + DAY));
        match (self.waits, consent) {
            (Sure::No, _) | (_, Some(true)) => (first, last),
            (Sure::Yes, _) => soon,
            (Sure::Maybe, _) => (soon.0, last),
        }
    }
}

/// Whether an event is an answer to the notice, and which.
fn answer(kind: EventKind) -> Option<bool> {
    match kind {
        EventKind::Agree { .. } => Some(true),
        EventKind::Refuse => Some(false),
        _ => None,
    }
}

/// What a sweep meets of a value.
struct Found {
    days: (i64, i64),
    consent: Option<bool>,
    consent_sure: bool,
    /// Whether it goes by its days and by nothing else.
    settled: bool,
}

impl Value {
    /// It may be due, and `surely` if it is and was looked at: it is counted, unless it
    /// waited for a consent that did not come.
    fn count(&mut self, found: &Found, surely: bool) {
        let agreed = found.consent == Some(true);
        if self.waits == Sure::Yes && found.consent_sure && !agreed && !self.astray {
            return;
        }
        self.counted.1 = self.writes;
        let waited_enough = self.waits == Sure::No || (self.waits == Sure::Yes && agreed);
        let there = self.stored == Sure::Yes && self.gone == Sure::No && !self.astray;
        if surely && found.settled && found.consent_sure && waited_enough && there {
            self.counted.0 = 1;
        }
    }
}

impl Person {
    /// Whether anything is held of the person.
    fn known(&self) -> Sure {
        match &self.contact {
            None if self.meanwhile.is_none() => Sure::No,
            Some(contact) if contact.sure && self.erasure.is_none() => Sure::Yes,
            _ => Sure::Maybe,
        }
    }

    /// Whether an event of this time still counts, as far as erasures go that nobody is
    /// sure of.
    fn in_time(&self, at: i64) -> Sure {
        if self.maybe_erased_at.is_some_and(|erased| at <= erased) { Sure::Maybe } else { Sure::Yes }
    }

    /// Whether what happened at this time may be kept.
    fn custody(&self, rule: &str, at: i64) -> Sure {
        match self.answers.newest() {
            Newest::Nothing if rule == "strict" => Sure::No,
            Newest::Surely { yes: true, at: agreed } if rule == "strict" && at < agreed => Sure::No,
            Newest::Surely { yes: false, .. } if self.erasure.is_none() => Sure::No,
            Newest::Nothing | Newest::Surely { yes: true, .. } => Sure::Yes,
            // Whoever was erased meanwhile is new.
            Newest::Surely { yes: false, .. } | Newest::Unsure => Sure::Maybe,
        }
    }

    fn answered(&mut self, agrees: bool, order: (i64, String), sure: Sure) {
        let (at, was) = (order.0, self.answers.newest());
        self.contacted(at, sure == Sure::Yes);
        for purpose in 0..PURPOSES.len() {
            self.consents.entry(purpose).or_default().make(order.clone(), agrees, sure);
        }
        self.answers.make(order, agrees, sure);
        self.contact_agreed |= agrees;
        match (was, self.answers.newest()) {
            // A refusal that stands: everything is to be erased.
            (was, now @ Newest::Surely { yes: false, at }) if was != now => self.must_be_erased(at),
            // Taken back, or not sure: it may be given up, or have gone too far.
            (_, Newest::Unsure) => self.may_be_erased(at),
            (Newest::Surely { yes: false, .. } | Newest::Unsure, Newest::Surely { yes: true, .. }) => {
                self.may_be_erased(at);
            }
            _ => {}
        }
    }

    /// Somebody has answered to a question about what is held of them.
    fn wished(&mut self, kind: EventKind, order: (i64, String), sure: Sure) {
        let known = self.known();
        if known == Sure::No {
            return;
        }
        let sure = sure.and(known);
        self.commanded(order.0);
        match kind {
            EventKind::EraseAll { in_time: true } => self.erasure_wished(order.0, sure),
            EventKind::Withdraw { purpose } => self.takes_back(purpose, order, sure),
            _ => {}
        }
    }

    /// A command is a contact of whoever is known, and starts nobody.
    fn commanded(&mut self, at: i64) {
        if self.meanwhile.is_some() || self.erasure.is_none_or(|erasure| !erasure.asked) {
            self.contacted(at, false);
        }
    }

    fn erasure_wished(&mut self, at: i64, sure: Sure) {
        match self.erasure {
            // It is older than what is under way, or the same.
            Some(Erasure { asked: true, as_of, .. }) if at <= as_of => {}
            Some(Erasure { asked: true, .. }) => self.again = Some(self.again.map_or(at, |again| again.max(at))),
            None if sure == Sure::Yes => self.must_be_erased(at),
            Some(_) | None => self.may_be_erased(at),
        }
    }

    fn takes_back(&mut self, purpose: usize, order: (i64, String), sure: Sure) {
        let said = self.taken_back.entry(purpose).or_default();
        if said.candidates().0.is_some_and(|known| known.order >= order) {
            return;
        }
        said.make(order.clone(), true, sure);
        self.ever_withdrew = true;
        self.withdrawals.push(Withdrawal { purpose, as_of: order.0, certain: sure == Sure::Yes });
        self.consents.entry(purpose).or_default().make(order, false, sure);
    }

    /// Whether what happened at this time is not kept for a purpose, because the consent to
    /// it was taken back.
    fn has_taken_back(&self, purpose: usize, at: i64) -> Sure {
        let Some(taken_back) = self.taken_back.get(&purpose) else { return Sure::No };
        let answers = self.answers.possible();
        let anew = |taken: &Statement, answer: &Option<&Statement>| {
            answer.is_some_and(|answer| answer.yes && answer.order > taken.order && at >= answer.order.0)
        };
        let mut kept = BTreeSet::new();
        for taken in taken_back.possible() {
            kept.extend(answers.iter().map(|answer| taken.is_none_or(|taken| anew(taken, answer))));
        }
        match (kept.contains(&true), kept.contains(&false)) {
            (_, false) => Sure::No,
            // Whoever was erased meanwhile is new.
            (false, true) if self.erasure.is_none() => Sure::Yes,
            (_, true) => Sure::Maybe,
        }
    }

    fn must_be_erased(&mut self, as_of: i64) {
        let as_of = self.erasure.map_or(as_of, |erasure| erasure.as_of.max(as_of));
        self.erasure = Some(Erasure { as_of, asked: true, certain: true, unmapped: None });
        self.ever_erased = true;
    }

    /// From here on nobody knows whether the person is the one they were.
    fn may_be_erased(&mut self, as_of: i64) {
        let as_of = self.erasure.map_or(as_of, |erasure| erasure.as_of.max(as_of));
        self.erasure = Some(Erasure { as_of, asked: false, certain: false, unmapped: None });
        self.ever_erased = true;
        self.consents_unsure = true;
        self.values.values_mut().for_each(|value| value.astray = true);
    }

    /// Something else than an answer happened, and is kept as surely as `stored` says.
    fn happened(&mut self, kind: EventKind, sent: &Sent, at: i64, stored: Sure, terms: Terms) {
        self.contacted(at, stored == Sure::Yes);
        let astray = self.erasure.is_some() || self.in_time(at) != Sure::Yes;
        let (purpose, kept_for) = match kind {
            EventKind::Text | EventKind::Card => (0, terms.chat_days * DAY),
            EventKind::Postback => (OPERATION, BUTTONS),
            EventKind::Unsend(_) => {
                let sure = if astray { Sure::Maybe } else { stored };
                if let Some(value) = self.values.get_mut(&sent.row) {
                    value.unsent = value.unsent.or(sure);
                }
                return;
            }
            EventKind::Follow | EventKind::Unfollow => {
                let sure = if astray { Sure::Maybe } else { stored };
                self.blocked.make((at, sent.id.clone()), kind == EventKind::Unfollow, sure);
                return;
            }
            EventKind::Huge
            | EventKind::Agree { .. }
            | EventKind::Refuse
            | EventKind::EraseAll { .. }
            | EventKind::Withdraw { .. } => return,
        };
        let stored = match self.has_taken_back(purpose, at) {
            Sure::No => stored,
            Sure::Maybe => stored.and(Sure::Maybe),
            Sure::Yes => return,
        };
        let renewed = self.erasure.is_some();
        let waits = match (terms.demo, self.answers.newest()) {
            (false, _) => Sure::No,
            (true, Newest::Nothing) => Sure::Yes,
            (true, Newest::Surely { .. } | Newest::Unsure) => Sure::Maybe,
        };
        let value = self.values.entry(sent.row.clone()).or_insert_with(|| Value {
            content: sent.content.clone(),
            purpose,
            at,
            due: BTreeSet::new(),
            waits,
            stored: Sure::No,
            gone: Sure::No,
            unsent: Sure::No,
            astray: false,
            after_unfollow: purpose == OPERATION && terms.rule.after_unfollow,
            writes: 0,
            counted: (0, 0),
        });
        // Under which of two terms it was stored, nobody knows.
        if value.waits != waits {
            value.waits = Sure::Maybe;
        }
        // A second delivery finds the first, or stores it under the terms of now.
        if value.stored != Sure::Yes || value.gone != Sure::No {
            value.due.insert(at + kept_for);
        }
        if value.stored != Sure::Yes || value.gone != Sure::No || renewed {
            value.writes += 1;
        }
        // What was swept, or may have been, can be there again until it is swept again;
        // it is due already, so it must not be seen.
        value.stored = value.stored.or(stored);
        value.astray |= astray;
    }

    /// What was said about a purpose; and whether that is sure.
    fn consent(&self, purpose: usize) -> (Option<bool>, bool) {
        match self.consents.get(&purpose).map_or(Newest::Nothing, Statements::newest) {
            Newest::Nothing => (None, !self.consents_unsure),
            Newest::Surely { yes, .. } => (Some(yes), !self.consents_unsure),
            Newest::Unsure => (None, false),
        }
    }

    /// When the days of a value are over, at the earliest and at the latest, waiting for
    /// consent aside.
    fn days_over(&self, value: &Value) -> (i64, i64) {
        let first = value.due.first().copied().unwrap_or(i64::MAX);
        let last = value.due.last().copied().unwrap_or(i64::MAX);
        if !value.after_unfollow {
            return (first, last);
        }
        let (low, high) = self.contact.map_or((value.at, value.at), |contact| (contact.low, contact.high));
        match self.blocked.newest() {
            // Nothing was heard of it: it begins with the day of the last contact, and a
            // sweep looks at it no sooner than its days are over since it came.
            Newest::Nothing => (low.max(day_start(value.at)) + BUTTONS, high.max(value.at) + BUTTONS),
            Newest::Surely { yes: false, .. } if self.erasure.is_none() => (i64::MAX, i64::MAX),
            // Whoever blocks is due as a whole by then.
            Newest::Surely { .. } | Newest::Unsure => (day_start(value.at) + BUTTONS, i64::MAX),
        }
    }

    /// When a block is due, at the earliest and at the latest.
    fn block_due(&self) -> (i64, i64) {
        let (sure, newer) = self.blocked.candidates();
        let of = |statement: &Statement| statement.order.0 + 30 * DAY;
        let possible = sure.into_iter().chain(newer.iter().copied()).filter(|statement| statement.yes).map(of);
        let earliest = possible.min().unwrap_or(i64::MAX);
        let latest = sure.filter(|sure| sure.yes && newer.is_empty()).map_or(i64::MAX, of);
        // Whoever comes while the old person is being erased has blocked nothing.
        (earliest, if self.erasure.is_some() { i64::MAX } else { latest })
    }

    fn contacted(&mut self, at: i64, sure: bool) {
        let day = day_start(at);
        if let Some(erasure) = &mut self.erasure {
            erasure.certain = erasure.asked;
            self.meanwhile = Some(Contact::and(self.meanwhile, day, false));
        }
        self.contact = Some(Contact::and(self.contact, day, sure));
    }

    /// When the person is due to be forgotten, at the earliest and at the latest.
    fn contact_due(&self, waiting: bool) -> (i64, i64) {
        let Some(Contact { low, high, .. }) = self.contact else { return (i64::MAX, i64::MAX) };
        let purpose = PURPOSES.iter().position(|purpose| *purpose == "contact").unwrap_or_default();
        let agreed = self.consent(purpose) == (Some(true), true);
        let earliest = if waiting && !agreed { low + 2 * DAY } else { year_after(low).0 };
        let latest = if waiting && !self.contact_agreed { high + 2 * DAY } else { year_after(high).1 };
        let (block_earliest, block_latest) = self.block_due();
        (earliest.min(block_earliest), latest.min(block_latest))
    }

    fn readable(&self, value: &Value, contact: (i64, i64), now: i64) -> Sure {
        let (consent, consent_sure) = self.consent(value.purpose);
        let (first, last) = value.due_by(self.days_over(value), consent, consent_sure);
        let erasing = self.erasure.is_some_and(|erasure| erasure.asked && value.at <= erasure.as_of);
        let never = value.stored == Sure::No
            || value.gone == Sure::Yes && value.stored != Sure::Yes
            || value.unsent == Sure::Yes
            || last <= now
            || erasing
            || self.erased_at.is_some_and(|erased| value.at <= erased)
            // What came astray may belong to a new person, who has said nothing yet.
            || consent == Some(false) && consent_sure && !value.astray
            || contact.1 <= now;
        if never {
            return Sure::No;
        }
        let certain = value.stored == Sure::Yes
            && value.gone == Sure::No
            && value.unsent == Sure::No
            && first > now
            && !value.astray
            && !self.withdrawals.iter().any(|withdrawal| withdrawal.is_about(value))
            && self.erasure.is_none()
            && consent_sure
            && contact.0 > now;
        if certain { Sure::Yes } else { Sure::Maybe }
    }

    fn sweep_values(&mut self, now: i64, clean: bool, whole: bool, counted: bool) {
        let known: Vec<Found> = self.values.values().map(|value| self.found(value)).collect();
        for (value, found) in self.values.values_mut().zip(known) {
            let (first, last) = value.due_by(found.days, found.consent, found.consent_sure);
            if counted && value.purpose == OPERATION && first <= now {
                value.count(&found, whole && last <= now);
            }
            if last <= now && clean && found.consent_sure {
                value.gone = Sure::Yes;
            } else if first <= now {
                value.gone = value.gone.or(Sure::Maybe);
            }
        }
    }

    fn found(&self, value: &Value) -> Found {
        let (consent, consent_sure) = self.consent(value.purpose);
        let taken = self.withdrawals.iter().any(|withdrawal| withdrawal.is_about(value));
        Found { days: self.days_over(value), consent, consent_sure, settled: self.erasure.is_none() && !taken }
    }

    /// What was kept for a consent that was taken back goes with the next sweep that sees
    /// everything.
    fn sweep_withdrawals(&mut self, whole: bool) {
        let settled = self.erasure.is_none();
        for value in self.values.values_mut() {
            for withdrawal in &self.withdrawals {
                if !withdrawal.is_about(value) {
                    continue;
                }
                if whole && withdrawal.certain && settled && !value.astray {
                    (value.gone, value.stored) = (Sure::Yes, Sure::No);
                } else {
                    value.gone = value.gone.or(Sure::Maybe);
                }
            }
        }
        if whole {
            self.withdrawals.clear();
        }
    }

    fn sweep_erasure(&mut self, now: i64, clean: bool) {
        let Some(erasure) = &mut self.erasure else { return };
        if !clean {
            return;
        }
        match erasure.unmapped {
            None => erasure.unmapped = Some(now),
            Some(at) if now >= at + SETTLE => self.erased(at),
            Some(_) => {}
        }
    }

    /// The erasure is over: certainly, if it was asked for or nothing has revoked it.
    fn erased(&mut self, unmapped: i64) {
        let Some(Erasure { as_of, asked, certain, .. }) = self.erasure.take() else { return };
        for value in self.values.values_mut() {
            if certain && value.at <= as_of {
                value.gone = Sure::Yes;
                value.stored = Sure::No;
            } else {
                value.gone = value.gone.or(Sure::Maybe);
                value.astray = true;
            }
        }
        if asked {
            self.erased_at = Some(self.erased_at.unwrap_or(i64::MIN).max(as_of));
        } else {
            self.maybe_erased_at = Some(self.maybe_erased_at.unwrap_or(i64::MIN).max(unmapped));
        }
        let meanwhile = self.meanwhile.take();
        self.ever_erased = true;
        if certain {
            // What was said since may be the old person's or the new one's.
            self.answers.0.retain(|answer| answer.order.0 > as_of);
            self.answers.doubt();
            self.blocked.0.retain(|blocked| blocked.order.0 > as_of);
            self.blocked.doubt();
            self.consents.clear();
            for taken_back in self.taken_back.values_mut() {
                taken_back.0.retain(|taken| taken.order.0 > as_of);
                taken_back.doubt();
            }
            self.taken_back.retain(|_, taken_back| !taken_back.0.is_empty());
            self.withdrawals.retain(|withdrawal| withdrawal.as_of > as_of);
            self.consents_unsure = !self.answers.0.is_empty() || !self.taken_back.is_empty();
            self.contact_agreed = self.answers.0.iter().any(|answer| answer.yes);
            // Who came meanwhile may be known again, or have gone with the old person.
            self.contact = meanwhile;
        } else {
            self.answers.doubt();
            self.blocked.doubt();
            self.taken_back.values_mut().for_each(Statements::doubt);
            self.consents_unsure |= !self.consents.is_empty();
            if let Some(contact) = &mut self.contact {
                contact.sure = false;
                contact.low = meanwhile.map_or(contact.low, |since| since.low.min(contact.low));
            }
        }
        self.withdrawals.iter_mut().for_each(|withdrawal| withdrawal.certain = false);
        if let Some(again) = self.again.take() {
            self.may_be_erased(again);
        }
    }

    /// A sweep that finds a person due begins to erase them; whether it was found is
    /// certain only if every possible contact is too long ago.
    fn sweep_contact(&mut self, now: i64, clean: bool, waiting: bool) {
        if self.erasure.is_some() || self.contact.is_none() {
            return;
        }
        let (earliest, latest) = self.contact_due(waiting);
        if earliest <= now {
            let certain = latest <= now;
            self.erasure = Some(Erasure { as_of: now, asked: false, certain, unmapped: clean.then_some(now) });
        }
    }
}
