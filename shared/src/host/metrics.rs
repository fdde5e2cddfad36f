//! Counters and levels by fixed words. Nothing that comes from outside can become a name or
//! a value, so nothing personal can.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Numbers by what they are about and of which kind.
type Numbers = BTreeMap<&'static str, BTreeMap<&'static str, u64>>;

/// Counters and levels of one process.
#[derive(Debug, Default)]
pub struct Metrics(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    all: Numbers,
    /// Counters as they were when they were taken last.
    taken: Numbers,
    /// Which of all are levels.
    levels: BTreeSet<(&'static str, &'static str)>,
    /// Levels that were noted since levels were taken last.
    noted: BTreeSet<(&'static str, &'static str)>,
}

/// One number of an invocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measured {
    /// What was counted.
    pub what: &'static str,
    /// Of which kind.
    pub kind: &'static str,
    /// By how much a counter has grown, or where a level stands.
    pub value: u64,
}

impl Metrics {
    /// Counts one of `what`, of the kind `kind`.
    pub fn count(&self, what: &'static str, kind: &'static str) {
        self.add(what, kind, 1);
    }

    /// Counts several.
    pub fn add(&self, what: &'static str, kind: &'static str, n: u64) {
        *self.inner().all.entry(what).or_default().entry(kind).or_default() += n;
    }

    /// Notes a level, in place of the one before.
    pub fn level(&self, what: &'static str, kind: &'static str, n: u64) {
        let mut inner = self.inner();
        inner.all.entry(what).or_default().insert(kind, n);
        inner.levels.insert((what, kind));
        inner.noted.insert((what, kind));
    }

    /// All counters and levels so far.
    pub fn snapshot(&self) -> BTreeMap<&'static str, BTreeMap<&'static str, u64>> {
        self.inner().all.clone()
    }

    /// One counter or level; 0 if nothing was counted.
    pub fn get(&self, what: &str, kind: &str) -> u64 {
        self.inner().all.get(what).and_then(|kinds| kinds.get(kind)).copied().unwrap_or_default()
    }

    /// What is new since this was asked last: by how much counters have grown, if they have,
    /// and every level that was noted, be it 0. A level that nobody has noted since is not
    /// repeated: what was true of the last run is not known of this one.
    pub fn take(&self) -> Vec<Measured> {
        let mut inner = self.inner();
        let Inner { all, taken, levels, noted } = &mut *inner;
        let mut new = Vec::new();
        for (&what, kinds) in &*all {
            for (&kind, &value) in kinds {
                let value = if levels.contains(&(what, kind)) {
                    noted.contains(&(what, kind)).then_some(value)
                } else {
                    let before = taken.entry(what).or_default().insert(kind, value).unwrap_or_default();
                    value.checked_sub(before).filter(|grown| *grown > 0)
                };
                new.extend(value.map(|value| Measured { what, kind, value }));
            }
        }
        noted.clear();
        new
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_taken_as_they_grow_and_levels_as_they_are_noted() {
        let metrics = Metrics::default();
        assert_eq!(metrics.take(), []);
        metrics.add("row", "written", 2);
        metrics.add("row", "failed", 0);
        metrics.level("overdue", "rows", 0);
        let row = |value| Measured { what: "row", kind: "written", value };
        let overdue = |value| Measured { what: "overdue", kind: "rows", value };
        assert_eq!(metrics.take(), [overdue(0), row(2)]);
        assert_eq!(metrics.take(), [], "nothing is said twice");
        metrics.count("row", "written");
        metrics.level("overdue", "rows", 7);
        metrics.level("overdue", "rows", 3);
        assert_eq!(metrics.take(), [overdue(3), row(1)]);
        assert_eq!((metrics.get("row", "written"), metrics.get("overdue", "rows")), (3, 3));
    }
}
