//! Day roots `D#roots` / `<day in Japan>` in the audit table: signed statements
//! (`domain::day_root`), only ever added. They are in one partition, so that the last one
//! and all of them are one query each. Their check ([`verify`]) needs the rows and the public
//! half of `evidence`, and nothing of the system.
//!
//! The hash tree is that of RFC 9162 §2.1 with SHA-256. A leaf is what is signed for an
//! entry: its digest with its place.

mod check;

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use base64::{Engine, engine::general_purpose::STANDARD};
use ct_merkle::mem_backed_tree::MemoryBackedTree;
use sha2::{Digest, Sha256};

use crate::domain::{
    day_root::{DayRoot, Ends, Fingerprint, VERSION, rested_before},
    evidence::entry_message,
    time::{Day, UnixMs},
};
use crate::store::{
    Item, Outcome, StoreError,
    audit::Audit,
    entry::{BEGINNING, digest},
    error::outcome,
    key::{self, ROOTS},
    ledger::{self, EntryRead, Row, bytes, logged, place},
};

pub use check::{Fault, Finding, Verdict, verify};

/// A statement and the signature of the `evidence` key over it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedRoot {
    /// What is signed.
    pub root: DayRoot,
    /// The signature, DER.
    pub signature: Vec<u8>,
}

/// The digest of a statement: SHA-256 over its JSON.
pub fn fingerprint(root: &DayRoot) -> Fingerprint {
    Fingerprint::new(Sha256::digest(root.json()).into())
}

impl SignedRoot {
    /// Reads a row. Nothing in it may be otherwise than it is stored.
    fn of(row: &Row) -> Result<Self, StoreError> {
        let item = Item::read(row.clone());
        let malformed = StoreError::Row { attribute: "root" };
        let root = DayRoot::parse(item.get_text("root")?).map_err(|_| malformed.clone())?;
        let signed = Self { root, signature: item.get_bytes("signature")?.to_vec() };
        if signed.row() == *row { Ok(signed) } else { Err(malformed) }
    }

    /// As it is stored.
    pub fn row(&self) -> Row {
        Item::new(ROOTS, self.root.day.to_string(), "day_root")
            .text("root", self.root.json())
            .bytes("signature", self.signature.clone())
            .time("at", self.root.sealed_at)
            .into_map()
    }

    /// As it is logged.
    pub fn logged(&self) -> LoggedRoot {
        LoggedRoot { day: self.root.day, digest: fingerprint(&self.root), signature: self.signature.clone() }
    }
}

/// A day root as it is logged. Kept where the table cannot be reached from, it proves that
/// the day was sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedRoot {
    /// The day.
    pub day: Day,
    /// The digest of the statement.
    pub digest: Fingerprint,
    /// Its signature.
    pub signature: Vec<u8>,
}

/// The message of a log line that carries a day root.
pub const ROOT_MESSAGE: &str = "day root";

impl LoggedRoot {
    /// The signature as it stands in a line.
    pub fn signature_text(&self) -> String {
        STANDARD.encode(&self.signature)
    }

    /// Reads a day root from a line of the log, plain or as CloudWatch exports it; `None`
    /// if the line is about something else.
    pub fn of_line(line: &str) -> Option<Self> {
        let line = logged(line, ROOT_MESSAGE)?;
        Some(Self {
            day: Day::parse(line["day"].as_str()?).ok()?,
            digest: Fingerprint::parse(line["digest"].as_str()?).ok()?,
            signature: STANDARD.decode(line["signature"].as_str()?).ok()?,
        })
    }
}

/// The root of the hash tree over these leaves, and how many there are.
fn tree(leaves: impl IntoIterator<Item = Vec<u8>>) -> (Fingerprint, u64) {
    let mut tree = MemoryBackedTree::<Sha256, Vec<u8>>::new();
    for leaf in leaves {
        tree.push(leaf);
    }
    let root = tree.root();
    (Fingerprint::new((*root.as_bytes()).into()), root.num_leaves())
}

/// What stands in a chain, from the last entry that is covered on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tail {
    /// The leaves of the entries that are not covered yet.
    leaves: Vec<Vec<u8>>,
    /// The last entry of the chain.
    last: u64,
    /// When it was written.
    at: UnixMs,
}

