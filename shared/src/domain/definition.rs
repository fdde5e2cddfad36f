//! What a business has published: channels, policies, purposes.
//!
//! A published version is never changed. It carries everything the functions
//! need, so that a value stored under it can be explained years later.

use serde::{Deserialize, Serialize};

use crate::domain::{
    consent::BeforeConsent,
    id::{DefinitionId, Malformed, VersionId},
    retention::Retention,
};

/// A text in both languages of the product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Text {
    /// Japanese.
    pub ja: String,
    /// English.
    pub en: String,
}

/// A purpose of use (利用目的) with its retention, as stated in one policy version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurposeTerms {
    /// The opaque id that rows and logs carry.
    pub id: DefinitionId,
    /// The name in the configuration files.
    pub name: String,
    /// What people read.
    pub title: Text,
    /// How long values for this purpose are kept.
    pub retention: Retention,
}

/// A policy version: the notice and the purposes it covers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyDefinition {
    /// The name of its folder.
    pub name: String,
    /// Its title.
    pub title: Text,
    /// Its text in Markdown.
    pub body: Text,
    /// The purposes it covers, by name.
    pub purposes: Vec<PurposeTerms>,
}

impl PolicyDefinition {
    /// The terms of one purpose.
    pub fn terms(&self, purpose: &DefinitionId) -> Option<&PurposeTerms> {
        self.purposes.iter().find(|terms| terms.id == *purpose)
    }
}

/// What is stored by rule rather than by form, and for which purpose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelPurposes {
    /// Chat messages.
    pub message: PurposeTerms,
    /// Postbacks, beacons and the like.
    pub event: PurposeTerms,
    /// Display name, picture, status message.
    pub profile: PurposeTerms,
    /// The LINE user id itself: being able to reach the person.
    pub line_contact: PurposeTerms,
}

/// A channel version: the rules for one LINE Official Account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelDefinition {
    /// The name of its file and in the webhook path.
    pub name: String,
    /// The policy version in force, as `id.n`.
    pub policy: String,
    /// What is done with data that comes before consent.
    pub before_consent: BeforeConsent,
    /// Purposes of what is stored.
    pub purposes: ChannelPurposes,
}

impl ChannelDefinition {
    /// The policy version in force.
    ///
    /// # Errors
    /// The published text holds no version id.
    pub fn policy_version(&self) -> Result<VersionId, Malformed> {
        VersionId::parse(&self.policy)
    }
}
