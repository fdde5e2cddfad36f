//! The entries of the functions' secrets: which role holds which, which are shared, and
//! where their values come from. A value is never printed, and no error names one.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    path::Path,
};

use azukari::{
    domain::plain::Plain,
    host::{
        mint::Mint,
        roles::Role,
        secrets::{channel_members, key_members},
    },
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::{
    secrets_file::is_for_its_owner_alone,
    stage::{Said, StageError, said},
};

/// The roles that hold a secret, in the order in which they are written. The first holds
/// every key that several share: of two who write at the same time, whoever comes first
/// there decides (`stage::secrets`).
pub(super) const HOLDERS: [Role; 5] = [Role::Webhook, Role::Form, Role::Link, Role::Sweeper, Role::Opener];

/// There only while the index key is being changed.
const PREVIOUS: &str = "user_index_previous";

/// With what LINE is called as a bot.
pub(super) const ACCESS_TOKEN: &str = "access_token";

/// What LINE tells of a bot by itself.
pub(super) const BOT_USER_ID: &str = "bot_user_id";

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Entry {
    /// A member of a channel.
    Channel(String, &'static str),
    /// A key of our own making.
    Key(&'static str),
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Channel(name, member) => write!(f, "channel.{name}.{member}"),
            Self::Key(name) => write!(f, "keys.{name}"),
        }
    }
}

impl Entry {
    /// The entries that a role holds.
    pub(super) fn of(role: Role, channels: &[String]) -> Vec<Self> {
        let members = channels
            .iter()
            .flat_map(|name| channel_members(role).iter().map(move |member| Self::Channel(name.clone(), member)));
        members.chain(key_members(role).iter().map(|key| Self::Key(key))).collect()
    }

    /// Every entry of a channel that some role holds.
    fn of_channels(channels: &[String]) -> BTreeSet<Self> {
        let all = HOLDERS.into_iter().flat_map(|role| Self::of(role, channels));
        all.filter(|entry| matches!(entry, Self::Channel(..))).collect()
    }

    /// Whether a function starts without it.
    pub(super) fn is_optional(&self) -> bool {
        *self == Self::Key(PREVIOUS)
    }

    /// Its value in a secret, if there is one.
    pub(super) fn value<'a>(&self, secret: &'a Value) -> Option<&'a str> {
        let value = match self {
            Self::Channel(name, member) => &secret["channel"][name.as_str()][*member],
            Self::Key(name) => &secret["keys"][*name],
        };
        value.as_str().filter(|value| !value.is_empty())
    }

    /// Sets it in a secret of [`is_a_secret`]'s form.
    pub(super) fn set(&self, secret: &mut Value, value: &Plain<String>) {
        match self {
            Self::Channel(name, member) => secret["channel"][name.as_str()][*member] = json!(value.reveal()),
            Self::Key(name) => secret["keys"][*name] = json!(value.reveal()),
        }
    }

    /// A fresh value, if it is one of our own making that has to be there.
    pub(super) fn fresh(&self, mint: &dyn Mint) -> Option<Plain<String>> {
        match self {
            Self::Key(_) if !self.is_optional() => Some(Plain::new(STANDARD.encode(mint.bytes::<32>()))),
            Self::Key(_) | Self::Channel(..) => None,
        }
    }

    /// The environment variable that may give it.
    fn variable(&self) -> Option<String> {
        match self {
            Self::Channel(name, member) => {
                let name = name.to_uppercase().replace('-', "_");
                Some(format!("AZUKARI_CHANNEL_{name}_{}", member.to_uppercase()))
            }
            Self::Key(_) => None,
        }
    }
}

/// Whether a text is an object, and what has members in it, too.
pub(super) fn is_a_secret(text: &Value) -> bool {
    let object = |value: &Value| value.is_null() || value.is_object();
    let mut channels = text["channel"].as_object().into_iter().flatten();
    text.is_object() && object(&text["channel"]) && object(&text["keys"]) && channels.all(|(_, it)| it.is_object())
}

