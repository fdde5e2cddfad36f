//! The opening half: compiled for the opener and for tests alone.

use rustls::crypto::aws_lc_rs::hpke::DH_KEM_P256_HKDF_SHA256_AES_256;
use rustls::crypto::hpke::{EncapsulatedSecret, Hpke, HpkePrivateKey};
use zeroize::Zeroizing;

use crate::domain::plain::Plain;
use crate::seal::{
    envelope::{self, Envelope, HEAD},
    index::OwnerCheck,
    padding,
    place::RowPlace,
};

/// Why a record does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Wrong key, wrong place, moved or edited cipher text.
    #[error("the record does not open here")]
    Refused,
    /// It opened, and what is inside is not what a sealer of ours writes.
    #[error("the record is not well formed inside")]
    Malformed,
    /// It was sealed for somebody else.
    #[error("the record belongs to another person")]
    OtherOwner,
}

/// An opened field: its name and its bytes.
pub type Opened = (String, Plain<Vec<u8>>);

/// Opens a record at its place and gives back the fields that `wanted` asks for,
/// in their order. All fields are opened, because HPKE counts them; what was not
/// asked for is wiped at once.
///
/// `secret` is the person's private scalar, 32 bytes, big endian. `owner` is asked
/// whether the record belongs to the person as whom it is opened, before any field is
/// given back.
///
/// # Errors
/// See [`OpenError`]; nothing is given back in part.
pub fn open(
    secret: &Plain<Vec<u8>>,
    place: &RowPlace<'_>,
    owner: impl FnOnce(&OwnerCheck) -> bool,
    envelope: &Envelope,
    wanted: impl Fn(&str) -> bool,
) -> Result<Vec<Opened>, OpenError> {
    let info = envelope::info(envelope.key_version(), envelope.fields().len());
    let encapsulated = EncapsulatedSecret(envelope.encapsulated_key().to_vec());
    let secret = HpkePrivateKey::from(secret.reveal().clone());
    let mut opener =
        DH_KEM_P256_HKDF_SHA256_AES_256.setup_opener(&encapsulated, &info, &secret).map_err(|_| OpenError::Refused)?;
    let mut open = |name: &str, cipher: &[u8]| -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let padded = opener.open(&place.aad(name), cipher).map(Zeroizing::new).map_err(|_| OpenError::Refused)?;
        padding::unpad(&padded).map(|plain| Zeroizing::new(plain.to_vec())).ok_or(OpenError::Malformed)
    };

    let (first, rest) = envelope.fields().split_first().ok_or(OpenError::Malformed)?;
    let names = read_head(&open(HEAD, first)?, owner)?;
    if names.len() != rest.len() {
        return Err(OpenError::Malformed);
    }
    let mut opened = Vec::new();
    for (name, cipher) in names.into_iter().zip(rest) {
        let plain = open(&name, cipher)?;
        if wanted(&name) {
            opened.push((name, Plain::new(plain.to_vec())));
        }
    }
    Ok(opened)
}

fn read_head(head: &[u8], owner: impl FnOnce(&OwnerCheck) -> bool) -> Result<Vec<String>, OpenError> {
    let (key_id, rest) = head.split_first_chunk::<8>().ok_or(OpenError::Malformed)?;
    let (digest, mut rest) = rest.split_first_chunk::<32>().ok_or(OpenError::Malformed)?;
    if !owner(&OwnerCheck { key_id: *key_id, digest: *digest }) {
        return Err(OpenError::OtherOwner);
    }
    let mut names = Vec::new();
    while let Some((length, after)) = rest.split_first() {
        let (name, after) = after.split_at_checked(usize::from(*length)).ok_or(OpenError::Malformed)?;
        names.push(String::from_utf8(name.to_vec()).map_err(|_| OpenError::Malformed)?);
        rest = after;
    }
    Ok(names)
}
