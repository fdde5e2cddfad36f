//! A stage in the cloud for one test: the services that `azukari bootstrap`, `publish` and
//! `doctor` call, answered in process in the shapes of AWS' API. Tables and keys are those of
//! an installation; Lambda and Secrets Manager, and what only the cloud knows of a table or a
//! key, are stand-ins. LINE is the stand-in of local mode.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicI64, Ordering},
    },
};

use aws_smithy_runtime_api::{
    client::{
        http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn},
        orchestrator::{HttpRequest, HttpResponse},
        result::ConnectorError,
    },
    http::StatusCode,
};
use aws_smithy_types::{DateTime, body::SdkBody, date_time::Format};
use axum::{Router, body::Body};
use azukari::{
    host::{
        clock::Clock,
        mint::SystemMint,
        roles::{Key, Role},
        secrets::WebhookSecrets,
        settings,
    },
    keys,
    line::client::{LINE_API, LineClient},
    store::tables::{DECLARATIONS, Table},
};
use azukari_local::{
    engine::{
        line::Line,
        wire::{Asked, Engine, Reply, Wire},
    },
    installation::Installation,
    secrets_file::write_private,
    stage::{
        Asking, Cloud, StageError,
        bootstrap::{self, Done, Wanted},
        doctor::{self, Finding, Report},
        publish,
    },
};
use azukari_webhook::Webhook;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::Request;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::app::{CHANNELS, PUBLIC_URL, TestApp};

/// The name of the stage.
pub const STACK: &str = "azukari-test";

/// The roles that are functions.
pub const FUNCTIONS: [Role; 6] = [Role::Webhook, Role::Form, Role::Link, Role::Sweeper, Role::Locksmith, Role::Opener];

/// The roles that hold a secret.
pub const HOLDERS: [Role; 5] = [Role::Webhook, Role::Form, Role::Link, Role::Sweeper, Role::Opener];

/// Whoever looks after a stage may do what any of these may.
const OPERATORS: [Role; 5] = [Role::Publisher, Role::Admin, Role::Sweeper, Role::Locksmith, Role::Opener];

/// What the cloud knows, and what is wrong with it.
#[derive(Clone, Default)]
pub struct Known {
    /// Settings by role. A function that is not here is not there.
    pub functions: BTreeMap<Role, BTreeMap<String, String>>,
    /// Versions of each secret, the current one last: its id and its text.
    pub secrets: BTreeMap<String, Vec<(String, String)>>,
    /// Days of point-in-time recovery; 0: off.
    pub recovery: BTreeMap<Table, i64>,
    /// Tables without deletion protection.
    pub unprotected: Vec<Table>,
    /// Whether TTL is off.
    pub no_ttl: bool,
    /// Keys that are not enabled.
    pub disabled_keys: Vec<&'static str>,
    /// Whether keys are not rotated.
    pub unrotated: bool,
    /// After so many writes of secrets the next one fails.
    pub writes_left: Option<usize>,
    /// How many writers of secrets still wait for each other.
    pub meeting: usize,
    /// With what code a secret is not given.
    pub refused_secrets: BTreeMap<Role, &'static str>,
    /// When a secret was written, in milliseconds; before everything else if it is not here.
    pub written_at: BTreeMap<Role, i64>,
    /// Tables that were deleted.
    pub gone_tables: Vec<Table>,
    /// Keys that were deleted.
    pub gone_keys: Vec<&'static str>,
}

/// When every function was deployed, as Lambda writes it.
const DEPLOYED: &str = "2026-11-21T03:00:00.000+0000";

/// The services of AWS.
struct Aws {
    installation: Arc<Installation>,
    known: Mutex<Known>,
    /// Where two writers of secrets meet.
    together: tokio::sync::Barrier,
}

/// A stage, and everything that was said while it was worked on.
pub struct Stage {
    /// The installation below it.
    pub app: TestApp,
    aws: Arc<Aws>,
    cloud: Cloud,
    skew_ms: Arc<AtomicI64>,
    said: Mutex<String>,
}

