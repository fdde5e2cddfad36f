//! What the function is made of.

use std::{collections::BTreeMap, sync::Arc};

use azukari::{
    domain::{
        definition::LinkTerms,
        id::{ChannelName, Malformed},
        site::Site,
    },
    host::{
        aws,
        ctx::Ctx,
        pages,
        people::{Intake, IntakeMetrics},
        published::{Channel, ChannelError, Channels, Policies},
        roles::Role,
        secrets::{self, LinkChannelSecrets, LinkSecrets, SecretsError},
        settings::{self, SettingsError},
    },
    keys::{enrol::EnrolKey, lookup::LookupKey},
    line::client::LineClient,
    seal::pairwise::PairwiseKey,
    store::Vault,
};

use crate::page::ContentPolicies;

/// The link function.
#[derive(Debug)]
pub struct Link {
    pub(crate) intake: Intake,
    pub(crate) channel_secrets: BTreeMap<ChannelName, LinkChannelSecrets>,
    pub(crate) sites: Vec<Site>,
    pub(crate) pairwise: PairwiseKey,
    pub(crate) lookup: LookupKey,
    pub(crate) line: LineClient,
    pub(crate) channels: Channels,
    pub(crate) policies: Policies,
    pub(crate) addresses: Addresses,
    /// The origin of the pages (RFC 6454).
    pub(crate) origin: String,
    pub(crate) content_policies: ContentPolicies,
}

/// What a link function is made from.
#[derive(Debug)]
pub struct Parts {
    /// Clock, mint, metrics.
    pub ctx: Ctx,
    /// The store, signing as `link`.
    pub vault: Vault,
    /// Channel secrets, keys, sites.
    pub secrets: LinkSecrets,
    /// Checks key rows.
    pub enrol: EnrolKey,
    /// Makes the digests of member ids.
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
    /// Address at which people sign in to LINE, without a slash at its end.
    pub line_access: String,
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

/// A channel that links, with all that belongs to it.
pub(crate) struct Linking<'a> {
    pub(crate) channel: Arc<Channel>,
    pub(crate) secrets: &'a LinkChannelSecrets,
}

impl Linking<'_> {
    /// The terms under which it links.
    pub(crate) fn terms(&self) -> &LinkTerms {
        // Checked where the value is made.
        self.channel.definition.link.as_ref().expect("a channel that links has terms")
    }

    pub(crate) fn name(&self) -> &ChannelName {
        &self.channel.name
    }
}

/// Why a channel cannot be used.
pub(crate) enum NoChannel {
    /// There is none of this name that links.
    Unknown,
    /// The store did not answer.
    Unavailable,
}

impl Link {
    /// From its parts.
    pub fn new(parts: Parts) -> Self {
        let Parts { ctx, vault, secrets, enrol, lookup, line, addresses } = parts;
        let LinkSecrets { channels, keys, pairwise, sites } = secrets;
        let metrics = IntakeMetrics { alarm: "link_alarm", person: "link_person" };
        Self {
            intake: Intake::new(ctx, vault, keys, enrol, metrics),
            channel_secrets: channels,
            content_policies: ContentPolicies::new(&addresses.frame_ancestors, &sites),
            sites,
            pairwise,
            lookup,
            line,
            channels: Channels::default(),
            policies: Policies::default(),
            origin: pages::origin(&addresses.public_url),
            addresses,
        }
    }

    /// Forgets what was read, as a cold start does.
    pub fn forget(&self) {
        self.intake.forget_all();
        self.channels.forget_all();
    }

    /// A channel that links, by its name in an address.
    pub(crate) async fn channel(&self, name: &str) -> Result<Linking<'_>, NoChannel> {
        let name = ChannelName::parse(name).map_err(|_| NoChannel::Unknown)?;
        let secrets = self.channel_secrets.get(&name).ok_or(NoChannel::Unknown)?;
        match self.channels.channel(&self.intake.vault, &name, self.intake.ctx.now()).await {
            Ok(channel) if channel.definition.link.is_some() => Ok(Linking { channel, secrets }),
            Ok(_) | Err(ChannelError::NotPublished) => Err(NoChannel::Unknown),
            Err(error) => {
                tracing::error!(event = "channel_not_loaded", %error, channel = %name, "a channel could not be loaded");
                Err(NoChannel::Unavailable)
            }
        }
    }

    /// The sites of a channel.
    pub(crate) fn sites_of(&self, channel: &ChannelName) -> impl Iterator<Item = &Site> {
        self.sites.iter().filter(move |site| site.channel == *channel)
    }

    /// A site of a channel by its name; without one, the first.
    pub(crate) fn site(&self, channel: &ChannelName, name: Option<&str>) -> Option<&Site> {
        self.sites_of(channel).find(|site| name.is_none_or(|name| site.name.as_str() == name))
    }

    /// The address of a page of this function.
    pub(crate) fn url(&self, channel: &ChannelName, rest: &str) -> String {
        format!("{}/link/{channel}{rest}", self.addresses.public_url)
    }

    /// From the environment of a Lambda function: one call, for the secret.
    ///
    /// # Errors
    /// Everything that is missing or malformed.
    pub async fn from_environment() -> Result<Self, NotReady> {
        let mut reader = settings::Reader::new(Role::Link, &settings::environment);
        let stage = reader.text(settings::STAGE);
        let table = reader.text(settings::VAULT_TABLE);
        let secret = reader.text(settings::SECRET);
        let enrol = reader.bytes(settings::ENROL_PUBLIC_KEY, EnrolKey::new);
        let index_key = reader.text(settings::INDEX_KEY);
        let line_api = reader.base_url(settings::LINE_API);
        let addresses = Addresses {
            line_access: reader.base_url(settings::LINE_ACCESS),
            public_url: reader.base_url(settings::PUBLIC_URL),
            frame_ancestors: reader.sources(settings::FRAME_ANCESTORS),
        };
        let sdk = reader.finish_with_aws()?;
        // The clients are made while the secret is on its way.
        let (secret, (dynamodb, kms)) =
            tokio::join!(secrets::fetch(&sdk, &secret), async { (aws::dynamodb(&sdk), aws::kms(&sdk)) });
        let secrets = LinkSecrets::read(&secret?)?;
        let origin = Arc::new(secrets.keys.origin.clone());
        Ok(Self::new(Parts {
            ctx: Ctx::system().of_stage(&stage),
            vault: Vault::new(dynamodb, table, origin),
            secrets,
            enrol: enrol.ok_or(Malformed("enrol public key"))?,
            lookup: LookupKey::new(kms, index_key),
            line: LineClient::new(aws::https(), line_api),
            addresses,
        }))
    }
}
