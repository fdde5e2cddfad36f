//! Rows in words: what each is, why it is kept and until when, for somebody who sees one
//! for the first time.

use std::collections::BTreeMap;

use azukari::domain::{
    definition::{PurposeTerms, Text},
    time::UnixMs,
};
use serde_json::Value;

/// What is known besides the row itself.
pub(super) struct Facts<'a> {
    /// Purposes by their opaque ids.
    pub(super) purposes: &'a BTreeMap<String, PurposeTerms>,
    /// Whether the person has agreed.
    pub(super) agreed: bool,
}

fn both(ja: impl Into<String>, en: impl Into<String>) -> Text {
    Text { ja: ja.into(), en: en.into() }
}

/// A day in Japan, in words.
fn day(at: UnixMs) -> Text {
    let day = at.tokyo_day().to_string();
    let mut parts = day.split('-').map(|part| part.parse::<u32>().unwrap_or_default());
    let (year, month, date) = (parts.next(), parts.next(), parts.next());
    let number = |part: Option<u32>| part.unwrap_or_default();
    both(format!("{}年{}月{}日", number(year), number(month), number(date)), day)
}

fn text<'a>(row: &'a Value, name: &str) -> Option<&'a str> {
    row[name]["S"].as_str()
}

fn time(row: &Value, name: &str) -> Option<UnixMs> {
    row[name]["N"].as_str()?.parse().ok().map(UnixMs::new)
}

/// The number of a version `id.n`.
fn number(version: &str) -> &str {
    version.rsplit('.').next().unwrap_or(version)
}

/// What a row of the vault is.
pub(super) fn row(row: &Value, facts: &Facts<'_>) -> Text {
    match text(row, "kind").unwrap_or_default() {
        "message" => value(row, facts, &both("メッセージ", "message")),
        "event" => value(row, facts, &both("ボタンなどの操作", "tap of a button or the like")),
        "profile" => value(row, facts, &both("表示名とアイコン", "display name and picture")),
        "submission" => value(row, facts, &both("フォームの回答", "set of answers to a form")),
        "link" => value(row, facts, &both("会員ID", "member id")),
        "claim" => claim(row),
        "request" => request(row),
        "member" => both(
            "会員IDから、この人を探すためのしるしです。鍵つきのハッシュなので、会員IDはここからは分かりません。連携が続いているかどうかは、対応表が決めます。",
            "By this the person is found from a member id. It is a keyed hash: the id cannot be read here. Whether the link stands, the mapping says.",
        ),
        "freed" => both(
            "会員サイトがこの会員IDの連携を解除したことのしるしです。その前に始まった手続きが、あとから連携にならないようにします。1時間で消えます。",
            "The mark that the member site has undone the link of this member id, so that nothing begun before joins anybody. It goes after an hour.",
        ),
        "subject" => value(row, facts, &both("LINEのユーザーID", "LINE user id")),
        "tombstone" if row.get("listed_at").is_none() => both(
            "送信を取り消されたメッセージの跡です。本文はもうありません。次の掃除で消去の記録に載せ、バックアップから戻らないように、そのあと35日残します。",
            "The trace of an unsent message. Its text is gone; the next sweep puts it on the erasure list and keeps the trace for 35 days so that no backup brings it back.",
        ),
        "tombstone" => {
            let until = time(row, "due_at").map(day).unwrap_or_else(|| both("", ""));
            both(
                format!(
                    "送信を取り消されたメッセージの跡です。本文はもうありません。バックアップから戻らないように、{}まで残します。",
                    until.ja
                ),
                format!(
                    "The trace of an unsent message. Its text is gone; the trace stays until {} so that no backup brings it back.",
                    until.en
                ),
            )
        }
        "mapping" => mapping(row),
        "erased" => both(
            "消去された人の跡です。誰だったかは書かれていません。遅れて届いたものを見分けるために、7日だけ残します。",
            "The trace of an erased person. It does not say who; it stays for 7 days to recognise what arrives late.",
        ),
        "state" => state(row),
        "consent" => consent(row, facts),
        "order" => order(row),
        "lookup" => both(
            "電話番号などから、この人を探すためのしるしです。鍵つきのハッシュなので、番号はここからは分かりません。もとの回答を消すときに、いっしょに消します。",
            "By this the person can be found from a phone number or the like. It is a keyed hash: the number cannot be read here. It goes with the answer it was made from.",
        ),
        "found_by" => {
            let until = time(row, "due_at").map(day).unwrap_or_else(|| both("", ""));
            both(
                format!("この人を探すためのしるしの控えです。{}に、しるしと合わせて消します。", until.ja),
                format!("Tells that there is a look-up for this person; both are erased on {}.", until.en),
            )
        }
        "hold" => both(
            "消去の途中です。もう開封できません。鍵を壊したあと、すべての行を消します。",
            "Being erased: nothing can be opened any more. The key is destroyed, then every row.",
        ),
        "content" => both(
            "手続きの途中で、次の画面に渡すものです。続ける人のブラウザーが持つ合い言葉でだけ開きます。10分で使えなくなります。",
            "What one page leaves for the next. Only the secret that the person's browser carries opens it; after ten minutes it is worth nothing.",
        ),
        _ => both("システムの行です。個人の情報はありません。", "A row of the system. Nothing personal is in it."),
    }
}