impl Stage {
    /// A stage right after its first deployment: nothing is in its secrets and tables, and
    /// EnrolPublicKey is `none`.
    pub async fn new() -> Self {
        Self::with_files(&[]).await
    }

    /// The same, with some configuration files of the test's own.
    pub async fn with_files(files: &[(&str, &str)]) -> Self {
        let app = TestApp::with_files(files).await;
        let known = Known {
            functions: FUNCTIONS.into_iter().map(|role| (role, settings_of(role, app.rows_of("pool").len()))).collect(),
            recovery: DECLARATIONS.iter().map(|declared| (declared.table, declared.recovery_days)).collect(),
            ..Known::default()
        };
        for table in Table::ALL {
            empty(app.installation(), table);
        }
        let (installation, together) = (app.shared(), tokio::sync::Barrier::new(2));
        let aws = Arc::new(Aws { installation, known: Mutex::new(known), together });
        let skew_ms: Arc<AtomicI64> = Arc::default();
        let cloud = cloud(&app, &aws, &skew_ms);
        app.installation().line().deliver_by(delivery(&aws));
        Self { app, aws, cloud, skew_ms, said: Mutex::default() }
    }

    /// A stage as it is when everything has been done.
    pub async fn ready() -> Self {
        let stage = Self::new().await;
        let done = stage.bootstrap(stage.wanted()).await.expect("it is made ready");
        assert_eq!(done.missing, 0, "{}", stage.said());
        stage.deploy().await;
        assert!(stage.publish(&mut Asking::Yes).await.expect("it is published"));
        for (channel, _) in CHANNELS {
            stage.line().set_webhook(channel, Some(&format!("{PUBLIC_URL}/webhook/{channel}")), true);
        }
        stage.app.sweep().await.expect("the sweep begins");
        stage
    }

    /// The second deployment: with the public half of `enrol` as it is.
    pub async fn deploy(&self) {
        let kms = self.app.installation().kms_as(Role::Admin);
        let public = keys::public_key(&kms, Key::Enrol.as_str()).await.expect("the key is there");
        for settings in self.known().functions.values_mut() {
            if let Some(value) = settings.get_mut(settings::ENROL_PUBLIC_KEY) {
                *value = STANDARD.encode(&public);
            }
        }
    }

