//! What the functions may log: `LOGGING.md` as a table that lines are held against, and the
//! sources, read for every place that logs or measures.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::{Mutex, OnceLock, PoisonError},
};

use azukari::{
    domain::word::word,
    host::embedded,
    store::{day_root::ROOT_MESSAGE, ledger::HEAD_MESSAGE},
};
use serde_json::{Map, Value};

/// The root of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

// --------------------------------------------------------------- LOGGING.md

/// An event as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// `ERROR`, `WARN` or `INFO`.
    pub level: String,
    /// The functions that may log it; `local` is local mode.
    pub functions: BTreeSet<String>,
    /// The fields that its lines may have.
    pub fields: BTreeSet<String>,
}

/// A metric as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedMetric {
    /// `counter` or `level`.
    pub form: String,
    /// The functions that may measure it.
    pub functions: BTreeSet<String>,
    /// Whether there is an alarm on it.
    pub alarm: bool,
}

/// `LOGGING.md`.
#[derive(Debug, Default)]
pub struct Book {
    /// By name.
    pub events: BTreeMap<String, Listed>,
    /// The kind of each field.
    pub fields: BTreeMap<String, String>,
    /// Texts of `error`; `…` stands for what differs.
    pub faults: BTreeSet<String>,
    /// By name.
    pub metrics: BTreeMap<String, ListedMetric>,
}

/// The texts between backticks.
fn ticked(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn words(cell: &str) -> BTreeSet<String> {
    cell.split(',').map(|word| word.trim().to_owned()).filter(|word| !word.is_empty()).collect()
}

impl Book {
    /// Reads it. What is not a row of one of its tables is text for people.
    pub fn read(text: &str) -> Self {
        let mut book = Self::default();
        let mut section = "";
        for line in text.lines() {
            if let Some(heading) = line.strip_prefix("## ") {
                section = heading.split(['（', '(']).next().unwrap_or_default().trim();
            }
            let Some(row) = line.strip_prefix("| `").and_then(|_| line.strip_prefix('|')) else { continue };
            let cells: Vec<&str> = row.split('|').map(str::trim).collect();
            let cell = |n: usize| cells.get(n).copied().unwrap_or_default();
            for name in ticked(cell(0)) {
                let before = match section {
                    "Events" => {
                        let fields = ticked(cell(3)).into_iter().collect();
                        let listed = Listed { level: cell(1).to_owned(), functions: words(cell(2)), fields };
                        book.events.insert(name.clone(), listed).is_some()
                    }
                    "Fields" => book.fields.insert(name.clone(), cell(1).to_owned()).is_some(),
                    "Faults" => !book.faults.insert(name.clone()),
                    "Metrics" => {
                        let (form, functions) = (cell(1).to_owned(), words(cell(2)));
                        let listed = ListedMetric { form, functions, alarm: cell(4) != "–" };
                        book.metrics.insert(name.clone(), listed).is_some()
                    }
                    _ => false,
                };
                assert!(!before, "LOGGING.md lists {name} twice");
            }
        }
        book
    }

    /// The one of this repository.
    pub fn of_repository() -> &'static Self {
        static BOOK: OnceLock<Book> = OnceLock::new();
        BOOK.get_or_init(|| {
            Self::read(&fs::read_to_string(root().join("LOGGING.md")).expect("LOGGING.md lists every event"))
        })
    }

    /// Whether a line is one of a listed event, with the fields that it may have, of their
    /// kinds, and a message that stands in the sources.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self, line: &str, messages: &Messages) -> Result<(), String> {
        let line: Map<String, Value> = serde_json::from_str(line).map_err(|_| "it is not JSON".to_owned())?;
        let text = |name: &str| line.get(name).and_then(Value::as_str).unwrap_or_default();
        let event = text("event");
        let listed = self.events.get(event).ok_or_else(|| format!("{event:?} is not listed"))?;
        if text("level") != listed.level {
            return Err(format!("{event} is of the level {}", text("level")));
        }
        if !messages.get(event).is_some_and(|known| known.contains(text("message"))) {
            return Err(format!("{event} has a message of its own"));
        }
        for (name, value) in &line {
            match name.as_str() {
                "timestamp" | "level" | "target" | "message" | "event" => {}
                "span" => span(value).map_err(|wrong| format!("{event} has {wrong}"))?,
                name if !listed.fields.contains(name) => return Err(format!("{event} has the field {name}")),
                name => {
                    let kind = self.fields.get(name).map(String::as_str).unwrap_or_default();
                    if !self.fits(kind, value) {
                        return Err(format!("{event} has a {name} that is no {kind}"));
                    }
                }
            }
        }
        Ok(())
    }

    /// Whether a value is of a kind.
    fn fits(&self, kind: &str, value: &Value) -> bool {
        let text = value.as_str().unwrap_or_default();
        let all = |fits: fn(u8) -> bool| !text.is_empty() && text.bytes().all(fits);
        let hex = |length: usize| text.len() == length && all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        match kind {
            "number" => value.is_number(),
            "flag" => value.is_boolean(),
            "person" => hex(32),
            "trace" => hex(16),
            "date" => text.len() == 10 && all(|byte| byte.is_ascii_digit() || byte == b'-'),
            "digest" => {
                text.len() >= 43 && all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='))
            }
            "word" => text.len() <= 40 && all(|byte| byte.is_ascii_alphabetic() || byte == b'_'),
            "member" => text.len() <= 40 && all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'.' | b'_')),
            "name" => {
                text.len() <= 32
                    && all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_'))
            }
            "id" => word(text) == text,
            "fault" => self.faults.iter().any(|fault| fits_fault(fault, text)),
            _ => false,
        }
    }
}

