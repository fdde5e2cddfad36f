//! What is in the vault, as someone who may open it sees it: the opener's steps by
//! hand, with the opener's role.

use std::collections::BTreeMap;

use azukari::{
    domain::{
        id::{ChannelName, DefinitionId, LineUserId, SubjectId, VersionId},
        key::SubjectKey,
        person::Standing,
        plain::Plain,
        time::UnixMs,
    },
    host::roles::{Key, Role},
    keys::unwrap,
    seal::{envelope::Envelope, opening, place::RowPlace},
    store::{key, tables::Table, wrapped::WrappedKeys},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;

use crate::{app::TestApp, line::Someone};

/// A row as compared between runs: nothing in it depends on chance.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct OpenedRow {
    /// Whose it is.
    pub who: String,
    /// The sort key.
    pub sk: String,
    /// The kind.
    pub kind: String,
    /// Every attribute in the clear that does not depend on chance.
    pub clear: BTreeMap<String, String>,
    /// The fields, opened.
    pub fields: BTreeMap<String, String>,
}

/// Attributes that chance decides.
const CHANCE: [&str; 9] = ["pk", "sk", "kind", "env", "tag", "mapping", "inbox_slot", "due_slot", "subject"];
/// The notice is shown when LINE takes it, which is best effort.
const CHANCE_IN_MAPPINGS: [&str; 8] =
    ["public_key", "wrapped_sha256", "signature", "index_key", "shown", "notices", "greeted", "greeted_at"];

impl TestApp {
    /// The person's key pair, if it still exists: what the opener would use.
    pub async fn pair(&self, subject: SubjectId, key: &SubjectKey) -> Option<Plain<Vec<u8>>> {
        let installation = self.installation();
        let keys = WrappedKeys::new(installation.dynamodb_as(Role::Opener), Table::Keys.as_str());
        let wrapped = keys.get(subject, key.version()).await.expect("the table of keys answers")?;
        let kms = installation.kms_as(Role::Opener);
        Some(unwrap::unwrap(&kms, Key::Wrap.as_str(), key, &wrapped).await.expect("KMS unwraps"))
    }

    /// The vouched key of somebody who is known.
    pub async fn key_of(&self, channel: &str, someone: &Someone) -> Option<SubjectKey> {
        let vault = self.installation().vault_as(Role::Opener).expect("the secrets are complete");
        let mapping = vault.mapping(&self.mapping_key(channel, someone), UnixMs::new(self.now())).await;
        match mapping.expect("the vault answers").standing {
            Standing::Known(person) => Some(self.installation().enrol().verify(&person.key).expect("vouched for")),
            Standing::Absent | Standing::Erased { .. } => None,
        }
    }

    /// Opens one sealed row.
    pub async fn opened(&self, channel: &str, someone: &Someone, row: &Value) -> Option<BTreeMap<String, String>> {
        let subject = SubjectId::parse(row["pk"]["S"].as_str()?.strip_prefix("S#")?).ok()?;
        let key = self.key_of(channel, someone).await?;
        let secret = self.pair(subject, &key).await?;
        self.open_with(&secret, channel, someone, row)
    }

    /// Opens one sealed row with a private key.
    pub fn open_with(
        &self,
        secret: &Plain<Vec<u8>>,
        channel: &str,
        someone: &Someone,
        row: &Value,
    ) -> Option<BTreeMap<String, String>> {
        let channel = ChannelName::parse(channel).ok()?;
        let user = LineUserId::parse(&someone.0).ok()?;
        let text = |name: &str| row[name]["S"].as_str();
        let form = text("form").and_then(|form| VersionId::parse(form).ok());
        let place = RowPlace {
            channel: &channel,
            subject: SubjectId::parse(text("pk")?.strip_prefix("S#")?).ok()?,
            row: text("sk")?,
            purpose: &DefinitionId::new(text("purpose")?),
            policy: &VersionId::parse(text("policy")?).ok()?,
            form: form.as_ref(),
        };
        let envelope = Envelope::parse(&STANDARD.decode(row["env"]["B"].as_str()?).ok()?).ok()?;
        let owner = self.index_key().owner(&channel, &user);
        let opened = opening::open(secret, &place, |found| *found == owner, &envelope, |_| true).ok()?;
        let text = |plain: &Plain<Vec<u8>>| String::from_utf8_lossy(plain.reveal()).into_owned();
        Some(opened.iter().map(|(name, plain)| (name.clone(), text(plain))).collect())
    }

