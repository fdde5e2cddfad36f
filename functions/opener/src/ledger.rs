//! The act `ledger`: the audit log, for those who watch over it. Reading it is an
//! entry, too.

use std::collections::btree_map::Entry;

use azukari::{
    domain::id::DefinitionId,
    store::{StoreError, entry, ledger::EntryRead},
};

use crate::{
    Answer, Opener,
    answer::{LedgerPage, Note},
    request::Ledger,
    service::{Asking, Unavailable},
};

/// Rows of a page: about 1 KB each.
const PAGE: usize = 2_000;

impl Opener {
    pub(crate) async fn read_ledger(&self, asking: &Asking<'_>, ledger: Ledger) -> Result<Answer, Unavailable> {
        self.ledger.record(&asking.entry("ledger")).await?;
        let audit = self.ledger.audit();
        // Where to go on: a place on the list of chains, and one in the chain behind it.
        let after = ledger.after.unwrap_or_default();
        let (mut listed, mut inside) = match after.split_once('|') {
            Some((listed, inside)) => (listed.to_owned(), inside.to_owned()),
            None => (String::new(), String::new()),
        };
        let mut page = LedgerPage::default();
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
                    let Some(last) = entries.last() else { break };
                    inside = last.get("sk").and_then(|sk| sk.as_s().ok()).cloned().unwrap_or_default();
                    page.rows.extend(entries);
                    if page.rows.len() >= PAGE {
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
