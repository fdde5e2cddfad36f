//! Joining a person's LINE account with the member id that the business gives them
//! (ID連携): which steps there are, and what each of them leads to.
//!
//! In one channel a person is joined with at most one member id, and a member id with at
//! most one person. The mapping of the person says with which; the look-up of the member
//! id only leads there, and may be out of date.
//!
//! Every step has a time: a link the moment at which it was begun, when the one-time
//! secret for it was made; an unlinking the moment at which it was asked for. What is
//! not newer than the last unlinking changes nothing, whenever it arrives.

use std::fmt;

use crate::domain::{
    id::Malformed,
    time::{DAY_MS, UnixMs},
};

/// How long the record of a claim that was refused is kept: long enough to look into it.
pub const CLAIM_MS: i64 = 30 * DAY_MS;

/// The keyed digest of a member id (KMS, [`crate::keys::lookup`]): 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct MemberDigest(String);

impl MemberDigest {
    /// Parses 64 lower-case hexadecimal digits.
    ///
    /// # Errors
    /// Anything else.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let fits = text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if fits { Ok(Self(text.to_owned())) } else { Err(Malformed("member digest")) }
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MemberDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// With which member id a person is joined, and since when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Digest of the member id.
    pub member: MemberDigest,
    /// When it was begun.
    pub since: UnixMs,
}

/// What a mapping says about a link.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Linkage {
    /// There never was one.
    #[default]
    Never,
    /// There is one.
    Linked(Link),
    /// It was undone at this time, or asked to be while there was none.
    Unlinked {
        /// When.
        at: UnixMs,
    },
}

/// What a wish to link leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Join {
    /// The person is joined from now on.
    Link(Link),
    /// They were already, with this very member id.
    Already,
    /// They are joined with another member id, which has to be undone first.
    OtherMember,
    /// It was begun before the last unlinking.
    Stale,
}

/// What a wish to unlink leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// This link is undone.
    Unlink {
        /// The link that was.
        was: Link,
        /// What the mapping says from now on.
        now: Linkage,
    },
    /// There is none. What the mapping says from now on, if that is something new: a link
    /// that was begun before must not come after.
    Nothing(Option<Linkage>),
    /// The link is newer than the wish.
    Stale,
}

impl Linkage {
    /// The link, if there is one.
    pub fn link(&self) -> Option<&Link> {
        match self {
            Self::Linked(link) => Some(link),
            Self::Never | Self::Unlinked { .. } => None,
        }
    }

    /// Whether the person is joined with this member id.
    pub fn is_with(&self, member: &MemberDigest) -> bool {
        self.link().is_some_and(|link| link.member == *member)
    }

    /// Joins with a member id that nobody else has, by a link that was begun at `begun`.
    pub fn join(&self, member: &MemberDigest, begun: UnixMs) -> Join {
        match self {
            Self::Linked(link) if link.member == *member => Join::Already,
            Self::Linked(_) => Join::OtherMember,
            Self::Unlinked { at } if begun <= *at => Join::Stale,
            Self::Never | Self::Unlinked { .. } => Join::Link(Link { member: member.clone(), since: begun }),
        }
    }

