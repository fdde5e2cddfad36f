//! Steps of a person's way through several pages: what one step leaves for the next is
//! sealed under a secret that travels with the person, and can be used once.

use serde::{Serialize, Serializer, de::DeserializeOwned};
use zeroize::Zeroizing;

use crate::domain::{
    plain::Plain,
    time::{SECOND_MS, UnixMs},
};
use crate::host::mint::Mint;
use crate::seal::one_time::OneTimeSecret;
use crate::store::{Outcome, StoreError, Vault, one_time::Content};

/// How long a step waits for the next one: as long as LINE's own one-time values
/// (PLATFORM.md §2, §3.1).
pub const LIFE_MS: i64 = 600 * SECOND_MS;

/// What one step leaves for the next.
pub trait Step: Serialize + DeserializeOwned {
    /// What it is: a secret that was made for one kind does not open another.
    const WHAT: &'static str;
}

/// Leaves something for the next step: one call.
///
/// # Errors
/// The call failed.
pub async fn leave<S: Step>(
    vault: &Vault,
    mint: &dyn Mint,
    step: &S,
    now: UnixMs,
) -> Result<OneTimeSecret, StoreError> {
    let secret = OneTimeSecret::new(mint.bytes());
    let malformed = StoreError::Row { attribute: "env" };
    let content = Zeroizing::new(serde_json::to_vec(step).map_err(|_| malformed.clone())?);
    let sealed = secret.seal(S::WHAT, &content).map_err(|_| malformed)?;
    vault.put_content(&secret.digest(), &Content { sealed, until: now.plus(LIFE_MS) }).await?;
    Ok(secret)
}

/// What was left, without using it up: one call. `None` if the secret leads to nothing of
/// this kind, or no more.
///
/// # Errors
/// The call failed, or what it found is not vouched for.
pub async fn look<S: Step>(vault: &Vault, secret: &OneTimeSecret, now: UnixMs) -> Result<Option<S>, StoreError> {
    let Some(content) = vault.content(&secret.digest(), now).await? else { return Ok(None) };
    let Ok(content) = secret.open(S::WHAT, &content.sealed) else { return Ok(None) };
    Ok(serde_json::from_slice(content.reveal()).ok())
}

/// What was left, for whoever comes first with the secret: two calls. It is used up
/// whatever comes of it.
///
/// # Errors
/// A call failed, or what it found is not vouched for.
pub async fn take<S: Step>(vault: &Vault, secret: &OneTimeSecret, now: UnixMs) -> Result<Option<S>, StoreError> {
    let Some(step) = look(vault, secret, now).await? else { return Ok(None) };
    match vault.use_content(&secret.digest()).await? {
        Outcome::Written => Ok(Some(step)),
        Outcome::Already => Ok(None),
    }
}

/// Writes personal data into what is sealed at once: for `serialize_with` of a [`Step`].
///
/// # Errors
/// As the serializer.
pub fn reveal<S: Serializer>(plain: &Plain<String>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(plain.reveal())
}
