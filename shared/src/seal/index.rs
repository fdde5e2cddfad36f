//! Keyed digests of a LINE user id: where the mapping lies, and who owns a record.
//!
//! A LINE user id has 128 bits of its own, so a local HMAC key is enough
//! (e-mail addresses, phone numbers and member ids will use KMS). The one key
//! makes two unrelated digests, told apart by a label.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::domain::id::{ChannelName, DefinitionId, LineUserId, Malformed};

/// The `user_index` key.
#[derive(Clone)]
pub struct IndexKey {
    key: Zeroizing<[u8; 32]>,
    id: [u8; 8],
}

/// Where the mapping of a LINE user lies: a blind index.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UserDigest([u8; 32]);

/// Which LINE user a record belongs to, as sealed in field 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnerCheck {
    /// Id of the index key that made it.
    pub key_id: [u8; 8],
    /// The digest.
    pub digest: [u8; 32],
}

impl IndexKey {
    /// From 32 secret bytes.
    ///
    /// # Errors
    /// Another length.
    pub fn new(secret: &[u8]) -> Result<Self, Malformed> {
        let key = <[u8; 32]>::try_from(secret).map_err(|_| Malformed("user_index key"))?;
        let mut id = [0; 8];
        id.copy_from_slice(&Sha256::digest([b"azukari key id v1".as_slice(), &key].concat())[..8]);
        Ok(Self { key: Zeroizing::new(key), id })
    }

    /// A short id of the key, as 16 hexadecimal digits: stored beside what it made.
    pub fn id(&self) -> String {
        hex(&self.id)
    }

    /// Where the mapping of this user in this channel lies.
    pub fn user(&self, channel: &ChannelName, user: &LineUserId) -> UserDigest {
        UserDigest(self.digest(b"azukari user v1", channel, user))
    }

    /// The owner check of this user's records in this channel.
    pub fn owner(&self, channel: &ChannelName, user: &LineUserId) -> OwnerCheck {
        OwnerCheck { key_id: self.id, digest: self.digest(b"azukari owner v1", channel, user) }
    }

    /// The mark that this user has answered an anonymous form, as 64 hexadecimal digits.
    pub fn answered(&self, channel: &ChannelName, form: &DefinitionId, user: &LineUserId) -> String {
        let label = format!("azukari answered v1 {form}");
        hex(&self.digest(label.as_bytes(), channel, user))
    }

    fn digest(&self, label: &[u8], channel: &ChannelName, user: &LineUserId) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(&*self.key).expect("HMAC takes a key of any length");
        mac.update(label);
        // Neither a channel name nor a LINE user id can hold a zero byte.
        mac.update(&[0]);
        mac.update(channel.as_str().as_bytes());
        mac.update(&[0]);
        mac.update(user.reveal().as_bytes());
        mac.finalize().into_bytes().into()
    }
}

impl std::fmt::Debug for IndexKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "IndexKey({})", self.id())
    }
}

impl std::fmt::Display for UserDigest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_differ_by_label_channel_user_and_key() {
        let (one, two) = (IndexKey::new(&[1; 32]).unwrap(), IndexKey::new(&[2; 32]).unwrap());
        let (shop, clinic) = (ChannelName::parse("shop").unwrap(), ChannelName::parse("clinic").unwrap());
        let (a, b) = (LineUserId::parse("Ua").unwrap(), LineUserId::parse("Ub").unwrap());
        let base = one.user(&shop, &a);
        assert_eq!(base, one.user(&shop, &a));
        for other in [one.user(&shop, &b), one.user(&clinic, &a), two.user(&shop, &a)] {
            assert_ne!(base, other);
        }
        assert_ne!(base.0, one.owner(&shop, &a).digest);
        assert_ne!(one.id(), two.id());
    }

    #[test]
    fn a_key_has_32_bytes_and_does_not_print() {
        assert!(IndexKey::new(&[0; 31]).is_err());
        let shown = format!("{:?}", IndexKey::new(&[0xab; 32]).unwrap());
        assert!(!shown.contains("abab"), "{shown}");
    }
}
