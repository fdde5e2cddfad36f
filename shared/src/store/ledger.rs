//! Reading and checking the audit log, from the table or from an exported file. A
//! check needs the rows and the public half of `evidence`, and nothing of the system.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::domain::{
    evidence::{Evidence, entry_message},
    time::UnixMs,
};
use crate::store::{
    Item, StoreError,
    entry::{BEGINNING, digest},
    key::{CHAIN, WRITERS},
};

/// A row as DynamoDB gives it.
pub type Row = HashMap<String, AttributeValue>;

/// An entry as it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryRead {
    /// The instance that wrote it.
    pub writer: String,
    /// Its place, from 1.
    pub sequence: u64,
    /// What was done.
    pub act: String,
    /// When.
    pub at: UnixMs,
    /// Who.
    pub operator: String,
    /// What entries of one request have in common.
    pub request: String,
    /// About whom.
    pub subjects: Vec<String>,
    /// How many were asked for who are not known.
    pub unknown: u64,
    /// Which fields.
    pub fields: Vec<String>,
    /// For which purpose, by its opaque id, or `*`.
    pub purpose: Option<String>,
    /// Why, as a code.
    pub reason: Option<String>,
    /// Why in own words, sealed.
    pub note: Option<Vec<u8>>,
    /// Why it was refused.
    pub refusal: Option<String>,
}

impl EntryRead {
    /// Reads an entry; `None` for another row of the table.
    ///
    /// # Errors
    /// It is not well formed.
    pub fn of(row: &Row) -> Result<Option<Self>, StoreError> {
        let Some((writer, sequence)) = place(row) else { return Ok(None) };
        let item = Item::read(row.clone());
        let list = |name: &'static str| -> Result<Vec<String>, StoreError> {
            serde_json::from_str(item.get_text(name)?).map_err(|_| StoreError::Row { attribute: name })
        };
        let own = |name: &str| item.find_text(name).map(str::to_owned);
        Ok(Some(Self {
            writer,
            sequence,
            act: item.get_text("act")?.to_owned(),
            at: item.get_time("at")?,
            operator: item.get_text("operator")?.to_owned(),
            request: item.get_text("request")?.to_owned(),
            subjects: list("subjects")?,
            unknown: u64::try_from(item.get_number("unknown")?).unwrap_or_default(),
            fields: list("fields")?,
            purpose: own("purpose"),
            reason: own("reason"),
            note: if item.has("note") { Some(item.get_bytes("note")?.to_vec()) } else { None },
            refusal: own("refusal"),
        }))
    }
}

/// A signed head: an entry's place, digest and signature, as they are logged. Kept
/// where the table cannot be reached from, it proves that the chain went so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The instance that wrote.
    pub writer: String,
    /// Its place.
    pub sequence: u64,
    /// Its digest.
    pub digest: [u8; 32],
    /// Its signature.
    pub signature: Vec<u8>,
}

/// The message of a log line that carries a head.
pub const HEAD_MESSAGE: &str = "audit head";

impl Head {
    /// Reads a head from a line of the log, plain or as CloudWatch exports it; `None`
    /// if the line is about something else.
    pub fn of_line(line: &str) -> Option<Self> {
        let line = logged(line, HEAD_MESSAGE)?;
        let bytes = |name: &str| STANDARD.decode(line[name].as_str()?).ok();
        Some(Self {
            writer: line["writer"].as_str()?.to_owned(),
            sequence: line["sequence"].as_u64()?,
            digest: bytes("digest")?.try_into().ok()?,
            signature: bytes("signature")?,
        })
    }
}

/// A line of the log with this message, plain or as CloudWatch exports it.
pub(super) fn logged(line: &str, message: &str) -> Option<Value> {
    let line: Value = serde_json::from_str(line.get(line.find('{')?..)?).ok()?;
    let plain = line["message"] == message;
    let line = if plain { line } else { serde_json::from_str(line["message"].as_str()?).ok()? };
    (line["message"] == message).then_some(line)
}

/// What is wrong with an entry or a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fault {
    /// It is not what was signed, or was signed by another key or at another place.
    Signature,
    /// It does not follow the entry before it.
    Chain,
    /// It is not there, and later ones are.
    Missing,
    /// It is not there, and a logged head says that it was.
    TailMissing,
    /// It is there, and is not the one of the logged head.
    NotTheHead,
    /// The line of the log is not signed by the key.
    Head,
    /// The chain is on the list of chains and has no entry.
    Empty,
    /// The row cannot be read.
    Malformed,
    /// The same place is there twice.
    Twice,
}

impl Fault {
    /// Every fault.
    pub const ALL: [Self; 9] = [
        Self::Signature,
        Self::Chain,
        Self::Missing,
        Self::TailMissing,
        Self::NotTheHead,
        Self::Head,
        Self::Empty,
        Self::Malformed,
        Self::Twice,
    ];

