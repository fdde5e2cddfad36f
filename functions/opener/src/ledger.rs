//! The act `ledger`: the audit log, for those who watch over it. Reading it is an
//! entry, too. Day roots come before the entries: what was sealed while the entries are
//! read would else seem to be missing among them.

use std::collections::btree_map::Entry;

use aws_sdk_dynamodb::types::AttributeValue;
use azukari::{
    domain::id::DefinitionId,
    store::{
        StoreError, entry,
        key::ROOTS,
        ledger::{EntryRead, Row},
    },
};

use crate::{
    Answer, Opener,
    answer::{LedgerPage, Note},
    request::Ledger,
    service::{Asking, Unavailable},
};

/// Bytes of rows after which a page ends. A read of the table adds 1 MB at most, and
/// JSON may double it: Lambda answers with at most 6 MB.
const PAGE_BYTES: usize = 1024 * 1024;

fn size(row: &Row) -> usize {
    let value = |value: &AttributeValue| match value {
        AttributeValue::S(text) | AttributeValue::N(text) => text.len(),
        AttributeValue::B(blob) => blob.as_ref().len(),
        _ => 0,
    };
    row.iter().map(|(name, it)| name.len() + value(it)).sum()
}

/// The sort key of the last of some rows.
fn last_of(rows: &[Row]) -> Option<String> {
    rows.last().map(|row| row.get("sk").and_then(|sk| sk.as_s().ok()).cloned().unwrap_or_default())
}

impl Opener {
    pub(crate) async fn read_ledger(&self, asking: &Asking<'_>, ledger: Ledger) -> Result<Answer, Unavailable> {
        self.ledger.record(&asking.entry("ledger")).await?;
        let audit = self.ledger.audit();
        // Where to go on: a place on the list of chains, or the partition of the day roots,
        // and a place in what is behind it. Whoever asks for entries up to a time wants to
        // read, not to check.
        let beginning = if ledger.to.is_none() { ROOTS } else { "" };
        let after = ledger.after.unwrap_or_else(|| format!("{beginning}|"));
        let (mut listed, mut inside) = match after.split_once('|') {
            Some((listed, inside)) => (listed.to_owned(), inside.to_owned()),
            None => (String::new(), String::new()),
        };
        let mut page = LedgerPage::default();
        let mut bytes = 0;
        while listed == ROOTS {
            let roots = audit.roots_after(&inside).await?;
            let Some(last) = last_of(&roots) else {
                (listed, inside) = (String::new(), String::new());
                break;
            };
            inside = last;
            bytes += roots.iter().map(size).sum::<usize>();
            page.rows.extend(roots);
            if bytes >= PAGE_BYTES {
                page.more = Some(format!("{listed}|{inside}"));
                return self.finish(page).await;
            }
        }
        loop {
            let writers = audit.writers(&listed).await?;
            if writers.is_empty() {
                break;
            }
            for (place, writer) in writers {
                let begun = place.split('#').next().and_then(|at| at.parse::<i64>().ok()).unwrap_or_default();
                if ledger.to.is_some_and(|to| begun >= to.get()) {
                    return self.finish(page).await;
                }
                loop {
                    let entries = audit.entries(&writer, &inside).await?;
                    let Some(last) = last_of(&entries) else { break };
                    inside = last;
                    bytes += entries.iter().map(size).sum::<usize>();
                    page.rows.extend(entries);
                    if bytes >= PAGE_BYTES {
                        page.more = Some(format!("{listed}|{inside}"));
                        return self.finish(page).await;
                    }
                }
                page.rows.push(entry::listed(&place, &writer));
                listed = place;
                inside.clear();
            }
        }
        self.finish(page).await
    }

    async fn finish(&self, mut page: LedgerPage) -> Result<Answer, Unavailable> {
        for row in &page.rows {
            let Ok(Some(read)) = EntryRead::of(row) else { continue };
            let note = read.note.as_ref().and_then(|note| self.secrets.note.open(&read.request, note).ok());
            if let Some(text) = note {
                page.notes.insert(format!("{}#{}", read.writer, read.sequence), Note(text));
            }
            if let Some(id) = read.purpose.filter(|id| id != "*" && id != "?")
                && let Entry::Vacant(vacant) = page.purposes.entry(id)
            {
                let name = self.purpose_name(vacant.key()).await?;
                vacant.insert(name);
            }
        }
        Ok(Answer::Ledger(page))
    }

    async fn purpose_name(&self, id: &str) -> Result<String, StoreError> {
        self.names.of_purpose(&self.vault, &DefinitionId::new(id)).await
    }
}
