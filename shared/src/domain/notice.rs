//! The notice (個人情報保護法 §21): who collects, what for, how long. It is shown in the
//! chat, once for each policy version, and says where the whole policy is.

use crate::domain::{
    consent::Consent,
    id::{Malformed, VersionId},
    person::Person,
    time::{SECOND_MS, UnixMs},
};

/// The notices that somebody has been shown: which policy version, and since when.
///
/// A value says which version its person had been shown when it happened, not when it
/// arrived: the same whatever came first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shown(Vec<(String, UnixMs)>);

/// How many versions are remembered.
const REMEMBERED: usize = 8;

impl Shown {
    /// With a version that was shown at this time, or before.
    #[must_use]
    pub fn with(mut self, policy: &str, at: UnixMs) -> Self {
        match self.0.iter_mut().find(|(known, _)| known == policy) {
            Some((_, since)) => *since = at.min(*since),
            None => self.0.push((policy.to_owned(), at)),
        }
        self.0.sort_by(|a, b| (a.1, &a.0).cmp(&(b.1, &b.0)));
        let too_many = self.0.len().saturating_sub(REMEMBERED);
        self.0.drain(..too_many);
        self
    }

    /// Whether a version has been shown.
    pub fn has(&self, policy: &str) -> bool {
        self.0.iter().any(|(known, _)| known == policy)
    }

    /// The version that had been shown by this time.
    pub fn by(&self, at: UnixMs) -> Option<&str> {
        self.0.iter().rev().find(|(_, since)| *since < at).map(|(policy, _)| policy.as_str())
    }

    /// The version that was shown last.
    pub fn last(&self) -> Option<&str> {
        self.0.last().map(|(policy, _)| policy.as_str())
    }

    /// As the mapping holds it: `<version>@<time>`, the oldest first.
    pub fn to_text(&self) -> String {
        self.0.iter().map(|(policy, at)| format!("{policy}@{}", at.get())).collect::<Vec<_>>().join(",")
    }

    /// Reads the text form.
    ///
    /// # Errors
    /// It is not one.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let malformed = Malformed("list of notices");
        let each = text.split(',').filter(|part| !part.is_empty()).map(|part| {
            let (policy, at) = part.split_once('@').ok_or(malformed)?;
            Ok((policy.to_owned(), UnixMs::new(at.parse().map_err(|_| malformed)?)))
        });
        each.collect::<Result<_, _>>().map(Self)
    }
}

/// An attempt to show somebody a notice. It is stored before the notice is sent, so that
/// two events that come at the same time do not bring it twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The policy version.
    pub policy: String,
    /// When.
    pub at: UnixMs,
}

/// How long an attempt keeps others from being made. One that has not led to a notice by
/// then has failed, or its function has died: the next event tries again.
pub const ATTEMPT_MS: i64 = 60 * SECOND_MS;

/// Which notice it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticeKind {
    /// The first one that the person sees.
    First,
    /// The policy has changed since they saw one.
    Changed,
}

/// Which notice is due to somebody who is known, if any.
///
/// Who has refused is not asked again by itself: they are being erased, and whoever
/// comes back after that is new.
pub fn due(person: &Person, policy: &VersionId, now: UnixMs) -> Option<NoticeKind> {
    let under_way = person
        .attempt
        .as_ref()
        .is_some_and(|attempt| attempt.policy == policy.to_string() && now.since(attempt.at).abs() < ATTEMPT_MS);
    if under_way { None } else { due_now(person, policy) }
}

/// The same, by whoever makes the attempt that is stored.
pub fn due_now(person: &Person, policy: &VersionId) -> Option<NoticeKind> {
    if person.consent == Consent::Refused || person.shown.has(&policy.to_string()) {
        return None;
    }
    Some(if person.shown.last().is_none() { NoticeKind::First } else { NoticeKind::Changed })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{id::SubjectId, key::PUBLIC_KEY_LEN, person::KeyRow};

    fn person(consent: Consent, shown: Option<&str>, attempt: Option<(&str, i64)>) -> Person {
        Person {
            key: KeyRow {
                subject: SubjectId::new([1; 16]),
                version: 1,
                public_key: [4; PUBLIC_KEY_LEN],
                wrapped_sha256: [0; 32],
                signature: vec![],
            },
            index_key: "k".into(),
            last_contact: UnixMs::new(0).tokyo_day(),
            consent,
            consent_order: None,
            shown: shown.map_or_else(Shown::default, |policy| Shown::default().with(policy, UnixMs::new(1))),
            attempt: attempt.map(|(policy, at)| Attempt { policy: policy.to_owned(), at: UnixMs::new(at) }),
            profile_day: None,
            not_before: None,
            link: crate::domain::link::Linkage::Never,
            linked_menu: false,
            withdrawn: std::collections::BTreeMap::new(),
        }
    }

    #[test]
    fn what_was_shown_depends_on_when_something_happened() {
        let at = UnixMs::new;
        let shown = Shown::default().with("p.2", at(20)).with("p.1", at(10));
        assert_eq!(shown.by(at(10)), None);
        assert_eq!(shown.by(at(11)), Some("p.1"));
        assert_eq!(shown.by(at(20)), Some("p.1"));
        assert_eq!(shown.by(at(99)), Some("p.2"));
        assert_eq!(shown.clone().with("p.2", at(30)), shown, "the first time counts");
        assert_eq!(shown.clone().with("p.2", at(5)).last(), Some("p.1"));
        assert_eq!(Shown::parse(&shown.to_text()), Ok(shown));
        assert_eq!(Shown::parse(""), Ok(Shown::default()));
        assert!(Shown::parse("p.1").is_err() && Shown::parse("p.1@x").is_err());
        let many = (0..20).fold(Shown::default(), |shown, n| shown.with(&format!("p.{n}"), at(n)));
        assert!(many.has("p.19") && many.has("p.12") && !many.has("p.11"));
    }

    #[test]
    fn notice_table() {
        use Consent::{Given, None as Unasked, Refused};
        use NoticeKind::{Changed, First};
        let now = UnixMs::new(1_000_000);
        let table = [
            (person(Unasked, None, None), Some(First)),
            (person(Unasked, Some("p.1"), None), Some(Changed)),
            (person(Given, Some("p.1"), None), Some(Changed)),
            (person(Given, Some("p.2"), None), None),
            (person(Unasked, Some("p.2"), Some(("p.2", 0))), None),
            (person(Refused, Some("p.1"), None), None),
            (person(Unasked, None, Some(("p.2", 1_000_000 - 59_999))), None),
            (person(Unasked, None, Some(("p.2", 1_000_000 - 60_000))), Some(First)),
            // An attempt at another version, and one of a clock that went back since.
            (person(Unasked, None, Some(("p.1", 999_999))), Some(First)),
            (person(Unasked, None, Some(("p.2", 1_060_000))), Some(First)),
            // The clocks of two machines differ a little.
            (person(Unasked, None, Some(("p.2", 1_000_001))), None),
        ];
        for (person, expected) in table {
            assert_eq!(due(&person, &VersionId::parse("p.2").unwrap(), now), expected, "{person:?}");
        }
    }
}