fn claim(row: &Value) -> Text {
    let until = time(row, "due_at").map(day).unwrap_or_else(|| both("", ""));
    both(
        format!(
            "この人が連携しようとした会員IDです。すでにほかと連携していたため、連携しませんでした。確かめるための記録で、{}に消去します。",
            until.ja
        ),
        format!(
            "The member id that this person wanted to be linked with; it, or they, were linked otherwise. Kept to be looked into, and erased on {}.",
            until.en
        ),
    )
}

/// What somebody has asked the business for.
fn request(row: &Value) -> Text {
    let stop = text(row, "sk").is_some_and(|sk| sk.starts_with("O#stop~"));
    let what = if stop {
        both("利用停止のご請求です。", "A request to stop the use.")
    } else {
        both("訂正・追加・削除のご請求です。", "A request to correct, add or delete.")
    };
    let state = match (stop, text(row, "outcome")) {
        (true, None) => both(
            "届いたときから、この人のものは、対応する個人情報保護管理者のほかには開封できません。",
            " Nothing of this person is opened from now on, but by the privacy officer who has to answer it.",
        ),
        (false, None) => both("14日のうちに対応します。", " It is to be answered within 14 days."),
        (true, Some("done" | "unanswered")) => {
            both("解除されるまで、利用停止が続きます。", " The stop is in force until it is lifted.")
        }
        (_, Some(_)) => {
            both("対応が終わり、書かれていたことは消えました。", " It has ended, and what was written in it is gone.")
        }
    };
    both(format!("{}{}", what.ja, state.ja), format!("{}{}", what.en, state.en))
}

fn value(row: &Value, facts: &Facts<'_>, what: &Text) -> Text {
    let terms = text(row, "purpose").and_then(|id| facts.purposes.get(id));
    let title = terms.map_or_else(|| both("（以前の使いみち）", "(a former purpose)"), |terms| terms.title.clone());
    let until = time(row, "due_at").map(day).unwrap_or_else(|| both("", ""));
    let waits = text(row, "awaiting").is_some();
    let then = match (waits, facts.agreed) {
        (false, _) => both(format!("{}に消去します。", until.ja), format!("It is erased on {}.", until.en)),
        (true, false) => both(
            format!("同意をまだいただいていないので、{}に消去します。", until.ja),
            format!("The person has not agreed yet, so it is erased on {}.", until.en),
        ),
        (true, true) => {
            let kept = terms.map_or_else(|| both("", ""), |terms| terms.retention.words());
            both(
                format!(
                    "届いたのは同意の前ですが、そのあと同意をいただいたので、{}まで延びます（{}の掃除で確かめます）。",
                    kept.ja, until.ja
                ),
                format!(
                    "It came before consent, which was given since: a sweep on {} moves its end to {}.",
                    until.en, kept.en
                ),
            )
        }
    };
    both(
        format!("この人だけの鍵で封をした{}です。「{}」のためにお預かりし、{}", what.ja, title.ja, then.ja),
        format!("A {}, sealed under this person's own key and kept for \"{}\". {}", what.en, title.en, then.en),
    )
}

