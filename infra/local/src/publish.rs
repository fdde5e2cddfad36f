//! Publishing: configuration becomes immutable versions under opaque ids. Nothing
//! is written for what has not changed. It is planned first and then carried out, so that
//! somebody can look at the plan.

use std::collections::BTreeMap;

use azukari::{
    domain::{
        definition::{
            ChannelDefinition, ChannelPurposes, ChannelRules, FormLink, Keyword, LinkTerms, PolicyDefinition,
            PurposeTerms,
        },
        form::{self, Field, FormDefinition, Section},
        id::{DefinitionId, VersionId},
        sweep,
        time::UnixMs,
    },
    host::mint::Mint,
    store::{StoreError, Vault, published::DefinitionKind},
};
use serde::Serialize;

use crate::config::{self, Channel, Configuration, Form};

/// What was published, by opaque id: rows speak of these.
#[derive(Debug, Clone, Default)]
pub struct Published {
    /// Purposes by name.
    pub purposes: BTreeMap<String, PurposeTerms>,
    /// Policy versions in force, by name.
    pub policies: BTreeMap<String, VersionId>,
    /// Form versions in force, by name.
    pub forms: BTreeMap<String, VersionId>,
    /// Definitions that have got a new version.
    pub changed: usize,
}

/// What publishing a configuration would write. Nothing is written by planning.
#[derive(Debug, Clone)]
pub struct Plan {
    steps: Vec<Step>,
    published: Published,
    gone: Vec<String>,
}

/// One definition of a plan.
#[derive(Debug, Clone)]
pub struct Step {
    /// What it is.
    pub kind: DefinitionKind,
    /// Its name in the configuration.
    pub name: String,
    /// The version that it has, or will have.
    pub version: VersionId,
    /// Its text.
    pub text: String,
    /// What is published of it now.
    pub was: Was,
}

/// What is published of a definition before a plan is carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Was {
    /// Nothing.
    Absent,
    /// Another text.
    Other(String),
    /// The same text: nothing is to be done.
    Same,
}

impl Plan {
    /// Every definition of the configuration, in the order in which they are published.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Those that get a new version.
    pub fn changes(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| step.was != Was::Same)
    }

    /// Channels that are published and that the configuration does not name any more, as far
    /// as somebody has told of them: carrying a plan out leaves them as they are.
    pub fn gone(&self) -> &[String] {
        &self.gone
    }

    /// Looks whether some of these channels are published, and not in the configuration.
    ///
    /// # Errors
    /// The store did not answer.
    pub(crate) async fn look_for(
        &mut self,
        vault: &Vault,
        channels: impl IntoIterator<Item = String>,
    ) -> Result<(), StoreError> {
        for name in channels {
            let named = self.steps.iter().any(|step| step.kind == DefinitionKind::Channel && step.name == name);
            if !named && vault.current(DefinitionKind::Channel, &name).await?.is_some() {
                self.gone.push(name);
            }
        }
        Ok(())
    }

    /// Whether everything is published already.
    pub fn is_empty(&self) -> bool {
        self.changes().next().is_none()
    }
}

struct Planner<'a> {
    vault: &'a Vault,
    mint: &'a dyn Mint,
    steps: Vec<Step>,
}

/// Publishes a configuration.
///
/// # Errors
/// The store did not answer, or somebody else published at the same moment.
pub async fn publish(
    vault: &Vault,
    configuration: &Configuration,
    mint: &dyn Mint,
    now: UnixMs,
) -> Result<Published, StoreError> {
    carry_out(vault, plan(vault, configuration, mint).await?, now).await
}

/// Compares a configuration with what is published: purposes, then the policies that cover
/// them, then the channels that use them, then the forms. It only reads.
///
/// # Errors
/// The store did not answer.
pub async fn plan(vault: &Vault, configuration: &Configuration, mint: &dyn Mint) -> Result<Plan, StoreError> {
    let mut planner = Planner { vault, mint, steps: Vec::new() };
    let mut published = Published::default();
    for (name, purpose) in &configuration.purposes {
        let (known, id) = planner.known(DefinitionKind::Purpose, name).await?;
        let terms = PurposeTerms {
            id: id.clone(),
            name: name.clone(),
            title: purpose.title.clone(),
            retention: purpose.retention,
        };
        planner.version(DefinitionKind::Purpose, name, known, id, &terms).await?;
        published.purposes.insert(name.clone(), terms);
    }
    for (name, policy) in &configuration.policies {
        let (known, id) = planner.known(DefinitionKind::Policy, name).await?;
        let definition = PolicyDefinition {
            name: name.clone(),
            title: policy.title.clone(),
            body: policy.body.clone(),
            purposes: covered(configuration, name, &published.purposes),
            business: Some(policy.business.clone()),
            channels: rules(configuration, name),
        };
        let version = planner.version(DefinitionKind::Policy, name, known, id, &definition).await?;
        published.policies.insert(name.clone(), version);
    }
    for (name, channel) in &configuration.channels {
        let definition = channel_definition(configuration, &published, name, channel);
        let (known, id) = planner.known(DefinitionKind::Channel, name).await?;
        planner.version(DefinitionKind::Channel, name, known, id, &definition).await?;
    }
    for (name, form) in &configuration.forms {
        let definition = form_definition(configuration, &published, name, form);
        let (known, id) = planner.known(DefinitionKind::Form, name).await?;
        let version = planner.version(DefinitionKind::Form, name, known, id, &definition).await?;
        published.forms.insert(name.clone(), version);
    }
    let mut plan = Plan { steps: planner.steps, published, gone: Vec::new() };
    plan.published.changed = plan.changes().count();
    Ok(plan)
}

