//! What lies between two steps of a person's way through several pages: sealed under a
//! secret that only whoever takes the next step brings along. Nobody else can read it,
//! we included.
//!
//! The row is found by SHA-256 of the secret, and its content is AES-256-GCM under
//! HKDF-SHA256 of the secret (RFC 5869). The additional data is what the content is:
//! a secret made for one step does not open another.

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey},
    hkdf,
};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::domain::plain::Plain;
use crate::seal::padding;

const VERSION: u8 = 1;
const LEN: usize = 32;

/// A secret of 256 random bits that is used once.
#[derive(Clone, PartialEq, Eq)]
pub struct OneTimeSecret(Zeroizing<[u8; LEN]>);

/// Content that does not open: another secret, another step, or edited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the content does not open")]
pub struct NotOpened;

impl OneTimeSecret {
    /// From random bytes.
    pub fn new(random: [u8; LEN]) -> Self {
        Self(Zeroizing::new(random))
    }

    /// Reads the text form; `None` if it is not one.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != 2 * LEN {
            return None;
        }
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Some(byte - b'0'),
            b'a'..=b'f' => Some(byte - b'a' + 10),
            _ => None,
        };
        let mut secret = Zeroizing::new([0; LEN]);
        for (to, pair) in secret.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            *to = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Some(Self(secret))
    }

    /// As 64 hexadecimal digits: LINE takes them in every parameter as they are.
    pub fn text(&self) -> String {
        hex(&*self.0)
    }

    /// What the row is found by: 64 hexadecimal digits that do not lead back.
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(b"azukari one-time row v1");
        hash.update(*self.0);
        hex(&hash.finalize())
    }

    /// Seals what goes from one step to the next.
    ///
    /// # Errors
    /// The library refused: not for any content.
    pub fn seal(&self, what: &str, content: &[u8]) -> Result<Vec<u8>, NotOpened> {
        let mut cipher = padding::pad(content).to_vec();
        let nonce = self.key()?.seal_in_place_append_tag(aad(what), &mut cipher).map_err(|_| NotOpened)?;
        Ok([&[VERSION][..], nonce.as_ref(), &cipher].concat())
    }

    /// Opens it.
    ///
    /// # Errors
    /// [`NotOpened`].
    pub fn open(&self, what: &str, sealed: &[u8]) -> Result<Plain<Vec<u8>>, NotOpened> {
        let (version, rest) = sealed.split_first().ok_or(NotOpened)?;
        let (nonce, cipher) = rest.split_first_chunk::<NONCE_LEN>().ok_or(NotOpened)?;
        if *version != VERSION {
            return Err(NotOpened);
        }
        let mut cipher = Zeroizing::new(cipher.to_vec());
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let padded = self.key()?.open_in_place(nonce, aad(what), &mut cipher).map_err(|_| NotOpened)?;
        let content = padding::unpad(padded).ok_or(NotOpened)?;
        Ok(Plain::new(content.to_vec()))
    }

    fn key(&self) -> Result<RandomizedNonceKey, NotOpened> {
        let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, b"azukari one-time v1");
        let pseudorandom = salt.extract(&*self.0);
        let mut key = Zeroizing::new([0; LEN]);
        let expanded = pseudorandom.expand(&[b"content"], hkdf::HKDF_SHA256).map_err(|_| NotOpened)?;
        expanded.fill(&mut *key).map_err(|_| NotOpened)?;
        RandomizedNonceKey::new(&AES_256_GCM, &*key).map_err(|_| NotOpened)
    }
}

fn aad(what: &str) -> Aad<Vec<u8>> {
    Aad::from([b"azukari one-time v1 ".as_slice(), what.as_bytes()].concat())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl std::fmt::Debug for OneTimeSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OneTimeSecret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_opens_with_its_secret_for_its_step_alone() {
        let secret = OneTimeSecret::new([7; 32]);
        let sealed = secret.seal("state", b"content").unwrap();
        assert_eq!(secret.open("state", &sealed).unwrap().reveal(), b"content");
        assert!(secret.open("nonce", &sealed).is_err());
        assert!(OneTimeSecret::new([8; 32]).open("state", &sealed).is_err());
        for at in 0..sealed.len() {
            let mut edited = sealed.clone();
            edited[at] ^= 1;
            assert!(secret.open("state", &edited).is_err(), "byte {at}");
        }
        assert!(secret.open("state", &sealed[..12]).is_err());
        assert!(!sealed.windows(7).any(|window| window == b"content"));
    }

    #[test]
    fn the_text_is_read_back_and_nothing_else_is_one() {
        let secret = OneTimeSecret::new([0xa5; 32]);
        assert_eq!(OneTimeSecret::parse(&secret.text()), Some(secret.clone()));
        assert_ne!(secret.text(), secret.digest());
        for bad in ["", "a5", &"A5".repeat(32), &"g5".repeat(32), &"a5".repeat(33), &"あ".repeat(22)] {
            assert_eq!(OneTimeSecret::parse(bad), None, "{bad}");
        }
        assert_eq!(format!("{secret:?}"), "OneTimeSecret(…)");
    }
}
