//! `azukari open`: shows fields of people, with a reason, on the record.

use std::fmt::Write;

use azukari::domain::{reason::ReasonCode, time::UnixMs};
use clap::{ArgGroup, Args};
use serde_json::{Value, json};

use crate::{
    cli::{Failed, Places, Who, access::Access, say},
    config,
};

pub(super) const EXAMPLES: &str = "\
例 / Examples:
  azukari open --person 3f…（32桁） --fields text --purpose chat --reason inquiry
  azukari open --user-id - --channel demo --fields '*' --reason '受付番号 1021 の確認'
                          （--user-id - は標準入力から1行に一つずつ / - reads them from standard input）
  azukari open --submission 3f…-01AB --fields name,phone --purpose booking --reason booking --json
理由のコード / reason codes: inquiry booking delivery request incident check（ほかは自由記述、お客様の名前は書かない）";

#[derive(Args)]
#[command(group(ArgGroup::new("whom").required(true).args(["person", "user_id", "submission"])))]
pub(super) struct Arguments {
    /// azukari listに出るID。 / Ids as azukari list shows them.
    #[arg(long, value_delimiter = ',', value_name = "ID")]
    person: Vec<String>,
    /// LINEのユーザーID（「-」で標準入力から）。 / LINE user ids (- reads them from standard input).
    #[arg(long, value_delimiter = ',', value_name = "U…")]
    user_id: Vec<String>,
    /// 申込のID。 / Ids of submissions.
    #[arg(long, value_delimiter = ',', value_name = "ID")]
    submission: Vec<String>,
    /// チャネル（一つしか設定していなければ省略できる）。 / The channel (may be left out if only one is configured).
    #[arg(long)]
    channel: Option<String>,
    /// 項目の名前、または「*」。 / Names of fields, or *.
    #[arg(long, value_delimiter = ',', required = true, value_name = "FIELD")]
    fields: Vec<String>,
    /// 利用目的。省略できるのは個人情報保護管理者だけ。 / The purpose; only a privacy officer may leave it out.
    #[arg(long)]
    purpose: Option<String>,
    /// 理由: コードか、自由記述。 / Why: a code, or your own words.
    #[arg(long)]
    reason: String,
    /// JSONで表示する。 / Show as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    who: Who,
}

pub(super) async fn run(arguments: Arguments, places: &Places) -> Result<(), Failed> {
    let people = people(&arguments, places)?;
    let alone = people.len() == 1;
    let mut request = json!({
        "act": "open",
        "people": people,
        "fields": arguments.fields,
        "reason": arguments.reason,
    });
    if let Some(purpose) = &arguments.purpose {
        request["purpose"] = json!(purpose);
    }
    let access = Access::find(&arguments.who, places).await?;
    let mut answer = access.ask(&request).await?;
    let mut whole = true;
    // One person's records may fill several answers; of several people's, the rest has
    // to be asked for one by one.
    while alone && answer["people"][0]["more"].is_string() {
        request["after"] = answer["people"][0]["more"].clone();
        let mut next = match access.ask(&request).await {
            Ok(next) if next["people"][0]["status"] == "opened" => next,
            broken => {
                let why = match broken {
                    Ok(next) => said(&next["people"][0]),
                    Err(error) => error.to_string(),
                };
                say::complaint(&format!(
                    "続きを開封できませんでした。ここまでを表示します。 / The rest could not be opened; this is what there is so far.\n{why}"
                ));
                whole = false;
                break;
            }
        };
        let person = &mut answer["people"][0];
        person["more"] = next["people"][0]["more"].take();
        for name in ["records", "consents", "notices", "bad", "withheld"] {
            match (&mut person[name], next["people"][0][name].take()) {
                (Value::Array(known), Value::Array(more)) => known.extend(more),
                (Value::Object(known), Value::Object(more)) => known.extend(more),
                _ => {}
            }
        }
    }
    if arguments.json {
        say::data(&format!("{answer:#}\n"));
    } else {
        say::text(&table(&answer));
    }
    let opened = answer["people"].as_array().into_iter().flatten().any(|person| person["status"] == "opened");
    if opened && whole { Ok(()) } else { Err(Failed::Quiet(1)) }
}

fn people(arguments: &Arguments, places: &Places) -> Result<Vec<Value>, Failed> {
    if !arguments.person.is_empty() {
        return Ok(arguments.person.iter().map(|id| json!({ "person": id })).collect());
    }
    if !arguments.submission.is_empty() {
        return Ok(arguments.submission.iter().map(|id| json!({ "submission": id })).collect());
    }
    let users = if arguments.user_id == ["-"] {
        let lines: Result<Vec<String>, _> = std::io::stdin().lines().collect();
        let lines = lines.map_err(Failed::other)?;
        lines.iter().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
    } else {
        arguments.user_id.clone()
    };
    let channel = match &arguments.channel {
        Some(channel) => known_channel(channel, arguments.who.stage.is_some(), places)?,
        None => only_channel(places)?,
    };
    if users.is_empty() {
        return Err(Failed::Said(
            "標準入力にユーザーIDがありません。 / There is no user id on standard input.".to_owned(),
        ));
    }
    for (n, user) in users.iter().enumerate() {
        let digits = user.strip_prefix('U').unwrap_or_default();
        if digits.len() != 32 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            let n = n + 1;
            say::complaint(&format!(
                "{n}人目: LINEのユーザーIDは「U」と32桁の16進数字です。打ち間違いがないか確かめてください。 / Person {n}: a LINE user id is U and 32 hexadecimal digits."
            ));
        }
    }
    Ok(users.iter().map(|user| json!({ "user_id": user, "channel": channel })).collect())
}

