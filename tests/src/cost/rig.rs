//! An installation whose functions are counted: the same functions over the same engines as
//! everywhere in the tests, with a [`Meter`] below their clients.

use std::{sync::Arc, time::Duration};

use axum::{Router, body::Body};
use azukari::{
    domain::origin::Nobody,
    host::{
        deadline::Deadline,
        ledger::Ledger,
        roles::{Key, Role},
        secrets::{self, FormSecrets, OpenerSecrets, WebhookSecrets},
    },
    keys::lookup::LookupKey,
    line::client::{LINE_API, LineClient},
    store::{Vault, audit::Audit, tables::Table, wrapped::WrappedKeys},
};
use azukari_form::{Addresses, Form};
use azukari_local::{
    engine::{
        line::Line,
        wire::{Engine, Wire},
    },
    installation::AUDIENCE,
};
use azukari_locksmith::Locksmith;
use azukari_opener::Opener;
use azukari_sweeper::{Marks, Report, Roots, Sweeper};
use azukari_webhook::Webhook;
use http::Request;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::meter::{Meter, Metered, Tally};
use crate::app::{PUBLIC_URL, TestApp};

/// However busy the machine is, the functions have time to call LINE, and to end.
const PATIENCE: Duration = Duration::from_secs(600);

/// An installation that is counted.
pub struct Rig {
    app: TestApp,
    meter: Arc<Meter>,
    router: Router,
    opener: Opener,
    sweeper: Sweeper,
}

impl Rig {
    /// The functions of an installation, each as after a cold start.
    pub fn new(app: TestApp) -> Self {
        let meter = Arc::new(Meter::default());
        let clients = Clients { app: &app, meter: &meter };
        let router = azukari_webhook::router(Arc::new(clients.webhook()));
        let router = router.merge(azukari_form::router(Arc::new(clients.form())));
        let (opener, sweeper) = (clients.opener(), clients.sweeper());
        Self { app, meter, router, opener, sweeper }
    }

    /// The installation.
    pub fn app(&self) -> &TestApp {
        &self.app
    }

    /// LINE sends events to a channel: what it costs.
    pub async fn hook(&self, channel: &str, events: &[Value]) -> Tally {
        let (body, signature) = self.app.signed(channel, events);
        self.app.installation().line().heard(channel, &json!({ "events": events }));
        let request = Request::post(format!("/webhook/{channel}"))
            .header("content-type", "application/json; charset=utf-8")
            .header("x-line-signature", signature);
        self.request(request.body(Body::from(body)).expect("a well formed request")).await
    }

    /// Somebody asks for a page, or sends one: what it costs.
    pub async fn request(&self, request: Request<Body>) -> Tally {
        self.meter.take();
        let response = self.router.clone().oneshot(request).await.expect("the router answers");
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.expect("the body ends").to_bytes();
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
        self.meter.take()
    }

    /// An operator asks the opener for one person, who is opened: what it costs.
    pub async fn open(&self, operator: &str, request: &Value) -> Tally {
        let assertion = self.app.assertion(operator, request);
        self.meter.take();
        let answer = self.opener.invoke(&json!({ "assertion": assertion })).await;
        let spent = self.meter.take();
        let answer = serde_json::to_value(answer).expect("an answer");
        assert_eq!(answer["people"][0]["status"], "opened", "{}", answer["error"]);
        spent
    }

    /// The sweeper runs as the schedule calls it: what it has done and costs.
    pub async fn sweep(&self) -> (Report, Tally) {
        self.meter.take();
        let report = self.sweeper.sweep(Deadline::within(PATIENCE), false).await.expect("the sweep begins");
        assert_eq!((report.failed, report.complete), (0, true), "{report:?}");
        // What it reads of published policies belongs to the rows that it handles.
        let Tally { own, configuration } = self.meter.take();
        (report, Tally { own: own.plus(&configuration), ..Tally::default() })
    }

    /// The locksmith runs as the schedule calls it, with a pool of this size: how many pairs it
    /// has made, and what it costs.
    pub async fn refill(&self, target: usize) -> (usize, Tally) {
        let clients = Clients { app: &self.app, meter: &self.meter };
        let dynamodb = clients.dynamodb(Role::Locksmith);
        let locksmith = Locksmith {
            ctx: self.app.installation().ctx(),
            vault: Vault::new(dynamodb.clone(), Table::Vault.as_str(), Arc::new(Nobody)),
            keys: WrappedKeys::new(dynamodb, Table::Keys.as_str()),
            kms: clients.kms(Role::Locksmith),
            wrap: Key::Wrap.as_str().to_owned(),
            enrol: Key::Enrol.as_str().to_owned(),
            target,
        };
        self.meter.take();
        let report = locksmith.refill(Deadline::within(PATIENCE)).await.expect("the level is read");
        assert_eq!(report.failed, 0, "{report:?}");
        (report.added, self.meter.take())
    }
}

