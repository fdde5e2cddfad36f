//! `GET /receipts/{id}`: how far an erasure has come, for whoever was given its receipt;
//! with `.json` behind the id, the signed receipt as a file. Neither tells whom it is about.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{
        Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
    response::{IntoResponse, Response},
};
use azukari::{
    domain::{
        erasure::Ground,
        language::Language,
        receipt::{self, Receipt, ReceiptId, kind_words},
        time::UnixMs,
    },
    host::{
        pages::{self, STYLE},
        problem::Problem,
    },
    store::receipt::SignedReceipt,
};
use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;

use crate::Form;

/// What the query may say.
#[derive(Deserialize)]
pub(crate) struct Asked {
    lang: Option<String>,
}

const NO_RECEIPT: Problem = Problem::new(
    StatusCode::NOT_FOUND,
    "控えはまだないか、番号が正しくありません。1分ほどたってから、もう一度お試しください。",
    "There is no such receipt, or not yet. Please try again in about a minute.",
);
const UNAVAILABLE: Problem = Problem::new(
    StatusCode::SERVICE_UNAVAILABLE,
    "ただいまお答えできません。しばらくしてから、もう一度お試しください。",
    "It cannot be answered now. Please try again in a little while.",
);

/// Japanese and English.
type Words = (&'static str, &'static str);

#[derive(Template)]
#[template(path = "receipt.html")]
struct Page {
    style: &'static str,
    language: Language,
    id: String,
    /// How far it has come, in words.
    state: &'static str,
    /// Whether a later look may show more.
    under_way: bool,
    /// Whether there is something to save.
    signed: bool,
    steps: Vec<Step>,
    /// What was held, by kind, and how many of each; once it is known.
    held: Option<Vec<(String, u64)>>,
}

/// A step that was taken, or from when on something holds.
struct Step {
    name: &'static str,
    /// The time as programs read it.
    stamp: String,
    /// The time as people read it, in Japan.
    minute: String,
    meaning: &'static str,
}

/// `GET /receipts/{id}`. Of an id that is well formed nobody can say whether it is wrong or
/// its first step is not taken yet.
pub(crate) async fn show(
    State(form): State<Arc<Form>>,
    id: Result<Path<String>, PathRejection>,
    asked: Result<Query<Asked>, QueryRejection>,
    headers: HeaderMap,
) -> Response {
    let asked = asked.ok().and_then(|Query(asked)| asked.lang);
    let language = pages::language(asked.as_deref(), &headers);
    let Ok(Path(id)) = id else { return form.not_found(language) };
    let (id, program) = match id.strip_suffix(".json") {
        Some(id) => (id, true),
        None => (id.as_str(), false),
    };
    let Ok(id) = ReceiptId::parse(id) else {
        return if program { NO_RECEIPT.into_response() } else { form.not_found(language) };
    };
    match form.audit.receipt(id).await {
        Ok(Some(signed)) if program => file(&signed),
        Ok(None) if program => NO_RECEIPT.into_response(),
        Ok(found) => form.passing_page(&page(id, found.map(|signed| signed.receipt), language)),
        Err(error) => {
            // Without the id: who reads the log must not be able to open the page.
            tracing::error!(event = "receipt_not_read", %error, "a receipt could not be read");
            if program { UNAVAILABLE.into_response() } else { form.unavailable(language) }
        }
    }
}

