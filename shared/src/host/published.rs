//! Published channels and policies, as the functions use them: loaded at first use.
//! A channel is kept for a minute: a definition that is a minute old is still a
//! published one.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use crate::domain::{
    definition::{ChannelDefinition, PolicyDefinition, PurposeTerms},
    form::FormDefinition,
    id::{ChannelName, DefinitionId, VersionId},
    time::{SECOND_MS, UnixMs},
};
use crate::store::{StoreError, Vault, published::DefinitionKind};

/// Policy versions that have been read. A published version never changes, so it need
/// not be read again.
#[derive(Debug, Default)]
pub struct Policies(tokio::sync::Mutex<HashMap<VersionId, Arc<PolicyDefinition>>>);

impl Policies {
    /// A policy version: no call if it was read before, otherwise one. `None` if
    /// nothing of the kind was published.
    ///
    /// # Errors
    /// The store did not answer.
    pub async fn version(
        &self,
        vault: &Vault,
        policy: &VersionId,
    ) -> Result<Option<Arc<PolicyDefinition>>, StoreError> {
        let mut read = self.0.lock().await;
        if let Some(known) = read.get(policy) {
            return Ok(Some(Arc::clone(known)));
        }
        let text = vault.published(DefinitionKind::Policy, policy).await?;
        let definition: Option<Arc<PolicyDefinition>> =
            text.and_then(|text| serde_json::from_str(&text).ok()).map(Arc::new);
        if let Some(definition) = &definition {
            read.insert(policy.clone(), Arc::clone(definition));
        }
        Ok(definition)
    }

    /// The terms of a purpose in a policy version.
    ///
    /// # Errors
    /// The store did not answer.
    pub async fn terms(
        &self,
        vault: &Vault,
        policy: &VersionId,
        purpose: &DefinitionId,
    ) -> Result<Option<PurposeTerms>, StoreError> {
        let definition = self.version(vault, policy).await?;
        Ok(definition.and_then(|definition| definition.terms(purpose).cloned()))
    }
}

/// A policy version in its history.
#[derive(Debug)]
pub struct PolicyVersion {
    /// Which version, from 1.
    pub version: u32,
    /// When it was published.
    pub published_at: UnixMs,
    /// What it says.
    pub definition: PolicyDefinition,
}

/// Every version of a policy.
#[derive(Debug)]
pub struct History(Vec<PolicyVersion>);

impl History {
    /// The versions, in no order.
    pub fn versions(&self) -> impl Iterator<Item = &PolicyVersion> {
        self.0.iter()
    }
}

/// Histories that have been loaded.
#[derive(Debug, Default)]
pub struct Histories(Mutex<HashMap<VersionId, (UnixMs, Arc<History>)>>);

impl Histories {
    /// The history of a policy up to its current version: no call if it was loaded
    /// within the last minute, otherwise one for each megabyte. A version that cannot be
    /// read any more is left out.
    ///
    /// # Errors
    /// The store did not answer.
    pub async fn of(&self, vault: &Vault, current: &VersionId, now: UnixMs) -> Result<Arc<History>, StoreError> {
        if let Some(history) = self.loaded(current, now) {
            return Ok(history);
        }
        let texts = vault.versions(DefinitionKind::Policy, &current.id).await?;
        let read = texts.into_iter().filter_map(|text| {
            let definition = serde_json::from_str(&text.text).ok()?;
            Some(PolicyVersion { version: text.version, published_at: text.published_at, definition })
        });
        let history = Arc::new(History(read.collect()));
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, (at, _)| (0..KEPT_MS).contains(&now.since(*at)));
        all.insert(current.clone(), (now, Arc::clone(&history)));
        Ok(history)
    }

    /// Forgets what was loaded.
    pub fn forget_all(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn loaded(&self, current: &VersionId, now: UnixMs) -> Option<Arc<History>> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, history) = all.get(current)?;
        (0..KEPT_MS).contains(&now.since(*at)).then(|| Arc::clone(history))
    }
}

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

/// A form version.
#[derive(Debug)]
pub struct Form {
    /// Which version it is.
    pub version: VersionId,
    /// Its channel.
    pub channel: ChannelName,
    /// The policy version under which it asks.
    pub policy: VersionId,
    /// What it asks.
    pub definition: FormDefinition,
}

/// Forms that have been read: which version of each is in force, for a minute; and the
/// versions, which never change.
#[derive(Debug, Default)]
pub struct Forms {
    current: Mutex<HashMap<String, (UnixMs, VersionId)>>,
    versions: Mutex<HashMap<VersionId, Arc<Form>>>,
}

impl Forms {
    /// The version of a form in force: no call if it was looked up within the last minute,
    /// otherwise one, and another for a version that was not read before. `None` if there
    /// is no such form.
    ///
    /// # Errors
    /// The store did not answer.
    pub async fn current(&self, vault: &Vault, name: &str, now: UnixMs) -> Result<Option<Arc<Form>>, StoreError> {
        let known = {
            let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
            current.get(name).filter(|(at, _)| (0..KEPT_MS).contains(&now.since(*at))).map(|(_, of)| of.clone())
        };
        let version = match known {
            Some(version) => version,
            None => {
                let Some(version) = vault.current(DefinitionKind::Form, name).await? else { return Ok(None) };
                let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
                current.insert(name.to_owned(), (now, version.clone()));
                version
            }
        };
        self.version(vault, &version).await
    }

    /// A form version: no call if it was read before, otherwise one. `None` if there is
    /// none, or it cannot be read any more.
    ///
    /// # Errors
    /// The store did not answer.
    pub async fn version(&self, vault: &Vault, version: &VersionId) -> Result<Option<Arc<Form>>, StoreError> {
        let known = self.versions.lock().unwrap_or_else(PoisonError::into_inner).get(version).cloned();
        if known.is_some() {
            return Ok(known);
        }
        let Some(text) = vault.published(DefinitionKind::Form, version).await? else { return Ok(None) };
        let Some(form) = read_form(version, &text).map(Arc::new) else { return Ok(None) };
        let mut versions = self.versions.lock().unwrap_or_else(PoisonError::into_inner);
        versions.insert(version.clone(), Arc::clone(&form));
        Ok(Some(form))
    }

    /// Forgets what was read.
    pub fn forget_all(&self) {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.versions.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

fn read_form(version: &VersionId, text: &str) -> Option<Form> {
    let definition: FormDefinition = serde_json::from_str(text).ok()?;
    Some(Form {
        version: version.clone(),
        channel: ChannelName::parse(&definition.channel).ok()?,
        policy: VersionId::parse(&definition.policy).ok()?,
        definition,
    })
}
