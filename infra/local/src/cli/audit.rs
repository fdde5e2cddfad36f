//! `azukari audit`: the ledger of openings. Reading it from the system is an entry,
//! too; an exported file is checked without the system.

use std::{
    collections::BTreeMap,
    fmt::Write,
    path::{Path, PathBuf},
};

use azukari::{
    domain::{
        field::CATALOGUE,
        time::{DAY_MS, Day, UnixMs},
    },
    keys::evidence::EvidenceKey,
    store::ledger::{self, EntryRead, Head, Range, Row, Verdict},
};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::{
    cli::{Failed, Places, Who, access::Access, open, say},
    installation::EVIDENCE_FILE,
    operator_key,
};

pub(super) const EXAMPLES: &str = "\
例 / Examples:
  azukari audit show --from 2026-11-01
  azukari audit export > ledger.jsonl
  azukari audit verify --heads .azukari/audit-heads.jsonl
  azukari audit verify --file ledger.jsonl --evidence evidence-public-key.pem --heads heads.jsonl
verifyの終了コード / exit codes of verify: 0 問題なし・完全 / sound and complete, 1 問題あり / something is wrong,
  2 検証できなかった / could not be checked, 3 問題は見つからないが、末尾が消されていないことは証明できない / sound as far as it goes, its end is not proven";

/// What to do with the ledger.
#[derive(Subcommand)]
pub(super) enum Command {
    /// 台帳を読む: 誰が、いつ、何人のどの項目を、なぜ。 / Read the ledger: who, when, which fields of how many people, why.
    #[command(after_help = EXAMPLES)]
    Show {
        #[command(flatten)]
        source: Source,
        #[command(flatten)]
        days: Days,
        /// この人についての記録だけ（azukari listに出るID）。 / Only entries about this person.
        #[arg(long, value_name = "ID")]
        person: Option<String>,
        /// 1行に1件のJSONで表示する。 / Show as JSON, an entry a line.
        #[arg(long)]
        json: bool,
    },
    /// 署名とつながりを確かめる。 / Check signatures and chains.
    #[command(after_help = EXAMPLES)]
    Verify {
        #[command(flatten)]
        source: Source,
        #[command(flatten)]
        days: Days,
        /// ログに残った署名つきの先端（JSON Lines）。2つ目からは、台帳を読んだあとに取り出したログ。 / Logged heads, as JSON lines; from the second file on, logged after the rows were read.
        #[arg(long, value_name = "FILE")]
        heads: Vec<PathBuf>,
        /// 検証に使う公開鍵（PEM）。 / The public key to check with (PEM).
        #[arg(long, value_name = "FILE")]
        evidence: Option<PathBuf>,
    },
    /// DynamoDB JSONの行として書き出す。 / Write it out as lines of DynamoDB JSON.
    #[command(after_help = EXAMPLES)]
    Export {
        #[command(flatten)]
        who: Who,
    },
}

/// Where the ledger is read from.
#[derive(Args)]
pub(super) struct Source {
    /// 書き出したファイル（省略時はシステムから読む）。 / An exported file (default: read from the system).
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    who: Who,
}

/// Of which days, in Japan.
#[derive(Args)]
pub(super) struct Days {
    /// いつから。 / From which day.
    #[arg(long, value_name = "2026-11-01", value_parser = day)]
    from: Option<Day>,
    /// いつまで。 / Until which day.
    #[arg(long, value_name = "2026-11-30", value_parser = day)]
    to: Option<Day>,
}

fn day(text: &str) -> Result<Day, String> {
    Day::parse(text).map_err(|_| "2026-11-21の形で書いてください / a day like 2026-11-21".to_owned())
}

impl Days {
    fn range(&self) -> Result<Range, Failed> {
        let range = Range { from: self.from.map(Day::start), to: self.to.map(|day| day.start().plus(DAY_MS)) };
        match range {
            Range { from: Some(from), to: Some(to) } if from >= to => Err(Failed::Said(
                "--fromは--to以前の日にしてください（例: --from 2026-11-01 --to 2026-11-30）。 / --from must not be after --to."
                    .to_owned(),
            )),
            range => Ok(range),
        }
    }
}

