//! The seal on the audit log: once a day, a signed statement of everything that had been
//! entered by then. What it covers cannot be changed or taken away any more without it, and
//! it cannot be taken away without the one after it, which names it.
//!
//! It covers positions, not times, because clocks differ: of each chain, every entry after
//! what the statement before it covered. So a day without a statement loses nothing: the
//! next one covers its entries.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use crate::domain::{
    id::Malformed,
    time::{self, DAY_MS, Day, UnixMs},
};

/// How long after its end a day is sealed.
pub const SETTLE_MS: i64 = 10 * 60 * 1_000;

/// A chain that has rested for so long is not named any more.
pub const RESTED_MS: i64 = 30 * DAY_MS;

/// A pen that has rested for so long begins another chain: a chain that is not named any more
/// does not grow, by a margin for clocks that differ.
pub const PEN_RESTED_MS: i64 = 7 * DAY_MS;

/// The day that is to be sealed at a time: the last one that has ended and settled.
pub fn due(now: UnixMs) -> Day {
    now.plus(-(DAY_MS + SETTLE_MS)).tokyo_day()
}

/// From when on a day after this one is to be sealed.
pub fn next_due(day: Day) -> UnixMs {
    day.start().plus(2 * DAY_MS + SETTLE_MS)
}

/// A chain without an entry since then rests when a day is sealed. A chain that has begun
/// since then, and is not named, is a new one.
pub fn rested_before(day: Day) -> UnixMs {
    day.start().plus(-RESTED_MS)
}

/// A SHA-256 digest; in documents 64 hexadecimal digits in lower case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Of a digest.
    pub const fn new(digest: [u8; 32]) -> Self {
        Self(digest)
    }

    /// The digest.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads 64 hexadecimal digits in lower case.
    ///
    /// # Errors
    /// Anything else.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let malformed = Malformed("digest");
        if text.len() != 64 || !text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(malformed);
        }
        let mut digest = [0; 32];
        for (n, byte) in digest.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * n..2 * n + 2], 16).map_err(|_| malformed)?;
        }
        Ok(Self(digest))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = Malformed;

    fn try_from(text: String) -> Result<Self, Malformed> {
        Self::parse(&text)
    }
}

impl From<Fingerprint> for String {
    fn from(digest: Fingerprint) -> Self {
        digest.to_string()
    }
}

/// The last entry of each chain that is covered.
pub type Ends = BTreeMap<String, u64>;

/// The version of the form below.
pub const VERSION: u8 = 1;

/// The statement. Its members stand in this order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DayRoot {
    /// [`VERSION`].
    pub azukari_day_root: u8,
    /// The day that it closes, in Japan.
    #[serde(with = "day")]
    pub day: Day,
    /// When it was made.
    #[serde(with = "time::rfc3339")]
    pub sealed_at: UnixMs,
    /// The digest of the statement before it; none for the first.
    pub previous: Option<Fingerprint>,
    /// How many entries it covers.
    pub entries: u64,
    /// The root of the hash tree over them.
    pub root: Fingerprint,
    /// How far it covers the chains that may still grow, and those that it covers anew.
    pub ends: Ends,
}

/// Entries of one chain: those behind `after`, up to `last`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span<'a> {
    /// The chain.
    pub writer: &'a str,
    /// The last entry that is not among them.
    pub after: u64,
    /// The last that is.
    pub last: u64,
}

impl DayRoot {
    /// The entries that it covers, chain by chain in the order of their names: what lies
    /// behind the statement before it. `None` if it ends before that one does.
    pub fn spans(&self, before: Option<&Self>) -> Option<Vec<Span<'_>>> {
        let covered = |writer: &str| before.and_then(|root| root.ends.get(writer)).copied().unwrap_or_default();
        let spans = self.ends.iter().map(|(writer, last)| Span { writer, after: covered(writer), last: *last });
        spans.map(|span| (span.after <= span.last).then_some(span)).collect()
    }

    /// The statement as compact JSON.
    pub fn json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads compact JSON, to the letter.
    ///
    /// # Errors
    /// It is not exactly what [`DayRoot::json`] gives.
    pub fn parse(json: &str) -> Result<Self, Malformed> {
        let malformed = Malformed("day root");
        let root: Self = serde_json::from_str(json).map_err(|_| malformed)?;
        (root.azukari_day_root == VERSION && root.json() == json).then_some(root).ok_or(malformed)
    }
}

/// The bytes that are signed for a statement: a label, its day and its digest. Not the
/// statement itself: it may be longer than KMS signs, and a line of a log that names day and
/// digest can so be checked without it.
pub fn message(day: Day, digest: &Fingerprint) -> Vec<u8> {
    let mut message = format!("azukari day root v1\n{day}\n").into_bytes();
    message.extend_from_slice(digest.as_bytes());
    message
}

