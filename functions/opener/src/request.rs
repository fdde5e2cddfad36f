//! What an operator asks, read from the claims: everything that is wrong at once.

use azukari::domain::{
    field::{Asked, MAX_NAMES, NoFields},
    id::{ChannelName, LineUserId, SubjectId},
    operator::Act,
    plain::Plain,
    reason::{self, MAX_REASON, NoReason, ReasonCode},
    request::{Outcome, RequestKind},
    time::{DAY_MS, Day, UnixMs},
};
use azukari::store::{key, value::ValueKind};
use serde::Deserialize;
use serde_json::Value;

use crate::Problem;

/// Most people in one request.
pub(crate) const MAX_PEOPLE: usize = 100;
/// Most days that are listed at once.
const MAX_DAYS: i64 = 92;
/// Arrivals that are listed unless asked otherwise, and at most.
const USUAL_LIMIT: usize = 200;
const MAX_LIMIT: usize = 10_000;

/// A request.
#[derive(Debug)]
pub(crate) enum Request {
    Open(Open),
    List(List),
    /// Show what waits to be looked into.
    Requests,
    Close(Close),
    Count(Count),
    Erase(Erase),
    Ledger(Ledger),
}

/// Show fields of people.
#[derive(Debug)]
pub(crate) struct Open {
    pub(crate) people: Vec<Who>,
    pub(crate) fields: Asked,
    /// By name; `None` for every purpose held.
    pub(crate) purpose: Option<String>,
    pub(crate) reason: ReasonCode,
    pub(crate) note: Option<Plain<String>>,
    /// Only records behind this row.
    pub(crate) after: Option<String>,
}

/// Have somebody erased.
#[derive(Debug)]
pub(crate) struct Erase {
    pub(crate) who: Who,
    pub(crate) reason: ReasonCode,
    pub(crate) note: Option<Plain<String>>,
}

/// Say how a person's request has ended.
#[derive(Debug)]
pub(crate) struct Close {
    pub(crate) subject: SubjectId,
    pub(crate) kind: RequestKind,
    pub(crate) id: String,
    pub(crate) outcome: Outcome,
    pub(crate) note: Option<Plain<String>>,
}

/// Somebody, as an operator names them.
#[derive(Debug)]
pub(crate) enum Who {
    Person(SubjectId),
    User { channel: ChannelName, user: LineUserId },
    Submission { subject: SubjectId, id: String },
}

/// Show what came in.
#[derive(Debug)]
pub(crate) struct List {
    pub(crate) kinds: Vec<ValueKind>,
    /// Newest first.
    pub(crate) days: Vec<Day>,
    pub(crate) limit: usize,
}

/// Count the answers to a form.
#[derive(Debug, Clone)]
pub(crate) struct Count {
    /// By name.
    pub(crate) form: String,
    /// As `2026-11`.
    pub(crate) month: String,
}

/// Show the ledger.
#[derive(Debug)]
pub(crate) struct Ledger {
    pub(crate) to: Option<UnixMs>,
    pub(crate) after: Option<String>,
}

