//! What should be known: a plain ledger, kept beside the product and without its code.
//!
//! Of every value it says whether it must be readable, must not be, or may be. *May* is
//! for what nobody outside can know: an event that was not answered with 200, what
//! arrives while a person is being erased, a sweep that broke off.
//!
//! The rules, from the promises and not from the code:
//!
//! - What was answered with 200 is readable until it is due, unsent, withdrawn, or its
//!   person erased; under `drop` nothing is ever readable.
//! - Due: `chat` and forms after the days of the policy in force when it came,
//!   buttons after 30. Under `keep_24h` after 24 hours, unless consent was given before
//!   a sweep found it due.
//! - A person is forgotten one year after the start of the last day of contact; under
//!   `keep_24h` without consent for `contact`, 48 hours after it.
//! - An order to erase stops opening at once, takes what is not newer than itself, and
//!   is done after two sweeps 120 seconds apart. What arrives meanwhile may go with it.

use std::collections::{BTreeMap, BTreeSet};

use crate::bad_days::plan::{CHANNELS, Event, EventKind, PURPOSES, Who};

const DAY: i64 = 86_400_000;
const SETTLE: i64 = 120_000;
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
    waits: bool,
    stored: Sure,
    gone: Sure,
    unsent: Sure,
    /// It came while its person was being erased.
    astray: bool,
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

#[derive(Debug, Clone, Default)]
struct Person {
    values: BTreeMap<String, Value>,
    consents: BTreeMap<usize, bool>,
    /// Whether consents may have been lost with an erasure nobody is sure of.
    consents_unsure: bool,
    contact: Option<Contact>,
    /// Contact since an erasure has begun: whether it belongs to the old person or to
    /// a new one is not known.
    meanwhile: Option<Contact>,
    /// Whether being contacted was ever agreed to.
    contact_agreed: bool,
    erasure: Option<Erasure>,
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
}

fn day_start(at: i64) -> i64 {
    (at + TOKYO).div_euclid(DAY) * DAY - TOKYO
}

/// One year later, to the day; a year is at least 365 days and at most 366.
fn year_after(start: i64) -> (i64, i64) {
    (start + 365 * DAY, start + 366 * DAY)
}

