//! The configuration of a business, from its files: channels, policies, purposes.
//!
//! Everything that is wrong is found in one go and named by file and line. What
//! comes out can be published as it is.

mod channels;
pub mod operators;
mod policies;
mod problem;
mod purposes;
mod section;

use std::{collections::BTreeMap, path::Path};

use azukari::domain::{consent::BeforeConsent, definition::Text, operator::Operator, retention::Retention};

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
}

/// A channel, as written. Policy and purposes are names that exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    /// The policy in force.
    pub policy: String,
    /// What is done with data that comes before consent.
    pub before_consent: BeforeConsent,
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
    let names = channels::Names {
        purposes: purposes.as_ref().map(|purposes| purposes.keys().map(String::as_str).collect()),
        policies: policies.keys().map(String::as_str).collect(),
    };
    let channels = channels::read(folder, &names, &mut problems);
    let operators = operators::read(folder, names.purposes.as_ref(), &mut problems);
    let belongs = |parts: &[&str]| match parts {
        ["purposes.toml" | operators::FILE] | ["policies", _, "policy.toml"] => true,
        ["channels", name] => name.ends_with(".toml"),
        _ => false,
    };
    section::refuse_strangers(folder, &belongs, &mut problems);
    if problems.is_empty() {
        let purposes = sound(purposes.unwrap_or_default());
        Ok(Configuration { purposes, policies: sound(policies), channels, operators })
    } else {
        Err(problems.sorted())
    }
}

fn sound<T>(named: BTreeMap<String, Option<T>>) -> BTreeMap<String, T> {
    named.into_iter().filter_map(|(name, it)| Some((name, it?))).collect()
}

#[cfg(test)]
mod tests;
