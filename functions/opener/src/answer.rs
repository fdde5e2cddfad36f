//! What the opener answers. The one place of the product that writes plain text out.

use std::collections::BTreeMap;

use azukari::{
    domain::{
        access::Refusal,
        operator::{Act, NotGranted, Operator},
        plain::Plain,
        receipt::ReceiptId,
        time::UnixMs,
    },
    store::{ledger, ledger::Row},
};
use serde::{Serialize, Serializer, ser::SerializeMap};

use crate::{count::FLOOR, request::Count};

/// The answer to one invocation.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// People were opened, refused or not found, each in the order asked for.
    Opened {
        /// One for each that was asked for.
        people: Vec<Person>,
    },
    /// What came in.
    Listed {
        /// Newest first.
        arrivals: Vec<Arrival>,
        /// Whether there is more than was asked for at most.
        more: bool,
    },
    /// What waits to be looked into.
    Requests {
        /// The oldest first.
        requests: Vec<OpenRequest>,
        /// Whether there is more than is shown at most.
        more: bool,
    },
    /// Whether a person's request is closed.
    ClosedRequest {
        /// What became of it.
        closing: ClosedRequest,
    },
    /// How many people have answered a form.
    Counted {
        /// The numbers.
        counted: Counted,
    },
    /// Whether somebody is being erased.
    Erasing {
        /// What became of it.
        erasure: Erasure,
    },
    /// A page of the ledger.
    Ledger(LedgerPage),
    /// Nothing was done.
    Problem {
        /// Why.
        error: Problem,
    },
}

/// Why nothing was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// As an HTTP status.
    pub status: u16,
    /// In one word.
    pub code: Code,
    /// Everything that is wrong, in Japanese.
    pub ja: Vec<String>,
    /// The same, in English.
    pub en: Vec<String>,
}

/// Why nothing was done, in one word: it also stands in the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// Not an assertion at all.
    Malformed,
    /// Not signed by ES256.
    Algorithm,
    /// From nobody who is configured.
    UnknownOperator,
    /// The signature does not fit.
    Signature,
    /// For another installation.
    Audience,
    /// Past its time.
    Expired,
    /// Of a time to come.
    NotYet,
    /// Valid for too long.
    TooLong,
    /// Used before.
    Replayed,
    /// The operator's role or purposes do not include it.
    NotGranted,
    /// The hour's budget does not suffice.
    Budget,
    /// The request cannot be read.
    Request,
    /// The entry could not be written, or the store did not answer.
    Unavailable,
}

impl Code {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Algorithm => "algorithm",
            Self::UnknownOperator => "unknown_operator",
            Self::Signature => "signature",
            Self::Audience => "audience",
            Self::Expired => "expired",
            Self::NotYet => "not_yet",
            Self::TooLong => "too_long",
            Self::Replayed => "replayed",
            Self::NotGranted => "not_granted",
            Self::Budget => "budget",
            Self::Request => "request",
            Self::Unavailable => "unavailable",
        }
    }

    fn status(self) -> u16 {
        match self {
            Self::Malformed
            | Self::Algorithm
            | Self::UnknownOperator
            | Self::Signature
            | Self::Audience
            | Self::Expired
            | Self::NotYet
            | Self::TooLong
            | Self::Replayed => 401,
            Self::NotGranted => 403,
            Self::Budget => 429,
            Self::Request => 400,
            Self::Unavailable => 503,
        }
    }

    fn texts(self) -> (&'static str, &'static str) {
        match self {
            Self::Malformed => ("アサーションを読めません。", "The assertion cannot be read."),
            Self::Algorithm => ("アサーションはES256で署名してください。", "The assertion must be signed by ES256."),
            Self::UnknownOperator => (
                "登録されていない担当者です（operators.tomlに足したあと、起動し直しましたか）。",
                "No such operator is configured (after adding one, start anew).",
            ),
            Self::Signature => (
                "アサーションの署名が、登録されている鍵と一致しません（名前と鍵のファイルを確かめてください）。",
                "The signature of the assertion does not fit the configured key: check the name and the key file.",
            ),
            Self::Audience => ("別の環境あてのアサーションです。", "The assertion is for another installation."),
            Self::Expired => ("アサーションの期限が切れています。", "The assertion has expired."),
            Self::NotYet => (
                "アサーションの時刻が未来です。時計を確かめてください。",
                "The assertion is of a time to come. Check the clock.",
            ),
            Self::TooLong => {
                ("アサーションの有効期間は5分までです。", "An assertion may be valid for five minutes at most.")
            }
            Self::Replayed => ("このアサーションは使用済みです。", "The assertion has been used before."),
            Self::NotGranted => {
                ("この担当者の役割では許可されていません。", "The operator's role does not include this.")
            }
            Self::Budget => {
                ("この1時間に開封できる人数を超えます。", "This would exceed the people you may open in an hour.")
            }
            Self::Request => ("要求に問題があります。", "The request has a problem."),
            Self::Unavailable => (
                "いま記録できないため、開封しませんでした。しばらくして試してください。",
                "It could not be recorded, so nothing was opened. Try again later.",
            ),
        }
    }
}

