//! Envelope version 1 a second time, from its description alone and with another
//! HPKE library: what one seals, the other must open.

use base64::{Engine, engine::general_purpose::STANDARD};
use hpke::{
    Deserializable, Kem, OpModeR, OpModeS, Serializable, aead::AesGcm256, kdf::HkdfSha256, kem::DhP256HkdfSha256,
    setup_receiver, setup_sender,
};
use serde::{Deserialize, Serialize};

/// A record with everything that its place is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vector {
    /// Which library sealed it.
    pub sealed_by: String,
    /// The private scalar, hexadecimal.
    pub secret: String,
    /// The uncompressed point, hexadecimal.
    pub public: String,
    /// Version of the key.
    pub key_version: u32,
    /// Channel.
    pub channel: String,
    /// Subject id, hexadecimal.
    pub subject: String,
    /// Sort key.
    pub row: String,
    /// Purpose id.
    pub purpose: String,
    /// Policy version.
    pub policy: String,
    /// Form version, or empty.
    pub form: String,
    /// Id of the index key, hexadecimal.
    pub owner_key: String,
    /// Owner check, hexadecimal.
    pub owner: String,
    /// Names and texts.
    pub fields: Vec<(String, String)>,
    /// The AAD of field 0 and of each further field, hexadecimal.
    pub aad: Vec<String>,
    /// The envelope, base64.
    pub envelope: String,
}

/// Bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Hexadecimal digits as bytes.
pub fn unhex(digits: &str) -> Vec<u8> {
    (0..digits.len() / 2).map(|at| u8::from_str_radix(&digits[at * 2..at * 2 + 2], 16).expect("hexadecimal")).collect()
}

impl Vector {
    /// The envelope's bytes.
    pub fn envelope_bytes(&self) -> Vec<u8> {
        STANDARD.decode(&self.envelope).expect("base64")
    }

    fn field_aad(&self, name: &str) -> Vec<u8> {
        let subject = unhex(&self.subject);
        let parts: [&[u8]; 7] = [
            self.channel.as_bytes(),
            &subject,
            self.row.as_bytes(),
            self.purpose.as_bytes(),
            self.policy.as_bytes(),
            self.form.as_bytes(),
            name.as_bytes(),
        ];
        let mut aad = b"azukari place v1".to_vec();
        for part in parts {
            aad.extend((part.len() as u16).to_be_bytes());
            aad.extend(part);
        }
        aad
    }

    fn info(&self, count: usize) -> Vec<u8> {
        let mut info = b"azukari envelope v1\x01\x01".to_vec();
        info.extend(self.key_version.to_be_bytes());
        info.push(count as u8);
        info
    }

    fn head(&self) -> Vec<u8> {
        let mut head = [unhex(&self.owner_key), unhex(&self.owner)].concat();
        for (name, _) in &self.fields {
            head.push(name.len() as u8);
            head.extend(name.as_bytes());
        }
        head
    }

    /// A fresh key pair: private scalar and uncompressed point, hexadecimal.
    pub fn fresh_pair() -> (String, String) {
        let (secret, public) = DhP256HkdfSha256::gen_keypair();
        (hex(&secret.to_bytes()), hex(&public.to_bytes()))
    }

    /// Seals with the other library; fills in envelope and AAD.
    pub fn seal(mut self) -> Self {
        let public = <DhP256HkdfSha256 as Kem>::PublicKey::from_bytes(&unhex(&self.public)).expect("a point");
        let count = self.fields.len() + 1;
        let (encapsulated, mut context) =
            setup_sender::<AesGcm256, HkdfSha256, DhP256HkdfSha256>(&OpModeS::Base, &public, &self.info(count))
                .expect("it encapsulates");
        let mut bytes = vec![1, 1];
        bytes.extend(self.key_version.to_be_bytes());
        bytes.extend(encapsulated.to_bytes());
        bytes.push(count as u8);
        let head = ("#head".to_owned(), self.head());
        let fields = self.fields.iter().map(|(name, text)| (name.clone(), text.as_bytes().to_vec()));
        self.aad = Vec::new();
        for (name, plain) in std::iter::once(head).chain(fields.collect::<Vec<_>>()) {
            let aad = self.field_aad(&name);
            let sealed = context.seal(&padded(&plain), &aad).expect("it seals");
            bytes.extend((sealed.len() as u32).to_be_bytes());
            bytes.extend(&sealed);
            self.aad.push(hex(&aad));
        }
        self.envelope = STANDARD.encode(bytes);
        self
    }

    /// Opens with the other library, by the description alone; `None` if anything is
    /// not as described.
    pub fn open(&self) -> Option<Vec<(String, String)>> {
        let bytes = self.envelope_bytes();
        let secret = <DhP256HkdfSha256 as Kem>::PrivateKey::from_bytes(&unhex(&self.secret)).ok()?;
        let encapsulated = <DhP256HkdfSha256 as Kem>::EncappedKey::from_bytes(bytes.get(6..71)?).ok()?;
        let count = usize::from(*bytes.get(71)?);
        let mut context = setup_receiver::<AesGcm256, HkdfSha256, DhP256HkdfSha256>(
            &OpModeR::Base,
            &secret,
            &encapsulated,
            &self.info(count),
        )
        .ok()?;
        let mut at = 72;
        let mut opened = Vec::new();
        let names = std::iter::once("#head").chain(self.fields.iter().map(|(name, _)| name.as_str()));
        for name in names {
            let length = u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?) as usize;
            let plain = context.open(bytes.get(at + 4..at + 4 + length)?, &self.field_aad(name)).ok()?;
            at += 4 + length;
            let size = u32::from_be_bytes(plain.get(..4)?.try_into().ok()?) as usize;
            opened.push((name.to_owned(), String::from_utf8_lossy(plain.get(4..4 + size)?).into_owned()));
            if name == "#head" && plain.get(4..4 + size)? != self.head() {
                return None;
            }
        }
        opened.remove(0);
        (at == bytes.len()).then_some(opened)
    }
}

fn padded(plain: &[u8]) -> Vec<u8> {
    let sizes = [64, 128, 256, 512, 1024, 2048, 4096];
    let needed = plain.len() + 4;
    let size = sizes.into_iter().find(|size| *size >= needed).unwrap_or(needed.div_ceil(4096) * 4096);
    let mut padded = (plain.len() as u32).to_be_bytes().to_vec();
    padded.extend(plain);
    padded.resize(size, 0);
    padded
}
