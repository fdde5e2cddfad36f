//! Whether a person's values may be opened now. Decided from what is stored, after
//! the entry has been written and before anything is opened.

use std::collections::BTreeMap;

use crate::domain::{consent::Consent, id::DefinitionId, person::Standing, time::UnixMs};

/// Why a person or a purpose is not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Refusal {
    /// Opening is stopped: the person is being erased, an order to erase them waits, or they
    /// have asked to stop the use.
    Restricted,
    /// The person said 同意しない.
    Refused,
    /// The person has taken the consent for this purpose back.
    Withdrawn,
}

impl Refusal {
    /// The word in entries and answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Restricted => "restricted",
            Self::Refused => "refused",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// What is stored about whether a person may be opened.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    /// Whether a hold lies on them.
    pub held: bool,
    /// Whether an order to erase them waits.
    pub erase_ordered: bool,
    /// Whether they have asked to stop the use, and that is not over.
    pub stopped: bool,
    /// Whether whoever asks has to answer their requests.
    pub answering: bool,
    /// What they have said about each purpose, the newest.
    pub consents: &'a BTreeMap<DefinitionId, Consent>,
    /// What their mapping says.
    pub standing: &'a Standing,
}

/// Whether the person as a whole may be opened.
///
/// # Errors
/// Why not.
pub fn person(facts: &Facts<'_>) -> Result<(), Refusal> {
    if facts.held || facts.erase_ordered || (facts.stopped && !facts.answering) {
        return Err(Refusal::Restricted);
    }
    match facts.standing {
        Standing::Known(person) if person.consent == Consent::Refused => Err(Refusal::Refused),
        Standing::Known(_) | Standing::Absent | Standing::Erased { .. } => Ok(()),
    }
}

/// Whether values for one purpose may be opened.
///
/// # Errors
/// The consent for it was taken back, or not given when it was asked for.
pub fn purpose(facts: &Facts<'_>, purpose: &DefinitionId) -> Result<(), Refusal> {
    match facts.consents.get(purpose) {
        Some(Consent::Refused) => Err(Refusal::Withdrawn),
        Some(Consent::Given | Consent::None) | None => Ok(()),
    }
}

/// Whether a value is still there to be seen: what is due is gone, swept or not.
pub fn still_kept(due_at: UnixMs, now: UnixMs) -> bool {
    now < due_at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn access_table() {
        let purpose_id = DefinitionId::new("p");
        let consents = |consent| BTreeMap::from([(DefinitionId::new("p"), consent)]);
        let none = BTreeMap::new();
        let of = |held, erase_ordered, stopped, answering| Facts {
            held,
            erase_ordered,
            stopped,
            answering,
            consents: &none,
            standing: &Standing::Absent,
        };
        let facts = |held, erase_ordered| of(held, erase_ordered, false, false);
        assert_eq!(person(&facts(false, false)), Ok(()));
        assert_eq!(person(&facts(true, false)), Err(Refusal::Restricted));
        assert_eq!(person(&facts(false, true)), Err(Refusal::Restricted));
        // Whoever has to answer a stop may look, and nobody else; an erasure stops them, too.
        assert_eq!(person(&of(false, false, true, false)), Err(Refusal::Restricted));
        assert_eq!(person(&of(false, false, true, true)), Ok(()));
        assert_eq!(person(&of(true, false, true, true)), Err(Refusal::Restricted));
        assert_eq!(person(&of(false, true, true, true)), Err(Refusal::Restricted));
        let about = |consents: &BTreeMap<DefinitionId, Consent>| {
            purpose(&Facts { consents, ..facts(false, false) }, &purpose_id)
        };
        assert_eq!(about(&none), Ok(()));
        assert_eq!(about(&consents(Consent::Given)), Ok(()));
        assert_eq!(about(&consents(Consent::Refused)), Err(Refusal::Withdrawn));
    }

    #[test]
    fn due_is_gone_at_the_very_millisecond() {
        let due = UnixMs::new(1_000);
        assert!(still_kept(due, UnixMs::new(999)));
        assert!(!still_kept(due, due) && !still_kept(due, UnixMs::new(1_001)));
    }
}
