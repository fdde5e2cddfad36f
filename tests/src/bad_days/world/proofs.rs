//! What must hold of what is left behind: receipts, the ledger and its days are signed and
//! say what has happened, counters say how much is gone, and of who is gone nothing is left.

use std::collections::BTreeSet;

use azukari::{
    domain::{
        erasure::Ground,
        receipt::{Receipt, State},
    },
    keys::evidence::EvidenceKey,
    store::{
        day_root,
        ledger::{self, Range, Row},
        receipt::SignedReceipt,
        tables::Table,
    },
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;

use crate::bad_days::world::World;

impl World {
    /// Remembers who is known by now.
    pub(super) fn note_subjects(&mut self) {
        let rows = self.app.rows(Table::Vault);
        self.subjects.extend(known(&rows));
    }

    fn evidence(&self) -> Result<EvidenceKey, String> {
        EvidenceKey::new(self.app.installation().evidence()).map_err(|error| error.to_string())
    }

    /// Everything that is signed is as it was signed, at any time.
    pub(super) fn proofs_hold(&self) -> Result<(), String> {
        let evidence = self.evidence()?;
        let rows = self.app.rows(Table::Audit);
        for row in rows.iter().filter(|row| row["kind"]["S"] == "receipt") {
            let signed = signed(row)?;
            SignedReceipt::verify(&signed.to_file(), &evidence).map_err(|error| format!("a receipt: {error}"))?;
            self.leads_to_nobody(row)?;
        }
        let rows: Vec<Row> = rows.iter().filter_map(ledger::from_json).collect();
        let verdict = ledger::verify(&rows, &evidence, &[], Range::default());
        if !verdict.sound() {
            return Err(format!("the ledger is not sound: {:?}", verdict.findings.first()));
        }
        let roots = day_root::verify(&rows, &evidence, &[]);
        if !roots.sound() {
            return Err(format!("the days are not sound: {:?}", roots.findings.first()));
        }
        Ok(())
    }

    /// What a receipt says is about nobody.
    fn leads_to_nobody(&self, row: &Value) -> Result<(), String> {
        let text = row.to_string();
        let people = self.people.iter().map(|someone| &someone.0);
        match people.chain(&self.subjects).any(|id| text.contains(id.as_str())) {
            true => Err("a receipt tells whose it is".to_owned()),
            false => Ok(()),
        }
    }

    /// After everything has ended: whoever was led to a receipt finds that everything is
    /// erased or, after 同意しない alone, that it was taken back.
    pub(super) fn receipts_are_done(&mut self) -> Result<(), String> {
        let rows = self.app.rows(Table::Audit);
        for id in &self.receipts {
            let pk = format!("T#{id}");
            let steps = rows.iter().filter(|row| row["pk"]["S"] == pk.as_str());
            let last = steps.max_by_key(|row| row["sk"]["S"].as_str().unwrap_or_default().to_owned());
            let Some(last) = last else {
                return Err(format!("somebody was led to the receipt {id}, and it is not there"));
            };
            let receipt = signed(last)?.receipt;
            let fits = match receipt.state {
                State::Erased => receipt.held.is_some() && receipt.erased_at.is_some(),
                State::Revoked => receipt.ground.0 == Ground::Refused,
                State::Restricted | State::Unreachable => false,
            };
            if !fits {
                return Err(format!("everything has ended, and a receipt says: {}", receipt.json()));
            }
        }
        self.tally.count("receipts", self.receipts.len());
        let roots = rows.iter().filter(|row| row["kind"]["S"] == "day_root").count();
        self.tally.count("days that are sealed", roots);
        Ok(())
    }

    /// Of whoever was known and is not any more nothing is left, wherever it could be.
    pub(super) fn nobody_gone_is_left(&mut self, rows: &[Value]) -> Result<(), String> {
        self.note_subjects();
        let here = known(rows);
        let gone: BTreeSet<&String> = self.subjects.iter().filter(|subject| !here.contains(*subject)).collect();
        let keys = self.app.rows(Table::Keys);
        for row in rows.iter().chain(&keys) {
            let own = ["pk", "sk", "subject"].iter().filter_map(|name| row[*name]["S"].as_str());
            if own.flat_map(|text| text.split('#')).any(|part| gone.contains(&part.to_owned())) {
                let kind = row["kind"]["S"].as_str().unwrap_or("key");
                return Err(format!("a row of kind {kind} is left of somebody who is gone"));
            }
        }
        self.tally.count("people who are gone", gone.len());
        Ok(())
    }

    /// What is counted is gone, and what is gone by its days is counted, each once.
    pub(super) fn counters_fit(&mut self, rows: &[Value]) -> Result<(), String> {
        let number = |row: &Value| row["n"]["N"].as_str().and_then(|n| n.parse::<u64>().ok()).unwrap_or_default();
        let counted: u64 = rows.iter().filter(|row| row["kind"]["S"] == "anonymous").map(number).sum();
        let (least, most) = self.model.counted();
        if !(least..=most).contains(&counted) {
            return Err(format!("{counted} are counted, and from {least} to {most} are gone"));
        }
        self.tally.count("values that were counted", usize::try_from(counted).unwrap_or_default());
        self.tally.count("values that must be counted", usize::try_from(least).unwrap_or_default());
        Ok(())
    }
}

/// Who is known in these rows of the vault.
fn known(rows: &[Value]) -> BTreeSet<String> {
    let mappings = rows.iter().filter(|row| row["kind"]["S"] == "mapping");
    mappings.filter_map(|row| row["subject"]["S"].as_str().map(str::to_owned)).collect()
}

/// A stored step of a receipt.
fn signed(row: &Value) -> Result<SignedReceipt, String> {
    let malformed = || "a receipt is not as it was stored".to_owned();
    let receipt = row["receipt"]["S"].as_str().and_then(|json| Receipt::parse(json).ok()).ok_or_else(malformed)?;
    let signature = row["signature"]["B"].as_str().and_then(|text| STANDARD.decode(text).ok()).ok_or_else(malformed)?;
    Ok(SignedReceipt { receipt, signature })
}
