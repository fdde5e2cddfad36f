//! Counters by fixed words. Nothing that comes from outside can become a name or a
//! value, so nothing personal can.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

/// Counters of one process.
#[derive(Debug, Default)]
pub struct Metrics(Mutex<BTreeMap<&'static str, BTreeMap<&'static str, u64>>>);

impl Metrics {
    /// Counts one of `what`, of the kind `kind`.
    pub fn count(&self, what: &'static str, kind: &'static str) {
        self.add(what, kind, 1);
    }

    /// Counts several.
    pub fn add(&self, what: &'static str, kind: &'static str, n: u64) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(what).or_default().entry(kind).or_default() += n;
    }

    /// Notes a level, in place of the one before.
    pub fn level(&self, what: &'static str, kind: &'static str, n: u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(what).or_default().insert(kind, n);
    }

    /// All counters so far.
    pub fn snapshot(&self) -> BTreeMap<&'static str, BTreeMap<&'static str, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// One counter; 0 if nothing was counted.
    pub fn get(&self, what: &str, kind: &str) -> u64 {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(what).and_then(|kinds| kinds.get(kind)).copied().unwrap_or_default()
    }
}
