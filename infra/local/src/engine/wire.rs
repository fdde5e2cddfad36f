//! The wire between a client and an engine in process: it knows who calls, keeps
//! count, and can fail as a network and a service do.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use aws_smithy_runtime_api::{
    client::{
        http::{HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn},
        orchestrator::{HttpRequest, HttpResponse},
        result::ConnectorError,
    },
    http::StatusCode,
};
use aws_smithy_types::body::SdkBody;
use azukari::host::roles::Role;

/// Which service is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Service {
    /// The tables.
    DynamoDb,
    /// The keys.
    Kms,
    /// LINE's API.
    Line,
}

/// One thing that a call is about: where, and how its key begins.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Touch {
    /// The operation, as IAM counts it: parts of a transaction one by one.
    pub operation: String,
    /// A table, `index/<name>`, or a KMS key.
    pub target: String,
    /// The partition key up to its first `#`, or empty.
    pub partition: String,
}

/// An attempt of a client to call a service.
#[derive(Debug, Clone)]
pub struct Call {
    /// Which call it is since the ledger was cleared, from 0. Attempts of one call
    /// share the number.
    pub nth: usize,
    /// Which attempt of the call, from 1.
    pub attempt: u32,
    /// Who calls; `None` if the credentials are nobody's.
    pub role: Option<Role>,
    /// Which service.
    pub service: Service,
    /// Which operation.
    pub operation: String,
    /// What it is about.
    pub touches: Vec<Touch>,
}

/// What befalls an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is answered.
    Answered,
    /// It fails with a server error and takes no effect.
    Fails,
    /// It takes effect, and the answer is lost on the way.
    AnswerLost,
    /// It is throttled and takes no effect.
    Throttled,
    /// The caller dies before it takes effect: nothing is answered any more.
    CallerDiesBefore,
    /// The caller dies after it has taken effect.
    CallerDiesAfter,
    /// It is answered so many milliseconds later: on a paused clock no time passes.
    Delayed(u32),
    /// It arrives twice, as a network may deliver it, and is answered once.
    Doubled,
}

/// Decides the fate of each attempt.
pub trait Weather: Send + Sync {
    /// The fate of this one.
    fn fate(&self, call: &Call) -> Fate;
}

/// Nothing goes wrong.
#[derive(Debug, Clone, Copy, Default)]
pub struct Calm;

impl Weather for Calm {
    fn fate(&self, _call: &Call) -> Fate {
        Fate::Answered
    }
}

/// Who called which operation of which service.
pub type Caller = (Option<Role>, Service, String);

/// What all wires of one installation share: weather, ledger, and the news of a death.
pub struct Wires {
    weather: RwLock<Arc<dyn Weather>>,
    ledger: Mutex<Ledger>,
    death: tokio::sync::Notify,
    numbered: AtomicU64,
    inline: AtomicBool,
}

#[derive(Debug, Default)]
struct Ledger {
    calls: Vec<Call>,
    numbers: HashMap<String, (usize, u32)>,
    next: usize,
    keeping: bool,
    totals: HashMap<Caller, u64>,
}

impl Default for Wires {
    fn default() -> Self {
        Self {
            weather: RwLock::new(Arc::new(Calm)),
            ledger: Mutex::default(),
            death: tokio::sync::Notify::new(),
            numbered: AtomicU64::new(0),
            inline: AtomicBool::new(false),
        }
    }
}

impl std::fmt::Debug for Wires {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Wires")
    }
}

impl Wires {
    /// Sets the weather.
    pub fn set_weather(&self, weather: Arc<dyn Weather>) {
        *self.weather.write().unwrap_or_else(PoisonError::into_inner) = weather;
    }

    /// Answers on the caller's own thread, with a pause before and after: what happens
    /// at the same time then happens in the same order in every run.
    pub fn answer_inline(&self) {
        self.inline.store(true, Ordering::Relaxed);
    }

    /// Forgets the calls so far and keeps those that come.
    pub fn start_ledger(&self) {
        let mut ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        *ledger = Ledger { keeping: true, totals: std::mem::take(&mut ledger.totals), ..Ledger::default() };
    }

    /// The attempts since the ledger was started.
    pub fn calls(&self) -> Vec<Call> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner).calls.clone()
    }

    /// How many attempts there were, by caller, service and operation.
    pub fn totals(&self) -> Vec<(Caller, u64)> {
        let ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        let mut totals: Vec<_> = ledger.totals.iter().map(|(key, n)| (key.clone(), *n)).collect();
        totals.sort();
        totals
    }

    /// Waits until a caller dies.
    pub async fn death(&self) {
        self.death.notified().await;
    }

    /// For a client that does not number its calls: one attempt each.
    fn own_number(&self) -> String {
        format!("own-{}", self.numbered.fetch_add(1, Ordering::Relaxed))
    }

    fn note(&self, invocation: &str, call: &mut Call) -> Fate {
        let mut ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        let ledger = &mut *ledger;
        if ledger.keeping {
            let next = ledger.next;
            let number = ledger.numbers.entry(invocation.to_owned()).or_insert((next, 0));
            if number.1 == 0 {
                ledger.next += 1;
            }
            number.1 += 1;
            (call.nth, call.attempt) = *number;
            ledger.calls.push(call.clone());
        }
        *ledger.totals.entry((call.role, call.service, call.operation.clone())).or_default() += 1;
        let weather = Arc::clone(&self.weather.read().unwrap_or_else(PoisonError::into_inner));
        weather.fate(call)
    }
}

