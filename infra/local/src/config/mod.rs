//! The configuration of a business, from its files: channels, policies, purposes.
//!
//! Everything that is wrong is found in one go and named by file and line. What
//! comes out can be published as it is.

mod channels;
pub mod messages;
pub mod operators;
mod policies;
mod problem;
mod purposes;
mod section;
mod term;

use std::{collections::BTreeMap, path::Path};

use azukari::domain::{
    consent::BeforeConsent,
    definition::{Business, Text},
    operator::Operator,
    retention::{Retention, Term},
    wording::Wording,
};

pub use problem::{Problem, Problems};

/// A purpose, as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purpose {
    /// What people read.
    pub title: Text,
    /// How long values are kept.
    pub retention: Retention,
}

/// A policy, as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Its title.
    pub title: Text,
    /// Its text in Markdown.
    pub body: Text,
    /// What the law wants to be made known.
    pub business: Business,
}

/// What an account says in the chat, as written: with its variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Messages {
    /// The language of the texts.
    pub language: messages::Language,
    /// The texts.
    pub texts: Wording,
}

/// A channel, as written. Policy and purposes are names that exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    /// The policy in force.
    pub policy: String,
    /// What is done with data that comes before consent.
    pub before_consent: BeforeConsent,
    /// How long after a block everything is erased.
    pub after_block: Term,
    /// What is said in the chat.
    pub messages: String,
    /// Purpose of chat messages.
    pub message: String,
    /// Purpose of postbacks, beacons and the like.
    pub event: String,
    /// Purpose of the profile.
    pub profile: String,
    /// Purpose of the LINE user id.
    pub line_contact: String,
}

/// Everything a business has configured.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Configuration {
    /// By name.
    pub purposes: BTreeMap<String, Purpose>,
    /// By name of the folder.
    pub policies: BTreeMap<String, Policy>,
    /// By name of the file.
    pub channels: BTreeMap<String, Channel>,
    /// By name of the file.
    pub messages: BTreeMap<String, Messages>,
    /// Who may ask the opener.
    pub operators: Vec<Operator>,
}

/// Reads a configuration folder.
///
/// # Errors
/// Every problem of every file.
pub fn read(folder: &Path) -> Result<Configuration, Problems> {
    let mut problems = Problems::default();
    let purposes = purposes::read(folder, &mut problems);
    let policies = policies::read(folder, &mut problems);
    let messages = messages::read(folder, &mut problems);
    let names = channels::Names {
        purposes: purposes.as_ref().map(|purposes| purposes.keys().map(String::as_str).collect()),
        policies: policies.keys().map(String::as_str).collect(),
        messages: messages.keys().map(String::as_str).collect(),
    };
    let channels = channels::read(folder, &names, &mut problems);
    let operators = operators::read(folder, names.purposes.as_ref(), &mut problems);
    let belongs = |parts: &[&str]| match parts {
        ["purposes.toml" | operators::FILE] | ["policies", _, "policy.toml"] => true,
        ["channels" | "messages", name] => name.ends_with(".toml"),
        _ => false,
    };
    section::refuse_strangers(folder, &belongs, &mut problems);
    if !problems.is_empty() {
        return Err(problems.sorted());
    }
    let purposes = sound(purposes.unwrap_or_default());
    let (policies, messages) = (sound(policies), sound(messages));
    let configuration = Configuration { purposes, policies, channels, messages, operators };
    for (name, channel) in &configuration.channels {
        messages::check_lengths(&channel.messages, name, &configuration.wording(channel), &mut problems);
    }
    if problems.is_empty() { Ok(configuration) } else { Err(problems.sorted()) }
}

impl Configuration {
    /// What the account of a channel says, filled in but for the address of the policy.
    /// Everything that the channel names is there: [`read`] has seen to it.
    pub fn wording(&self, channel: &Channel) -> Wording {
        let purposes: Vec<&Purpose> = channel.purposes().into_iter().map(|name| &self.purposes[name]).collect();
        self.messages[&channel.messages].wording(&self.policies[&channel.policy].business, &purposes, channel)
    }
}

impl Channel {
    /// The names of its purposes, each once, those that people think of first at the
    /// beginning.
    pub fn purposes(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::with_capacity(4);
        for name in [&self.message, &self.event, &self.profile, &self.line_contact] {
            if !names.contains(&name.as_str()) {
                names.push(name);
            }
        }
        names
    }
}

fn sound<T>(named: BTreeMap<String, Option<T>>) -> BTreeMap<String, T> {
    named.into_iter().filter_map(|(name, it)| Some((name, it?))).collect()
}

#[cfg(test)]
mod tests;
