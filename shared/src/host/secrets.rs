//! Secrets: one JSON text per role, fetched once when the function starts.
//!
//! `{"channel": {"<name>": {"channel_secret": …}}, "keys": {"origin": …}}`, keys as
//! base64 of 32 bytes. A role's text holds the members of [`received`] and no others.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;

#[cfg(feature = "opening")]
use crate::domain::operator::{Operator, OperatorId, OperatorRole};
use crate::domain::{
    id::ChannelName,
    plain::Plain,
    site::{Site, SiteName, USUAL_CALLS_PER_HOUR},
};
use crate::host::roles::Role;
use crate::seal::{index::IndexKey, notice::NoticeKey, origin::OriginKey, pairwise::PairwiseKey};

/// Members of each channel that the role receives.
pub fn channel_members(role: Role) -> &'static [&'static str] {
    match role {
        Role::Webhook => &["channel_secret", "access_token", "bot_user_id"],
        Role::Form => &["login_channel_id", "access_token"],
        Role::Link => &["login_channel_id", "login_channel_secret", "access_token"],
        Role::Locksmith | Role::Sweeper | Role::Opener | Role::Publisher | Role::Admin => &[],
    }
}

/// Keys that the role receives. `user_index_previous` is there only while the
/// index key is being changed.
pub fn key_members(role: Role) -> &'static [&'static str] {
    match role {
        Role::Webhook => &["user_index", "user_index_previous", "origin"],
        Role::Opener => &["user_index", "user_index_previous", "origin", "note"],
        Role::Sweeper => &["origin"],
        Role::Form => &["user_index", "user_index_previous", "origin", "notice_mac"],
        Role::Link => &["user_index", "user_index_previous", "origin", "pairwise"],
        Role::Locksmith | Role::Publisher | Role::Admin => &[],
    }
}

/// The part of all secrets that the role receives.
pub fn received(role: Role, all: &Value) -> Value {
    let pick = |from: &Value, members: &[&str]| -> Value {
        let found = members.iter().filter_map(|name| from.get(*name).map(|value| ((*name).to_owned(), value.clone())));
        Value::Object(found.collect())
    };
    let channels = all["channel"].as_object().into_iter().flatten();
    let channels = channels
        .filter(|_| !channel_members(role).is_empty())
        .map(|(name, members)| (name.clone(), pick(members, channel_members(role))));
    let mut received = serde_json::json!({
        "channel": Value::Object(channels.collect()),
        "keys": pick(&all["keys"], key_members(role)),
    });
    // Not secret, and yet here: whoever can write the table must not be able to name
    // an operator.
    if role == Role::Opener {
        received["operators"] = all["operators"].clone();
    }
    // The same for sites: whoever could name one could link anybody.
    if role == Role::Link {
        received["sites"] = all["sites"].clone();
    }
    received
}

/// What a webhook needs for one channel.
#[derive(Debug, Clone)]
pub struct ChannelSecrets {
    /// Key of the webhook signature.
    pub channel_secret: Plain<String>,
    /// For calls to LINE.
    pub access_token: Plain<String>,
    /// The `destination` of its webhooks.
    pub bot_user_id: String,
}

/// What an intake function finds people with and vouches for rows with.
#[derive(Debug, Clone)]
pub struct IntakeKeys {
    /// Where mappings lie, and whose a record is.
    pub user_index: IndexKey,
    /// The index key before, while it is being changed.
    pub user_index_previous: Option<IndexKey>,
    /// Vouches for rows.
    pub origin: OriginKey,
}

/// The secrets of `webhook`.
#[derive(Debug, Clone)]
pub struct WebhookSecrets {
    /// By channel.
    pub channels: BTreeMap<ChannelName, ChannelSecrets>,
    /// Its keys.
    pub keys: IntakeKeys,
}

/// What `form` needs for one channel.
#[derive(Debug, Clone)]
pub struct FormChannelSecrets {
    /// The login channel of its LIFF app: the audience of ID tokens.
    pub login_channel_id: String,
    /// For calls to LINE.
    pub access_token: Plain<String>,
}

