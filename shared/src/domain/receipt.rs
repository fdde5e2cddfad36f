//! What proves to somebody that they have been erased, and tells nothing about them: what
//! kinds of things were held and how many, and when each step was taken.
//!
//! Evidence of it: 個人情報保護法 §35 (erasure on request) and the guideline's advice to
//! tell the person without delay what was done.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use crate::domain::{
    definition::Text,
    erasure::Ground,
    id::{Malformed, SubjectId},
    origin::OriginTag,
    time::{self, DAY_MS, UnixMs},
};

/// How long a backup of the `keys` table could bring a wrapped key back: its window of
/// point-in-time recovery. What the key sealed is *unrecoverable* after it.
pub const KEYS_BACKUP_MS: i64 = 7 * DAY_MS;

/// Id of a receipt: 128 bits that nobody can guess and that lead to nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ReceiptId([u8; 16]);

impl ReceiptId {
    /// Of an order of a person. It is derived under the origin key, which intake and
    /// sweeper hold, so that whoever takes the order can tell it at once and tells the
    /// same when the order is delivered again.
    pub fn of(subject: SubjectId, order: &str, origin: &dyn OriginTag) -> Self {
        let tag = origin.tag(format!("azukari receipt v1 {subject} {order}").as_bytes());
        let mut id = [0; 16];
        id.copy_from_slice(&tag[..16]);
        Self(id)
    }

    /// Reads 32 hexadecimal digits in lower case.
    ///
    /// # Errors
    /// Anything else.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let malformed = Malformed("receipt id");
        if text.len() != 32 || !text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(malformed);
        }
        u128::from_str_radix(text, 16).map(|id| Self(id.to_be_bytes())).map_err(|_| malformed)
    }
}

impl fmt::Display for ReceiptId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl TryFrom<String> for ReceiptId {
    type Error = Malformed;

    fn try_from(text: String) -> Result<Self, Malformed> {
        Self::parse(&text)
    }
}

impl From<ReceiptId> for String {
    fn from(id: ReceiptId) -> Self {
        id.to_string()
    }
}

/// How far it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Nobody can open anything of theirs any more.
    Restricted,
    /// The key is destroyed: what it sealed cannot be read, and is being deleted.
    Unreachable,
    /// Everything is deleted.
    Erased,
    /// They agreed again before anything was lost, which takes a 同意しない back.
    Revoked,
}

impl State {
    /// The word in rows; words sort in the order of the steps.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Restricted => "1-restricted",
            Self::Unreachable => "2-unreachable",
            Self::Erased => "3-erased",
            Self::Revoked => "4-revoked",
        }
    }
}

/// What was held, by kind, and how many of each.
pub type Counts = BTreeMap<String, u64>;

/// The kind under which a row of a person is counted; `None` for what only serves the
/// erasure itself.
pub fn counted(kind: &str) -> Option<&str> {
    match kind {
        "hold" | "order" => None,
        "subject" => Some("line_user_id"),
        "state" => Some("friendship"),
        "found_by" => Some("look_up"),
        kind => Some(kind),
    }
}

/// A kind in words.
pub fn kind_words(kind: &str) -> Text {
    let (ja, en) = match kind {
        "line_user_id" => ("LINEのユーザーID", "LINE user id"),
        "friendship" => ("友だち追加・ブロックの状態", "friend or blocked"),
        "look_up" => ("検索用の手がかり", "search keys"),
        "message" => ("トークのメッセージ", "chat messages"),
        "event" => ("ボタンなどの操作", "taps and other events"),
        "profile" => ("LINEのプロフィール", "LINE profile"),
        "submission" => ("フォームの回答", "form answers"),
        "consent" => ("同意の記録", "consent records"),
        "link" => ("会員IDの連携", "member id links"),
        "claim" => ("会員IDの申し出", "member id claims"),
        "tombstone" => ("取り消されたメッセージの跡", "marks of unsent messages"),
        "request" => ("訂正・利用停止のご請求", "requests to correct or stop"),
        other => (other, other),
    };
    Text { ja: ja.to_owned(), en: en.to_owned() }
}

/// The version of the form below.
pub const VERSION: u8 = 1;

/// What is signed. Its members stand in this order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// [`VERSION`].
    pub azukari_receipt: u8,
    /// Its id.
    pub id: ReceiptId,
    /// Why: `asked`, or `refused` for 同意しない.
    pub ground: GroundWord,
    /// How far it has come.
    pub state: State,
    /// When it was asked for.
    #[serde(with = "time::rfc3339")]
    pub requested_at: UnixMs,
    /// When opening was first refused.
    #[serde(with = "time::rfc3339")]
    pub restricted_at: UnixMs,
    /// When the key was destroyed. From here on nothing that is still stored opens.
    #[serde(default, with = "time::rfc3339::maybe", skip_serializing_if = "Option::is_none")]
    pub unreachable_at: Option<UnixMs>,
    /// When the last row was deleted.
    #[serde(default, with = "time::rfc3339::maybe", skip_serializing_if = "Option::is_none")]
    pub erased_at: Option<UnixMs>,
    /// From when on no backup can bring the key back either.
    #[serde(default, with = "time::rfc3339::maybe", skip_serializing_if = "Option::is_none")]
    pub unrecoverable_at: Option<UnixMs>,
    /// When it was taken back.
    #[serde(default, with = "time::rfc3339::maybe", skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<UnixMs>,
    /// What was held when the key was destroyed. What came in after that and was deleted
    /// with the rest is not counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<Counts>,
}