/// The ledger, with what the opener adds to it.
#[derive(Default)]
struct Ledger {
    rows: Vec<Row>,
    notes: BTreeMap<String, String>,
    purposes: BTreeMap<String, String>,
}

pub(super) async fn run(command: Command, places: &Places) -> Result<(), Failed> {
    match command {
        Command::Show { source, days, person, json } => {
            let range = days.range()?;
            let ledger = read(&source, places, range.to).await?;
            show(&ledger, range, person.as_deref(), json)
        }
        // That nothing could be checked is not the same as that something is wrong.
        Command::Verify { source, days, heads, evidence } => {
            let verified = self::verify_from(&source, &days, &heads, evidence.as_deref(), places).await;
            verified.map_err(|failed| match failed {
                Failed::Quiet(code) => Failed::Quiet(code),
                other => {
                    say::complaint(&other.to_string());
                    Failed::Quiet(NOT_CHECKED)
                }
            })
        }
        Command::Export { who } => {
            let ledger = read(&Source { file: None, who }, places, None).await?;
            let lines: String = ledger.rows.iter().map(|row| format!("{}\n", ledger::to_json(row))).collect();
            say::data(&lines);
            Ok(())
        }
    }
}

/// Exit code of a check that could not be made.
const NOT_CHECKED: u8 = 2;

async fn verify_from(
    source: &Source,
    days: &Days,
    heads: &[PathBuf],
    evidence: Option<&Path>,
    places: &Places,
) -> Result<(), Failed> {
    let range = days.range()?;
    let evidence = evidence_key(evidence, places)?;
    // While rows are read, more are written: what was logged before the reading must be in
    // them, and what was logged after it proves the end.
    let before = heads.first().map(|path| read_heads(path)).transpose()?.unwrap_or_default();
    let rows = read(source, places, None).await?.rows;
    let mut after = Vec::new();
    for path in heads {
        after.extend(read_heads(path)?);
    }
    verify(&rows, &evidence, [&before, &after], range)
}

async fn read(source: &Source, places: &Places, to: Option<UnixMs>) -> Result<Ledger, Failed> {
    if let Some(path) = &source.file {
        return Ok(Ledger { rows: read_rows(path)?, ..Ledger::default() });
    }
    let access = Access::find(&source.who, places).await?;
    let mut ledger = Ledger::default();
    let mut request = json!({ "act": "ledger" });
    if let Some(to) = to {
        request["to"] = json!(to);
    }
    loop {
        let page = access.ask(&request).await?;
        ledger.rows.extend(page["rows"].as_array().into_iter().flatten().filter_map(ledger::from_json));
        let texts =
            |name: &str| -> BTreeMap<String, String> { serde_json::from_value(page[name].clone()).unwrap_or_default() };
        ledger.notes.extend(texts("notes"));
        ledger.purposes.extend(texts("purposes"));
        if page["more"].is_null() {
            return Ok(ledger);
        }
        request["after"] = page["more"].clone();
    }
}

fn file(path: &Path) -> Result<String, Failed> {
    std::fs::read_to_string(path).map_err(|error| {
        let path = path.display();
        Failed::Said(format!("{path}を読めません: {error} / {path} cannot be read: {error}"))
    })
}

fn read_rows(path: &Path) -> Result<Vec<Row>, Failed> {
    let text = file(path)?;
    let mut rows = Vec::new();
    for (n, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let row = serde_json::from_str::<Value>(line).ok().and_then(|value| ledger::from_json(&value));
        rows.push(row.ok_or_else(|| {
            let n = n + 1;
            Failed::Said(format!(
                "{}の{n}行目はDynamoDB JSONではありません。 / Line {n} of {} is not DynamoDB JSON.",
                path.display(),
                path.display()
            ))
        })?);
    }
    Ok(rows)
}

fn read_heads(path: &Path) -> Result<Vec<Head>, Failed> {
    let heads: Vec<Head> = file(path)?.lines().filter_map(Head::of_line).collect();
    if heads.is_empty() {
        let path = path.display();
        return Err(Failed::Said(format!("{path}に先端の行がありません。 / There is no head in {path}.")));
    }
    Ok(heads)
}

