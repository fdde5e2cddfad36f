//! How long a scheduled run may go on.

use std::time::Duration;

use tokio::time::Instant;

use crate::domain::time::UnixMs;

/// The moment after which nothing new is begun.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(Instant);

/// What is kept free before Lambda stops the function: enough to finish what is
/// under way and to write the cursor.
const MARGIN: Duration = Duration::from_secs(10);

/// Used when the given deadline has already passed, as it has under `cargo lambda
/// watch`, which counts it from another zero.
const DEFAULT: Duration = Duration::from_secs(50);

impl Deadline {
    /// From Lambda's deadline and the time now.
    pub fn of_lambda(deadline_ms: u64, now: UnixMs) -> Self {
        let left = i64::try_from(deadline_ms).unwrap_or(i64::MAX) - now.get();
        match u64::try_from(left) {
            Ok(left) if left > 0 => Self::within(Duration::from_millis(left).saturating_sub(MARGIN)),
            _ => Self::within(DEFAULT),
        }
    }

    /// After a length of time.
    pub fn within(length: Duration) -> Self {
        Self(Instant::now() + length)
    }

    /// Whether it has come.
    pub fn has_come(self) -> bool {
        Instant::now() >= self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_of_another_zero_is_not_a_deadline_in_the_past() {
        let now = UnixMs::new(1_795_186_800_000);
        assert!(!Deadline::of_lambda(60_000, now).has_come());
        assert!(!Deadline::of_lambda(1_795_186_860_000, now).has_come());
        assert!(Deadline::of_lambda(1_795_186_809_000, now).has_come(), "less than the margin is left");
    }
}
