//! KMS on one machine: the operations we use, over a master-key file that only its
//! owner can read. It proves how we use the API, not AWS itself.

use std::{collections::BTreeMap, path::Path};

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey},
    agreement::{ECDH_P256, PrivateKey},
    encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der},
    hmac,
    rand::{SecureRandom, SystemRandom},
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair},
};
use azukari::host::roles::{Key, KeyOperation, permissions};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    engine::wire::{Asked, Engine, Reply, Service, Touch},
    secrets_file::write_private,
};

/// The keys of one installation.
pub struct Kms {
    wrap: RandomizedNonceKey,
    enrol: EcdsaKeyPair,
    evidence: EcdsaKeyPair,
    index: hmac::Key,
    random: SystemRandom,
}

/// The master-key file, as it is stored.
#[derive(Serialize, Deserialize)]
struct MasterKeys {
    wrap: String,
    enrol: String,
    /// Missing in files of before there was such a key.
    evidence: Option<String>,
    /// The same.
    index: Option<String>,
}

/// The master-key file cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the master-key file {0}")]
pub struct NotUsable(&'static str);

/// Version of the cipher texts that this stand-in makes.
const BLOB: u8 = 1;

impl Kms {
    /// Opens the master-key file, or makes it with fresh keys.
    ///
    /// # Errors
    /// It cannot be read or written, or is not one.
    pub fn open(path: &Path) -> Result<Self, NotUsable> {
        let known = if path.exists() {
            let text = std::fs::read_to_string(path).map_err(|_| NotUsable("cannot be read"))?;
            Some(serde_json::from_str::<MasterKeys>(&text).map_err(|_| NotUsable("is not one"))?)
        } else {
            None
        };
        let keys = match known {
            Some(keys) if keys.evidence.is_some() && keys.index.is_some() => keys,
            Some(keys) => {
                let evidence = keys.evidence.map_or_else(signing_key, Ok)?;
                let index = keys.index.map_or_else(secret_key, Ok)?;
                Self::written(path, MasterKeys { evidence: Some(evidence), index: Some(index), ..keys })?
            }
            None => Self::written(path, Self::fresh()?)?,
        };
        Self::from_keys(&keys)
    }

    fn written(path: &Path, keys: MasterKeys) -> Result<MasterKeys, NotUsable> {
        let text = serde_json::to_string_pretty(&keys).map_err(|_| NotUsable("cannot be written"))?;
        write_private(path, &text).map_err(|_| NotUsable("cannot be written"))?;
        Ok(keys)
    }

    fn fresh() -> Result<MasterKeys, NotUsable> {
        Ok(MasterKeys {
            wrap: secret_key()?,
            enrol: signing_key()?,
            evidence: Some(signing_key()?),
            index: Some(secret_key()?),
        })
    }

    fn from_keys(keys: &MasterKeys) -> Result<Self, NotUsable> {
        let broken = NotUsable("is not one");
        let decode = |text: &str| STANDARD.decode(text).ok();
        let wrap = decode(&keys.wrap).and_then(|key| RandomizedNonceKey::new(&AES_256_GCM, &key).ok());
        let signing = |text: &str| {
            decode(text).and_then(|key| EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &key).ok())
        };
        let index = keys.index.as_deref().and_then(decode).filter(|key| key.len() == 32);
        let index = index.map(|key| hmac::Key::new(hmac::HMAC_SHA256, &key));
        match (wrap, signing(&keys.enrol), keys.evidence.as_deref().and_then(signing), index) {
            (Some(wrap), Some(enrol), Some(evidence), Some(index)) => {
                Ok(Self { wrap, enrol, evidence, index, random: SystemRandom::new() })
            }
            _ => Err(broken),
        }
    }

    fn dispatch(&self, operation: KeyOperation, key: Key, body: &Value) -> Result<Value, Reply> {
        match operation {
            KeyOperation::GenerateDataKeyPairWithoutPlaintext => self.generate_pair(body),
            KeyOperation::Decrypt => self.decrypt(body),
            KeyOperation::Sign => self.sign(key, body),
            KeyOperation::GetPublicKey => self.public_key(key),
            KeyOperation::GenerateMac => self.generate_mac(body),
        }
    }

    fn generate_pair(&self, body: &Value) -> Result<Value, Reply> {
        if body["KeyPairSpec"] != "ECC_NIST_P256" {
            return Err(Reply::error(400, "UnsupportedOperationException", "only ECC_NIST_P256 is served here"));
        }
        let pair = PrivateKey::generate(&ECDH_P256).map_err(internal)?;
        let private: Pkcs8V1Der<'_> = pair.as_der().map_err(internal)?;
        let public: PublicKeyX509Der<'_> = pair.compute_public_key().and_then(|key| key.as_der()).map_err(internal)?;
        let mut cipher = private.as_ref().to_vec();
        let nonce = self.wrap.seal_in_place_append_tag(Aad::from(aad(body)), &mut cipher).map_err(internal)?;
        let blob = [&[BLOB][..], nonce.as_ref(), &cipher].concat();
        Ok(json!({
            "KeyId": arn(Key::Wrap),
            "KeyPairSpec": "ECC_NIST_P256",
            "PrivateKeyCiphertextBlob": STANDARD.encode(blob),
            "PublicKey": STANDARD.encode(public.as_ref()),
        }))
    }

    fn decrypt(&self, body: &Value) -> Result<Value, Reply> {
        let invalid = || Reply::error(400, "InvalidCiphertextException", "the cipher text does not open");
        let blob = body["CiphertextBlob"].as_str().and_then(|text| STANDARD.decode(text).ok()).ok_or_else(invalid)?;
        let (version, rest) = blob.split_first().ok_or_else(invalid)?;
        let (nonce, cipher) = rest.split_first_chunk::<NONCE_LEN>().ok_or_else(invalid)?;
        if *version != BLOB {
            return Err(invalid());
        }
        let mut cipher = cipher.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let plain = self.wrap.open_in_place(nonce, Aad::from(aad(body)), &mut cipher).map_err(|_| invalid())?;
        Ok(json!({
            "KeyId": arn(Key::Wrap),
            "Plaintext": STANDARD.encode(plain),
            "EncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        }))
    }

    fn sign(&self, key: Key, body: &Value) -> Result<Value, Reply> {
        let message = body["Message"].as_str().and_then(|text| STANDARD.decode(text).ok());
        let message = message.filter(|message| (1..=4096).contains(&message.len()));
        let fits = body["SigningAlgorithm"] == "ECDSA_SHA_256" && body["MessageType"] == "RAW";
        let message = message
            .filter(|_| fits)
            .ok_or_else(|| Reply::error(400, "ValidationException", "only ECDSA_SHA_256 over RAW is served here"))?;
        let signature = self.signing(key)?.sign(&self.random, &message).map_err(internal)?;
        Ok(json!({
            "KeyId": arn(key),
            "Signature": STANDARD.encode(signature.as_ref()),
            "SigningAlgorithm": "ECDSA_SHA_256",
        }))
    }

    fn generate_mac(&self, body: &Value) -> Result<Value, Reply> {
        let message = body["Message"].as_str().and_then(|text| STANDARD.decode(text).ok());
        let message = message
            .filter(|message| (1..=4096).contains(&message.len()) && body["MacAlgorithm"] == "HMAC_SHA_256")
            .ok_or_else(|| Reply::error(400, "ValidationException", "only HMAC_SHA_256 is served here"))?;
        let mac = hmac::sign(&self.index, &message);
        Ok(json!({"KeyId": arn(Key::Index), "Mac": STANDARD.encode(mac.as_ref()), "MacAlgorithm": "HMAC_SHA_256"}))
    }

    fn signing(&self, key: Key) -> Result<&EcdsaKeyPair, Reply> {
        match key {
            Key::Enrol => Ok(&self.enrol),
            Key::Evidence => Ok(&self.evidence),
            Key::Wrap | Key::Index => Err(Reply::error(400, "InvalidKeyUsageException", "the key does not sign")),
        }
    }

    fn public_key(&self, key: Key) -> Result<Value, Reply> {
        let public: PublicKeyX509Der<'_> = self.signing(key)?.public_key().as_der().map_err(internal)?;
        Ok(json!({
            "KeyId": arn(key),
            "PublicKey": STANDARD.encode(public.as_ref()),
            "KeySpec": "ECC_NIST_P256",
            "KeyUsage": "SIGN_VERIFY",
            "SigningAlgorithms": ["ECDSA_SHA_256"],
        }))
    }
}

impl std::fmt::Debug for Kms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Kms")
    }
}

impl Engine for Kms {
    fn service(&self) -> Service {
        Service::Kms
    }

    fn touches(&self, asked: &Asked) -> Vec<Touch> {
        let body: Value = serde_json::from_slice(&asked.body).unwrap_or_default();
        let target = key(&body).map_or("?", Key::as_str).to_owned();
        vec![Touch { operation: asked.operation.clone(), target, partition: String::new() }]
    }

    fn answer(&self, asked: &Asked) -> Reply {
        let body: Value = serde_json::from_slice(&asked.body).unwrap_or_default();
        let wanted = operation(&asked.operation).zip(key(&body));
        let allowed = wanted
            .filter(|(operation, key)| asked.role.is_some_and(|role| permissions(role).may_use(*operation, *key)));
        let Some((operation, key)) = allowed else {
            let message = format!("the role is not authorized to perform: kms:{}", asked.operation);
            return Reply::error(400, "AccessDeniedException", &message);
        };
        match self.dispatch(operation, key, &body) {
            Ok(body) => Reply::of(200, body.to_string()),
            Err(reply) => reply,
        }
    }

    fn throttled(&self) -> Reply {
        Reply::error(400, "ThrottlingException", "the key is throttled")
    }
}

fn secret_key() -> Result<String, NotUsable> {
    let mut key = [0; 32];
    SystemRandom::new().fill(&mut key).map_err(|_| NotUsable("cannot be made"))?;
    Ok(STANDARD.encode(key))
}

fn signing_key() -> Result<String, NotUsable> {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).and_then(|pair| pair.to_pkcs8v1());
    pair.map(|der| STANDARD.encode(der.as_ref())).map_err(|_| NotUsable("cannot be made"))
}

