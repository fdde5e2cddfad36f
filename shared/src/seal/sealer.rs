//! The sealing half: all that an intake function can do with a person's key.

use rustls::crypto::aws_lc_rs::hpke::DH_KEM_P256_HKDF_SHA256_AES_256;
use rustls::crypto::hpke::{Hpke, HpkePublicKey};
use zeroize::Zeroizing;

use crate::domain::{key::SubjectKey, plain::Plain};
use crate::seal::{
    envelope::{self, Envelope, HEAD, MAX_FIELDS},
    index::OwnerCheck,
    padding,
    place::RowPlace,
};

/// Why a record could not be sealed. None of these says anything of its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// More fields than an envelope holds.
    #[error("a record may have at most {MAX_FIELDS} fields")]
    TooManyFields,
    /// An empty name, one of more than 255 bytes, one that begins with `#`, or twice the same.
    #[error("a field name is not valid")]
    FieldName,
    /// The row belongs to another person than the key.
    #[error("the key belongs to another person")]
    OtherPerson,
    /// HPKE refused: the public key is not a point on the curve.
    #[error("the record could not be sealed")]
    Hpke,
}

/// Seals the fields of one record for one person.
///
/// Every field opens only at `place` and under its own name. `owner` says whose
/// LINE account the sender saw, so that a mix-up shows when the record is opened.
///
/// # Errors
/// See [`SealError`]; nothing is sealed in part.
pub fn seal(
    key: &SubjectKey,
    place: &RowPlace<'_>,
    owner: &OwnerCheck,
    fields: &[(&str, Plain<Vec<u8>>)],
) -> Result<Envelope, SealError> {
    if place.subject != key.subject() {
        return Err(SealError::OtherPerson);
    }
    let head = head(owner, fields)?;
    let count = fields.len() + 1;
    let info = envelope::info(key.version(), count);
    let recipient = HpkePublicKey(key.public_key().to_vec());
    let (encapsulated, mut sealer) =
        DH_KEM_P256_HKDF_SHA256_AES_256.setup_sealer(&info, &recipient).map_err(|_| SealError::Hpke)?;

    let named = fields.iter().map(|(name, plain)| (*name, plain.reveal().as_slice()));
    let mut sealed = Vec::with_capacity(count);
    for (name, plain) in std::iter::once((HEAD, head.as_slice())).chain(named) {
        let text = sealer.seal(&place.aad(name), &padding::pad(plain)).map_err(|_| SealError::Hpke)?;
        sealed.push(text);
    }
    let encapsulated = encapsulated.0.try_into().map_err(|_| SealError::Hpke)?;
    Ok(Envelope::new(key.version(), encapsulated, sealed))
}

fn head(owner: &OwnerCheck, fields: &[(&str, Plain<Vec<u8>>)]) -> Result<Zeroizing<Vec<u8>>, SealError> {
    if fields.len() > MAX_FIELDS {
        return Err(SealError::TooManyFields);
    }
    let mut head = Zeroizing::new(Vec::with_capacity(256));
    head.extend_from_slice(&owner.key_id);
    head.extend_from_slice(&owner.digest);
    for (position, (name, _)) in fields.iter().enumerate() {
        let length = u8::try_from(name.len()).map_err(|_| SealError::FieldName)?;
        let repeated = fields[..position].iter().any(|(earlier, _)| earlier == name);
        if length == 0 || name.starts_with('#') || repeated {
            return Err(SealError::FieldName);
        }
        head.push(length);
        head.extend_from_slice(name.as_bytes());
    }
    Ok(head)
}