/// A day in documents: `2026-11-21`.
mod day {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use super::Day;

    pub(super) fn serialize<S: Serializer>(day: &Day, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(day)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Day, D::Error> {
        let text = String::deserialize(deserializer)?;
        Day::parse(&text).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIDNIGHT_TOKYO: UnixMs = UnixMs::new(1_795_186_800_000); // 2026-11-20T15:00:00Z

    fn root(ends: &[(&str, u64)]) -> DayRoot {
        DayRoot {
            azukari_day_root: VERSION,
            day: MIDNIGHT_TOKYO.tokyo_day(),
            sealed_at: MIDNIGHT_TOKYO.plus(DAY_MS + SETTLE_MS),
            previous: None,
            entries: 3,
            root: Fingerprint::new([0xa5; 32]),
            ends: ends.iter().map(|(writer, last)| ((*writer).to_owned(), *last)).collect(),
        }
    }

    #[test]
    fn a_day_is_due_ten_minutes_after_its_end() {
        let due = |ms| due(MIDNIGHT_TOKYO.plus(ms)).to_string();
        assert_eq!(due(SETTLE_MS - 1), "2026-11-19");
        assert_eq!(due(SETTLE_MS), "2026-11-20");
        assert_eq!(due(DAY_MS), "2026-11-20");
        assert_eq!(due(DAY_MS + SETTLE_MS), "2026-11-21");
    }

    #[test]
    fn the_next_day_is_due_exactly_when_it_is_said_to_be() {
        let sealed = due(MIDNIGHT_TOKYO.plus(DAY_MS));
        let next = next_due(sealed);
        assert_eq!(due(next.plus(-1)), sealed);
        assert!(due(next) > sealed);
    }

    #[test]
    fn it_is_read_back_to_the_letter_only() {
        let root = root(&[("opener-1", 2), ("sweeper-2", 1)]);
        let json = root.json();
        assert_eq!(DayRoot::parse(&json), Ok(root));
        let expected = format!(
            "{{\"azukari_day_root\":1,\"day\":\"2026-11-21\",\"sealed_at\":\"2026-11-21T15:10:00Z\",\"previous\":null,\
             \"entries\":3,\"root\":\"{}\",\"ends\":{{\"opener-1\":2,\"sweeper-2\":1}}}}",
            "a5".repeat(32)
        );
        assert_eq!(json, expected);
        for changed in [
            format!("{json} "),
            json.replace("\"azukari_day_root\":1", "\"azukari_day_root\":2"),
            json.replace("{\"azukari", "{\"name\":1,\"azukari"),
            json.replace("\"previous\":null,", ""),
            json.replace("a5a5", "A5a5"),
            json.replace("2026-11-21\"", "20261121\""),
            json.replace("\"opener-1\":2,", "\"opener-1\":1,\"opener-1\":2,"),
            json.replace(":2,\"sweeper-2\":1", ":2.0,\"sweeper-2\":1"),
            json.replace("\"opener-1\":2,\"sweeper-2\":1", "\"sweeper-2\":1,\"opener-1\":2"),
        ] {
            assert_ne!(changed, json);
            assert!(DayRoot::parse(&changed).is_err(), "{changed}");
        }
    }

    #[test]
    fn a_digest_is_sixty_four_digits() {
        let text = "0123456789abcdef".repeat(4);
        assert_eq!(Fingerprint::parse(&text).map(|digest| digest.to_string()), Ok(text.clone()));
        for bad in [String::new(), text[..63].to_owned(), format!("{text}0"), text.to_uppercase(), "g".repeat(64)] {
            assert!(Fingerprint::parse(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn it_covers_what_lies_behind_the_one_before() {
        let (first, second) = (root(&[("a", 2), ("b", 5)]), root(&[("b", 5), ("c", 1), ("d", 4)]));
        let span = |writer, after, last| Span { writer, after, last };
        assert_eq!(first.spans(None), Some(vec![span("a", 0, 2), span("b", 0, 5)]));
        assert_eq!(second.spans(Some(&first)), Some(vec![span("b", 5, 5), span("c", 0, 1), span("d", 0, 4)]));
        assert_eq!(root(&[("b", 4)]).spans(Some(&first)), None);
    }

    #[test]
    fn a_signature_is_for_one_day_and_one_statement() {
        let (day, other) = (MIDNIGHT_TOKYO.tokyo_day(), MIDNIGHT_TOKYO.plus(-1).tokyo_day());
        let (one, two) = (Fingerprint::new([1; 32]), Fingerprint::new([2; 32]));
        assert_ne!(message(day, &one), message(other, &one));
        assert_ne!(message(day, &one), message(day, &two));
        assert!(message(day, &one).starts_with(b"azukari day root v1\n2026-11-21\n"));
    }
}
