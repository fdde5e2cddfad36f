//! Names of things: random ids of ours, names from configuration, ids from LINE.

use std::fmt;

use crate::domain::plain::Plain;

/// A value that does not have the form its type asks for.
///
/// It names the type only: the refused value may be personal data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {0}")]
pub struct Malformed(pub &'static str);

/// A person whose data is kept: 128 random bits, never derived from the LINE
/// user id, because it appears in key logs that outlive the person.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SubjectId([u8; 16]);

impl SubjectId {
    /// From 16 random bytes.
    pub const fn new(random: [u8; 16]) -> Self {
        Self(random)
    }

    /// Parses 32 lower-case hexadecimal digits.
    ///
    /// # Errors
    /// Anything else is malformed.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let bytes = text.as_bytes();
        if bytes.len() != 32 {
            return Err(Malformed("subject id"));
        }
        let mut id = [0u8; 16];
        for (target, pair) in id.iter_mut().zip(bytes.chunks_exact(2)) {
            *target = (nibble(pair[0])? << 4) | nibble(pair[1])?;
        }
        Ok(Self(id))
    }

    /// The bytes, for binding a cipher text to its person.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

fn nibble(digit: u8) -> Result<u8, Malformed> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        _ => Err(Malformed("subject id")),
    }
}

impl fmt::Display for SubjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for SubjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SubjectId({self})")
    }
}

/// The name of a channel in configuration and in the webhook path: 1 to 32 of
/// `a-z`, `0-9` and `-`. Not personal.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChannelName(String);

impl ChannelName {
    /// Parses a channel name.
    ///
    /// # Errors
    /// Other characters, or a length other than 1 to 32.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let fits =
            (1..=32).contains(&text.len()) && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        if fits { Ok(Self(text.to_owned())) } else { Err(Malformed("channel name")) }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ChannelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// LINE's id of a user, one per provider: `U` and 32 hexadecimal digits, or a
/// longer form in module channels (PLATFORM.md §3.6). It is personal data, so it
/// is kept as [`Plain`], and any 1 to 255 visible ASCII characters are taken:
/// a new form must not lose an event.
#[derive(Clone, PartialEq, Eq)]
pub struct LineUserId(Plain<String>);

impl LineUserId {
    /// Parses a user id.
    ///
    /// # Errors
    /// Empty, longer than 255, or with other than visible ASCII characters.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let fits = (1..=255).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        if fits { Ok(Self(Plain::new(text.to_owned()))) } else { Err(Malformed("LINE user id")) }
    }

    /// The id itself.
    pub fn reveal(&self) -> &str {
        self.0.reveal()
    }
}

impl fmt::Debug for LineUserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LineUserId(…)")
    }
}

/// LINE's id of a message or of a webhook event. It becomes a sort key, so it is
/// held to 1 to 64 of `A-Z`, `a-z`, `0-9`, `-` and `_` (digits and ULIDs today), and
/// may not be the name of a row of ours.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LineItemId(String);

impl LineItemId {
    /// Parses a message id or webhook event id.
    ///
    /// # Errors
    /// Other characters, or a length other than 1 to 64.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let fits = (1..=64).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
            && text != "profile";
        if fits { Ok(Self(text.to_owned())) } else { Err(Malformed("LINE item id")) }
    }

    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The opaque id of a published definition, made once at its first publication.
/// Rows and logs carry it in place of a name, because a form's or purpose's name
/// can say something about the person.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct DefinitionId(String);

impl DefinitionId {
    /// From an id that was minted or read from a published row.
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DefinitionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One published, immutable version of a definition, written `id.n`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct VersionId {
    /// Which definition.
    pub id: DefinitionId,
    /// Which version, from 1.
    pub version: u32,
}

impl VersionId {
    /// Parses `id.n`.
    ///
    /// # Errors
    /// No dot, or no positive number behind the last one.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let malformed = Malformed("version id");
        let (id, version) = text.rsplit_once('.').ok_or(malformed)?;
        let version = version.parse().ok().filter(|n| *n > 0).ok_or(malformed)?;
        Ok(Self { id: DefinitionId::new(id), version })
    }
}

impl fmt::Display for VersionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.id, self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subject_id_round_trips_and_refuses_other_forms() {
        let id = SubjectId::new([0xa5; 16]);
        assert_eq!(SubjectId::parse(&id.to_string()), Ok(id));
        for bad in ["", "a5", &"A5".repeat(16), &"g5".repeat(16), &"a5".repeat(17)] {
            assert!(SubjectId::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn line_user_id_does_not_print() {
        let id = LineUserId::parse("U0123456789abcdef0123456789abcdef").unwrap();
        assert_eq!(format!("{id:?}"), "LineUserId(…)");
    }

    #[test]
    fn ids_that_would_break_a_key_are_refused() {
        for bad in ["", "a#b", "a b", "あ", "profile", &"1".repeat(65)] {
            assert!(LineItemId::parse(bad).is_err(), "{bad}");
        }
        for bad in ["", "Demo", "a/b", &"a".repeat(33)] {
            assert!(ChannelName::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn version_id_is_read_back() {
        let version = VersionId { id: DefinitionId::new("p3k"), version: 12 };
        assert_eq!(VersionId::parse("p3k.12"), Ok(version));
        assert!(VersionId::parse("p3k.0").is_err());
        assert!(VersionId::parse("p3k").is_err());
    }
}
