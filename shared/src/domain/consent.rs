//! Consent (同意), and what is done with data that comes before it.

use serde::{Deserialize, Serialize};

use crate::domain::{definition::Text, id::VersionId, time::UnixMs};

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

/// A person's answer to a notice, as the buttons of the notice carry it. It says which
/// policy version the person was looking at, and nothing about the person: LINE sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// 同意する, not 同意しない.
    pub agreed: bool,
    /// The policy version of the notice.
    pub shown: VersionId,
    /// What the notice said, word for word: the beginning of its SHA-256, as 16
    /// hexadecimal digits. `None` if the button does not tell.
    pub notice: Option<String>,
}

impl Answer {
    /// What the button sends back: `azukari:agree:<version>:<digest>`, or `refuse`.
    pub fn data(&self) -> String {
        let word = if self.agreed { "agree" } else { "refuse" };
        let notice = self.notice.as_ref().map(|notice| format!(":{notice}")).unwrap_or_default();
        format!("azukari:{word}:{}{notice}", self.shown)
    }

    /// Reads what a button sent back; `None` if it is not an answer to a notice. The
    /// notice may be of an older policy, or of one that is newer than what this function
    /// has loaded.
    pub fn parse(data: &str) -> Option<Self> {
        let (word, shown) = data.strip_prefix("azukari:")?.split_once(':')?;
        let agreed = match word {
            "agree" => true,
            "refuse" => false,
            _ => return None,
        };
        let (shown, notice) = match shown.split_once(':') {
            Some((shown, notice)) => (shown, Some(notice.to_owned())),
            None => (shown, None),
        };
        let is_digest =
            |text: &String| text.len() == 16 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if !notice.iter().all(is_digest) {
            return None;
        }
        let answer = Self { agreed, shown: VersionId::parse(shown).ok()?, notice };
        (answer.data() == data).then_some(answer)
    }

    /// What the consent rows record.
    pub fn said(&self) -> Said {
        if self.agreed { Said::Given } else { Said::Refused }
    }

    /// What the person is known to have said.
    pub fn consent(&self) -> Consent {
        if self.agreed { Consent::Given } else { Consent::Refused }
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

    /// What it means for the person.
    pub fn words(self) -> Text {
        let (ja, en) = match self {
            Self::Drop => (
                "同意をいただくまで、お送りいただいたものは保存しません。",
                "Nothing you send is stored until you agree.",
            ),
            Self::Keep24h => (
                "同意をいただく前に届いたものは、24時間で消去します。",
                "What arrives before you agree is erased after 24 hours.",
            ),
            Self::Keep => (
                "同意をいただく前に届いたものも、それぞれの期間が過ぎたら消去します。",
                "What arrives before you agree is erased after the times stated, too.",
            ),
        };
        Text { ja: ja.to_owned(), en: en.to_owned() }
    }

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

/// The same for one event of somebody whose answer is known: under `drop` what happened
/// before 同意する is not kept, whenever it arrives.
pub fn custody_of_event(rule: BeforeConsent, consent: Consent, answered_at: Option<UnixMs>, at: UnixMs) -> Custody {
    match custody(rule, consent) {
        Custody::ByPurpose if rule == BeforeConsent::Drop && answered_at.is_some_and(|answered| at < answered) => {
            Custody::Nothing
        }
        custody => custody,
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
    fn what_came_before_the_answer_is_dropped_where_the_rule_is_drop() {
        let at = UnixMs::new;
        let of = |rule, event| custody_of_event(rule, Consent::Given, Some(at(10)), at(event));
        assert_eq!(of(BeforeConsent::Drop, 9), Custody::Nothing);
        assert_eq!(of(BeforeConsent::Drop, 10), Custody::ByPurpose);
        assert_eq!(of(BeforeConsent::Keep24h, 9), Custody::ByPurpose);
        assert_eq!(of(BeforeConsent::Keep, 9), Custody::ByPurpose);
    }

    #[test]
    fn an_answer_is_read_back_and_nothing_else_is_one() {
        for agreed in [true, false] {
            for shown in ["p3k.1", "p3k.2"] {
                for notice in [None, Some("0123456789abcdef".to_owned())] {
                    let answer = Answer { agreed, shown: VersionId::parse(shown).unwrap(), notice };
                    assert_eq!(Answer::parse(&answer.data()), Some(answer));
                }
            }
        }
        for bad in [
            "azukari:agree:p3k.0",
            "azukari:agree:p3k.02",
            "azukari:agree:p3k.+1",
            "azukari:agree:",
            "azukari:agree",
            "azukari:maybe:p3k.1",
            "AZUKARI:agree:p3k.1",
            "azukari:agree:p3k.1 ",
            "azukari:agree:p3k.1:",
            "azukari:agree:p3k.1:0123456789ABCDEF",
            "azukari:agree:p3k.1:0123456789abcdef0",
            "azukari:agree:p3k.1:0123456789abcdef:",
            "",
        ] {
            assert_eq!(Answer::parse(bad), None, "{bad}");
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