/// What the secrets say together.
pub(super) struct Gathered {
    /// Entries on which all agree that have them.
    pub(super) known: BTreeMap<Entry, Plain<String>>,
    /// Entries on which they do not, and who has them.
    pub(super) differ: BTreeMap<Entry, Vec<Role>>,
    /// Entries that some have who share them, and these have not.
    pub(super) lacking: BTreeMap<Entry, Vec<Role>>,
}

/// Compares the secrets of the roles, entry by entry.
pub(super) fn gather<'a>(secrets: impl Fn(Role) -> Option<&'a Value>, channels: &[String]) -> Gathered {
    let mut found: BTreeMap<Entry, Vec<(Role, Option<&str>)>> = BTreeMap::new();
    for role in HOLDERS {
        let Some(secret) = secrets(role) else { continue };
        for entry in Entry::of(role, channels) {
            let value = entry.value(secret);
            found.entry(entry).or_default().push((role, value));
        }
    }
    let (mut known, mut differ, mut lacking) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    for (entry, holders) in found {
        let values: BTreeSet<&str> = holders.iter().filter_map(|(_, value)| *value).collect();
        let roles = |there: bool| -> Vec<Role> {
            holders.iter().filter(|(_, value)| value.is_some() == there).map(|(role, _)| *role).collect()
        };
        let without = roles(false);
        if !values.is_empty() && !without.is_empty() {
            lacking.insert(entry.clone(), without);
        }
        match values.first() {
            Some(_) if values.len() > 1 => drop(differ.insert(entry, roles(true))),
            Some(value) => drop(known.insert(entry, Plain::new((*value).to_owned()))),
            None => {}
        }
    }
    Gathered { known, differ, lacking }
}

/// Entries and who holds them, for people.
pub(super) fn told(entries: &BTreeMap<Entry, Vec<Role>>) -> String {
    let each = entries.iter().map(|(entry, roles)| {
        let roles: Vec<&str> = roles.iter().map(|role| role.as_str()).collect();
        format!("{entry} ({})", roles.join(", "))
    });
    each.collect::<Vec<_>>().join("; ")
}

/// The values of the channels, from a file and from the environment: the file goes first.
///
/// # Errors
/// The file cannot be read, others can read it, or it says something that is not known.
pub(super) fn given(
    file: Option<&Path>,
    environment: &dyn Fn(&str) -> Option<String>,
    channels: &[String],
) -> Result<BTreeMap<Entry, Plain<String>>, StageError> {
    let entries = Entry::of_channels(channels);
    let from_environment = entries.iter().filter_map(|entry| {
        let value = environment(&entry.variable()?).filter(|value| !value.trim().is_empty())?;
        Some((entry.clone(), Plain::new(value.trim().to_owned())))
    });
    let mut given: BTreeMap<Entry, Plain<String>> = from_environment.collect();
    let Some(path) = file else { return Ok(given) };
    let wrong = |problem: Said| StageError::ChannelSecrets(path.to_owned(), problem);
    let unreadable = |error| StageError::File(path.to_owned(), error);
    for_its_owner_alone(path)?;
    let text = Plain::new(std::fs::read_to_string(path).map_err(unreadable)?);
    // The line is not shown: it may be a secret.
    let table: toml::Table = text.reveal().parse().map_err(|_| {
        wrong(said("TOMLとして読めません（値は\"…\"で囲みます）。", "It is not TOML: put values into \"…\"."))
    })?;
    let mut problems = Vec::new();
    for (section, value) in &table {
        let named = value.as_table().filter(|_| section == "channel");
        let Some(named) = named else {
            problems.push(said(
                format!("「{section}」は使いません（[channel.名前]だけです）"),
                format!("there is no \"{section}\", only [channel.<name>]"),
            ));
            continue;
        };
        for (name, members) in named {
            let Some(members) = members.as_table().filter(|_| channels.contains(name)) else {
                problems.push(said(
                    format!("チャネル「{name}」は設定にありません"),
                    format!("there is no channel \"{name}\" in the configuration"),
                ));
                continue;
            };
            for (member, value) in members {
                let entry =
                    entries.iter().find(|entry| matches!(entry, Entry::Channel(of, it) if of == name && it == member));
                match (entry, value.as_str().map(str::trim)) {
                    (Some(entry), Some(value)) if !value.is_empty() => {
                        given.insert(entry.clone(), Plain::new(value.to_owned()));
                    }
                    (Some(_), Some(_)) => {}
                    (Some(entry), None) => {
                        problems.push(said(format!("{entry}は\"…\"で囲みます"), format!("put {entry} into \"…\"")));
                    }
                    (None, _) => {
                        let member = format!("channel.{name}.{member}");
                        problems.push(said(format!("{member}は使いません"), format!("there is no {member}")));
                    }
                }
            }
        }
    }
    if problems.is_empty() { Ok(given) } else { Err(wrong(Said::joined(&problems))) }
}

