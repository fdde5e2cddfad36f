//! Envelope version 1, byte by byte.
//!
//! | offset | length | content |
//! |---|---|---|
//! | 0 | 1 | envelope version: 1 |
//! | 1 | 1 | suite: 1 = HPKE base mode, DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-256-GCM (RFC 9180) |
//! | 2 | 4 | version of the person's key, big endian, from 1 |
//! | 6 | 65 | HPKE encapsulated key, an uncompressed point |
//! | 71 | 1 | number of fields n, 1 to 65, field 0 included |
//! | 72 | … | n times: length of cipher text (4 bytes, big endian) ‖ cipher text |
//!
//! Each cipher text is a padded text ([`super::padding`]) and a 16-byte tag.
//! Field i is sealed with HPKE sequence number i and the AAD of its place
//! ([`super::place`]). Field 0 holds the owner check and the names of the other
//! fields, so that names are not in the clear and a record sealed for the wrong
//! person is found when opened:
//!
//! id of the index key (8 bytes) ‖ owner check (32 bytes) ‖ for each further
//! field: length of name (1 byte) ‖ name.
//!
//! The HPKE `info` is the label `azukari envelope v1` followed by bytes 0 to 5 and
//! byte 71, so that suite, key version and the number of fields cannot be edited.
//!
//! Not hidden: how many fields there are and the size bucket of each.

use crate::domain::key::PUBLIC_KEY_LEN;
use crate::seal::padding;

/// Envelope version.
pub const VERSION: u8 = 1;
/// The one suite so far.
pub const SUITE_P256_AES256: u8 = 1;
/// Most fields of a record, not counting field 0.
pub const MAX_FIELDS: usize = 64;
/// The name under which field 0 is sealed. Names of fields may not begin with `#`.
pub const HEAD: &str = "#head";

const TAG_LEN: usize = 16;
const COUNT_AT: usize = 6 + PUBLIC_KEY_LEN;

/// Why bytes are not an envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// Shorter than a header and one field.
    #[error("the envelope is too short")]
    Short,
    /// Made by a newer writer, or not an envelope at all.
    #[error("the envelope version is not known")]
    UnknownVersion,
    /// A suite that this reader does not have.
    #[error("the suite is not known")]
    UnknownSuite,
    /// Key version 0.
    #[error("the key version is not valid")]
    KeyVersion,
    /// The encapsulated key is not an uncompressed point.
    #[error("the encapsulated key is not an uncompressed point")]
    EncapsulatedKey,
    /// No field, or more than a record may have.
    #[error("the number of fields is not valid")]
    FieldCount,
    /// A length that no padded text has, or that reaches past the end.
    #[error("a field has a wrong length")]
    FieldLength,
    /// Bytes behind the last field.
    #[error("there are bytes behind the last field")]
    Trailing,
}

/// A sealed record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    key_version: u32,
    encapsulated_key: [u8; PUBLIC_KEY_LEN],
    fields: Vec<Vec<u8>>,
}

impl Envelope {
    pub(super) fn new(key_version: u32, encapsulated_key: [u8; PUBLIC_KEY_LEN], fields: Vec<Vec<u8>>) -> Self {
        Self { key_version, encapsulated_key, fields }
    }

    /// Which of the person's keys opens it.
    pub fn key_version(&self) -> u32 {
        self.key_version
    }

    /// The HPKE encapsulated key.
    pub fn encapsulated_key(&self) -> &[u8; PUBLIC_KEY_LEN] {
        &self.encapsulated_key
    }

    /// The cipher texts, field 0 first.
    pub fn fields(&self) -> &[Vec<u8>] {
        &self.fields
    }

    /// The bytes to store.
    pub fn to_bytes(&self) -> Vec<u8> {
        let size = COUNT_AT + 1 + self.fields.iter().map(|field| 4 + field.len()).sum::<usize>();
        let mut bytes = Vec::with_capacity(size);
        bytes.extend_from_slice(&[VERSION, SUITE_P256_AES256]);
        bytes.extend_from_slice(&self.key_version.to_be_bytes());
        bytes.extend_from_slice(&self.encapsulated_key);
        bytes.push(count_byte(self.fields.len()));
        for field in &self.fields {
            bytes.extend_from_slice(&u32::try_from(field.len()).unwrap_or(u32::MAX).to_be_bytes());
            bytes.extend_from_slice(field);
        }
        bytes
    }