/// The secrets of `form`.
#[derive(Debug, Clone)]
pub struct FormSecrets {
    /// By channel.
    pub channels: BTreeMap<ChannelName, FormChannelSecrets>,
    /// Its keys.
    pub keys: IntakeKeys,
    /// Says what was shown.
    pub notice: NoticeKey,
}

/// What `link` needs for one channel.
#[derive(Debug, Clone)]
pub struct LinkChannelSecrets {
    /// The LINE Login channel in which people sign in.
    pub login_channel_id: String,
    /// Its secret: exchanges codes, and signs the ID tokens of web login.
    pub login_channel_secret: Plain<String>,
    /// For calls to the Messaging API.
    pub access_token: Plain<String>,
}

/// The secrets of `link`.
#[derive(Debug, Clone)]
pub struct LinkSecrets {
    /// By channel.
    pub channels: BTreeMap<ChannelName, LinkChannelSecrets>,
    /// Its keys.
    pub keys: IntakeKeys,
    /// Makes the names by which sites know people.
    pub pairwise: PairwiseKey,
    /// The sites of the business.
    pub sites: Vec<Site>,
}

/// Everything that is wrong with a secret. It names members, never values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the secret is not complete: {}", .0.join("; "))]
pub struct SecretsError(pub Vec<String>);

impl WebhookSecrets {
    /// Reads the secret of the webhook function.
    ///
    /// # Errors
    /// Everything that is missing or malformed.
    pub fn read(secret: &Value) -> Result<Self, SecretsError> {
        let mut problems = Vec::new();
        let channels = read_channels(secret, &mut problems, |text| ChannelSecrets {
            channel_secret: Plain::new(text("channel_secret")),
            access_token: Plain::new(text("access_token")),
            bot_user_id: text("bot_user_id"),
        });
        let keys = read_intake_keys(secret, &mut problems);
        keys.filter(|_| problems.is_empty()).map(|keys| Self { channels, keys }).ok_or(SecretsError(problems))
    }
}

impl FormSecrets {
    /// Reads the secret of the form function.
    ///
    /// # Errors
    /// Everything that is missing or malformed.
    pub fn read(secret: &Value) -> Result<Self, SecretsError> {
        let mut problems = Vec::new();
        let channels = read_channels(secret, &mut problems, |text| FormChannelSecrets {
            login_channel_id: text("login_channel_id"),
            access_token: Plain::new(text("access_token")),
        });
        let keys = read_intake_keys(secret, &mut problems);
        let notice = read_key(secret, "notice_mac", NoticeKey::new).map_err(|problem| problems.push(problem)).ok();
        match (keys, notice) {
            (Some(keys), Some(notice)) if problems.is_empty() => Ok(Self { channels, keys, notice }),
            _ => Err(SecretsError(problems)),
        }
    }
}

impl LinkSecrets {
    /// Reads the secret of the link function. Its member `sites` is a list of `{"name",
    /// "channel", "title": {"ja", "en"}, "login_url", "return_addresses", "public_key",
    /// "calls_per_hour"}`.
    ///
    /// # Errors
    /// Everything that is missing or malformed.
    pub fn read(secret: &Value) -> Result<Self, SecretsError> {
        let mut problems = Vec::new();
        let channels = read_channels(secret, &mut problems, |text| LinkChannelSecrets {
            login_channel_id: text("login_channel_id"),
            login_channel_secret: Plain::new(text("login_channel_secret")),
            access_token: Plain::new(text("access_token")),
        });
        let keys = read_intake_keys(secret, &mut problems);
        let pairwise = read_key(secret, "pairwise", PairwiseKey::new).map_err(|problem| problems.push(problem)).ok();
        let mut sites: Vec<Site> = Vec::new();
        for (n, site) in secret["sites"].as_array().into_iter().flatten().enumerate() {
            match read_site(site) {
                Ok(site) if sites.iter().any(|known| known.name == site.name) => {
                    problems.push(format!("sites[{n}].name is there twice"));
                }
                Ok(site) => sites.push(site),
                Err(member) => problems.push(format!("sites[{n}].{member} is missing or malformed")),
            }
        }
        match (keys, pairwise) {
            (Some(keys), Some(pairwise)) if problems.is_empty() => Ok(Self { channels, keys, pairwise, sites }),
            _ => Err(SecretsError(problems)),
        }
    }
}