/// The span of an invocation carries its request id, and nothing else.
fn span(span: &Value) -> Result<(), String> {
    let members = span.as_object().ok_or("a span that is no object")?;
    let id = members.get("request_id").and_then(Value::as_str).unwrap_or_default();
    let known = members.len() == 2 && members.get("name").is_some_and(|name| name == "invocation");
    if known && word(id) == id { Ok(()) } else { Err("a span that is not listed".to_owned()) }
}

/// What may stand in the place of a `…` of a fault.
#[derive(Debug, Clone, Copy)]
enum Gap {
    /// An operation of AWS.
    Operation,
    /// A code of AWS, or how a call broke off.
    Code,
    /// Several codes.
    Codes,
    /// A number.
    Count,
    /// The name of an attribute.
    Attribute,
    /// What a value is: one of the names in the sources.
    Kind,
    /// A fault of LINE's client.
    Line,
    /// Settings and what is wrong with each.
    Settings,
    /// Members of a secret and what is wrong with each.
    Members,
}

/// The gaps of every fault that has some.
const GAPS: [(&str, &[Gap]); 16] = [
    ("the function is not set up: …", &[Gap::Settings]),
    ("the secret is not complete: …", &[Gap::Members]),
    ("not a valid …", &[Gap::Kind]),
    ("…: the condition did not hold", &[Gap::Operation]),
    ("TransactWriteItems: cancelled (…)", &[Gap::Codes]),
    ("…: …", &[Gap::Operation, Gap::Code]),
    ("a row has no valid …", &[Gap::Attribute]),
    ("KMS …: …", &[Gap::Operation, Gap::Code]),
    ("KMS … answered without what was asked for", &[Gap::Operation]),
    ("no pair could be claimed in … attempts", &[Gap::Count]),
    ("a record may have at most … fields", &[Gap::Count]),
    ("an entry names at most … persons", &[Gap::Count]),
    ("LINE answered …", &[Gap::Count]),
    ("the keys of LINE could not be fetched: …", &[Gap::Line]),
    ("… due rows could not be handled", &[Gap::Count]),
    ("… pairs could not be made", &[Gap::Count]),
];

/// The faults whose gaps are known here; one that is not among them fits nothing.
pub fn faults_with_gaps() -> BTreeSet<String> {
    GAPS.iter().map(|(fault, _)| (*fault).to_owned()).collect()
}

