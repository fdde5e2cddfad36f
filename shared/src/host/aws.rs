//! How the AWS clients are made: from the few variables that Lambda sets, over one HTTP
//! client, with few and quick retries and short waits, because LINE waits two seconds for
//! an answer.
//!
//! What the SDK would do besides is left out, since a cold start would pay for it and Lambda
//! gives no other answer: profile files, the chain of credential sources, the metadata
//! service, and a trust store of every authority there is.

use std::{fmt, sync::OnceLock, time::Duration};

use aws_sdk_dynamodb::config::{
    BehaviorVersion, Credentials, Region, SharedCredentialsProvider, StalledStreamProtectionConfig, retry::RetryConfig,
    timeout::TimeoutConfig,
};
use aws_smithy_http_client::{
    Connector,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::{
    http::{HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector, http_client_fn},
    orchestrator::HttpRequest,
};
use aws_types::{
    SdkConfig,
    service_config::{LoadServiceConfig, ServiceConfigKey},
};
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

use crate::host::settings::{self, SettingsError};

/// The region.
pub const REGION: &str = "AWS_REGION";
/// Who the function is.
pub const ACCESS_KEY_ID: &str = "AWS_ACCESS_KEY_ID";
/// What it signs with.
pub const SECRET_ACCESS_KEY: &str = "AWS_SECRET_ACCESS_KEY";
/// Belongs to credentials that end, as those of Lambda do.
pub const SESSION_TOKEN: &str = "AWS_SESSION_TOKEN";
/// A file of PEM certificates that are trusted in place of Amazon's own: for endpoints behind
/// somebody else's authority, and for tests.
pub const CA_BUNDLE: &str = "AWS_CA_BUNDLE";
/// Where a service is, in place of its usual address: of all services, then of each that is
/// called.
pub const ENDPOINTS: [&str; 4] =
    ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL_KMS", "AWS_ENDPOINT_URL_SECRETS_MANAGER"];

/// The roots of Amazon Trust Services. Parsing all authorities of the system costs more than
/// everything else that a cold start does for TLS.
const AMAZON_ROOTS: &[u8] = include_bytes!("amazon_roots.pem");

const CONNECT_TIMEOUT: Duration = Duration::from_millis(500);

/// Three attempts, the second after at most 25 ms.
pub fn retry() -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(3)
        .with_initial_backoff(Duration::from_millis(25))
        .with_max_backoff(Duration::from_millis(200))
}

/// 500 ms to connect, 1 s for an attempt, 1.8 s for all of them.
pub fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(Duration::from_secs(1))
        .operation_timeout(Duration::from_millis(1_800))
        .build()
}

/// The configuration of a function in Lambda. No file of the system is read and nobody is
/// asked.
///
/// # Errors
/// Everything that is missing or malformed.
pub fn from_environment() -> Result<SdkConfig, SettingsError> {
    from_lookup(&settings::environment)
}

/// The same, from variables that are looked up elsewhere.
///
/// # Errors
/// Everything that is missing or malformed.
pub fn from_lookup(lookup: &dyn Fn(&str) -> Option<String>) -> Result<SdkConfig, SettingsError> {
    let given = |name: &str| lookup(name).filter(|value| !value.trim().is_empty());
    let mut problems = Vec::new();
    let mut required = |name: &str| {
        given(name).unwrap_or_else(|| {
            problems.push(format!("{name} is missing"));
            String::new()
        })
    };
    let (region, id, secret) = (required(REGION), required(ACCESS_KEY_ID), required(SECRET_ACCESS_KEY));
    if !region.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '-') {
        problems.push(format!("{REGION} is not a region like ap-northeast-1"));
    }
    let endpoints = ENDPOINTS.into_iter().filter_map(|name| given(name).map(|url| (name, url)));
    let endpoints = Endpoints(endpoints.collect());
    for (name, url) in &endpoints.0 {
        if !settings::is_address(url) {
            problems.push(format!("{name} is not an address that begins with https://"));
        }
    }
    let roots = given(CA_BUNDLE).map_or_else(|| Some(AMAZON_ROOTS.to_vec()), |path| bundle(&path));
    if roots.is_none() {
        problems.push(format!("{CA_BUNDLE} is not a file of PEM certificates"));
    }
    let (Some(roots), true) = (roots, problems.is_empty()) else { return Err(SettingsError(problems)) };
    let connector = trusting(roots);
    Ok(SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region))
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
            id,
            secret,
            given(SESSION_TOKEN),
            None,
            "environment",
        )))
        .service_config(endpoints)
        .retry_config(retry())
        .timeout_config(timeouts())
        // The times above bound every call; answers are small.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .http_client(http_client_fn(move |_, _| connector.clone()))
        .build())
}

/// The connector for calls to LINE: the SDK's own HTTP and TLS stack, which trusts whom the
/// system trusts. Their certificates are read at the first call, not before: most events
/// need none.
pub fn https() -> SharedHttpConnector {
    SharedHttpConnector::new(Lazy::new(|| Connector::builder().tls_provider(tls()).build()))
}

/// A DynamoDB client.
pub fn dynamodb(sdk: &SdkConfig) -> aws_sdk_dynamodb::Client {
    aws_sdk_dynamodb::Client::new(sdk)
}

