//! The configuration of a business, from its files: channels, forms, policies, purposes,
//! member sites.
//!
//! Everything that is wrong is found in one go and named by file and line. What
//! comes out can be published as it is.

mod channels;
mod forbidden;
mod forms;
mod link;
pub mod messages;
pub mod operators;
mod policies;
mod problem;
mod purposes;
mod section;
mod sites;
mod term;

use std::{collections::BTreeMap, path::Path};

use azukari::domain::{
    consent::BeforeConsent,
    definition::{BotPrompt, Business, ProfileItem, Text},
    form::{Kind, Rules, ShowIf},
    operator::Operator,
    retention::{Retention, Term},
    site::Site,
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
    /// The LIFF app in which its forms open. Without it, the channel has no forms.
    pub liff_id: Option<String>,
    /// Words in the chat that are answered with a form.
    pub keywords: Vec<Keyword>,
    /// The form that is offered to a new friend.
    pub greeting_form: Option<String>,
    /// How its people are joined with the member ids of the business, if they are.
    pub link: Option<Link>,
    /// Words that are answered with the question whether everything is to be erased.
    pub erase_words: Vec<String>,
    /// Words that are answered with the purposes for which consent can be taken back.
    pub withdraw_words: Vec<String>,
    /// Words that are answered with the way to the page on which something can be corrected
    /// or stopped.
    pub page_words: Vec<String>,
}

/// How the people of a channel are joined with the member ids of the business, as written.
/// The purpose is a name that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// What a member id, and what comes with it, is kept for.
    pub purpose: String,
    /// Words that are answered with the way to link, as those of [`Keyword`].
    pub words: Vec<String>,
    /// Words that are answered with the way to unlink, as those of [`Keyword`].
    pub unlink_words: Vec<String>,
    /// The first of them as it is written: people are told of it.
    pub unlink_word: String,
    /// How LINE's consent screen offers to add the account.
    pub bot_prompt: Option<BotPrompt>,
    /// The rich menu that linked people see.
    pub rich_menu: Option<String>,
    /// What may be taken over from LINE Profile+.
    pub profile_plus: Vec<ProfileItem>,
}

/// Words that are answered with a form of the channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keyword {
    /// The words in NFKC, without the white space around them, in lower case.
    pub words: Vec<String>,
    /// The form. It is there, and belongs to the channel.
    pub form: String,
}

/// A form, as written. Channel, policy and purposes are names that exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    /// The channel whose people fill it in.
    pub channel: String,
    /// The policy under which it asks.
    pub policy: String,
    /// Its title.
    pub title: Text,
    /// What it is for, in a sentence or two.
    pub description: Text,
    /// What the page says after it was sent.
    pub thanks: Text,
    /// What the account says in the chat after it was sent.
    pub reply: Option<String>,
    /// Whether no answer is stored: each adds to counters.
    pub anonymous: bool,
    /// Its parts, in order.
    pub sections: Vec<FormSection>,
    /// What people agree to for the sensitive fields under a purpose (要配慮個人情報), by the
    /// purpose: there is a text for each purpose that has such a field, and for no other.
    pub sensitive: BTreeMap<String, Text>,
}

/// A part of a form, as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormSection {
    /// Its heading.
    pub title: Text,
    /// Its fields, in order.
    pub fields: Vec<FormField>,
}

/// A field of a form, as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormField {
    /// Its name in answers: no other field of the form has it.
    pub name: String,
    /// What kind of answer it takes.
    pub kind: Kind,
    /// What is asked.
    pub label: Text,
    /// What helps to answer.
    pub help: Option<Text>,
    /// Whether it must be answered, where it is shown.
    pub required: bool,
    /// What the answer is kept for. `None` in an anonymous form.
    pub purpose: Option<String>,
    /// Whether the answer is 要配慮個人情報.
    pub sensitive: bool,
    /// Whether the person can be found by it.
    pub lookup: bool,
    /// Whether it can be filled in from the person's LINE profile.
    pub quick_fill: bool,
    /// Whether the retention of its purpose is counted from its answer.
    pub starts_retention: bool,
    /// It is asked only after this answer.
    pub show_if: Option<ShowIf>,
    /// The limits of an answer.
    pub rules: Rules,
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
    pub forms: BTreeMap<String, Form>,
    /// By name of the file.
    pub messages: BTreeMap<String, Messages>,
    /// Who may ask the opener.
    pub operators: Vec<Operator>,
    /// The member sites. The channel of each is there, and has a [`Link`].
    pub sites: Vec<Site>,
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
    let retentions = purposes.as_ref().map(|purposes| {
        purposes.iter().filter_map(|(name, purpose)| Some((name.as_str(), purpose.as_ref()?.retention))).collect()
    });
    let names = channels::Names {
        purposes: purposes.as_ref().map(|purposes| purposes.keys().map(String::as_str).collect()),
        retentions: retentions.unwrap_or_default(),
        policies: policies.keys().map(String::as_str).collect(),
        messages: messages.keys().map(String::as_str).collect(),
    };
    let mut mentions = Vec::new();
    let channels = channels::read(folder, &names, &mut mentions, &mut problems);
    let forms = forms::read(folder, &names, &channels, &mut problems);
    let operators = operators::read(folder, names.purposes.as_ref(), &mut problems);
    let sites = sites::read(folder, &channels, &mut problems);
    let language = |channel: &str| {
        let channel = channels.get(channel)?.as_ref()?;
        Some(messages.get(&channel.messages)?.as_ref()?.language)
    };
    forms::check_mentions(&mentions, &forms, language, &mut problems);
    let belongs = |parts: &[&str]| match parts {
        ["purposes.toml" | operators::FILE | sites::FILE] | ["policies", _, "policy.toml"] => true,
        ["channels" | "forms" | "messages", name] => name.ends_with(".toml"),
        _ => false,
    };
    section::refuse_strangers(folder, &belongs, &mut problems);
    if !problems.is_empty() {
        return Err(problems.sorted());
    }
    let purposes = sound(purposes.unwrap_or_default());
    let (policies, messages) = (sound(policies), sound(messages));
    let (channels, forms) = (sound(channels), sound(forms));
    let configuration = Configuration { purposes, policies, channels, forms, messages, operators, sites };
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
    /// beginning. That of linking is not among them: who links is asked then.
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
mod forms_tests;
#[cfg(test)]
mod link_tests;
#[cfg(test)]
mod tests;