    /// What the cloud knows, to be looked at or changed. Not across a call.
    pub fn known(&self) -> MutexGuard<'_, Known> {
        self.aws.known()
    }

    /// LINE.
    pub fn line(&self) -> &Line {
        self.app.installation().line()
    }

    /// Sets the clock of this machine wrong, as the other side sees it.
    pub fn set_skew(&self, ms: i64) {
        self.skew_ms.store(ms, Ordering::SeqCst);
    }

    /// A setting of a function; `None`: it is not there.
    pub fn set(&self, role: Role, setting: &str, value: Option<&str>) {
        let mut known = self.known();
        let settings = known.functions.get_mut(&role).expect("the function is there");
        match value {
            Some(value) => drop(settings.insert(setting.to_owned(), value.to_owned())),
            None => drop(settings.remove(setting)),
        }
    }

    /// What is in a secret.
    pub fn secret(&self, role: Role) -> Value {
        let text = self.known().current(role).map(|(_, text)| text);
        text.map(|text| serde_json::from_str(&text).expect("a secret is JSON")).unwrap_or_default()
    }

    /// Changes a secret by hand, as in the console.
    pub fn change_secret(&self, role: Role, change: impl FnOnce(&mut Value)) {
        let mut text = self.secret(role);
        change(&mut text);
        let mut known = self.known();
        let versions = known.secrets.entry(secret_name(role)).or_default();
        versions.push((format!("by hand {}", versions.len()), text.to_string()));
    }

    /// How many versions of secrets were written.
    pub fn versions(&self) -> usize {
        self.known().secrets.values().map(Vec::len).sum()
    }

    /// What is usually wanted of a bootstrap: the values of LINE in a file of mode 0600.
    pub fn wanted(&self) -> Wanted<'static> {
        self.wanted_with(Some(self.channel_secrets(|_| {})))
    }

    /// The same, with another file or none.
    pub fn wanted_with(&self, channel_secrets: Option<PathBuf>) -> Wanted<'static> {
        Wanted {
            config_dir: self.app.folder().join("config"),
            data_dir: self.app.folder().join("operator"),
            operator: None,
            operator_public_key: None,
            channel_secrets,
            replace: Vec::new(),
            environment: &nothing,
        }
    }

    /// Writes a file with the values of the LINE Developers console, changed by `change`.
    pub fn channel_secrets(&self, change: impl FnOnce(&mut Value)) -> PathBuf {
        let members = ["channel_secret", "access_token", "login_channel_id", "login_channel_secret"];
        let mut all = json!({});
        for (channel, _) in CHANNELS {
            for member in members {
                let value = self.app.installation().channel_secret(channel, member);
                all["channel"][channel][member] = json!(value.expect("the installation has it"));
            }
        }
        change(&mut all);
        let mut text = String::new();
        for (channel, members) in all["channel"].as_object().into_iter().flatten() {
            text += &format!("[channel.{channel}]\n");
            for (member, value) in members.as_object().into_iter().flatten() {
                text += &format!("{member} = {value}\n");
            }
        }
        let path = self.app.folder().join("channels.toml");
        write_private(&path, &text).expect("a file");
        path
    }

    // ------------------------------------------------------------- commands

    /// `azukari bootstrap`.
    pub async fn bootstrap(&self, wanted: Wanted<'_>) -> Result<Done, StageError> {
        self.bootstrap_asking(wanted, &mut Asking::Nobody).await
    }

    /// The same, with somebody to be asked.
    pub async fn bootstrap_asking(&self, wanted: Wanted<'_>, asking: &mut Asking) -> Result<Done, StageError> {
        let result = bootstrap::run(&self.cloud, wanted, asking, &mut |line: &str| self.hear(line)).await;
        result.inspect_err(|error| self.hear(&format!("{error} {error:?}")))
    }

    /// `azukari publish`, from the plan on.
    pub async fn publish(&self, asking: &mut Asking) -> Result<bool, StageError> {
        let plan = self.plan().await?;
        let result = publish::carry_out(&self.cloud, plan, asking, &mut |line: &str| self.hear(line)).await;
        result.inspect_err(|error| self.hear(&format!("{error} {error:?}")))
    }

    /// `azukari publish --dry-run`.
    pub async fn plan(&self) -> Result<azukari_local::publish::Plan, StageError> {
        let configuration = azukari_local::config::read(&self.app.folder().join("config"))?;
        let plan = publish::plan(&self.cloud, &configuration).await?;
        self.hear(&plan.told());
        Ok(plan)
    }

    /// `azukari doctor`.
    pub async fn doctor(&self) -> Report {
        let config = self.app.folder().join("config");
        let report = doctor::examine(&self.cloud, &config, &mut |line: &str| self.hear(line)).await;
        let report = report.expect("the stage is there");
        self.hear(&report.told());
        self.hear(&serde_json::to_string(&report).expect("a report is JSON"));
        report
    }

    fn hear(&self, line: &str) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        said.push_str(line);
        said.push('\n');
    }

    /// Everything that was said.
    pub fn said(&self) -> String {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Fails if a secret was said: any value of any version of any secret that is one.
    pub fn assert_no_secret_was_said(&self) {
        let said = self.said();
        let known = self.known().clone();
        let mut looked_for = 0;
        for (_, text) in known.secrets.values().flatten() {
            let secret: Value = serde_json::from_str(text).expect("a secret is JSON");
            let keys = secret["keys"].as_object().into_iter().flatten();
            let members = secret["channel"].as_object().into_iter().flatten().flat_map(|(_, members)| {
                members.as_object().into_iter().flatten().filter(|(name, _)| !name.ends_with("_id"))
            });
            for (name, value) in keys.chain(members) {
                let value = value.as_str().expect("values are texts");
                assert!(!said.contains(value), "{name} was said");
                looked_for += 1;
            }
        }
        assert!(looked_for > 0 || known.secrets.is_empty(), "nothing was looked for");
    }
}

