//! The simulator of bad days: one seed makes a plan of what people do and what goes
//! wrong, all functions live through it on one installation, and an independent ledger
//! of what should be known is compared with what the opener shows.
//!
//! | part | holds |
//! |---|---|
//! | [`plan`] | what happens, from a seed; can be made shorter action by action |
//! | [`weather`] | what befalls each call, from a seed; and death at any await point |
//! | [`world`] | the installation and its functions, driven by the plan |
//! | [`model`] | what must, may and must not be readable: shares no code with the product |
//!
//! A seed behaves the same in every run: one thread, a clock that stands still between
//! actions, random ids from the seed, engines that answer on the caller's thread.

pub mod model;
pub mod plan;
pub mod weather;
mod world;

use std::collections::BTreeMap;

pub use plan::Plan;

/// What a run has seen.
#[derive(Debug, Clone, Default)]
pub struct Tally(pub BTreeMap<&'static str, u64>);

impl Tally {
    /// Counts.
    pub fn count(&mut self, what: &'static str, n: usize) {
        *self.0.entry(what).or_default() += u64::try_from(n).unwrap_or(u64::MAX);
    }

    /// Adds another run's counts.
    pub fn add(&mut self, more: &Self) {
        for (what, n) in &more.0 {
            *self.0.entry(what).or_default() += n;
        }
    }
}

/// A promise that was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// After which action.
    pub action: usize,
    /// What.
    pub what: String,
}

/// Lives through a plan.
///
/// # Errors
/// The first promise that was broken.
pub fn live(plan: &Plan) -> Result<Tally, Broken> {
    fastrand::seed(plan.seed);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .expect("a runtime of one thread");
    runtime.block_on(world::live(plan))
}

/// The shortest plan found that still breaks a promise, leaving out one action or a
/// stretch of them at a time.
pub fn shrink(plan: &Plan) -> Plan {
    let mut shortest = plan.clone();
    let mut stretch = (shortest.actions.len() / 2).max(1);
    loop {
        let mut from = 0;
        while from < shortest.actions.len() {
            let candidate = shortest.without(from, stretch);
            if !candidate.actions.is_empty() && live(&candidate).is_err() {
                shortest = candidate;
            } else {
                from += stretch;
            }
        }
        if stretch == 1 {
            return shortest;
        }
        stretch /= 2;
    }
}