/// A channel that is named, if the configuration at hand knows it.
fn known_channel(channel: &str, elsewhere: bool, places: &Places) -> Result<String, Failed> {
    match config::read(&places.config_dir) {
        Ok(read) if !elsewhere && !read.channels.contains_key(channel) => {
            let names = read.channels.keys().cloned().collect::<Vec<_>>().join(", ");
            Err(Failed::Said(format!(
                "チャネル「{channel}」がありません（{names}）。 / There is no channel \"{channel}\" (there are {names})."
            )))
        }
        _ => Ok(channel.to_owned()),
    }
}

fn only_channel(places: &Places) -> Result<String, Failed> {
    let read = config::read(&places.config_dir);
    let mut names = read.iter().flat_map(|read| read.channels.keys());
    match (names.next(), names.next()) {
        (Some(only), None) => Ok(only.clone()),
        _ => Err(Failed::Said(format!(
            "--channelでチャネルを指定してください。 / Name the channel with --channel.\n\n{EXAMPLES}"
        ))),
    }
}

fn table(answer: &Value) -> String {
    let mut text = String::new();
    let people = answer["people"].as_array().map(Vec::as_slice).unwrap_or_default();
    for (n, person) in people.iter().enumerate() {
        let place = if people.len() > 1 { format!("{}人目 ", n + 1) } else { String::new() };
        let heading = format!("■ {place}{}  {}", person["person"].as_str().unwrap_or("-"), said(person));
        let _ = writeln!(text, "{}", heading.trim_end());
        let shown = person["records"].as_array().is_some_and(|records| !records.is_empty());
        if person["status"] == "opened" && !shown && person["more"].is_null() {
            text.push_str("  指定した項目はありませんでした（すべて見るには --fields '*'）。 / There is no such field; --fields '*' shows all.\n");
        }
        for record in person["records"].as_array().into_iter().flatten() {
            let word = |name: &str| record[name].as_str().unwrap_or_default();
            let time = |name: &str| UnixMs::new(record[name].as_i64().unwrap_or_default()).tokyo_minute();
            let _ = writeln!(
                text,
                "  {}  {}  目的 {}  消去期限 {}  ({})",
                time("at"),
                word("kind"),
                word("purpose"),
                time("due_at"),
                word("id")
            );
            for (name, value) in record["fields"].as_object().into_iter().flatten() {
                let _ = writeln!(text, "      {name}: {}", say::harmless(value.as_str().unwrap_or_default()));
            }
        }
        for stop in person["stops"].as_array().into_iter().flatten() {
            let stop = say::harmless(stop.as_str().unwrap_or_default());
            let _ = writeln!(text, "  ！利用停止中です（{stop}） / the use of it is stopped");
        }
        consents(&mut text, person);
        for (purpose, why) in person["withheld"].as_object().into_iter().flatten() {
            let _ = writeln!(text, "  開封しません: 目的 {purpose}（{}）", ground(why.as_str()));
        }
        for (row, why) in person["bad"].as_object().into_iter().flatten() {
            let why = why.as_str().unwrap_or_default();
            let _ = writeln!(text, "  ！使えない行: {row}（{why}） / a row that cannot be used");
        }
        if person["more"].is_string() {
            text.push_str("  まだあります。この人だけを開封してください。 / There is more: open this person alone.\n");
        }
    }
    text
}

/// What the person said about each purpose in forms, and the words they were shown.
fn consents(text: &mut String, person: &Value) {
    for consent in person["consents"].as_array().into_iter().flatten() {
        let word = |name: &str| consent[name].as_str().unwrap_or_default();
        let time = |name: &str| UnixMs::new(consent[name].as_i64().unwrap_or_default()).tokyo_minute();
        let said = if word("consent") == "given" { "同意する / agreed" } else { "同意しない / did not agree" };
        let sensitive = match word("sensitive") {
            "given" => "、要配慮の項目も同意 / sensitive answers too",
            "refused" => "、要配慮の項目は同意なし / not to sensitive answers",
            _ => "",
        };
        let _ = writeln!(
            text,
            "  {}  {said}{sensitive}  目的 {}  フォーム {}  ポリシー {}  表示 {}  文面 {}",
            time("sent_at"),
            word("purpose"),
            word("form"),
            word("policy"),
            time("shown_at"),
            word("notice").get(..16).unwrap_or_default(),
        );
    }
    for (digest, notice) in person["notices"].as_object().into_iter().flatten() {
        let fits = if notice["as_shown"] == true {
            "表示したとおり / as it was shown"
        } else {
            "！表示した文面を再現できません / the words that were shown cannot be told again"
        };
        let _ = writeln!(text, "  文面 {}（{fits}）", digest.get(..16).unwrap_or_default());
        for line in notice["words"].as_array().into_iter().flatten() {
            let _ = writeln!(text, "      | {}", line.as_str().unwrap_or_default());
        }
    }
}

fn said(person: &Value) -> String {
    match person["status"].as_str() {
        Some("opened") => String::new(),
        Some("refused") => format!("開封できません: {} / refused", ground(person["why"].as_str())),
        Some("not_found") => {
            "お預かりしているものはありません（未登録・期限切れ・消去済み、またはその目的では保管していません） / nothing is held: not known, due, erased, or not for that purpose".to_owned()
        }
        _ => format!("開封に失敗しました / failed: {}", person["why"].as_str().unwrap_or("-")),
    }
}

fn ground(why: Option<&str>) -> &'static str {
    match why {
        Some("restricted") => "消去の手続き中か、利用停止中",
        Some("refused") => "同意されていません",
        Some("withdrawn") => "同意が撤回されています",
        _ => "理由不明",
    }
}

/// The reason as people read it.
pub(super) fn reason(code: Option<&str>) -> &str {
    code.map_or("-", |code| ReasonCode::parse(code).map_or(code, |reason| reason.ja()))
}
