//! What befalls each call, decided by a seed; and death at any await point.

use std::{
    future::Future,
    pin::pin,
    sync::atomic::{AtomicU64, Ordering},
    task::Poll,
};

use azukari_local::engine::wire::{Call, Fate, Weather};

use crate::bad_days::plan::Bad;

/// Weather of one action: each attempt draws its fate.
#[derive(Debug)]
pub struct Storm {
    bad: Bad,
    attempts: AtomicU64,
}

impl Storm {
    /// The weather of an action.
    pub fn of(bad: Bad) -> Self {
        Self { bad, attempts: AtomicU64::new(0) }
    }
}

impl Weather for Storm {
    fn fate(&self, _call: &Call) -> Fate {
        let attempt = self.attempts.fetch_add(1, Ordering::Relaxed);
        let mut dice = fastrand::Rng::with_seed(self.bad.seed ^ attempt.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        if dice.u16(0..1_000) >= self.bad.rate {
            return Fate::Answered;
        }
        match dice.u8(0..16) {
            0..3 => Fate::Fails,
            3..7 => Fate::AnswerLost,
            7..10 => Fate::Throttled,
            10 => Fate::CallerDiesBefore,
            11 => Fate::CallerDiesAfter,
            12..14 => Fate::Doubled,
            _ => Fate::Delayed(dice.u32(1..1_500)),
        }
    }
}

/// Drives a future and drops it after so many polls: a function that is killed at an
/// await point. `None` if it was.
pub async fn killed_after<F: Future>(polls: Option<u32>, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = polls;
    std::future::poll_fn(move |cx| {
        if left == Some(0) {
            return Poll::Ready(None);
        }
        left = left.map(|left| left - 1);
        match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending => {
                if left == Some(0) {
                    Poll::Ready(None)
                } else {
                    Poll::Pending
                }
            }
        }
    })
    .await
}
