//! The steps by which a person is erased, and the one that comes next.
//!
//! order → restricted → mapping becomes a tombstone → at least 120 seconds →
//! wrapped key destroyed (*unreachable*) → every row erased, stragglers too →
//! order done. Each step is on the erasure list before it is taken.

use crate::domain::time::{SECOND_MS, UnixMs};

/// How long after the tombstone the wrapped key may be destroyed: longer than a
/// warm function may use a mapping it has read (30 s) plus any request.
pub const SETTLE_MS: i64 = 120 * SECOND_MS;

/// How long the tombstone of a mapping stays, so that redelivered events of an
/// erased person are recognised.
pub const TOMBSTONE_MS: i64 = 7 * 24 * 3_600 * SECOND_MS;

/// How long the tombstone of an unsent message stays: longer than any backup of
/// the vault (35 days).
pub const UNSENT_MS: i64 = 35 * 24 * 3_600 * SECOND_MS;

/// Why a person is being erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ground {
    /// Somebody entitled asked for it.
    Asked,
    /// The person said 同意しない. A newer 同意する revokes such an order.
    Refused,
    /// The person blocked the account, and the time that the channel gives them to come
    /// back is over. Coming back revokes such an order.
    Blocked,
    /// The purpose of being able to reach them is over (`line_contact` due). A
    /// newer contact revokes such an order.
    ContactDue,
}

impl Ground {
    /// The word in rows and lists.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Refused => "refused",
            Self::Blocked => "blocked",
            Self::ContactDue => "contact_due",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "asked" => Some(Self::Asked),
            "refused" => Some(Self::Refused),
            "blocked" => Some(Self::Blocked),
            "contact_due" => Some(Self::ContactDue),
            _ => None,
        }
    }
}

/// Why a link with a member id is undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnlinkGround {
    /// The person wanted it.
    Person,
    /// The business wanted it.
    Business,
    /// The purpose of the link is over.
    Due,
}

impl UnlinkGround {
    /// The word in rows.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Business => "business",
            Self::Due => "due",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Person, Self::Business, Self::Due].into_iter().find(|ground| ground.as_str() == word)
    }
}

/// A step of an erasure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Opening is refused from here on.
    Restrict,
    /// The mapping becomes a tombstone: new events start a new person.
    Unmap,
    /// The wrapped private key is deleted: *unreachable*.
    DestroyKey,
    /// Every row of the person is deleted.
    EraseRows,
}

impl Step {
    /// The word on the erasure list; words sort in the order of the steps.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Restrict => "1-restrict",
            Self::Unmap => "2-unmap",
            Self::DestroyKey => "3-destroy-key",
            Self::EraseRows => "4-erase-rows",
        }
    }
}

/// How far an erasure has come: the content of the hold row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// When opening was first refused.
    pub restricted_at: UnixMs,
    /// When the mapping was found to be a tombstone.
    pub unmapped_at: Option<UnixMs>,
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Take this step now. [`Step::DestroyKey`] is followed by [`Step::EraseRows`]
    /// at once: both may be repeated without harm.
    Take(Step),
    /// Nothing before this time.
    WaitUntil(UnixMs),
}

/// The step that follows.
pub fn next(progress: Option<Progress>, now: UnixMs) -> Next {
    match progress {
        None => Next::Take(Step::Restrict),
        Some(Progress { unmapped_at: None, .. }) => Next::Take(Step::Unmap),
        Some(Progress { unmapped_at: Some(at), .. }) => {
            let ready = at.plus(SETTLE_MS);
            if now < ready { Next::WaitUntil(ready) } else { Next::Take(Step::DestroyKey) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_not_destroyed_before_120_seconds() {
        let at = UnixMs::new(1_000_000);
        let progress = |unmapped_at| Some(Progress { restricted_at: at, unmapped_at });
        assert_eq!(next(None, at), Next::Take(Step::Restrict));
        assert_eq!(next(progress(None), at), Next::Take(Step::Unmap));
        assert_eq!(next(progress(Some(at)), at.plus(119_999)), Next::WaitUntil(at.plus(120_000)));
        assert_eq!(next(progress(Some(at)), at.plus(120_000)), Next::Take(Step::DestroyKey));
        assert_eq!(next(progress(Some(at)), at.plus(-5)), Next::WaitUntil(at.plus(120_000)));
    }

    #[test]
    fn steps_sort_by_their_words() {
        let steps = [Step::Restrict, Step::Unmap, Step::DestroyKey, Step::EraseRows];
        assert!(steps.is_sorted());
        assert!(steps.map(Step::as_str).is_sorted());
    }

    #[test]
    fn grounds_are_read_back() {
        for ground in [Ground::Asked, Ground::Refused, Ground::Blocked, Ground::ContactDue] {
            assert_eq!(Ground::parse(ground.as_str()), Some(ground));
        }
    }
}
