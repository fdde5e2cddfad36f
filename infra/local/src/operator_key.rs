//! Operators' private keys, and the assertions they sign. A key is a file of its own,
//! PKCS#8 in PEM (RFC 7468), that only its owner can read.

use std::{
    io,
    path::{Path, PathBuf},
};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use azukari::{
    domain::{
        operator::{Operator, OperatorId, OperatorRole},
        time::UnixMs,
    },
    host::mint::{Mint, SystemMint},
};
use azukari_opener::assertion::TYPE;
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::{
    config::operators::LOCAL,
    installation::make_private_folder,
    secrets_file::{is_for_its_owner_alone, write_private},
};

/// How long the assertions made here are valid.
const LIFE_S: i64 = 60;

/// An operator's key pair.
pub struct OperatorKey {
    id: OperatorId,
    private: EncodingKey,
    public: [u8; 65],
}

/// A key file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum NoKey {
    /// It is not there.
    #[error(
        "鍵のファイルがありません: {0:?}（azukari operator addで作ります） / There is no key file {0:?}: make one with azukari operator add."
    )]
    Missing(PathBuf),
    /// One of this name is there already.
    #[error("鍵のファイルがもうあります: {0:?} / The key file {0:?} is there already.")]
    Exists(PathBuf),
    /// It cannot be read or written.
    #[error(
        "{0:?}を読み書きできません（{1}）。場所と、ファイルの権限を確かめてください。 / {0:?} cannot be read or written ({1}): check the path, and who may use the file."
    )]
    Io(PathBuf, io::Error),
    /// Others can read it: whoever does is this operator.
    #[error(
        "鍵のファイルをほかの人も読めます。chmod 600 {} を実行してください。 / Others can read the key file: run chmod 600 {}", .0.display(), .0.display()
    )]
    NotPrivate(PathBuf),
    /// It is not a P-256 key in PEM.
    #[error("{0:?}はP-256の秘密鍵（PKCS#8、PEM）ではありません。 / {0:?} is not a P-256 private key (PKCS#8 in PEM).")]
    Malformed(PathBuf),
    /// It cannot be made or used for signing.
    #[error("鍵を使えません。 / The key cannot be used.")]
    Unusable,
}

/// Where an operator's key is kept unless told otherwise.
pub fn usual_path(data_dir: &Path, id: &OperatorId) -> PathBuf {
    data_dir.join("operators").join(format!("{id}.pem"))
}

impl OperatorKey {
    /// Makes a key pair and writes it to a file that is not there yet.
    ///
    /// # Errors
    /// The file is there already, or cannot be written.
    pub fn make(id: OperatorId, path: &Path) -> Result<Self, NoKey> {
        if path.exists() {
            return Err(NoKey::Exists(path.to_owned()));
        }
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(|_| NoKey::Unusable)?;
        let der = pair.to_pkcs8v1().map_err(|_| NoKey::Unusable)?;
        let text = Zeroizing::new(pem::encode(&pem::Pem::new("PRIVATE KEY", der.as_ref())));
        let failed = |error| NoKey::Io(path.to_owned(), error);
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            make_private_folder(folder).map_err(failed)?;
        }
        write_private(path, &text).map_err(failed)?;
        Self::read(id, path)
    }

    /// Reads a key file, which nobody but its owner may be able to read.
    ///
    /// # Errors
    /// It is missing, not a key, or others can read it.
    pub fn read(id: OperatorId, path: &Path) -> Result<Self, NoKey> {
        if is_for_its_owner_alone(path).is_ok_and(|alone| !alone) {
            return Err(NoKey::NotPrivate(path.to_owned()));
        }
        let text = match std::fs::read_to_string(path) {
            Ok(text) => Zeroizing::new(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(NoKey::Missing(path.to_owned())),
            Err(error) => return Err(NoKey::Io(path.to_owned(), error)),
        };
        let malformed = || NoKey::Malformed(path.to_owned());
        let pem = pem::parse(text.as_bytes()).ok().filter(|pem| pem.tag() == "PRIVATE KEY").ok_or_else(malformed)?;
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pem.contents());
        let public = pair.map_err(|_| malformed())?.public_key().as_ref().try_into().map_err(|_| malformed())?;
        Ok(Self { id, private: EncodingKey::from_ec_der(pem.contents()), public })
    }

    /// The operator of one machine: made at the first start.
    ///
    /// # Errors
    /// The file cannot be read or written.
    pub fn local(data_dir: &Path) -> Result<Self, NoKey> {
        let id = OperatorId::parse(LOCAL).map_err(|_| NoKey::Unusable)?;
        let path = usual_path(data_dir, &id);
        if path.exists() { Self::read(id, &path) } else { Self::make(id, &path) }
    }

    /// Whose key it is.
    pub fn id(&self) -> &OperatorId {
        &self.id
    }

    /// The public half as configuration writes it.
    pub fn public_text(&self) -> String {
        STANDARD.encode(self.public)
    }

    /// This key's owner as privacy officer of one machine.
    pub fn operator(&self, budget: u32) -> Operator {
        Operator {
            id: self.id.clone(),
            role: OperatorRole::PrivacyOfficer,
            purposes: Vec::new(),
            budget,
            public_key: self.public,
        }
    }

    /// An assertion for one request, valid for a minute.
    ///
    /// # Errors
    /// It could not be signed.
    pub fn assertion(&self, audience: &str, now: UnixMs, request: &Value) -> Result<String, NoKey> {
        let mint = SystemMint::new();
        let mut jti = [0; 16];
        mint.fill(&mut jti);
        self.sign(&json!({
            "iss": self.id.as_str(),
            "aud": audience,
            "iat": now.seconds(),
            "exp": now.seconds() + LIFE_S,
            "jti": URL_SAFE_NO_PAD.encode(jti),
            "request": request,
        }))
    }

    /// Signs claims as they are.
    ///
    /// # Errors
    /// They could not be signed.
    pub fn sign(&self, claims: &Value) -> Result<String, NoKey> {
        let mut header = Header::new(Algorithm::ES256);
        header.typ = Some(TYPE.to_owned());
        jsonwebtoken::encode(&header, claims, &self.private).map_err(|_| NoKey::Unusable)
    }
}

impl std::fmt::Debug for OperatorKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OperatorKey({})", self.id)
    }
}

/// Writes a public key (`SubjectPublicKeyInfo` in DER) as PEM, if it is not there.
///
/// # Errors
/// It cannot be written.
pub fn write_public(path: &Path, spki: &[u8]) -> io::Result<()> {
    let text = pem::encode(&pem::Pem::new("PUBLIC KEY", spki));
    if std::fs::read_to_string(path).is_ok_and(|known| known == text) { Ok(()) } else { write_private(path, &text) }
}

/// Reads a public key written as PEM.
pub fn read_public(text: &str) -> Option<Vec<u8>> {
    pem::parse(text).ok().filter(|pem| pem.tag() == "PUBLIC KEY").map(|pem| pem.into_contents())
}