/// A ground as its word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct GroundWord(pub Ground);

impl TryFrom<String> for GroundWord {
    type Error = Malformed;

    fn try_from(word: String) -> Result<Self, Malformed> {
        Ground::parse(&word).map(Self).ok_or(Malformed("ground"))
    }
}

impl From<GroundWord> for String {
    fn from(word: GroundWord) -> Self {
        word.0.as_str().to_owned()
    }
}

impl Receipt {
    /// What is known once somebody is restricted.
    pub fn restricted(id: ReceiptId, ground: Ground, requested_at: UnixMs, restricted_at: UnixMs) -> Self {
        Self {
            azukari_receipt: VERSION,
            id,
            ground: GroundWord(ground),
            state: State::Restricted,
            requested_at,
            restricted_at,
            unreachable_at: None,
            erased_at: None,
            unrecoverable_at: None,
            revoked_at: None,
            held: None,
        }
    }

    /// The key is destroyed.
    pub fn unreachable(self, at: UnixMs, held: Counts) -> Self {
        let unrecoverable_at = Some(at.plus(KEYS_BACKUP_MS));
        Self { state: State::Unreachable, unreachable_at: Some(at), unrecoverable_at, held: Some(held), ..self }
    }

    /// Everything is deleted.
    pub fn erased(self, at: UnixMs) -> Self {
        Self { state: State::Erased, erased_at: Some(at), ..self }
    }

    /// It was taken back.
    pub fn revoked(self, at: UnixMs) -> Self {
        Self { state: State::Revoked, revoked_at: Some(at), ..self }
    }

    /// The bytes that are signed: a label and the receipt as compact JSON.
    pub fn message(&self) -> Vec<u8> {
        let mut message = b"azukari receipt v1\n".to_vec();
        message.extend_from_slice(self.json().as_bytes());
        message
    }

    /// The receipt as compact JSON.
    pub fn json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads compact JSON, to the letter.
    ///
    /// # Errors
    /// It is not exactly what [`Receipt::json`] gives.
    pub fn parse(json: &str) -> Result<Self, Malformed> {
        let malformed = Malformed("receipt");
        let receipt: Self = serde_json::from_str(json).map_err(|_| malformed)?;
        (receipt.azukari_receipt == VERSION && receipt.json() == json).then_some(receipt).ok_or(malformed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Key;

    impl OriginTag for Key {
        fn tag(&self, canonical: &[u8]) -> [u8; 32] {
            use sha2::Digest;
            sha2::Sha256::digest(canonical).into()
        }

        fn verify(&self, canonical: &[u8], tag: &[u8]) -> bool {
            self.tag(canonical) == tag
        }
    }

    fn receipt() -> Receipt {
        let id = ReceiptId::of(SubjectId::new([7; 16]), "EO1", &Key);
        let at = UnixMs::new;
        Receipt::restricted(id, Ground::Asked, at(1_795_186_800_000), at(1_795_186_860_001))
            .unreachable(at(1_795_187_000_000), Counts::from([("message".to_owned(), 3)]))
            .erased(at(1_795_187_000_500))
    }

    #[test]
    fn an_id_is_read_back_and_belongs_to_its_order() {
        let subject = SubjectId::new([7; 16]);
        let id = ReceiptId::of(subject, "EO1", &Key);
        assert_eq!(ReceiptId::parse(&id.to_string()), Ok(id));
        assert_ne!(ReceiptId::of(subject, "EO2", &Key), id);
        assert_ne!(ReceiptId::of(SubjectId::new([8; 16]), "EO1", &Key), id);
        for bad in ["", "0", &"A".repeat(32), &"g".repeat(32), &"0".repeat(33), "+0000000000000000000000000000000"] {
            assert!(ReceiptId::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn it_is_read_back_to_the_letter_only() {
        let receipt = receipt();
        let json = receipt.json();
        assert_eq!(Receipt::parse(&json), Ok(receipt.clone()));
        assert!(json.contains("\"unrecoverable_at\":\"2026-11-27T15:03:20Z\""), "{json}");
        assert!(Receipt::parse(&format!("{json} ")).is_err());
        assert!(Receipt::parse(&json.replace("\"asked\"", "\"asked\" ")).is_err());
        assert!(Receipt::parse(&json.replace("\"azukari_receipt\":1", "\"azukari_receipt\":2")).is_err());
        assert!(Receipt::parse(&json.replace("{\"azukari", "{\"name\":\"x\",\"azukari")).is_err());
    }

    #[test]
    fn states_sort_by_their_words() {
        let states = [State::Restricted, State::Unreachable, State::Erased, State::Revoked];
        assert!(states.is_sorted() && states.map(State::as_str).is_sorted());
    }
}