impl Problem {
    /// A problem with its usual text.
    pub(crate) fn of(code: Code) -> Self {
        let (ja, en) = code.texts();
        Self { status: code.status(), code, ja: vec![ja.to_owned()], en: vec![en.to_owned()] }
    }

    /// What an operator may not do, and what they may.
    pub(crate) fn not_granted(operator: &Operator, act: Act, why: NotGranted) -> Self {
        let own = operator.purposes.join(", ");
        let (ja, en) = match (why, act) {
            (NotGranted::PurposeMissing, _) => (
                format!(
                    "利用目的を指定してください（purpose。許可されている目的: {own}）。目的を省略できるのは個人情報保護管理者だけです。"
                ),
                format!("Name a purpose (purpose; yours: {own}). Only a privacy officer may leave it out."),
            ),
            (NotGranted::Purpose, _) => (
                format!("その目的での開封は許可されていません（許可されている目的: {own}）。"),
                format!("You may not open for that purpose (yours: {own})."),
            ),
            (NotGranted::Act, Act::Ledger) => (
                "台帳を読むことは許可されていません（読めるのは個人情報保護管理者と監査担当だけです）。".to_owned(),
                "You may not read the ledger: privacy officers and auditors may.".to_owned(),
            ),
            (NotGranted::Act, Act::Count) => (
                "集計を見ることは許可されていません（見られるのは担当者と個人情報保護管理者だけです）。".to_owned(),
                "You may not count: staff and privacy officers may.".to_owned(),
            ),
            (NotGranted::Act, Act::Erase) => (
                "消去を指示することは許可されていません（指示できるのは個人情報保護管理者だけです）。".to_owned(),
                "You may not have anybody erased: a privacy officer may.".to_owned(),
            ),
            (NotGranted::Act, Act::CloseRequest) => (
                "請求への対応を記録することは許可されていません（記録できるのは個人情報保護管理者だけです）。"
                    .to_owned(),
                "You may not close requests: a privacy officer may.".to_owned(),
            ),
            (NotGranted::Act, Act::Requests) => (
                "申し出の一覧を見ることは許可されていません（見られるのは担当者と個人情報保護管理者だけです）。"
                    .to_owned(),
                "You may not list requests: staff and privacy officers may.".to_owned(),
            ),
            (NotGranted::Act, Act::List) => (
                "一覧を見ることは許可されていません（見られるのは担当者と個人情報保護管理者だけです）。".to_owned(),
                "You may not list what came in: staff and privacy officers may.".to_owned(),
            ),
            (NotGranted::Act, Act::Open) => (
                "開封は許可されていません（監査担当は台帳だけを見ます）。".to_owned(),
                "You may not open: auditors read the ledger.".to_owned(),
            ),
        };
        Self { ja: vec![ja], en: vec![en], ..Self::of(Code::NotGranted) }
    }

    /// A request that cannot be carried out, with everything that is wrong with it.
    pub(crate) fn request(problems: Vec<(String, String)>) -> Self {
        let (ja, en) = problems.into_iter().unzip();
        Self { status: Code::Request.status(), code: Code::Request, ja, en }
    }
}

impl From<Counted> for Answer {
    fn from(counted: Counted) -> Self {
        Self::Counted { counted }
    }
}

impl From<ClosedRequest> for Answer {
    fn from(closing: ClosedRequest) -> Self {
        Self::ClosedRequest { closing }
    }
}

impl From<Erasure> for Answer {
    fn from(erasure: Erasure) -> Self {
        Self::Erasing { erasure }
    }
}

impl From<Problem> for Answer {
    fn from(error: Problem) -> Self {
        Self::Problem { error }
    }
}

