//! AWS and LINE on the loopback interface, each under an address of its own: the in-process
//! engines of an installation, served over plain HTTP or over TLS.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use aws_smithy_runtime_api::client::http::{HttpConnector, SharedHttpConnector};
use axum::{
    Router,
    body::Body,
    extract::Request,
    response::{IntoResponse, Response},
};
use azukari::host::{
    aws,
    roles::{Key, Role},
    settings,
};
use azukari_local::{
    engine::{
        line::Line,
        wire::{self, Wire},
    },
    installation::AUDIENCE,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use http::StatusCode;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use crate::{
    app::{PUBLIC_URL, TestApp, scratch},
    runtime::authority::Authority,
};

/// How a function reaches AWS and LINE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// Over plain HTTP.
    Plain,
    /// Over TLS, vouched for by an authority of the test's own.
    Tls,
}

/// What a secret is called here.
pub const SECRET: &str = "secret";

/// A secret as the template makes it: there, and without a value.
pub const SECRET_WITHOUT_VALUE: &str = "secret-without-value";

/// Pairs that the locksmith is to keep.
pub const POOL_TARGET: usize = 26;

/// AWS and LINE for one function.
#[derive(Debug)]
pub struct Cloud {
    environment: BTreeMap<String, String>,
    authority: Option<Authority>,
    folder: tempfile::TempDir,
    fetched: Arc<AtomicUsize>,
}

impl Cloud {
    /// Serves the engines of an installation for a function with this role. Its secret is
    /// there for nobody else.
    pub async fn of(app: &TestApp, role: Role, transport: Transport) -> Self {
        let authority = (transport == Transport::Tls).then(Authority::new);
        let folder = scratch();
        let fetched = Arc::default();
        let installation = app.shared();
        let wires = Arc::clone(installation.wires());
        let connect = |engine: Arc<dyn wire::Engine>| Wire::new(engine, Arc::clone(&wires)).connector();
        let scheme = if authority.is_some() { "https" } else { "http" };
        let mut addresses = Vec::new();
        for router in [
            engine(connect(installation.dynamodb_engine())),
            engine(connect(installation.kms_engine())),
            secrets(role, &installation.secrets(role), &fetched),
            engine(connect(Arc::<Line>::clone(installation.line()))),
        ] {
            let address = serve(router, authority.as_ref()).await;
            addresses.push(format!("{scheme}://{address}"));
        }
        let mut environment: BTreeMap<String, String> = BTreeMap::from([
            (aws::REGION.to_owned(), "local".to_owned()),
            (aws::ACCESS_KEY_ID.to_owned(), role.as_str().to_owned()),
            (aws::SECRET_ACCESS_KEY.to_owned(), "not checked".to_owned()),
            (aws::SESSION_TOKEN.to_owned(), "not checked either".to_owned()),
            ("AWS_ENDPOINT_URL_DYNAMODB".to_owned(), addresses[0].clone()),
            ("AWS_ENDPOINT_URL_KMS".to_owned(), addresses[1].clone()),
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER".to_owned(), addresses[2].clone()),
        ]);
        if let Some(authority) = &authority {
            let file = folder.path().join("authority.pem");
            std::fs::write(&file, authority.pem()).expect("a file");
            let file = file.to_string_lossy().into_owned();
            environment.insert(aws::CA_BUNDLE.to_owned(), file.clone());
            // Whom the system trusts, as far as LINE is concerned.
            environment.insert("SSL_CERT_FILE".to_owned(), file);
        }
        for name in settings::of(role) {
            environment.insert((*name).to_owned(), setting(app, name, &addresses[3]).await);
        }
        Self { environment, authority, folder, fetched }
    }

    /// What the environment of the function holds, the Runtime API apart.
    pub fn environment(&self) -> BTreeMap<String, String> {
        self.environment.clone()
    }

    /// A file with the certificates of `pem` and that of the authority of this test.
    pub fn trusted(&self, name: &str, pem: &str) -> PathBuf {
        let file = self.folder.path().join(name);
        let own = self.authority.as_ref().map(Authority::pem).unwrap_or_default();
        std::fs::write(&file, format!("{pem}\n{own}")).expect("a file");
        file
    }

    /// How often the secret was fetched.
    pub fn fetched(&self) -> usize {
        self.fetched.load(Ordering::SeqCst)
    }
}