fn evidence_key(given: Option<&Path>, places: &Places) -> Result<EvidenceKey, Failed> {
    let usual = places.data_dir.join(EVIDENCE_FILE);
    let path = given.unwrap_or(&usual);
    let key = operator_key::read_public(&file(path)?).and_then(|spki| EvidenceKey::new(&spki).ok());
    key.ok_or_else(|| {
        let path = path.display();
        Failed::Said(format!("{path}はP-256の公開鍵（PEM）ではありません。 / {path} is not a P-256 public key in PEM."))
    })
}

fn verify(rows: &[Row], evidence: &EvidenceKey, heads: [&Vec<Head>; 2], range: Range) -> Result<(), Failed> {
    let [before, after] = heads;
    let mut verdict = ledger::verify(rows, evidence, before, range);
    verdict.prove(rows, evidence, after);
    say::text(&verdict_text(&verdict));
    if !verdict.sound() {
        Err(Failed::Quiet(1))
    } else if !verdict.complete() || verdict.chains == 0 {
        Err(Failed::Quiet(3))
    } else {
        Ok(())
    }
}

fn verdict_text(verdict: &Verdict) -> String {
    const SHOWN: usize = 50;
    let mut text = String::new();
    let Verdict { chains, all, entries, findings, unproven } = verdict;
    let _ = writeln!(text, "連鎖{chains}本、記録{all}件を検証しました。 / Checked {all} entries in {chains} chains.");
    if entries != all {
        let _ = writeln!(text, "うち指定の期間は{entries}件です。 / {entries} of them are of the days asked for.");
    }
    if let Some(first) = findings.first() {
        let (ja, en) = first.fault.text();
        let _ = writeln!(text, "最初の不正な記録 / the first bad entry: {}#{}", first.writer, first.sequence);
        let _ = writeln!(text, "  {ja} / {en}");
    }
    for finding in findings.iter().take(SHOWN) {
        let (ja, en) = finding.fault.text();
        let _ = writeln!(text, "× {}#{}: {ja} / {en}", finding.writer, finding.sequence);
    }
    if findings.len() > SHOWN {
        let more = findings.len() - SHOWN;
        let _ = writeln!(text, "  ほか{more}件 / and {more} more");
    }
    for (writer, last) in unproven {
        let _ = writeln!(
            text,
            "△ {writer}: {last}より後に記録があったかどうかは証明できません（--headsでログを渡してください）。 / What came after {last} is not proven: give the log with --heads."
        );
    }
    if *chains == 0 {
        text.push_str("記録がありません。 / There is no entry.\n");
    } else if verdict.complete() {
        text.push_str("○ 問題はありません。末尾まで揃っています。 / Sound and complete.\n");
    } else if verdict.sound() {
        text.push_str("○ 見える範囲に問題はありません。 / Sound as far as it goes.\n");
    }
    text
}

fn show(ledger: &Ledger, range: Range, person: Option<&str>, json: bool) -> Result<(), Failed> {
    let mut entries: Vec<EntryRead> = ledger
        .rows
        .iter()
        .filter_map(|row| EntryRead::of(row).ok().flatten())
        .filter(|entry| range.holds(entry.at))
        .filter(|entry| person.is_none_or(|id| entry.subjects.iter().any(|it| it == id)))
        .collect();
    entries.sort_by(|a, b| (a.at, &a.writer, a.sequence).cmp(&(b.at, &b.writer, b.sequence)));
    let unreadable = ledger.rows.iter().filter(|row| EntryRead::of(row).is_err()).count();
    if unreadable > 0 {
        say::complaint(&format!(
            "読めない行が{unreadable}件あります（verifyで確かめてください）。 / {unreadable} rows cannot be read: run verify."
        ));
    }
    if json {
        let lines: String = entries.iter().map(|entry| format!("{}\n", as_json(entry, ledger))).collect();
        say::data(&lines);
    } else if entries.is_empty() {
        say::text("その期間の記録はありません。 / There is no entry.\n");
    } else {
        let lines: String = entries.iter().map(|entry| format!("{}\n", as_line(entry, ledger))).collect();
        say::text(&lines);
    }
    Ok(())
}

fn purpose<'a>(entry: &'a EntryRead, ledger: &'a Ledger) -> &'a str {
    match entry.purpose.as_deref() {
        None => "-",
        Some("*") => "すべての目的",
        Some("?") => "存在しない目的",
        Some(id) => ledger.purposes.get(id).map_or(id, String::as_str),
    }
}

