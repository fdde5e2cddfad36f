//! How the command line reaches the opener: in a server of this machine, in this
//! process if no server runs, or in the cloud by a private invocation.

use std::{sync::Arc, time::Duration};

use aws_smithy_runtime_api::{
    client::{
        http::{HttpConnector, SharedHttpConnector},
        orchestrator::HttpRequest,
    },
    http::StatusCode,
};
use aws_smithy_types::{body::SdkBody, retry::RetryConfig, timeout::TimeoutConfig};
use azukari::{
    domain::time::UnixMs,
    host::{
        aws,
        clock::{Clock, SystemClock},
    },
};
use azukari_opener::Opener;
use http_body_util::BodyExt;
use serde_json::{Value, json};

use crate::{
    cli::{Failed, Places, Who, say},
    clock::MovableClock,
    installation::{AUDIENCE, Installation, OpenError, Options, POOL_TARGET},
    operator_key::OperatorKey,
    serve,
};

/// Opens the installation of this machine.
pub(super) async fn open(places: &Places) -> Result<Arc<Installation>, OpenError> {
    let options =
        Options { data_dir: places.data_dir.clone(), config_dir: places.config_dir.clone(), pool_target: POOL_TARGET };
    Installation::open(options, Arc::new(MovableClock::default())).await.map(Arc::new)
}

/// The opener, wherever it is, and the key of who asks.
pub(super) struct Access {
    key: OperatorKey,
    way: Way,
}

enum Way {
    Server { base: String, http: SharedHttpConnector },
    Here { installation: Arc<Installation>, opener: Box<Opener> },
    Stage { client: aws_sdk_lambda::Client, stack: String },
}

impl Access {
    /// Finds the opener.
    pub(super) async fn find(who: &Who, places: &Places) -> Result<Self, Failed> {
        if let Some(stack) = &who.stage {
            let key = who.key(places).map_err(Failed::other)?;
            // An opening of 100 people takes longer than a read.
            let client = lambda(Duration::from_secs(60)).await;
            return Ok(Self { key, way: Way::Stage { client, stack: stack.clone() } });
        }
        if !places.data_dir.is_dir() {
            let place = places.data_dir.display();
            return Err(Failed::Said(format!(
                "データがまだありません: {place}（先にazukariを起動してください） / There is no data at {place}: start azukari first"
            )));
        }
        say::log_errors(&places.data_dir);
        let way = match open(places).await {
            Ok(installation) => {
                let opener = Box::new(installation.opener().map_err(Failed::other)?);
                Way::Here { installation, opener }
            }
            Err(OpenError::Busy(_)) => {
                let address = serve::loopback(&places.listen).map_err(Failed::other)?;
                Way::Server { base: format!("http://{address}"), http: aws::https() }
            }
            Err(error) => return Err(Failed::other(error)),
        };
        let key = who.key(places).map_err(Failed::other)?;
        Ok(Self { key, way })
    }

    /// The opener's time: on one machine its clock can be moved.
    pub(super) async fn now(&self) -> Result<UnixMs, Failed> {
        match &self.way {
            Way::Here { installation, .. } => Ok(installation.clock().now()),
            Way::Stage { .. } => Ok(SystemClock.now()),
            Way::Server { base, http } => {
                let answer = call(http, "GET", &format!("{base}/simulator/clock"), None).await?;
                answer["now_ms"].as_i64().map(UnixMs::new).ok_or_else(not_azukari)
            }
        }
    }

    /// Asks the opener: a new assertion, used once. What it refuses is said with its
    /// reasons.
    pub(super) async fn ask(&self, request: &Value) -> Result<Value, Failed> {
        let audience = match &self.way {
            Way::Stage { stack, .. } => format!("azukari:{stack}"),
            Way::Server { .. } | Way::Here { .. } => AUDIENCE.to_owned(),
        };
        let assertion = self.key.assertion(&audience, self.now().await?, request).map_err(Failed::other)?;
        let payload = json!({ "assertion": assertion });
        let answer = match &self.way {
            Way::Here { opener, .. } => serde_json::to_value(opener.invoke(&payload).await).map_err(Failed::other)?,
            Way::Server { base, http } => {
                call(http, "POST", &format!("{base}/simulator/opener"), Some(payload.to_string())).await?
            }
            Way::Stage { client, stack } => invoke(client, &format!("{stack}-opener"), &payload).await?,
        };
        match answer.get("error") {
            None => Ok(answer),
            Some(error) => {
                let texts = |name: &str| -> Vec<String> {
                    error[name]
                        .as_array()
                        .into_iter()
                        .flatten()
                        .filter_map(|text| text.as_str().map(str::to_owned))
                        .collect()
                };
                let both = texts("ja").into_iter().zip(texts("en")).map(|(ja, en)| format!("{ja} / {en}"));
                Err(Failed::Said(both.collect::<Vec<_>>().join("\n")))
            }
        }
    }
}

fn not_azukari() -> Failed {
    Failed::Said(
        "そのアドレスで応答しているのはazukariではありません。 / What answers there is not azukari.".to_owned(),
    )
}

async fn call(http: &SharedHttpConnector, method: &str, url: &str, body: Option<String>) -> Result<Value, Failed> {
    let mut request = HttpRequest::new(body.map_or_else(SdkBody::empty, SdkBody::from));
    let not_reached = || {
        Failed::Said(format!(
            "データは使用中ですが、{url}が応答しません。サーバーのアドレスをAZUKARI_LISTENで指定してください。 / The data is in use, and {url} does not answer: name the server's address in AZUKARI_LISTEN."
        ))
    };
    request.set_method(method).map_err(|_| not_reached())?;
    request.set_uri(url).map_err(|_| not_reached())?;
    let answer = http.call(request).await.map_err(|_| not_reached())?;
    if answer.status() != StatusCode::try_from(200).map_err(|_| not_azukari())? {
        return Err(not_azukari());
    }
    let bytes = answer.into_body().collect().await.map_err(|_| not_reached())?.to_bytes();
    serde_json::from_slice(&bytes).map_err(|_| not_azukari())
}

/// A client of the functions in the cloud. Nothing is asked for twice: an assertion is for
/// one use.
pub(super) async fn lambda(patience: Duration) -> aws_sdk_lambda::Client {
    let sdk = aws_config::load_defaults(aws_config::BehaviorVersion::latest()).await;
    let timeout = TimeoutConfig::builder().operation_timeout(patience).read_timeout(patience).build();
    let config = aws_sdk_lambda::config::Builder::from(&sdk)
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeout)
        .build();
    aws_sdk_lambda::Client::from_conf(config)
}

/// Invokes a function in the cloud.
pub(super) async fn invoke(client: &aws_sdk_lambda::Client, function: &str, payload: &Value) -> Result<Value, Failed> {
    let answer =
        client.invoke().function_name(function).payload(payload.to_string().into_bytes().into()).send().await.map_err(
            |error| {
                let code =
                    aws_sdk_lambda::error::ProvideErrorMetadata::code(&error).unwrap_or("not reached").to_owned();
                Failed::Said(format!("{function}を呼べません: {code} / {function} cannot be invoked: {code}"))
            },
        )?;
    if answer.function_error.is_some() {
        return Err(Failed::Said(format!(
            "{function}が途中で止まりました。ログを見てください。 / {function} broke off: see its log."
        )));
    }
    let payload = answer.payload.unwrap_or_else(|| Vec::new().into());
    serde_json::from_slice(payload.as_ref()).map_err(|_| not_azukari())
}
