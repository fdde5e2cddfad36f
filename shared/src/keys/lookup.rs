//! Keyed digests by which a person can be found: of e-mail addresses, phone numbers and
//! member ids. There are few enough of these to try them all, so the key never leaves KMS,
//! which counts and bounds every digest that is made.

use aws_sdk_kms::{Client, primitives::Blob, types::MacAlgorithmSpec};

use crate::domain::{id::ChannelName, plain::Plain};
use crate::keys::KeyError;

/// The KMS key `index`.
#[derive(Clone)]
pub struct LookupKey {
    kms: Client,
    key: String,
}

impl LookupKey {
    /// The key of this id, through a client.
    pub fn new(kms: Client, key: impl Into<String>) -> Self {
        Self { kms, key: key.into() }
    }

    /// The digest of one answer, as 64 hexadecimal digits: one call. Digests of different
    /// kinds and channels have nothing in common.
    ///
    /// # Errors
    /// The KMS call failed.
    pub async fn digest(&self, channel: &ChannelName, kind: &str, answer: &Plain<String>) -> Result<String, KeyError> {
        // Neither a channel name nor a kind can hold a zero byte.
        let message = format!("azukari lookup v1\0{channel}\0{kind}\0{}", answer.reveal());
        let answer = self
            .kms
            .generate_mac()
            .key_id(&self.key)
            .mac_algorithm(MacAlgorithmSpec::HmacSha256)
            .message(Blob::new(message))
            .send()
            .await
            .map_err(|error| KeyError::call("GenerateMac", error))?;
        let mac = answer.mac.ok_or(KeyError::Answer("GenerateMac"))?.into_inner();
        Ok(mac.iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

impl std::fmt::Debug for LookupKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LookupKey({})", self.key)
    }
}
