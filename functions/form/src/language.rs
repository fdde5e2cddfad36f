//! Which language a page is in: Japanese, unless the reader or their browser asks for
//! English.

use azukari::domain::definition::Text;
use http::{HeaderMap, header};

/// A language of the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    Ja,
    En,
}

impl Language {
    /// The language that the query names, or the first that the browser prefers and we
    /// have, or Japanese.
    pub(crate) fn of(query: Option<&str>, headers: &HeaderMap) -> Self {
        let asked = query.and_then(Self::parse);
        let preferred = || {
            let accepted = headers.get(header::ACCEPT_LANGUAGE)?.to_str().ok()?;
            accepted.split(',').find_map(Self::parse)
        };
        asked.or_else(preferred).unwrap_or(Self::Ja)
    }

    fn parse(tag: &str) -> Option<Self> {
        let primary = tag.split([';', '-', '_']).next().unwrap_or_default().trim();
        match primary.to_ascii_lowercase().as_str() {
            "ja" => Some(Self::Ja),
            "en" => Some(Self::En),
            _ => None,
        }
    }

    /// The language tag (BCP 47).
    pub(crate) fn tag(self) -> &'static str {
        match self {
            Self::Ja => "ja",
            Self::En => "en",
        }
    }

    /// The text in this language.
    pub(crate) fn of_text(self, text: &Text) -> &str {
        match self {
            Self::Ja => &text.ja,
            Self::En => &text.en,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn japanese_unless_english_is_asked_for() {
        let with = |accept: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_LANGUAGE, accept.parse().unwrap());
            headers
        };
        assert_eq!(Language::of(None, &HeaderMap::new()), Language::Ja);
        assert_eq!(Language::of(None, &with("en-GB,en;q=0.9,ja;q=0.8")), Language::En);
        assert_eq!(Language::of(None, &with("fr,ja;q=0.9,en;q=0.8")), Language::Ja);
        assert_eq!(Language::of(None, &with("fr, de")), Language::Ja);
        assert_eq!(Language::of(Some("en"), &with("ja")), Language::En);
        assert_eq!(Language::of(Some("tlh"), &with("en")), Language::En);
    }
}