/// What became of one person.
#[derive(Debug, Serialize)]
pub struct Person {
    /// Their random id, once it is known.
    pub person: Option<String>,
    /// The name of the channel they are known in.
    pub channel: Option<String>,
    /// What became of it.
    #[serde(flatten)]
    pub status: Status,
    /// What was opened.
    pub records: Vec<Record>,
    /// What they said about each purpose in forms.
    pub consents: Vec<FormConsent>,
    /// What was shown to them in forms, by the digest of its words.
    pub notices: BTreeMap<String, Notice>,
    /// Their requests to stop that are in force, as `close_request` names them: only for
    /// whoever has to answer requests.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stops: Vec<String>,
    /// Purposes that were left out, and why.
    pub withheld: BTreeMap<String, &'static str>,
    /// Rows that could not be used, and why.
    pub bad: BTreeMap<String, &'static str>,
    /// Set if there is more: ask again with this as `after`.
    pub more: Option<String>,
}

/// What became of one person, in one word and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Fields were opened.
    Opened,
    /// They are known and must not be opened.
    Refused(Refusal),
    /// Nothing is held of them: nobody is known, all is due or erased, or nothing is
    /// held for the purpose.
    NotFound,
    /// They could not be opened, and why.
    Failed(&'static str),
}

impl Serialize for Status {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (status, why) = match self {
            Self::Opened => ("opened", None),
            Self::Refused(refusal) => ("refused", Some(refusal.as_str())),
            Self::NotFound => ("not_found", None),
            Self::Failed(why) => ("failed", Some(*why)),
        };
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("status", status)?;
        map.serialize_entry("why", &why)?;
        map.end()
    }
}

/// An opened record. Names in place of opaque ids.
#[derive(Debug, Serialize)]
pub struct Record {
    /// The sort key of its row.
    pub id: String,
    /// What it is.
    pub kind: String,
    /// The name of the purpose it is kept for.
    pub purpose: String,
    /// Name and number of the policy version in force when it came.
    pub policy: String,
    /// Of the one the person was shown, or `none`.
    pub shown: String,
    /// Name and number of the form version it was given in, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub form: Option<String>,
    /// When it happened, in Unix milliseconds.
    pub at: UnixMs,
    /// When it is erased, in Unix milliseconds.
    pub due_at: UnixMs,
    /// The fields asked for.
    pub fields: Fields,
}

/// What somebody said about one purpose in a form.
#[derive(Debug, Serialize)]
pub struct FormConsent {
    /// What to open the submission by.
    pub submission: String,
    /// The name of the purpose.
    pub purpose: String,
    /// `given` or `refused`.
    pub consent: String,
    /// The same for sensitive answers, if any are asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sensitive: Option<String>,
    /// Name and number of the form version.
    pub form: String,
    /// Name and number of the policy version.
    pub policy: String,
    /// The digest of the words that were shown.
    pub notice: String,
    /// When they were shown, in Unix milliseconds.
    pub shown_at: UnixMs,
    /// When the form was sent, in Unix milliseconds.
    pub sent_at: UnixMs,
}

/// The words that somebody was shown, told again from the published version.
#[derive(Debug, Serialize)]
pub struct Notice {
    /// Their language.
    pub language: String,
    /// Line by line; empty if the version cannot be read any more.
    pub words: Vec<String>,
    /// Whether their digest is the one that was kept with the consent.
    pub as_shown: bool,
}

/// Opened fields, in the order in which they were sealed.
#[derive(Debug, Default)]
pub struct Fields(pub Vec<(String, Plain<Vec<u8>>)>);

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, plain) in &self.0 {
            map.serialize_entry(name, &String::from_utf8_lossy(plain.reveal()))?;
        }
        map.end()
    }
}

/// Something that waits to be looked into.
#[derive(Debug, Serialize)]
pub struct OpenRequest {
    /// Since when, in Unix milliseconds.
    pub at: UnixMs,
    /// What: `claim`, a member id that somebody wanted to be linked with and was refused;
    /// `correct` or `stop`, a request about what is held of them.
    pub what: &'static str,
    /// Whose, by random id.
    pub person: String,
    /// Of a request, what to close it by.
    pub request: Option<String>,
    /// Who is linked with that member id now, by random id; the person themselves, if they
    /// are linked with another one.
    pub holder: Option<String>,
    /// Days that are left of the fortnight in which it is to be answered; none left is 0, less is overdue.
    pub days_left: i64,
}

