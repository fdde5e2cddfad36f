//! A stage in the cloud, from the machine of whoever runs it: making it ready
//! ([`bootstrap`]), publishing to it ([`publish`]), examining it ([`doctor`]).
//!
//! A stage is the name of its stack. What its tables, keys and secrets are called is asked
//! of its functions: their settings name them. Whoever runs a command does so with their own
//! AWS credentials; nothing here is part of a function.

pub mod bootstrap;
pub mod doctor;
mod entries;
mod functions;
mod http;
pub mod publish;
mod secrets;

use std::{
    io::{BufRead, IsTerminal},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use aws_config::SdkConfig;
use aws_sdk_dynamodb::{
    config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider},
    error::{ProvideErrorMetadata, SdkError},
};
use aws_smithy_runtime_api::client::http::{SharedHttpClient, SharedHttpConnector};
use aws_smithy_types::{retry::RetryConfig, timeout::TimeoutConfig};
use azukari::{
    domain::{id::Malformed, origin::Nobody},
    host::{
        aws,
        clock::{Clock, SystemClock},
        mint::{Mint, SystemMint},
    },
    keys::KeyError,
    store::{StoreError, Vault},
};

use crate::{config::Problems, operator_key::NoKey};

/// How long a call may take: the longest is a run of a function.
const PATIENCE: Duration = Duration::from_secs(70);

/// Everything through which a stage is reached.
pub struct Cloud {
    stack: String,
    region: String,
    lambda: aws_sdk_lambda::Client,
    secrets: aws_sdk_secretsmanager::Client,
    dynamodb: aws_sdk_dynamodb::Client,
    kms: aws_sdk_kms::Client,
    /// For calls that are not AWS': LINE, the people's pages, the time.
    http: SharedHttpConnector,
    clock: Arc<dyn Clock>,
    mint: Arc<dyn Mint>,
}

impl Cloud {
    /// A stage, with the credentials and the region of whoever asks: the environment, a
    /// profile, or the role of this machine.
    ///
    /// # Errors
    /// There is no region.
    pub async fn of(stack: &str) -> Result<Self, StageError> {
        let sdk = aws_config::load_defaults(BehaviorVersion::latest()).await;
        Self::with(stack, &sdk, aws::https(), Arc::new(SystemClock), Arc::new(SystemMint::new()))
    }

    /// A stage whose services are answered by somebody else, without credentials of any
    /// value and without a second attempt: for tests.
    ///
    /// # Errors
    /// None, as long as the region is a name.
    pub fn over(
        stack: &str,
        aws: SharedHttpClient,
        http: SharedHttpConnector,
        clock: Arc<dyn Clock>,
        mint: Arc<dyn Mint>,
    ) -> Result<Self, StageError> {
        let credentials = Credentials::new("nobody", "not checked", None, None, "azukari-stage");
        let sdk = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("ap-northeast-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .retry_config(RetryConfig::disabled())
            .http_client(aws)
            .build();
        Self::with(stack, &sdk, http, clock, mint)
    }

    fn with(
        stack: &str,
        sdk: &SdkConfig,
        http: SharedHttpConnector,
        clock: Arc<dyn Clock>,
        mint: Arc<dyn Mint>,
    ) -> Result<Self, StageError> {
        let region = sdk.region().map(ToString::to_string).ok_or(StageError::NoRegion)?;
        let patience = TimeoutConfig::builder().operation_timeout(PATIENCE).read_timeout(PATIENCE).build();
        let lambda = aws_sdk_lambda::config::Builder::from(sdk).timeout_config(patience).build();
        Ok(Self {
            stack: stack.to_owned(),
            region,
            lambda: aws_sdk_lambda::Client::from_conf(lambda),
            secrets: aws_sdk_secretsmanager::Client::new(sdk),
            dynamodb: aws_sdk_dynamodb::Client::new(sdk),
            kms: aws_sdk_kms::Client::new(sdk),
            http,
            clock,
            mint,
        })
    }

    /// The vault of this name. What is done with it from here carries no origin tag.
    fn vault(&self, table: &str) -> Vault {
        Vault::new(self.dynamodb.clone(), table, Arc::new(Nobody))
    }
}

impl std::fmt::Debug for Cloud {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Cloud({})", self.stack)
    }
}