/// Writes what a plan says, each version and the pointer to it at once. If it breaks off,
/// what is left is in the next plan.
///
/// # Errors
/// The store did not answer, or somebody else published since the plan was made.
pub async fn carry_out(vault: &Vault, plan: Plan, now: UnixMs) -> Result<Published, StoreError> {
    vault.begin_cursor(sweep::cursor(None, now)).await?;
    for step in plan.changes() {
        vault.publish(step.kind, &step.name, &step.version, &step.text, now).await?;
    }
    Ok(plan.published)
}

/// A channel as it is published. Everything that it names is there: the configuration has
/// been read whole.
fn channel_definition(
    configuration: &Configuration,
    published: &Published,
    name: &str,
    channel: &Channel,
) -> ChannelDefinition {
    let terms = |purpose: &str| published.purposes[purpose].clone();
    ChannelDefinition {
        name: name.to_owned(),
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
        liff_id: channel.liff_id.clone(),
        forms: configuration.forms.iter().filter(|(_, form)| form.channel == name).map(|(of, _)| of.clone()).collect(),
        keywords: channel.keywords.iter().map(|keyword| keyword_of(configuration, channel, keyword)).collect(),
        greeting_form: channel.greeting_form.as_ref().map(|form| link(configuration, channel, form)),
        link: channel.link.as_ref().map(|link| LinkTerms {
            purpose: terms(&link.purpose),
            words: link.words.clone(),
            unlink_words: link.unlink_words.clone(),
            bot_prompt: link.bot_prompt,
            rich_menu: link.rich_menu.clone(),
            profile_plus: link.profile_plus.clone(),
        }),
        erase_words: channel.erase_words.clone(),
        withdraw_words: channel.withdraw_words.clone(),
        page_words: channel.page_words.clone(),
    }
}

/// A form that a channel leads to, its title in the language of the channel's messages.
fn link(configuration: &Configuration, channel: &Channel, form: &str) -> FormLink {
    let title = &configuration.forms[form].title;
    let language = configuration.messages[&channel.messages].language;
    FormLink { name: form.to_owned(), title: language.of_text(title).to_owned() }
}

fn keyword_of(configuration: &Configuration, channel: &Channel, keyword: &config::Keyword) -> Keyword {
    Keyword { words: keyword.words.clone(), form: link(configuration, channel, &keyword.form) }
}

/// A form as it is published. Everything that it names is there: the configuration has
/// been read whole.
fn form_definition(configuration: &Configuration, published: &Published, name: &str, form: &Form) -> FormDefinition {
    let policy = &configuration.policies[&form.policy];
    let of = |purpose: &String| published.purposes[purpose].id.clone();
    let sections = form.sections.iter().map(|section| Section {
        title: section.title.clone(),
        fields: section
            .fields
            .iter()
            .map(|field| Field {
                name: field.name.clone(),
                kind: field.kind,
                label: field.label.clone(),
                help: field.help.clone(),
                required: field.required,
                purpose: field.purpose.as_ref().map(of),
                sensitive: field.sensitive,
                lookup: field.lookup,
                quick_fill: field.quick_fill,
                starts_retention: field.starts_retention,
                show_if: field.show_if.clone(),
                rules: field.rules.clone(),
            })
            .collect(),
    });
    let purposes = purposes_of(configuration, form).into_iter().map(|(purpose, required)| form::Purpose {
        terms: published.purposes[purpose].clone(),
        required,
        sensitive: form.sensitive.get(purpose).cloned(),
    });
    FormDefinition {
        name: name.to_owned(),
        channel: form.channel.clone(),
        policy: published.policies[&form.policy].to_string(),
        title: form.title.clone(),
        description: form.description.clone(),
        business: policy.business.name.clone(),
        sections: sections.collect(),
        purposes: purposes.collect(),
        thanks: form.thanks.clone(),
        reply: form.reply.clone(),
        anonymous: form.anonymous,
    }
}

