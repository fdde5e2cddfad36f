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
    /// The moment at which the person blocked the account. As long as they are friends the
    /// clock stands; of somebody who never was one it is not known, and the last contact
    /// counts.
    Unfollow,
    /// The start, in Japan, of a day that the person gave in a form: of a lesson, of a
    /// delivery. A day before that of the collection, or none, counts as that day.
    Date,
}

/// What moves the due time of a value on while it is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Follows {
    /// The last contact.
    Contact,
    /// That the person is a friend of the account.
    Friendship,
}

impl Follows {
    /// The word in rows.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Contact => "contact",
            Self::Friendship => "friendship",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Contact, Self::Friendship].into_iter().find(|follows| follows.as_str() == word)
    }
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
    /// The row is counted, by form, purpose and month, and deleted: what is left says
    /// nothing about anybody.
    Anonymise,
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
    /// The day that the person gave, if the form asks for one.
    pub given: Option<UnixMs>,
    /// Whether they are a friend of the account.
    pub friendship: Friendship,
}

/// Whether somebody is a friend of the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Friendship {
    /// They are, or may well be, at this time.
    Friend(UnixMs),
    /// They have blocked it, at this time.
    Blocked(UnixMs),
    /// Nobody knows.
    Unknown,
}

impl Facts {
    /// What is known of a value that arrives.
    pub fn on_arrival(collected: UnixMs) -> Self {
        let last_contact = collected.tokyo_day().start();
        Self { collected, last_contact, given: None, friendship: Friendship::Friend(collected) }
    }
}

impl Retention {
    /// When a value under this rule is due.
    pub fn due(self, facts: Facts) -> UnixMs {
        let own_day = facts.collected.tokyo_day().start();
        let from = match self.after {
            After::Collected => facts.collected,
            After::LastContact => facts.last_contact.max(own_day),
            After::Date => facts.given.unwrap_or(own_day).tokyo_day().start().max(own_day),
            After::Unfollow => match facts.friendship {
                // Looked at again after a term: never later than a term after they leave.
                Friendship::Friend(at) | Friendship::Blocked(at) => at.max(facts.collected),
                Friendship::Unknown => facts.last_contact.max(own_day),
            },
        };
        self.term.after(from)
    }

