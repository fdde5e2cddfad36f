//! `azukari requests close`: how a person's request has ended, on the record.

use std::io::{IsTerminal, stdin};

use azukari::domain::request::Outcome;
use clap::Args;
use serde_json::{Value, json};

use super::outcome;
use crate::cli::{Failed, Places, Who, access::Access, say};

#[derive(Args)]
pub(super) struct Arguments {
    /// azukari requestsに出る、人のID。 / The person, as azukari requests shows them.
    #[arg(long, value_name = "ID")]
    person: String,
    /// azukari requestsに出る、請求の番号。 / The request, as azukari requests shows it.
    #[arg(long, value_name = "ID")]
    request: String,
    /// 結果: done（対応した）、declined（応じない）、lifted（利用停止を解除）。 / How it has ended.
    #[arg(long, value_name = "done|declined|lifted")]
    outcome: String,
    /// 対応の内容（封をして台帳に残る。お客様の名前は書かない）。 / More about it, sealed in the ledger; no customer's name.
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// 確かめずに記録する。 / Do not ask whether it is meant.
    #[arg(long)]
    yes: bool,
    /// JSONで表示する。 / Show as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    who: Who,
}

pub(super) async fn run(arguments: Arguments, places: &Places) -> Result<(), Failed> {
    if !arguments.yes {
        confirm(&arguments)?;
    }
    let mut request = json!({
        "act": "close_request",
        "person": arguments.person,
        "request": arguments.request,
        "outcome": arguments.outcome,
    });
    if let Some(note) = &arguments.note {
        request["note"] = json!(note);
    }
    let answer = Access::find(&arguments.who, places).await?.ask(&request).await?;
    let closing = &answer["closing"];
    if arguments.json {
        say::data(&format!("{answer:#}\n"));
    } else {
        say::text(&told(closing));
    }
    let as_asked = closing["outcome"] == arguments.outcome.as_str();
    if closing["status"] == "closed" || (closing["status"] == "already" && as_asked) {
        Ok(())
    } else {
        Err(Failed::Quiet(1))
    }
}

/// Says what it means, and asks whether it is meant.
fn confirm(arguments: &Arguments) -> Result<(), Failed> {
    if !stdin().is_terminal() {
        say::complaint(
            "閉じると、請求に書かれていたことは消えます。端末で確かめられないときは、--yesを付けて指示してください。 / Closing erases what was written in the request. Where nobody can be asked, give --yes.",
        );
        return Err(Failed::Quiet(2));
    }
    let request = say::harmless(&arguments.request);
    say::complaint(&format!(
        "閉じる請求 / to be closed: {request}（人 / person {}）\n\
         結果 / outcome: {}\n\
         {}\
         請求に書かれていたことは、閉じると消えます。取り消せません。\n\
         What was written in the request goes with it. It cannot be undone.\n\
         よろしければ「はい」か「yes」と入力してください。 / Type はい or yes to go on:",
        say::harmless(&arguments.person),
        outcome(Outcome::parse(&arguments.outcome)),
        if request.starts_with("stop~") { stop(&arguments.outcome) } else { "" },
    ));
    let mut line = String::new();
    stdin().read_line(&mut line).map_err(Failed::other)?;
    if matches!(line.trim(), "はい" | "yes") {
        return Ok(());
    }
    say::complaint("記録していません。何も変わっていません。 / Nothing was noted, and nothing has changed.");
    Err(Failed::Quiet(1))
}

/// What an outcome means for a stop.
fn stop(outcome: &str) -> &'static str {
    match Outcome::parse(outcome) {
        Some(Outcome::Done | Outcome::Unanswered) => {
            "利用停止は続きます（解除はlifted）。 / The stop stays in force until it is lifted.\n"
        }
        Some(Outcome::Declined | Outcome::Lifted) => {
            "この方のものを、また開封できるようになります。 / What is held of them can be opened again.\n"
        }
        None => "",
    }
}

fn told(closing: &Value) -> String {
    let text = |name: &str| say::harmless(closing[name].as_str().unwrap_or("-"));
    let (person, request) = (text("person"), text("request"));
    let word = closing["outcome"].as_str();
    let how = outcome(word.and_then(Outcome::parse));
    let means = if request.starts_with("stop~") { word.map(stop).unwrap_or_default() } else { "" };
    let heading = match closing["status"].as_str() {
        Some("closed") => format!("対応を記録しました: {how}\n{means}"),
        Some("already") => format!("すでに閉じています: {how} / it had ended before\n{means}"),
        Some("not_found") => {
            "その請求はありません（番号と人のIDを確かめてください。消去されたあとかもしれません）。 / There is no such request; it may be erased.\n".to_owned()
        }
        _ => format!("記録できませんでした: {} / it could not be noted\n", text("why")),
    };
    format!("■ {person}  {request}  {heading}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_of_it_is_told_with_what_it_means() {
        let closing = |request: &str, status: &str, outcome: Option<&str>| {
            told(&json!({"person": "a5", "request": request, "status": status, "why": null, "outcome": outcome}))
        };
        let done = closing("stop~01ab", "closed", Some("done"));
        assert!(
            done.starts_with("■ a5  stop~01ab  対応を記録しました: 対応した") && done.contains("続きます"),
            "{done}"
        );
        assert!(closing("stop~01ab", "closed", Some("lifted")).contains("また開封できる"));
        let correct = closing("correct~01ab", "closed", Some("done"));
        assert!(!correct.contains("続きます") && !correct.contains("また開封"), "{correct}");
        assert!(closing("stop~01ab", "already", Some("declined")).contains("すでに閉じています: 応じない"));
        assert!(closing("stop~01ab", "not_found", None).contains("その請求はありません"));
        assert!(closing("stop~01ab", "failed", None).contains("記録できませんでした: -"));
    }
}