/// Sites in the form of the secret.
pub fn sites(sites: &[Site]) -> Value {
    let each = sites.iter().map(|site| {
        serde_json::json!({
            "name": site.name.as_str(),
            "channel": site.channel.as_str(),
            "title": site.title,
            "login_url": site.login_url,
            "return_addresses": site.return_addresses,
            "public_key": STANDARD.encode(site.public_key),
            "calls_per_hour": site.calls_per_hour,
        })
    });
    each.collect()
}

fn read_site(site: &Value) -> Result<Site, &'static str> {
    let text = |member: &'static str| site[member].as_str().ok_or(member);
    let public_key = STANDARD.decode(text("public_key")?).ok().and_then(|key| key.try_into().ok());
    let addresses = match &site["return_addresses"] {
        Value::Null => Some(Vec::new()),
        list => serde_json::from_value(list.clone()).ok(),
    };
    let calls = match &site["calls_per_hour"] {
        Value::Null => Some(USUAL_CALLS_PER_HOUR),
        number => number.as_u64().and_then(|number| u32::try_from(number).ok()),
    };
    Ok(Site {
        name: SiteName::parse(text("name")?).map_err(|_| "name")?,
        channel: ChannelName::parse(text("channel")?).map_err(|_| "channel")?,
        title: serde_json::from_value(site["title"].clone()).map_err(|_| "title")?,
        login_url: text("login_url")?.to_owned(),
        return_addresses: addresses.ok_or("return_addresses")?,
        public_key: public_key.ok_or("public_key")?,
        calls_per_hour: calls.ok_or("calls_per_hour")?,
    })
}

fn read_channels<T>(
    secret: &Value,
    problems: &mut Vec<String>,
    read: impl Fn(&mut dyn FnMut(&str) -> String) -> T,
) -> BTreeMap<ChannelName, T> {
    let mut channels = BTreeMap::new();
    let before = problems.len();
    for (name, members) in secret["channel"].as_object().into_iter().flatten() {
        let channel = read(&mut |member| match members[member].as_str() {
            Some(value) if !value.is_empty() => value.to_owned(),
            _ => {
                problems.push(format!("channel.{name}.{member} is missing"));
                String::new()
            }
        });
        match ChannelName::parse(name) {
            Ok(name) => drop(channels.insert(name, channel)),
            Err(error) => problems.push(format!("channel.{name}: {error}")),
        }
    }
    if channels.is_empty() && problems.len() == before {
        problems.push("there is no channel".to_owned());
    }
    channels
}

fn read_intake_keys(secret: &Value, problems: &mut Vec<String>) -> Option<IntakeKeys> {
    let mut noted = |problem| problems.push(problem);
    let user_index = read_key(secret, "user_index", IndexKey::new).map_err(&mut noted).ok();
    let user_index_previous = match &secret["keys"]["user_index_previous"] {
        Value::Null => None,
        _ => read_key(secret, "user_index_previous", IndexKey::new).map_err(&mut noted).ok(),
    };
    let origin = read_key(secret, "origin", OriginKey::new).map_err(&mut noted).ok();
    Some(IntakeKeys { user_index: user_index?, user_index_previous, origin: origin? })
}

/// The keys of `opener`.
#[cfg(feature = "opening")]
#[derive(Debug)]
pub struct OpenerSecrets {
    /// Where mappings lie, and whose a record is: the key in use, and the one before
    /// while it is being changed.
    pub user_index: Vec<IndexKey>,
    /// Vouches for rows.
    pub origin: OriginKey,
    /// Seals what operators write into the ledger.
    pub note: crate::seal::note::NoteKey,
    /// Who may ask.
    pub operators: Vec<Operator>,
}