/// What a doctor has not read, by id.
pub fn unread(report: &Report) -> Vec<&str> {
    let unread = report.checks.iter().filter(|check| check.finding == Finding::NotRead);
    unread.map(|check| check.id.as_str()).collect()
}

/// What a doctor has found wrong, by id.
pub fn wrong(report: &Report) -> Vec<&str> {
    let wrong = report.checks.iter().filter(|check| check.finding == Finding::Wrong);
    wrong.map(|check| check.id.as_str()).collect()
}

fn nothing(_: &str) -> Option<String> {
    None
}

fn secret_name(role: Role) -> String {
    format!("{STACK}-{}", role.as_str())
}

impl Known {
    fn current(&self, role: Role) -> Option<(String, String)> {
        self.secrets.get(&secret_name(role)).and_then(|versions| versions.last()).cloned()
    }
}

/// The settings of a function as the template gives them at the first deployment.
fn settings_of(role: Role, pool: usize) -> BTreeMap<String, String> {
    let value = |setting: &str| match setting {
        settings::STAGE => STACK.to_owned(),
        settings::VAULT_TABLE => Table::Vault.as_str().to_owned(),
        settings::KEYS_TABLE => Table::Keys.as_str().to_owned(),
        settings::AUDIT_TABLE => Table::Audit.as_str().to_owned(),
        settings::SECRET => secret_name(role),
        settings::WRAP_KEY => Key::Wrap.as_str().to_owned(),
        settings::ENROL_KEY => Key::Enrol.as_str().to_owned(),
        settings::EVIDENCE_KEY => Key::Evidence.as_str().to_owned(),
        settings::INDEX_KEY => Key::Index.as_str().to_owned(),
        settings::AUDIENCE => format!("azukari:{STACK}"),
        settings::POOL_TARGET => pool.to_string(),
        settings::LINE_API => LINE_API.to_owned(),
        settings::PUBLIC_URL => PUBLIC_URL.to_owned(),
        _ => "none".to_owned(),
    };
    settings::of(role).iter().map(|setting| ((*setting).to_owned(), value(setting))).collect()
}

/// Takes every row out of a table.
fn empty(installation: &Installation, table: Table) {
    for row in installation.rows(table) {
        let request = json!({"TableName": table.as_str(), "Key": {"pk": row["pk"], "sk": row["sk"]}});
        let request = serde_json::from_value(request).expect("a delete with a key is well formed");
        installation.dynamodb().database().delete_item(request).expect("the row is deleted");
    }
}

// ---------------------------------------------------------------------------- the wires

fn cloud(app: &TestApp, aws: &Arc<Aws>, skew_ms: &Arc<AtomicI64>) -> Cloud {
    let installation = app.shared();
    let line = Wire::new(Arc::<Line>::clone(installation.line()), Arc::clone(installation.wires())).connector();
    let outside =
        Outside { line, pages: app.router(), installation: Arc::clone(&installation), skew_ms: Arc::clone(skew_ms) };
    let connector = SharedHttpConnector::new(AwsWire(Arc::clone(aws)));
    let clock: Arc<dyn Clock> = Arc::<azukari_local::clock::MovableClock>::clone(installation.clock());
    let client = http_client_fn(move |_, _| connector.clone());
    let cloud = Cloud::over(STACK, client, SharedHttpConnector::new(outside), clock, Arc::new(SystemMint::new()));
    cloud.expect("the region is a name")
}

/// Everything that is not AWS, and the time.
struct Outside {
    line: SharedHttpConnector,
    pages: Router,
    installation: Arc<Installation>,
    skew_ms: Arc<AtomicI64>,
}

impl std::fmt::Debug for Outside {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Outside")
    }
}

