//! The functions' secrets in AWS Secrets Manager.
//!
//! Secrets Manager has no conditional write. A version is written under a token of the
//! caller's choice, and the same token with another text is refused: so the token is made of
//! the version that was read. Of two who write on top of the same version one is told that
//! the other was quicker, and begins again.

use azukari::{
    domain::plain::Plain,
    host::{roles::Role, settings},
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
}

/// Reads the secret of a role.
pub(super) async fn read(cloud: &Cloud, functions: &Functions, role: Role) -> Result<Stored, StageError> {
    let name = functions.setting(cloud, role, settings::SECRET)?.to_owned();
    let answer = match cloud.secrets.get_secret_value().secret_id(&name).send().await {
        Ok(answer) => answer,
        Err(error) => match error.as_service_error() {
            // It is there, made by the template, and has no version yet.
            Some(known) if known.is_resource_not_found_exception() => {
                return Ok(Stored { name, text: json!({}), version: None });
            }
            _ => return Err(StageError::call("GetSecretValue", &error)),
        },
    };
    let malformed = || StageError::NotASecret(role.as_str());
    let version = answer.version_id().map(str::to_owned);
    let text = Plain::new(answer.secret_string.ok_or_else(malformed)?);
    let text: Value = serde_json::from_str(text.reveal()).map_err(|_| malformed())?;
    if is_a_secret(&text) { Ok(Stored { name, text, version }) } else { Err(malformed()) }
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
