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
    fmt,
    io::{BufRead, IsTerminal},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use aws_config::SdkConfig;
use aws_sdk_dynamodb::{
    config::{BehaviorVersion, Credentials, ProvideCredentials, Region, SharedCredentialsProvider},
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
use serde::Serialize;

use crate::{config::Problems, operator_key::NoKey};

/// How long a call of Lambda may take: the longest is a run of a function.
const PATIENCE: Duration = Duration::from_secs(70);

/// How long any other call may take. Without it one that nobody answers hangs without end.
fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(5))
        .operation_attempt_timeout(Duration::from_secs(20))
        .operation_timeout(Duration::from_secs(60))
        .build()
}

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
    /// There is no region, or there are no credentials.
    pub async fn of(stack: &str) -> Result<Self, StageError> {
        let sdk = aws_config::load_defaults(BehaviorVersion::latest()).await;
        if sdk.region().is_none() {
            return Err(StageError::NoRegion);
        }
        // A call without credentials looks as if nobody had been reached.
        let provider = sdk.credentials_provider().ok_or(StageError::NoCredentials)?;
        provider.provide_credentials().await.map_err(|_| StageError::NoCredentials)?;
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
        let secrets = aws_sdk_secretsmanager::config::Builder::from(sdk).timeout_config(timeouts()).build();
        let dynamodb = aws_sdk_dynamodb::config::Builder::from(sdk).timeout_config(timeouts()).build();
        let kms = aws_sdk_kms::config::Builder::from(sdk).timeout_config(timeouts()).build();
        Ok(Self {
            stack: stack.to_owned(),
            region,
            lambda: aws_sdk_lambda::Client::from_conf(lambda),
            secrets: aws_sdk_secretsmanager::Client::from_conf(secrets),
            dynamodb: aws_sdk_dynamodb::Client::from_conf(dynamodb),
            kms: aws_sdk_kms::Client::from_conf(kms),
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

/// A sentence in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Said {
    /// In Japanese.
    pub ja: String,
    /// In English.
    pub en: String,
}

fn said(ja: impl Into<String>, en: impl Into<String>) -> Said {
    Said { ja: ja.into(), en: en.into() }
}

impl Said {
    /// Several as one, a line each.
    fn joined(all: &[Self]) -> Self {
        let lines = |half: fn(&Self) -> &str| all.iter().map(half).collect::<Vec<_>>().join("\n");
        said(lines(|one| one.ja.as_str()), lines(|one| one.en.as_str()))
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} / {}", self.ja, self.en)
    }
}

/// Why a stage could not be worked on. It names operations, codes, members and files, never
/// values.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// It is not known where it is.
    NoRegion,
    /// It is not known who asks.
    NoCredentials,
    /// Nobody answers where AWS should be.
    NotReached {
        /// Where it was looked for.
        region: String,
    },
    /// None of its functions is there.
    NoStack {
        /// Its name.
        stack: String,
        /// Where it was looked for.
        region: String,
    },
    /// A function is missing, or lacks a setting, or has one that makes no sense.
    NoSetting {
        /// The function.
        function: String,
        /// The environment variable.
        setting: &'static str,
    },
    /// A call to AWS was refused or not answered.
    Call {
        /// The operation.
        operation: &'static str,
        /// The service's code, or how the call broke off.
        code: String,
    },
    /// A secret is not what `azukari bootstrap` writes.
    NotASecret(&'static str),
    /// Roles that must share a value have different ones.
    Differ(String),
    /// Others are at it at the same time.
    Overtaken,
    /// The file with the channels' values cannot be used.
    ChannelSecrets(PathBuf, Said),
    /// Something was asked for that does not go together.
    Wish(Said),
    /// Nobody is there to be asked.
    NobodyToAsk,
    /// A file cannot be read or written.
    File(PathBuf, std::io::Error),
    /// The configuration has problems.
    Configuration(#[from] Problems),
    /// A table did not answer.
    Store(#[from] StoreError),
    /// A key did not answer.
    Key(#[from] KeyError),
    /// A key is not one.
    Malformed(#[from] Malformed),
    /// An operator's key cannot be used.
    Operator(#[from] NoKey),
}

/// What kind of failure it was: what is to be done goes by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    /// Whoever runs the command may not do it.
    Denied,
    /// What it was about is gone, or about to be deleted.
    Gone,
    /// Whoever runs the command has to sign in again.
    SignedOut,
    /// Nobody answered.
    NotReached,
    /// A secret or a row is not what it should be.
    Malformed,
    /// Anything else.
    Other,
}

impl Cause {
    /// By the code of a service, or by the word for how a call broke off.
    fn of(code: &str) -> Self {
        let has = |parts: &[&str]| parts.iter().any(|part| code.contains(part));
        if has(&["AccessDenied", "NotAuthorized", "UnauthorizedOperation", "AuthorizationError"]) {
            Self::Denied
        } else if has(&["NotFound", "InvalidRequestException", "KMSInvalidState", "DisabledException"]) {
            Self::Gone
        } else if has(&["Expired", "UnrecognizedClient", "InvalidClientTokenId", "InvalidSignature"]) {
            Self::SignedOut
        } else if ["timeout", "not reached", "not sent", "no answer"].contains(&code) {
            Self::NotReached
        } else {
            Self::Other
        }
    }

    /// What to do.
    fn fix(self) -> Said {
        match self {
            Self::Denied => said(
                "このコマンドを実行する人に、この呼び出しを許してください（要る権限は infra/README.ja.md の「担当者」にあります）",
                "allow this call to whoever runs this command: infra/README.md lists the permissions under Operators",
            ),
            Self::Gone => said(
                "表か鍵かシークレットがないか、消されるところです。もう一度デプロイするか、戻してください（infra/README.ja.md の「復元の訓練」）",
                "the table, key or secret is gone or about to be deleted: deploy again, or restore it (infra/README.md, Restore drill)",
            ),
            Self::SignedOut => said(
                "サインインし直して、aws sts get-caller-identity が答えることを確かめてください（時計も）",
                "sign in again, and see that aws sts get-caller-identity answers and that the clock is right",
            ),
            Self::NotReached => said(
                "ネットワークとリージョン（AWS_REGION）を確かめてください",
                "check the network and the region (AWS_REGION)",
            ),
            Self::Malformed => said(
                "だれが書いたかを調べてください（infra/README.ja.md の「警報」）",
                "find out who wrote it (infra/README.md, Alarms)",
            ),
            Self::Other => said(
                "しばらくしてもう一度実行し、続くときはAWSの障害情報を見てください",
                "run it again in a while, and see AWS' status page if it goes on",
            ),
        }
    }
}

impl StageError {
    fn call<E: ProvideErrorMetadata>(operation: &'static str, error: &SdkError<E>) -> Self {
        Self::Call { operation, code: code(error) }
    }

    /// What kind of failure it was.
    fn cause(&self) -> Cause {
        match self {
            Self::Call { code, .. }
            | Self::Store(StoreError::Call { code, .. })
            | Self::Key(KeyError::Call { code, .. }) => Cause::of(code),
            Self::NotReached { .. } => Cause::NotReached,
            Self::NoCredentials => Cause::SignedOut,
            Self::NotASecret(_) | Self::Store(StoreError::Row { .. } | StoreError::NotVouched) => Cause::Malformed,
            _ => Cause::Other,
        }
    }

    /// What to do, where the sentence does not say so.
    fn fix(&self) -> Option<Said> {
        match self {
            Self::Call { .. } | Self::Store(StoreError::Call { .. }) | Self::Key(_) => Some(self.cause().fix()),
            Self::Store(StoreError::Row { .. } | StoreError::NotVouched) => Some(Cause::Malformed.fix()),
            _ => None,
        }
    }

    /// What has happened, each language by itself.
    fn what(&self) -> Said {
        match self {
            Self::NoRegion => said(
                "AWSのリージョンがわかりません。AWS_REGIONを設定してください（例: ap-northeast-1）。",
                "Which AWS region is not known: set AWS_REGION, such as ap-northeast-1.",
            ),
            Self::NoCredentials => said(
                "AWSの認証情報がないか、使えません。AWS_PROFILEを設定するかサインインして（aws sso login）、aws sts get-caller-identity が答えることを確かめてください。",
                "There are no AWS credentials that can be used: set AWS_PROFILE or sign in (aws sso login), and see that aws sts get-caller-identity answers.",
            ),
            Self::NotReached { region } => said(
                format!("AWSにつながりません。ネットワークとリージョンを確かめてください（AWS_REGION={region}）。"),
                format!("AWS is not reached: check the network and the region (AWS_REGION={region})."),
            ),
            Self::NoStack { stack, region } => said(
                format!(
                    "リージョン{region}に{stack}の関数がありません。スタックの名前、リージョン、アカウントを確かめてください。"
                ),
                format!(
                    "There is no function of {stack} in {region}: check the name of the stack, the region and the account."
                ),
            ),
            Self::NoSetting { function, setting } => said(
                format!("関数{function}の設定{setting}がないか、正しくありません。もう一度デプロイしてください。"),
                format!("The function {function} has no setting {setting}, or one that is not valid: deploy again."),
            ),
            Self::Call { operation, code } => {
                said(format!("AWSの{operation}が失敗しました: {code}。"), format!("AWS {operation} failed: {code}."))
            }
            Self::NotASecret(role) => said(
                format!("{role}のシークレットはJSONのオブジェクトではありません。直すか、{{}}にしてください。"),
                format!("The secret of {role} is not a JSON object: mend it, or put {{}} into it."),
            ),
            Self::Differ(list) => said(
                format!("関数のあいだで値が違います。どれが正しいかを決めて、そろえてください: {list}"),
                format!("Functions hold different values; decide which is right and make them equal: {list}"),
            ),
            Self::Overtaken => said(
                "ほかのだれかが同時にシークレットを書いています（または、古い版が手で戻されています）。しばらくしてもう一度実行してください。",
                "Somebody else is writing the secrets at the same time, or an older version was put back by hand: run it again in a while.",
            ),
            Self::ChannelSecrets(path, problem) => {
                let path = path.display();
                said(format!("{path}: {}", problem.ja), format!("{path}: {}", problem.en))
            }
            Self::Wish(problem) => problem.clone(),
            Self::NobodyToAsk => said(
                "端末がないので確かめられません。--yesを付けると、確かめずに進めます。",
                "There is no terminal to ask on: --yes goes ahead without asking.",
            ),
            Self::File(path, error) => {
                let path = path.display();
                said(
                    format!("{path}を読み書きできません（{error}）。場所と、ファイルの権限を確かめてください。"),
                    format!("{path} cannot be read or written ({error}): check the path, and who may use the file."),
                )
            }
            Self::Configuration(_) => said("設定に問題があります。", "The configuration has problems."),
            Self::Store(StoreError::Call { operation, code }) => said(
                format!("DynamoDBの{operation}が失敗しました: {code}。"),
                format!("DynamoDB {operation} failed: {code}."),
            ),
            Self::Store(error @ (StoreError::Row { .. } | StoreError::NotVouched)) => said(
                format!("表に、正しくない行があります（{error}）。"),
                format!("A table holds a row that is not valid ({error})."),
            ),
            Self::Store(error @ (StoreError::Condition { .. } | StoreError::Cancelled { .. })) => said(
                format!("ほかのだれかが同時に書きました（{error}）。もう一度実行してください。"),
                format!("Somebody else wrote at the same time ({error}): run it again."),
            ),
            Self::Key(KeyError::Call { operation, code }) => {
                said(format!("KMSの{operation}が失敗しました: {code}。"), format!("KMS {operation} failed: {code}."))
            }
            Self::Key(error @ KeyError::Answer(_)) => said(
                format!("KMSの応答が足りません（{error}）。"),
                format!("The answer of KMS is not complete ({error})."),
            ),
            Self::Malformed(error) => said(
                format!("KMSの鍵の公開鍵が正しくありません（{error}）。"),
                format!("The public half of a KMS key is not valid ({error})."),
            ),
            Self::Operator(_) => said("担当者の鍵を使えません。", "The operator's key cannot be used."),
        }
    }
}

impl fmt::Display for StageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // They speak both languages, and of several things.
            Self::Configuration(problems) => return fmt::Display::fmt(problems, f),
            Self::Operator(error) => return fmt::Display::fmt(error, f),
            _ => {}
        }
        let what = self.what();
        match self.fix() {
            Some(fix) => write!(f, "{}{}。 / {} {}.", what.ja, fix.ja, what.en, capital(&fix.en)),
            None => fmt::Display::fmt(&what, f),
        }
    }
}

/// A text as a sentence begins.
fn capital(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(rest).collect()
}

/// The service's code, or how a call broke off.
fn code<E: ProvideErrorMetadata>(error: &SdkError<E>) -> String {
    let broke_off = match error {
        SdkError::TimeoutError(_) => "timeout",
        SdkError::DispatchFailure(_) => "not reached",
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_to_do_goes_by_the_code() {
        for (code, cause) in [
            ("AccessDeniedException", Cause::Denied),
            ("ResourceNotFoundException", Cause::Gone),
            ("NotFoundException", Cause::Gone),
            ("InvalidRequestException", Cause::Gone),
            ("ExpiredTokenException", Cause::SignedOut),
            ("not reached", Cause::NotReached),
            ("timeout", Cause::NotReached),
            ("ThrottlingException", Cause::Other),
        ] {
            assert_eq!(Cause::of(code), cause, "{code}");
        }
    }

    #[test]
    fn an_error_speaks_one_language_after_the_other() {
        let error = StageError::Call { operation: "DescribeKey", code: "AccessDeniedException".to_owned() };
        let text = error.to_string();
        let (ja, en) = text.split_once(" / ").unwrap();
        for half in [ja, en] {
            assert!(half.contains("DescribeKey") && half.contains("AccessDeniedException"), "{text}");
        }
        assert!(en.is_ascii() && en.contains("infra/README.md"), "{text}");
        let text = StageError::NotASecret("form").to_string();
        assert!(text.contains("{}にして") && text.contains("put {} into it"), "{text}");
    }
}
