//! What a person can ask about what is held of them, for somebody of the business to answer:
//! to correct, add or delete (訂正・追加・削除, 個人情報保護法 §34), and to stop its use
//! (利用停止, §35).
//!
//! A request to stop restricts the person from the moment at which it is stored: nothing of
//! theirs is opened, but by the privacy officer, who has to answer it. One that is followed
//! stays in force until it is lifted; so does one that nobody has answered in time. One that
//! is declined ends with that.

use crate::domain::{
    definition::Text,
    time::{DAY_MS, UnixMs},
};

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RequestKind {
    /// To correct what is wrong, add what is missing, or delete what is not true.
    Correct,
    /// To stop the use.
    Stop,
}

impl RequestKind {
    /// Every kind.
    pub const ALL: [Self; 2] = [Self::Correct, Self::Stop];

    /// The word in rows.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Correct => "correct",
            Self::Stop => "stop",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// What it is called.
    pub fn title(self) -> Text {
        let (ja, en) = match self {
            Self::Correct => ("訂正・追加・削除のご請求", "Request to correct, add or delete"),
            Self::Stop => ("利用停止のご請求", "Request to stop the use"),
        };
        Text { ja: ja.to_owned(), en: en.to_owned() }
    }
}

/// Days within which a request is to be answered: the business' own target, as the law asks
/// for 遅滞なく (個人情報保護法 §§33–35).
pub const DAYS_TO_ANSWER: i64 = 14;

/// How long a request is kept that nobody has answered.
pub const REQUEST_KEPT_MS: i64 = 365 * DAY_MS;

/// How long it is kept that a request was answered, without what was written in it.
pub const CLOSED_KEPT_MS: i64 = 90 * DAY_MS;

/// How a request has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Outcome {
    /// What was asked for is done. A stop is in force until it is lifted.
    Done,
    /// It is not followed; the person is told why (§36). A stop ends.
    Declined,
    /// The person wants the use to go on again: a stop ends.
    Lifted,
    /// Nobody has answered in time. A stop is in force until it is lifted.
    Unanswered,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 4] = [Self::Done, Self::Declined, Self::Lifted, Self::Unanswered];

    /// Those that somebody can give.
    pub const TO_CLOSE: [Self; 3] = [Self::Done, Self::Declined, Self::Lifted];

    /// The word in rows and requests.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Declined => "declined",
            Self::Lifted => "lifted",
            Self::Unanswered => "unanswered",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == word)
    }
}

/// Whether a request restricts the person: `outcome` is `None` while it is open.
pub fn restricts(kind: RequestKind, outcome: Option<Outcome>) -> bool {
    kind == RequestKind::Stop
        && match outcome {
            None | Some(Outcome::Done | Outcome::Unanswered) => true,
            Some(Outcome::Declined | Outcome::Lifted) => false,
        }
}

/// Whether somebody can close a request with this outcome: an open one, and once more a stop
/// that is in force.
pub fn can_close(kind: RequestKind, before: Option<Outcome>, outcome: Outcome) -> bool {
    match (before, outcome) {
        (_, Outcome::Unanswered) => false,
        (None, Outcome::Done | Outcome::Declined) => true,
        (before, Outcome::Lifted) => restricts(kind, before),
        (Some(_), Outcome::Done | Outcome::Declined) => false,
    }
}

/// When the row of a request is due. A stop that is in force has no term of its own: it goes
/// with the person.
pub fn due_at(kind: RequestKind, asked_at: UnixMs, closed: Option<(UnixMs, Outcome)>) -> Option<UnixMs> {
    match closed {
        None => Some(asked_at.plus(REQUEST_KEPT_MS)),
        Some((_, outcome)) if restricts(kind, Some(outcome)) => None,
        Some((closed_at, _)) => Some(closed_at.plus(CLOSED_KEPT_MS)),
    }
}

/// Days that are left to answer what was asked for at `asked_at`; less than none is overdue.
pub fn days_left(asked_at: UnixMs, now: UnixMs) -> i64 {
    DAYS_TO_ANSWER - now.since(asked_at).max(0) / DAY_MS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_back() {
        for kind in RequestKind::ALL {
            assert_eq!(RequestKind::parse(kind.as_str()), Some(kind));
        }
        for outcome in Outcome::ALL {
            assert_eq!(Outcome::parse(outcome.as_str()), Some(outcome));
        }
        assert_eq!((RequestKind::parse("erase"), Outcome::parse("open")), (None, None));
    }

    #[test]
    fn a_stop_restricts_until_it_is_declined_or_lifted() {
        let table = [
            (None, true),
            (Some(Outcome::Done), true),
            (Some(Outcome::Unanswered), true),
            (Some(Outcome::Declined), false),
            (Some(Outcome::Lifted), false),
        ];
        for (outcome, expected) in table {
            assert_eq!(restricts(RequestKind::Stop, outcome), expected, "{outcome:?}");
            assert!(!restricts(RequestKind::Correct, outcome), "{outcome:?}");
        }
    }

    #[test]
    fn a_request_is_closed_once_and_a_stop_lifted_later() {
        let stop = |before, outcome| can_close(RequestKind::Stop, before, outcome);
        assert!(Outcome::TO_CLOSE.into_iter().all(|outcome| stop(None, outcome)));
        for in_force in [Outcome::Done, Outcome::Unanswered] {
            assert!(stop(Some(in_force), Outcome::Lifted));
            assert!(!stop(Some(in_force), Outcome::Done) && !stop(Some(in_force), Outcome::Declined));
        }
        for ended in [Outcome::Declined, Outcome::Lifted] {
            assert!(Outcome::ALL.into_iter().all(|outcome| !stop(Some(ended), outcome)));
        }
        assert!(!stop(None, Outcome::Unanswered));
        let correct = |before, outcome| can_close(RequestKind::Correct, before, outcome);
        assert!(correct(None, Outcome::Done) && correct(None, Outcome::Declined) && !correct(None, Outcome::Lifted));
        assert!(Outcome::ALL.into_iter().all(|outcome| !correct(Some(Outcome::Done), outcome)));
    }

    #[test]
    fn a_stop_in_force_has_no_term() {
        let (asked, closed) = (UnixMs::new(1_000), UnixMs::new(5_000));
        let due = |kind, outcome: Option<Outcome>| due_at(kind, asked, outcome.map(|outcome| (closed, outcome)));
        assert_eq!(due(RequestKind::Stop, None), Some(asked.plus(REQUEST_KEPT_MS)));
        assert_eq!(due(RequestKind::Stop, Some(Outcome::Done)), None);
        assert_eq!(due(RequestKind::Stop, Some(Outcome::Unanswered)), None);
        assert_eq!(due(RequestKind::Stop, Some(Outcome::Lifted)), Some(closed.plus(CLOSED_KEPT_MS)));
        assert_eq!(due(RequestKind::Correct, Some(Outcome::Done)), Some(closed.plus(CLOSED_KEPT_MS)));
    }

    #[test]
    fn days_run_out() {
        let asked = UnixMs::new(1_000);
        for (after, expected) in
            [(-5, 14), (0, 14), (DAY_MS - 1, 14), (DAY_MS, 13), (14 * DAY_MS, 0), (20 * DAY_MS, -6)]
        {
            assert_eq!(days_left(asked, asked.plus(after)), expected, "{after}");
        }
    }
}
