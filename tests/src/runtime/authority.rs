//! A certificate authority of one test's own. It vouches for the loopback address, for as
//! long as the test runs, and nobody trusts it who was not told to.
//!
//! A certificate is a few nested fields; writing them out needs no library.

use std::sync::Arc;

use aws_lc_rs::{
    encoding::{AsDer, PublicKeyX509Der},
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
};

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const UTF8_STRING: u8 = 0x0c;
const UTC_TIME: u8 = 0x17;
/// `[0] EXPLICIT` and `[3] EXPLICIT`: the version and the extensions of a certificate.
const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;
/// Names in a subject alternative name.
const DNS_NAME: u8 = 0x82;
const IP_ADDRESS: u8 = 0x87;

const TRUE: [u8; 3] = [0x01, 0x01, 0xff];
/// ecdsa-with-SHA256.
const ECDSA_WITH_SHA256: [u8; 10] = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
/// id-at-commonName.
const COMMON_NAME: [u8; 5] = [0x06, 0x03, 0x55, 0x04, 0x03];
/// id-ce-subjectAltName, id-ce-basicConstraints, id-ce-keyUsage, id-ce-extKeyUsage.
const ALTERNATIVE_NAME: [u8; 5] = [0x06, 0x03, 0x55, 0x1d, 0x11];
const BASIC_CONSTRAINTS: [u8; 5] = [0x06, 0x03, 0x55, 0x1d, 0x13];
const KEY_USAGE: [u8; 5] = [0x06, 0x03, 0x55, 0x1d, 0x0f];
const EXTENDED_KEY_USAGE: [u8; 5] = [0x06, 0x03, 0x55, 0x1d, 0x25];
/// keyCertSign and cRLSign.
const SIGNS_CERTIFICATES: [u8; 4] = [BIT_STRING, 0x02, 0x01, 0x06];
/// id-kp-serverAuth.
const SERVER_AUTH: [u8; 10] = [0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01];

const NAME: &str = "an authority of one test";

/// An authority.
pub struct Authority {
    key: EcdsaKeyPair,
    certificate: Vec<u8>,
}

impl Authority {
    /// A new one.
    pub fn new() -> Self {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a key");
        let constraints = extension(&BASIC_CONSTRAINTS, true, &field(SEQUENCE, &[&TRUE]));
        let usage = extension(&KEY_USAGE, true, &SIGNS_CERTIFICATES);
        let certificate = certificate(&key, 1, NAME, &key, &[&constraints, &usage]);
        Self { key, certificate }
    }

    /// Its certificate, for a file of those who are trusted.
    pub fn pem(&self) -> String {
        let text = STANDARD.encode(&self.certificate);
        let lines: Vec<&str> = (0..text.len()).step_by(64).map(|at| &text[at..text.len().min(at + 64)]).collect();
        format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
    }

    /// What a server on the loopback address answers TLS with: HTTP/1.1 over TLS 1.3 or 1.2,
    /// as DynamoDB does.
    pub fn server(&self) -> Arc<ServerConfig> {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a key");
        let names = [field(IP_ADDRESS, &[&[127, 0, 0, 1]]), field(DNS_NAME, &[b"localhost"])];
        let names = extension(&ALTERNATIVE_NAME, false, &field(SEQUENCE, &[&names[0], &names[1]]));
        let usage = extension(&EXTENDED_KEY_USAGE, false, &field(SEQUENCE, &[&SERVER_AUTH]));
        let leaf = certificate(&self.key, 2, "localhost", &key, &[&names, &usage]);
        let secret = key.to_pkcs8v1().expect("the key can be written").as_ref().to_vec();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider has suites")
            .with_no_client_auth()
            .with_single_cert(vec![CertificateDer::from(leaf)], PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(secret)))
            .expect("key and certificate belong together");
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Arc::new(config)
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Authority")
    }
}

/// A certificate of version 3 for `subject` and its key, signed by the authority.
fn certificate(
    signer: &EcdsaKeyPair,
    serial: u8,
    subject: &str,
    subject_key: &EcdsaKeyPair,
    extensions: &[&[u8]],
) -> Vec<u8> {
    let algorithm = field(SEQUENCE, &[&ECDSA_WITH_SHA256]);
    // Any clock that a test may run under lies within.
    let validity = [field(UTC_TIME, &[b"200101000000Z"]), field(UTC_TIME, &[b"491231235959Z"])];
    let public: PublicKeyX509Der<'_> = subject_key.public_key().as_der().expect("the key can be written");
    let content = field(
        SEQUENCE,
        &[
            &field(VERSION, &[&field(INTEGER, &[&[2]])]),
            &field(INTEGER, &[&[serial]]),
            &algorithm,
            &name(NAME),
            &field(SEQUENCE, &[&validity[0], &validity[1]]),
            &name(subject),
            public.as_ref(),
            &field(EXTENSIONS, &[&field(SEQUENCE, extensions)]),
        ],
    );
    let signature = signer.sign(&SystemRandom::new(), &content).expect("it signs");
    // No bit of the last byte is unused.
    field(SEQUENCE, &[&content, &algorithm, &field(BIT_STRING, &[&[0], signature.as_ref()])])
}

fn name(common: &str) -> Vec<u8> {
    let pair = field(SEQUENCE, &[&COMMON_NAME, &field(UTF8_STRING, &[common.as_bytes()])]);
    field(SEQUENCE, &[&field(SET, &[&pair])])
}

fn extension(id: &[u8], critical: bool, value: &[u8]) -> Vec<u8> {
    let value = field(OCTET_STRING, &[value]);
    if critical { field(SEQUENCE, &[id, &TRUE, &value]) } else { field(SEQUENCE, &[id, &value]) }
}

/// Tag, length, content.
fn field(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = u16::try_from(content.len()).expect("certificates are short").to_be_bytes();
    let head = match length {
        [0, short] if short < 0x80 => vec![tag, short],
        [0, long] => vec![tag, 0x81, long],
        [high, low] => vec![tag, 0x82, high, low],
    };
    [head, content].concat()
}
