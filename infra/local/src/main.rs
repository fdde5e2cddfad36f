//! `azukari`: the whole product on one machine.

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use azukari_local::{
    clock::MovableClock,
    config,
    installation::{Installation, Options, POOL_TARGET},
    serve,
};
use clap::{Args, Parser, Subcommand};

/// LINE公式アカウントの個人情報を預かる。 / Custody for what a LINE Official Account collects.
#[derive(Parser)]
#[command(name = "azukari", version, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    places: Places,
}

const EXAMPLES: &str = "\
例 / Examples:
  azukari                                    このマシンで全体を動かす / run everything on this machine
  AZUKARI_LISTEN=127.0.0.1:9000 azukari      別のポートで / on another port
  azukari --data-dir ./data                  データの置き場所を変える / keep data elsewhere
  azukari check-config                       設定だけを確かめる / check the configuration only
  azukari check-config --config-dir ./shop   別の設定を確かめる / check another configuration";

#[derive(Subcommand)]
enum Command {
    /// このマシンで全体を動かす（省略時）。 / Run everything on this machine (default).
    Serve,
    /// 設定ファイルを確かめ、問題をすべて示す。 / Check the configuration and show every problem.
    CheckConfig,
}

#[derive(Args)]
struct Places {
    /// 待ち受けるアドレス（このマシンの中だけ）。 / Address to listen on (this machine only).
    #[arg(long, global = true, env = "AZUKARI_LISTEN", default_value = serve::LISTEN)]
    listen: String,
    /// データベース、鍵、シークレットの置き場所。 / Where database, keys and secrets are.
    #[arg(long, global = true, env = "AZUKARI_DATA_DIR", default_value = ".azukari")]
    data_dir: PathBuf,
    /// 設定の置き場所。 / Where the configuration is.
    #[arg(long, global = true, env = "AZUKARI_CONFIG_DIR", default_value = "infra/config")]
    config_dir: PathBuf,
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match cli.command.unwrap_or(Command::Serve) {
        Command::Serve => serve(cli.places).await,
        Command::CheckConfig => check_config(&cli.places),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&*error);
            ExitCode::FAILURE
        }
    }
}

async fn serve(places: Places) -> Result<(), Box<dyn std::error::Error>> {
    let address = serve::loopback(&places.listen)?;
    azukari::host::log::init();
    let options = Options { data_dir: places.data_dir, config_dir: places.config_dir, pool_target: POOL_TARGET };
    let installation = Arc::new(Installation::open(options, Arc::new(MovableClock::default())).await?);
    let data = installation.data_dir().display().to_string();
    serve::serve(installation, address, |address| {
        say(&format!("預かりの準備ができました。ブラウザで開いてください: http://{address}/"));
        say(&format!("Azukari is ready. Open in a browser:  http://{address}/"));
        say(&format!("データ / data: {data}    止める / stop: Ctrl-C"));
    })
    .await?;
    Ok(())
}

fn check_config(places: &Places) -> Result<(), Box<dyn std::error::Error>> {
    let read = config::read(&places.config_dir)?;
    let (channels, policies, purposes) = (read.channels.len(), read.policies.len(), read.purposes.len());
    say(&format!("設定に問題はありません: チャネル{channels}、ポリシー{policies}、目的{purposes}"));
    say(&format!("The configuration is sound: {channels} channel(s), {policies} policy(s), {purposes} purpose(s)"));
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the command line speaks here")]
fn say(line: &str) {
    println!("{line}");
}

#[expect(clippy::print_stderr, reason = "the command line speaks here")]
fn complain(error: &dyn std::error::Error) {
    eprintln!("{error}");
}
