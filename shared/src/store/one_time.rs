//! What may be used once (`N#<digest>`), and what may be used so many times in an hour
//! (`Q#<what>#<hour>`), taken together: both or neither.

use crate::domain::time::{HOUR_MS, Hour, UnixMs};
use crate::store::{
    Item, Outcome, StoreError, Vault,
    error::outcome,
    key::{self, ALONE},
    vault::Condition,
};

/// A part of an hourly budget.
#[derive(Debug, Clone, Copy)]
pub struct Spend<'a> {
    /// Whose, and of what.
    pub what: &'a str,
    /// In which hour.
    pub hour: Hour,
    /// How many.
    pub n: u32,
    /// Of how many in that hour.
    pub limit: u32,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Redeemed {
    /// It had not been used, and is now.
    Taken,
    /// It had been used before.
    Replayed,
    /// The hour's budget does not suffice. Nothing was taken.
    OverBudget,
}

/// What lies between two steps, sealed under a secret that nobody here has.
#[derive(Debug, Clone)]
pub struct Content {
    /// The sealed content.
    pub sealed: Vec<u8>,
    /// Until when it may be used.
    pub until: UnixMs,
}

/// How often a transaction is tried again that met another one at the same row.
const ATTEMPTS: usize = 5;

impl Vault {
    /// Uses something that may be used once, and takes its part of a budget: one call,
    /// which an attempt whose answer was lost does not make two.
    ///
    /// # Errors
    /// The call failed: nothing may be done on its strength.
    pub async fn redeem(&self, digest: &str, until: UnixMs, spend: Option<Spend<'_>>) -> Result<Redeemed, StoreError> {
        if spend.is_some_and(|spend| spend.n > spend.limit) {
            return Ok(Redeemed::OverBudget);
        }
        let mut attempt = 0;
        loop {
            attempt += 1;
            let used = Item::new(key::one_time(digest), ALONE, "used").number("ttl", until.seconds() + 1);
            let mut parts = vec![self.part_put(used, Condition::that("attribute_not_exists(pk)"))];
            parts.extend(spend.map(|spend| self.part_spend(spend)));
            match self.transact(parts).await {
                Ok(()) => return Ok(Redeemed::Taken),
                Err(error) if error.part_failed(0) => return Ok(Redeemed::Replayed),
                Err(error) if error.part_failed(1) => return Ok(Redeemed::OverBudget),
                Err(error) if error.conflict() && attempt < ATTEMPTS => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Takes a part of a budget by itself: one call. `false` if the hour's budget does not
    /// suffice, and nothing was taken.
    ///
    /// # Errors
    /// The call failed.
    pub async fn spend(&self, spend: Spend<'_>) -> Result<bool, StoreError> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            match self.transact(vec![self.part_spend(spend)]).await {
                Ok(()) => return Ok(true),
                Err(error) if error.part_failed(0) => return Ok(false),
                Err(error) if error.conflict() && attempt < ATTEMPTS => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Lays down what the next step will need: one call.
    ///
    /// # Errors
    /// The call failed.
    pub async fn put_content(&self, digest: &str, content: &Content) -> Result<(), StoreError> {
        let item = Item::new(key::one_time(digest), ALONE, "content")
            .bytes("env", content.sealed.clone())
            .time("until", content.until)
            // A second more than it may be used: whole seconds only.
            .number("ttl", content.until.seconds() + 1)
            .vouched(self.origin());
        self.put(item, Condition::that("attribute_not_exists(pk)")).await
    }

    /// What was laid down: one call. `None` if it never was, has been used, or too much time
    /// has passed.
    ///
    /// # Errors
    /// The call failed, or the row is not vouched for or not well formed.
    pub async fn content(&self, digest: &str, now: UnixMs) -> Result<Option<Content>, StoreError> {
        let Some(item) = self.get_vouched(&key::one_time(digest), ALONE).await? else { return Ok(None) };
        let until = item.get_time("until")?;
        if now >= until || item.get_text("kind")? != "content" {
            return Ok(None);
        }
        Ok(Some(Content { sealed: item.get_bytes("env")?.to_vec(), until }))
    }

    /// Uses it up: one call. [`Outcome::Already`] if somebody else has.
    ///
    /// # Errors
    /// The call failed.
    pub async fn use_content(&self, digest: &str) -> Result<Outcome, StoreError> {
        outcome(self.delete(&key::one_time(digest), ALONE, Condition::that("attribute_exists(pk)")).await)
    }

    /// Using it up as part of a transaction.
    pub(super) fn part_take(&self, digest: &str) -> aws_sdk_dynamodb::types::TransactWriteItem {
        self.part_delete(&key::one_time(digest), ALONE, Condition::that("attribute_exists(pk)"))
    }

    pub(super) fn part_spend(&self, spend: Spend<'_>) -> aws_sdk_dynamodb::types::TransactWriteItem {
        let Spend { what, hour, n, limit } = spend;
        let room = i64::from(limit) - i64::from(n);
        let ttl = hour.start().plus(2 * HOUR_MS).seconds();
        let condition = Condition::that("attribute_not_exists(pk) OR #n <= :room")
            .with_name("#n", "n")
            .with_name("#ttl", "ttl")
            .with_name("#kind", "kind")
            .with_number(":room", room)
            .with_number(":n", n.into())
            .with_number(":ttl", ttl)
            .with_text(":kind", "counter");
        let update = "SET #ttl = :ttl, #kind = :kind ADD #n :n";
        self.part_update(&key::counter(what, &hour), ALONE, update, condition)
    }
}
