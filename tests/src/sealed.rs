//! Sealing with the product's own code, outside an installation.

use aws_lc_rs::{
    encoding::{AsDer, PublicKeyX509Der},
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair},
};
use azukari::{
    domain::{
        id::{ChannelName, DefinitionId, SubjectId, VersionId},
        key::SubjectKey,
        person::KeyRow,
        plain::Plain,
    },
    keys::enrol::{self, EnrolKey},
    seal::{self, envelope::Envelope, index::OwnerCheck, opening, place::RowPlace},
};
use base64::{Engine, engine::general_purpose::STANDARD};

use crate::independent::{Vector, hex, unhex};

/// What a place is made of, owned.
pub struct OwnedPlace {
    channel: ChannelName,
    subject: SubjectId,
    row: String,
    purpose: DefinitionId,
    policy: VersionId,
    form: Option<VersionId>,
}

impl OwnedPlace {
    /// The place of a vector.
    pub fn of(vector: &Vector) -> Self {
        Self {
            channel: ChannelName::parse(&vector.channel).expect("a channel"),
            subject: SubjectId::parse(&vector.subject).expect("a subject"),
            row: vector.row.clone(),
            purpose: DefinitionId::new(&vector.purpose),
            policy: VersionId::parse(&vector.policy).expect("a version"),
            form: Some(&vector.form)
                .filter(|form| !form.is_empty())
                .map(|form| VersionId::parse(form).expect("a version")),
        }
    }

    /// As the product takes it.
    pub fn as_place(&self) -> RowPlace<'_> {
        RowPlace {
            channel: &self.channel,
            subject: self.subject,
            row: &self.row,
            purpose: &self.purpose,
            policy: &self.policy,
            form: self.form.as_ref(),
        }
    }
}

/// The owner check of a vector.
pub fn owner(vector: &Vector) -> OwnerCheck {
    OwnerCheck {
        key_id: unhex(&vector.owner_key).try_into().expect("8 bytes"),
        digest: unhex(&vector.owner).try_into().expect("32 bytes"),
    }
}

/// A key row that a key of the test vouches for, and that key.
pub fn vouched(subject: SubjectId, version: u32, public_key: [u8; 65]) -> (EnrolKey, KeyRow) {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a key pair");
    let spki: PublicKeyX509Der<'_> = pair.public_key().as_der().expect("its public half");
    let wrapped_sha256 = [7; 32];
    let message = enrol::message(subject, version, &public_key, &wrapped_sha256);
    let signature = pair.sign(&SystemRandom::new(), &message).expect("a signature").as_ref().to_vec();
    let row = KeyRow { subject, version, public_key, wrapped_sha256, signature };
    (EnrolKey::new(spki.as_ref()).expect("a P-256 key"), row)
}

/// The public key of a vector, as one that was vouched for.
pub fn subject_key(vector: &Vector) -> SubjectKey {
    let subject = SubjectId::parse(&vector.subject).expect("a subject");
    let public = unhex(&vector.public).try_into().expect("65 bytes");
    let (enrol, row) = vouched(subject, vector.key_version, public);
    enrol.verify(&row).expect("vouched for")
}

/// Seals the fields of a vector with the product's code; fills in envelope and AAD.
pub fn seal(mut vector: Vector) -> Vector {
    let place = OwnedPlace::of(&vector);
    let fields: Vec<(&str, Plain<Vec<u8>>)> =
        vector.fields.iter().map(|(name, text)| (name.as_str(), Plain::text(text))).collect();
    let envelope = seal::seal(&subject_key(&vector), &place.as_place(), &owner(&vector), &fields).expect("it seals");
    let names = std::iter::once("#head").chain(vector.fields.iter().map(|(name, _)| name.as_str()));
    let aad = names.map(|name| hex(&place.as_place().aad(name))).collect();
    vector.envelope = STANDARD.encode(envelope.to_bytes());
    vector.aad = aad;
    vector
}

/// Opens a vector with the product's code.
///
/// # Errors
/// Why it does not open.
pub fn open(vector: &Vector) -> Result<Vec<(String, String)>, String> {
    let envelope = Envelope::parse(&vector.envelope_bytes()).map_err(|error| error.to_string())?;
    let secret = Plain::new(unhex(&vector.secret));
    let place = OwnedPlace::of(vector);
    let opened = opening::open(&secret, &place.as_place(), |found| *found == owner(vector), &envelope, |_| true);
    let opened = opened.map_err(|error| error.to_string())?;
    Ok(opened.into_iter().map(|(name, plain)| (name, String::from_utf8_lossy(plain.reveal()).into_owned())).collect())
}

/// A record to seal, under a fresh key pair.
pub fn unsealed(sealed_by: &str, fields: &[(&str, &str)]) -> Vector {
    let (secret, public) = Vector::fresh_pair();
    Vector {
        sealed_by: sealed_by.to_owned(),
        secret,
        public,
        key_version: 1,
        channel: "demo".to_owned(),
        subject: hex(&crate::app::unique().to_be_bytes()),
        row: "R#14353798921116".to_owned(),
        purpose: "m4k7w2pz".to_owned(),
        policy: "x9d3rt5a.2".to_owned(),
        form: String::new(),
        owner_key: hex(&[0xa5; 8]),
        owner: hex(&[0x5a; 32]),
        fields: fields.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect(),
        aad: Vec::new(),
        envelope: String::new(),
    }
}