fn mapping(row: &Value) -> Text {
    let consent = match text(row, "consent") {
        Some("given") => both("同意しています", "agreed"),
        Some("refused") => both("同意しないと答えました", "refused"),
        _ => both("まだ答えていません", "has not answered"),
    };
    let shown = match text(row, "shown") {
        Some(version) if version != "none" => {
            both(format!("第{}版を見ています", number(version)), format!("was shown version {}", number(version)))
        }
        _ => both("まだお知らせを見ていません", "has not been shown the notice"),
    };
    let linked = match text(row, "member") {
        Some(_) => both("会員IDと連携しています。", " They are linked with a member id."),
        None => both("", ""),
    };
    both(
        format!(
            "LINEの友だちと、この人の番号を結びつける行です。ユーザーIDは鍵つきのハッシュになっていて、ここからは分かりません。この人は{}。{}。{}",
            shown.ja, consent.ja, linked.ja
        ),
        format!(
            "Leads from a LINE user to this person. The user id is a keyed hash and cannot be read here. The person {} and {}.{}",
            shown.en, consent.en, linked.en
        ),
    )
}

fn state(row: &Value) -> Text {
    match (text(row, "state"), time(row, "due_at").map(day)) {
        (Some("blocked"), Some(until)) => both(
            format!("この人はアカウントをブロックしました。戻らなければ、{}にすべてを消去します。", until.ja),
            format!("The person has blocked the account. Unless they come back, everything is erased on {}.", until.en),
        ),
        (Some("blocked"), None) => {
            both("この人はアカウントをブロックしました。", "The person has blocked the account.")
        }
        _ => both("この人はアカウントの友だちです。", "The person has added the account."),
    }
}

fn consent(row: &Value, facts: &Facts<'_>) -> Text {
    let title = text(row, "purpose").and_then(|id| facts.purposes.get(id));
    let title = title.map_or_else(|| both("（以前の使いみち）", "(a former purpose)"), |terms| terms.title.clone());
    let said = match text(row, "consent") {
        Some("given") => both("同意する", "agrees"),
        Some("refused") => both("同意しない", "does not agree"),
        _ => both("同意を取り消す", "takes the consent back"),
    };
    let version = number(text(row, "shown").unwrap_or("?"));
    if text(row, "how") == Some("link") {
        return both(
            format!(
                "会員IDとの連携に、この人が同意した記録です。見ていたのは、お知らせ第{version}版のもとでの連携の説明です。文面の指紋（ハッシュ）も残しています。"
            ),
            format!(
                "The person agreed to be linked with a member id, having read what that means under version {version} of the notice. A digest of the words is kept with it."
            ),
        );
    }
    if text(row, "how") == Some("form") {
        let form = number(text(row, "form").unwrap_or("?"));
        let shown = time(row, "shown_at").map(UnixMs::tokyo_minute).unwrap_or_default();
        return both(
            format!(
                "フォームで「{}」について、この人が「{}」と答えた記録です。見ていたのは{shown}に表示した、フォーム第{form}版・お知らせ第{version}版の文面です。文面の指紋（ハッシュ）も残しています。",
                title.ja, said.ja
            ),
            format!(
                "In a form, the person {} to \"{}\", having been shown version {form} of the form under version {version} of the notice at {shown}. A digest of the words is kept with it.",
                said.en, title.en
            ),
        );
    }
    both(
        format!(
            "「{}」について、この人が「{}」と答えた記録です。見ていたのは第{version}版のお知らせです。",
            title.ja, said.ja
        ),
        format!("The person {} to \"{}\", having been shown version {version}.", said.en, title.en),
    )
}

