//! `azukari restore`: after a restore from backup, what was erased is erased again.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use azukari::{
    domain::time::{Day, SECOND_MS, UnixMs},
    host::clock::Clock,
};
use azukari_sweeper::{Done, RestoreReport, lambda::RESTORE_CHECK};
use clap::{Args, Subcommand};
use serde_json::json;

use crate::{
    cli::{Failed, Places, access, evidence::not_checked, say},
    installation::Installation,
};

pub(super) const EXAMPLES: &str = "\
例 / Examples:
  azukari restore check --dry-run                  見るだけ / only look
  azukari restore check                            消去をやり直す / erase again
  azukari restore check --since 2026-01-01 --json  もっと前の日から / from an earlier day on
  azukari restore check --stage azukari-prod       クラウドで / in the cloud
終了コード / exit codes: 0 何も戻っていないか、すべて消した / nothing was back, or all of it is erased again,
  1 残っているものがある / something is left, 2 確かめられなかった / could not be checked";

/// What to do after a restore.
#[derive(Subcommand)]
pub(super) enum Command {
    /// 消去の記録と照らし合わせ、戻っているものを消去し直す。 / Compare with the erasure list, and erase again what is back.
    #[command(after_help = EXAMPLES)]
    Check(Arguments),
}

#[derive(Args)]
pub(super) struct Arguments {
    /// 消去の記録を読みはじめる日（省略時は40日前。必要なら自動でさらに前から）。 / From which day on the list is read (default: 40 days ago; earlier by itself where it has to be).
    #[arg(long, value_name = "2026-11-01", value_parser = day)]
    since: Option<Day>,
    /// 見るだけで、何も変えない。鍵が戻っているかどうかは、見るだけではわからない。 / Only look. Whether a key is back cannot be seen without destroying it.
    #[arg(long)]
    dry_run: bool,
    /// クラウドの環境（スタック名）。省略時はこのマシン。 / A stage in the cloud (its stack's name); default: this machine.
    #[arg(long, value_name = "STACK", value_parser = crate::cli::stack_name)]
    stage: Option<String>,
    /// JSONで表示する。 / Show as JSON.
    #[arg(long)]
    json: bool,
}

/// How long the sweeper function may take (`Timeout` in `infra/template.yaml`), and a little.
const PATIENCE: Duration = Duration::from_secs(70);

fn day(text: &str) -> Result<Day, String> {
    Day::parse(text).map_err(|_| "2026-11-21の形で書いてください / a day like 2026-11-21".to_owned())
}

/// Exit code if something is left.
const LEFT: u8 = 1;

pub(super) async fn run(command: Command, places: &Places) -> Result<(), Failed> {
    let Command::Check(arguments) = command;
    check(&arguments, places).await.map_err(not_checked)
}

async fn check(arguments: &Arguments, places: &Places) -> Result<(), Failed> {
    let report = match &arguments.stage {
        Some(stack) => in_the_cloud(arguments, stack).await?,
        None => here(arguments, places).await?,
    };
    if arguments.json {
        let json = serde_json::to_string_pretty(&report).map_err(Failed::other)?;
        say::data(&format!("{json}\n"));
    } else {
        say::text(&told(&report));
    }
    if report.sound() { Ok(()) } else { Err(Failed::Quiet(LEFT)) }
}

/// Has the sweeper function check: it alone may destroy keys.
async fn in_the_cloud(arguments: &Arguments, stack: &str) -> Result<RestoreReport, Failed> {
    let mut asked = json!({"dry_run": arguments.dry_run});
    if let Some(since) = arguments.since {
        asked["since"] = json!(since.to_string());
    }
    let (client, function) = (access::lambda(PATIENCE).await, format!("{stack}-sweeper"));
    let answer = access::invoke(&client, &function, &json!({RESTORE_CHECK: asked})).await?;
    serde_json::from_value(answer).map_err(Failed::other)
}

async fn here(arguments: &Arguments, places: &Places) -> Result<RestoreReport, Failed> {
    if !places.data_dir.is_dir() {
        let place = places.data_dir.display();
        return Err(Failed::Said(format!("データがありません: {place} / There is no data at {place}")));
    }
    say::log_errors(&places.data_dir);
    let installation = access::open(places).await.map_err(Failed::other)?;
    let progress = Progress { installation: &installation, said: Mutex::new(installation.clock().now()) };
    installation
        .restore_check(arguments.since, arguments.dry_run, &|done| progress.tell(done))
        .await
        .map_err(Failed::other)
}

/// Says how far it has come, at most once a second.
struct Progress<'a> {
    installation: &'a Installation,
    said: Mutex<UnixMs>,
}

impl Progress<'_> {
    fn tell(&self, done: Done) {
        let now = self.installation.clock().now();
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if now.since(*said) >= SECOND_MS {
            *said = now;
            say::complaint(&format!("{} / {}", done.done, done.total));
        }
    }
}

fn told(report: &RestoreReport) -> String {
    let mut lines = Vec::new();
    let mut line = |ja: String, en: String| lines.push(format!("{ja} / {en}"));
    line(
        format!("消去の記録（{}から）: {}人、取り消されたメッセージ{}件", report.since, report.listed, report.unsent),
        format!(
            "erasure list since {}: {} person(s), {} unsent message(s)",
            report.since, report.listed, report.unsent
        ),
    );
    if report.back == 0 && report.messages == 0 {
        line("戻っているものはありません。".to_owned(), "nothing is back.".to_owned());
    } else {
        let (back, rows, keys, messages) = (report.back, report.rows, report.keys, report.messages);
        line(
            format!("戻っていた人: {back}人（{rows}行、鍵だけ{keys}件）、戻っていたメッセージ: {messages}件"),
            format!("back: {back} person(s) ({rows} row(s), {keys} key(s) alone), {messages} message(s)"),
        );
        if report.dry_run {
            line("見るだけなので、まだ消していません。".to_owned(), "only looked: nothing is erased yet.".to_owned());
        } else if report.failed == 0 {
            line("すべて消去し直しました。".to_owned(), "all of it is erased again.".to_owned());
        }
    }
    if report.failed > 0 {
        let failed = report.failed;
        line(
            format!("消去できなかったもの: {failed}件。もう一度実行してください。"),
            format!("{failed} could not be erased: run it again."),
        );
    }
    if report.strangers > 0 {
        let strangers = report.strangers;
        line(
            format!(
                "消去の記録に、正しい印のない行が{strangers}行あります。信じていません。だれが書いたかを調べてください。"
            ),
            format!(
                "{strangers} row(s) of the list carry no valid tag and were not believed: find out who wrote them."
            ),
        );
    }
    if report.restored && !report.sound() {
        line("azukariはまだ起動しません。".to_owned(), "azukari does not serve yet.".to_owned());
    }
    lines.push(String::new());
    lines.join("\n")
}
