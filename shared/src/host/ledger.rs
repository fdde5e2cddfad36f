//! The pen of the audit log: writes signed entries, one chain for each instance of a
//! function. What may be done only after an entry takes the [`Recorded`] that the pen
//! gives for it.

use aws_sdk_kms::Client;
use base64::{Engine, engine::general_purpose::STANDARD};
use tokio::sync::Mutex;

use crate::domain::{day_root::PEN_RESTED_MS, evidence::entry_message, id::SubjectId, time::UnixMs};
use crate::host::{ctx::Ctx, roles::Role};
use crate::keys::{self, KeyError};
use crate::store::{
    StoreError,
    audit::Audit,
    entry::{BEGINNING, Entry, MAX_SUBJECTS, Placed, Position},
    ledger::HEAD_MESSAGE,
};

/// Writes entries.
pub struct Ledger {
    ctx: Ctx,
    role: Role,
    audit: Audit,
    kms: Client,
    evidence: String,
    /// Where the next entry stands, and when the last was written.
    end: Mutex<Option<(Position, UnixMs)>>,
}

/// An entry that is in the ledger, signed. There is no other way to get one.
#[derive(Debug)]
pub struct Recorded {
    subjects: Vec<SubjectId>,
}

impl Recorded {
    /// Whether the entry names this person.
    pub fn names(&self, subject: SubjectId) -> bool {
        self.subjects.contains(&subject)
    }
}

/// An entry that could not be written: what it was to precede must not be done.
#[derive(Debug, thiserror::Error)]
pub enum NotRecorded {
    /// It was not signed.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// It was not stored, or nobody knows whether it was.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It names too many persons.
    #[error("an entry names at most {MAX_SUBJECTS} persons")]
    TooMany,
}

impl Ledger {
    /// A pen that begins a chain of its own with its first entry.
    pub fn new(ctx: Ctx, role: Role, audit: Audit, kms: Client, evidence: String) -> Self {
        Self { ctx, role, audit, kms, evidence, end: Mutex::default() }
    }

    /// The audit table.
    pub fn audit(&self) -> &Audit {
        &self.audit
    }

    /// Signs what is to be believed later: one call.
    ///
    /// # Errors
    /// KMS did not sign.
    pub async fn sign(&self, message: Vec<u8>) -> Result<Vec<u8>, KeyError> {
        keys::sign(&self.kms, &self.evidence, message).await
    }

    /// Writes an entry: one signature, one write, and its head into the log. After a
    /// failure the chain ends where it is known to end; the next entry begins another.
    ///
    /// # Errors
    /// See [`NotRecorded`].
    pub async fn record(&self, entry: &Entry) -> Result<Recorded, NotRecorded> {
        if entry.subjects.len() > MAX_SUBJECTS {
            return Err(NotRecorded::TooMany);
        }
        let mut end = self.end.lock().await;
        // A chain that rested so long is not named by roots any more.
        let fresh = end.take().filter(|(_, last)| entry.at.since(*last) < PEN_RESTED_MS);
        let position = fresh.map_or_else(|| self.begin(), |(position, _)| position);
        let placed = Placed::new(entry, position);
        let Position { writer, sequence, .. } = placed.position();
        let message = entry_message(writer, *sequence, &placed.digest());
        let signature = keys::sign(&self.kms, &self.evidence, message).await?;
        self.audit.append_entry(&placed, &signature, entry.at).await?;
        tracing::info!(
            event = "audit_head",
            writer = writer.as_str(),
            sequence = *sequence,
            digest = STANDARD.encode(placed.digest()),
            signature = STANDARD.encode(&signature),
            "{HEAD_MESSAGE}"
        );
        let next = Position { writer: writer.clone(), sequence: sequence + 1, previous: placed.digest() };
        *end = Some((next, entry.at));
        Ok(Recorded { subjects: entry.subjects.clone() })
    }

    fn begin(&self) -> Position {
        let random: String = self.ctx.mint().bytes::<8>().iter().map(|byte| format!("{byte:02x}")).collect();
        Position { writer: format!("{}-{random}", self.role.as_str()), sequence: 1, previous: BEGINNING }
    }
}

impl std::fmt::Debug for Ledger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Ledger({})", self.role.as_str())
    }
}