fn order(row: &Value) -> Text {
    if text(row, "what") == Some("unlink") {
        return both(
            "会員IDとの連携を解除する指示です。連携はもう解けていて、次の掃除で、会員IDとしるしを消去します。",
            "An order to unlink. The link is undone already; the next sweep erases the member id and its look-up.",
        );
    }
    let why = match text(row, "ground") {
        Some("refused") => both("「同意しない」を選んだため", "they did not agree"),
        Some("blocked") => both("ブロックしたまま戻らなかったため", "they blocked the account and did not come back"),
        Some("contact_due") => both("長いあいだやりとりがないため", "they have not been in contact for long"),
        _ => both("消去のお申し出があったため", "it was asked for"),
    };
    let until = match text(row, "ground") {
        Some("refused") => both(
            "その前に「同意する」を選び直したときは、指示を取り下げます。",
            " If they have agreed by then, it withdraws the order instead.",
        ),
        _ => both("", ""),
    };
    both(
        format!(
            "この人のすべてを消去する指示です（{}）。もう開封できません。次の掃除で始まります。{}",
            why.ja, until.ja
        ),
        format!(
            "An order to erase everything of this person: {}. Nothing can be opened any more; the next sweep begins.{}",
            why.en, until.en
        ),
    )
}

/// What a step on the erasure list is.
pub(super) fn erasure(row: &Value) -> Text {
    if text(row, "kind") == Some("unsent") {
        return both(
            "送信を取り消されたメッセージを、消去の記録に載せました。",
            "An unsent message was put on the erasure list.",
        );
    }
    match text(row, "step") {
        Some("1-restrict") => {
            both("消去を始めました。ここから開封できません。", "The erasure began: nothing is opened from here on.")
        }
        Some("2-unmap") => both("LINEとのつながりを外しました。", "The link to LINE was cut."),
        Some("3-destroy-key") => both(
            "鍵を壊しました。ここから、封を開けられる人はいません。",
            "The key was destroyed: from here on nobody can open anything.",
        ),
        Some("4-erase-rows") => both("残っていた行をすべて消しました。", "Every row that was left was erased."),
        Some("revoked") => {
            both("やりとりが再開したので、消去を取りやめました。", "The person came back: the erasure was given up.")
        }
        _ => both("消去の記録です。", "A step of an erasure."),
    }
}

/// What an entry of the audit log is.
pub(super) fn entry(row: &Value, purposes: &BTreeMap<String, PurposeTerms>) -> Text {
    let operator = text(row, "operator").unwrap_or("?");
    let purpose = text(row, "purpose").and_then(|id| purposes.get(id)).map(|terms| terms.title.clone());
    let purpose = purpose.unwrap_or_else(|| both("すべての使いみち", "every purpose"));
    let reason = text(row, "reason").and_then(azukari::domain::reason::ReasonCode::parse);
    let reason = reason.map_or("－", azukari::domain::reason::ReasonCode::ja);
    let reason_en = text(row, "reason").unwrap_or("-");
    if let Some(refusal) = text(row, "refusal") {
        return both(
            format!("担当者「{operator}」の求めを断りました（{refusal}）。"),
            format!("A request of the operator \"{operator}\" was refused ({refusal})."),
        );
    }
    match text(row, "act") {
        Some("open") => both(
            format!("担当者「{operator}」が「{}」のために開封しました。理由: {reason}。", purpose.ja),
            format!("The operator \"{operator}\" opened for \"{}\". Reason: {reason_en}.", purpose.en),
        ),
        Some("requests") => both(
            format!("担当者「{operator}」が対応を待っている申し出を見ました。"),
            format!("The operator \"{operator}\" looked at what waits to be looked into."),
        ),
        Some("close_request") => both(
            format!("担当者「{operator}」がご本人の請求への対応を記録しました。"),
            format!("The operator \"{operator}\" noted how a person's request has ended."),
        ),
        Some("count") => both(
            format!("担当者「{operator}」がフォームの回答を集計しました。"),
            format!("The operator \"{operator}\" counted answers to a form."),
        ),
        Some("list") => both(
            format!("担当者「{operator}」が届いたものの一覧を見ました。"),
            format!("The operator \"{operator}\" listed what came in."),
        ),
        _ => both(
            format!("担当者「{operator}」が台帳を見ました。"),
            format!("The operator \"{operator}\" read the ledger."),
        ),
    }
}