#[cfg(feature = "opening")]
impl OpenerSecrets {
    /// Reads the secret of the opener function. Its member `operators` is a list of
    /// `{"id", "role", "public_key", "purposes", "people_per_hour"}`.
    ///
    /// # Errors
    /// Everything that is missing or malformed.
    pub fn read(secret: &Value) -> Result<Self, SecretsError> {
        let mut problems = Vec::new();
        let mut user_index = Vec::new();
        for name in ["user_index", "user_index_previous"] {
            if name == "user_index" || !secret["keys"][name].is_null() {
                match read_key(secret, name, IndexKey::new) {
                    Ok(key) => user_index.push(key),
                    Err(problem) => problems.push(problem),
                }
            }
        }
        let origin = read_key(secret, "origin", OriginKey::new).map_err(|problem| problems.push(problem)).ok();
        let note = read_key(secret, "note", crate::seal::note::NoteKey::new);
        let note = note.map_err(|problem| problems.push(problem)).ok();
        let mut operators: Vec<Operator> = Vec::new();
        for (n, operator) in secret["operators"].as_array().into_iter().flatten().enumerate() {
            match read_operator(operator) {
                Ok(operator) if operators.iter().any(|known| known.id == operator.id) => {
                    problems.push(format!("operators[{n}].id is there twice"));
                }
                Ok(operator) => operators.push(operator),
                Err(member) => problems.push(format!("operators[{n}].{member} is missing or malformed")),
            }
        }
        match (origin, note) {
            (Some(origin), Some(note)) if problems.is_empty() => Ok(Self { user_index, origin, note, operators }),
            _ => Err(SecretsError(problems)),
        }
    }
}

/// Operators in the form of the secret.
#[cfg(feature = "opening")]
pub fn operators(operators: &[Operator]) -> Value {
    let each = operators.iter().map(|operator| {
        serde_json::json!({
            "id": operator.id.as_str(),
            "role": operator.role.as_str(),
            "public_key": STANDARD.encode(operator.public_key),
            "purposes": operator.purposes,
            "people_per_hour": operator.budget,
        })
    });
    each.collect()
}

#[cfg(feature = "opening")]
fn read_operator(operator: &Value) -> Result<Operator, &'static str> {
    let text = |member: &'static str| operator[member].as_str().ok_or(member);
    let role = OperatorRole::parse(text("role")?).ok_or("role")?;
    let public_key = STANDARD.decode(text("public_key")?).ok().and_then(|key| key.try_into().ok());
    let purposes: Option<Vec<String>> = match &operator["purposes"] {
        Value::Null => Some(Vec::new()),
        list => serde_json::from_value(list.clone()).ok(),
    };
    let budget = match &operator["people_per_hour"] {
        Value::Null => Some(role.usual_budget()),
        number => number.as_u64().and_then(|number| u32::try_from(number).ok()),
    };
    Ok(Operator {
        id: OperatorId::parse(text("id")?).map_err(|_| "id")?,
        role,
        purposes: purposes.ok_or("purposes")?,
        budget: budget.ok_or("people_per_hour")?,
        public_key: public_key.ok_or("public_key")?,
    })
}

/// Reads the origin key, all that `sweeper` receives.
///
/// # Errors
/// It is missing or malformed.
pub fn origin(secret: &Value) -> Result<OriginKey, SecretsError> {
    read_key(secret, "origin", OriginKey::new).map_err(|problem| SecretsError(vec![problem]))
}

fn read_key<T, E: std::fmt::Display>(
    secret: &Value,
    name: &str,
    make: impl Fn(&[u8]) -> Result<T, E>,
) -> Result<T, String> {
    let text = secret["keys"][name].as_str().ok_or_else(|| format!("keys.{name} is missing"))?;
    let bytes = STANDARD.decode(text).map_err(|_| format!("keys.{name} is not base64"))?;
    make(&bytes).map_err(|error| format!("keys.{name}: {error}"))
}

