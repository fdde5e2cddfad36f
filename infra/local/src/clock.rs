//! A clock that can be moved: real time plus an offset.

use std::sync::atomic::{AtomicI64, Ordering};

use azukari::{
    domain::time::UnixMs,
    host::clock::{Clock, SystemClock},
};

/// The clock of local mode and of tests.
#[derive(Debug, Default)]
pub struct MovableClock {
    offset_ms: AtomicI64,
    frozen_at: AtomicI64,
}

impl MovableClock {
    /// A clock that stands still at `at` until it is moved.
    pub fn frozen(at: UnixMs) -> Self {
        Self { offset_ms: AtomicI64::new(0), frozen_at: AtomicI64::new(at.get()) }
    }

    /// Moves it on, or back when negative.
    pub fn advance(&self, ms: i64) {
        self.offset_ms.fetch_add(ms, Ordering::SeqCst);
    }

    /// By how much it has been moved, in milliseconds.
    pub fn offset(&self) -> i64 {
        self.offset_ms.load(Ordering::SeqCst)
    }

    /// Sets it back to real time, or to where it was frozen.
    pub fn reset(&self) {
        self.offset_ms.store(0, Ordering::SeqCst);
    }
}

impl Clock for MovableClock {
    fn now(&self) -> UnixMs {
        let offset = self.offset_ms.load(Ordering::SeqCst);
        match self.frozen_at.load(Ordering::SeqCst) {
            0 => SystemClock.now().plus(offset),
            at => UnixMs::new(at).plus(offset),
        }
    }
}