impl Gap {
    fn fits(self, text: &str) -> bool {
        let all = |most: usize, fits: fn(u8) -> bool| (1..=most).contains(&text.len()) && text.bytes().all(fits);
        // A list for whoever sets up the function: names of ours and what is wrong with them.
        let listed = |text: &str| {
            let fits = |byte: u8| byte.is_ascii_alphanumeric() || b" .,:;_-/'()[]=?".contains(&byte);
            !text.is_empty() && text.len() <= 2_000 && text.bytes().all(fits)
        };
        match self {
            Self::Operation => all(64, |byte| byte.is_ascii_alphabetic()),
            Self::Code => {
                let broke_off = ["?", "timeout", "not reached", "not sent", "no answer"];
                broke_off.contains(&text) || all(64, |byte| byte.is_ascii_alphabetic())
            }
            Self::Codes => text.is_empty() || text.split(", ").all(|code| Self::Code.fits(code)),
            Self::Count => all(20, |byte| byte.is_ascii_digit()),
            Self::Attribute => {
                all(24, |byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
                    && text.starts_with(|first: char| first.is_ascii_lowercase())
            }
            Self::Kind => kinds_of_values().contains(text),
            Self::Line => {
                let status = text.strip_prefix("LINE answered ").is_some_and(|status| Self::Count.fits(status));
                status || ["LINE was not reached in time", "LINE's answer cannot be read"].contains(&text)
            }
            Self::Settings => {
                let named = |part: &str| part.starts_with("AZUKARI_") || part.starts_with("AWS_");
                listed(text) && text.split("; ").all(named)
            }
            Self::Members => listed(text),
        }
    }
}

/// What the sources call a value that does not have its form.
fn kinds_of_values() -> &'static BTreeSet<String> {
    static NAMES: OnceLock<BTreeSet<String>> = OnceLock::new();
    NAMES.get_or_init(|| {
        let mut names = BTreeSet::new();
        for (_, code) in sources() {
            let behind = code.split("Malformed(\"").skip(1);
            names.extend(behind.filter_map(|rest| rest.split('"').next()).map(str::to_owned));
        }
        names
    })
}

/// Whether a text is one of a fault. What differs in it is names, codes and numbers, each of
/// a closed form: somebody's name or words fit none of them.
fn fits_fault(fault: &str, text: &str) -> bool {
    let mut parts = fault.split('…').peekable();
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let gaps = GAPS.iter().find(|(known, _)| *known == fault).map(|(_, gaps)| *gaps);
    let mut gaps = gaps.unwrap_or_default().iter();
    while let Some(part) = parts.next() {
        let at = if parts.peek().is_none() { rest.strip_suffix(part).map(str::len) } else { rest.find(part) };
        let (Some(at), Some(gap)) = (at, gaps.next()) else { return false };
        if !gap.fits(&rest[..at]) {
            return false;
        }
        rest = &rest[at + part.len()..];
    }
    rest.is_empty()
}

// ------------------------------------------------------------------ sources

/// The messages of each event, as they stand in the sources.
pub type Messages = BTreeMap<String, BTreeSet<String>>;

/// A place that logs.
#[derive(Debug, Clone)]
pub struct Call {
    /// The file, from the root.
    pub file: String,
    /// The function whose crate it is in; `shared`, or `local`.
    pub owner: String,
    /// Its macro: `error`, `warn`, `info`…
    pub mac: String,
    /// The name of the event.
    pub event: Option<String>,
    /// Names of fields.
    pub fields: BTreeSet<String>,
    /// The message.
    pub message: Option<String>,
}

/// The sources whose lines are written: of the functions, of what they share and of local
/// mode, by their paths from the root, without comments and unit tests.
pub fn sources() -> Vec<(String, String)> {
    let mut found = Vec::new();
    let functions = fs::read_dir(root().join("functions")).expect("the functions are there").flatten();
    let mut folders: Vec<String> =
        functions.map(|folder| format!("functions/{}/src", folder.file_name().to_string_lossy())).collect();
    folders.extend(["shared/src".to_owned(), "infra/local/src".to_owned()]);
    folders.sort();
    for folder in folders {
        read_folder(&folder, &mut found);
    }
    found
}

fn read_folder(folder: &str, found: &mut Vec<(String, String)>) {
    let mut entries: Vec<_> = fs::read_dir(root().join(folder)).expect("the folder is there").flatten().collect();
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
        if path.ends_with("/tests") || path.ends_with("tests.rs") {
            continue;
        }
        if entry.path().is_dir() {
            read_folder(&path, found);
        } else if path.ends_with(".rs") {
            let text = fs::read_to_string(entry.path()).expect("the source is there");
            let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
            let lines: Vec<&str> = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
            found.push((path, lines.join("\n")));
        }
    }
}

/// The function whose crate a file is in.
pub fn owner(file: &str) -> String {
    match file.split('/').collect::<Vec<_>>().as_slice() {
        ["functions", name, ..] => (*name).to_owned(),
        ["infra", ..] => "local".to_owned(),
        _ => "shared".to_owned(),
    }
}

