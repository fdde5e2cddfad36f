//! `azukari bootstrap`: what a stage in the cloud needs beside its template.

use std::path::PathBuf;

use azukari::domain::operator::OperatorId;
use clap::Args;

use crate::{
    cli::{Failed, Places, say, stack_name},
    config::operators::LOCAL,
    stage::{Asking, Cloud, bootstrap},
};

pub(super) const EXAMPLES: &str = "\
例 / Examples:
  azukari bootstrap --stage azukari-prod --operator officer --channel-secrets channels.toml
                                                  はじめの一回 / the first time
  azukari bootstrap --stage azukari-prod          もう一度（足りないものだけを足します） / again: adds only what is missing
  azukari bootstrap --stage azukari-prod --channel-secrets channels.toml --replace channel.demo.access_token
                                                  一つだけ取り替える / replace one value

--channel-secrets（0600のTOML。LINE Developersコンソールの値） / a TOML file of mode 0600, with the values of the LINE Developers console:
  [channel.demo]                  # infra/config/channels/demo.toml のチャネル / the channel of that file
  channel_secret = \"…\"            # Messaging API > チャネルシークレット / Channel secret
  access_token = \"…\"              # Messaging API > チャネルアクセストークン（長期） / Channel access token (long-lived)
  login_channel_id = \"…\"          # LINEログイン > チャネルID / Channel ID of the LINE Login channel
  login_channel_secret = \"…\"      # LINEログイン > チャネルシークレット / Channel secret of the LINE Login channel
環境変数でも渡せます / or from the environment: AZUKARI_CHANNEL_DEMO_CHANNEL_SECRET, AZUKARI_CHANNEL_DEMO_ACCESS_TOKEN, …
bot_user_idはLINEに尋ねます（access_tokenを取り替えたときも） / bot_user_id is asked of LINE, also when access_token is replaced

終了コード / exit codes: 0 すべてある / everything is there, 1 足りないものがある / something is missing";

/// What to bootstrap.
#[derive(Args)]
pub(super) struct Arguments {
    /// クラウドの環境（スタック名）。 / The stage in the cloud (its stack's name).
    #[arg(long, value_name = "STACK", value_parser = stack_name)]
    stage: String,
    /// はじめの担当者（個人情報保護管理者）の名前。鍵を作り、operators.tomlに足す。 / The first operator (privacy officer): a key is made and added to operators.toml.
    #[arg(long, value_name = "NAME", value_parser = operator)]
    operator: Option<OperatorId>,
    /// 担当者がもう持っている公開鍵（azukari operator addが表示する値）。 / The public key that this operator has already (what azukari operator add prints).
    #[arg(long, value_name = "BASE64", requires = "operator")]
    operator_public_key: Option<String>,
    /// チャネルの値を書いたファイル（TOML、0600）。 / A file with the channels' values (TOML, mode 0600).
    #[arg(long, value_name = "FILE")]
    channel_secrets: Option<PathBuf>,
    /// もうある値を、ファイルか環境変数の値に取り替える（channel.NAME.MEMBER）。 / Replace values that are there already by those of the file or the environment (channel.NAME.MEMBER).
    #[arg(long, value_name = "ENTRY", value_delimiter = ',')]
    replace: Vec<String>,
    /// 確かめずに進める（スクリプト用）。 / Do not ask (for scripts).
    #[arg(long)]
    yes: bool,
}

fn operator(text: &str) -> Result<OperatorId, String> {
    let problem = format!(
        "半角のa-z、0-9、-、.、_で32文字まで（「{LOCAL}」は使えません） / 1 to 32 of a-z, 0-9, -, . and _, and not \"{LOCAL}\""
    );
    OperatorId::parse(text).ok().filter(|id| id.as_str() != LOCAL).ok_or(problem)
}

pub(super) async fn run(arguments: Arguments, places: &Places) -> Result<(), Failed> {
    let cloud = Cloud::of(&arguments.stage).await.map_err(Failed::other)?;
    let wanted = bootstrap::Wanted {
        config_dir: places.config_dir.clone(),
        data_dir: places.data_dir.clone(),
        operator: arguments.operator,
        operator_public_key: arguments.operator_public_key,
        channel_secrets: arguments.channel_secrets,
        replace: arguments.replace,
        environment: &azukari::host::settings::environment,
    };
    let mut asking = Asking::of_terminal(arguments.yes);
    let done = bootstrap::run(&cloud, wanted, &mut asking, &mut say::line).await.map_err(Failed::other)?;
    if done.missing == 0 { Ok(()) } else { Err(Failed::Quiet(1)) }
}