/// The signed receipt, to be saved.
fn file(signed: &SignedReceipt) -> Response {
    let name = format!("attachment; filename=\"receipt-{}.json\"", signed.receipt.id);
    let headers = [
        (header::CONTENT_TYPE, "application/json; charset=utf-8"),
        (header::CONTENT_DISPOSITION, name.as_str()),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (StatusCode::OK, headers, signed.to_file()).into_response()
}

fn page(id: ReceiptId, found: Option<Receipt>, language: Language) -> Page {
    let reached = found.as_ref().map(|receipt| receipt.state);
    Page {
        style: STYLE,
        language,
        id: id.to_string(),
        state: state_words(reached, language),
        under_way: match reached {
            None | Some(receipt::State::Restricted | receipt::State::Unreachable) => true,
            Some(receipt::State::Erased | receipt::State::Revoked) => false,
        },
        signed: reached.is_some(),
        steps: found.as_ref().map(|receipt| steps(receipt, language)).unwrap_or_default(),
        held: found.and_then(|receipt| receipt.held).map(|held| {
            let line = |(kind, number): (String, u64)| (language.of_text(&kind_words(&kind)).to_owned(), number);
            held.into_iter().map(line).collect()
        }),
    }
}

fn state_words(reached: Option<receipt::State>, language: Language) -> &'static str {
    let (ja, en) = match reached {
        None => (
            "受け付けたばかりか、番号が正しくないかのどちらかです。1分ほどたってから、もう一度この画面を開いてください。",
            "It was received just now, or the number is not right. Please open this page again in about a minute.",
        ),
        Some(receipt::State::Restricted) => (
            "消去の手続き中です。お預かりしているものは、もうだれにも開けません。このあと、鍵を破棄し、すべてを消去します。",
            "The erasure is under way. Nobody can open what we hold any more. Next, its key is destroyed and everything is deleted.",
        ),
        Some(receipt::State::Unreachable) => (
            "消去の手続き中です。鍵を破棄したので、お預かりしていたものは、もう読めません。残りを消去しています。",
            "The erasure is under way. The key is destroyed, so what we held can no longer be read. What is left of it is being deleted.",
        ),
        Some(receipt::State::Erased) => (
            "消去が終わりました。鍵を破棄し、お預かりしていたものをすべて消去しました。",
            "The erasure is done. The key is destroyed, and everything we held is deleted.",
        ),
        Some(receipt::State::Revoked) => (
            "消去は取りやめになりました。あとから「同意する」を選ばれたためです。何も失われていません。",
            "The erasure was called off, because you chose to agree after all. Nothing was lost.",
        ),
    };
    language.pick(ja, en)
}

/// The steps that were taken, in their order.
fn steps(receipt: &Receipt, language: Language) -> Vec<Step> {
    let asked = match receipt.ground.0 {
        Ground::Refused => ("「同意しない」を選ばれました。", "You chose not to agree."),
        Ground::Asked | Ground::Blocked | Ground::ContactDue => {
            ("消去のお申し出がありました。", "The erasure was asked for.")
        }
    };
    let closed = match receipt.revoked_at {
        None => ("ここから先は、だれも開けません。", "From here on nobody can open it."),
        Some(_) => ("取りやめまで、だれも開けませんでした。", "Until it was called off, nobody could open it."),
    };
    let all = [
        (Some(receipt.requested_at), ("お申し出", "Asked for"), asked),
        (Some(receipt.restricted_at), ("開封の停止", "Closed"), closed),
        (receipt.revoked_at, ("取りやめ", "Called off"), ("「同意する」を選ばれました。", "You chose to agree.")),
        (
            receipt.unreachable_at,
            ("鍵の破棄", "Key destroyed"),
            (
                "ここから先は、どこかに残っていても読めません。",
                "From here on it cannot be read, wherever a part of it may be left.",
            ),
        ),
        (
            receipt.erased_at,
            ("消去の完了", "Deleted"),
            ("残りもすべて消去しました。", "The rest of it is deleted, too."),
        ),
        (
            receipt.unrecoverable_at,
            ("バックアップからも復元できなくなる日時", "Beyond every backup"),
            (
                "それまでは、システムの管理者がバックアップを戻すと、鍵が元に戻る可能性があります。そのあとは、だれにも戻せません。",
                "Until then, whoever administers the system could bring the key back from a backup. After that nobody can.",
            ),
        ),
    ];
    let step = |(at, name, meaning): (Option<UnixMs>, Words, Words)| {
        let at = at?;
        Some(Step {
            name: language.pick(name.0, name.1),
            stamp: at.to_string(),
            minute: at.tokyo_minute(),
            meaning: language.pick(meaning.0, meaning.1),
        })
    };
    all.into_iter().filter_map(step).collect()
}