/// Why a stage could not be worked on. It names operations, codes, members and files, never
/// values.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// It is not known where it is.
    #[error(
        "AWSのリージョンがわかりません。AWS_REGIONを設定してください（例: ap-northeast-1）。 / Which AWS region is not known: set AWS_REGION, such as ap-northeast-1."
    )]
    NoRegion,
    /// None of its functions is there.
    #[error(
        "リージョン{region}に{stack}の関数がありません。スタックの名前、リージョン、アカウントを確かめてください。 / There is no function of {stack} in {region}: check the name of the stack, the region and the account."
    )]
    NoStack {
        /// Its name.
        stack: String,
        /// Where it was looked for.
        region: String,
    },
    /// A function is missing, or lacks a setting.
    #[error(
        "関数{function}に設定{setting}がありません。もう一度デプロイしてください。 / The function {function} has no setting {setting}: deploy again."
    )]
    NoSetting {
        /// The function.
        function: String,
        /// The environment variable.
        setting: &'static str,
    },
    /// A call to AWS was refused or not answered.
    #[error("AWSの{operation}が失敗しました: {code} / AWS {operation} failed: {code}")]
    Call {
        /// The operation.
        operation: &'static str,
        /// The service's code, or how the call broke off.
        code: String,
    },
    /// A secret is not what `azukari bootstrap` writes.
    #[error(
        "{0}のシークレットはJSONのオブジェクトではありません。直すか空にしてください。 / The secret of {0} is not a JSON object: mend or empty it."
    )]
    NotASecret(&'static str),
    /// Roles that must share a value have different ones.
    #[error(
        "関数のあいだで値が違います。どれが正しいかを決めて、そろえてください: {0} / Functions hold different values; decide which is right and make them equal: {0}"
    )]
    Differ(String),
    /// Others are at it at the same time.
    #[error(
        "ほかのだれかが同時にシークレットを書いています（または、古い版が手で戻されています）。しばらくしてもう一度実行してください。 / Somebody else is writing the secrets at the same time, or an older version was put back by hand: run it again in a while."
    )]
    Overtaken,
    /// The file with the channels' values cannot be used.
    #[error("{0:?}: {1}")]
    ChannelSecrets(PathBuf, String),
    /// Something was asked for that does not go together.
    #[error("{0}")]
    Wish(String),
    /// Nobody is there to be asked.
    #[error(
        "端末がないので確かめられません。--yesを付けると、確かめずに進めます。 / There is no terminal to ask on: --yes goes ahead without asking."
    )]
    NobodyToAsk,
    /// A file cannot be read or written.
    #[error("{0:?}: {1}")]
    File(PathBuf, std::io::Error),
    /// The configuration has problems.
    #[error(transparent)]
    Configuration(#[from] Problems),
    /// A table did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A key did not answer.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A key is not one.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// An operator's key cannot be used.
    #[error(transparent)]
    Operator(#[from] NoKey),
}

impl StageError {
    fn call<E: ProvideErrorMetadata>(operation: &'static str, error: &SdkError<E>) -> Self {
        Self::Call { operation, code: code(error) }
    }
}

/// The service's code, or how a call broke off.
fn code<E: ProvideErrorMetadata>(error: &SdkError<E>) -> String {
    let broke_off = match error {
        SdkError::TimeoutError(_) => "timeout",
        SdkError::DispatchFailure(_) => "not reached, or no credentials",
        SdkError::ConstructionFailure(_) => "not sent",
        _ => "no answer",
    };
    error.code().unwrap_or(broke_off).to_owned()
}

/// Who is asked before something is changed that others rely on.
pub enum Asking {
    /// Nobody: it was agreed to beforehand.
    Yes,
    /// Whoever types.
    Person(Box<dyn BufRead>),
    /// Nobody: there is nobody.
    Nobody,
}

impl Asking {
    /// Whoever sits at the terminal, unless they have said yes on the command line.
    pub fn of_terminal(yes: bool) -> Self {
        let input = std::io::stdin();
        if yes {
            Self::Yes
        } else if input.is_terminal() {
            Self::Person(Box::new(input.lock()))
        } else {
            Self::Nobody
        }
    }

    /// Whether they agree.
    fn agree(&mut self, question: &str, say: &mut dyn FnMut(&str)) -> Result<bool, StageError> {
        match self {
            Self::Yes => Ok(true),
            Self::Nobody => Err(StageError::NobodyToAsk),
            Self::Person(input) => {
                say(question);
                let mut answer = String::new();
                input.read_line(&mut answer).map_err(|_| StageError::NobodyToAsk)?;
                Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes" | "はい"))
            }
        }
    }
}

impl std::fmt::Debug for Asking {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Yes => "Yes",
            Self::Person(_) => "Person",
            Self::Nobody => "Nobody",
        })
    }
}
