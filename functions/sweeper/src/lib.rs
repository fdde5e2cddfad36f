//! `sweeper`: what is due is erased, and orders are carried out.
//!
//! Runs every minute. It reads the slots of the `due` index from its cursor to now,
//! so its cost follows what is due, never the size of the table. Every delete is
//! conditional on the row's own due time. Two runs at once, a crash at any point, or
//! a clock that goes back do no harm.

pub mod lambda;
mod link;
mod person;
mod proof;
mod report;
mod request;
mod restore;
mod roots;
mod sweep;
mod value;
mod withdraw;

use std::sync::Arc;

use azukari::{
    host::{
        aws,
        ctx::Ctx,
        ledger::Ledger,
        roles::Role,
        secrets::{self, SecretsError},
        settings::{self, SettingsError},
    },
    store::{StoreError, Vault, audit::Audit, wrapped::WrappedKeys},
};

pub use report::Report;
pub use restore::{Done, Marks, RestoreReport};
pub use roots::Roots;

/// The sweeper function.
#[derive(Debug)]
pub struct Sweeper {
    /// Clock, mint, metrics.
    pub ctx: Ctx,
    /// The store, signing as `sweeper`.
    pub vault: Vault,
    /// The wrapped keys, to be destroyed.
    pub keys: WrappedKeys,
    /// The erasure list, receipts.
    pub audit: Audit,
    /// Signs them, and enters who was erased.
    pub ledger: Arc<Ledger>,
    /// When the next day may be sealed.
    pub roots: Roots,
    /// By what a restored vault is noticed.
    pub marks: Marks,
}

/// Why a run did not do its work.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// Its environment is not complete.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// Its secret is not complete.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nothing has been published, or the cursor row is gone: what is due cannot be
    /// known.
    #[error("there is no cursor: publish the configuration first")]
    NoCursor,
    /// Some rows could not be handled; they will be found again.
    #[error("{0} due rows could not be handled")]
    Unfinished(u64),
    /// The vault was brought back from a backup: nothing is done before `azukari restore check`.
    #[error("the vault was brought back from a backup: run azukari restore check")]
    Restored,
    /// What was asked for with `restore_check` is none.
    #[error("restore_check takes since, a day like 2026-11-01, and dry_run, true or false")]
    NoCheck,
    /// The day before is not sealed.
    #[error("the day could not be sealed")]
    NotSealed,
}

impl Sweeper {
    /// From the environment of a Lambda function: one call, for the secret.
    ///
    /// # Errors
    /// Everything that is missing or malformed.
    pub async fn from_environment() -> Result<Self, SweepError> {
        let mut reader = settings::Reader::new(Role::Sweeper, &settings::environment);
        let stage = reader.text(settings::STAGE);
        let vault = reader.text(settings::VAULT_TABLE);
        let keys = reader.text(settings::KEYS_TABLE);
        let audit = reader.text(settings::AUDIT_TABLE);
        let secret = reader.text(settings::SECRET);
        let evidence = reader.text(settings::EVIDENCE_KEY);
        let sdk = reader.finish_with_aws()?;
        // The clients are made while the secret is on its way.
        let (secret, (dynamodb, kms)) =
            tokio::join!(secrets::fetch(&sdk, &secret), async { (aws::dynamodb(&sdk), aws::kms(&sdk)) });
        let origin = secrets::origin(&secret?)?;
        let (ctx, audit) = (Ctx::system().of_stage(&stage), Audit::new(dynamodb.clone(), audit));
        let ledger = Ledger::new(ctx.clone(), Role::Sweeper, audit.clone(), kms, evidence);
        Ok(Self {
            ctx,
            vault: Vault::new(dynamodb.clone(), vault, Arc::new(origin)),
            keys: WrappedKeys::new(dynamodb, keys),
            audit,
            ledger: Arc::new(ledger),
            roots: Roots::default(),
            marks: Marks::default(),
        })
    }
}
