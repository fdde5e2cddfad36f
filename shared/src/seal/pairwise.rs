//! The names by which the sites of the business know people (OpenID Connect Core 1.0
//! §8.1, "pairwise"): no two sites know a person by the same name, and none of them leads
//! to a LINE user id, or outlives the person.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::domain::{
    id::{Malformed, SubjectId},
    site::SiteName,
};

/// The `pairwise` key, which `link` alone holds.
#[derive(Clone)]
pub struct PairwiseKey(Zeroizing<[u8; 32]>);

impl PairwiseKey {
    /// From 32 secret bytes.
    ///
    /// # Errors
    /// Another length.
    pub fn new(secret: &[u8]) -> Result<Self, Malformed> {
        let key = <[u8; 32]>::try_from(secret).map_err(|_| Malformed("pairwise key"))?;
        Ok(Self(Zeroizing::new(key)))
    }

    /// The name of a person for a site: 43 characters of base64url. Whoever is erased and
    /// comes again is somebody else.
    pub fn subject(&self, site: &SiteName, person: SubjectId) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&*self.0).expect("HMAC takes a key of any length");
        mac.update(b"azukari pairwise v1\0");
        // A site name holds no zero byte.
        mac.update(site.as_str().as_bytes());
        mac.update(&[0]);
        mac.update(person.as_bytes());
        URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
    }
}

impl std::fmt::Debug for PairwiseKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PairwiseKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_differ_by_site_person_and_key() {
        let key = PairwiseKey::new(&[1; 32]).unwrap();
        let (shop, clinic) = (SiteName::parse("shop").unwrap(), SiteName::parse("clinic").unwrap());
        let (a, b) = (SubjectId::new([1; 16]), SubjectId::new([2; 16]));
        let name = key.subject(&shop, a);
        assert_eq!(name, key.subject(&shop, a));
        assert_eq!(name.len(), 43);
        let other_key = PairwiseKey::new(&[2; 32]).unwrap();
        for other in [key.subject(&shop, b), key.subject(&clinic, a), other_key.subject(&shop, a)] {
            assert_ne!(name, other);
        }
        assert!(PairwiseKey::new(&[1; 31]).is_err());
    }
}