/// Key id and encryption context, sorted, each part behind its length.
fn aad(body: &Value) -> Vec<u8> {
    let context: BTreeMap<String, String> =
        serde_json::from_value(body["EncryptionContext"].clone()).unwrap_or_default();
    let mut aad = vec![BLOB];
    for part in context.iter().flat_map(|(name, value)| [name, value]) {
        aad.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        aad.extend_from_slice(part.as_bytes());
    }
    aad
}

fn key(body: &Value) -> Option<Key> {
    let id = body["KeyId"].as_str()?;
    Key::ALL.into_iter().find(|key| id == key.as_str() || id == arn(*key))
}

fn operation(name: &str) -> Option<KeyOperation> {
    [
        KeyOperation::GenerateDataKeyPairWithoutPlaintext,
        KeyOperation::Decrypt,
        KeyOperation::Sign,
        KeyOperation::GetPublicKey,
        KeyOperation::GenerateMac,
    ]
    .into_iter()
    .find(|operation| operation.as_str() == name)
}

fn arn(key: Key) -> String {
    format!("arn:aws:kms:local:000000000000:key/{}", key.as_str())
}

fn internal(_: aws_lc_rs::error::Unspecified) -> Reply {
    Reply::error(500, "KMSInternalException", "the key could not be used")
}
