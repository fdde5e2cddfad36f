//! Which language a page is in: Japanese, unless the reader or their browser asks for
//! English.

use azukari::domain::language::Language;
use http::{HeaderMap, header};

/// The language that the query names, or the first that the browser prefers and we
/// have, or Japanese.
pub(crate) fn of(query: Option<&str>, headers: &HeaderMap) -> Language {
    let asked = query.and_then(Language::parse);
    let preferred = || {
        let accepted = headers.get(header::ACCEPT_LANGUAGE)?.to_str().ok()?;
        accepted.split(',').find_map(Language::parse)
    };
    asked.or_else(preferred).unwrap_or(Language::Ja)
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
        assert_eq!(of(None, &HeaderMap::new()), Language::Ja);
        assert_eq!(of(None, &with("en-GB,en;q=0.9,ja;q=0.8")), Language::En);
        assert_eq!(of(None, &with("fr,ja;q=0.9,en;q=0.8")), Language::Ja);
        assert_eq!(of(None, &with("fr, de")), Language::Ja);
        assert_eq!(of(Some("en"), &with("ja")), Language::En);
        assert_eq!(of(Some("tlh"), &with("en")), Language::En);
    }
}
