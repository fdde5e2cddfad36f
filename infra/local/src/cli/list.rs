//! `azukari list`: what came in. Counts and times; nothing is opened.

use std::{collections::BTreeMap, fmt::Write};

use azukari::domain::time::UnixMs;
use clap::Args;
use serde_json::{Value, json};

use crate::cli::{Failed, Places, Who, access::Access, say};

pub(super) const EXAMPLES: &str = "\
例 / Examples:
  azukari list                                   今日届いたもの / what came in today
  azukari list --kind message --since 2026-11-20
  azukari list --since 2026-11-01 --until 2026-11-20 --limit 1000 --json
  azukari list --as desk --stage azukari-prod";

#[derive(Args)]
pub(super) struct Arguments {
    /// 種類: message、event、profile、submission、link、claim、request。 / A kind: message, event, profile, submission, link, claim, request.
    #[arg(long)]
    kind: Option<String>,
    /// いつから（省略時は今日）。 / From which day (default: today).
    #[arg(long, value_name = "2026-11-21")]
    since: Option<String>,
    /// いつまで（省略時は今日）。 / Until which day (default: today).
    #[arg(long, value_name = "2026-11-21")]
    until: Option<String>,
    /// 最大の件数。 / At most so many.
    #[arg(long, default_value_t = 200)]
    limit: u32,
    /// JSONで表示する。 / Show as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    who: Who,
}

pub(super) async fn run(arguments: Arguments, places: &Places) -> Result<(), Failed> {
    let mut request = json!({ "act": "list", "limit": arguments.limit });
    for (name, value) in [("kind", arguments.kind), ("since", arguments.since), ("until", arguments.until)] {
        if let Some(value) = value {
            request[name] = json!(value);
        }
    }
    let answer = Access::find(&arguments.who, places).await?.ask(&request).await?;
    if arguments.json {
        say::data(&format!("{answer:#}\n"));
    } else {
        say::text(&table(&answer));
    }
    Ok(())
}

fn table(answer: &Value) -> String {
    let arrivals = answer["arrivals"].as_array().map(Vec::as_slice).unwrap_or_default();
    if arrivals.is_empty() {
        return "その期間に届いたものはありません。 / Nothing came in.\n".to_owned();
    }
    let mut days: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut lines = String::from("日時（日本時間）  種類        人 / 申込\n");
    for arrival in arrivals {
        let at = UnixMs::new(arrival["at"].as_i64().unwrap_or_default());
        let kind = arrival["kind"].as_str().unwrap_or_default();
        let whom = arrival["submission"].as_str().or(arrival["person"].as_str()).unwrap_or_default();
        let _ = writeln!(lines, "{}  {kind:<10}  {whom}", at.tokyo_minute());
        *days.entry((at.tokyo_day().to_string(), kind.to_owned())).or_default() += 1;
    }
    lines.push('\n');
    for ((day, kind), n) in days.iter().rev() {
        let more = if answer["more"] == true { "以上" } else { "" };
        let _ = writeln!(lines, "{day}  {kind:<10}  {n}件{more}");
    }
    if answer["more"] == true {
        let n = arrivals.len();
        let _ = writeln!(
            lines,
            "新しいものから{n}件だけを表示しています（--kindや期間で絞るか、--limitを10000まで増やせます）。 / Only the newest {n}: narrow it by --kind or days, or raise --limit up to 10000."
        );
    }
    lines
}
