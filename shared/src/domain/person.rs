//! What is known of the person behind a LINE user id, and whether an event of
//! theirs still counts.

use std::collections::BTreeMap;

use crate::domain::{
    consent::Consent,
    id::{DefinitionId, SubjectId},
    key::PUBLIC_KEY_LEN,
    link::Linkage,
    notice::{Attempt, Shown},
    order::EventOrder,
    time::{Day, UnixMs},
};

/// The public half of a person's key pair as it lies in the pool and in the
/// mapping: not yet vouched for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRow {
    /// Whose key it is, or will be.
    pub subject: SubjectId,
    /// Which of the person's keys, from 1.
    pub version: u32,
    /// The uncompressed point.
    pub public_key: [u8; PUBLIC_KEY_LEN],
    /// SHA-256 of the wrapped private key.
    pub wrapped_sha256: [u8; 32],
    /// Signature of the `enrol` key over all of the above, DER (RFC 3279 §2.2.3).
    pub signature: Vec<u8>,
}

/// A person who is known: the content of the mapping row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Their public key.
    pub key: KeyRow,
    /// Id of the index key under which the mapping was written.
    pub index_key: String,
    /// The last day, in Japan, on which an event of theirs happened.
    pub last_contact: Day,
    /// Their answer to the notice.
    pub consent: Consent,
    /// The place of that answer among their events: a newer answer replaces it, an
    /// older one does not.
    pub consent_order: Option<EventOrder>,
    /// The policy versions that they were shown: LINE took the notices of them.
    pub shown: Shown,
    /// The last attempt to show them a notice.
    pub attempt: Option<Attempt>,
    /// The contact day for which the profile has been fetched.
    pub profile_day: Option<Day>,
    /// Events up to this time belong to an erased predecessor.
    pub not_before: Option<UnixMs>,
    /// Whether they are joined with a member id of the business.
    pub link: Linkage,
    /// Whether LINE was told to show them the rich menu of linked people.
    pub linked_menu: bool,
    /// Purposes for which they have taken back their consent, each with the place of that
    /// among their events.
    pub withdrawn: BTreeMap<DefinitionId, EventOrder>,
}

impl Person {
    /// Whether something that happened at `at` must not be kept for a purpose, because they
    /// have taken their consent to it back: unless they have agreed anew since, and before.
    pub fn has_withdrawn(&self, purpose: &DefinitionId, at: UnixMs) -> bool {
        let Some(withdrawn) = self.withdrawn.get(purpose) else { return false };
        let anew = self.consent_order.as_ref().filter(|order| self.consent == Consent::Given && *order > withdrawn);
        anew.is_none_or(|order| at < order.at)
    }

    /// The same person with a consent taken back; `None` if that is known, or overtaken.
    pub fn withdrawing(&self, purpose: &DefinitionId, order: EventOrder) -> Option<Self> {
        if self.withdrawn.get(purpose).is_some_and(|known| *known >= order) {
            return None;
        }
        let mut person = self.clone();
        person.withdrawn.insert(purpose.clone(), order);
        Some(person)
    }
}

/// What the mapping row of a LINE user says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Nobody is known.
    Absent,
    /// The person was erased; what is not newer than `at` must not come back.
    Erased {
        /// The time as of which they were erased.
        at: UnixMs,
    },
    /// The person is known.
    Known(Box<Person>),
}

/// Whether an event counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It is older than an erasure: dropped and counted.
    Stale,
    /// It starts a new person; `not_before` carries an erasure on.
    New {
        /// Time of the erasure before, if any.
        not_before: Option<UnixMs>,
    },
    /// It belongs to the known person.
    Known,
}

/// Decides whether an event that happened at `at` counts.
pub fn admit(standing: &Standing, at: UnixMs) -> Admission {
    let erased = match standing {
        Standing::Absent => None,
        Standing::Erased { at } => Some(*at),
        Standing::Known(person) => person.not_before,
    };
    if erased.is_some_and(|erased| at <= erased) {
        return Admission::Stale;
    }
    match standing {
        Standing::Known(_) => Admission::Known,
        Standing::Absent | Standing::Erased { .. } => Admission::New { not_before: erased },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::LineItemId;

    fn known(not_before: Option<i64>) -> Standing {
        let key = KeyRow {
            subject: SubjectId::new([1; 16]),
            version: 1,
            public_key: [4; PUBLIC_KEY_LEN],
            wrapped_sha256: [0; 32],
            signature: vec![],
        };
        Standing::Known(Box::new(Person {
            key,
            index_key: "k".into(),
            last_contact: UnixMs::new(0).tokyo_day(),
            consent: Consent::None,
            consent_order: None,
            shown: Shown::default(),
            attempt: None,
            profile_day: None,
            not_before: not_before.map(UnixMs::new),
            link: Linkage::Never,
            linked_menu: false,
            withdrawn: BTreeMap::new(),
        }))
    }

    #[test]
    fn what_is_withdrawn_is_not_kept_unless_they_agreed_anew() {
        let Standing::Known(person) = known(None) else { panic!("known") };
        let purpose = DefinitionId::new("p");
        let order = |at: i64| EventOrder { at: UnixMs::new(at), event: LineItemId::parse("E").unwrap() };
        let agreed = |at| Person { consent: Consent::Given, consent_order: Some(order(at)), ..(*person).clone() };
        let at = UnixMs::new;
        assert!(!agreed(10).has_withdrawn(&purpose, at(5)));
        let withdrawn = agreed(10).withdrawing(&purpose, order(20)).unwrap();
        assert!([5, 15, 20, 25].iter().all(|event| withdrawn.has_withdrawn(&purpose, at(*event))));
        assert!(!withdrawn.has_withdrawn(&DefinitionId::new("other"), at(25)));
        assert!(
            withdrawn.withdrawing(&purpose, order(20)).is_none()
                && withdrawn.withdrawing(&purpose, order(19)).is_none()
        );
        let anew = agreed(30).withdrawing(&purpose, order(20)).unwrap();
        assert!(anew.has_withdrawn(&purpose, at(15)) && anew.has_withdrawn(&purpose, at(29)));
        assert!(!anew.has_withdrawn(&purpose, at(30)) && !anew.has_withdrawn(&purpose, at(31)));
        let again = anew.withdrawing(&purpose, order(40)).unwrap();
        assert!(again.has_withdrawn(&purpose, at(35)) && again.has_withdrawn(&purpose, at(45)));
    }

    #[test]
    fn admission_table() {
        let erased = Standing::Erased { at: UnixMs::new(100) };
        let at = UnixMs::new;
        assert_eq!(admit(&Standing::Absent, at(1)), Admission::New { not_before: None });
        assert_eq!(admit(&erased, at(99)), Admission::Stale);
        assert_eq!(admit(&erased, at(100)), Admission::Stale);
        assert_eq!(admit(&erased, at(101)), Admission::New { not_before: Some(at(100)) });
        assert_eq!(admit(&known(None), at(1)), Admission::Known);
        assert_eq!(admit(&known(Some(100)), at(100)), Admission::Stale);
        assert_eq!(admit(&known(Some(100)), at(101)), Admission::Known);
    }
}