/// Something that came in.
#[derive(Debug, Serialize)]
pub struct Arrival {
    /// When, in Unix milliseconds.
    pub at: UnixMs,
    /// What.
    pub kind: &'static str,
    /// From whom, by random id.
    pub person: String,
    /// Of a submission, what to open it by.
    pub submission: Option<String>,
}

/// How many people have answered a form in a month.
#[derive(Debug, Serialize)]
pub struct Counted {
    /// The form.
    pub form: String,
    /// The month, as `2026-11`.
    pub month: String,
    /// Whether nobody's answers were stored: then every number is shown.
    pub anonymous: bool,
    /// Fewer people than this are not counted in other forms.
    pub floor: usize,
    /// How many people; `None` below the floor.
    pub people: Option<u64>,
    /// How many have chosen what, by field; `None` below the floor.
    pub choices: BTreeMap<String, BTreeMap<String, Option<u64>>>,
    /// How many answers were counted when they were erased (`then = "anonymise"`), by
    /// purpose; `None` below the floor. Those people are in no other number.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub anonymised: BTreeMap<String, Option<u64>>,
}

impl Counted {
    /// Nothing is counted yet.
    pub(crate) fn of(form: &azukari::host::published::Form, count: &Count) -> Self {
        Self {
            form: form.definition.name.clone(),
            month: count.month.clone(),
            anonymous: form.definition.anonymous,
            floor: FLOOR,
            people: None,
            choices: BTreeMap::new(),
            anonymised: BTreeMap::new(),
        }
    }
}

/// What became of the wish to have somebody erased.
#[derive(Debug, Serialize)]
pub struct Erasure {
    /// Their random id, once it is known.
    pub person: Option<String>,
    /// What became of it.
    #[serde(flatten)]
    pub status: Erasing,
    /// Of the receipt that tells how far it has come; set if an order is there.
    pub receipt: Option<ReceiptId>,
}

/// What became of the wish to have somebody erased, in one word and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Erasing {
    /// The order is placed: nothing of theirs is opened any more.
    Ordered,
    /// They were being erased already.
    UnderWay,
    /// Nothing is held of them: nobody is known, or they are erased.
    NotFound,
    /// Who they are is not proven, and why.
    Failed(&'static str),
}

impl Serialize for Erasing {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (status, why) = match self {
            Self::Ordered => ("ordered", None),
            Self::UnderWay => ("under_way", None),
            Self::NotFound => ("not_found", None),
            Self::Failed(why) => ("failed", Some(*why)),
        };
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("status", status)?;
        map.serialize_entry("why", &why)?;
        map.end()
    }
}

/// What became of the wish to close a request.
#[derive(Debug, Serialize)]
pub struct ClosedRequest {
    /// Whose it is, by random id.
    pub person: String,
    /// The request.
    pub request: String,
    /// What became of it.
    #[serde(flatten)]
    pub status: Closed,
    /// How the request has ended, now or before.
    pub outcome: Option<&'static str>,
}

/// What became of the wish to close a request, in one word and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// It is closed, and what was written in it is gone.
    Now,
    /// It had ended before; nothing has changed.
    Already,
    /// There is no such request.
    NotFound,
    /// It could not be closed, and why.
    Failed(&'static str),
}

impl Serialize for Closed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (status, why) = match self {
            Self::Now => ("closed", None),
            Self::Already => ("already", None),
            Self::NotFound => ("not_found", None),
            Self::Failed(why) => ("failed", Some(*why)),
        };
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("status", status)?;
        map.serialize_entry("why", &why)?;
        map.end()
    }
}

/// A page of the ledger.
#[derive(Debug, Default, Serialize)]
pub struct LedgerPage {
    /// Rows of the table as they are stored, in DynamoDB JSON.
    #[serde(serialize_with = "as_json")]
    pub rows: Vec<Row>,
    /// Reasons in operators' own words, by `<writer>#<sequence>`.
    pub notes: BTreeMap<String, Note>,
    /// Names of purposes, by opaque id.
    pub purposes: BTreeMap<String, String>,
    /// Set if there is more: ask again with this as `after`.
    pub more: Option<String>,
}

/// A reason in an operator's own words.
#[derive(Debug)]
pub struct Note(pub Plain<String>);

impl Serialize for Note {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.reveal())
    }
}

fn as_json<S: Serializer>(rows: &[Row], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(rows.iter().map(ledger::to_json))
}