    /// What moves the due time on while the value is held.
    pub fn follows(self) -> Option<Follows> {
        match self.after {
            After::Collected | After::Date => None,
            After::LastContact => Some(Follows::Contact),
            After::Unfollow => Some(Follows::Friendship),
        }
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
            After::Unfollow => {
                Text { ja: format!("ブロックされてから{ja}"), en: format!("{en} after you block the account") }
            }
            After::Date => Text {
                ja: format!("フォームでお知らせいただいた日から{ja}"),
                en: format!("{en} after the day that you give in the form"),
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
    let by_rule = rule.due(Facts { last_contact: start, ..Facts::on_arrival(start) });
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
        let facts = Facts { last_contact: at("2026-12-01"), ..Facts::on_arrival(at("2026-11-21")) };
        let due = rule(After::Collected, Term::Days(180)).due(facts);
        assert_eq!(due.since(facts.collected), 180 * DAY_MS);
    }

    #[test]
    fn last_contact_counts_from_the_start_of_its_day() {
        let last_contact = Day::parse("2026-12-01").unwrap().start();
        let facts = Facts { last_contact, ..Facts::on_arrival(at("2026-11-21")) };
        let due = rule(After::LastContact, Term::Months(1)).due(facts);
        assert_eq!(due, Day::parse("2027-01-01").unwrap().start());
    }

    #[test]
    fn waiting_for_consent_never_lengthens() {
        let facts = Facts::on_arrival(at("2026-11-21"));
        let long = rule(After::Collected, Term::Days(30));
        assert_eq!(due_on_arrival(Custody::UntilConsent, long, facts), Some(facts.collected.plus(DAY_MS)));
        let none = rule(After::Collected, Term::Days(0));
        assert_eq!(due_on_arrival(Custody::UntilConsent, none, facts), Some(facts.collected));
        assert_eq!(due_on_arrival(Custody::Nothing, long, facts), None);
    }

    #[test]
    fn months_end_where_the_calendar_says_and_leap_days_count() {
        let due = |after: After, term: Term, given: &str| {
            let facts = Facts { given: Some(at(given)), ..Facts::on_arrival(at("2027-01-05")) };
            rule(after, term).due(facts).tokyo_day().to_string()
        };
        let table = [
            (Term::Months(1), "2027-01-31", "2027-02-28"),
            (Term::Months(1), "2028-01-31", "2028-02-29"),
            (Term::Months(13), "2027-01-31", "2028-02-29"),
            (Term::Years(1), "2028-02-29", "2029-02-28"),
            (Term::Years(4), "2028-02-29", "2032-02-29"),
            (Term::Days(1), "2028-02-28", "2028-02-29"),
            (Term::Days(366), "2028-01-01", "2029-01-01"),
        ];
        for (term, given, expected) in table {
            assert_eq!(due(After::Date, term, given), expected, "{term:?} after {given}");
        }
    }

    #[test]
    fn a_day_that_was_given_counts_from_its_midnight_in_japan() {
        let collected = at("2026-11-21");
        let given = |day: Option<UnixMs>| {
            rule(After::Date, Term::Days(30)).due(Facts { given: day, ..Facts::on_arrival(collected) })
        };
        let start = |day: &str| Day::parse(day).unwrap().start();
        assert_eq!(given(Some(at("2026-12-24"))), start("2027-01-23"));
        assert_eq!(given(Some(at("2020-01-01"))), start("2026-12-21"), "a day in the past is the day of collection");
        assert_eq!(given(None), start("2026-12-21"));
    }

    #[test]
    fn a_friend_is_looked_at_again_in_time_and_a_block_starts_the_clock() {
        let collected = at("2026-11-21");
        let rule = rule(After::Unfollow, Term::Days(30));
        let due = |friendship| rule.due(Facts { friendship, ..Facts::on_arrival(collected) });
        let looked = at("2027-03-01");
        let blocked = looked.plus(5);
        assert_eq!(due(Friendship::Friend(looked)), looked.plus(30 * DAY_MS));
        assert_eq!(due(Friendship::Blocked(blocked)), blocked.plus(30 * DAY_MS));
        assert!(due(Friendship::Friend(looked)) <= due(Friendship::Blocked(blocked)), "never looked at too late");
        assert_eq!(due(Friendship::Blocked(at("2020-01-01"))), collected.plus(30 * DAY_MS));
        assert_eq!(due(Friendship::Unknown), collected.tokyo_day().start().plus(30 * DAY_MS));
        assert_eq!(due(Facts::on_arrival(collected).friendship), collected.plus(30 * DAY_MS));
    }

    #[test]
    fn rules_are_said_in_words() {
        let words = |after, term| rule(after, term).words();
        assert_eq!(words(After::Collected, Term::Days(180)).ja, "受け取ってから180日");
        assert_eq!(words(After::Collected, Term::Days(1)).en, "1 day after we receive it");
        assert_eq!(words(After::LastContact, Term::Months(6)).ja, "最後のやりとりから6か月");
        assert_eq!(words(After::LastContact, Term::Years(2)).en, "2 years after we last heard from you");
        assert_eq!(words(After::Unfollow, Term::Days(30)).ja, "ブロックされてから30日");
        assert_eq!(words(After::Date, Term::Days(30)).en, "30 days after the day that you give in the form");
    }

    #[test]
    fn a_person_without_consent_is_forgotten_a_day_after_the_last_day_of_contact() {
        let day = Day::parse("2026-11-21").unwrap();
        let year = rule(After::LastContact, Term::Years(1));
        assert_eq!(contact_due(Custody::UntilConsent, year, day), Day::parse("2026-11-23").unwrap().start());
        assert_eq!(contact_due(Custody::ByPurpose, year, day), Day::parse("2027-11-21").unwrap().start());
        let late = Facts::on_arrival(Day::parse("2026-11-22").unwrap().start().plus(-1));
        let message = due_on_arrival(Custody::UntilConsent, year, late).unwrap();
        assert!(message <= contact_due(Custody::UntilConsent, year, day));
    }
}