/// The clients of an installation, counted, and the functions over them.
struct Clients<'a> {
    app: &'a TestApp,
    meter: &'a Arc<Meter>,
}

impl Clients<'_> {
    fn wire(&self, engine: Arc<dyn Engine>) -> Wire {
        let metered = Metered::new(engine, Arc::clone(self.meter));
        Wire::new(Arc::new(metered), Arc::clone(self.app.installation().wires()))
    }

    fn dynamodb(&self, role: Role) -> aws_sdk_dynamodb::Client {
        let installation = self.app.installation();
        let wire = self.wire(installation.dynamodb_engine());
        let client = installation.dynamodb_as(role);
        aws_sdk_dynamodb::Client::from_conf(client.config().to_builder().http_client(wire.http_client()).build())
    }

    fn kms(&self, role: Role) -> aws_sdk_kms::Client {
        let installation = self.app.installation();
        let wire = self.wire(installation.kms_engine());
        let client = installation.kms_as(role);
        aws_sdk_kms::Client::from_conf(client.config().to_builder().http_client(wire.http_client()).build())
    }

    fn line(&self) -> LineClient {
        let line = Arc::<Line>::clone(self.app.installation().line());
        LineClient::new(self.wire(line).connector(), LINE_API)
    }

    fn vault(&self, role: Role) -> Vault {
        let origin = secrets::origin(&self.app.installation().secrets(role)).expect("the secrets are complete");
        Vault::new(self.dynamodb(role), Table::Vault.as_str(), Arc::new(origin))
    }

    fn audit(&self, role: Role) -> Audit {
        Audit::new(self.dynamodb(role), Table::Audit.as_str())
    }

    fn webhook(&self) -> Webhook {
        let installation = self.app.installation();
        let webhook = Webhook::new(azukari_webhook::Parts {
            ctx: installation.ctx(),
            vault: self.vault(Role::Webhook),
            secrets: WebhookSecrets::read(&installation.secrets(Role::Webhook)).expect("the secrets are complete"),
            enrol: installation.enrol().clone(),
            line: self.line(),
            public_url: PUBLIC_URL.to_owned(),
            liff_url: format!("{PUBLIC_URL}/liff"),
        });
        webhook.with_line_budget(PATIENCE)
    }

    fn form(&self) -> Form {
        let installation = self.app.installation();
        Form::new(azukari_form::Parts {
            ctx: installation.ctx(),
            vault: self.vault(Role::Form),
            audit: self.audit(Role::Form),
            secrets: FormSecrets::read(&installation.secrets(Role::Form)).expect("the secrets are complete"),
            enrol: installation.enrol().clone(),
            lookup: LookupKey::new(self.kms(Role::Form), Key::Index.as_str()),
            line: self.line(),
            addresses: Addresses {
                public_url: PUBLIC_URL.to_owned(),
                liff_url: format!("{PUBLIC_URL}/liff"),
                liff_sdk: format!("{PUBLIC_URL}/liff.js"),
                liff_plugin: None,
                frame_ancestors: "'none'".to_owned(),
            },
        })
    }

    fn opener(&self) -> Opener {
        let installation = self.app.installation();
        Opener::new(azukari_opener::Parts {
            ctx: installation.ctx(),
            vault: self.vault(Role::Opener),
            keys: WrappedKeys::new(self.dynamodb(Role::Opener), Table::Keys.as_str()),
            audit: self.audit(Role::Opener),
            kms: self.kms(Role::Opener),
            wrap: Key::Wrap.as_str().to_owned(),
            evidence: Key::Evidence.as_str().to_owned(),
            enrol: installation.enrol().clone(),
            secrets: OpenerSecrets::read(&installation.secrets(Role::Opener)).expect("the secrets are complete"),
            audience: AUDIENCE.to_owned(),
        })
    }

    fn sweeper(&self) -> Sweeper {
        let ctx = self.app.installation().ctx();
        let (audit, kms) = (self.audit(Role::Sweeper), self.kms(Role::Sweeper));
        let ledger = Ledger::new(ctx.clone(), Role::Sweeper, audit.clone(), kms, Key::Evidence.as_str().to_owned());
        Sweeper {
            ctx,
            vault: self.vault(Role::Sweeper),
            keys: WrappedKeys::new(self.dynamodb(Role::Sweeper), Table::Keys.as_str()),
            audit,
            ledger: Arc::new(ledger),
            roots: Roots::default(),
            marks: Marks::default(),
        }
    }
}