/// A KMS client.
pub fn kms(sdk: &SdkConfig) -> aws_sdk_kms::Client {
    aws_sdk_kms::Client::new(sdk)
}

fn tls() -> Provider {
    Provider::Rustls(CryptoMode::AwsLc)
}

/// One connector for every client: connections and what is known about TLS are shared.
fn trusting(roots: Vec<u8>) -> SharedHttpConnector {
    SharedHttpConnector::new(Lazy::new(move || {
        let store = TrustStore::empty().with_pem_certificate(roots.clone());
        let context = TlsContext::builder().with_trust_store(store).build().unwrap_or_default();
        let settings = HttpConnectorSettings::builder().connect_timeout(CONNECT_TIMEOUT).build();
        Connector::builder().connector_settings(settings).tls_provider(tls()).tls_context(context).build()
    }))
}

/// The certificates of a file, if each of them can be trusted: the client would stop the
/// process at one that cannot be read.
fn bundle(path: &str) -> Option<Vec<u8>> {
    let pem = std::fs::read(path).ok()?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        roots.add(certificate.ok()?).ok()?;
    }
    (!roots.is_empty()).then_some(pem)
}

/// Addresses of services, by the names of the variables that give them.
#[derive(Debug)]
struct Endpoints(Vec<(&'static str, String)>);

impl LoadServiceConfig for Endpoints {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        let of_service = format!("{}_{}", key.env(), key.service_id().to_uppercase().replace(' ', "_"));
        let find = |name: &str| self.0.iter().find(|(known, _)| *known == name).map(|(_, url)| url.clone());
        find(&of_service).or_else(|| find(key.env()))
    }
}

/// A connector that is built when it is first called.
struct Lazy {
    build: Box<dyn Fn() -> Connector + Send + Sync>,
    built: OnceLock<Connector>,
}

impl Lazy {
    fn new(build: impl Fn() -> Connector + Send + Sync + 'static) -> Self {
        Self { build: Box::new(build), built: OnceLock::new() }
    }
}

impl HttpConnector for Lazy {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        self.built.get_or_init(&self.build).call(request)
    }
}

impl fmt::Debug for Lazy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lazy")
    }
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;

    fn lookup<'a>(variables: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
        move |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
    }

    const LAMBDA: [(&str, &str); 4] =
        [(REGION, "ap-northeast-1"), (ACCESS_KEY_ID, "id"), (SECRET_ACCESS_KEY, "secret"), (SESSION_TOKEN, "token")];

    #[test]
    fn the_roots_are_the_five_whose_digests_stand_beside_them() {
        let text = std::str::from_utf8(AMAZON_ROOTS).unwrap();
        let noted: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("# SHA-256 ")).collect();
        let mut store = RootCertStore::empty();
        let mut computed = Vec::new();
        for certificate in CertificateDer::pem_slice_iter(AMAZON_ROOTS) {
            let certificate = certificate.unwrap();
            let digest = Sha256::digest(&*certificate);
            computed.push(digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
            store.add(certificate).unwrap();
        }
        assert_eq!((computed.len(), store.len()), (5, 5));
        assert_eq!(computed, noted);
    }

    #[test]
    fn what_lambda_sets_is_enough() {
        let sdk = from_lookup(&lookup(&LAMBDA)).unwrap();
        assert_eq!(sdk.region().unwrap().as_ref(), "ap-northeast-1");
        assert!(sdk.http_client().is_some() && sdk.endpoint_url().is_none());
        // Clients can be made of it: nothing that they need is missing.
        let (_, _) = (dynamodb(&sdk), kms(&sdk));
    }

    #[test]
    fn everything_that_is_wrong_is_named_and_no_value() {
        let variables = [
            (REGION, "no region"),
            (SECRET_ACCESS_KEY, "   "),
            (ENDPOINTS[1], "dynamodb.example"),
            (CA_BUNDLE, "/nowhere/at-all.pem"),
        ];
        let error = from_lookup(&lookup(&variables)).unwrap_err().to_string();
        for part in [
            "AWS_REGION is not a region",
            "AWS_ACCESS_KEY_ID is missing",
            "AWS_SECRET_ACCESS_KEY is missing",
            "AWS_ENDPOINT_URL_DYNAMODB is not an address",
            "AWS_CA_BUNDLE is not a file of PEM certificates",
        ] {
            assert!(error.contains(part), "{error}");
        }
        for value in ["no region", "dynamodb.example", "nowhere"] {
            assert!(!error.contains(value), "{error}");
        }
    }

    #[test]
    fn a_service_has_an_address_of_its_own_or_that_of_all() {
        let endpoints = Endpoints(vec![
            ("AWS_ENDPOINT_URL", "http://all".to_owned()),
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", "http://secrets".to_owned()),
        ]);
        let address = |service: &str| {
            let key = ServiceConfigKey::builder().service_id(service).env("AWS_ENDPOINT_URL").profile("endpoint_url");
            endpoints.load_config(key.build().unwrap())
        };
        assert_eq!(address("DynamoDB").as_deref(), Some("http://all"));
        assert_eq!(address("Secrets Manager").as_deref(), Some("http://secrets"));
    }
}
