//! Everything on one machine, put together as it is in the cloud: each function with
//! its own role's credentials and its own part of the secrets.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use azukari::{
    domain::{id::Malformed, operator::Operator, origin::Nobody, site::Site, sweep, time::Day},
    host::{
        clock::Clock,
        ctx::Ctx,
        deadline::Deadline,
        ledger::Ledger,
        metrics::Metrics,
        mint::{Mint, SystemMint},
        roles::{Key, Role},
        secrets::{self, FormSecrets, LinkSecrets, OpenerSecrets, SecretsError, WebhookSecrets},
    },
    keys::{self, KeyError, enrol::EnrolKey, lookup::LookupKey},
    line::client::{LINE_API, LineClient},
    store::{
        StoreError, Vault,
        audit::Audit,
        tables::{self, Table, TableNames},
        wrapped::WrappedKeys,
    },
};
use azukari_form::{Addresses, Form};
use azukari_link::Link;
use azukari_locksmith::{Locksmith, LocksmithError};
use azukari_opener::Opener;
use azukari_sweeper::{Done, Report, RestoreReport, SweepError, Sweeper};
use azukari_webhook::{Parts, Webhook};
use serde_json::{Value, json};

use crate::{
    clock::MovableClock,
    config::{self, Configuration, Problems},
    engine::{
        clients::{dynamodb_client, kms_client},
        dynamodb::{DynamoDb, NotOpened},
        kms::{Kms, NotUsable},
        line::{Line, LoginChannel},
        wire::{Wire, Wires},
    },
    operator_key::{self, NoKey, OperatorKey},
    publish::{self, Published},
    secrets_file::{self, SecretsFileError},
    site_key::{self, SiteKey},
};

/// Where things are.
#[derive(Debug, Clone)]
pub struct Options {
    /// Database, keys and secrets.
    pub data_dir: PathBuf,
    /// What the business has configured.
    pub config_dir: PathBuf,
    /// How many key pairs the pool is to hold.
    pub pool_target: usize,
}

/// The audience of assertions on one machine.
pub const AUDIENCE: &str = "azukari:local";

/// The file in the data folder with the public half of the `evidence` key.
pub const EVIDENCE_FILE: &str = "evidence-public-key.pem";

/// People that the operator of this machine may open in an hour: tools that drive
/// local mode through `/simulator/open` are not to be stopped by it.
const LOCAL_BUDGET: u32 = 10_000;

/// Key pairs that the pool holds on one machine.
pub const POOL_TARGET: usize = 200;

/// An installation on one machine.
pub struct Installation {
    options: Options,
    clock: Arc<MovableClock>,
    mint: Arc<dyn Mint>,
    metrics: Arc<Metrics>,
    wires: Arc<Wires>,
    dynamodb: Arc<DynamoDb>,
    kms: Arc<Kms>,
    line: Arc<Line>,
    configuration: Configuration,
    published: Published,
    secrets: Value,
    enrol: EnrolKey,
    evidence: Vec<u8>,
    local: OperatorKey,
    site_key: SiteKey,
    /// Every run writes on: each would begin a chain of its own.
    sweepers_ledger: Arc<Ledger>,
    /// Held as long as the installation is open.
    _lock: std::fs::File,
}