/// The purposes that a form asks for, as they are first met, and whether it cannot be sent
/// without; the last is that of the LINE account, without which nothing can be kept of
/// anybody. None for an anonymous form.
fn purposes_of<'a>(configuration: &'a Configuration, form: &'a Form) -> Vec<(&'a str, bool)> {
    if form.anonymous {
        return Vec::new();
    }
    let mut purposes: Vec<(&str, bool)> = Vec::new();
    let fields = form.sections.iter().flat_map(|section| &section.fields);
    let asked = fields.filter_map(|field| Some((field.purpose.as_deref()?, field.required && field.show_if.is_none())));
    let contact = &configuration.channels[&form.channel].line_contact;
    for (purpose, required) in asked.chain([(contact.as_str(), true)]) {
        match purposes.iter_mut().find(|(known, _)| *known == purpose) {
            Some((_, needed)) => *needed |= required,
            None => purposes.push((purpose, required)),
        }
    }
    purposes
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

/// The purposes that a policy covers: those of the channels and forms under it, each once.
fn covered(
    configuration: &Configuration,
    policy: &str,
    purposes: &BTreeMap<String, PurposeTerms>,
) -> Vec<PurposeTerms> {
    let mut used: Vec<&str> = Vec::new();
    for channel in configuration.channels.values().filter(|channel| channel.policy == policy) {
        used.extend(channel.purposes());
        used.extend(channel.link.iter().map(|link| link.purpose.as_str()));
    }
    for form in configuration.forms.values().filter(|form| form.policy == policy) {
        used.extend(purposes_of(configuration, form).into_iter().map(|(purpose, _)| purpose));
    }
    let mut seen = std::collections::BTreeSet::new();
    used.into_iter().filter(|name| seen.insert(*name)).filter_map(|name| purposes.get(name)).cloned().collect()
}

impl Planner<'_> {
    /// The current version of a definition, and its id: a new one if there is none yet.
    async fn known(&self, kind: DefinitionKind, name: &str) -> Result<(Option<VersionId>, DefinitionId), StoreError> {
        let known = self.vault.current(kind, name).await?;
        let id = known.as_ref().map_or_else(|| self.mint.definition_id(), |version| version.id.clone());
        Ok((known, id))
    }

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
        let (version, was) = match known {
            None => (VersionId { id, version: 1 }, Was::Absent),
            Some(current) => {
                let before = self.vault.published(kind, &current).await?.unwrap_or_default();
                if before == text {
                    (current, Was::Same)
                } else {
                    (VersionId { id, version: current.version + 1 }, Was::Other(before))
                }
            }
        };
        self.steps.push(Step { kind, name: name.to_owned(), version: version.clone(), text, was });
        Ok(version)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use azukari::domain::definition::BotPrompt;

    use super::*;

    #[test]
    fn linking_is_published_with_the_terms_of_its_purpose() {
        let configuration = config::read(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../config"))).unwrap();
        let purposes = configuration.purposes.iter().map(|(name, purpose)| {
            let id = DefinitionId::new(format!("id-of-{name}"));
            let (title, retention) = (purpose.title.clone(), purpose.retention);
            (name.clone(), PurposeTerms { id, name: name.clone(), title, retention })
        });
        let policies = configuration.policies.keys().map(|name| {
            let version = VersionId { id: DefinitionId::new("policy"), version: 1 };
            (name.clone(), version)
        });
        let published =
            Published { purposes: purposes.collect(), policies: policies.collect(), ..Published::default() };
        let demo = channel_definition(&configuration, &published, "demo", &configuration.channels["demo"]);
        let link = demo.link.expect("the shipped channel links");
        assert_eq!(link.purpose, published.purposes["member"]);
        assert_eq!(link.words, ["連携", "id連携", "会員連携"]);
        assert_eq!(link.unlink_words, ["連携解除", "id連携解除"]);
        assert_eq!((link.bot_prompt, link.rich_menu, link.profile_plus), (Some(BotPrompt::Normal), None, Vec::new()));
        let told = demo.wording.expect("it has texts").link.linked;
        assert!(told.contains("「連携解除」") && !told.contains('{'), "{told}");
        let covered = covered(&configuration, "privacy", &published.purposes);
        let linking = covered.iter().filter(|terms| terms.name == "member").count();
        assert_eq!(linking, 1, "the policy speaks of it");
    }
}