    /// What it means, in Japanese and in English.
    pub fn text(self) -> (&'static str, &'static str) {
        match self {
            Self::Signature => (
                "署名と内容が一致しません（書き換え・移動）",
                "the signature does not fit: changed, moved, or another key",
            ),
            Self::Chain => ("前の記録とつながっていません", "it does not follow the entry before it"),
            Self::Missing => ("記録が抜けています", "the entry is missing"),
            Self::TailMissing => {
                ("ログに残る記録が台帳から消えています", "the log says that it was written; it is gone from the ledger")
            }
            Self::NotTheHead => ("ログに残る記録と異なります", "it is not the entry that the log knows"),
            Self::Head => ("ログの行の署名が正しくありません", "the line of the log is not signed by the key"),
            Self::Empty => ("一覧にある連鎖の記録がありません", "the chain is on the list and has no entry"),
            Self::Malformed => ("記録を読めません", "the row cannot be read"),
            Self::Twice => ("同じ番号の記録が二つあります", "the same place is there twice"),
        }
    }
}

/// A fault and where it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The chain.
    pub writer: String,
    /// The entry.
    pub sequence: u64,
    /// What is wrong.
    pub fault: Fault,
    /// When the entry was written, if that can be read.
    pub at: Option<UnixMs>,
}

/// Of which time entries are counted. What is wrong is reported whenever it happened:
/// a row that was edited cannot be believed about its own time.
#[derive(Debug, Clone, Copy, Default)]
pub struct Range {
    /// From this time on.
    pub from: Option<UnixMs>,
    /// Before this time.
    pub to: Option<UnixMs>,
}

impl Range {
    /// Whether a time lies in it.
    pub fn holds(&self, at: UnixMs) -> bool {
        self.from.is_none_or(|from| at >= from) && self.to.is_none_or(|to| at < to)
    }
}

/// What a check has found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Chains that were checked.
    pub chains: usize,
    /// Entries that were checked.
    pub all: usize,
    /// Those of them that are of the range.
    pub entries: usize,
    /// What is wrong, the first entry of each chain first.
    pub findings: Vec<Finding>,
    /// Chains whose end nothing proves, and the last entry that is there: whether more
    /// followed is not known.
    pub unproven: Vec<(String, u64)>,
}

impl Verdict {
    /// Nothing is wrong, as far as can be seen.
    pub fn sound(&self) -> bool {
        self.findings.is_empty()
    }

    /// Takes chains off the unproven ones whose last entry a head logged later knows:
    /// while rows are read, more are written.
    pub fn prove(&mut self, rows: &[Row], evidence: &dyn Evidence, heads: &[Head]) {
        self.unproven.retain(|(writer, last)| {
            let row = rows.iter().find(|row| place(row).is_some_and(|at| at == (writer.clone(), *last)));
            let Some(digest) = row.map(digest) else { return true };
            !heads.iter().any(|head| {
                head.writer == *writer
                    && head.sequence == *last
                    && head.digest == digest
                    && evidence.verify(&entry_message(writer, *last, &digest), &head.signature)
            })
        });
    }

    /// Nothing is wrong, and nothing is missing at the end of any chain.
    pub fn complete(&self) -> bool {
        self.sound() && self.unproven.is_empty()
    }
}

/// Checks rows of the audit table. Rows that are no entries are passed over. `heads` are
/// those that were logged before the rows were read: an entry that they know and that is
/// not there was taken away.
pub fn verify(rows: &[Row], evidence: &dyn Evidence, heads: &[Head], range: Range) -> Verdict {
    let mut chains: BTreeMap<String, BTreeMap<u64, &Row>> = BTreeMap::new();
    let mut verdict = Verdict::default();
    for row in rows {
        if let Some((writer, sequence)) = place(row) {
            let chain = chains.entry(writer.clone()).or_default();
            if chain.insert(sequence, row).is_some() {
                verdict.findings.push(Finding { writer, sequence, fault: Fault::Twice, at: None });
            }
        } else if text(row, "pk").is_some_and(|pk| pk.starts_with(CHAIN)) {
            match listed(row) {
                Some(writer) => drop(chains.entry(writer).or_default()),
                None => {
                    let writer = text(row, "pk").unwrap_or_default();
                    verdict.findings.push(Finding { writer, sequence: 0, fault: Fault::Malformed, at: None });
                }
            }
        }
    }
    let mut newest: BTreeMap<&str, &Head> = BTreeMap::new();
    for head in heads {
        let fits = evidence.verify(&entry_message(&head.writer, head.sequence, &head.digest), &head.signature);
        if !fits {
            let (writer, sequence) = (head.writer.clone(), head.sequence);
            verdict.findings.push(Finding { writer, sequence, fault: Fault::Head, at: None });
        } else if newest.get(head.writer.as_str()).is_none_or(|known| known.sequence < head.sequence) {
            newest.insert(&head.writer, head);
        }
    }
    for writer in newest.keys() {
        chains.entry((*writer).to_owned()).or_default();
    }
    for (writer, chain) in &chains {
        verdict.chain(writer, chain, evidence, newest.get(writer.as_str()).copied(), range);
    }
    verdict.chains = chains.len();
    verdict.findings.sort_by(|a, b| (&a.writer, a.sequence).cmp(&(&b.writer, b.sequence)));
    verdict
}