fn note<'a>(entry: &EntryRead, ledger: &'a Ledger) -> Option<&'a str> {
    ledger.notes.get(&format!("{}#{}", entry.writer, entry.sequence)).map(String::as_str)
}

fn fields(entry: &EntryRead) -> String {
    let all = CATALOGUE.iter().all(|name| entry.fields.iter().any(|field| field == name));
    if all { format!("全項目（{}項目）", entry.fields.len()) } else { entry.fields.join("・") }
}

fn as_line(entry: &EntryRead, ledger: &Ledger) -> String {
    let mut line = format!("{}  {:<12}  ", entry.at.tokyo_minute(), say::harmless(&entry.operator));
    let people = entry.subjects.len();
    let unknown = if entry.unknown > 0 { format!("、該当なし{}人", entry.unknown) } else { String::new() };
    let why = match (note(entry, ledger), &entry.note) {
        (Some(note), _) => say::harmless(note),
        (None, Some(_)) => "（理由の文は封をしてあります）".to_owned(),
        (None, None) => open::reason(entry.reason.as_deref()).to_owned(),
    };
    let _ = match entry.act.as_str() {
        "open" => write!(
            line,
            "開封  {people}人{unknown}  目的: {}  項目: {}  理由: {why}{}",
            purpose(entry, ledger),
            fields(entry),
            whom(entry)
        ),
        "list" => write!(line, "一覧  届いたものの件数と時刻を見ました"),
        "ledger" => write!(line, "台帳  この台帳を読みました"),
        "refuse" => {
            let ground = entry.refusal.as_deref().unwrap_or("-");
            let asked = match (people, entry.unknown) {
                (0, 0) => String::new(),
                (0, asked) => format!("  {asked}人分の要求  目的: {}  項目: {}", purpose(entry, ledger), fields(entry)),
                (people, _) => format!("  {people}人"),
            };
            write!(line, "拒否  {}（{ground}）{asked}{}", refusal(ground), whom(entry))
        }
        other => write!(line, "{}", say::harmless(other)),
    };
    let _ = write!(line, "  [{}#{}]", entry.writer, entry.sequence);
    line
}

/// The first people of an entry, by their random ids.
fn whom(entry: &EntryRead) -> String {
    const SHOWN: usize = 3;
    if entry.subjects.is_empty() {
        return String::new();
    }
    let ids = entry.subjects.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(" ");
    let more = entry.subjects.len().saturating_sub(SHOWN);
    if more > 0 { format!("  人: {ids} ほか{more}人") } else { format!("  人: {ids}") }
}

fn refusal(code: &str) -> &'static str {
    match code {
        "restricted" => "消去の手続き中のため",
        "refused" => "同意されていないため",
        "withdrawn" => "同意が撤回されているため",
        "not_found" => "開封できるものがないため（期限切れ・消去済み、またはその目的では保管なし）",
        "request" => "要求に問題があるため",
        "budget" => "1時間の人数を超えるため",
        "not_granted" => "役割で許可されていないため",
        "replayed" => "使用済みのアサーション",
        "expired" => "期限切れのアサーション",
        "not_yet" => "未来の時刻のアサーション",
        "too_long" => "有効期間の長すぎるアサーション",
        "audience" => "別の環境あてのアサーション",
        "signature" => "署名の正しくないアサーション",
        "algorithm" => "ES256でないアサーション",
        "unknown_operator" => "登録されていない担当者",
        _ => "読めないアサーション",
    }
}

fn as_json(entry: &EntryRead, ledger: &Ledger) -> Value {
    json!({
        "writer": entry.writer,
        "sequence": entry.sequence,
        "at": entry.at,
        "act": entry.act,
        "operator": entry.operator,
        "request": entry.request,
        "people": entry.subjects,
        "unknown": entry.unknown,
        "fields": entry.fields,
        "purpose": entry.purpose.as_ref().map(|id| ledger.purposes.get(id).unwrap_or(id)),
        "reason": entry.reason,
        "note": note(entry, ledger),
        "refusal": entry.refusal,
    })
}
