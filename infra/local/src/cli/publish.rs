//! `azukari publish`: the configuration becomes versions in a stage in the cloud.

use clap::Args;

use crate::{
    cli::{Failed, Places, say, stack_name},
    stage::{Asking, Cloud, publish},
};

pub(super) const EXAMPLES: &str = "\
例 / Examples:
  azukari publish --stage azukari-prod --dry-run  違いを見るだけ / only show the differences
  azukari publish --stage azukari-prod            違いを見て、確かめてから公開する / show them, ask, and publish
  azukari publish --stage azukari-prod --yes      尋ねずに公開する（スクリプト用） / without asking, for scripts
担当者（operators.toml）と会員サイト（sites.toml）は azukari bootstrap で反映します。
Operators (operators.toml) and member sites (sites.toml) are taken over by azukari bootstrap.
終了コード / exit codes: 0 公開した、または公開するものがない / published, or nothing to publish, 1 公開していない / not published";

/// What to publish.
#[derive(Args)]
pub(super) struct Arguments {
    /// クラウドの環境（スタック名）。 / The stage in the cloud (its stack's name).
    #[arg(long, value_name = "STACK", value_parser = stack_name)]
    stage: String,
    /// 違いを見るだけで、公開しない。 / Only show the differences.
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
    /// 確かめずに公開する（スクリプト用）。 / Do not ask (for scripts).
    #[arg(long)]
    yes: bool,
}

pub(super) async fn run(arguments: Arguments, places: &Places) -> Result<(), Failed> {
    // What is wrong with the configuration is said before anybody is called.
    let configuration = crate::config::read(&places.config_dir).map_err(Failed::other)?;
    let cloud = Cloud::of(&arguments.stage).await.map_err(Failed::other)?;
    let plan = publish::plan(&cloud, &configuration).await.map_err(Failed::other)?;
    say::text(&plan.told());
    if arguments.dry_run || plan.is_empty() {
        return Ok(());
    }
    let mut asking = Asking::of_terminal(arguments.yes);
    let done = publish::carry_out(&cloud, plan, &mut asking, &mut say::line).await.map_err(Failed::other)?;
    if done { Ok(()) } else { Err(Failed::Quiet(1)) }
}
