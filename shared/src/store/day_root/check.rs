//! The check of day roots: against each other, against the entries, and against the log.

use std::collections::BTreeMap;

use crate::domain::{
    day_root::{Ends, message},
    evidence::{Evidence, entry_message},
    time::Day,
};
use crate::store::{
    day_root::{LoggedRoot, SignedRoot, fingerprint, tree},
    entry::digest,
    key::ROOTS,
    ledger::{Row, place},
};

/// What is wrong with a day root, or with what it covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fault {
    /// It is not what was signed, or was signed by another key or for another day.
    Signature,
    /// It does not follow the root before it: one is missing, or is another.
    Chain,
    /// An entry that it covers is not there.
    EntryMissing,
    /// An entry that it covers is not the one that was sealed.
    Entries,
    /// It is not there, and the log says that it was.
    Gone,
    /// It is there, and is not the one of the log.
    NotTheLogged,
    /// The line of the log is not signed by the key.
    Line,
    /// The row is not as it was stored.
    Malformed,
    /// The same day is there twice.
    Twice,
}

impl Fault {
    /// Every fault.
    pub const ALL: [Self; 9] = [
        Self::Signature,
        Self::Chain,
        Self::EntryMissing,
        Self::Entries,
        Self::Gone,
        Self::NotTheLogged,
        Self::Line,
        Self::Malformed,
        Self::Twice,
    ];

    /// What it means, in Japanese and in English.
    pub fn text(self) -> (&'static str, &'static str) {
        match self {
            Self::Signature => (
                "日次ルートの署名と内容が一致しません（書き換え・移動）",
                "the signature of the day root does not fit: changed, moved, or another key",
            ),
            Self::Chain => (
                "前の日次ルートとつながっていません（抜けている、または差し替えられています）",
                "it does not follow the day root before it: one is missing, or was replaced",
            ),
            Self::EntryMissing => {
                ("日次ルートが封をした記録が消えています", "an entry that the day root has sealed is gone")
            }
            Self::Entries => (
                "記録が日次ルートと一致しません（封をしたあとに書き換えられています）",
                "the entries do not fit the day root: changed after they were sealed",
            ),
            Self::Gone => (
                "ログに残る日次ルートが台帳から消えています",
                "the log says that the day was sealed; the day root is gone",
            ),
            Self::NotTheLogged => ("ログに残る日次ルートと異なります", "it is not the day root that the log knows"),
            Self::Line => (
                "ログの日次ルートの行の署名が正しくありません",
                "the day root's line of the log is not signed by the key",
            ),
            Self::Malformed => ("日次ルートを読めません", "the day root is not as it was stored"),
            Self::Twice => ("同じ日の日次ルートが二つあります", "the same day is there twice"),
        }
    }
}

/// A fault and where it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The day of the root, or the sort key of a row that cannot be read.
    pub day: String,
    /// The entry, if it is about one.
    pub entry: Option<(String, u64)>,
    /// What is wrong.
    pub fault: Fault,
}

/// What a check of the day roots has found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Day roots that were checked.
    pub roots: usize,
    /// The day of the last.
    pub last: Option<Day>,
    /// What is wrong, the first day first.
    pub findings: Vec<Finding>,
    /// Entries that no root covers yet.
    pub uncovered: usize,
    /// Chains with such entries, and the first of each.
    pub open: Vec<(String, u64)>,
}

/// Entries by chain and place.
type Chains<'a> = BTreeMap<String, BTreeMap<u64, &'a Row>>;

