//! `azukari requests`: what waits to be looked into; nothing is opened. And
//! `azukari requests close`: how a person's request has ended.

mod close;

use std::fmt::Write;

use azukari::domain::{
    request::{Outcome, RequestKind},
    time::UnixMs,
};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::cli::{Failed, Places, Who, access::Access, say};

pub(super) const EXAMPLES: &str = "\
例 / Examples:
  azukari requests                               対応を待っているもの / what waits to be looked into
  azukari requests --as desk --stage azukari-prod --json
  azukari open --person ID --fields details --reason request
                                                 請求の内容を見る（個人情報保護管理者） / what a request says (privacy officers)
  azukari requests close --person ID --request stop~ID --outcome done
                                                 対応を記録する（個人情報保護管理者） / note how it has ended (privacy officers)
  azukari open --person ID --fields member_id --purpose member --reason inquiry
                                                 連携の申し出の会員IDを見る / the member id of a claim";

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    listing: Listing,
}

#[derive(Subcommand)]
enum Command {
    /// 請求への対応を記録して閉じる（個人情報保護管理者）。 / Close a request with its outcome (privacy officers).
    #[command(after_help = EXAMPLES)]
    Close(Box<close::Arguments>),
}

#[derive(Args)]
struct Listing {
    /// JSONで表示する。 / Show as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    who: Who,
}

pub(super) async fn run(arguments: Arguments, places: &Places) -> Result<(), Failed> {
    if let Some(Command::Close(arguments)) = arguments.command {
        return close::run(*arguments, places).await;
    }
    let listing = arguments.listing;
    let answer = Access::find(&listing.who, places).await?.ask(&json!({"act": "requests"})).await?;
    if listing.json {
        say::data(&format!("{answer:#}\n"));
    } else {
        say::text(&table(&answer));
    }
    Ok(())
}

/// What waits, in words.
fn what(word: &str) -> String {
    match RequestKind::parse(word) {
        Some(RequestKind::Correct) => "訂正・追加・削除".to_owned(),
        Some(RequestKind::Stop) => "利用停止".to_owned(),
        None if word == "claim" => "会員IDの申し出".to_owned(),
        None => say::harmless(word),
    }
}

/// An outcome in words.
fn outcome(outcome: Option<Outcome>) -> &'static str {
    match outcome {
        Some(Outcome::Done) => "対応した / done",
        Some(Outcome::Declined) => "応じない / declined",
        Some(Outcome::Lifted) => "利用停止を解除 / lifted",
        Some(Outcome::Unanswered) => "期限内に対応なし / unanswered",
        None => "-",
    }
}

/// A text as wide as `columns` of a terminal, on which a Japanese letter takes two.
fn column(text: &str, columns: usize) -> String {
    let width: usize = text.chars().map(|letter| if letter.is_ascii() { 1 } else { 2 }).sum();
    format!("{text}{}", " ".repeat(columns.saturating_sub(width)))
}

fn table(answer: &Value) -> String {
    let requests = answer["requests"].as_array().map(Vec::as_slice).unwrap_or_default();
    if requests.is_empty() {
        return "対応を待っているものはありません。 / Nothing waits to be looked into.\n".to_owned();
    }
    let mut lines =
        format!("{}  {}  {}  人と番号\n", column("日時（日本時間）", 16), column("種類", 16), column("残り", 10));
    for request in requests {
        let at = UnixMs::new(request["at"].as_i64().unwrap_or_default());
        let word = request["what"].as_str().unwrap_or_default();
        let left = request["days_left"].as_i64().unwrap_or_default();
        let left = if left < 0 { format!("{}日超過", -left) } else { format!("あと{left}日") };
        let person = request["person"].as_str().unwrap_or_default();
        let whom = match (request["request"].as_str(), request["holder"].as_str()) {
            (Some(request), _) => format!("{person}  {}", say::harmless(request)),
            (None, Some(holder)) if holder == person => format!("{person} → 本人（別の会員IDと連携中）"),
            (None, Some(holder)) => format!("{person} → {holder}"),
            (None, None) => format!("{person} → いません"),
        };
        let (what, left) = (column(&what(word), 16), column(&left, 10));
        let _ = writeln!(lines, "{}  {what}  {left}  {whom}", at.tokyo_minute());
    }
    let any = |is: fn(&str) -> bool| requests.iter().any(|request| request["what"].as_str().is_some_and(is));
    lines.push('\n');
    if any(|word| word == "claim") {
        lines.push_str("会員IDの申し出: 会員IDかLINEアカウントが、すでにほかと連携していたため、連携しませんでした。「→」の右は、いま連携している人です。 / claims: not linked, because the member id or the account was linked otherwise; who is linked now stands behind the arrow.\n");
    }
    if any(|word| word == "stop") {
        lines.push_str("利用停止: この方のものは、もう開封できません（個人情報保護管理者が理由requestで開くときを除く）。 / stop: nothing of theirs is opened, but by the privacy officer for the reason request.\n");
    }
    if any(|word| RequestKind::parse(word).is_some()) {
        lines.push_str("対応したら / once answered: azukari requests close --person ID --request 番号 --outcome done|declined|lifted\n");
    }
    if answer["more"] == true {
        let n = requests.len();
        let _ = writeln!(lines, "古いものから{n}件だけを表示しています。 / Only the oldest {n} are shown.");
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_told_in_words_with_what_to_do() {
        let requests = json!([
            {"at": 1_795_230_000_000_i64, "what": "stop", "person": "a5", "request": "stop~01ab", "holder": null, "days_left": -3},
            {"at": 1_795_230_000_000_i64, "what": "claim", "person": "b6", "request": null, "holder": "c7", "days_left": 2},
        ]);
        let told = table(&json!({"requests": requests, "more": false}));
        for part in ["利用停止          3日超過     a5  stop~01ab", "あと2日", "b6 → c7", "requests close"]
        {
            assert!(told.contains(part), "{part} in {told}");
        }
        assert!(table(&json!({"requests": [], "more": false})).starts_with("対応を待っているものはありません"));
        let claims =
            json!([{"at": 0, "what": "claim", "person": "b6", "request": null, "holder": null, "days_left": 2}]);
        let told = table(&json!({"requests": claims, "more": false}));
        assert!(told.contains("b6 → いません") && !told.contains("requests close"), "{told}");
    }

    #[test]
    fn columns_are_as_wide_as_they_look() {
        assert_eq!(column("残り", 6), "残り  ");
        assert_eq!(column("あと14日", 3), "あと14日");
    }
}