    /// Everything that is known of these people in a channel, opened, in a form in
    /// which two runs can be compared.
    pub async fn everything(&self, channel: &str, people: &[Someone]) -> Vec<OpenedRow> {
        let mut all = Vec::new();
        for (number, someone) in people.iter().enumerate() {
            let who = format!("person {number}");
            let Some(mapping) = self.mapping(channel, someone) else { continue };
            all.push(self.comparable(&who, &mapping, BTreeMap::new()));
            let Some(subject) = self.subject(channel, someone) else { continue };
            let leads_there =
                self.rows_of("lookup").into_iter().filter(|row| row["subject"]["S"] == subject.to_string());
            for row in self.rows_of_person(subject).into_iter().chain(leads_there) {
                let fields = if row.get("env").is_some() {
                    self.opened(channel, someone, &row).await.expect("a stored row opens")
                } else {
                    BTreeMap::new()
                };
                all.push(self.comparable(&who, &row, fields));
            }
        }
        all.sort();
        all
    }

    /// The names of purposes in place of their ids.
    pub fn with_names(&self, text: String) -> String {
        let purposes = self.installation().published().purposes.iter();
        purposes.fold(text, |text, (name, terms)| text.replace(terms.id.as_str(), name))
    }

    fn comparable(&self, who: &str, row: &Value, mut fields: BTreeMap<String, String>) -> OpenedRow {
        let text = |name: &str| row[name]["S"].as_str().unwrap_or_default().to_owned();
        let names: BTreeMap<String, String> = {
            let published = self.installation().published();
            let purposes = published.purposes.iter().map(|(name, terms)| (terms.id.to_string(), name.clone()));
            let policies =
                published.policies.iter().map(|(name, version)| (version.to_string(), format!("{name} now")));
            let forms = published.forms.iter().map(|(name, version)| (version.to_string(), format!("{name} now")));
            purposes.chain(policies).chain(forms).collect()
        };
        let clear = row
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(name, _)| !CHANCE.contains(&name.as_str()))
            .filter(|(name, _)| text("kind") != "mapping" || !CHANCE_IN_MAPPINGS.contains(&name.as_str()));
        let clear = clear.map(|(name, value)| {
            let value = value["S"].as_str().or_else(|| value["N"].as_str()).unwrap_or("bytes");
            let value = names.get(value).cloned().unwrap_or_else(|| without_ids(value));
            (name.clone(), self.with_names(value))
        });
        if let Some(id) = fields.get_mut("line_user_id") {
            *id = "theirs".to_owned();
        }
        let mut clear: BTreeMap<String, String> = clear.collect();
        if let Some((hour, _)) = text("due_slot").split_once('#') {
            clear.insert("due hour".to_owned(), hour.to_owned());
        }
        OpenedRow {
            who: who.to_owned(),
            sk: if text("sk") == key::ALONE { text("kind") } else { self.with_names(without_ids(&text("sk"))) },
            kind: text("kind"),
            clear,
            fields,
        }
    }
}

/// A text without the random ids in it: 32 hexadecimal digits.
fn without_ids(text: &str) -> String {
    let parts = text.split_inclusive(|c: char| !c.is_ascii_alphanumeric());
    let is_id = |part: &str| part.len() == 32 && part.bytes().all(|b| b.is_ascii_hexdigit());
    let known = parts.map(|part| {
        let word = part.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        if is_id(word) { format!("*{}", &part[word.len()..]) } else { part.to_owned() }
    });
    known.collect()
}
