//! Who may ask the opener for something, and for how much: named operators and
//! system callers (個人情報保護法 §§23, 24).

use std::fmt;

use crate::domain::id::Malformed;

/// The name of an operator or a system caller: 1 to 32 of `a-z`, `0-9`, `-`, `.` and
/// `_`. It is the issuer of their assertions and stands in the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OperatorId(String);

impl OperatorId {
    /// Parses a name.
    ///
    /// # Errors
    /// Other characters, or a length other than 1 to 32.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let fits = (1..=32).contains(&text.len())
            && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_'));
        if fits { Ok(Self(text.to_owned())) } else { Err(Malformed("operator name")) }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OperatorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What somebody is trusted with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum OperatorRole {
    /// 担当者: lists what came in, opens for the purposes given to them.
    Staff,
    /// 個人情報保護管理者: opens for every purpose, also without naming one; orders that
    /// somebody be erased; answers requests of people; reads the ledger.
    PrivacyOfficer,
    /// 監査担当: reads the ledger and opens nothing.
    Auditor,
    /// Another system of the business: opens for the purposes given to it.
    System,
}

impl OperatorRole {
    /// Every role.
    pub const ALL: [Self; 4] = [Self::Staff, Self::PrivacyOfficer, Self::Auditor, Self::System];

    /// The word in configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Staff => "staff",
            Self::PrivacyOfficer => "privacy_officer",
            Self::Auditor => "auditor",
            Self::System => "system",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }

    /// People that may be opened in an hour unless the configuration says otherwise.
    pub fn usual_budget(self) -> u32 {
        match self {
            Self::Staff => 60,
            Self::PrivacyOfficer | Self::System => 600,
            Self::Auditor => 0,
        }
    }

    /// Whether the configuration gives this role its purposes one by one.
    pub fn has_purposes(self) -> bool {
        matches!(self, Self::Staff | Self::System)
    }
}

/// What the opener can be asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Act {
    /// Show fields of people.
    Open,
    /// Show what came in: counts and times.
    List,
    /// Show what waits to be looked into.
    Requests,
    /// Say how a person's request has ended.
    CloseRequest,
    /// Count answers to a form, and show no one's.
    Count,
    /// Have somebody erased.
    Erase,
    /// Show the ledger.
    Ledger,
}

impl Act {
    /// The word in requests and entries.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::List => "list",
            Self::Requests => "requests",
            Self::CloseRequest => "close_request",
            Self::Count => "count",
            Self::Erase => "erase",
            Self::Ledger => "ledger",
        }
    }
}

/// Somebody who may ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator {
    /// Their name.
    pub id: OperatorId,
    /// What they are trusted with.
    pub role: OperatorRole,
    /// The names of the purposes they open for; without meaning for roles whose
    /// purposes are not given one by one.
    pub purposes: Vec<String>,
    /// People they may open in an hour.
    pub budget: u32,
    /// Their public key: an uncompressed P-256 point (SEC 1 §2.3.3).
    pub public_key: [u8; 65],
}

/// Why an operator may not do what they ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotGranted {
    /// Their role does not include the act.
    Act,
    /// The purpose is not one of theirs.
    Purpose,
    /// They must name a purpose.
    PurposeMissing,
}

impl Operator {
    /// Whether they may do something, for a purpose or (`None`) for every one.
    ///
    /// # Errors
    /// They may not.
    pub fn may(&self, act: Act, purpose: Option<&str>) -> Result<(), NotGranted> {
        use OperatorRole::{Auditor, PrivacyOfficer, Staff, System};
        match (act, self.role) {
            (Act::Open, Staff | System) => match purpose {
                None => Err(NotGranted::PurposeMissing),
                Some(purpose) if self.purposes.iter().any(|own| own == purpose) => Ok(()),
                Some(_) => Err(NotGranted::Purpose),
            },
            (Act::Open | Act::CloseRequest | Act::Erase, PrivacyOfficer)
            | (Act::List | Act::Requests | Act::Count, Staff | PrivacyOfficer)
            | (Act::Ledger, PrivacyOfficer | Auditor) => Ok(()),
            (Act::Open, Auditor)
            | (Act::CloseRequest | Act::Erase, Staff | System | Auditor)
            | (Act::List | Act::Requests | Act::Count, System | Auditor)
            | (Act::Ledger, Staff | System) => Err(NotGranted::Act),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operator(role: OperatorRole) -> Operator {
        let id = OperatorId::parse("desk-1").unwrap();
        Operator { id, role, purposes: vec!["chat".into()], budget: 1, public_key: [4; 65] }
    }

    #[test]
    fn who_may_what() {
        use OperatorRole::{Auditor, PrivacyOfficer, Staff, System};
        let table = [
            (Staff, Act::Open, Some("chat"), Ok(())),
            (Staff, Act::Open, Some("profile"), Err(NotGranted::Purpose)),
            (Staff, Act::Open, None, Err(NotGranted::PurposeMissing)),
            (Staff, Act::List, None, Ok(())),
            (Staff, Act::Ledger, None, Err(NotGranted::Act)),
            (System, Act::Open, Some("chat"), Ok(())),
            (System, Act::Open, Some("profile"), Err(NotGranted::Purpose)),
            (System, Act::Open, None, Err(NotGranted::PurposeMissing)),
            (System, Act::List, None, Err(NotGranted::Act)),
            (Staff, Act::Requests, None, Ok(())),
            (System, Act::Requests, None, Err(NotGranted::Act)),
            (Auditor, Act::Requests, None, Err(NotGranted::Act)),
            (PrivacyOfficer, Act::Requests, None, Ok(())),
            (Staff, Act::Count, None, Ok(())),
            (System, Act::Count, None, Err(NotGranted::Act)),
            (Auditor, Act::Count, None, Err(NotGranted::Act)),
            (System, Act::Ledger, None, Err(NotGranted::Act)),
            (Staff, Act::Erase, None, Err(NotGranted::Act)),
            (System, Act::Erase, None, Err(NotGranted::Act)),
            (Auditor, Act::Erase, None, Err(NotGranted::Act)),
            (PrivacyOfficer, Act::Erase, None, Ok(())),
            (Staff, Act::CloseRequest, None, Err(NotGranted::Act)),
            (System, Act::CloseRequest, None, Err(NotGranted::Act)),
            (Auditor, Act::CloseRequest, None, Err(NotGranted::Act)),
            (PrivacyOfficer, Act::CloseRequest, None, Ok(())),
            (PrivacyOfficer, Act::Open, Some("profile"), Ok(())),
            (PrivacyOfficer, Act::Open, None, Ok(())),
            (PrivacyOfficer, Act::List, None, Ok(())),
            (PrivacyOfficer, Act::Ledger, None, Ok(())),
            (Auditor, Act::Open, Some("chat"), Err(NotGranted::Act)),
            (Auditor, Act::Open, None, Err(NotGranted::Act)),
            (Auditor, Act::List, None, Err(NotGranted::Act)),
            (Auditor, Act::Ledger, None, Ok(())),
        ];
        for (role, act, purpose, expected) in table {
            assert_eq!(operator(role).may(act, purpose), expected, "{role:?} {act:?} {purpose:?}");
        }
    }

    #[test]
    fn names_that_would_break_a_row_are_refused() {
        for bad in ["", "a#b", "A", "山田", "a b", &"a".repeat(33)] {
            assert!(OperatorId::parse(bad).is_err(), "{bad}");
        }
        for role in OperatorRole::ALL {
            assert_eq!(OperatorRole::parse(role.as_str()), Some(role));
        }
    }
}
