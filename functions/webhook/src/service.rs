//! What the function is made of.

use std::{collections::BTreeMap, time::Duration};

use azukari::{
    domain::id::{ChannelName, Malformed},
    host::{
        aws,
        ctx::Ctx,
        people::{Intake, IntakeMetrics},
        published::{Channels, Policies},
        roles::Role,
        secrets::{self, ChannelSecrets, SecretsError, WebhookSecrets},
        settings::{self, SettingsError},
    },
    keys::enrol::EnrolKey,
    line::client::LineClient,
    store::Vault,
};
use tokio::sync::Semaphore;

/// The webhook function.
#[derive(Debug)]
pub struct Webhook {
    pub(crate) intake: Intake,
    pub(crate) channel_secrets: BTreeMap<ChannelName, ChannelSecrets>,
    pub(crate) line: LineClient,
    pub(crate) public_url: String,
    pub(crate) liff_url: String,
    pub(crate) channels: Channels,
    /// Earlier policies, for whoever answers an old notice.
    pub(crate) policies: Policies,
    pub(crate) calls_to_line: Semaphore,
    pub(crate) line_budget: Duration,
}

/// What a webhook function is made from.
#[derive(Debug)]
pub struct Parts {
    /// Clock, mint, metrics.
    pub ctx: Ctx,
    /// The store, signing as `webhook`.
    pub vault: Vault,
    /// Channel secrets and keys.
    pub secrets: WebhookSecrets,
    /// Checks key rows.
    pub enrol: EnrolKey,
    /// Calls LINE.
    pub line: LineClient,
    /// Address of the people's pages, without a slash at its end.
    pub public_url: String,
    /// Address in front of the id of a LIFF app, without a slash at its end.
    pub liff_url: String,
}

/// Why the function does not start.
#[derive(Debug, thiserror::Error)]
pub enum NotReady {
    /// Its environment is not complete.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// Its secret is not complete.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    /// A key cannot be used.
    #[error(transparent)]
    Key(#[from] Malformed),
}

/// All calls to LINE of one request end within this time of its arrival: LINE itself waits
/// two seconds for the answer.
const LINE_BUDGET: Duration = Duration::from_millis(800);

/// LINE is called at most this often at the same time.
const CALLS_TO_LINE: usize = 8;

impl Webhook {
    /// From its parts.
    pub fn new(parts: Parts) -> Self {
        let Parts { ctx, vault, secrets, enrol, line, public_url, liff_url } = parts;
        let metrics = IntakeMetrics { alarm: "webhook_alarm", person: "webhook_person" };
        Self {
            intake: Intake::new(ctx, vault, secrets.keys, enrol, metrics),
            channel_secrets: secrets.channels,
            line,
            public_url,
            liff_url,
            channels: Channels::default(),
            policies: Policies::default(),
            calls_to_line: Semaphore::new(CALLS_TO_LINE),
            line_budget: LINE_BUDGET,
        }
    }

    /// The same with another time for calls to LINE: for tests on a machine that is busy
    /// with others.
    #[must_use]
    pub fn with_line_budget(mut self, line_budget: Duration) -> Self {
        self.line_budget = line_budget;
        self
    }

    /// Forgets what was read, as a cold start does.
    pub fn forget(&self) {
        self.intake.forget_all();
        self.channels.forget_all();
    }

    /// From the environment of a Lambda function: one call, for the secret.
    ///
    /// # Errors
    /// Everything that is missing or malformed.
    pub async fn from_environment() -> Result<Self, NotReady> {
        let mut reader = settings::Reader::new(Role::Webhook, &settings::environment);
        let stage = reader.text(settings::STAGE);
        let table = reader.text(settings::VAULT_TABLE);
        let secret = reader.text(settings::SECRET);
        let line_api = reader.base_url(settings::LINE_API);
        let public_url = reader.base_url(settings::PUBLIC_URL);
        let liff_url = reader.base_url(settings::LIFF_URL);
        let enrol = reader.bytes(settings::ENROL_PUBLIC_KEY, EnrolKey::new);
        let sdk = reader.finish_with_aws()?;
        // The client is made while the secret is on its way.
        let (secret, dynamodb) = tokio::join!(secrets::fetch(&sdk, &secret), async { aws::dynamodb(&sdk) });
        let secrets = WebhookSecrets::read(&secret?)?;
        let origin = std::sync::Arc::new(secrets.keys.origin.clone());
        Ok(Self::new(Parts {
            ctx: Ctx::system().of_stage(&stage),
            vault: Vault::new(dynamodb, table, origin),
            secrets,
            enrol: enrol.ok_or(Malformed("enrol public key"))?,
            line: LineClient::new(aws::https(), line_api),
            public_url,
            liff_url,
        }))
    }
}
