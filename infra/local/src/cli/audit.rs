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
    store::{
        day_root::{self, LoggedRoot},
        ledger::{self, EntryRead, Head, Range, Row, Verdict},
    },
};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::cli::{
    Failed, Places, Who,
    access::Access,
    evidence::{self, not_checked},
    open, say,
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
    /// 署名とつながり、日次ルートを確かめる。 / Check signatures, chains and day roots.
    #[command(after_help = EXAMPLES)]
    Verify {
        #[command(flatten)]
        source: Source,
        #[command(flatten)]
        days: Days,
        /// ログ（openerとsweeper）に残った署名つきの先端と日次ルート（JSON Lines）。2つ目からは、台帳を読んだあとに取り出したログ。 / Heads and day roots logged by opener and sweeper, as JSON lines; from the second file on, logged after the rows were read.
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
        Command::Verify { source, days, heads, evidence } => {
            verify_from(&source, &days, &heads, evidence.as_deref(), places).await.map_err(not_checked)
        }
        Command::Export { who } => {
            let ledger = read(&Source { file: None, who }, places, None).await?;
            let lines: String = ledger.rows.iter().map(|row| format!("{}\n", ledger::to_json(row))).collect();
            say::data(&lines);
            Ok(())
        }
    }
}

async fn verify_from(
    source: &Source,
    days: &Days,
    heads: &[PathBuf],
    evidence: Option<&Path>,
    places: &Places,
) -> Result<(), Failed> {
    let range = days.range()?;
    let evidence = evidence::key(evidence, places)?;
    // While rows are read, more are written: what was logged before the reading must be in
    // them, and what was logged after it proves the end.
    let before = heads.first().map(|path| read_log(path)).transpose()?.unwrap_or_default();
    let rows = read(source, places, None).await?.rows;
    let mut after = Vec::new();
    for path in heads {
        after.extend(read_log(path)?.heads);
    }
    verify(&rows, &evidence, &before, &after, range)
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

fn read_rows(path: &Path) -> Result<Vec<Row>, Failed> {
    let text = evidence::text(path)?;
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

/// What a log knows of the ledger.
#[derive(Default)]
struct Log {
    heads: Vec<Head>,
    roots: Vec<LoggedRoot>,
}

fn read_log(path: &Path) -> Result<Log, Failed> {
    let text = evidence::text(path)?;
    let heads: Vec<Head> = text.lines().filter_map(Head::of_line).collect();
    let roots: Vec<LoggedRoot> = text.lines().filter_map(LoggedRoot::of_line).collect();
    if heads.is_empty() && roots.is_empty() {
        let path = path.display();
        return Err(Failed::Said(format!(
            "{path}に先端や日次ルートの行がありません。 / There is no head and no day root in {path}."
        )));
    }
    Ok(Log { heads, roots })
}

fn verify(rows: &[Row], evidence: &EvidenceKey, before: &Log, after: &[Head], range: Range) -> Result<(), Failed> {
    let mut verdict = ledger::verify(rows, evidence, &before.heads, range);
    verdict.prove(rows, evidence, after);
    let roots = day_root::verify(rows, evidence, &before.roots);
    say::text(&verdict_text(&verdict, &roots));
    if !verdict.sound() || !roots.sound() {
        Err(Failed::Quiet(1))
    } else if !verdict.complete() || verdict.chains == 0 {
        Err(Failed::Quiet(3))
    } else {
        Ok(())
    }
}

/// Findings and chains that are shown, at most.
const SHOWN: usize = 50;

fn verdict_text(verdict: &Verdict, roots: &day_root::Verdict) -> String {
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
    text.push_str(&roots_text(roots));
    if *chains == 0 {
        text.push_str("記録がありません。 / There is no entry.\n");
    } else if verdict.complete() && roots.sound() {
        text.push_str("○ 問題はありません。末尾まで揃っています。 / Sound and complete.\n");
    } else if verdict.sound() && roots.sound() {
        text.push_str("○ 見える範囲に問題はありません。 / Sound as far as it goes.\n");
    }
    text
}

fn roots_text(verdict: &day_root::Verdict) -> String {
    let mut text = String::new();
    let day_root::Verdict { roots, last, findings, uncovered, open } = verdict;
    let _ = match last {
        Some(last) => writeln!(
            text,
            "日次ルート{roots}個を検証しました（最後は{last}）。 / Checked {roots} day roots, the last of {last}."
        ),
        None => writeln!(text, "日次ルートはまだありません。 / There is no day root yet."),
    };
    for finding in findings.iter().take(SHOWN) {
        let (ja, en) = finding.fault.text();
        let entry = finding.entry.as_ref().map(|(writer, sequence)| format!(" {writer}#{sequence}"));
        let _ = writeln!(text, "× 日次ルート / day root {}{}: {ja} / {en}", finding.day, entry.unwrap_or_default());
    }
    if findings.len() > SHOWN {
        let more = findings.len() - SHOWN;
        let _ = writeln!(text, "  ほか{more}件 / and {more} more");
    }
    if *uncovered > 0 {
        let _ = writeln!(
            text,
            "まだ日次ルートの下にない記録は{uncovered}件です。 / {uncovered} entries are not under a day root yet."
        );
    }
    for (writer, first) in open.iter().take(SHOWN) {
        let _ = writeln!(text, "・{writer}: {first}から / from {first} on");
    }
    if open.len() > SHOWN {
        let more = open.len() - SHOWN;
        let _ = writeln!(text, "  ほか{more}本 / and {more} more chains");
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
        "erase" => write!(
            line,
            "消去  {people}人の鍵を破棄しました（{}）{}",
            ground(entry.reason.as_deref().unwrap_or("-")),
            whom(entry)
        ),
        "requests" => write!(line, "申し出と請求  対応を待っているものを見ました"),
        "close_request" => {
            write!(line, "請求への対応  {people}人  {}  理由: {why}{}", say::harmless(&fields(entry)), whom(entry))
        }
        "order_erasure" => write!(line, "消去の指示  {people}人  理由: {why}{}", whom(entry)),
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

fn ground(code: &str) -> &str {
    match code {
        "asked" => "消去の求め",
        "refused" => "同意しない",
        "blocked" => "ブロックされたまま期間が過ぎたため",
        "contact_due" => "連絡の目的が終わったため",
        code => code,
    }
}

fn refusal(code: &str) -> &'static str {
    match code {
        "restricted" => "消去の手続き中か、利用停止中のため",
        "refused" => "同意されていないため",
        "withdrawn" => "同意が撤回されているため",
        "not_found" => "開封できるものがないため（期限切れ・消去済み、またはその目的では保管なし）",
        "mapping" | "contact_row" => "保管している行に問題があるため",
        "request" => "要求に問題があるため",
        "closed_before" => "すでに対応済みの請求のため",
        "outcome" => "その請求に使えない結果のため",
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_says_what_day_roots_cover_and_is_not_good_if_they_are_not() {
        let verdict = Verdict { chains: 1, all: 5, entries: 5, ..Verdict::default() };
        assert!(verdict_text(&verdict, &day_root::Verdict::default()).contains("日次ルートはまだありません"));
        let day = Day::parse("2026-11-21").unwrap();
        let mut roots = day_root::Verdict {
            roots: 2,
            last: Some(day),
            uncovered: 3,
            open: vec![("opener-1".to_owned(), 4)],
            ..day_root::Verdict::default()
        };
        let text = verdict_text(&verdict, &roots);
        for part in ["日次ルート2個", "最後は2026-11-21", "ない記録は3件", "・opener-1: 4から", "末尾まで揃っています"]
        {
            assert!(text.contains(part), "{part} in {text}");
        }
        roots.findings.push(day_root::Finding {
            day: day.to_string(),
            entry: Some(("opener-1".to_owned(), 2)),
            fault: day_root::Fault::EntryMissing,
        });
        let text = verdict_text(&verdict, &roots);
        assert!(text.contains("× 日次ルート / day root 2026-11-21 opener-1#2: 日次ルートが封をした記録が消えています"));
        assert!(!text.contains('○'), "{text}");
    }
}
