//! The functions' secrets in AWS Secrets Manager.
//!
//! Secrets Manager has no conditional write. A version is written under a token of the
//! caller's choice, and the same token with another text is refused: so the token is made of
//! the version that was read. Of two who write on top of the same version one is told that
//! the other was quicker, and begins again.

use azukari::{
    domain::{plain::Plain, time::UnixMs},
    host::{
        roles::Role,
        secrets::{self as forms, FormSecrets, LinkSecrets, OpenerSecrets, SecretsError, WebhookSecrets},
        settings,
    },
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::stage::{Cloud, StageError, entries::is_a_secret, functions::Functions};

/// A secret as it is.
pub(super) struct Stored {
    /// Its name.
    name: String,
    /// What is in it; an empty object if nothing was ever written.
    pub(super) text: Value,
    /// Which version that is.
    version: Option<String>,
    /// When it was written.
    pub(super) written: Option<UnixMs>,
}

impl Stored {
    /// Whether something was ever written.
    pub(super) fn has_version(&self) -> bool {
        self.version.is_some()
    }
}

/// Reads the secret of a role.
pub(super) async fn read(cloud: &Cloud, functions: &Functions, role: Role) -> Result<Stored, StageError> {
    let name = functions.setting(cloud, role, settings::SECRET)?.to_owned();
    let answer = match cloud.secrets.get_secret_value().secret_id(&name).send().await {
        Ok(answer) => answer,
        Err(error) => match error.as_service_error() {
            // It is there, made by the template, and has no version yet.
            Some(known) if known.is_resource_not_found_exception() => {
                return Ok(Stored { name, text: json!({}), version: None, written: None });
            }
            _ => return Err(StageError::call("GetSecretValue", &error)),
        },
    };
    let malformed = || StageError::NotASecret(role.as_str());
    let version = answer.version_id().map(str::to_owned);
    let written = answer.created_date().and_then(|at| at.to_millis().ok()).map(UnixMs::new);
    let text = Plain::new(answer.secret_string.ok_or_else(malformed)?);
    let text: Value = serde_json::from_str(text.reveal()).map_err(|_| malformed())?;
    if is_a_secret(&text) { Ok(Stored { name, text, version, written }) } else { Err(malformed()) }
}

/// Whether there is a version before the one that is there: a function that was started with
/// it may be running. What is in it is dropped unread.
pub(super) async fn has_previous(cloud: &Cloud, stored: &Stored) -> Result<bool, StageError> {
    match cloud.secrets.get_secret_value().secret_id(&stored.name).version_stage("AWSPREVIOUS").send().await {
        Ok(_) => Ok(true),
        Err(error) => match error.as_service_error() {
            Some(known) if known.is_resource_not_found_exception() => Ok(false),
            _ => Err(StageError::call("GetSecretValue", &error)),
        },
    }
}

/// Reads a secret as the function itself does when it starts.
pub(super) fn read_as(role: Role, text: &Value) -> Result<(), SecretsError> {
    match role {
        Role::Webhook => WebhookSecrets::read(text).map(drop),
        Role::Form => FormSecrets::read(text).map(drop),
        Role::Link => LinkSecrets::read(text).map(drop),
        Role::Opener => OpenerSecrets::read(text).map(drop),
        Role::Sweeper => forms::origin(text).map(drop),
        Role::Locksmith | Role::Publisher | Role::Admin => Ok(()),
    }
}

/// What is wrong with a secret beside what it lacks: `keys.note is not base64`. It names
/// members, never values.
pub(super) fn malformed(role: Role, text: &Value) -> Vec<String> {
    let problems = read_as(role, text).err().into_iter().flat_map(|error| error.0);
    problems.filter(|problem| !problem.ends_with(MISSING) && problem != NO_CHANNEL).collect()
}

/// How the functions say that a member is missing, and that there is no channel.
const MISSING: &str = " is missing";
pub(super) const NO_CHANNEL: &str = "there is no channel";

/// What a function says of its secret, in Japanese.
pub(super) fn in_japanese(problem: &str) -> String {
    if problem == NO_CHANNEL {
        return "チャネルがありません".to_owned();
    }
    let words = [
        (" is missing or malformed", "がないか、正しくありません"),
        (MISSING, "がありません"),
        (" is not base64", "はbase64ではありません"),
        (" is there twice", "が二つあります"),
    ];
    let found = words.into_iter().find_map(|(en, ja)| problem.strip_suffix(en).map(|member| format!("{member}{ja}")));
    found.unwrap_or_else(|| {
        let member = problem.split_once(": ").map_or(problem, |(member, _)| member);
        format!("{member}の形が正しくありません")
    })
}

/// Writes the next version of a secret, on top of the one that was read. `false` if somebody
/// else has done so since.
pub(super) async fn write(cloud: &Cloud, stored: &Stored, text: &Value) -> Result<bool, StageError> {
    let answer = cloud
        .secrets
        .put_secret_value()
        .secret_id(&stored.name)
        .client_request_token(token(&stored.name, stored.version.as_deref()))
        .secret_string(text.to_string())
        .send()
        .await;
    match answer {
        Ok(_) => Ok(true),
        Err(error) => match error.as_service_error() {
            Some(known) if known.is_resource_exists_exception() => Ok(false),
            _ => Err(StageError::call("PutSecretValue", &error)),
        },
    }
}

/// The token of the version that follows on this one: 64 hexadecimal digits.
fn token(name: &str, version: Option<&str>) -> String {
    let digest = Sha256::digest(format!("azukari bootstrap\n{name}\n{}", version.unwrap_or("none")));
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_malformed_is_told_from_what_is_missing() {
        let text = json!({"keys": {"origin": "short"}});
        let problems = malformed(Role::Opener, &text);
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].starts_with("keys.origin"), "{problems:?}");
        assert!(in_japanese(&problems[0]).starts_with("keys.origin"), "{problems:?}");
        assert_eq!(in_japanese("keys.note is missing"), "keys.noteがありません");
    }
}
