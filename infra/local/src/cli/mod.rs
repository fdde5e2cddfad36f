//! The command line: its arguments and what each command does. What it prints goes
//! through [`say`].

mod access;
mod audit;
mod bootstrap;
mod doctor;
mod erase;
mod evidence;
mod form;
mod list;
mod open;
mod operator;
mod publish;
mod receipt;
mod requests;
mod restore;
pub mod say;

use std::path::PathBuf;

use azukari::domain::operator::OperatorId;
use clap::{Args, Parser, Subcommand, error::ErrorKind};

use crate::{
    config::{self, operators::LOCAL},
    operator_key::{self, NoKey, OperatorKey},
    serve,
};

/// LINE公式アカウントの個人情報を預かる。 / Custody for what a LINE Official Account collects.
#[derive(Parser)]
#[command(name = "azukari", version, after_help = EXAMPLES)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    places: Places,
}

const EXAMPLES: &str = "\
例 / Examples:
  azukari                                    このマシンで全体を動かす / run everything on this machine
  AZUKARI_LISTEN=127.0.0.1:9000 azukari      別のポートで / on another port
  azukari check-config                       設定だけを確かめる / check the configuration only
  azukari list --since 2026-11-20            届いたものの一覧 / what came in
  azukari requests                           対応を待っている申し出と請求 / what waits to be looked into
  azukari open --person ID --fields text --purpose chat --reason inquiry
                                             開封する（台帳に残る） / open, on the record
  azukari erase --person ID --reason request 一人を消去する / have somebody erased
  azukari form counts satisfaction           フォームの集計 / count the answers to a form
  azukari audit show                         台帳を読む / read the ledger
  azukari audit verify                       台帳を検証する / check the ledger
  azukari receipt verify receipt.json        消去の控えが本物か確かめる / check a receipt of an erasure
  azukari restore check                      バックアップから戻したあと、消去をやり直す / after a restore, erase again
  azukari bootstrap --stage azukari-prod     クラウドの環境をととのえる / make a stage in the cloud ready
  azukari publish --stage azukari-prod       設定をクラウドに公開する / publish the configuration to it
  azukari doctor --stage azukari-prod        足りないもの、悪いところを、直しかたとともに示す / what is missing or wrong, each with its fix";

#[derive(Subcommand)]
enum Command {
    /// このマシンで全体を動かす（省略時）。 / Run everything on this machine (default).
    Serve,
    /// 設定ファイルを確かめ、問題をすべて示す。 / Check the configuration and show every problem.
    CheckConfig,
    /// 担当者の鍵を作る。 / Make keys for operators.
    #[command(subcommand)]
    Operator(operator::Command),
    /// 届いたものの一覧（件数と時刻だけ）。 / List what came in: counts and times only.
    #[command(after_help = list::EXAMPLES)]
    List(list::Arguments),
    /// 対応を待っている申し出と請求、その対応の記録。 / What waits to be looked into, and closing it.
    #[command(after_help = requests::EXAMPLES)]
    Requests(requests::Arguments),
    /// フォームの一覧と集計。 / List forms, and count their answers.
    #[command(subcommand)]
    Form(form::Command),
    /// 理由を記録して開封する。 / Open, with a reason that is recorded.
    #[command(after_help = open::EXAMPLES)]
    Open(Box<open::Arguments>),
    /// 一人の消去を指示する（個人情報保護管理者）。 / Have somebody erased (privacy officers).
    #[command(after_help = erase::EXAMPLES)]
    Erase(Box<erase::Arguments>),
    /// 開封の台帳を読む、確かめる、書き出す。 / Read, check or export the ledger of openings.
    #[command(subcommand)]
    Audit(audit::Command),
    /// 消去の控えを確かめる。 / Check receipts of erasures.
    #[command(subcommand)]
    Receipt(receipt::Command),
    /// バックアップから戻したあとの確認。 / Checks after a restore from backup.
    #[command(subcommand)]
    Restore(restore::Command),
    /// クラウドの環境をととのえる: 鍵、担当者、シークレット、鍵の備え。 / Make a stage in the cloud ready: keys, operators, secrets, pool.
    #[command(after_help = bootstrap::EXAMPLES)]
    Bootstrap(Box<bootstrap::Arguments>),
    /// 設定をクラウドの環境に公開する。 / Publish the configuration to a stage in the cloud.
    #[command(after_help = publish::EXAMPLES)]
    Publish(publish::Arguments),
    /// クラウドの環境を調べ、悪いところを直しかたとともに示す。 / Examine a stage in the cloud: what is wrong, each with its fix.
    #[command(after_help = doctor::EXAMPLES)]
    Doctor(doctor::Arguments),
}