impl HttpConnector for Outside {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let uri = request.uri().to_owned();
        if uri.starts_with(LINE_API) {
            return self.line.call(request);
        }
        let now = self.installation.clock().now().get() + self.skew_ms.load(Ordering::SeqCst);
        let date = DateTime::from_secs(now / 1_000).fmt(Format::HttpDate).expect("a date");
        let pages = self.pages.clone();
        HttpConnectorFuture::new(async move {
            let status = if let Some(path) = uri.strip_prefix(PUBLIC_URL) {
                get(pages, path).await
            } else if uri.starts_with("https://dynamodb.ap-northeast-1.amazonaws.com") {
                200
            } else {
                return Err(ConnectorError::io("nobody is there".into()));
            };
            let mut answer = response(&Reply::of(status, String::new()));
            answer.headers_mut().insert("date", date);
            Ok(answer)
        })
    }
}

async fn get(pages: Router, path: &str) -> u16 {
    let request = Request::get(path).body(Body::empty()).expect("a well formed request");
    let answer = pages.oneshot(request).await.expect("the router answers");
    let status = answer.status().as_u16();
    let _ = answer.into_body().collect().await;
    status
}

/// How LINE reaches the webhook function: one that has just started with the secret that is
/// there. Without a complete one it does not start.
fn delivery(aws: &Arc<Aws>) -> azukari_local::engine::line::Delivery {
    let (aws, runtime): (Weak<Aws>, _) = (Arc::downgrade(aws), tokio::runtime::Handle::current());
    Arc::new(move |url: &str, body: &[u8], signature: &str| {
        let (Some(aws), Some(path)) = (aws.upgrade(), url.strip_prefix(PUBLIC_URL)) else { return 0 };
        let Some(router) = aws.webhook() else { return 502 };
        let request = Request::post(path).header("x-line-signature", signature);
        let request = request.body(Body::from(body.to_vec())).expect("a well formed request");
        runtime.block_on(router.oneshot(request)).map_or(0, |answer| answer.status().as_u16())
    })
}

/// A call to AWS.
struct Called {
    target: String,
    method: String,
    uri: String,
    body: Vec<u8>,
}

struct AwsWire(Arc<Aws>);

impl std::fmt::Debug for AwsWire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AwsWire")
    }
}

impl HttpConnector for AwsWire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let aws = Arc::clone(&self.0);
        let called = Called {
            target: request.headers().get("x-amz-target").unwrap_or_default().to_owned(),
            method: request.method().to_owned(),
            uri: request.uri().to_owned(),
            body: request.body().bytes().unwrap_or_default().to_vec(),
        };
        HttpConnectorFuture::new(async move { Ok(response(&aws.answer(called).await)) })
    }
}

fn response(reply: &Reply) -> HttpResponse {
    let status = StatusCode::try_from(reply.status).expect("a status");
    let mut response = HttpResponse::new(status, SdkBody::from(reply.body.as_str()));
    response.headers_mut().insert("content-type", "application/json");
    for (name, value) in &reply.headers {
        response.headers_mut().insert(*name, value.clone());
    }
    response
}

// ----------------------------------------------------------------------------- services

impl Aws {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn answer(&self, called: Called) -> Reply {
        let body: Value = serde_json::from_slice(&called.body).unwrap_or_default();
        match called.target.rsplit_once('.') {
            Some(("secretsmanager", "GetSecretValue")) => self.get_secret(&body),
            Some(("secretsmanager", "PutSecretValue")) => self.put_secret(&body).await,
            Some(("DynamoDB_20120810", operation)) => self.tables(operation, &body, called.body.clone()),
            Some(("TrentService", operation)) => self.keys(operation, &body, called.body.clone()),
            Some(_) => Reply::error(400, "UnknownOperationException", "not served here"),
            None => self.lambda(&called.method, &called.uri).await,
        }
    }