/// Why an installation does not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The configuration has problems.
    #[error("{0}")]
    Configuration(#[from] Problems),
    /// The data folder cannot be made.
    #[error("the data folder cannot be made: {0:?}: {1}")]
    Folder(PathBuf, std::io::Error),
    /// Another process works in it.
    #[error(
        "データの置き場所{0:?}は、ほかのazukariが使用中です。 / The data folder {0:?} is in use by another azukari."
    )]
    Busy(PathBuf),
    /// The database cannot be opened.
    #[error(transparent)]
    Database(#[from] NotOpened),
    /// The master keys cannot be used.
    #[error(transparent)]
    Keys(#[from] NotUsable),
    /// The secrets file cannot be used.
    #[error(transparent)]
    SecretsFile(#[from] SecretsFileError),
    /// The secrets are not complete.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    /// The key of this machine's operator cannot be used.
    #[error(transparent)]
    Operator(#[from] NoKey),
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The enrol key did not answer.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The enrol key is not one.
    #[error(transparent)]
    Enrol(#[from] Malformed),
    /// The pool could not be filled.
    #[error(transparent)]
    Pool(#[from] LocksmithError),
}

impl Installation {
    /// Opens an installation, or makes it: tables, keys, secrets, published
    /// configuration, a full pool. What is there is kept.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open(options: Options, clock: Arc<MovableClock>) -> Result<Self, OpenError> {
        Self::open_with(options, clock, Arc::new(SystemMint::new())).await
    }

    /// The same, with random values from elsewhere: a run that can be repeated.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open_with(options: Options, clock: Arc<MovableClock>, mint: Arc<dyn Mint>) -> Result<Self, OpenError> {
        let configuration = config::read(&options.config_dir)?;
        make_private_folder(&options.data_dir).map_err(|error| OpenError::Folder(options.data_dir.clone(), error))?;
        let lock = lock(&options.data_dir)?;
        let dynamodb = Arc::new(DynamoDb::open(&options.data_dir.join("azukari.db"))?);
        let kms = Arc::new(Kms::open(&options.data_dir.join("master-keys.json"))?);
        let wires = Arc::new(Wires::default());
        let channels: Vec<String> = configuration.channels.keys().cloned().collect();
        let mut secrets = secrets_file::complete(&options.data_dir.join("secrets.toml"), &channels, &*mint)?;

        let admin = dynamodb_client(&dynamodb, &wires, Role::Admin);
        tables::create_missing(&admin, &TableNames::local()).await?;
        let publisher = dynamodb_client(&dynamodb, &wires, Role::Publisher);
        let vault = Vault::new(publisher, Table::Vault.as_str(), Arc::new(Nobody));
        let published = publish::publish(&vault, &configuration, &*mint, clock.now()).await?;
        let kms_admin = kms_client(&kms, &wires, Role::Admin);
        let enrol = EnrolKey::new(&keys::public_key(&kms_admin, Key::Enrol.as_str()).await?)?;
        let evidence = keys::public_key(&kms_admin, Key::Evidence.as_str()).await?;
        let evidence_file = options.data_dir.join(EVIDENCE_FILE);
        operator_key::write_public(&evidence_file, &evidence)
            .map_err(|error| OpenError::Folder(evidence_file, error))?;
        let local = OperatorKey::local(&options.data_dir)?;
        let site_key = SiteKey::local(&options.data_dir)?;
        let operators: Vec<Operator> =
            configuration.operators.iter().cloned().chain([local.operator(LOCAL_BUDGET)]).collect();
        secrets["operators"] = secrets::operators(&operators);
        secrets["sites"] = secrets::sites(&configuration.sites);

        let known = || secrets["channel"].as_object().into_iter().flatten();
        let tokens =
            known().filter_map(|(name, members)| Some((members["access_token"].as_str()?.to_owned(), name.clone())));
        let logins = known().filter_map(|(name, members)| {
            let member = |member: &str| members[member].as_str().map(str::to_owned);
            let (id, secret) = (member("login_channel_id")?, member("login_channel_secret")?);
            Some(LoginChannel { channel: name.clone(), id, secret })
        });
        let metrics: Arc<Metrics> = Arc::default();
        let line = Line::new(Arc::clone(&clock), Arc::clone(&mint), tokens.collect(), logins.collect());
        for (name, members) in known() {
            if let (Some(id), Some(secret)) = (members["bot_user_id"].as_str(), members["channel_secret"].as_str()) {
                line.open_account(name, id, secret);
            }
        }

        let sweepers_ledger = {
            let audit = Audit::new(dynamodb_client(&dynamodb, &wires, Role::Sweeper), Table::Audit.as_str());
            let ctx = Ctx::new(Arc::<MovableClock>::clone(&clock), Arc::clone(&mint), Arc::clone(&metrics));
            let kms = kms_client(&kms, &wires, Role::Sweeper);
            Arc::new(Ledger::new(ctx, Role::Sweeper, audit, kms, Key::Evidence.as_str().to_owned()))
        };
        let installation = Self {
            options,
            clock,
            mint,
            metrics,
            wires,
            dynamodb,
            kms,
            line: Arc::new(line),
            configuration,
            published,
            secrets,
            enrol,
            evidence,
            local,
            site_key,
            sweepers_ledger,
            _lock: lock,
        };
        WebhookSecrets::read(&installation.secrets(Role::Webhook))?;
        FormSecrets::read(&installation.secrets(Role::Form))?;
        OpenerSecrets::read(&installation.secrets(Role::Opener))?;
        installation.refill().await?;
        Ok(installation)
    }

    /// The clock of every function.
    pub fn clock(&self) -> &Arc<MovableClock> {
        &self.clock
    }

    /// The counters of every function.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// The wires below the clients.
    pub fn wires(&self) -> &Arc<Wires> {
        &self.wires
    }

    /// The tables, past the role table.
    pub fn dynamodb(&self) -> &DynamoDb {
        &self.dynamodb
    }

    /// The engine of the tables, to be served elsewhere.
    pub fn dynamodb_engine(&self) -> Arc<DynamoDb> {
        Arc::clone(&self.dynamodb)
    }

    /// The engine of the keys, to be served elsewhere.
    pub fn kms_engine(&self) -> Arc<Kms> {
        Arc::clone(&self.kms)
    }

    /// LINE.
    pub fn line(&self) -> &Arc<Line> {
        &self.line
    }

    /// What the business has configured.
    pub fn configuration(&self) -> &Configuration {
        &self.configuration
    }

    /// What of it is published.
    pub fn published(&self) -> &Published {
        &self.published
    }

    /// Checks key rows.
    pub fn enrol(&self) -> &EnrolKey {
        &self.enrol
    }

    /// The public half of the `evidence` key, a `SubjectPublicKeyInfo` in DER.
    pub fn evidence(&self) -> &[u8] {
        &self.evidence
    }

    /// The operator of this machine.
    pub fn local_operator(&self) -> &OperatorKey {
        &self.local
    }

    /// The key of the example member sites.
    pub fn site_key(&self) -> &SiteKey {
        &self.site_key
    }

    /// Whether the people of a channel are linked with member ids.
    pub fn links(&self, channel: &str) -> bool {
        self.configuration.channels.get(channel).is_some_and(|channel| channel.link.is_some())
    }

    /// Where the data is.
    pub fn data_dir(&self) -> &Path {
        &self.options.data_dir
    }

    /// A role's part of the secrets.
    pub fn secrets(&self, role: Role) -> Value {
        secrets::received(role, &self.secrets)
    }

    /// A fresh opener, as after a cold start: it begins a chain of its own.
    ///
    /// # Errors
    /// The secrets are not complete.
    pub fn opener(&self) -> Result<Opener, SecretsError> {
        let dynamodb = self.dynamodb_as(Role::Opener);
        let secrets = OpenerSecrets::read(&self.secrets(Role::Opener))?;
        Ok(Opener::new(azukari_opener::Parts {
            ctx: self.ctx(),
            vault: self.vault_as(Role::Opener)?,
            keys: WrappedKeys::new(dynamodb.clone(), Table::Keys.as_str()),
            audit: Audit::new(dynamodb, Table::Audit.as_str()),
            kms: self.kms_as(Role::Opener),
            wrap: Key::Wrap.as_str().to_owned(),
            evidence: Key::Evidence.as_str().to_owned(),
            enrol: self.enrol.clone(),
            secrets,
            audience: AUDIENCE.to_owned(),
        }))
    }

    /// One member of a channel's secrets, as LINE knows it.
    pub fn channel_secret(&self, channel: &str, member: &str) -> Option<&str> {
        self.secrets["channel"][channel][member].as_str()
    }

    /// A DynamoDB client that signs as `role`.
    pub fn dynamodb_as(&self, role: Role) -> aws_sdk_dynamodb::Client {
        dynamodb_client(&self.dynamodb, &self.wires, role)
    }

    /// A KMS client that signs as `role`.
    pub fn kms_as(&self, role: Role) -> aws_sdk_kms::Client {
        kms_client(&self.kms, &self.wires, role)
    }

    /// The vault as `role` sees it.
    ///
    /// # Errors
    /// The role receives no origin key.
    pub fn vault_as(&self, role: Role) -> Result<Vault, SecretsError> {
        let origin = secrets::origin(&self.secrets(role))?;
        Ok(Vault::new(self.dynamodb_as(role), Table::Vault.as_str(), Arc::new(origin)))
    }

    /// Clock, mint and metrics of a function.
    pub fn ctx(&self) -> Ctx {
        let clock: Arc<dyn Clock> = Arc::<MovableClock>::clone(&self.clock);
        Ctx::new(clock, Arc::clone(&self.mint), Arc::clone(&self.metrics))
    }

    /// A fresh webhook function, as after a cold start. Its messages lead to the people's
    /// pages at `public_url`.
    ///
    /// # Errors
    /// The secrets are not complete.
    pub fn webhook(&self, public_url: &str) -> Result<Webhook, SecretsError> {
        let wire = Wire::new(Arc::<Line>::clone(&self.line), Arc::clone(&self.wires));
        Ok(Webhook::new(Parts {
            ctx: self.ctx(),
            vault: self.vault_as(Role::Webhook)?,
            secrets: WebhookSecrets::read(&self.secrets(Role::Webhook))?,
            enrol: self.enrol.clone(),
            line: LineClient::new(wire.connector(), LINE_API),
            liff_url: liff_url(public_url),
            public_url: public_url.to_owned(),
        }))
    }

    /// A fresh form function, as after a cold start, with its pages at `public_url`. The
    /// simulator shows them in a frame.
    ///
    /// # Errors
    /// The secrets are not complete.
    pub fn form(&self, public_url: &str) -> Result<Form, SecretsError> {
        let wire = Wire::new(Arc::<Line>::clone(&self.line), Arc::clone(&self.wires));
        Ok(Form::new(azukari_form::Parts {
            ctx: self.ctx(),
            vault: self.vault_as(Role::Form)?,
            audit: Audit::new(self.dynamodb_as(Role::Form), Table::Audit.as_str()),
            secrets: FormSecrets::read(&self.secrets(Role::Form))?,
            enrol: self.enrol.clone(),
            lookup: LookupKey::new(self.kms_as(Role::Form), Key::Index.as_str()),
            line: LineClient::new(wire.connector(), LINE_API),
            addresses: Addresses {
                public_url: public_url.to_owned(),
                liff_url: liff_url(public_url),
                liff_sdk: format!("{public_url}/simulator/liff.js"),
                liff_plugin: Some(format!("{public_url}/simulator/liff-profile.js")),
                frame_ancestors: "'self'".to_owned(),
            },
        }))
    }

    /// A fresh link function, as after a cold start, with its pages at `public_url`. Beside
    /// the sites that are configured, each channel that links has an example.
    ///
    /// # Errors
    /// The secrets are not complete.
    pub fn link(&self, public_url: &str) -> Result<Link, SecretsError> {
        let wire = Wire::new(Arc::<Line>::clone(&self.line), Arc::clone(&self.wires));
        let linked = self.configuration.channels.keys().filter(|name| self.links(name));
        let examples = linked.filter_map(|name| site_key::example(name, public_url, self.site_key.public()));
        let sites: Vec<Site> = self.configuration.sites.iter().cloned().chain(examples).collect();
        let mut secrets = self.secrets(Role::Link);
        secrets["sites"] = secrets::sites(&sites);
        Ok(Link::new(azukari_link::Parts {
            ctx: self.ctx(),
            vault: self.vault_as(Role::Link)?,
            secrets: LinkSecrets::read(&secrets)?,
            enrol: self.enrol.clone(),
            lookup: LookupKey::new(self.kms_as(Role::Link), Key::Index.as_str()),
            line: LineClient::new(wire.connector(), LINE_API),
            addresses: azukari_link::Addresses {
                public_url: public_url.to_owned(),
                line_access: format!("{public_url}/simulator/access"),
                frame_ancestors: "'self'".to_owned(),
            },
        }))
    }

    /// A locksmith.
    pub fn locksmith(&self) -> Locksmith {
        let dynamodb = self.dynamodb_as(Role::Locksmith);
        Locksmith {
            ctx: self.ctx(),
            vault: Vault::new(dynamodb.clone(), Table::Vault.as_str(), Arc::new(Nobody)),
            keys: WrappedKeys::new(dynamodb, Table::Keys.as_str()),
            kms: self.kms_as(Role::Locksmith),
            wrap: Key::Wrap.as_str().to_owned(),
            enrol: Key::Enrol.as_str().to_owned(),
            target: self.options.pool_target,
        }
    }

    /// A sweeper.
    ///
    /// # Errors
    /// The secrets are not complete.
    pub fn sweeper(&self) -> Result<Sweeper, SecretsError> {
        let dynamodb = self.dynamodb_as(Role::Sweeper);
        Ok(Sweeper {
            ctx: self.ctx(),
            vault: self.vault_as(Role::Sweeper)?,
            keys: WrappedKeys::new(dynamodb.clone(), Table::Keys.as_str()),
            audit: Audit::new(dynamodb, Table::Audit.as_str()),
            ledger: Arc::clone(&self.sweepers_ledger),
            roots: azukari_sweeper::Roots::default(),
            marks: azukari_sweeper::Marks::default(),
        })
    }

    /// Fills the pool.
    ///
    /// # Errors
    /// The pool could not be read.
    pub async fn refill(&self) -> Result<azukari_locksmith::Report, LocksmithError> {
        self.locksmith().refill(Deadline::within(std::time::Duration::from_secs(50))).await
    }

    /// Sweeps, as the contract of local mode says: unless dry, the clock is moved by
    /// what pending erasures still wait, so that everything that can end does.
    ///
    /// # Errors
    /// The sweep could not begin.
    pub async fn sweep_now(&self, dry_run: bool) -> Result<Report, SweepError> {
        const ROUNDS: usize = 4;
        let sweeper = self.sweeper()?;
        let deadline = || Deadline::within(std::time::Duration::from_secs(600));
        if dry_run {
            return sweeper.sweep(deadline(), true).await;
        }
        self.clock.advance(self.pending_ms());
        let mut all = sweeper.sweep(deadline(), false).await?;
        let due = all.due;
        for _ in 1..ROUNDS {
            let pending = self.pending_ms();
            if pending == 0 {
                break;
            }
            self.clock.advance(pending);
            all.add(&sweeper.sweep(deadline(), false).await?);
            all.waiting = 0;
        }
        self.tidy_up();
        Ok(Report { due, ..all })
    }

    /// Sweeps as the schedule does: time passes by itself.
    ///
    /// # Errors
    /// The sweep could not begin.
    pub async fn sweep_on_schedule(&self) -> Result<Report, SweepError> {
        let deadline = Deadline::within(std::time::Duration::from_secs(50));
        let report = self.sweeper()?.sweep(deadline, false).await?;
        self.tidy_up();
        Ok(report)
    }

    /// Whether the vault was brought back from a backup and no check has ended well since.
    ///
    /// # Errors
    /// The store did not answer.
    pub async fn is_restored(&self) -> Result<bool, SweepError> {
        self.sweeper()?.is_restored().await
    }

    /// Erases again what is on the erasure list and has come back with a backup. The pool is
    /// empty afterwards; opening the installation fills it.
    ///
    /// # Errors
    /// The list could not be read.
    pub async fn restore_check(
        &self,
        since: Option<Day>,
        dry_run: bool,
        tell: &(dyn Fn(Done) + Sync),
    ) -> Result<RestoreReport, SweepError> {
        let report = self.sweeper()?.restore_check(since, dry_run, tell).await?;
        if !dry_run {
            self.tidy_up();
        }
        Ok(report)
    }

    fn tidy_up(&self) {
        self.forget_expired();
        self.truncate_log();
    }

    /// How long the erasures that have begun still wait.
    fn pending_ms(&self) -> i64 {
        let now = self.clock.now();
        let holds = self.rows(Table::Vault).into_iter().filter(|row| row["kind"]["S"] == "hold");
        let ready = holds
            .filter_map(|row| row["unmapped_at"]["N"].as_str()?.parse::<i64>().ok())
            .map(|at| at + azukari::domain::erasure::SETTLE_MS);
        ready.max().map_or(0, |ready| (ready - now.get()).max(0))
    }

    /// The clock has gone back: the sweeper's cursor goes with it, as it would with the next
    /// sweep. What is stored from now on is due before what was swept in the future.
    ///
    /// # Errors
    /// The store did not answer.
    pub async fn clock_went_back(&self) -> Result<(), StoreError> {
        let vault = Vault::new(self.dynamodb_as(Role::Sweeper), Table::Vault.as_str(), Arc::new(Nobody));
        let back = sweep::cursor(None, self.clock.now());
        match vault.cursor().await? {
            Some(cursor) if cursor > back => vault.put_cursor(back).await,
            Some(_) | None => Ok(()),
        }
    }

    /// Every row of a table as it is stored, in DynamoDB JSON.
    pub fn rows(&self, table: Table) -> Vec<Value> {
        let mut rows = Vec::new();
        let mut from = Value::Null;
        loop {
            let mut request = json!({ "TableName": table.as_str() });
            if !from.is_null() {
                request["ExclusiveStartKey"] = from;
            }
            let request = serde_json::from_value(request).expect("a scan with a table is well formed");
            let Ok(page) = self.dynamodb.database().scan(request) else { return rows };
            let mut page = serde_json::to_value(&page).unwrap_or_default();
            if let Value::Array(items) = page["Items"].take() {
                rows.extend(items);
            }
            from = page["LastEvaluatedKey"].take();
            if from.is_null() {
                return rows;
            }
        }
    }

    /// DynamoDB deletes what is past its time to live; the engine's own way of doing
    /// so knows nothing of a moved clock.
    fn forget_expired(&self) {
        let now = self.clock.now().seconds();
        for row in self.rows(Table::Vault) {
            let ttl = row["ttl"]["N"].as_str().and_then(|ttl| ttl.parse::<i64>().ok());
            if ttl.is_some_and(|ttl| ttl <= now) {
                let request = json!({"TableName": "vault", "Key": {"pk": row["pk"], "sk": row["sk"]}});
                let request = serde_json::from_value(request).expect("a delete with a key is well formed");
                if self.dynamodb.database().delete_item(request).is_err() {
                    tracing::error!(event = "expired_row_not_deleted", "an expired row could not be deleted");
                }
            }
        }
    }

    /// Empties SQLite's write-ahead log, in which deleted rows would live on.
    fn truncate_log(&self) {
        let path = self.options.data_dir.join("azukari.db");
        let done = rusqlite::Connection::open(path).and_then(|connection| {
            connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0))
        });
        if !matches!(done, Ok(0)) {
            tracing::error!(event = "write_ahead_log_not_truncated", "the write-ahead log could not be truncated");
        }
    }
}

impl std::fmt::Debug for Installation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Installation({:?})", self.options.data_dir)
    }
}

/// The stand-in for `https://liff.line.me` on one machine.
fn liff_url(public_url: &str) -> String {
    format!("{public_url}/simulator/liff")
}

fn lock(data_dir: &Path) -> Result<std::fs::File, OpenError> {
    let broken = |error| OpenError::Folder(data_dir.to_owned(), error);
    let file = std::fs::File::create(data_dir.join("lock")).map_err(broken)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(OpenError::Busy(data_dir.to_owned())),
        Err(std::fs::TryLockError::Error(error)) => Err(broken(error)),
    }
}

pub(crate) fn make_private_folder(path: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}