/// A request as an engine sees it.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Who calls.
    pub role: Option<Role>,
    /// Which operation; for LINE, method and path.
    pub operation: String,
    /// The body.
    pub body: Vec<u8>,
    /// The token of `Authorization: Bearer …`.
    pub bearer: Option<String>,
    /// LINE's `X-Line-Retry-Key`.
    pub retry_key: Option<String>,
}

/// An answer of an engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// JSON.
    pub body: String,
    /// Headers besides the content type.
    pub headers: Vec<(&'static str, String)>,
}

impl Reply {
    /// An answer without headers of its own.
    pub fn of(status: u16, body: String) -> Self {
        Self { status, body, headers: Vec::new() }
    }

    /// An error in the form of the AWS JSON protocols.
    pub fn error(status: u16, kind: &str, message: &str) -> Self {
        Self::of(status, serde_json::json!({ "__type": kind, "message": message }).to_string())
    }
}

/// Something that answers.
pub trait Engine: Send + Sync + std::fmt::Debug + 'static {
    /// Which service it stands for.
    fn service(&self) -> Service;
    /// What the call is about.
    fn touches(&self, asked: &Asked) -> Vec<Touch>;
    /// Answers. May block.
    fn answer(&self, asked: &Asked) -> Reply;
    /// How long it takes, if it is slow.
    fn delay(&self, _asked: &Asked) -> Option<std::time::Duration> {
        None
    }
    /// What a throttled call is told.
    fn throttled(&self) -> Reply;
}

/// A connector that leads to an engine.
#[derive(Debug, Clone)]
pub struct Wire {
    engine: Arc<dyn Engine>,
    wires: Arc<Wires>,
}

impl Wire {
    /// A wire to an engine.
    pub fn new(engine: Arc<dyn Engine>, wires: Arc<Wires>) -> Self {
        Self { engine, wires }
    }

    /// As the AWS SDK takes it.
    pub fn http_client(&self) -> SharedHttpClient {
        let connector = self.connector();
        http_client_fn(move |_, _| connector.clone())
    }

    /// As the LINE client takes it.
    pub fn connector(&self) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }

    async fn pass(self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let asked = asked(&request);
        let mut call = Call {
            nth: 0,
            attempt: 1,
            role: asked.role,
            service: self.engine.service(),
            operation: asked.operation.clone(),
            touches: self.engine.touches(&asked),
        };
        let invocation = request.headers().get("amz-sdk-invocation-id").map(str::to_owned);
        let invocation = invocation.unwrap_or_else(|| self.wires.own_number());
        match self.wires.note(&invocation, &mut call) {
            Fate::Answered => Ok(response(self.effect(asked).await)),
            Fate::Fails => Ok(response(Reply::error(500, "InternalServerError", "the service has failed"))),
            Fate::Throttled => Ok(response(self.engine.throttled())),
            Fate::AnswerLost => {
                self.effect(asked).await;
                Err(ConnectorError::io("the answer was lost".into()))
            }
            Fate::Delayed(ms) => {
                tokio::time::sleep(std::time::Duration::from_millis(ms.into())).await;
                Ok(response(self.effect(asked).await))
            }
            Fate::Doubled => {
                let first = self.effect(asked.clone()).await;
                self.effect(asked).await;
                Ok(response(first))
            }
            Fate::CallerDiesBefore => self.die().await,
            Fate::CallerDiesAfter => {
                self.effect(asked).await;
                self.die().await
            }
        }
    }

    async fn effect(&self, asked: Asked) -> Reply {
        if let Some(delay) = self.engine.delay(&asked) {
            tokio::time::sleep(delay).await;
        }
        if self.wires.inline.load(Ordering::Relaxed) {
            tokio::task::yield_now().await;
            let reply = self.engine.answer(&asked);
            tokio::task::yield_now().await;
            return reply;
        }
        let engine = Arc::clone(&self.engine);
        tokio::task::spawn_blocking(move || engine.answer(&asked))
            .await
            .unwrap_or_else(|_| Reply::error(500, "InternalServerError", "the engine stopped"))
    }

    async fn die(&self) -> Result<HttpResponse, ConnectorError> {
        self.wires.death.notify_one();
        std::future::pending().await
    }
}

impl HttpConnector for Wire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::new(self.clone().pass(request))
    }
}

fn asked(request: &HttpRequest) -> Asked {
    let headers = request.headers();
    let role = headers.get("authorization").and_then(access_key_id).and_then(Role::parse);
    let operation = match headers.get("x-amz-target").and_then(|target| target.rsplit_once('.')) {
        Some((_, operation)) => operation.to_owned(),
        None => format!("{} {}", request.method(), path(request.uri())),
    };
    let bearer = headers.get("authorization").and_then(|value| value.strip_prefix("Bearer ")).map(str::to_owned);
    let retry_key = headers.get("x-line-retry-key").map(str::to_owned);
    Asked { role, operation, body: request.body().bytes().unwrap_or_default().to_vec(), bearer, retry_key }
}

/// The access key id in a SigV4 `Authorization` header: `Credential=<id>/<scope>`.
fn access_key_id(authorization: &str) -> Option<&str> {
    let (_, credential) = authorization.split_once("Credential=")?;
    credential.split('/').next()
}

fn path(uri: &str) -> &str {
    let behind_scheme = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    behind_scheme.find('/').map_or("/", |at| &behind_scheme[at..])
}

fn response(reply: Reply) -> HttpResponse {
    let status = StatusCode::try_from(reply.status).expect("engines answer with valid status codes");
    let mut response = HttpResponse::new(status, SdkBody::from(reply.body));
    response.headers_mut().insert("content-type", "application/x-amz-json-1.1");
    for (name, value) in reply.headers {
        response.headers_mut().insert(name, value);
    }
    response
}