/// A file of secrets is nobody else's to read.
fn for_its_owner_alone(path: &Path) -> Result<(), StageError> {
    if is_for_its_owner_alone(path).map_err(|error| StageError::File(path.to_owned(), error))? {
        return Ok(());
    }
    let shown = path.display();
    let problem = said(
        format!("ほかの人も読めます。chmod 600 {shown} を実行してください。"),
        format!("Others can read it: run chmod 600 {shown}"),
    );
    Err(StageError::ChannelSecrets(path.to_owned(), problem))
}

/// The entries that are to be replaced, as they are named on the command line.
///
/// # Errors
/// There is no such entry, or it is given nowhere.
pub(super) fn replaced(
    names: &[String],
    given: &BTreeMap<Entry, Plain<String>>,
    channels: &[String],
) -> Result<BTreeSet<Entry>, StageError> {
    let entries = Entry::of_channels(channels);
    let (mut wanted, mut problems) = (BTreeSet::new(), Vec::new());
    for name in names {
        match entries.iter().find(|entry| entry.to_string() == *name) {
            Some(entry) if given.contains_key(entry) => {
                wanted.insert(entry.clone());
            }
            Some(_) => problems.push(said(
                format!("{name}の新しい値がありません。--channel-secretsのファイルに書いてください。"),
                format!("There is no new value of {name}: put it into the file of --channel-secrets."),
            )),
            None => problems.push(said(
                format!("取り替えられるのはchannel.名前.項目だけです（{name:?}はできません）。"),
                format!("Only channel.<name>.<member> can be replaced, not {name:?}."),
            )),
        }
    }
    if problems.is_empty() { Ok(wanted) } else { Err(StageError::Wish(Said::joined(&problems))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_writes_first_holds_every_shared_key() {
        let of = |role: Role| -> BTreeSet<Entry> { Entry::of(role, &[]).into_iter().collect() };
        let first = of(HOLDERS[0]);
        for (n, role) in HOLDERS.into_iter().enumerate() {
            for other in &HOLDERS[n + 1..] {
                let shared: Vec<Entry> = of(role).intersection(&of(*other)).cloned().collect();
                assert!(shared.iter().all(|entry| first.contains(entry)), "{role:?} {other:?} {shared:?}");
            }
        }
    }

    #[test]
    fn what_differs_and_what_is_lacking_is_told_apart() {
        let webhook = json!({"keys": {"origin": "b25l", "user_index": "aW5kZXg="}});
        let form = json!({"keys": {"origin": "dHdv"}});
        let gathered = gather(
            |role| match role {
                Role::Webhook => Some(&webhook),
                Role::Form => Some(&form),
                _ => None,
            },
            &[],
        );
        assert_eq!(told(&gathered.differ), "keys.origin (webhook, form)");
        assert_eq!(told(&gathered.lacking), "keys.user_index (form)");
        assert_eq!(gathered.known.keys().map(ToString::to_string).collect::<Vec<_>>(), ["keys.user_index"]);
    }
}