/// The statement over what is not covered yet. Chains that rest are not named any more.
pub fn over(day: Day, sealed_at: UnixMs, previous: Option<&SignedRoot>, tails: BTreeMap<String, Tail>) -> DayRoot {
    let rested = rested_before(day);
    let (mut ends, mut leaves) = (Ends::new(), Vec::new());
    for (writer, tail) in tails {
        if !tail.leaves.is_empty() || tail.at >= rested {
            ends.insert(writer, tail.last);
        }
        leaves.extend(tail.leaves);
    }
    let (root, entries) = tree(leaves);
    let previous = previous.map(|previous| fingerprint(&previous.root));
    DayRoot { azukari_day_root: VERSION, day, sealed_at, previous, entries, root, ends }
}

/// Why the end of a chain cannot be sealed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotWhole {
    /// It could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An entry is missing, or is not what it should be.
    #[error("entry {sequence} of the chain {writer}: {fault:?}")]
    Broken {
        /// The chain.
        writer: String,
        /// The entry.
        sequence: u64,
        /// What is wrong with it.
        fault: ledger::Fault,
    },
}

/// Reads a chain entry by entry, from the last that is covered on.
struct Walk<'a> {
    writer: &'a str,
    covered: u64,
    next: u64,
    before: Option<[u8; 32]>,
    tail: Tail,
}

impl<'a> Walk<'a> {
    fn new(writer: &'a str, covered: u64) -> Self {
        let tail = Tail { leaves: Vec::new(), last: covered, at: UnixMs::new(0) };
        Self { writer, covered, next: covered.max(1), before: None, tail }
    }

    fn broken(&self, sequence: u64, fault: ledger::Fault) -> NotWhole {
        NotWhole::Broken { writer: self.writer.to_owned(), sequence, fault }
    }

    fn step(&mut self, row: &Row) -> Result<(), NotWhole> {
        let sequence = match place(row) {
            Some((_, sequence)) if sequence == self.next => sequence,
            Some(_) => return Err(self.broken(self.next, ledger::Fault::Missing)),
            None => return Err(self.broken(self.next, ledger::Fault::Malformed)),
        };
        let Ok(Some(read)) = EntryRead::of(row) else {
            return Err(self.broken(sequence, ledger::Fault::Malformed));
        };
        let before = if sequence == 1 { Some(BEGINNING) } else { self.before };
        if before.is_some_and(|before| bytes(row, "previous") != Some(&before[..])) {
            return Err(self.broken(sequence, ledger::Fault::Chain));
        }
        let digest = digest(row);
        if sequence > self.covered {
            self.tail.leaves.push(entry_message(self.writer, sequence, &digest));
        }
        (self.tail.last, self.tail.at) = (sequence, read.at);
        (self.before, self.next) = (Some(digest), sequence + 1);
        Ok(())
    }

    fn end(self) -> Result<Option<Tail>, NotWhole> {
        match (self.before, self.covered) {
            (Some(_), _) => Ok(Some(self.tail)),
            // Its place on the list of chains may be seen a moment before its first entry.
            // If that has been taken away, the list still tells.
            (None, 0) => Ok(None),
            (None, covered) => Err(self.broken(covered, ledger::Fault::TailMissing)),
        }
    }
}

impl Audit {
    /// The last day root: one call.
    ///
    /// # Errors
    /// The call failed, or the row is not what it should be.
    pub async fn last_root(&self) -> Result<Option<SignedRoot>, StoreError> {
        let answer = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", AttributeValue::S(ROOTS.to_owned()))
            .consistent_read(true)
            .scan_index_forward(false)
            .limit(1)
            .send()
            .await
            .map_err(|error| StoreError::call("Query", error))?;
        answer.items.unwrap_or_default().first().map(SignedRoot::of).transpose()
    }