    /// Undoes what there is, as of `at`.
    pub fn part(&self, at: UnixMs) -> Part {
        match self {
            Self::Linked(link) if link.since <= at => Part::Unlink { was: link.clone(), now: Self::Unlinked { at } },
            Self::Linked(_) => Part::Stale,
            Self::Unlinked { at: before } if at <= *before => Part::Nothing(None),
            Self::Never | Self::Unlinked { .. } => Part::Nothing(Some(Self::Unlinked { at })),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(n: u8) -> MemberDigest {
        MemberDigest::parse(&format!("{n:02x}").repeat(32)).unwrap()
    }

    fn at(ms: i64) -> UnixMs {
        UnixMs::new(ms)
    }

    fn linked(n: u8, since: i64) -> Linkage {
        Linkage::Linked(Link { member: member(n), since: at(since) })
    }

    fn unlinked(ms: i64) -> Linkage {
        Linkage::Unlinked { at: at(ms) }
    }

    #[test]
    fn joining_table() {
        let link = |n, since| Join::Link(Link { member: member(n), since: at(since) });
        for (linkage, n, begun, expected) in [
            (Linkage::Never, 1, 5, link(1, 5)),
            (linked(1, 5), 1, 9, Join::Already),
            (linked(1, 5), 1, 1, Join::Already),
            (linked(1, 5), 2, 9, Join::OtherMember),
            (linked(1, 5), 2, 1, Join::OtherMember),
            (unlinked(5), 1, 4, Join::Stale),
            (unlinked(5), 1, 5, Join::Stale),
            (unlinked(5), 1, 6, link(1, 6)),
        ] {
            assert_eq!(linkage.join(&member(n), at(begun)), expected, "{linkage:?} {n} {begun}");
        }
    }

    #[test]
    fn parting_table() {
        let was = |since| Link { member: member(1), since: at(since) };
        for (linkage, ms, expected) in [
            (Linkage::Never, 5, Part::Nothing(Some(unlinked(5)))),
            (linked(1, 5), 4, Part::Stale),
            (linked(1, 5), 5, Part::Unlink { was: was(5), now: unlinked(5) }),
            (linked(1, 5), 6, Part::Unlink { was: was(5), now: unlinked(6) }),
            (unlinked(5), 4, Part::Nothing(None)),
            (unlinked(5), 5, Part::Nothing(None)),
            (unlinked(5), 6, Part::Nothing(Some(unlinked(6)))),
        ] {
            assert_eq!(linkage.part(at(ms)), expected, "{linkage:?} {ms}");
        }
    }

    #[test]
    fn a_digest_has_64_digits() {
        assert!(MemberDigest::parse(&"a".repeat(64)).is_ok());
        for bad in ["", "a", &"A".repeat(64), &"g".repeat(64), &"a".repeat(65)] {
            assert!(MemberDigest::parse(bad).is_err(), "{bad}");
        }
    }

    #[derive(Debug, Clone, Copy)]
    enum Wish {
        Join(u8, i64),
        Part(i64),
    }

    fn follow(linkage: &Linkage, wish: Wish) -> Linkage {
        match wish {
            Wish::Join(n, ms) => match linkage.join(&member(n), at(ms)) {
                Join::Link(link) => Linkage::Linked(link),
                Join::Already | Join::OtherMember | Join::Stale => linkage.clone(),
            },
            Wish::Part(ms) => match linkage.part(at(ms)) {
                Part::Unlink { now, .. } | Part::Nothing(Some(now)) => now,
                Part::Nothing(None) | Part::Stale => linkage.clone(),
            },
        }
    }

    /// Every order of five wishes out of nine: what stands at the end is newer than every
    /// unlinking that ever came, and a wish that comes twice counts once.
    #[test]
    fn no_order_of_arrival_brings_an_older_link_back() {
        let mut wishes: Vec<Wish> = (1..4).map(Wish::Part).collect();
        wishes.extend((1..4).flat_map(|ms| [Wish::Join(1, ms), Wish::Join(2, ms)]));
        let count = wishes.len();
        for number in 0..count.pow(5) {
            let order: Vec<Wish> = (0..5).map(|place| wishes[number / count.pow(place) % count]).collect();
            let mut linkage = Linkage::Never;
            for wish in &order {
                let next = follow(&linkage, *wish);
                assert_eq!(follow(&next, *wish), next, "{order:?}");
                linkage = next;
            }
            if let Some(link) = linkage.link() {
                let newest =
                    order.iter().filter_map(|wish| if let Wish::Part(ms) = wish { Some(at(*ms)) } else { None });
                assert!(newest.max().is_none_or(|parted| link.since > parted), "{order:?} ends in {linkage:?}");
            }
        }
    }
}
