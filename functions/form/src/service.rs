//! What the function is made of.

use std::{collections::BTreeMap, sync::Arc};

use azukari::{
    domain::id::{ChannelName, Malformed},
    host::{
        aws,
        ctx::Ctx,
        pages,
        people::{Intake, IntakeMetrics},
        published::{Channels, Forms, Histories, Policies},
        roles::Role,
        secrets::{self, FormChannelSecrets, FormSecrets, SecretsError},
        settings::{self, SettingsError},
    },
    keys::{enrol::EnrolKey, lookup::LookupKey},
    line::{client::LineClient, id_token::Verifier},
    seal::notice::NoticeKey,
    store::{Vault, audit::Audit},
};

use crate::page::ContentPolicies;

/// The form function.
#[derive(Debug)]
pub struct Form {
    pub(crate) intake: Intake,
    pub(crate) audit: Audit,
    pub(crate) channel_secrets: BTreeMap<ChannelName, FormChannelSecrets>,
    pub(crate) notice: NoticeKey,
    pub(crate) lookup: LookupKey,
    pub(crate) line: LineClient,
    pub(crate) verifier: Verifier,
    pub(crate) channels: Channels,
    pub(crate) forms: Forms,
    pub(crate) histories: Histories,
    /// Policies by version: for which purposes consent can be taken back.
    pub(crate) policies: Policies,
    /// The origin of the pages (RFC 6454).
    pub(crate) origin: String,
    /// Address in front of the id of a LIFF app.
    pub(crate) liff_base: String,
    /// Address of the LIFF SDK.
    pub(crate) liff_sdk: String,
    /// Address of the SDK's plugin for filling in from a profile, if it may be used.
    pub(crate) liff_plugin: Option<String>,
    pub(crate) content_policies: ContentPolicies,
}

/// What a form function is made from.
#[derive(Debug)]
pub struct Parts {
    /// Clock, mint, metrics.
    pub ctx: Ctx,
    /// The store, signing as `form`.
    pub vault: Vault,
    /// Where receipts are, signing as `form`.
    pub audit: Audit,
    /// Channel secrets and keys.
    pub secrets: FormSecrets,
    /// Checks key rows.
    pub enrol: EnrolKey,
    /// Makes the digests by which people are found.
    pub lookup: LookupKey,
    /// Calls LINE.
    pub line: LineClient,
    /// Where the pages are, and where LINE's side of them is.
    pub addresses: Addresses,
}

/// Where the pages are, and where LINE's side of them is.
#[derive(Debug, Clone)]
pub struct Addresses {
    /// Address of the pages, without a slash at its end.
    pub public_url: String,
    /// Address in front of the id of a LIFF app, without a slash at its end.
    pub liff_url: String,
    /// Address of the LIFF SDK.
    pub liff_sdk: String,
    /// Address of the SDK's plugin for filling in from a profile (Common Profile
    /// Quick-fill, PLATFORM.md §4.2). LINE lets verified MINI Apps use it.
    pub liff_plugin: Option<String>,
    /// Who may show the pages in a frame: `'none'`, or sources as CSP names them.
    pub frame_ancestors: String,
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

impl Form {
    /// The name of a channel as a log line may carry it: of one that is set up here. What else
    /// stands in an address is somebody's text.
    pub(crate) fn configured<'a>(&self, name: &'a ChannelName) -> Option<&'a str> {
        self.channel_secrets.contains_key(name).then(|| name.as_str())
    }

    /// From its parts.
    pub fn new(parts: Parts) -> Self {
        let Parts { ctx, vault, audit, secrets, enrol, lookup, line, addresses } = parts;
        let FormSecrets { channels, keys, notice } = secrets;
        let Addresses { public_url, liff_url, liff_sdk, liff_plugin, frame_ancestors } = addresses;
        let metrics = IntakeMetrics { alarm: "form_alarm", person: "form_person" };
        Self {
            intake: Intake::new(ctx, vault, keys, enrol, metrics),
            audit,
            channel_secrets: channels,
            notice,
            lookup,
            line,
            verifier: Verifier::default(),
            channels: Channels::default(),
            forms: Forms::default(),
            histories: Histories::default(),
            policies: Policies::default(),
            origin: pages::origin(&public_url),
            liff_base: liff_url,
            content_policies: ContentPolicies::new(&frame_ancestors, &liff_sdk, liff_plugin.as_deref()),
            liff_sdk,
            liff_plugin,
        }
    }

    /// Forgets what was read, as a cold start does.
    pub fn forget(&self) {
        self.intake.forget_all();
        self.channels.forget_all();
        self.forms.forget_all();
        self.histories.forget_all();
        self.verifier.forget();
    }

    /// From the environment of a Lambda function: one call, for the secret.
    ///
    /// # Errors
    /// Everything that is missing or malformed.
    pub async fn from_environment() -> Result<Self, NotReady> {
        let mut reader = settings::Reader::new(Role::Form, &settings::environment);
        let stage = reader.text(settings::STAGE);
        let table = reader.text(settings::VAULT_TABLE);
        let audit = reader.text(settings::AUDIT_TABLE);
        let secret = reader.text(settings::SECRET);
        let enrol = reader.bytes(settings::ENROL_PUBLIC_KEY, EnrolKey::new);
        let index_key = reader.text(settings::INDEX_KEY);
        let line_api = reader.base_url(settings::LINE_API);
        let addresses = Addresses {
            public_url: reader.base_url(settings::PUBLIC_URL),
            liff_url: reader.base_url(settings::LIFF_URL),
            liff_sdk: reader.base_url(settings::LIFF_SDK),
            liff_plugin: reader.optional_url(settings::LIFF_PLUGIN),
            frame_ancestors: reader.sources(settings::FRAME_ANCESTORS),
        };
        let sdk = reader.finish_with_aws()?;
        // The clients are made while the secret is on its way.
        let (secret, (dynamodb, kms)) =
            tokio::join!(secrets::fetch(&sdk, &secret), async { (aws::dynamodb(&sdk), aws::kms(&sdk)) });
        let secrets = FormSecrets::read(&secret?)?;
        let origin = Arc::new(secrets.keys.origin.clone());
        Ok(Self::new(Parts {
            ctx: Ctx::system().of_stage(&stage),
            vault: Vault::new(dynamodb.clone(), table, origin),
            audit: Audit::new(dynamodb, audit),
            secrets,
            enrol: enrol.ok_or(Malformed("enrol public key"))?,
            lookup: LookupKey::new(kms, index_key),
            line: LineClient::new(aws::https(), line_api),
            addresses,
        }))
    }
}
