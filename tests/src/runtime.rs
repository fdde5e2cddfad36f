//! A small host of the Lambda Runtime API on the loopback interface. It starts a program as
//! Lambda starts a function, with nothing but its environment to go by, hands it events, and
//! takes its answers.

pub mod authority;
pub mod cloud;
pub mod event;

use std::{
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Path as UrlPath, State},
    response::Response,
    routing::{get, post},
};
use azukari::host::{
    clock::{Clock, SystemClock},
    roles::Role,
};
use http::StatusCode;
use serde_json::Value;
use tokio::{
    net::TcpListener,
    process::{Child, Command},
    sync::{Mutex as AsyncMutex, mpsc, watch},
};

use crate::app::scratch;

/// The variable with the folder of release builds: `<folder>/<function>/bootstrap`, as
/// `.ci/bootstraps` makes them.
pub const BOOTSTRAPS: &str = "AZUKARI_BOOTSTRAPS";

/// How long an invocation may take, as the function is told.
const DEADLINE_MS: i64 = 600_000;

/// A program that can be started as a function.
#[derive(Debug, Clone)]
pub struct Program {
    path: PathBuf,
    arguments: Vec<String>,
}

impl Program {
    /// A program with its arguments.
    pub fn new(path: impl Into<PathBuf>, arguments: &[&str]) -> Self {
        Self { path: path.into(), arguments: arguments.iter().map(|argument| (*argument).to_owned()).collect() }
    }

    /// The release build of a function, where [`BOOTSTRAPS`] says that there are some. It
    /// must be among them.
    pub fn bootstrap(role: Role) -> Option<Self> {
        let folder = PathBuf::from(std::env::var_os(BOOTSTRAPS)?);
        let path = folder.join(role.as_str()).join("bootstrap");
        assert!(path.is_file(), "{BOOTSTRAPS} names a folder without {path:?}: run .ci/bootstraps");
        Some(Self::new(path, &[]))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// A function that runs.
#[derive(Debug)]
pub struct Function {
    process: Child,
    events: mpsc::UnboundedSender<String>,
    answers: mpsc::UnboundedReceiver<(String, String)>,
    asked: watch::Receiver<usize>,
    invoked: usize,
    output: tempfile::TempDir,
}

/// An answer of a function.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// `response` or `error`, as the function has called it.
    pub outcome: String,
    /// What it says.
    pub body: Value,
}

/// How a function ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code.
    pub status: ExitStatus,
    /// What it has written to standard output: its log.
    pub log: String,
    /// What it has written to standard error, where nothing of ours belongs.
    pub errors: String,
}

impl Function {
    /// Starts a program with this environment and no other.
    pub async fn start(program: &Program, environment: impl IntoIterator<Item = (String, String)>) -> Self {
        let (events, events_in) = mpsc::unbounded_channel();
        let (answers_out, answers) = mpsc::unbounded_channel();
        let (asked_out, asked) = watch::channel(0);
        let runtime = Runtime {
            events: AsyncMutex::new(events_in),
            answers: answers_out,
            asked: asked_out,
            pending: Mutex::default(),
            numbered: AtomicU64::new(1),
        };
        let api = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/{outcome}", post(answer))
            .route("/2018-06-01/runtime/init/error", post(init_error))
            .with_state(Arc::new(runtime));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("its address");
        tokio::spawn(async move { axum::serve(listener, api).await });
        let output = scratch();
        let file = |name: &str| Stdio::from(std::fs::File::create(output.path().join(name)).expect("a file"));
        let process = Command::new(&program.path)
            .args(&program.arguments)
            .env_clear()
            .envs([
                ("AWS_LAMBDA_RUNTIME_API", address.to_string().as_str()),
                ("AWS_LAMBDA_FUNCTION_NAME", "test"),
                ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
                ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
                ("AWS_LAMBDA_LOG_GROUP_NAME", "test"),
                ("AWS_LAMBDA_LOG_STREAM_NAME", "test"),
            ])
            .envs(environment)
            .stdin(Stdio::null())
            .stdout(file(LOG))
            .stderr(file(ERRORS))
            .kill_on_drop(true)
            .spawn()
            .expect("the program starts");
        Self { process, events, answers, asked, invoked: 0, output }
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.process.id().expect("it runs")
    }