    /// Reads stored bytes, exactly.
    ///
    /// # Errors
    /// Anything that [`Envelope::to_bytes`] does not write.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        let (header, mut rest) = bytes.split_at_checked(COUNT_AT + 1).ok_or(ParseError::Short)?;
        if header[0] != VERSION {
            return Err(ParseError::UnknownVersion);
        }
        if header[1] != SUITE_P256_AES256 {
            return Err(ParseError::UnknownSuite);
        }
        let key_version = u32::from_be_bytes([header[2], header[3], header[4], header[5]]);
        if key_version == 0 {
            return Err(ParseError::KeyVersion);
        }
        let mut encapsulated_key = [0; PUBLIC_KEY_LEN];
        encapsulated_key.copy_from_slice(&header[6..COUNT_AT]);
        if encapsulated_key[0] != 0x04 {
            return Err(ParseError::EncapsulatedKey);
        }
        let count = usize::from(header[COUNT_AT]);
        if !(1..=MAX_FIELDS + 1).contains(&count) {
            return Err(ParseError::FieldCount);
        }
        let mut fields = Vec::with_capacity(count);
        for _ in 0..count {
            let (length, after) = rest.split_first_chunk::<4>().ok_or(ParseError::FieldLength)?;
            let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| ParseError::FieldLength)?;
            let fits = length.checked_sub(TAG_LEN).is_some_and(padding::is_bucket);
            let (field, after) = after.split_at_checked(length).filter(|_| fits).ok_or(ParseError::FieldLength)?;
            fields.push(field.to_vec());
            rest = after;
        }
        if rest.is_empty() { Ok(Self { key_version, encapsulated_key, fields }) } else { Err(ParseError::Trailing) }
    }
}

/// The HPKE `info` of a record.
pub fn info(key_version: u32, fields: usize) -> Vec<u8> {
    let mut info = b"azukari envelope v1".to_vec();
    info.extend_from_slice(&[VERSION, SUITE_P256_AES256]);
    info.extend_from_slice(&key_version.to_be_bytes());
    info.push(count_byte(fields));
    info
}

fn count_byte(fields: usize) -> u8 {
    u8::try_from(fields).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envelope() -> Envelope {
        let mut key = [9; PUBLIC_KEY_LEN];
        key[0] = 4;
        Envelope::new(1, key, vec![vec![1; 80], vec![2; 144]])
    }

    #[test]
    fn written_and_read_back() {
        let bytes = envelope().to_bytes();
        assert_eq!(bytes.len(), 72 + 4 + 80 + 4 + 144);
        assert_eq!(Envelope::parse(&bytes), Ok(envelope()));
    }

    #[test]
    fn every_other_form_is_refused() {
        let good = envelope().to_bytes();
        let edited = |at: usize, byte: u8| {
            let mut bytes = good.clone();
            bytes[at] = byte;
            Envelope::parse(&bytes)
        };
        assert_eq!(edited(0, 2), Err(ParseError::UnknownVersion));
        assert_eq!(edited(1, 2), Err(ParseError::UnknownSuite));
        assert_eq!(edited(5, 0), Err(ParseError::KeyVersion));
        assert_eq!(edited(6, 2), Err(ParseError::EncapsulatedKey));
        assert_eq!(edited(71, 0), Err(ParseError::FieldCount));
        assert_eq!(edited(71, 66), Err(ParseError::FieldCount));
        assert_eq!(edited(71, 3), Err(ParseError::FieldLength));
        assert_eq!(edited(71, 1), Err(ParseError::Trailing));
        assert_eq!(edited(75, 81), Err(ParseError::FieldLength));
        assert_eq!(edited(72, 0xff), Err(ParseError::FieldLength));
        let mut trailing = good.clone();
        trailing.push(0);
        assert_eq!(Envelope::parse(&trailing), Err(ParseError::Trailing));
        for cut in 0..good.len() {
            assert!(Envelope::parse(&good[..cut]).is_err(), "cut at {cut}");
        }
    }
}