/// Where things are on one machine.
#[derive(Args, Clone)]
pub struct Places {
    /// 待ち受けるアドレス（このマシンの中だけ）。 / Address to listen on (this machine only).
    #[arg(long, global = true, env = "AZUKARI_LISTEN", default_value = serve::LISTEN)]
    pub listen: String,
    /// データベース、鍵、シークレットの置き場所。 / Where database, keys and secrets are.
    #[arg(long, global = true, env = "AZUKARI_DATA_DIR", default_value = ".azukari")]
    pub data_dir: PathBuf,
    /// 設定の置き場所。 / Where the configuration is.
    #[arg(long, global = true, env = "AZUKARI_CONFIG_DIR", default_value = "infra/config")]
    pub config_dir: PathBuf,
}

/// As whom, and where.
#[derive(Args, Clone)]
pub struct Who {
    /// 担当者の名前。 / Your name as an operator.
    #[arg(long = "as", value_name = "NAME", default_value = LOCAL)]
    name: String,
    /// 担当者の鍵（省略時はデータの置き場所のoperators/NAME.pem）。 / Your key (default: operators/NAME.pem in the data folder).
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// クラウドの環境（スタック名）。省略時はこのマシン。 / A stage in the cloud (its stack's name); default: this machine.
    #[arg(long, value_name = "STACK", value_parser = stack_name)]
    stage: Option<String>,
}

/// A stack's name, as CloudFormation has it: it begins the names of functions, secrets and
/// keys.
fn stack_name(text: &str) -> Result<String, String> {
    let mut letters = text.chars();
    let begins = letters.next().is_some_and(|first| first.is_ascii_alphabetic());
    if begins && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '-') {
        return Ok(text.to_owned());
    }
    Err("スタック名は半角の英字で始まり、英数字と-だけです / a stack's name begins with a letter and has letters, digits and - only".to_owned())
}

impl Who {
    fn key(&self, places: &Places) -> Result<OperatorKey, NoKey> {
        let id = OperatorId::parse(&self.name).map_err(|_| NoKey::Unusable)?;
        let path = self.key.clone().unwrap_or_else(|| operator_key::usual_path(&places.data_dir, &id));
        OperatorKey::read(id, &path)
    }
}

/// Why a command did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// It was told why.
    #[error("{0}")]
    Said(String),
    /// Something below it.
    #[error(transparent)]
    Other(#[from] Box<dyn std::error::Error>),
    /// It has said everything already; only the exit code is left.
    #[error("")]
    Quiet(u8),
}

impl Failed {
    /// Any other error.
    fn other(error: impl std::error::Error + 'static) -> Self {
        Self::Other(Box::new(error))
    }

    /// What to tell the shell: 1 for a failure, 3 for a ledger whose end is not proven.
    pub fn code(&self) -> u8 {
        match self {
            Self::Quiet(code) => *code,
            Self::Said(_) | Self::Other(_) => 1,
        }
    }
}