/// What stands between the bracket before `text` and the one that closes it.
pub fn bracketed(text: &str) -> &str {
    let (mut depth, mut quoted, mut escaped) = (1_usize, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted => {}
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => {
                depth -= 1;
                if depth == 0 {
                    return &text[..at];
                }
            }
            _ => {}
        }
    }
    text
}

/// Arguments, divided by the commas that are not in brackets or quotes.
pub fn arguments(text: &str) -> Vec<String> {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    let mut all = vec![String::new()];
    for c in text.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted => {}
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                all.push(String::new());
                continue;
            }
            _ => {}
        }
        all.last_mut().expect("there is one").push(c);
    }
    all.into_iter().map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

/// The literal that a text is, without its quotes.
pub fn literal(text: &str) -> Option<&str> {
    text.strip_prefix('"').and_then(|text| text.strip_suffix('"'))
}

/// Every string literal in a text.
pub fn literals(text: &str) -> BTreeSet<String> {
    text.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Every place that logs.
pub fn calls() -> Vec<Call> {
    let mut found = Vec::new();
    for (file, code) in sources() {
        for (at, _) in code.match_indices("tracing::") {
            let rest = &code[at + "tracing::".len()..];
            let Some((mac, inside)) = rest.split_once("!(") else { continue };
            if mac.is_empty() || !mac.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') {
                continue;
            }
            found.push(call(&file, mac, bracketed(inside)));
        }
    }
    found
}

fn call(file: &str, mac: &str, inside: &str) -> Call {
    let (file, mac) = (file.to_owned(), mac.to_owned());
    let mut call = Call { owner: owner(&file), file, mac, event: None, fields: BTreeSet::new(), message: None };
    for argument in arguments(inside).into_iter().filter(|argument| !argument.starts_with("target:")) {
        if let Some(message) = literal(&argument) {
            call.message = Some(message.to_owned());
        } else if let Some((name, value)) = argument.split_once('=').filter(|(name, _)| is_name(name.trim())) {
            match name.trim() {
                "event" => call.event = literal(value.trim()).map(str::to_owned),
                name => drop(call.fields.insert(name.to_owned())),
            }
        } else {
            call.fields.insert(argument.trim_start_matches(['%', '?']).to_owned());
        }
    }
    call
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

/// The messages that stand in the sources. The two that have a name are read by the commands
/// that check the audit log.
pub fn messages() -> &'static Messages {
    static MESSAGES: OnceLock<Messages> = OnceLock::new();
    MESSAGES.get_or_init(|| {
        let mut messages = Messages::new();
        for call in calls() {
            let (Some(event), Some(message)) = (call.event, call.message) else { continue };
            let message = match message.as_str() {
                "{HEAD_MESSAGE}" => HEAD_MESSAGE.to_owned(),
                "{ROOT_MESSAGE}" => ROOT_MESSAGE.to_owned(),
                _ => message,
            };
            messages.entry(event).or_default().insert(message);
        }
        messages
    })
}

// --------------------------------------------------- every line of every test

static STRAYS: OnceLock<Mutex<Vec<String>>> = OnceLock::new();
static KINDS: OnceLock<Mutex<BTreeSet<String>>> = OnceLock::new();

/// Holds a line that was logged against the list.
pub(crate) fn hear(line: &[u8]) {
    let line = String::from_utf8_lossy(line);
    let name = serde_json::from_str::<Value>(&line).ok().and_then(|line| line["event"].as_str().map(str::to_owned));
    if let Some(name) = name {
        KINDS.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner).insert(name);
    }
    if let Err(wrong) = Book::of_repository().check(&line, messages()) {
        STRAYS.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner).push(wrong);
    }
}

/// What was wrong with lines that were logged in this process: they are not as `LOGGING.md`
/// lists them.
pub fn strays() -> Vec<String> {
    STRAYS.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Metrics that are measured and not listed.
pub fn unlisted(measured: &BTreeMap<&'static str, BTreeMap<&'static str, u64>>) -> Vec<String> {
    let names = measured.iter().flat_map(|(what, kinds)| kinds.keys().map(move |kind| embedded::name(what, kind)));
    names.filter(|name| !Book::of_repository().metrics.contains_key(name)).collect()
}

/// The events that were logged in this process so far.
pub fn heard() -> BTreeSet<String> {
    KINDS.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner).clone()
}