impl Model {
    /// Nobody is known; `chat` is kept 180 days.
    pub fn new() -> Self {
        Self { people: BTreeMap::new(), chat_days: 180 }
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

    /// An event was delivered at `now`.
    pub fn delivered(&mut self, who: Who, event: &Event, sent: &Sent, taken: bool, now: i64) {
        let Sent { row, content, at } = sent;
        let rule = CHANNELS[who.channel];
        if rule == "strict" || event.kind == EventKind::Huge {
            return;
        }
        let chat_days = self.chat_days;
        let person = self.person(who);
        let at = (*at).min(now);
        if person.erased_at.is_some_and(|erased| at <= erased) {
            return;
        }
        person.contacted(at, taken);
        let astray = person.erasure.is_some() || person.maybe_erased_at.is_some_and(|erased| at <= erased);
        let (purpose, days) = match event.kind {
            EventKind::Text => (0, chat_days),
            EventKind::Postback => (1, 30),
            EventKind::Unsend(_) => {
                let sure = if taken && !astray { Sure::Yes } else { Sure::Maybe };
                if let Some(value) = person.values.get_mut(row) {
                    value.unsent = value.unsent.or(sure);
                }
                return;
            }
            EventKind::Huge | EventKind::Follow | EventKind::Unfollow => return,
        };
        let waits = rule == "demo";
        let by_rule = at + days * DAY;
        let stored = if taken { Sure::Yes } else { Sure::Maybe };
        let value = person.values.entry(row.to_owned()).or_insert_with(|| Value {
            content: content.to_owned(),
            purpose,
            at,
            due: BTreeSet::new(),
            waits,
            stored: Sure::No,
            gone: Sure::No,
            unsent: Sure::No,
            astray: false,
        });
        // A second delivery finds the first, or stores it under the terms of now.
        if value.stored != Sure::Yes || value.gone != Sure::No {
            value.due.insert(by_rule);
        }
        // What was swept, or may have been, can be there again until it is swept again;
        // it is due already, so it must not be seen.
        value.stored = value.stored.or(stored);
        value.astray |= astray;
    }

    /// Somebody said something about a purpose.
    pub fn said(&mut self, who: Who, purpose: usize, given: bool) {
        let person = self.person(who);
        person.consents.insert(purpose, given);
        person.contact_agreed |= given && PURPOSES[purpose] == "contact";
    }

    /// Somebody sent a form.
    pub fn submitted(&mut self, who: Who, row: &str, content: &str, now: i64) {
        let due = BTreeSet::from([now + self.chat_days * DAY]);
        let person = self.person(who);
        let astray = person.erasure.is_some();
        let value = Value {
            content: content.to_owned(),
            purpose: 0,
            at: now,
            due,
            waits: false,
            stored: Sure::Yes,
            gone: Sure::No,
            unsent: Sure::No,
            astray,
        };
        person.values.insert(row.to_owned(), value);
    }

    /// An order to erase was placed.
    pub fn erase_ordered(&mut self, who: Who, as_of: i64) {
        let person = self.person(who);
        let as_of = person.erasure.map_or(as_of, |erasure| erasure.as_of.max(as_of));
        person.erasure = Some(Erasure { as_of, asked: true, certain: true, unmapped: None });
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
        for (who, person) in &mut self.people {
            let waiting = CHANNELS[who.channel] == "demo";
            person.sweep_values(now, clean);
            person.sweep_erasure(now, clean);
            person.sweep_contact(now, clean, waiting);
        }
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

impl Default for Model {
    fn default() -> Self {
        Self::new()
    }
}

impl Sure {
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
    /// The earliest and the latest time at which it may be due, given what was said.
    fn due(&self, consent: Option<bool>) -> (i64, i64) {
        let first = self.due.first().copied().unwrap_or(i64::MAX);
        let last = self.due.last().copied().unwrap_or(i64::MAX);
        if self.waits && consent != Some(true) {
            (first.min(self.at + DAY), last.min(self.at + DAY))
        } else {
            (first, last)
        }
    }
}

impl Person {
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
        let agreed = self.consents.get(&purpose) == Some(&true) && !self.consents_unsure;
        let earliest = if waiting && !agreed { low + 2 * DAY } else { year_after(low).0 };
        let latest = if waiting && !self.contact_agreed { high + 2 * DAY } else { year_after(high).1 };
        (earliest, latest)
    }

    fn readable(&self, value: &Value, contact: (i64, i64), now: i64) -> Sure {
        let consent = self.consents.get(&value.purpose).copied();
        let (first, last) = value.due(consent);
        let erasing = self.erasure.is_some_and(|erasure| erasure.asked && value.at <= erasure.as_of);
        let never = value.stored == Sure::No
            || value.gone == Sure::Yes && value.stored != Sure::Yes
            || value.unsent == Sure::Yes
            || last <= now
            || erasing
            || self.erased_at.is_some_and(|erased| value.at <= erased)
            // What came astray may belong to a new person, who has said nothing yet.
            || consent == Some(false) && !self.consents_unsure && !value.astray
            || contact.1 <= now;
        if never {
            return Sure::No;
        }
        let certain = value.stored == Sure::Yes
            && value.gone == Sure::No
            && value.unsent == Sure::No
            && first > now
            && !value.astray
            && self.erasure.is_none()
            && !self.consents_unsure
            && contact.0 > now;
        if certain { Sure::Yes } else { Sure::Maybe }
    }

    fn sweep_values(&mut self, now: i64, clean: bool) {
        for value in self.values.values_mut() {
            let consent = self.consents.get(&value.purpose).copied();
            let (first, last) = value.due(consent);
            if last <= now && clean && !self.consents_unsure {
                value.gone = Sure::Yes;
            } else if first <= now {
                value.gone = value.gone.or(Sure::Maybe);
            }
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
        if certain {
            self.consents.clear();
            self.consents_unsure = false;
            self.contact_agreed = false;
            // Who came meanwhile may be known again, or have gone with the old person.
            self.contact = meanwhile;
        } else {
            self.consents_unsure |= !self.consents.is_empty();
            if let Some(contact) = &mut self.contact {
                contact.sure = false;
                contact.low = meanwhile.map_or(contact.low, |since| since.low.min(contact.low));
            }
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