    /// Invokes the function and waits for what it answers.
    pub async fn invoke(&mut self, event: &Value) -> Answer {
        self.invoked += 1;
        self.events.send(event.to_string()).expect("the host takes events");
        let Self { answers, process, output, .. } = self;
        tokio::select! {
            biased;
            answer = answers.recv() => {
                let (outcome, body) = answer.expect("the host is there");
                Answer { outcome, body: serde_json::from_str(&body).unwrap_or(Value::String(body)) }
            }
            status = process.wait() => panic!("the function ended, {status:?}: {}", written(output, LOG)),
        }
    }

    /// Waits until the function has started, or has done with its last event, and asks for the
    /// next.
    pub async fn idle(&mut self) {
        let Self { asked, invoked, process, output, .. } = self;
        let asks = async { asked.wait_for(|asked| *asked > *invoked).await.is_ok() };
        tokio::select! {
            biased;
            up = asks => assert!(up, "the host is there"),
            status = process.wait() => panic!("the function ended, {status:?}: {}", written(output, LOG)),
        }
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        written(&self.output, LOG)
    }

    /// Waits until it ends by itself.
    pub async fn ended(mut self) -> Ended {
        let status = self.process.wait().await.expect("it can be waited for");
        Ended { status, log: self.log(), errors: written(&self.output, ERRORS) }
    }

    /// Ends it, as Lambda ends what it no longer needs.
    pub async fn stop(mut self) {
        self.process.kill().await.expect("it can be ended");
    }
}

const LOG: &str = "log";
const ERRORS: &str = "errors";

fn written(output: &tempfile::TempDir, name: &str) -> String {
    std::fs::read_to_string(output.path().join(name)).unwrap_or_default()
}

/// The other side of the Runtime API.
struct Runtime {
    events: AsyncMutex<mpsc::UnboundedReceiver<String>>,
    answers: mpsc::UnboundedSender<(String, String)>,
    asked: watch::Sender<usize>,
    /// The invocation that was handed out and not answered.
    pending: Mutex<Option<String>>,
    numbered: AtomicU64,
}

impl Runtime {
    fn pending(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn next(State(runtime): State<Arc<Runtime>>) -> Response {
    runtime.asked.send_modify(|asked| *asked += 1);
    let event = runtime.events.lock().await.recv().await;
    let Some(event) = event else { std::future::pending().await };
    let number = runtime.numbered.fetch_add(1, Ordering::SeqCst);
    let id = format!("8476a536-e9f4-11e8-9739-{number:012x}");
    *runtime.pending() = Some(id.clone());
    Response::builder()
        .header("lambda-runtime-aws-request-id", id)
        .header("lambda-runtime-deadline-ms", SystemClock.now().plus(DEADLINE_MS).get())
        .header("lambda-runtime-invoked-function-arn", "arn:aws:lambda:local:000000000000:function:test")
        .header("lambda-runtime-trace-id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700")
        .header("content-type", "application/json")
        .body(Body::from(event))
        .expect("a response")
}

/// Takes an answer. One to another invocation than the pending one is refused, and told to
/// the test.
async fn answer(
    State(runtime): State<Arc<Runtime>>,
    UrlPath((id, outcome)): UrlPath<(String, String)>,
    body: Bytes,
) -> StatusCode {
    let expected = runtime.pending().take_if(|pending| *pending == id).is_some();
    let outcome = if expected { outcome } else { format!("{outcome} to another invocation") };
    let _ = runtime.answers.send((outcome, String::from_utf8_lossy(&body).into_owned()));
    if expected { StatusCode::ACCEPTED } else { StatusCode::BAD_REQUEST }
}

async fn init_error(State(runtime): State<Arc<Runtime>>, body: Bytes) -> StatusCode {
    let _ = runtime.answers.send(("init".to_owned(), String::from_utf8_lossy(&body).into_owned()));
    StatusCode::ACCEPTED
}
