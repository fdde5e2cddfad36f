//! Published channels, as the functions use them: loaded at first use, kept for a
//! minute. A definition that is a minute old is still a published one.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use crate::domain::{
    definition::ChannelDefinition,
    id::{ChannelName, VersionId},
    time::{SECOND_MS, UnixMs},
};
use crate::store::{StoreError, Vault, published::DefinitionKind};

/// How long a definition is used without asking again.
const KEPT_MS: i64 = 60 * SECOND_MS;

/// A channel with the policy version in force.
#[derive(Debug)]
pub struct Channel {
    /// Its name.
    pub name: ChannelName,
    /// Its definition.
    pub definition: ChannelDefinition,
    /// The policy version in force.
    pub policy: VersionId,
}

/// A channel that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChannelError {
    /// Secrets name it and nothing of that name is published.
    #[error("the channel is not published")]
    NotPublished,
    /// What is published cannot be read.
    #[error("the published channel cannot be read")]
    Malformed,
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Channels that have been loaded.
#[derive(Debug, Default)]
pub struct Channels(Mutex<HashMap<ChannelName, (UnixMs, Arc<Channel>)>>);

impl Channels {
    /// A channel: no call if it was loaded within the last minute, otherwise two.
    ///
    /// # Errors
    /// See [`ChannelError`].
    pub async fn channel(&self, vault: &Vault, name: &ChannelName, now: UnixMs) -> Result<Arc<Channel>, ChannelError> {
        if let Some(channel) = self.loaded(name, now) {
            return Ok(channel);
        }
        let version = vault.current(DefinitionKind::Channel, name.as_str()).await?.ok_or(ChannelError::NotPublished)?;
        let text = vault.published(DefinitionKind::Channel, &version).await?.ok_or(ChannelError::NotPublished)?;
        let definition: ChannelDefinition = serde_json::from_str(&text).map_err(|_| ChannelError::Malformed)?;
        let policy = definition.policy_version().map_err(|_| ChannelError::Malformed)?;
        let channel = Arc::new(Channel { name: name.clone(), definition, policy });
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(name.clone(), (now, Arc::clone(&channel)));
        Ok(channel)
    }

    /// Forgets what was loaded.
    pub fn forget_all(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn loaded(&self, name: &ChannelName, now: UnixMs) -> Option<Arc<Channel>> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, channel) = all.get(name)?;
        (0..KEPT_MS).contains(&now.since(*at)).then(|| Arc::clone(channel))
    }
}
