//! `azukari form`: the forms of this business, and how they were answered.

use std::fmt::Write;

use azukari::domain::language::Language;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::{
    cli::{Failed, Places, Who, access::Access, say},
    config,
};

pub(super) const EXAMPLES: &str = "\
例 / Examples:
  azukari form list                              フォームの一覧 / the forms
  azukari form counts satisfaction               今月の集計 / this month's counts
  azukari form counts visit --month 2026-10 --json";

#[derive(Subcommand)]
pub(super) enum Command {
    /// フォームの一覧。 / List the forms.
    List,
    /// 月ごとの集計。10人未満の数は出さない（匿名のフォームを除く）。 / Count the answers of a month; below 10 people nothing is shown, but for anonymous forms.
    #[command(after_help = EXAMPLES)]
    Counts(Counts),
}

#[derive(Args)]
pub(super) struct Counts {
    /// フォームの名前。 / The name of the form.
    form: String,
    /// 月（省略時は今月）。 / The month (default: this one).
    #[arg(long, value_name = "2026-11")]
    month: Option<String>,
    /// JSONで表示する。 / Show as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    who: Who,
}

pub(super) async fn run(command: Command, places: &Places) -> Result<(), Failed> {
    match command {
        Command::List => list(places),
        Command::Counts(counts) => count(counts, places).await,
    }
}

fn list(places: &Places) -> Result<(), Failed> {
    let read = config::read(&places.config_dir).map_err(Failed::other)?;
    let mut text = String::new();
    for (name, form) in &read.forms {
        let kind = if form.anonymous { "（匿名 / anonymous）" } else { "" };
        let _ = writeln!(text, "{name:<20}  {}{kind}  チャネル {}", form.title.ja, form.channel);
    }
    if text.is_empty() {
        text.push_str("フォームはありません。 / There is no form.\n");
    }
    say::text(&text);
    Ok(())
}

async fn count(counts: Counts, places: &Places) -> Result<(), Failed> {
    let mut request = json!({ "act": "count", "form": counts.form });
    if let Some(month) = &counts.month {
        request["month"] = json!(month);
    }
    let answer = Access::find(&counts.who, places).await?.ask(&request).await?;
    if counts.json {
        say::data(&format!("{:#}\n", answer["counted"]));
    } else {
        let read = config::read(&places.config_dir).ok();
        let form = read.as_ref().and_then(|read| read.forms.get(&counts.form));
        say::text(&table(&answer["counted"], form));
    }
    Ok(())
}

/// In place of a number that is not shown.
const HIDDEN: &str = "＊";

fn table(counted: &Value, form: Option<&config::Form>) -> String {
    let word = |name: &str| counted[name].as_str().unwrap_or_default();
    let floor = counted["floor"].as_u64().unwrap_or_default();
    let shown = |n: &Value| match n.as_u64() {
        Some(n) => format!("{n}人"),
        None => format!("{floor}人未満 / fewer than {floor}"),
    };
    let mut text = format!("{}  {}  {}\n", word("form"), word("month"), shown(&counted["people"]));
    let fields = form.into_iter().flat_map(|form| &form.sections).flat_map(|section| &section.fields);
    let fields: Vec<_> = fields.collect();
    for (purpose, n) in counted["anonymised"].as_object().into_iter().flatten() {
        let n = n.as_u64().map_or_else(|| format!("{floor}件未満 / fewer than {floor}"), |n| format!("{n}件"));
        let _ = writeln!(text, "期限が来て消去し、数だけ残したもの / erased when due, and only counted: {purpose} {n}");
    }
    for (name, choices) in counted["choices"].as_object().into_iter().flatten() {
        let field = fields.iter().find(|field| field.name == *name);
        let label = field.map_or("", |field| Language::Ja.of_text(&field.label));
        let _ = writeln!(text, "\n{name}  {label}");
        for (choice, n) in choices.as_object().into_iter().flatten() {
            let known = field.and_then(|field| field.rules.choices.iter().find(|known| known.id == *choice));
            let label = known.map_or("", |known| Language::Ja.of_text(&known.label));
            let n = n.as_u64().map_or_else(|| HIDDEN.to_owned(), |n| format!("{n}人"));
            let _ = writeln!(text, "  {choice:<16} {n:>6}  {label}");
        }
    }
    if text.contains(HIDDEN) {
        let _ = writeln!(
            text,
            "\n{HIDDEN}: {floor}人未満の数と、そこから分かってしまう数は出しません。 / hidden: below {floor}, or a number from which such a one follows"
        );
    }
    text
}
