//! Words that operators write into the ledger, sealed: they may name a person, and the
//! ledger outlives the person. Compiled for the opener and for tests alone, which
//! seals and opens them.
//!
//! Version (1 byte: 1) ‖ nonce (12) ‖ AES-256-GCM cipher text and tag of the padded
//! text ([`super::padding`]). The additional data is the label `azukari note v1` and
//! the request it was written for: moved to another request, it does not open.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use zeroize::Zeroizing;

use crate::domain::{id::Malformed, plain::Plain};
use crate::seal::padding;

const VERSION: u8 = 1;

/// The `note` key.
pub struct NoteKey(RandomizedNonceKey);

/// A note that does not open: another key, another request, or edited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the note does not open")]
pub struct NotOpened;

impl NoteKey {
    /// From 32 secret bytes.
    ///
    /// # Errors
    /// Another length.
    pub fn new(secret: &[u8]) -> Result<Self, Malformed> {
        RandomizedNonceKey::new(&AES_256_GCM, secret).map(Self).map_err(|_| Malformed("note key"))
    }

    /// Seals a text for a request.
    ///
    /// # Errors
    /// The library refused.
    pub fn seal(&self, request: &str, text: &str) -> Result<Vec<u8>, NotOpened> {
        let mut cipher = padding::pad(text.as_bytes()).to_vec();
        let nonce = self.0.seal_in_place_append_tag(aad(request), &mut cipher).map_err(|_| NotOpened)?;
        Ok([&[VERSION][..], nonce.as_ref(), &cipher].concat())
    }

    /// Opens a text that was sealed for this request.
    ///
    /// # Errors
    /// [`NotOpened`].
    pub fn open(&self, request: &str, sealed: &[u8]) -> Result<Plain<String>, NotOpened> {
        let (version, rest) = sealed.split_first().ok_or(NotOpened)?;
        let (nonce, cipher) = rest.split_first_chunk::<NONCE_LEN>().ok_or(NotOpened)?;
        if *version != VERSION {
            return Err(NotOpened);
        }
        let mut cipher = Zeroizing::new(cipher.to_vec());
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let padded = self.0.open_in_place(nonce, aad(request), &mut cipher).map_err(|_| NotOpened)?;
        let text = padding::unpad(padded).ok_or(NotOpened)?;
        String::from_utf8(text.to_vec()).map(Plain::new).map_err(|_| NotOpened)
    }
}

fn aad(request: &str) -> Aad<Vec<u8>> {
    Aad::from([b"azukari note v1".as_slice(), request.as_bytes()].concat())
}

impl std::fmt::Debug for NoteKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NoteKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_opens_for_its_request_and_key_alone() {
        let key = NoteKey::new(&[1; 32]).unwrap();
        let sealed = key.seal("r1", "予約の確認").unwrap();
        assert_eq!(key.open("r1", &sealed).unwrap().reveal(), "予約の確認");
        assert!(key.open("r2", &sealed).is_err());
        assert!(NoteKey::new(&[2; 32]).unwrap().open("r1", &sealed).is_err());
        for at in 0..sealed.len() {
            let mut edited = sealed.clone();
            edited[at] ^= 1;
            assert!(key.open("r1", &edited).is_err(), "byte {at}");
        }
        assert!(key.open("r1", &sealed[..12]).is_err() && NoteKey::new(&[1; 31]).is_err());
    }
}
