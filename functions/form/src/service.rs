//! What the function is made of.

use azukari::{
    domain::origin::Nobody,
    host::{
        aws,
        ctx::Ctx,
        published::{Channels, Histories},
        roles::Role,
        settings::{self, SettingsError},
    },
    store::Vault,
};

use crate::page;

/// The form function.
#[derive(Debug)]
pub struct Form {
    pub(crate) ctx: Ctx,
    pub(crate) vault: Vault,
    pub(crate) channels: Channels,
    pub(crate) histories: Histories,
    /// `Content-Security-Policy` of every page.
    pub(crate) content_policy: String,
}

/// What a form function is made from.
#[derive(Debug)]
pub struct Parts {
    /// Clock, mint, metrics.
    pub ctx: Ctx,
    /// The store, signing as `form`.
    pub vault: Vault,
    /// Who may show the pages in a frame: `'none'`, or sources as CSP names them.
    pub frame_ancestors: String,
}

/// Why the function does not start.
#[derive(Debug, thiserror::Error)]
pub enum NotReady {
    /// Its environment is not complete.
    #[error(transparent)]
    Settings(#[from] SettingsError),
}

impl Form {
    /// From its parts.
    pub fn new(parts: Parts) -> Self {
        let Parts { ctx, vault, frame_ancestors } = parts;
        let content_policy = page::content_policy(&frame_ancestors);
        Self { ctx, vault, channels: Channels::default(), histories: Histories::default(), content_policy }
    }

    /// Forgets what was read, as a cold start does.
    pub fn forget(&self) {
        self.channels.forget_all();
        self.histories.forget_all();
    }

    /// From the environment of a Lambda function: no call.
    ///
    /// # Errors
    /// Everything that is missing or malformed.
    pub async fn from_environment() -> Result<Self, NotReady> {
        let mut reader = settings::Reader::new(Role::Form, &settings::environment);
        let table = reader.text(settings::VAULT_TABLE);
        let frame_ancestors = reader.text(settings::FRAME_ANCESTORS);
        reader.finish()?;
        let sdk = aws::from_environment().await;
        let vault = Vault::new(aws::dynamodb(&sdk), table, std::sync::Arc::new(Nobody));
        Ok(Self::new(Parts { ctx: Ctx::system(), vault, frame_ancestors }))
    }
}