impl Verdict {
    fn chain(
        &mut self,
        writer: &str,
        chain: &BTreeMap<u64, &Row>,
        evidence: &dyn Evidence,
        head: Option<&Head>,
        range: Range,
    ) {
        let mut before = (0, BEGINNING);
        for (sequence, row) in chain {
            let digest = digest(row);
            let at = Item::read((*row).clone()).find_time("at");
            self.all += 1;
            self.entries += usize::from(at.is_some_and(|at| range.holds(at)));
            let mut found = Vec::new();
            let (last, previous) = before;
            found.extend((last + 1..*sequence).take(3).map(|missing| (missing, Fault::Missing)));
            if last + 1 == *sequence && bytes(row, "previous") != Some(&previous) {
                found.push((*sequence, Fault::Chain));
            }
            let signed = bytes(row, "signature")
                .is_some_and(|signature| evidence.verify(&entry_message(writer, *sequence, &digest), signature));
            // Attributes that the canonical form leaves out have no place in an entry.
            let strange = ["due_at", "due_slot", "tag"].iter().any(|name| row.contains_key(*name));
            if !signed || strange {
                found.push((*sequence, Fault::Signature));
            } else if !matches!(EntryRead::of(row), Ok(Some(_))) {
                found.push((*sequence, Fault::Malformed));
            }
            if head.is_some_and(|head| head.sequence == *sequence && head.digest != digest) {
                found.push((*sequence, Fault::NotTheHead));
            }
            let finding = |(sequence, fault)| Finding { writer: writer.to_owned(), sequence, fault, at };
            self.findings.extend(found.into_iter().map(finding));
            before = (*sequence, digest);
        }
        let last = chain.keys().next_back().copied().unwrap_or_default();
        let finding = |sequence, fault| Finding { writer: writer.to_owned(), sequence, fault, at: None };
        match head {
            Some(head) if head.sequence > last => self.findings.push(finding(last + 1, Fault::TailMissing)),
            Some(head) if head.sequence == last => {}
            _ if chain.is_empty() => self.findings.push(finding(1, Fault::Empty)),
            _ => self.unproven.push((writer.to_owned(), last)),
        }
    }
}

/// The chain and the place of an entry, from its key.
pub(super) fn place(row: &Row) -> Option<(String, u64)> {
    let pk = text(row, "pk").filter(|pk| pk != WRITERS)?;
    let writer = pk.strip_prefix(CHAIN)?.to_owned();
    let sk = text(row, "sk")?;
    let digits = sk.len() == 15 && sk.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| sk.parse().ok()).flatten().map(|sequence| (writer, sequence))
}

fn listed(row: &Row) -> Option<String> {
    (text(row, "pk")? == WRITERS).then(|| text(row, "writer")).flatten()
}

fn text(row: &Row, name: &str) -> Option<String> {
    row.get(name).and_then(|value| value.as_s().ok()).cloned()
}

/// The bytes of an attribute.
pub(super) fn bytes<'a>(row: &'a Row, name: &str) -> Option<&'a [u8]> {
    row.get(name).and_then(|value| value.as_b().ok()).map(AsRef::as_ref)
}

/// A row as DynamoDB JSON, the form of exports.
pub fn to_json(row: &Row) -> Value {
    let members = row.iter().map(|(name, value)| {
        let value = match value {
            AttributeValue::S(text) => json!({ "S": text }),
            AttributeValue::N(number) => json!({ "N": number }),
            AttributeValue::B(blob) => json!({ "B": STANDARD.encode(blob) }),
            _ => json!({ "NULL": true }),
        };
        (name.clone(), value)
    });
    Value::Object(members.collect())
}

/// A row from DynamoDB JSON: bare, or inside the member `Item` as DynamoDB's own
/// export writes it. `None` if it is neither.
pub fn from_json(value: &Value) -> Option<Row> {
    let members = value.get("Item").unwrap_or(value).as_object()?;
    let mut row = Row::new();
    for (name, value) in members {
        let (kind, content) = value.as_object()?.iter().next()?;
        let value = match kind.as_str() {
            "S" => AttributeValue::S(content.as_str()?.to_owned()),
            "N" => AttributeValue::N(content.as_str()?.to_owned()),
            "B" => AttributeValue::B(Blob::new(STANDARD.decode(content.as_str()?).ok()?)),
            _ => AttributeValue::Null(true),
        };
        row.insert(name.clone(), value);
    }
    Some(row)
}