/// A value that fits a setting.
async fn setting(app: &TestApp, name: &str, line: &str) -> String {
    match name {
        settings::STAGE => "azukari-test".to_owned(),
        settings::VAULT_TABLE => "vault".to_owned(),
        settings::KEYS_TABLE => "keys".to_owned(),
        settings::AUDIT_TABLE => "audit".to_owned(),
        settings::SECRET => SECRET.to_owned(),
        settings::ENROL_PUBLIC_KEY => {
            let kms = app.installation().kms_as(Role::Admin);
            let enrol = azukari::keys::public_key(&kms, Key::Enrol.as_str()).await.expect("the enrol key answers");
            STANDARD.encode(enrol)
        }
        settings::WRAP_KEY => arn(Key::Wrap),
        settings::ENROL_KEY => arn(Key::Enrol),
        settings::EVIDENCE_KEY => arn(Key::Evidence),
        settings::INDEX_KEY => arn(Key::Index),
        settings::AUDIENCE => AUDIENCE.to_owned(),
        settings::POOL_TARGET => POOL_TARGET.to_string(),
        settings::LINE_API => line.to_owned(),
        settings::LINE_ACCESS => "https://access.azukari.test".to_owned(),
        settings::PUBLIC_URL => PUBLIC_URL.to_owned(),
        settings::LIFF_URL => "https://liff.azukari.test".to_owned(),
        settings::LIFF_SDK => "https://sdk.azukari.test/sdk.js".to_owned(),
        settings::LIFF_PLUGIN => "none".to_owned(),
        settings::FRAME_ANCESTORS => "'none'".to_owned(),
        other => panic!("the tests know no value for {other}"),
    }
}

/// A key as the engine calls it in its answers.
fn arn(key: Key) -> String {
    format!("arn:aws:kms:local:000000000000:key/{}", key.as_str())
}

/// An engine that answers whatever it is asked.
fn engine(connector: SharedHttpConnector) -> Router {
    Router::new().fallback(move |request: Request| pass(connector.clone(), request))
}

async fn pass(connector: SharedHttpConnector, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.expect("a body").to_bytes();
    let request = http::Request::from_parts(parts, aws_smithy_types::body::SdkBody::from(body));
    let response = connector.call(request.try_into().expect("a request")).await.expect("an answer");
    let mut answer = Response::builder().status(response.status().as_u16());
    for (name, value) in response.headers().iter() {
        answer = answer.header(name, value);
    }
    let body = response.body().bytes().unwrap_or_default().to_vec();
    answer.body(Body::from(body)).expect("a response")
}

/// As much of AWS Secrets Manager as a function asks for.
fn secrets(role: Role, secret: &Value, fetched: &Arc<AtomicUsize>) -> Router {
    let (secret, fetched) = (secret.to_string(), Arc::clone(fetched));
    Router::new().fallback(move |request: Request| {
        let (secret, fetched) = (secret.clone(), Arc::clone(&fetched));
        async move {
            let operation = header(&request, "x-amz-target");
            let allowed = header(&request, "authorization").contains(&format!("Credential={}/", role.as_str()));
            let body = request.into_body().collect().await.expect("a body").to_bytes();
            let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
            let refused = |kind: &str| {
                (StatusCode::BAD_REQUEST, json!({"__type": kind, "message": "not here"}).to_string()).into_response()
            };
            if operation != "secretsmanager.GetSecretValue" || !allowed {
                return refused("AccessDeniedException");
            }
            // Secrets Manager says the same of a secret that is there and has no value yet.
            if asked["SecretId"] != SECRET {
                return refused("ResourceNotFoundException");
            }
            fetched.fetch_add(1, Ordering::SeqCst);
            json!({"Name": SECRET, "SecretString": secret}).to_string().into_response()
        }
    })
}

fn header(request: &Request, name: &str) -> String {
    let value = request.headers().get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default().to_owned()
}

async fn serve(router: Router, authority: Option<&Authority>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its address");
    match authority.map(Authority::server) {
        None => {
            tokio::spawn(async move { axum::serve(listener, router).await });
        }
        Some(config) => {
            let listener = TlsListener { tcp: listener, tls: TlsAcceptor::from(config) };
            tokio::spawn(async move { axum::serve(listener, router).await });
        }
    }
    address
}

struct TlsListener {
    tcp: TcpListener,
    tls: TlsAcceptor,
}

impl axum::serve::Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    /// Whoever does not trust this authority breaks off: the next may.
    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let Ok((stream, address)) = self.tcp.accept().await else { continue };
            if let Ok(stream) = self.tls.accept(stream).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.tcp.local_addr()
    }
}
