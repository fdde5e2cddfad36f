//! Publishing: configuration becomes immutable versions under opaque ids. Nothing
//! is written for what has not changed.

use std::collections::BTreeMap;

use azukari::{
    domain::{
        definition::{ChannelDefinition, ChannelPurposes, ChannelRules, PolicyDefinition, PurposeTerms},
        id::{DefinitionId, VersionId},
        sweep,
        time::UnixMs,
    },
    host::mint::Mint,
    store::{StoreError, Vault, published::DefinitionKind},
};
use serde::Serialize;

use crate::config::Configuration;

/// What was published, by opaque id: rows speak of these.
#[derive(Debug, Clone, Default)]
pub struct Published {
    /// Purposes by name.
    pub purposes: BTreeMap<String, PurposeTerms>,
    /// Policy versions in force, by name.
    pub policies: BTreeMap<String, VersionId>,
    /// Definitions that have got a new version.
    pub changed: usize,
}

struct Publisher<'a> {
    vault: &'a Vault,
    now: UnixMs,
    changed: usize,
}

/// Publishes a configuration: purposes, then the policies that cover them, then the
/// channels that use them.
///
/// # Errors
/// The store did not answer, or somebody else published at the same moment.
pub async fn publish(
    vault: &Vault,
    configuration: &Configuration,
    mint: &dyn Mint,
    now: UnixMs,
) -> Result<Published, StoreError> {
    vault.begin_cursor(sweep::cursor(None, now)).await?;
    let mut publisher = Publisher { vault, now, changed: 0 };
    let mut published = Published::default();
    for (name, purpose) in &configuration.purposes {
        let known = vault.current(DefinitionKind::Purpose, name).await?;
        let id = known.as_ref().map_or_else(|| mint.definition_id(), |version| version.id.clone());
        let terms = PurposeTerms {
            id: id.clone(),
            name: name.clone(),
            title: purpose.title.clone(),
            retention: purpose.retention,
        };
        publisher.version(DefinitionKind::Purpose, name, known, id, &terms).await?;
        published.purposes.insert(name.clone(), terms);
    }
    for (name, policy) in &configuration.policies {
        let known = vault.current(DefinitionKind::Policy, name).await?;
        let id = known.as_ref().map_or_else(|| mint.definition_id(), |version| version.id.clone());
        let definition = PolicyDefinition {
            name: name.clone(),
            title: policy.title.clone(),
            body: policy.body.clone(),
            purposes: covered(configuration, name, &published.purposes),
            business: Some(policy.business.clone()),
            channels: rules(configuration, name),
        };
        let version = publisher.version(DefinitionKind::Policy, name, known, id, &definition).await?;
        published.policies.insert(name.clone(), version);
    }
    for (name, channel) in &configuration.channels {
        let terms = |purpose: &str| published.purposes[purpose].clone();
        let definition = ChannelDefinition {
            name: name.clone(),
            policy: published.policies[&channel.policy].to_string(),
            before_consent: channel.before_consent,
            purposes: ChannelPurposes {
                message: terms(&channel.message),
                event: terms(&channel.event),
                profile: terms(&channel.profile),
                line_contact: terms(&channel.line_contact),
            },
            after_block: channel.after_block,
            wording: Some(configuration.wording(channel)),
        };
        let known = vault.current(DefinitionKind::Channel, name).await?;
        let id = known.as_ref().map_or_else(|| mint.definition_id(), |version| version.id.clone());
        publisher.version(DefinitionKind::Channel, name, known, id, &definition).await?;
    }
    published.changed = publisher.changed;
    Ok(published)
}

/// The rules of the channels under a policy.
fn rules(configuration: &Configuration, policy: &str) -> Vec<ChannelRules> {
    let under = configuration.channels.iter().filter(|(_, channel)| channel.policy == policy);
    under
        .map(|(name, channel)| ChannelRules {
            channel: name.clone(),
            before_consent: channel.before_consent,
            after_block: channel.after_block,
        })
        .collect()
}

/// The purposes that a policy covers: those of the channels under it, each once.
fn covered(
    configuration: &Configuration,
    policy: &str,
    purposes: &BTreeMap<String, PurposeTerms>,
) -> Vec<PurposeTerms> {
    let mut used: Vec<&str> = Vec::new();
    for channel in configuration.channels.values().filter(|channel| channel.policy == policy) {
        used.extend(channel.purposes());
    }
    let mut seen = std::collections::BTreeSet::new();
    used.into_iter().filter(|name| seen.insert(*name)).filter_map(|name| purposes.get(name)).cloned().collect()
}

impl Publisher<'_> {
    /// The current version if the text is unchanged, otherwise the next one.
    async fn version(
        &mut self,
        kind: DefinitionKind,
        name: &str,
        known: Option<VersionId>,
        id: DefinitionId,
        definition: &impl Serialize,
    ) -> Result<VersionId, StoreError> {
        let text = serde_json::to_string(definition).expect("definitions are plain data");
        let version = match known {
            None => VersionId { id, version: 1 },
            Some(current) => {
                if self.vault.published(kind, &current).await?.as_deref() == Some(&text) {
                    return Ok(current);
                }
                VersionId { id, version: current.version + 1 }
            }
        };
        self.vault.publish(kind, name, &version, &text, self.now).await?;
        self.changed += 1;
        Ok(version)
    }
}
