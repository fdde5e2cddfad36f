//! The origin tag: HMAC-SHA256 over a row, under a key that intake, opener and
//! sweeper hold. A row planted or edited by someone who can only write the table
//! does not carry a valid one.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::domain::{id::Malformed, origin::OriginTag};

/// The `origin` key.
#[derive(Clone)]
pub struct OriginKey(Zeroizing<[u8; 32]>);

impl OriginKey {
    /// From 32 secret bytes.
    ///
    /// # Errors
    /// Another length.
    pub fn new(secret: &[u8]) -> Result<Self, Malformed> {
        let key = <[u8; 32]>::try_from(secret).map_err(|_| Malformed("origin key"))?;
        Ok(Self(Zeroizing::new(key)))
    }

    fn mac(&self, canonical: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&*self.0).expect("HMAC takes a key of any length");
        mac.update(b"azukari origin v1");
        mac.update(canonical);
        mac
    }
}

impl OriginTag for OriginKey {
    fn tag(&self, canonical: &[u8]) -> [u8; 32] {
        self.mac(canonical).finalize().into_bytes().into()
    }

    fn verify(&self, canonical: &[u8], tag: &[u8]) -> bool {
        self.mac(canonical).verify_slice(tag).is_ok()
    }
}

impl std::fmt::Debug for OriginKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OriginKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_fits_its_bytes_and_its_key_only() {
        let key = OriginKey::new(&[1; 32]).unwrap();
        let tag = key.tag(b"row");
        assert!(key.verify(b"row", &tag));
        assert!(!key.verify(b"raw", &tag));
        assert!(!key.verify(b"row", &tag[..31]));
        assert!(!OriginKey::new(&[2; 32]).unwrap().verify(b"row", &tag));
    }
}
