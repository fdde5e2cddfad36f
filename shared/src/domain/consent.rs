//! Consent (同意), and what is done with data that comes before it.

use serde::{Deserialize, Serialize};

/// What a person has said about the notice of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Consent {
    /// Not asked, or not answered.
    None,
    /// 同意する.
    Given,
    /// 同意しない.
    Refused,
}

/// What a consent row records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// 同意する.
    Given,
    /// 同意しない.
    Refused,
    /// 同意の撤回: a consent is taken back.
    Withdrawn,
}

impl Said {
    /// The word in rows.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Given => "given",
            Self::Refused => "refused",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// A channel's rule for what arrives before consent (`before_consent`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BeforeConsent {
    /// Nothing personal is stored.
    Drop,
    /// Stored for 24 hours; kept on when consent is given meanwhile.
    #[serde(rename = "keep_24h")]
    Keep24h,
    /// Stored under its purpose's own retention.
    Keep,
}

impl BeforeConsent {
    /// Every setting, for messages about a wrong one.
    pub const NAMES: [&str; 3] = ["drop", "keep_24h", "keep"];

    /// Parses a setting of a channel file.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "drop" => Some(Self::Drop),
            "keep_24h" => Some(Self::Keep24h),
            "keep" => Some(Self::Keep),
            _ => None,
        }
    }
}

/// How long an arriving value may be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Custody {
    /// Not at all.
    Nothing,
    /// For 24 hours, unless consent comes.
    UntilConsent,
    /// By the retention of its purpose.
    ByPurpose,
}

/// Decides how an arriving value may be kept.
///
/// A refusal keeps nothing: the person said no, and an order to erase is on its
/// way (個人情報保護法 §§18, 35).
pub fn custody(rule: BeforeConsent, consent: Consent) -> Custody {
    match (consent, rule) {
        (Consent::Given, _) | (Consent::None, BeforeConsent::Keep) => Custody::ByPurpose,
        (Consent::None, BeforeConsent::Keep24h) => Custody::UntilConsent,
        (Consent::None, BeforeConsent::Drop) | (Consent::Refused, _) => Custody::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn custody_table() {
        use BeforeConsent::{Drop, Keep, Keep24h};
        let table = [
            (Drop, Consent::None, Custody::Nothing),
            (Drop, Consent::Given, Custody::ByPurpose),
            (Drop, Consent::Refused, Custody::Nothing),
            (Keep24h, Consent::None, Custody::UntilConsent),
            (Keep24h, Consent::Given, Custody::ByPurpose),
            (Keep24h, Consent::Refused, Custody::Nothing),
            (Keep, Consent::None, Custody::ByPurpose),
            (Keep, Consent::Given, Custody::ByPurpose),
            (Keep, Consent::Refused, Custody::Nothing),
        ];
        for (rule, consent, expected) in table {
            assert_eq!(custody(rule, consent), expected, "{rule:?} {consent:?}");
        }
    }

    #[test]
    fn every_name_parses() {
        for name in BeforeConsent::NAMES {
            let rule = BeforeConsent::parse(name).unwrap();
            assert_eq!(serde_json::to_value(rule).unwrap(), name);
        }
    }
}