impl Request {
    /// What is asked to be done, and for which purpose.
    pub(crate) fn act(&self) -> (Act, Option<&str>) {
        match self {
            Self::Open(open) => (Act::Open, open.purpose.as_deref()),
            Self::List(_) => (Act::List, None),
            Self::Requests => (Act::Requests, None),
            Self::Close(_) => (Act::CloseRequest, None),
            Self::Count(_) => (Act::Count, None),
            Self::Erase(_) => (Act::Erase, None),
            Self::Ledger(_) => (Act::Ledger, None),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawOpen {
    #[serde(default)]
    people: Vec<RawWho>,
    #[serde(default)]
    fields: Vec<String>,
    purpose: Option<String>,
    #[serde(default)]
    reason: Plain<String>,
    after: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawWho {
    person: Option<String>,
    user_id: Option<Plain<String>>,
    channel: Option<String>,
    submission: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawList {
    kind: Option<String>,
    since: Option<String>,
    until: Option<String>,
    limit: Option<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRequests {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawClose {
    person: String,
    request: String,
    outcome: String,
    note: Option<Plain<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCount {
    form: String,
    month: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawErase {
    person: Option<String>,
    user_id: Option<Plain<String>>,
    channel: Option<String>,
    #[serde(default)]
    reason: Plain<String>,
    note: Option<Plain<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLedger {
    to: Option<UnixMs>,
    after: Option<String>,
}

/// What is wrong, in Japanese and in English. Names of members and numbers only: what
/// was sent may be personal.
#[derive(Default)]
struct Problems(Vec<(String, String)>);

impl Problems {
    fn add(&mut self, ja: impl Into<String>, en: impl Into<String>) {
        self.0.push((ja.into(), en.into()));
    }

    fn alone(ja: &str, en: &str) -> Problem {
        Problem::request(vec![(ja.to_owned(), en.to_owned())])
    }
}

/// Reads a request.
pub(crate) fn read(mut request: Value, now: UnixMs) -> Result<Request, Problem> {
    let act = request.as_object_mut().and_then(|request| request.remove("act"));
    let shape = |_| Problems::alone("要求の形が正しくありません。", "The request has members of a wrong name or type.");
    match act.as_ref().and_then(Value::as_str) {
        Some("open") => open(serde_json::from_value(request).map_err(shape)?),
        Some("list") => list(serde_json::from_value(request).map_err(shape)?, now),
        Some("requests") => {
            let RawRequests {} = serde_json::from_value(request).map_err(shape)?;
            Ok(Request::Requests)
        }
        Some("close_request") => close(&serde_json::from_value(request).map_err(shape)?),
        Some("count") => count(serde_json::from_value(request).map_err(shape)?, now),
        Some("erase") => erase(serde_json::from_value(request).map_err(shape)?),
        Some("ledger") => {
            let RawLedger { to, after } = serde_json::from_value(request).map_err(shape)?;
            Ok(Request::Ledger(Ledger { to, after }))
        }
        _ => Err(Problems::alone(
            "actはopen、list、requests、close_request、count、erase、ledgerのどれかです。",
            "act must be open, list, requests, close_request, count, erase or ledger.",
        )),
    }
}

fn open(raw: RawOpen) -> Result<Request, Problem> {
    let mut problems = Problems::default();
    if !(1..=MAX_PEOPLE).contains(&raw.people.len()) {
        problems.add(
            format!("対象の人を1人から{MAX_PEOPLE}人まで指定してください（people）。"),
            format!("Name 1 to {MAX_PEOPLE} people (people)."),
        );
    }
    let people: Vec<Option<Who>> = raw.people.into_iter().map(who).collect();
    for n in people.iter().enumerate().filter(|(_, who)| who.is_none()).map(|(n, _)| n + 1).take(10) {
        problems.add(
            format!("{n}人目: person（32桁のID）、user_idとchannel、submissionのどれか一つを書いてください。"),
            format!("Person {n}: give one of person (an id of 32 digits), user_id with channel, or submission."),
        );
    }
    if raw.after.is_some() && people.len() != 1 {
        problems.add("続き（after）は1人のときだけ指定できます。", "after goes with one person only.");
    }
    let fields = Asked::expand(raw.fields.iter().map(String::as_str));
    if let Err(no_fields) = fields {
        match no_fields {
            NoFields::None => problems.add(
                "項目を指定してください（fields。すべてなら \"*\"）。",
                "Name the fields (fields; \"*\" for all).",
            ),
            NoFields::TooMany => {
                problems.add(format!("項目は{MAX_NAMES}個までです。"), format!("At most {MAX_NAMES} fields."));
            }
            NoFields::Name => problems.add(
                "項目の名前は半角のa-z、0-9、_、-で64文字までです。",
                "A field name is 1 to 64 of a-z, 0-9, _ and -.",
            ),
        }
    }
    let reason = reason::parse(raw.reason.reveal());
    if let Err(no_reason) = reason {
        match no_reason {
            NoReason::Blank => problems.add(
                "理由を書いてください（reason。お客様の名前は書かず、受付番号などで）。",
                "Give a reason (reason; a reference number rather than a customer's name).",
            ),
            NoReason::TooLong => problems.add(
                format!("理由は{MAX_REASON}文字までです。"),
                format!("A reason has at most {MAX_REASON} characters."),
            ),
        }
    }
    match (fields, reason) {
        (Ok(fields), Ok((reason, note))) if problems.0.is_empty() => Ok(Request::Open(Open {
            people: people.into_iter().flatten().collect(),
            fields,
            purpose: raw.purpose,
            reason,
            note: note.map(|note| Plain::new(note.to_owned())),
            after: raw.after,
        })),
        _ => Err(Problem::request(problems.0)),
    }
}

fn erase(raw: RawErase) -> Result<Request, Problem> {
    let mut problems = Problems::default();
    let who = who(RawWho { person: raw.person, user_id: raw.user_id, channel: raw.channel, submission: None });
    if who.is_none() {
        problems.add(
            "対象の人を一人、person（32桁のID）か、user_idとchannelで指定してください。",
            "Name one person, by person (an id of 32 digits) or by user_id with channel.",
        );
    }
    let reason = ReasonCode::parse(raw.reason.reveal().trim()).filter(|code| ReasonCode::TO_ERASE.contains(code));
    if reason.is_none() {
        let codes = ReasonCode::TO_ERASE.map(ReasonCode::as_str).join(", ");
        problems.add(
            format!("理由（reason）は{codes}のどれかです。詳しくはnoteに書いてください。"),
            format!("reason must be one of {codes}; say more in note."),
        );
    }
    let note = note(raw.note.as_ref(), reason == Some(ReasonCode::Other), &mut problems);
    match (who, reason) {
        (Some(who), Some(reason)) if problems.0.is_empty() => Ok(Request::Erase(Erase { who, reason, note })),
        _ => Err(Problem::request(problems.0)),
    }
}

/// An operator's own words beside a code; `needed` if the code says nothing by itself.
fn note(given: Option<&Plain<String>>, needed: bool, problems: &mut Problems) -> Option<Plain<String>> {
    let note = given.map_or("", |note| note.reveal().trim());
    if note.chars().count() > MAX_REASON {
        problems.add(format!("noteは{MAX_REASON}文字までです。"), format!("note has at most {MAX_REASON} characters."));
    }
    let says = note.chars().any(char::is_alphanumeric);
    if !says && (needed || !note.is_empty()) {
        problems.add(
            "noteに理由を書いてください（お客様の名前は書かず、受付番号などで）。",
            "Give the reason in note (a reference number rather than a customer's name).",
        );
    }
    says.then(|| Plain::new(note.to_owned()))
}

fn close(raw: &RawClose) -> Result<Request, Problem> {
    /// Longest name of a request.
    const MAX_NAME: usize = 128;
    let mut problems = Problems::default();
    let subject = SubjectId::parse(&raw.person).ok();
    if subject.is_none() {
        problems.add("personは32桁のIDです。", "person is an id of 32 digits.");
    }
    let named = key::named_request(&raw.request).filter(|_| raw.request.len() <= MAX_NAME);
    if named.is_none() {
        problems.add(
            "requestは、請求の一覧（requests）に出る、correct~かstop~で始まる番号です。",
            "request is an id as requests shows it, which begins with correct~ or stop~.",
        );
    }
    let outcome = Outcome::parse(&raw.outcome).filter(|outcome| Outcome::TO_CLOSE.contains(outcome));
    if outcome.is_none() {
        let words = Outcome::TO_CLOSE.map(Outcome::as_str).join(", ");
        problems.add(format!("outcomeは{words}のどれかです。"), format!("outcome must be one of {words}."));
    }
    if outcome == Some(Outcome::Lifted) && named.is_some_and(|(kind, _)| kind == RequestKind::Correct) {
        problems.add("liftedは利用停止の請求だけに使えます。", "lifted goes with requests to stop only.");
    }
    let note = note(raw.note.as_ref(), false, &mut problems);
    match (subject, named, outcome) {
        (Some(subject), Some((kind, id)), Some(outcome)) if problems.0.is_empty() => {
            Ok(Request::Close(Close { subject, kind, id: id.to_owned(), outcome, note }))
        }
        _ => Err(Problem::request(problems.0)),
    }
}

fn who(raw: RawWho) -> Option<Who> {
    match raw {
        RawWho { person: Some(person), user_id: None, channel: None, submission: None } => {
            SubjectId::parse(&person).ok().map(Who::Person)
        }
        RawWho { person: None, user_id: Some(user), channel: Some(channel), submission: None } => Some(Who::User {
            channel: ChannelName::parse(&channel).ok()?,
            user: LineUserId::parse(user.reveal()).ok()?,
        }),
        RawWho { person: None, user_id: None, channel: None, submission: Some(reference) } => {
            let (subject, id) = reference.split_once('-')?;
            let fits = (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric());
            let subject = SubjectId::parse(subject).ok()?;
            fits.then(|| Who::Submission { subject, id: id.to_owned() })
        }
        _ => None,
    }
}

fn list(raw: RawList, now: UnixMs) -> Result<Request, Problem> {
    let mut problems = Problems::default();
    let kinds = match raw.kind.as_deref() {
        None => ValueKind::ALL.to_vec(),
        Some(word) => {
            let kind = ValueKind::parse(word);
            if kind.is_none() {
                let names = ValueKind::ALL.map(ValueKind::as_str).join(", ");
                problems.add(format!("kindは{names}のどれかです。"), format!("kind must be one of {names}."));
            }
            kind.into_iter().collect()
        }
    };
    let mut day = |name: &str, given: Option<&str>| match given {
        None => Some(now.tokyo_day()),
        Some(text) => {
            let day = Day::parse(text).ok();
            if day.is_none() {
                problems.add(
                    format!("{name}は2026-11-21の形の、実在する日付にしてください。"),
                    format!("{name} must be a day like 2026-11-21."),
                );
            }
            day
        }
    };
    let (since, until) = (day("since", raw.since.as_deref()), day("until", raw.until.as_deref()));
    if raw.limit.is_some_and(|limit| !(1..=MAX_LIMIT).contains(&limit)) {
        problems.add(format!("limitは1から{MAX_LIMIT}までです。"), format!("limit must be 1 to {MAX_LIMIT}."));
    }
    let mut days = Vec::new();
    if let (Some(since), Some(until)) = (since, until) {
        let span = until.start().since(since.start()) / DAY_MS;
        if span < 0 {
            problems.add(
                "sinceはuntil（省略時は今日）以前の日にしてください。",
                "since must not be after until (default: today).",
            );
        } else if span >= MAX_DAYS {
            problems.add(
                format!("一度に見られるのは{MAX_DAYS}日までです。"),
                format!("At most {MAX_DAYS} days are listed at once."),
            );
        } else {
            days = (0..=span).map(|n| until.start().plus(-n * DAY_MS).tokyo_day()).collect();
        }
    }
    if problems.0.is_empty() {
        Ok(Request::List(List { kinds, days, limit: raw.limit.unwrap_or(USUAL_LIMIT) }))
    } else {
        Err(Problem::request(problems.0))
    }
}

fn count(raw: RawCount, now: UnixMs) -> Result<Request, Problem> {
    let month = raw.month.unwrap_or_else(|| now.tokyo_day().to_string().chars().take(7).collect());
    if month.len() != 7 || Day::parse(&format!("{month}-01")).is_err() {
        let ja = "monthは2026-11の形にしてください。";
        return Err(Problems::alone(ja, "month must be a month like 2026-11."));
    }
    Ok(Request::Count(Count { form: raw.form, month }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: UnixMs = UnixMs::new(1_795_230_000_000);

    #[test]
    fn everything_that_is_wrong_is_said_at_once_and_nothing_is_repeated() {
        let request =
            json!({"act": "open", "people": [{"person": "山田"}, {"user_id": "U1"}], "fields": [], "reason": " "});
        let problem = read(request, NOW).unwrap_err();
        assert_eq!(problem.ja.len(), 4, "{problem:?}");
        assert_eq!(problem.en.len(), 4);
        assert!(!format!("{problem:?}").contains("山田"));
    }

    #[test]
    fn people_are_named_in_three_ways() {
        let subject = "a5".repeat(16);
        let people = json!([
            {"person": subject}, {"user_id": "U1", "channel": "demo"}, {"submission": format!("{subject}-01ABC")}
        ]);
        let request = json!({"act": "open", "people": people, "fields": ["*"], "reason": "inquiry"});
        match read(request, NOW).unwrap() {
            Request::Open(open) => assert_eq!(open.people.len(), 3),
            other => panic!("{other:?}"),
        }
        for wrong in [json!({}), json!({"person": subject, "channel": "demo"}), json!({"submission": subject})] {
            let request = json!({"act": "open", "people": [wrong], "fields": ["*"], "reason": "inquiry"});
            assert!(read(request, NOW).is_err());
        }
    }

    #[test]
    fn one_person_is_erased_for_a_reason_that_is_one() {
        let subject = "a5".repeat(16);
        for good in [
            json!({"act": "erase", "person": subject, "reason": "request"}),
            json!({"act": "erase", "person": subject, "reason": " purpose_over ", "note": "受付 1021"}),
            json!({"act": "erase", "user_id": "U1", "channel": "demo", "reason": "other", "note": "窓口で"}),
        ] {
            assert!(matches!(read(good.clone(), NOW), Ok(Request::Erase(_))), "{good}");
        }
        let long = "あ".repeat(201);
        for wrong in [
            json!({"act": "erase", "reason": "request"}),
            json!({"act": "erase", "user_id": "U1", "reason": "request"}),
            json!({"act": "erase", "person": subject, "user_id": "U1", "channel": "demo", "reason": "request"}),
            json!({"act": "erase", "person": subject}),
            json!({"act": "erase", "person": subject, "reason": "inquiry"}),
            json!({"act": "erase", "person": subject, "reason": "窓口で求められた"}),
            json!({"act": "erase", "person": subject, "reason": "other"}),
            json!({"act": "erase", "person": subject, "reason": "request", "note": "…"}),
            json!({"act": "erase", "person": subject, "reason": "request", "note": long}),
            json!({"act": "erase", "people": [{"person": subject}], "reason": "request"}),
        ] {
            assert!(read(wrong.clone(), NOW).is_err(), "{wrong}");
        }
        let all = read(json!({"act": "erase", "person": "山田", "note": long}), NOW).unwrap_err();
        assert_eq!(all.ja.len(), 3, "{all:?}");
        assert!(!format!("{all:?}").contains("山田"));
    }

    #[test]
    fn a_request_is_closed_by_its_name_with_an_outcome_that_is_one() {
        let person = "a5".repeat(16);
        let close = |request: &str, outcome: &str| {
            let person = &person;
            json!({"act": "close_request", "person": person, "request": request, "outcome": outcome})
        };
        for (request, outcome) in [("correct~01ab", "done"), ("stop~01ab", "declined"), ("stop~01ab", "lifted")] {
            assert!(matches!(read(close(request, outcome), NOW), Ok(Request::Close(_))), "{request} {outcome}");
        }
        let long = format!("stop~{}", "a".repeat(124));
        for (request, outcome) in [
            ("correct~01ab", "lifted"),
            ("stop~01ab", "unanswered"),
            ("stop~01ab", ""),
            ("erase~01ab", "done"),
            ("stop~", "done"),
            ("01ab", "done"),
            (&long, "done"),
        ] {
            assert!(read(close(request, outcome), NOW).is_err(), "{request} {outcome}");
        }
        let wrong = json!({"act": "close_request", "person": "山田", "request": "山田", "outcome": "x", "note": "…"});
        let all = read(wrong, NOW).unwrap_err();
        assert_eq!((all.ja.len(), all.en.len()), (4, 4), "{all:?}");
        assert!(!format!("{all:?}").contains("山田"));
    }

    #[test]
    fn days_are_listed_newest_first() {
        let request = json!({"act": "list", "since": "2026-11-19"});
        match read(request, NOW).unwrap() {
            Request::List(list) => {
                let days: Vec<String> = list.days.iter().map(ToString::to_string).collect();
                assert_eq!(days, ["2026-11-21", "2026-11-20", "2026-11-19"]);
                assert_eq!(list.kinds.len(), ValueKind::ALL.len());
            }
            other => panic!("{other:?}"),
        }
        for wrong in [
            json!({"act": "list", "since": "2026-11-22"}),
            json!({"act": "list", "since": "2026-01-01"}),
            json!({"act": "list", "since": "yesterday"}),
            json!({"act": "list", "kind": "secret"}),
            json!({"act": "list", "limit": 0}),
            json!({"act": "list", "more": true}),
            json!({"act": "burn"}),
            json!([]),
        ] {
            assert!(read(wrong.clone(), NOW).is_err(), "{wrong}");
        }
    }
}
