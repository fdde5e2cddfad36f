//! What a person was shown before they gave anything, in words that nobody but us can
//! have made: HMAC-SHA256 under the key `notice_mac`, which `form` alone holds.
//!
//! The text is `base64url(JSON) . base64url(tag)`. It names the form and policy version,
//! the digest of the words, their language, when they were shown, and an id that becomes
//! that of the submission: sent twice, it is one. It says nothing about the person.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::domain::{
    id::{Malformed, VersionId},
    language::Language,
    time::{DAY_MS, UnixMs},
};

/// How long a notice holds: a day.
pub const LIFE_MS: i64 = DAY_MS;
/// The longest text that is read.
const MAX_LEN: usize = 1_024;

/// The `notice_mac` key.
#[derive(Clone)]
pub struct NoticeKey(Zeroizing<[u8; 32]>);

/// What was shown, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The form version.
    pub form: VersionId,
    /// The policy version.
    pub policy: VersionId,
    /// SHA-256 of the words ([`digest`]).
    pub words: String,
    /// In which language.
    pub language: Language,
    /// When.
    pub at: UnixMs,
    /// The id that a submission will have: 32 hexadecimal digits.
    pub id: String,
}

/// A notice that does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotShown {
    /// It is not one of ours.
    #[error("the notice is not one of ours")]
    Forged,
    /// It was shown more than a day ago, or in the future.
    #[error("the notice has expired")]
    Expired,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    f: String,
    p: String,
    w: String,
    l: Language,
    t: UnixMs,
    i: String,
}

/// SHA-256 over the lines of a notice, each with a line feed behind it, as 64 hexadecimal
/// digits.
pub fn digest(lines: &[String]) -> String {
    let mut hash = Sha256::new();
    for line in lines {
        hash.update(line.as_bytes());
        hash.update(b"\n");
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

impl NoticeKey {
    /// From 32 secret bytes.
    ///
    /// # Errors
    /// Another length.
    pub fn new(secret: &[u8]) -> Result<Self, Malformed> {
        let key = <[u8; 32]>::try_from(secret).map_err(|_| Malformed("notice_mac key"))?;
        Ok(Self(Zeroizing::new(key)))
    }

    /// The text that goes with a page.
    pub fn issue(&self, shown: &Shown) -> String {
        let claims = Claims {
            f: shown.form.to_string(),
            p: shown.policy.to_string(),
            w: shown.words.clone(),
            l: shown.language,
            t: shown.at,
            i: shown.id.clone(),
        };
        let claims = serde_json::to_vec(&claims).expect("claims are plain data");
        let tag = self.mac(&claims).finalize().into_bytes();
        format!("{}.{}", URL_SAFE_NO_PAD.encode(&claims), URL_SAFE_NO_PAD.encode(tag))
    }

    /// Reads a text that came back.
    ///
    /// # Errors
    /// See [`NotShown`].
    pub fn read(&self, text: &str, now: UnixMs) -> Result<Shown, NotShown> {
        let shown = self.read_at_any_time(text)?;
        if (0..=LIFE_MS).contains(&now.since(shown.at)) { Ok(shown) } else { Err(NotShown::Expired) }
    }

    fn read_at_any_time(&self, text: &str) -> Result<Shown, NotShown> {
        let forged = NotShown::Forged;
        let (claims, tag) = text.split_once('.').filter(|_| text.len() <= MAX_LEN).ok_or(forged)?;
        let claims = URL_SAFE_NO_PAD.decode(claims).map_err(|_| forged)?;
        let tag = URL_SAFE_NO_PAD.decode(tag).map_err(|_| forged)?;
        self.mac(&claims).verify_slice(&tag).map_err(|_| forged)?;
        let Claims { f, p, w, l, t, i } = serde_json::from_slice(&claims).map_err(|_| forged)?;
        let version = |text: &str| VersionId::parse(text).map_err(|_| forged);
        Ok(Shown { form: version(&f)?, policy: version(&p)?, words: w, language: l, at: t, id: i })
    }

    /// The digest of the words that a text of ours stands for, whenever they were shown.
    pub fn words(&self, text: &str) -> Option<String> {
        self.read_at_any_time(text).ok().map(|shown| shown.words)
    }

    fn mac(&self, claims: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&*self.0).expect("HMAC takes a key of any length");
        mac.update(b"azukari notice v1");
        mac.update(claims);
        mac
    }
}

impl std::fmt::Debug for NoticeKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NoticeKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown() -> Shown {
        let version = |text| VersionId::parse(text).unwrap();
        Shown {
            form: version("f1.2"),
            policy: version("p1.3"),
            words: digest(&["お名前".to_owned()]),
            language: Language::Ja,
            at: UnixMs::new(1_000_000),
            id: "0f".repeat(16),
        }
    }

    #[test]
    fn it_is_read_back_for_a_day_and_under_its_key_alone() {
        let key = NoticeKey::new(&[1; 32]).unwrap();
        let text = key.issue(&shown());
        let at = |ms: i64| key.read(&text, shown().at.plus(ms));
        assert_eq!(at(0), Ok(shown()));
        assert_eq!(at(LIFE_MS), Ok(shown()));
        assert_eq!(at(LIFE_MS + 1), Err(NotShown::Expired));
        assert_eq!(at(-1), Err(NotShown::Expired));
        assert_eq!(NoticeKey::new(&[2; 32]).unwrap().read(&text, shown().at), Err(NotShown::Forged));
    }

    #[test]
    fn no_edited_text_holds() {
        let key = NoticeKey::new(&[1; 32]).unwrap();
        let text = key.issue(&shown());
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let edited = String::from_utf8(bytes).unwrap();
            // The last character of base64 holds spare bits.
            if let Ok(read) = key.read(&edited, shown().at) {
                panic!("byte {at} was edited and {read:?} was read");
            }
        }
        for bad in ["", ".", "a.b", &"a".repeat(2_000)] {
            assert_eq!(key.read(bad, shown().at), Err(NotShown::Forged), "{bad}");
        }
    }

    #[test]
    fn lines_are_told_apart() {
        let lines = |lines: &[&str]| digest(&lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>());
        assert_ne!(lines(&["a", "b"]), lines(&["ab"]));
        assert_ne!(lines(&["a", "b"]), lines(&["b", "a"]));
    }
}
