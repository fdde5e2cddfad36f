use std::collections::HashMap;

use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};

use crate::domain::{origin::OriginTag, time::UnixMs};
use crate::store::StoreError;

/// A row as DynamoDB holds it: strings, integers and bytes by name.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Item(HashMap<String, AttributeValue>);

/// The attributes that the origin tag does not cover: a sweep may re-date a row.
const OUTSIDE_THE_TAG: [&str; 3] = ["due_at", "due_slot", "tag"];

impl Item {
    /// A row with its key and its kind.
    pub fn new(pk: impl Into<String>, sk: impl Into<String>, kind: &str) -> Self {
        Self::default().text("pk", pk).text("sk", sk).text("kind", kind)
    }

    /// With a string.
    pub fn text(mut self, name: &str, value: impl Into<String>) -> Self {
        self.0.insert(name.to_owned(), AttributeValue::S(value.into()));
        self
    }

    /// With a string, if there is one.
    pub fn maybe_text(self, name: &str, value: Option<impl Into<String>>) -> Self {
        match value {
            Some(value) => self.text(name, value),
            None => self,
        }
    }

    /// With an integer.
    pub fn number(mut self, name: &str, value: i64) -> Self {
        self.0.insert(name.to_owned(), AttributeValue::N(value.to_string()));
        self
    }

    /// With a point in time, in Unix milliseconds.
    pub fn time(self, name: &str, value: UnixMs) -> Self {
        self.number(name, value.get())
    }

    /// With a point in time, if there is one.
    pub fn maybe_time(self, name: &str, value: Option<UnixMs>) -> Self {
        match value {
            Some(value) => self.time(name, value),
            None => self,
        }
    }

    /// With bytes.
    pub fn bytes(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.0.insert(name.to_owned(), AttributeValue::B(Blob::new(value.into())));
        self
    }

    /// With the tag that vouches for everything in it but `due_at` and `due_slot`.
    pub fn vouched(self, origin: &dyn OriginTag) -> Self {
        let tag = origin.tag(&canonical(&self.0));
        self.bytes("tag", tag)
    }

    /// A row that was read, after its tag has been checked.
    pub(super) fn verified(map: HashMap<String, AttributeValue>, origin: &dyn OriginTag) -> Result<Self, StoreError> {
        let fits = match map.get("tag") {
            Some(AttributeValue::B(tag)) => origin.verify(&canonical(&map), tag.as_ref()),
            _ => false,
        };
        if fits { Ok(Self(map)) } else { Err(StoreError::NotVouched) }
    }

    /// A row that was read and that something else vouches for.
    pub fn read(map: HashMap<String, AttributeValue>) -> Self {
        Self(map)
    }

    /// As the SDK takes it.
    pub fn into_map(self) -> HashMap<String, AttributeValue> {
        self.0
    }

    /// A string.
    pub fn get_text(&self, name: &'static str) -> Result<&str, StoreError> {
        match self.0.get(name) {
            Some(AttributeValue::S(value)) => Ok(value),
            _ => Err(StoreError::Row { attribute: name }),
        }
    }

    /// A string that may be absent.
    pub fn find_text(&self, name: &str) -> Option<&str> {
        match self.0.get(name) {
            Some(AttributeValue::S(value)) => Some(value),
            _ => None,
        }
    }

    /// An integer.
    pub fn get_number(&self, name: &'static str) -> Result<i64, StoreError> {
        self.find_number(name).ok_or(StoreError::Row { attribute: name })
    }

    /// An integer that may be absent.
    pub fn find_number(&self, name: &str) -> Option<i64> {
        match self.0.get(name) {
            Some(AttributeValue::N(value)) => value.parse().ok(),
            _ => None,
        }
    }

    /// A point in time.
    pub fn get_time(&self, name: &'static str) -> Result<UnixMs, StoreError> {
        self.get_number(name).map(UnixMs::new)
    }

    /// A point in time that may be absent.
    pub fn find_time(&self, name: &str) -> Option<UnixMs> {
        self.find_number(name).map(UnixMs::new)
    }

    /// Bytes.
    pub fn get_bytes(&self, name: &'static str) -> Result<&[u8], StoreError> {
        match self.0.get(name) {
            Some(AttributeValue::B(value)) => Ok(value.as_ref()),
            _ => Err(StoreError::Row { attribute: name }),
        }
    }

    /// Whether there is an attribute of this name.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Bytes of a fixed length.
    pub fn get_array<const N: usize>(&self, name: &'static str) -> Result<[u8; N], StoreError> {
        self.get_bytes(name)?.try_into().map_err(|_| StoreError::Row { attribute: name })
    }

    /// Whether it is past the time to live that it carries: every reader then
    /// treats it as absent, whenever DynamoDB gets around to deleting it.
    pub fn expired(&self, now: UnixMs) -> bool {
        self.find_number("ttl").is_some_and(|ttl| ttl <= now.seconds())
    }
}

/// The bytes an origin tag is made over: every attribute but `due_at`, `due_slot`
/// and `tag`, sorted by name, as length of name (2 bytes) ‖ name ‖ type ‖ length
/// of value (4 bytes) ‖ value, lengths big endian. Types are `S`, `N` and `B`; an
/// attribute of another type is written as `?` and so never fits a tag of ours.
pub fn canonical(map: &HashMap<String, AttributeValue>) -> Vec<u8> {
    let mut names: Vec<&String> = map.keys().filter(|name| !OUTSIDE_THE_TAG.contains(&name.as_str())).collect();
    names.sort_unstable();
    let mut bytes = Vec::with_capacity(512);
    for name in names {
        let (kind, value): (u8, &[u8]) = match &map[name] {
            AttributeValue::S(text) => (b'S', text.as_bytes()),
            AttributeValue::N(number) => (b'N', number.as_bytes()),
            AttributeValue::B(blob) => (b'B', blob.as_ref()),
            _ => (b'?', &[]),
        };
        bytes.extend_from_slice(&u16::try_from(name.len()).unwrap_or(u16::MAX).to_be_bytes());
        bytes.extend_from_slice(name.as_bytes());
        bytes.push(kind);
        bytes.extend_from_slice(&u32::try_from(value.len()).unwrap_or(u32::MAX).to_be_bytes());
        bytes.extend_from_slice(value);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;

    struct Key;

    impl OriginTag for Key {
        fn tag(&self, canonical: &[u8]) -> [u8; 32] {
            Sha256::digest([b"a test's own key", canonical].concat()).into()
        }

        fn verify(&self, canonical: &[u8], tag: &[u8]) -> bool {
            self.tag(canonical) == tag
        }
    }

    fn row() -> Item {
        Item::new("S#1", "R#2", "message")
            .time("event_at", UnixMs::new(5))
            .bytes("env", [1, 2])
            .time("due_at", UnixMs::new(9))
    }

    #[test]
    fn a_due_time_may_change_and_nothing_else() {
        let key = Key;
        let vouched = row().vouched(&key);
        assert!(Item::verified(vouched.clone().into_map(), &key).is_ok());
        let redated = vouched.clone().time("due_at", UnixMs::new(10)).text("due_slot", "x");
        assert!(Item::verified(redated.into_map(), &key).is_ok());
        for edited in [
            vouched.clone().text("pk", "S#9"),
            vouched.clone().text("purpose", "p"),
            vouched.clone().bytes("env", [1, 3]),
            vouched.clone().text("event_at", "5"),
            vouched.clone().bytes("tag", [0; 32]),
            row(),
        ] {
            assert_eq!(Item::verified(edited.into_map(), &key), Err(StoreError::NotVouched));
        }
    }
}
