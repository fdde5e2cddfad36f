//! `azukari erase`: has one person erased, with a reason, on the record. Nothing is opened.

use std::io::{IsTerminal, stdin};

use clap::{ArgGroup, Args};
use serde_json::{Value, json};

use crate::cli::{Failed, Places, Who, access::Access, say};

pub(super) const EXAMPLES: &str = "\
例 / Examples:
  azukari erase --person 3f…（32桁） --reason request --note '受付番号 1021'
  azukari erase --channel demo --user U… --reason purpose_over
  azukari erase --person 3f… --reason request --yes --json
理由のコード / reason codes: request（ご本人の求め） purpose_over（利用目的の終了） other（--noteに理由を書く）
もう一度指示しても、同じ人の消去は一つで、控えも同じです。 / Asked again, it is the same erasure with the same receipt.";

#[derive(Args)]
#[command(group(ArgGroup::new("whom").required(true).args(["person", "user"])))]
pub(super) struct Arguments {
    /// azukari listに出るID。 / An id as azukari list shows it.
    #[arg(long, value_name = "ID")]
    person: Option<String>,
    /// LINEのユーザーID。 / A LINE user id.
    #[arg(long, value_name = "U…", requires = "channel")]
    user: Option<String>,
    /// そのユーザーIDのチャネル。 / The channel of the user id.
    #[arg(long, value_name = "NAME", requires = "user")]
    channel: Option<String>,
    /// 理由のコード。 / Why, as a code.
    #[arg(long, value_name = "CODE")]
    reason: String,
    /// 詳しい理由（封をして台帳に残る。お客様の名前は書かない）。 / More about it, sealed in the ledger; no customer's name.
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// 確かめずに指示する。 / Do not ask whether it is meant.
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
    let mut request = json!({"act": "erase", "reason": arguments.reason});
    let members = [
        ("person", &arguments.person),
        ("user_id", &arguments.user),
        ("channel", &arguments.channel),
        ("note", &arguments.note),
    ];
    for (name, value) in members {
        if let Some(value) = value {
            request[name] = json!(value);
        }
    }
    let answer = Access::find(&arguments.who, places).await?.ask(&request).await?;
    let erasure = &answer["erasure"];
    if arguments.json {
        say::data(&format!("{answer:#}\n"));
    } else {
        say::text(&told(erasure));
    }
    if erasure["receipt"].is_string() { Ok(()) } else { Err(Failed::Quiet(1)) }
}

/// Says whom it is about and what it means, and asks whether it is meant.
fn confirm(arguments: &Arguments) -> Result<(), Failed> {
    if !stdin().is_terminal() {
        say::complaint(
            "消去は取り消せません。端末で確かめられないときは、--yesを付けて指示してください。 / An erasure cannot be undone. Where nobody can be asked, give --yes.",
        );
        return Err(Failed::Quiet(2));
    }
    let whom = match (&arguments.person, &arguments.user, &arguments.channel) {
        (Some(person), _, _) => format!("ID {}", say::harmless(person)),
        (None, Some(user), Some(channel)) => {
            format!("LINE {}（{}）", say::harmless(user), say::harmless(channel))
        }
        // clap asks for one of them.
        (None, _, _) => "-".to_owned(),
    };
    say::complaint(&format!(
        "消去する人 / to be erased: {whom}\n\
         この人についてお預かりしているものすべてが、すぐに開けなくなり、数分のうちに読めなくなります。取り消せません。\n\
         All that is held of this person: nothing of it opens from now on, and within minutes it cannot be read any more. It cannot be undone.\n\
         よろしければ「はい」か「yes」と入力してください。 / Type はい or yes to go on:"
    ));
    let mut line = String::new();
    stdin().read_line(&mut line).map_err(Failed::other)?;
    if matches!(line.trim(), "はい" | "yes") {
        return Ok(());
    }
    say::complaint("指示していません。何も変わっていません。 / Nothing was ordered, and nothing has changed.");
    Err(Failed::Quiet(1))
}

fn told(erasure: &Value) -> String {
    let person = erasure["person"].as_str().unwrap_or("-");
    let status = erasure["status"].as_str().unwrap_or_default();
    let Some(receipt) = erasure["receipt"].as_str() else {
        return match status {
            "not_found" => format!(
                "■ {person}  お預かりしているものはありません（未登録か、消去済み）。 / Nothing is held: not known, or erased.\n"
            ),
            _ => format!(
                "■ {person}  指示できませんでした: {} / it could not be ordered\n",
                erasure["why"].as_str().unwrap_or("-")
            ),
        };
    };
    let heading = match status {
        "under_way" => "すでに消去の手続き中です。 / The erasure is under way already.",
        _ => "消去を指示しました。 / The erasure is ordered.",
    };
    format!(
        "■ {person}  {heading}\n\
         \x20 控えの番号 / receipt: {receipt}\n\
         \x20 控えのページ（公開アドレスの下） / its page, below your public address: /receipts/{receipt}\n\
         \x20 この人のものは、もうだれにも開けません。数分で鍵を破棄し、読めなくなります。7日後には、バックアップからも戻せなくなります。\n\
         \x20 Nobody can open anything of theirs now. Within minutes the key is destroyed, and nothing can be read; after 7 days no backup can bring it back.\n\
         \x20 控えの番号は、あとから調べられません。ご本人にお渡しください。 / The number cannot be looked up later: give it to the person.\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_of_it_is_told_with_the_address_of_the_receipt() {
        let receipt = "0123456789abcdef0123456789abcdef";
        let erasure = |status: &str| json!({"person": "a5", "status": status, "why": null, "receipt": receipt});
        let ordered = told(&erasure("ordered"));
        for part in ["■ a5  消去を指示しました", &format!("/receipts/{receipt}"), "\n  控えの番号"] {
            assert!(ordered.contains(part), "{part} in {ordered}");
        }
        assert!(told(&erasure("under_way")).contains("すでに消去の手続き中"));
        let nobody = json!({"person": null, "status": "not_found", "why": null, "receipt": null});
        assert!(told(&nobody).starts_with("■ -  お預かりしているものはありません"));
        let failed = json!({"person": "a5", "status": "failed", "why": "mapping", "receipt": null});
        assert!(told(&failed).contains("指示できませんでした: mapping"));
    }
}
