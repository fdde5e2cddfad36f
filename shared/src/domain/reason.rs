//! Why something is opened, or somebody erased. A code stands in the ledger in the clear; words of the
//! operator's own could name a person, and are sealed.

/// A reason that stands in the ledger as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ReasonCode {
    /// Answering a question.
    Inquiry,
    /// A booking or a visit.
    Booking,
    /// Sending goods or papers.
    Delivery,
    /// A request to see, correct, stop or erase (個人情報保護法 §§33–35).
    Request,
    /// What it was kept for is over (個人情報保護法 §22).
    PurposeOver,
    /// An incident (個人情報保護法 §26).
    Incident,
    /// A check of the system or of records.
    Check,
    /// In the operator's own words, which are sealed beside it.
    Other,
}

impl ReasonCode {
    /// Every code.
    pub const ALL: [Self; 8] = [
        Self::Inquiry,
        Self::Booking,
        Self::Delivery,
        Self::Request,
        Self::PurposeOver,
        Self::Incident,
        Self::Check,
        Self::Other,
    ];

    /// The codes for which a person is erased, however it was asked for: in person, by
    /// letter, by telephone.
    pub const TO_ERASE: [Self; 3] = [Self::Request, Self::PurposeOver, Self::Other];

    /// The word in requests and entries.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Inquiry => "inquiry",
            Self::Booking => "booking",
            Self::Delivery => "delivery",
            Self::Request => "request",
            Self::PurposeOver => "purpose_over",
            Self::Incident => "incident",
            Self::Check => "check",
            Self::Other => "other",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.as_str() == word)
    }

    /// What it says, in Japanese.
    pub fn ja(self) -> &'static str {
        match self {
            Self::Inquiry => "お問い合わせ対応",
            Self::Booking => "予約・来店の対応",
            Self::Delivery => "発送",
            Self::Request => "ご本人の請求への対応",
            Self::PurposeOver => "利用目的の終了",
            Self::Incident => "事故対応",
            Self::Check => "点検",
            Self::Other => "その他",
        }
    }
}

/// Most characters of a reason in one's own words.
pub const MAX_REASON: usize = 200;

/// Why a text is no reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoReason {
    /// Nothing but blanks, or `other` without words.
    Blank,
    /// More than [`MAX_REASON`] characters.
    TooLong,
}

/// Reads what was given as a reason: a code, or own words.
///
/// # Errors
/// It says nothing, or too much.
pub fn parse(text: &str) -> Result<(ReasonCode, Option<&str>), NoReason> {
    let text = text.trim();
    match ReasonCode::parse(text) {
        Some(ReasonCode::Other) => Err(NoReason::Blank),
        Some(code) => Ok((code, None)),
        None if !text.chars().any(char::is_alphanumeric) => Err(NoReason::Blank),
        None if text.chars().count() > MAX_REASON => Err(NoReason::TooLong),
        None => Ok((ReasonCode::Other, Some(text))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_or_own_words() {
        assert_eq!(parse(" inquiry "), Ok((ReasonCode::Inquiry, None)));
        assert_eq!(parse("4月の予約の確認"), Ok((ReasonCode::Other, Some("4月の予約の確認"))));
        for blank in ["", " 　\n", "other", "…", "-"] {
            assert_eq!(parse(blank), Err(NoReason::Blank), "{blank:?}");
        }
        assert!(parse(&"あ".repeat(200)).is_ok());
        assert_eq!(parse(&"あ".repeat(201)), Err(NoReason::TooLong));
        for code in ReasonCode::ALL {
            assert_eq!(ReasonCode::parse(code.as_str()), Some(code));
        }
    }
}