/// Fetches a secret from AWS Secrets Manager: one call, when the function starts.
///
/// # Errors
/// It cannot be read.
pub async fn fetch(sdk: &aws_types::SdkConfig, name: &str) -> Result<Value, SecretsError> {
    let problem = |what: &str| SecretsError(vec![what.to_owned()]);
    let client = aws_sdk_secretsmanager::Client::new(sdk);
    let answer = client.get_secret_value().secret_id(name).send().await;
    let answer = answer.map_err(|error| {
        let empty = error.as_service_error().is_some_and(|error| error.is_resource_not_found_exception());
        problem(if empty {
            "there is no such secret, or it has no value yet (azukari bootstrap)"
        } else {
            "it cannot be read from AWS Secrets Manager"
        })
    })?;
    let text = Plain::new(answer.secret_string.ok_or_else(|| problem("it is not a text"))?);
    serde_json::from_str(text.reveal()).map_err(|_| problem("it is not JSON"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn all() -> Value {
        let key = STANDARD.encode([7; 32]);
        json!({
            "channel": {"demo": {"channel_secret": "s", "access_token": "t", "bot_user_id": "U0", "login_channel_secret": "l", "login_channel_id": "1"}},
            "keys": {"user_index": key, "origin": key, "notice_mac": key}
        })
    }

    #[test]
    fn a_role_receives_its_own_part() {
        let webhook = received(Role::Webhook, &all());
        assert!(webhook["channel"]["demo"].get("login_channel_secret").is_none());
        assert!(webhook["keys"].get("notice_mac").is_none());
        let form = received(Role::Form, &all());
        assert!(form["channel"]["demo"].get("channel_secret").is_none());
        assert!(FormSecrets::read(&form).is_ok());
        assert!(FormSecrets::read(&webhook).unwrap_err().to_string().contains("keys.notice_mac is missing"));
        assert!(WebhookSecrets::read(&webhook).is_ok());
        let sweeper = received(Role::Sweeper, &all());
        assert_eq!(sweeper, json!({"channel": {}, "keys": {"origin": all()["keys"]["origin"]}}));
        assert_eq!(received(Role::Locksmith, &all()), json!({"channel": {}, "keys": {}}));
    }

    #[cfg(feature = "opening")]
    #[test]
    fn the_opener_receives_its_keys_and_its_operators() {
        let operator = Operator {
            id: OperatorId::parse("desk").unwrap(),
            role: OperatorRole::Staff,
            purposes: vec!["chat".into()],
            budget: 7,
            public_key: [4; 65],
        };
        let mut all = all();
        all["keys"]["note"] = all["keys"]["origin"].clone();
        all["operators"] = operators(std::slice::from_ref(&operator));
        let secret = received(Role::Opener, &all);
        assert_eq!(OpenerSecrets::read(&secret).unwrap().operators, [operator]);
        assert!(received(Role::Webhook, &all).get("operators").is_none());
        let mut twice = secret.clone();
        twice["operators"] = json!([all["operators"][0], all["operators"][0], {"id": "a", "role": "boss"}]);
        twice["keys"]["note"] = json!("");
        let error = OpenerSecrets::read(&twice).unwrap_err().to_string();
        for part in ["operators[1].id is there twice", "operators[2].role is missing or malformed", "keys.note: not a"]
        {
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn everything_missing_is_named_and_no_value() {
        let mut secret = all();
        secret["channel"]["demo"]["access_token"] = json!("");
        secret["keys"]["origin"] = json!("c2hvcnQ=");
        secret["keys"]["user_index"] = json!("not base64 at all");
        let error = WebhookSecrets::read(&secret).unwrap_err().to_string();
        for part in
            ["channel.demo.access_token is missing", "keys.origin: not a valid", "keys.user_index is not base64"]
        {
            assert!(error.contains(part), "{error}");
        }
        assert!(!error.contains("c2hvcnQ") && !error.contains("at all"), "{error}");
    }
}
