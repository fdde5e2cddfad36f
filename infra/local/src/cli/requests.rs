//! `azukari requests`: what waits to be looked into. Nothing is opened.

use std::fmt::Write;

use azukari::domain::time::UnixMs;
use clap::Args;
use serde_json::{Value, json};

use crate::cli::{Failed, Places, Who, access::Access, say};

pub(super) const EXAMPLES: &str = "\
例 / Examples:
  azukari requests                               対応を待っているもの / what waits to be looked into
  azukari requests --as desk --stage azukari-prod --json
  azukari open --person ID --fields member_id --purpose member --reason inquiry
                                                 連携の申し出の会員IDを見る / the member id of a claim";

#[derive(Args)]
pub(super) struct Arguments {
    /// JSONで表示する。 / Show as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    who: Who,
}

pub(super) async fn run(arguments: Arguments, places: &Places) -> Result<(), Failed> {
    let answer = Access::find(&arguments.who, places).await?.ask(&json!({"act": "requests"})).await?;
    if arguments.json {
        say::data(&format!("{answer:#}\n"));
    } else {
        say::text(&table(&answer));
    }
    Ok(())
}

fn table(answer: &Value) -> String {
    let requests = answer["requests"].as_array().map(Vec::as_slice).unwrap_or_default();
    if requests.is_empty() {
        return "対応を待っているものはありません。 / Nothing waits to be looked into.\n".to_owned();
    }
    let mut lines = String::from("日時（日本時間）  種類      残り      申し出た人 → いま連携している人\n");
    for request in requests {
        let at = UnixMs::new(request["at"].as_i64().unwrap_or_default());
        let what = request["what"].as_str().unwrap_or_default();
        let left = request["days_left"].as_i64().unwrap_or_default();
        let left = if left < 0 { format!("{}日超過", -left) } else { format!("あと{left}日") };
        let person = request["person"].as_str().unwrap_or_default();
        let holder = match request["holder"].as_str() {
            Some(holder) if holder == person => "本人（別の会員IDと連携中）",
            Some(holder) => holder,
            None => "いません",
        };
        let _ = writeln!(lines, "{}  {what:<8}  {left:<8}  {person} → {holder}", at.tokyo_minute());
    }
    lines.push_str("\nclaim: 会員IDかLINEアカウントが、すでにほかと連携していたため、連携しなかった申し出です。 / not linked, because the member id or the account was linked otherwise.\n");
    if answer["more"] == true {
        let n = requests.len();
        let _ = writeln!(lines, "古いものから{n}件だけを表示しています。 / Only the oldest {n} are shown.");
    }
    lines
}
