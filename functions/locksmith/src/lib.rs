//! `locksmith`: keeps the pool of key pairs full.
//!
//! Runs every minute. Each pair is made by KMS, its private half wrapped, signed
//! with `enrol`, its wrapped half put into the table of keys, and only then its
//! public half into the pool: a pair that can be claimed can be opened later.

pub mod lambda;

use std::sync::Arc;

use aws_sdk_kms::Client;
use azukari::{
    domain::origin::Nobody,
    host::{
        aws,
        ctx::Ctx,
        deadline::Deadline,
        roles::Role,
        settings::{self, SettingsError},
    },
    keys::{KeyError, enrol, pair},
    store::{StoreError, Vault, key::POOL_SHARDS, wrapped::WrappedKeys},
};
use futures::{StreamExt, stream};

/// Pairs that are made at the same time: two KMS calls each, well within the 100
/// pairs a second that KMS allows an account.
const AT_ONCE: usize = 16;

/// The locksmith function.
#[derive(Debug)]
pub struct Locksmith {
    /// Clock, mint, metrics.
    pub ctx: Ctx,
    /// The pool.
    pub vault: Vault,
    /// The wrapped halves.
    pub keys: WrappedKeys,
    /// KMS.
    pub kms: Client,
    /// Id or ARN of the KMS key `wrap`.
    pub wrap: String,
    /// Id or ARN of the KMS key `enrol`.
    pub enrol: String,
    /// How many pairs the pool is to hold.
    pub target: usize,
}

/// What a run has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Report {
    /// Pairs found in the pool.
    pub found: usize,
    /// Pairs added.
    pub added: usize,
    /// Pairs that could not be made.
    pub failed: usize,
}

/// A pair that was not made.
#[derive(Debug, thiserror::Error)]
pub enum LocksmithError {
    /// KMS did not make or sign it.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// It was not stored.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The environment is not complete.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The pool is not full after a run.
    #[error("{0} pairs could not be made")]
    Short(usize),
}

impl Locksmith {
    /// From the environment of a Lambda function: no call.
    ///
    /// # Errors
    /// Everything that is missing or malformed.
    pub async fn from_environment() -> Result<Self, LocksmithError> {
        let mut reader = settings::Reader::new(Role::Locksmith, &settings::environment);
        let stage = reader.text(settings::STAGE);
        let vault = reader.text(settings::VAULT_TABLE);
        let keys = reader.text(settings::KEYS_TABLE);
        let wrap = reader.text(settings::WRAP_KEY);
        let enrol = reader.text(settings::ENROL_KEY);
        let target = reader.number(settings::POOL_TARGET);
        let sdk = reader.finish_with_aws()?;
        let dynamodb = aws::dynamodb(&sdk);
        Ok(Self {
            ctx: Ctx::system().of_stage(&stage),
            vault: Vault::new(dynamodb.clone(), vault, Arc::new(Nobody)),
            keys: WrappedKeys::new(dynamodb, keys),
            kms: aws::kms(&sdk),
            wrap,
            enrol,
            target,
        })
    }

    /// Fills the pool up to its target, shard by shard.
    ///
    /// # Errors
    /// The level could not be read. Pairs that could not be made are counted.
    pub async fn refill(&self, deadline: Deadline) -> Result<Report, LocksmithError> {
        let mut report = Report::default();
        for shard in 0..POOL_SHARDS {
            let level = self.vault.pool_level(shard).await?;
            report.found += level;
            let missing = self.share(shard).saturating_sub(level);
            let mut making = stream::iter(0..missing)
                .take_while(|_| std::future::ready(!deadline.has_come()))
                .map(|_| self.add(shard))
                .buffer_unordered(AT_ONCE);
            while let Some(result) = making.next().await {
                match result {
                    Ok(()) => report.added += 1,
                    Err(error) => {
                        report.failed += 1;
                        tracing::error!(event = "key_pair_not_made", %error, "a key pair could not be made");
                    }
                }
            }
        }
        let level = report.found + report.added;
        self.ctx.metrics().level("locksmith_pool", "level", u64::try_from(level).unwrap_or_default());
        tracing::info!(event = "pool", found = report.found, added = report.added, failed = report.failed, "pool");
        Ok(report)
    }

    /// Part of the target that belongs into a shard.
    fn share(&self, shard: u8) -> usize {
        let shards = usize::from(POOL_SHARDS);
        self.target / shards + usize::from(usize::from(shard) < self.target % shards)
    }

    async fn add(&self, shard: u8) -> Result<(), LocksmithError> {
        const FIRST: u32 = 1;
        let subject = self.ctx.mint().subject_id();
        let made = pair::generate(&self.kms, &self.wrap, subject, FIRST).await?;
        let row = enrol::sign(&self.kms, &self.enrol, subject, FIRST, made.public_key, &made.wrapped).await?;
        self.keys.put(&row, &made.wrapped).await?;
        self.vault.put_pooled_key(shard, &row).await?;
        Ok(())
    }
}
