//! The languages in which people are spoken to.

use serde::{Deserialize, Serialize};

use crate::domain::definition::Text;

/// A language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// Japanese.
    Ja,
    /// English.
    En,
}

impl Language {
    /// The language of a tag (BCP 47), if it is one of ours: `ja-JP` is Japanese.
    pub fn parse(tag: &str) -> Option<Self> {
        let primary = tag.split([';', '-', '_']).next().unwrap_or_default().trim();
        match primary.to_ascii_lowercase().as_str() {
            "ja" => Some(Self::Ja),
            "en" => Some(Self::En),
            _ => None,
        }
    }

    /// The language tag (BCP 47).
    pub fn tag(self) -> &'static str {
        match self {
            Self::Ja => "ja",
            Self::En => "en",
        }
    }

    /// The text in this language.
    pub fn of_text(self, text: &Text) -> &str {
        match self {
            Self::Ja => &text.ja,
            Self::En => &text.en,
        }
    }

    /// One of two texts.
    pub fn pick<'t>(self, ja: &'t str, en: &'t str) -> &'t str {
        match self {
            Self::Ja => ja,
            Self::En => en,
        }
    }
}
