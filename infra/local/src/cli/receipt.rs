//! `azukari receipt`: whether the receipt that somebody was given is genuine. It is checked
//! without the system.

use std::{
    fmt::Write,
    io::{self, Read},
    path::{Path, PathBuf},
};

use azukari::{
    domain::{
        erasure::Ground,
        receipt::{Receipt, State, kind_words},
        time::UnixMs,
    },
    keys::evidence::EvidenceKey,
    store::receipt::{NotProven, SignedReceipt},
};
use clap::Subcommand;

use crate::cli::{
    Failed, Places,
    evidence::{self, not_checked, unreadable},
    say,
};

pub(super) const EXAMPLES: &str = "\
例 / Examples:
  azukari receipt verify receipt.json
  azukari receipt verify receipt.json --evidence evidence-public-key.pem
  azukari receipt verify - < receipt.json
終了コード / exit codes: 0 本物 / genuine, 1 本物ではない / not genuine, 2 確かめられなかった / could not be checked";

/// What to do with a receipt.
#[derive(Subcommand)]
pub(super) enum Command {
    /// 消去の控えが本物で、書き換えられていないことを確かめる。 / Check that a receipt of an erasure is genuine and unchanged.
    #[command(after_help = EXAMPLES)]
    Verify {
        /// 控えのファイル（-は標準入力）。 / The receipt (- for standard input).
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// 検証に使う公開鍵（PEM）。省略時は、データの置き場所のもの。 / The public key to check with, in PEM (default: the one in the data folder).
        #[arg(long, value_name = "KEY.pem")]
        evidence: Option<PathBuf>,
    },
}

pub(super) fn run(command: Command, places: &Places) -> Result<(), Failed> {
    let Command::Verify { file, evidence } = command;
    verify(&file, evidence.as_deref(), places).map_err(not_checked)
}

/// Exit code for a receipt that is not genuine.
const NOT_GENUINE: u8 = 1;

fn verify(file: &Path, evidence: Option<&Path>, places: &Places) -> Result<(), Failed> {
    let key = evidence::key(evidence, places)?;
    match check(&read(file)?, &key) {
        Ok(signed) => {
            say::text(&told(&signed.receipt));
            Ok(())
        }
        Err(why) => {
            let (ja, en) = reason(why);
            say::text(&format!("× 本物ではありません。{ja} / Not genuine: {en}\n"));
            Err(Failed::Quiet(NOT_GENUINE))
        }
    }
}

fn read(file: &Path) -> Result<Vec<u8>, Failed> {
    if file.as_os_str() == "-" {
        let mut bytes = Vec::new();
        let read = io::stdin().read_to_end(&mut bytes);
        return read.map(|_| bytes).map_err(|error| unreadable("標準入力 / standard input", &error));
    }
    std::fs::read(file).map_err(|error| unreadable(file.display(), &error))
}

fn check(bytes: &[u8], key: &EvidenceKey) -> Result<SignedReceipt, NotProven> {
    // A byte that is no text was not in it when it was given out.
    let text = std::str::from_utf8(bytes).map_err(|_| NotProven::NotAReceipt)?;
    SignedReceipt::verify(text, key)
}

fn reason(why: NotProven) -> (&'static str, &'static str) {
    match why {
        NotProven::NotAReceipt => (
            "お渡ししたままの控えではありません（空白や改行が一つ変わっても、こうなります）。",
            "it is not a receipt as it was given out, to the letter.",
        ),
        NotProven::Signature => (
            "署名が合いません。書き換えられたか、別の鍵で署名されています。",
            "the signature does not fit. It was changed, or signed with another key.",
        ),
    }
}

fn told(receipt: &Receipt) -> String {
    let mut text = String::from("○ 本物です。書き換えられていません。 / Genuine, and unchanged.\n");
    let (state, ground) = (state(receipt.state), ground(receipt.ground.0));
    let _ = writeln!(text, "番号 / number: {}", receipt.id);
    let _ = writeln!(text, "状態 / state: {state}");
    let _ = writeln!(text, "きっかけ / ground: {ground}");
    text.push_str("日時（日本時間） / times (Japan):\n");
    let times = [
        (Some(receipt.requested_at), "お申し出 / asked for"),
        (Some(receipt.restricted_at), "開封の停止 / closed"),
        (receipt.revoked_at, "取りやめ / called off"),
        (receipt.unreachable_at, "鍵の破棄（ここから先は読めない） / key destroyed: unreachable"),
        (receipt.erased_at, "消去の完了 / deleted"),
        (receipt.unrecoverable_at, "ここから先はバックアップからも復元できない / beyond every backup: unrecoverable"),
    ];
    for (at, what) in times {
        if let Some(minute) = at.map(UnixMs::tokyo_minute) {
            let _ = writeln!(text, "  {minute}  {what}");
        }
    }
    if let Some(held) = &receipt.held {
        text.push_str("お預かりしていたもの / what was held:\n");
        for (kind, number) in held {
            let words = kind_words(kind);
            let _ = writeln!(text, "  {} / {}: {number}", words.ja, words.en);
        }
    }
    text
}

fn state(state: State) -> &'static str {
    match state {
        State::Restricted => "手続き中（だれにも開けない） / under way: nobody can open it",
        State::Unreachable => "手続き中（鍵は破棄した） / under way: the key is destroyed",
        State::Erased => "消去済み / erased",
        State::Revoked => "取りやめ / called off",
    }
}

fn ground(ground: Ground) -> &'static str {
    match ground {
        Ground::Asked => "消去のお申し出 / asked for",
        Ground::Refused => "同意しない / chose not to agree",
        Ground::Blocked => "ブロック / blocked",
        Ground::ContactDue => "期限 / due",
    }
}