/// Reads the arguments. Wrong use is answered with what is wrong and an example.
///
/// # Errors
/// The exit code, after everything has been said.
pub fn arguments() -> Result<Cli, u8> {
    Cli::try_parse().map_err(|error| match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            say::line(&error.to_string());
            0
        }
        _ => {
            say::complaint(&error.to_string());
            say::complaint(examples(std::env::args().skip(1)));
            2
        }
    })
}

/// The examples of the command that was meant: the first word that is neither an option nor
/// the value of one that stands before commands.
fn examples(mut words: impl Iterator<Item = String>) -> &'static str {
    while let Some(word) = words.next() {
        match word.as_str() {
            "--listen" | "--data-dir" | "--config-dir" => drop(words.next()),
            option if option.starts_with('-') => {}
            "open" => return open::EXAMPLES,
            "erase" => return erase::EXAMPLES,
            "list" => return list::EXAMPLES,
            "requests" => return requests::EXAMPLES,
            "audit" => return audit::EXAMPLES,
            "receipt" => return receipt::EXAMPLES,
            "restore" => return restore::EXAMPLES,
            "form" => return form::EXAMPLES,
            "operator" => return operator::EXAMPLES,
            "bootstrap" => return bootstrap::EXAMPLES,
            "publish" => return publish::EXAMPLES,
            "doctor" => return doctor::EXAMPLES,
            _ => return EXAMPLES,
        }
    }
    EXAMPLES
}

/// Does what was asked for.
///
/// # Errors
/// See [`Failed`].
pub async fn run(cli: Cli) -> Result<(), Failed> {
    let places = cli.places;
    match cli.command.unwrap_or(Command::Serve) {
        Command::Serve => self::serve(places).await,
        Command::CheckConfig => check_config(&places),
        Command::Operator(command) => operator::run(command, &places),
        Command::List(arguments) => list::run(arguments, &places).await,
        Command::Requests(arguments) => requests::run(arguments, &places).await,
        Command::Form(command) => form::run(command, &places).await,
        Command::Open(arguments) => open::run(*arguments, &places).await,
        Command::Erase(arguments) => erase::run(*arguments, &places).await,
        Command::Audit(command) => audit::run(command, &places).await,
        Command::Receipt(command) => receipt::run(command, &places),
        Command::Restore(command) => restore::run(command, &places).await,
        Command::Bootstrap(arguments) => bootstrap::run(*arguments, &places).await,
        Command::Publish(arguments) => publish::run(arguments, &places).await,
        Command::Doctor(arguments) => doctor::run(arguments, &places).await,
    }
}

async fn serve(places: Places) -> Result<(), Failed> {
    let address = serve::loopback(&places.listen).map_err(Failed::other)?;
    say::log_everything(&places.data_dir);
    let installation = access::open(&places).await.map_err(Failed::other)?;
    let data = installation.data_dir().display().to_string();
    serve::serve(installation, address, |address| {
        say::line(&format!("預かりの準備ができました。ブラウザで開いてください: http://{address}/"));
        say::line(&format!("Azukari is ready. Open in a browser:  http://{address}/"));
        say::line(&format!("データ / data: {data}    止める / stop: Ctrl-C"));
    })
    .await
    .map_err(Failed::other)
}

fn check_config(places: &Places) -> Result<(), Failed> {
    let read = config::read(&places.config_dir).map_err(Failed::other)?;
    let (channels, policies, purposes) = (read.channels.len(), read.policies.len(), read.purposes.len());
    let (forms, sites, operators) = (read.forms.len(), read.sites.len(), read.operators.len());
    say::line(&format!(
        "設定に問題はありません: チャネル{channels}、フォーム{forms}、会員サイト{sites}、ポリシー{policies}、目的{purposes}、担当者とシステム{operators}"
    ));
    say::line(&format!(
        "The configuration is sound: {channels} channel(s), {forms} form(s), {sites} site(s), {policies} policy(s), {purposes} purpose(s), {operators} operator(s) and system(s)"
    ));
    Ok(())
}
