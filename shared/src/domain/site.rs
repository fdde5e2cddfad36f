//! The business' own site where people are members: it takes part in linking by signed
//! assertions, and never learns a LINE user id.

use std::fmt;

use crate::domain::{
    definition::Text,
    id::{ChannelName, Malformed},
    key::PUBLIC_KEY_LEN,
    plain::Plain,
};

/// The name of a site: 1 to 32 of `a-z`, `0-9` and `-`. It is the issuer of its
/// assertions.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SiteName(String);

impl SiteName {
    /// Parses a name.
    ///
    /// # Errors
    /// Other characters, or a length other than 1 to 32.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let fits =
            (1..=32).contains(&text.len()) && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        if fits { Ok(Self(text.to_owned())) } else { Err(Malformed("site name")) }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SiteName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Calls that a site may make in an hour unless the configuration says otherwise.
pub const USUAL_CALLS_PER_HOUR: u32 = 3_600;

/// A site of the business.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// Its name.
    pub name: SiteName,
    /// The channel whose people are its members.
    pub channel: ChannelName,
    /// What people call it.
    pub title: Text,
    /// Where a member signs in to be linked: people come there with `code` and `state` in
    /// the query.
    pub login_url: String,
    /// Every address to which people may be sent back, to the letter; `login_url` is one
    /// without being listed.
    pub return_addresses: Vec<String>,
    /// Its public key, an uncompressed P-256 point (SEC 1 §2.3.3).
    pub public_key: [u8; PUBLIC_KEY_LEN],
    /// Calls of each kind that it may make in an hour.
    pub calls_per_hour: u32,
}

impl Site {
    /// The address to return to: one of the list, to the letter (RFC 9700 §2.1); without
    /// a wish, where members sign in.
    pub fn return_address(&self, wanted: Option<&str>) -> Option<&str> {
        let Some(wanted) = wanted else { return Some(&self.login_url) };
        let known = std::iter::once(&self.login_url).chain(&self.return_addresses);
        known.map(String::as_str).find(|known| *known == wanted)
    }
}

/// The longest member id, in bytes.
pub const MAX_MEMBER_ID: usize = 128;

/// The id by which the business knows a member. It is personal data.
#[derive(Clone, PartialEq, Eq)]
pub struct MemberId(Plain<String>);

impl MemberId {
    /// Parses a member id.
    ///
    /// # Errors
    /// Empty, longer than [`MAX_MEMBER_ID`], with control characters or such as are not seen,
    /// or with white space at either end: two spellings of one id would be two members.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let fits = (1..=MAX_MEMBER_ID).contains(&text.len())
            && text.trim() == text
            && !text.chars().any(|c| c.is_control() || is_invisible(c));
        if fits { Ok(Self(Plain::new(text.to_owned()))) } else { Err(Malformed("member id")) }
    }

    /// As personal data.
    pub fn plain(&self) -> &Plain<String> {
        &self.0
    }
}

/// What is not seen: joiners, directions, soft hyphens, variation selectors, tags, fillers.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{ffff}' | '\u{e0000}'..='\u{e0fff}')
}

impl fmt::Debug for MemberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemberId(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_return_to_a_listed_address_and_nowhere_else() {
        let text = |text: &str| Text { ja: text.to_owned(), en: text.to_owned() };
        let site = Site {
            name: SiteName::parse("shop").unwrap(),
            channel: ChannelName::parse("demo").unwrap(),
            title: text("Shop"),
            login_url: "https://shop.example/line/login".to_owned(),
            return_addresses: vec!["https://shop.example/line/back".to_owned()],
            public_key: [4; PUBLIC_KEY_LEN],
            calls_per_hour: USUAL_CALLS_PER_HOUR,
        };
        assert_eq!(site.return_address(None), Some("https://shop.example/line/login"));
        for good in ["https://shop.example/line/login", "https://shop.example/line/back"] {
            assert_eq!(site.return_address(Some(good)), Some(good));
        }
        for bad in [
            "",
            "https://shop.example/line/back/",
            "https://shop.example/line/back?a=b",
            "https://shop.example/line/back#a",
            "https://shop.example/line/backs",
            "https://SHOP.example/line/back",
            "http://shop.example/line/back",
            "//shop.example/line/back",
            "https:\\\\shop.example\\line\\back",
            "https://shop.example@evil.example/line/back",
            "https://shop.example.evil.example/line/back",
            "https://ѕhop.example/line/back",
            "https://shop.example/line/login/../back",
            "javascript:alert(1)",
            "https://evil.example",
            " https://shop.example/line/back",
        ] {
            assert_eq!(site.return_address(Some(bad)), None, "{bad}");
        }
    }

    #[test]
    fn a_member_id_has_one_spelling_and_does_not_print() {
        for good in ["M-1001", "1", "会員-0042", &"a".repeat(MAX_MEMBER_ID)] {
            assert!(MemberId::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            " M1",
            "M1 ",
            "M\n1",
            "\u{3000}M1",
            "M\u{200b}1",
            "M\u{202e}1",
            "\u{3164}",
            "M\u{61c}1",
            "M\u{2028}1",
            "M\u{fe0f}",
            "M\u{e0061}",
            &"a".repeat(MAX_MEMBER_ID + 1),
        ] {
            assert!(MemberId::parse(bad).is_err(), "{bad:?}");
        }
        assert_eq!(format!("{:?}", MemberId::parse("M-1001").unwrap()), "MemberId(…)");
    }

    #[test]
    fn a_site_name_is_plain() {
        assert!(SiteName::parse("shop-1").is_ok());
        for bad in ["", "Shop", "shop/1", "店", &"a".repeat(33)] {
            assert!(SiteName::parse(bad).is_err(), "{bad}");
        }
    }
}