/// Checks the day roots among rows of the audit table against each other, against the
/// entries among the rows, and against those that were logged before the rows were read.
pub fn verify(rows: &[Row], evidence: &dyn Evidence, logged: &[LoggedRoot]) -> Verdict {
    let mut verdict = Verdict::default();
    let roots = verdict.read(rows);
    let mut chains = Chains::new();
    for row in rows {
        if let Some((writer, sequence)) = place(row) {
            chains.entry(writer).or_default().insert(sequence, row);
        }
    }
    // Chains that later roots do not name end where an earlier one says.
    let mut covered = Ends::new();
    let mut before: Option<&SignedRoot> = None;
    for signed in roots.values() {
        verdict.root(signed, before, evidence, &chains, &mut covered);
        before = Some(signed);
    }
    verdict.logged(&roots, evidence, logged);
    for (writer, chain) in &chains {
        let end = covered.get(writer).copied().unwrap_or_default();
        let mut open = chain.range(end + 1..).map(|(sequence, _)| *sequence);
        if let Some(first) = open.next() {
            verdict.uncovered += 1 + open.count();
            verdict.open.push((writer.clone(), first));
        }
    }
    verdict.roots = roots.len();
    verdict.last = roots.keys().next_back().copied();
    verdict.findings.sort();
    verdict
}

impl Verdict {
    /// Nothing is wrong, as far as can be seen.
    pub fn sound(&self) -> bool {
        self.findings.is_empty()
    }

    fn find(&mut self, day: &impl ToString, fault: Fault) {
        self.findings.push(Finding { day: day.to_string(), entry: None, fault });
    }

    fn read(&mut self, rows: &[Row]) -> BTreeMap<Day, SignedRoot> {
        let text = |row: &Row, name: &str| row.get(name).and_then(|value| value.as_s().ok()).cloned();
        let mut roots = BTreeMap::new();
        for row in rows.iter().filter(|row| text(row, "pk").is_some_and(|pk| pk == ROOTS)) {
            let Ok(signed) = SignedRoot::of(row) else {
                self.find(&text(row, "sk").unwrap_or_default(), Fault::Malformed);
                continue;
            };
            let day = signed.root.day;
            if roots.insert(day, signed).is_some() {
                self.find(&day, Fault::Twice);
            }
        }
        roots
    }

    fn root(
        &mut self,
        signed: &SignedRoot,
        before: Option<&SignedRoot>,
        evidence: &dyn Evidence,
        chains: &Chains<'_>,
        covered: &mut Ends,
    ) {
        let root = &signed.root;
        if !evidence.verify(&message(root.day, &fingerprint(root)), &signed.signature) {
            // What it says cannot be believed.
            return self.find(&root.day, Fault::Signature);
        }
        for (writer, last) in &root.ends {
            let end = covered.entry(writer.clone()).or_default();
            let there = |sequence: &u64| chains.get(writer).is_some_and(|chain| chain.contains_key(sequence));
            let missing = (*end + 1..=*last).filter(|sequence| !there(sequence)).take(3);
            self.findings.extend(missing.map(|sequence| Finding {
                day: root.day.to_string(),
                entry: Some((writer.clone(), sequence)),
                fault: Fault::EntryMissing,
            }));
            *end = (*last).max(*end);
        }
        let follows = root.previous == before.map(|before| fingerprint(&before.root));
        let spans = root.spans(before.map(|before| &before.root)).filter(|_| follows);
        let Some(spans) = spans else {
            // Where it begins is not known: the entries cannot be compared.
            return self.find(&root.day, Fault::Chain);
        };
        let mut leaves = Vec::new();
        for span in spans {
            let chain = chains.get(span.writer);
            for sequence in span.after + 1..=span.last {
                // What is missing has been found.
                let Some(row) = chain.and_then(|chain| chain.get(&sequence)) else { return };
                leaves.push(entry_message(span.writer, sequence, &digest(row)));
            }
        }
        if tree(leaves) != (root.root, root.entries) {
            self.find(&root.day, Fault::Entries);
        }
    }

    fn logged(&mut self, roots: &BTreeMap<Day, SignedRoot>, evidence: &dyn Evidence, logged: &[LoggedRoot]) {
        for line in logged {
            let fault = match roots.get(&line.day) {
                _ if !evidence.verify(&message(line.day, &line.digest), &line.signature) => Fault::Line,
                None => Fault::Gone,
                Some(signed) if fingerprint(&signed.root) != line.digest => Fault::NotTheLogged,
                Some(_) => continue,
            };
            self.find(&line.day, fault);
        }
    }
}