    /// Stores a day root. [`Outcome::Already`] if the day is sealed: the first stays.
    ///
    /// # Errors
    /// The call failed.
    pub async fn put_root(&self, signed: &SignedRoot) -> Result<Outcome, StoreError> {
        let result = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(signed.row()))
            .condition_expression("attribute_not_exists(pk)")
            .send()
            .await;
        outcome(result.map(drop).map_err(|error| StoreError::call("PutItem", error)))
    }

    /// A page of the day roots as they are stored, behind `after` (a sort key, or empty).
    ///
    /// # Errors
    /// The call failed.
    pub async fn roots_after(&self, after: &str) -> Result<Vec<Row>, StoreError> {
        Ok(self.page(ROOTS, after).await?.rows)
    }

    /// What stands in a chain behind what is covered; `None` if it has not begun.
    ///
    /// # Errors
    /// The call failed, or the chain is not whole.
    pub async fn tail(&self, writer: &str, covered: u64) -> Result<Option<Tail>, NotWhole> {
        let chain = key::chain(writer);
        let mut walk = Walk::new(writer, covered);
        // The last entry that is covered is read again: the next has to follow it.
        let mut after = covered.checked_sub(1).map(key::sequence).unwrap_or_default();
        loop {
            let page = self.page(&chain, &after).await?;
            for row in &page.rows {
                walk.step(row)?;
            }
            if !page.more || page.rows.is_empty() {
                return walk.end();
            }
            after = key::sequence(walk.tail.last);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{day_root::message, evidence::Evidence, time::DAY_MS};

    /// A key that signs by a secret.
    struct Key;

    impl Key {
        fn sign(message: &[u8]) -> Vec<u8> {
            Sha256::digest([b"a test's own key", message].concat()).to_vec()
        }
    }

    impl Evidence for Key {
        fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
            Self::sign(message) == signature
        }
    }

    const AT: UnixMs = UnixMs::new(1_795_230_000_000); // 2026-11-21T03:00:00Z

    /// A chain of entries, one a day.
    fn chain(writer: &str, entries: u64) -> Vec<Row> {
        let mut previous = BEGINNING;
        let entry = |sequence: u64| {
            let days = i64::try_from(sequence - 1).unwrap();
            let row = Item::new(key::chain(writer), key::sequence(sequence), "entry")
                .text("act", "list")
                .time("at", AT.plus(days * DAY_MS))
                .text("operator", "desk")
                .text("request", "r")
                .text("subjects", "[]")
                .number("unknown", 0)
                .text("fields", "[]")
                .bytes("previous", previous);
            previous = digest(&row.clone().into_map());
            row.bytes("signature", Key::sign(&entry_message(writer, sequence, &previous))).into_map()
        };
        (1..=entries).map(entry).collect()
    }

    fn tail(writer: &str, covered: u64, rows: &[Row]) -> Result<Option<Tail>, NotWhole> {
        let mut walk = Walk::new(writer, covered);
        for row in rows.iter().skip(usize::try_from(covered.saturating_sub(1)).unwrap()) {
            walk.step(row)?;
        }
        walk.end()
    }

    fn sealed(days: i64, previous: Option<&SignedRoot>, chains: &[(&str, &[Row])]) -> SignedRoot {
        let covered = |writer: &str| previous.and_then(|it| it.root.ends.get(writer)).copied().unwrap_or_default();
        let tails = chains.iter().filter_map(|(writer, rows)| {
            let tail = tail(writer, covered(writer), rows).unwrap();
            tail.map(|tail| ((*writer).to_owned(), tail))
        });
        let at = AT.plus(days * DAY_MS);
        let root = over(at.tokyo_day(), at.plus(DAY_MS), previous, tails.collect());
        let signature = Key::sign(&message(root.day, &fingerprint(&root)));
        SignedRoot { root, signature }
    }

    /// Two chains and three roots over them.
    fn rows() -> Vec<Row> {
        let (a, b) = (chain("a", 3), chain("b", 2));
        let first = sealed(0, None, &[("a", &a[..1])]);
        let second = sealed(1, Some(&first), &[("a", &a[..2]), ("b", &b[..2])]);
        let third = sealed(2, Some(&second), &[("a", &a[..]), ("b", &b[..])]);
        assert_eq!([&first, &second, &third].map(|it| it.root.entries), [1, 3, 1]);
        [a, b, vec![first.row(), second.row(), third.row()]].concat()
    }

    fn found(rows: &[Row]) -> Vec<(String, Fault)> {
        verify(rows, &Key, &[]).findings.into_iter().map(|finding| (finding.day, finding.fault)).collect()
    }

    fn without(rows: &[Row], pk: &str, sk: &str) -> Vec<Row> {
        let is = |row: &Row, name: &str, value: &str| row[name].as_s().is_ok_and(|it| it == value);
        let left: Vec<Row> = rows.iter().filter(|row| !(is(row, "pk", pk) && is(row, "sk", sk))).cloned().collect();
        assert_eq!(left.len() + 1, rows.len());
        left
    }

    #[test]
    fn the_tree_is_that_of_the_standard() {
        // The examples of Certificate Transparency's own tests.
        let leaves: [&[u8]; 8] = [
            &[],
            &[0x00],
            &[0x10],
            &[0x20, 0x21],
            &[0x30, 0x31],
            &[0x40, 0x41, 0x42, 0x43],
            &[0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57],
            &[0x60, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x6b, 0x6c, 0x6d, 0x6e, 0x6f],
        ];
        for (n, root) in [
            (0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            (1, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
            (2, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
            (3, "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"),
            (7, "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"),
            (8, "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"),
        ] {
            let (made, entries) = tree(leaves[..n].iter().map(|leaf| leaf.to_vec()));
            assert_eq!((made.to_string(), entries), (root.to_owned(), n as u64));
        }
    }

    #[test]
    fn sound_roots_are_sound_and_say_what_they_do_not_cover() {
        let rows = rows();
        let verdict = verify(&rows, &Key, &[]);
        let last = AT.plus(2 * DAY_MS).tokyo_day();
        assert_eq!(verdict, Verdict { roots: 3, last: Some(last), ..Verdict::default() });
        let mut grown = rows;
        grown.retain(|row| row["pk"].as_s().is_ok_and(|pk| pk != "A#a"));
        grown.extend(chain("a", 5));
        grown.extend(chain("c", 1));
        let verdict = verify(&grown, &Key, &[]);
        assert!(verdict.sound(), "{verdict:?}");
        assert_eq!((verdict.uncovered, verdict.open), (3, vec![("a".to_owned(), 4), ("c".to_owned(), 1)]));
    }

    #[test]
    fn a_removed_entry_is_found_at_its_root() {
        let rows = rows();
        for (chain, sequence, day) in [("a", 1, 0), ("a", 3, 2), ("b", 2, 1)] {
            let left = without(&rows, &key::chain(chain), &key::sequence(sequence));
            let day = AT.plus(day * DAY_MS).tokyo_day().to_string();
            let finding = Finding { day, entry: Some((chain.to_owned(), sequence)), fault: Fault::EntryMissing };
            assert_eq!(verify(&left, &Key, &[]).findings, [finding]);
        }
    }

    #[test]
    fn a_changed_entry_is_found_at_its_root_even_if_it_is_signed_again() {
        let rows = rows();
        let at = rows.iter().position(|row| row["pk"] == AttributeValue::S("A#b".to_owned())).unwrap();
        let mut row = rows[at].clone();
        row.insert("operator".to_owned(), AttributeValue::S("nobody".to_owned()));
        let signature = Key::sign(&entry_message("b", 1, &digest(&row)));
        row.insert("signature".to_owned(), AttributeValue::B(signature.into()));
        let mut changed = rows;
        changed[at] = row;
        assert_eq!(found(&changed), [("2026-11-22".to_owned(), Fault::Entries)]);
    }

    #[test]
    fn a_removed_root_is_found_by_the_next_or_by_the_log() {
        let rows = rows();
        assert_eq!(found(&without(&rows, ROOTS, "2026-11-21")), [("2026-11-22".to_owned(), Fault::Chain)]);
        assert_eq!(found(&without(&rows, ROOTS, "2026-11-22")), [("2026-11-23".to_owned(), Fault::Chain)]);
        let last = without(&rows, ROOTS, "2026-11-23");
        assert!(found(&last).is_empty());
        let mut logged = SignedRoot::of(rows.last().unwrap()).unwrap().logged();
        let faults = |rows: &[Row], line: &LoggedRoot| -> Vec<Fault> {
            verify(rows, &Key, std::slice::from_ref(line)).findings.into_iter().map(|finding| finding.fault).collect()
        };
        assert!(faults(&rows, &logged).is_empty());
        assert_eq!(faults(&last, &logged), [Fault::Gone]);
        logged.digest = Fingerprint::new([7; 32]);
        assert_eq!(faults(&rows, &logged), [Fault::Line]);
        logged.signature = Key::sign(&message(logged.day, &logged.digest));
        assert_eq!(faults(&rows, &logged), [Fault::NotTheLogged]);
    }

    #[test]
    fn whatever_is_changed_in_a_root_is_found() {
        let rows = rows();
        let (at, text) = (rows.len() - 2, |value: &str| AttributeValue::S(value.to_owned()));
        let other = SignedRoot::of(&rows[at + 1]).unwrap();
        let edits = [
            ("sk", text("2026-11-24"), Fault::Malformed),
            ("kind", text("entry"), Fault::Malformed),
            ("at", AttributeValue::N("7".to_owned()), Fault::Malformed),
            ("more", text("x"), Fault::Malformed),
            ("root", text(&other.root.json()), Fault::Malformed),
            ("signature", AttributeValue::B(other.signature.into()), Fault::Signature),
        ];
        for (name, value, fault) in edits {
            let mut changed = rows.clone();
            changed[at].insert(name.to_owned(), value);
            assert!(found(&changed).iter().any(|(_, it)| *it == fault), "{name}");
        }
        for name in ["kind", "at", "root", "signature"] {
            let mut changed = rows.clone();
            changed[at].remove(name);
            assert!(found(&changed).iter().any(|(_, it)| *it == Fault::Malformed), "{name}");
        }
        let twice: Vec<Row> = rows.iter().chain([&rows[at]]).cloned().collect();
        assert_eq!(found(&twice), [("2026-11-22".to_owned(), Fault::Twice)]);
    }

    #[test]
    fn a_chain_that_rests_is_not_named_any_more_and_still_checked() {
        let (a, b) = (chain("a", 1), chain("b", 40));
        let first = sealed(0, None, &[("a", &a[..])]);
        let named = sealed(30, Some(&first), &[("a", &a[..]), ("b", &b[..30])]);
        assert!(named.root.ends.contains_key("a"), "its entry is of the first of these thirty days");
        let left_out = sealed(31, Some(&named), &[("a", &a[..]), ("b", &b[..])]);
        assert_eq!(left_out.root.ends, Ends::from([("b".to_owned(), 40)]));
        let last = sealed(32, Some(&left_out), &[("b", &b[..])]);
        assert_eq!(last.root.entries, 0);
        let roots = vec![first.row(), named.row(), left_out.row(), last.row()];
        let rows = [a, b, roots].concat();
        assert!(verify(&rows, &Key, &[]).sound());
        let gone = without(&rows, "A#a", "000000000000001");
        assert_eq!(found(&gone), [("2026-11-21".to_owned(), Fault::EntryMissing)]);
    }

    #[test]
    fn a_chain_that_is_not_whole_is_not_sealed() {
        let rows = chain("a", 4);
        assert_eq!(tail("a", 2, &rows).unwrap().map(|tail| (tail.leaves.len(), tail.last)), Some((2, 4)));
        assert_eq!(tail("a", 4, &rows).unwrap().map(|tail| (tail.leaves.len(), tail.last)), Some((0, 4)));
        assert_eq!(tail("a", 0, &[]), Ok(None), "it has not begun");
        let broken = |covered, rows: &[Row]| match tail("a", covered, rows) {
            Err(NotWhole::Broken { sequence, fault, .. }) => (sequence, fault),
            other => panic!("{other:?}"),
        };
        assert_eq!(broken(5, &rows), (5, ledger::Fault::TailMissing));
        let middle = without(&rows, "A#a", "000000000000003");
        assert_eq!(broken(0, &middle), (3, ledger::Fault::Missing));
        assert_eq!(broken(2, &middle), (3, ledger::Fault::Missing));
        assert_eq!(broken(0, &rows[1..]), (1, ledger::Fault::Missing));
        let with = |name: &str, value: AttributeValue| {
            let mut changed = rows.clone();
            changed[2].insert(name.to_owned(), value);
            changed
        };
        assert_eq!(broken(0, &with("at", AttributeValue::S("x".to_owned()))), (3, ledger::Fault::Malformed));
        assert_eq!(broken(0, &with("sk", AttributeValue::S("x".to_owned()))), (3, ledger::Fault::Malformed));
        assert_eq!(broken(0, &with("operator", AttributeValue::S("x".to_owned()))), (4, ledger::Fault::Chain));
        assert_eq!(broken(3, &with("operator", AttributeValue::S("x".to_owned()))), (4, ledger::Fault::Chain));
        assert_eq!(broken(0, &with("previous", AttributeValue::B(vec![7; 32].into()))), (3, ledger::Fault::Chain));
    }

    #[test]
    fn a_line_is_read_as_it_is_logged_and_as_cloudwatch_exports_it() {
        let logged = sealed(0, None, &[]).logged();
        let (day, digest, signature) = (logged.day.to_string(), logged.digest.to_string(), logged.signature_text());
        let line = serde_json::json!({
            "level": "INFO", "message": ROOT_MESSAGE, "day": day, "digest": digest, "signature": signature
        });
        assert_eq!(LoggedRoot::of_line(&line.to_string()), Some(logged.clone()));
        assert_eq!(LoggedRoot::of_line(&format!("2026-11-21T03:00:00Z {line}")), Some(logged.clone()));
        let nested = serde_json::json!({ "timestamp": 1, "message": line.to_string() });
        assert_eq!(LoggedRoot::of_line(&nested.to_string()), Some(logged));
        for other in ["", "{}", "{\"message\":\"day root\"}", "{\"message\":\"audit head\"}"] {
            assert_eq!(LoggedRoot::of_line(other), None, "{other}");
        }
    }
}