    /// `GET …/functions/{name}/configuration`, `POST …/functions/{name}/invocations`.
    async fn lambda(&self, method: &str, uri: &str) -> Reply {
        let path = uri.split('?').next().unwrap_or_default();
        let called = path.split_once("/2015-03-31/functions/").and_then(|(_, rest)| rest.split_once('/'));
        let Some((name, action)) = called else { return no_function() };
        let role = name.strip_prefix(&format!("{STACK}-")).and_then(Role::parse);
        let settings = role.and_then(|role| self.known().functions.get(&role).cloned());
        let (Some(role), Some(settings)) = (role, settings) else { return no_function() };
        match (method, action) {
            ("GET", "configuration") => {
                let about = json!({
                    "FunctionName": name,
                    "Runtime": "provided.al2023",
                    "Architectures": ["arm64"],
                    "State": "Active",
                    "LastUpdateStatus": "Successful",
                    "LastModified": DEPLOYED,
                    "Environment": {"Variables": settings},
                });
                Reply::of(200, about.to_string())
            }
            ("POST", "invocations") if role == Role::Locksmith => match self.installation.refill().await {
                Ok(_) => Reply::of(200, "null".to_owned()),
                Err(_) => {
                    let mut reply = Reply::of(200, json!({"errorType": "LocksmithError"}).to_string());
                    reply.headers.push(("x-amz-function-error", "Unhandled".to_owned()));
                    reply
                }
            },
            _ => no_function(),
        }
    }

    fn get_secret(&self, body: &Value) -> Reply {
        let name = body["SecretId"].as_str().unwrap_or_default();
        let role = name.strip_prefix(&format!("{STACK}-")).and_then(Role::parse);
        let known = self.known();
        if let Some(code) = role.and_then(|role| known.refused_secrets.get(&role)) {
            return Reply::error(400, code, "it is not given");
        }
        let back = usize::from(body["VersionStage"] == "AWSPREVIOUS");
        let written = role.and_then(|role| known.written_at.get(&role)).map_or(1, |at| at / 1_000);
        match known.secrets.get(name).and_then(|versions| versions.iter().rev().nth(back)) {
            None => Reply::error(400, "ResourceNotFoundException", "it has no such version"),
            Some((version, text)) => {
                let answer = json!({
                    "ARN": name, "Name": name, "VersionId": version, "SecretString": text,
                    "VersionStages": ["AWSCURRENT"], "CreatedDate": written,
                });
                Reply::of(200, answer.to_string())
            }
        }
    }

    /// A token that was used is good for the same text alone.
    async fn put_secret(&self, body: &Value) -> Reply {
        let meets = {
            let mut known = self.known();
            let meets = known.meeting > 0;
            known.meeting = known.meeting.saturating_sub(1);
            meets
        };
        if meets {
            self.together.wait().await;
        }
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        let (name, token, value) = (text("SecretId"), text("ClientRequestToken"), text("SecretString"));
        if !(32..=64).contains(&token.len()) {
            return Reply::error(400, "InvalidParameterException", "a token has 32 to 64 characters");
        }
        let mut known = self.known();
        match known.writes_left {
            Some(0) => return Reply::error(500, "InternalServiceError", "it has failed"),
            Some(left) => known.writes_left = Some(left - 1),
            None => {}
        }
        let versions = known.secrets.entry(name.clone()).or_default();
        match versions.iter().find(|(known, _)| *known == token) {
            Some((_, known)) if *known != value => {
                return Reply::error(400, "ResourceExistsException", "the token was used for another text");
            }
            Some(_) => {}
            None => versions.push((token.clone(), value)),
        }
        let answer = json!({"ARN": name, "Name": name, "VersionId": token, "VersionStages": ["AWSCURRENT"]});
        Reply::of(200, answer.to_string())
    }

