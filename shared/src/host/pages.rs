//! What the pages of every function have in common: their style, their language, and
//! whether what is sent comes from one of them.

use http::{HeaderMap, header};

use crate::domain::language::Language;

/// The style of every page. It stands in the page itself, so that a page is one request.
pub const STYLE: &str = include_str!("page.css");

/// The language that the query names, or the first that the browser prefers and we
/// have, or Japanese.
pub fn language(query: Option<&str>, headers: &HeaderMap) -> Language {
    let asked = query.and_then(Language::parse);
    let preferred = || {
        let accepted = headers.get(header::ACCEPT_LANGUAGE)?.to_str().ok()?;
        accepted.split(',').find_map(Language::parse)
    };
    asked.or_else(preferred).unwrap_or(Language::Ja)
}

/// Whether what a browser sends comes from a page of somebody else, `origin` being ours: a
/// page elsewhere has no business sending our forms (OWASP, "Cross-Site Request Forgery
/// Prevention").
pub fn comes_from_elsewhere(headers: &HeaderMap, origin: &str) -> bool {
    let header = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let site = headers.get("sec-fetch-site").and_then(|site| site.to_str().ok());
    // A browser that hides where it comes from says `null`, and whether it is here.
    let other_origin =
        header(header::ORIGIN).is_some_and(|from| from != origin && !(from == "null" && site == Some("same-origin")));
    other_origin || site == Some("cross-site")
}

/// The origin of an address (RFC 6454): scheme, host and port.
pub fn origin(address: &str) -> String {
    let (scheme, rest) = address.split_once("://").unwrap_or(("", address));
    format!("{scheme}://{}", rest.split(['/', '?', '#']).next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn japanese_unless_english_is_asked_for() {
        let with = |accept: &str| headers(&[("accept-language", accept)]);
        assert_eq!(language(None, &HeaderMap::new()), Language::Ja);
        assert_eq!(language(None, &with("en-GB,en;q=0.9,ja;q=0.8")), Language::En);
        assert_eq!(language(None, &with("fr,ja;q=0.9,en;q=0.8")), Language::Ja);
        assert_eq!(language(None, &with("fr, de")), Language::Ja);
        assert_eq!(language(Some("en"), &with("ja")), Language::En);
        assert_eq!(language(Some("tlh"), &with("en")), Language::En);
    }

    #[test]
    fn a_page_elsewhere_is_told_by_its_origin() {
        let own = "https://pages.example.com";
        let elsewhere = |pairs: &[(&'static str, &str)]| comes_from_elsewhere(&headers(pairs), own);
        assert!(!elsewhere(&[]) && !elsewhere(&[("origin", own)]));
        assert!(!elsewhere(&[("origin", "null"), ("sec-fetch-site", "same-origin")]));
        assert!(elsewhere(&[("origin", "null")]) && elsewhere(&[("origin", "https://evil.example")]));
        assert!(elsewhere(&[("origin", own), ("sec-fetch-site", "cross-site")]));
        assert!(elsewhere(&[("sec-fetch-site", "cross-site")]));
    }

    #[test]
    fn an_origin_has_no_path() {
        assert_eq!(origin("https://pages.example.com/a"), "https://pages.example.com");
        assert_eq!(origin("http://127.0.0.1:8080"), "http://127.0.0.1:8080");
        for more in ["?a=b", "#a", "?next=https://evil.example/", "#//evil.example/?a"] {
            assert_eq!(origin(&format!("https://pages.example.com:8443{more}")), "https://pages.example.com:8443");
        }
    }
}
