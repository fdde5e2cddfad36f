//! The `evidence` key: signs entries of the audit log, so that nobody can write the
//! past anew.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, ParsedPublicKey};

use crate::domain::{evidence::Evidence, id::Malformed};

/// The public half of the `evidence` key.
#[derive(Clone)]
pub struct EvidenceKey(ParsedPublicKey);

impl EvidenceKey {
    /// From a `SubjectPublicKeyInfo` in DER, as KMS `GetPublicKey` gives it.
    ///
    /// # Errors
    /// Not a P-256 public key.
    pub fn new(spki: &[u8]) -> Result<Self, Malformed> {
        ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, spki).map(Self).map_err(|_| Malformed("evidence public key"))
    }
}

impl Evidence for EvidenceKey {
    fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.0.verify_sig(message, signature).is_ok()
    }
}

impl std::fmt::Debug for EvidenceKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EvidenceKey")
    }
}