    fn tables(&self, operation: &str, body: &Value, bytes: Vec<u8>) -> Reply {
        let table = Table::ALL.into_iter().find(|table| body["TableName"] == table.as_str());
        if table.is_some_and(|table| self.known().gone_tables.contains(&table)) {
            return Reply::error(400, "ResourceNotFoundException", "there is no such table");
        }
        let answer = match (operation, table) {
            ("DescribeTable", Some(table)) => json!({"Table": {
                "TableName": table.as_str(),
                "TableStatus": "ACTIVE",
                "DeletionProtectionEnabled": !self.known().unprotected.contains(&table),
                "SSEDescription": {"Status": "ENABLED", "SSEType": "KMS", "KMSMasterKeyArn": "tables"},
            }}),
            ("DescribeContinuousBackups", Some(table)) => {
                let days = self.known().recovery.get(&table).copied().unwrap_or_default();
                let recovery = match days {
                    0 => json!({"PointInTimeRecoveryStatus": "DISABLED"}),
                    days => json!({"PointInTimeRecoveryStatus": "ENABLED", "RecoveryPeriodInDays": days}),
                };
                json!({"ContinuousBackupsDescription": {
                    "ContinuousBackupsStatus": "ENABLED", "PointInTimeRecoveryDescription": recovery,
                }})
            }
            ("DescribeTimeToLive", Some(_)) => {
                let status = if self.known().no_ttl { "DISABLED" } else { "ENABLED" };
                json!({"TimeToLiveDescription": {"TimeToLiveStatus": status, "AttributeName": "ttl"}})
            }
            _ => return self.ask(&*self.installation.dynamodb_engine(), operation, bytes),
        };
        Reply::of(200, answer.to_string())
    }

    fn keys(&self, operation: &str, body: &Value, bytes: Vec<u8>) -> Reply {
        let key = body["KeyId"].as_str().unwrap_or_default();
        if self.known().gone_keys.contains(&key) {
            return Reply::error(400, "NotFoundException", "there is no such key");
        }
        let answer = match operation {
            "DescribeKey" => {
                let off = self.known().disabled_keys.contains(&key);
                let state = if off { "Disabled" } else { "Enabled" };
                json!({"KeyMetadata": {"KeyId": key, "KeyState": state, "Enabled": !off}})
            }
            "GetKeyRotationStatus" => json!({"KeyRotationEnabled": !self.known().unrotated}),
            _ => return self.ask(&*self.installation.kms_engine(), operation, bytes),
        };
        Reply::of(200, answer.to_string())
    }

    /// Has an engine answer to whichever role it answers to. What none of them may do is
    /// refused.
    fn ask(&self, engine: &dyn Engine, operation: &str, body: Vec<u8>) -> Reply {
        let mut refused = None;
        for role in OPERATORS {
            let (operation, body) = (operation.to_owned(), body.clone());
            let reply = engine.answer(&Asked { role: Some(role), operation, body, bearer: None, retry_key: None });
            if !reply.body.contains("AccessDeniedException") {
                return reply;
            }
            refused = Some(reply);
        }
        refused.expect("somebody was asked")
    }

    /// The webhook function as it starts now, if it does.
    fn webhook(&self) -> Option<Router> {
        let (_, text) = self.known().current(Role::Webhook)?;
        let secrets = WebhookSecrets::read(&serde_json::from_str(&text).ok()?).ok()?;
        let installation = &self.installation;
        let line = Wire::new(Arc::<Line>::clone(installation.line()), Arc::clone(installation.wires()));
        let webhook = Webhook::new(azukari_webhook::Parts {
            ctx: installation.ctx(),
            vault: installation.vault_as(Role::Webhook).ok()?,
            secrets,
            enrol: installation.enrol().clone(),
            line: LineClient::new(line.connector(), LINE_API),
            public_url: PUBLIC_URL.to_owned(),
            liff_url: "https://liff.line.me".to_owned(),
        });
        Some(azukari_webhook::router(Arc::new(webhook)))
    }
}

fn no_function() -> Reply {
    let mut reply = Reply::of(404, json!({"Type": "User", "Message": "Function not found"}).to_string());
    reply.headers.push(("x-amzn-errortype", "ResourceNotFoundException".to_owned()));
    reply
}
