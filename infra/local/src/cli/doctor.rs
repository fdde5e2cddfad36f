//! `azukari doctor`: what is missing or wrong in a stage in the cloud, each with its fix.

use clap::Args;

use crate::{
    cli::{Failed, Places, evidence::not_checked, say, stack_name},
    stage::{Cloud, doctor},
};

pub(super) const EXAMPLES: &str = "\
例 / Examples:
  azukari doctor --stage azukari-prod             すべてを確かめる / check everything
  azukari doctor --stage azukari-prod --json      プログラムで読む / for programs
終了コード / exit codes: 0 悪いところがない / nothing is wrong, 1 悪いところがある / something is wrong,
  2 読めなかったところがある（！の行） / something could not be read, see the lines with ！";

/// What to check.
#[derive(Args)]
pub(super) struct Arguments {
    /// クラウドの環境（スタック名）。 / The stage in the cloud (its stack's name).
    #[arg(long, value_name = "STACK", value_parser = stack_name)]
    stage: String,
    /// JSONで表示する。 / Show as JSON.
    #[arg(long)]
    json: bool,
}

/// Exit code if something is wrong.
const WRONG: u8 = 1;
/// Exit code if nothing is, of what was read.
const NOT_READ: u8 = 2;

pub(super) async fn run(arguments: Arguments, places: &Places) -> Result<(), Failed> {
    examine(&arguments, places).await.map_err(not_checked)
}

async fn examine(arguments: &Arguments, places: &Places) -> Result<(), Failed> {
    let cloud = Cloud::of(&arguments.stage).await.map_err(Failed::other)?;
    let mut tell = |progress: &str| {
        if !arguments.json {
            say::complaint(progress);
        }
    };
    let report = doctor::examine(&cloud, &places.config_dir, &mut tell).await.map_err(Failed::other)?;
    if arguments.json {
        let json = serde_json::to_string_pretty(&report).map_err(Failed::other)?;
        say::data(&format!("{json}\n"));
    } else {
        say::text(&report.told());
    }
    match (report.is_sound(), report.is_whole()) {
        (false, _) => Err(Failed::Quiet(WRONG)),
        (true, false) => Err(Failed::Quiet(NOT_READ)),
        (true, true) => Ok(()),
    }
}
