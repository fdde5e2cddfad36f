//! How long a value is kept: a rule per purpose (個人情報保護法 §22).

use jiff::Span;
use serde::{Deserialize, Serialize};

use crate::domain::{
    consent::Custody,
    definition::Text,
    time::{DAY_MS, Day, UnixMs},
};

/// What the clock of a retention starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum After {
    /// The moment the value was collected.
    Collected,
    /// The start, in Japan, of the last day on which the person was in contact.
    LastContact,
}

/// A calendar length, counted in Japan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Term {
    /// Days.
    Days(u16),
    /// Months; the 31st becomes the last day of a shorter month.
    Months(u16),
    /// Years; 29 February becomes the 28th.
    Years(u16),
}

impl Term {
    /// The length in words.
    pub fn words(self) -> Text {
        let (n, ja, one, many) = match self {
            Self::Days(n) => (n, "日", "day", "days"),
            Self::Months(n) => (n, "か月", "month", "months"),
            Self::Years(n) => (n, "年", "year", "years"),
        };
        Text { ja: format!("{n}{ja}"), en: format!("{n} {}", if n == 1 { one } else { many }) }
    }

    /// Later by this length, counted in Japan.
    pub fn after(self, from: UnixMs) -> UnixMs {
        from.plus_span(self.span())
    }

    fn span(self) -> Span {
        match self {
            Self::Days(n) => Span::new().days(i64::from(n)),
            Self::Months(n) => Span::new().months(i64::from(n)),
            Self::Years(n) => Span::new().years(i64::from(n)),
        }
    }
}

/// What is done with a value that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Then {
    /// The row is deleted.
    Erase,
}

/// A retention rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retention {
    /// What the clock starts from.
    pub after: After,
    /// How long.
    pub term: Term,
    /// What then.
    pub then: Then,
}

/// What a due time is counted from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// When the value was collected.
    pub collected: UnixMs,
    /// Start of the last day of contact that is known.
    pub last_contact: UnixMs,
}

impl Retention {
    /// When a value under this rule is due.
    pub fn due(self, facts: Facts) -> UnixMs {
        let from = match self.after {
            After::Collected => facts.collected,
            After::LastContact => facts.last_contact.max(facts.collected.tokyo_day().start()),
        };
        self.term.after(from)
    }

    /// The rule in words: how long something is kept.
    pub fn words(self) -> Text {
        let Text { ja, en } = self.term.words();
        match self.after {
            After::Collected => {
                Text { ja: format!("受け取ってから{ja}"), en: format!("{en} after we receive it") }
            }
            After::LastContact => Text {
                ja: format!("最後のやりとりから{ja}"),
                en: format!("{en} after we last heard from you"),
            },
        }
    }
}

/// When a value that arrives now is due, given how it may be kept. `None` means
/// that it must not be stored.
///
/// Before consent the earlier of 24 hours and the rule itself counts: waiting for
/// consent never lengthens a retention.
pub fn due_on_arrival(custody: Custody, rule: Retention, facts: Facts) -> Option<UnixMs> {
    match custody {
        Custody::Nothing => None,
        Custody::UntilConsent => Some(facts.collected.plus(DAY_MS).min(rule.due(facts))),
        Custody::ByPurpose => Some(rule.due(facts)),
    }
}

/// When a person is forgotten if nothing more comes from them, given the last day
/// of contact: the due time of their LINE user id.
///
/// A mapping knows the day of the last contact, not the moment, so that it need not
/// be written at every event. Before consent, 24 hours therefore count from the end
/// of that day: no value that waits for consent outlives its person's record.
pub fn contact_due(custody: Custody, rule: Retention, day: Day) -> UnixMs {
    let start = day.start();
    let by_rule = rule.due(Facts { collected: start, last_contact: start });
    match custody {
        Custody::ByPurpose => by_rule,
        Custody::UntilConsent | Custody::Nothing => start.plus(2 * DAY_MS).min(by_rule.max(start.plus(DAY_MS))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(day: &str) -> UnixMs {
        Day::parse(day).unwrap().start().plus(10 * 3_600_000)
    }

    fn rule(after: After, term: Term) -> Retention {
        Retention { after, term, then: Then::Erase }
    }

    #[test]
    fn days_after_collection_are_exact() {
        let facts = Facts { collected: at("2026-11-21"), last_contact: at("2026-12-01") };
        let due = rule(After::Collected, Term::Days(180)).due(facts);
        assert_eq!(due.since(facts.collected), 180 * DAY_MS);
    }

    #[test]
    fn last_contact_counts_from_the_start_of_its_day() {
        let facts = Facts { collected: at("2026-11-21"), last_contact: Day::parse("2026-12-01").unwrap().start() };
        let due = rule(After::LastContact, Term::Months(1)).due(facts);
        assert_eq!(due, Day::parse("2027-01-01").unwrap().start());
    }

    #[test]
    fn waiting_for_consent_never_lengthens() {
        let facts = Facts { collected: at("2026-11-21"), last_contact: at("2026-11-21") };
        let long = rule(After::Collected, Term::Days(30));
        assert_eq!(due_on_arrival(Custody::UntilConsent, long, facts), Some(facts.collected.plus(DAY_MS)));
        let none = rule(After::Collected, Term::Days(0));
        assert_eq!(due_on_arrival(Custody::UntilConsent, none, facts), Some(facts.collected));
        assert_eq!(due_on_arrival(Custody::Nothing, long, facts), None);
    }

    #[test]
    fn rules_are_said_in_words() {
        let words = |after, term| rule(after, term).words();
        assert_eq!(words(After::Collected, Term::Days(180)).ja, "受け取ってから180日");
        assert_eq!(words(After::Collected, Term::Days(1)).en, "1 day after we receive it");
        assert_eq!(words(After::LastContact, Term::Months(6)).ja, "最後のやりとりから6か月");
        assert_eq!(words(After::LastContact, Term::Years(2)).en, "2 years after we last heard from you");
    }

    #[test]
    fn a_person_without_consent_is_forgotten_a_day_after_the_last_day_of_contact() {
        let day = Day::parse("2026-11-21").unwrap();
        let year = rule(After::LastContact, Term::Years(1));
        assert_eq!(contact_due(Custody::UntilConsent, year, day), Day::parse("2026-11-23").unwrap().start());
        assert_eq!(contact_due(Custody::ByPurpose, year, day), Day::parse("2027-11-21").unwrap().start());
        let late = Facts { collected: Day::parse("2026-11-22").unwrap().start().plus(-1), last_contact: day.start() };
        let message = due_on_arrival(Custody::UntilConsent, year, late).unwrap();
        assert!(message <= contact_due(Custody::UntilConsent, year, day));
    }
}
