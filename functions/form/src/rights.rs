//! `GET` and `POST /forms/rights/{channel}`: what people ask, inside LINE, of what is held
//! about them (個人情報保護法 §§34, 35): to have all of it erased, to take back the consent to
//! one purpose, to have something corrected or its use stopped. It is asked once more before
//! anything is done, and nothing is stored between.

mod body;
pub(crate) mod carry_out;
pub(crate) mod questions;

use std::sync::Arc;

use axum::{
    extract::{
        Path, State,
        rejection::{BytesRejection, PathRejection},
    },
    response::{IntoResponse, Response},
};
use azukari::{
    domain::{
        definition::PurposeTerms,
        form::{
            notice,
            sheet::{About, Sheet},
        },
        id::{ChannelName, LineUserId},
        language::Language,
        time::UnixMs,
    },
    host::{
        pages,
        problem::Problem,
        published::{self, Channel, ChannelError},
        rights,
    },
    seal::notice::{Shown, digest},
    store::StoreError,
};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::json;

use crate::{
    Form,
    answer::{Refusal, json_answer},
    form::{Again, AskedQuery, NotFound, UNAVAILABLE, count_refusal, language_of, receive},
    sent::{Sent, Speech, Step, speech},
    sheet_page::{Filling, rights as page},
    sheet_words::Trouble,
};
use carry_out::{Asking, Done};
use questions::{DETAILS, STOP_DETAILS, Wish, questions, wish};

/// The folder of these pages among those of the forms.
pub(crate) const FOLDER: &str = "rights/";

const NO_PAGE: Problem =
    Problem::new(StatusCode::NOT_FOUND, "このお手続きのページはありません。", "There is no such page.");
const NOT_READ: Problem = Problem::new(
    StatusCode::BAD_REQUEST,
    "フォームの形式（application/x-www-form-urlencoded）か、{\"notice\",\"what\",\"purpose\",\"details\",\"step\"}のJSONで送ってください。",
    "Send it as application/x-www-form-urlencoded, or as JSON with notice, what, purpose, details and step.",
)
.with_code("not_read");

/// The page of a channel.
pub(crate) struct Place {
    channel: Arc<Channel>,
    /// The LIFF app in which it opens.
    pub(crate) liff_id: String,
    /// For which purposes consent can be taken back.
    purposes: Vec<PurposeTerms>,
    /// What it asks.
    form: published::Form,
}

/// `GET /forms/rights/{channel}`.
pub(crate) async fn show(
    State(form): State<Arc<Form>>,
    name: Result<Path<String>, PathRejection>,
    asked: AskedQuery,
    headers: HeaderMap,
) -> Response {
    let language = language_of(&asked, &headers);
    let Ok(Path(name)) = name else { return form.not_found(language) };
    let now = form.intake.ctx.now();
    match form.rights_place(&name, now).await {
        Ok(Some(place)) => {
            let sheet = Sheet::default();
            let again = Again { language, sheet: &sheet, notice: "", refusal: None };
            form.fill(&place.form, &place.liff_id, &again, now)
        }
        Ok(None) => form.not_found(language),
        Err(NotFound) => form.unavailable(language),
    }
}

/// `POST /forms/rights/{channel}`.
pub(crate) async fn send(
    State(form): State<Arc<Form>>,
    name: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let language = pages::language(None, &headers);
    let speech = speech(&headers);
    let program = speech != Some(Speech::Html);
    let now = form.intake.ctx.now();
    let place = match &name {
        Ok(Path(name)) => form.rights_place(name, now).await,
        Err(_) => Ok(None),
    };
    let place = match place {
        Ok(Some(place)) => place,
        Ok(None) if program => return NO_PAGE.into_response(),
        Ok(None) => return form.not_found(language),
        Err(NotFound) if program => return UNAVAILABLE.into_response(),
        Err(NotFound) => return form.unavailable(language),
    };
    let metrics = form.intake.ctx.metrics();
    let sent = match receive(&form, speech, &headers, body, body::read) {
        Ok(sent) => sent,
        Err(refusal) => {
            metrics.count("form_refused", refusal.code());
            return match refusal {
                Refusal::NotRead if program => NOT_READ.into_response(),
                refusal if program => refusal.to_problem(),
                refusal => form.refused(language, refusal.status(), refusal.text(language)),
            };
        }
    };
    let language = sent.language.unwrap_or(language);
    match form.ask(&place, &sent, now).await {
        Ok(Asked::Edit) => {
            let again = Again { language, sheet: &sent.sheet, notice: &sent.notice, refusal: None };
            form.fill(&place.form, &place.liff_id, &again, now)
        }
        Ok(Asked::Confirm(wish)) if program => json_answer(&json!({"status": "confirmed", "what": wish.as_str()})),
        Ok(Asked::Confirm(wish)) => form.ask_again(&place, &wish, language, &sent, now),
        Ok(Asked::Done(wish, done)) => {
            let word = if matches!(done, Done::NothingHeld) { done.status() } else { wish.as_str() };
            metrics.count("form_rights", word);
            if program {
                json_answer(&told(&wish, &done))
            } else {
                let page = page::done(&place.form.definition, language, &done, &form.scripts());
                form.form_page(StatusCode::OK, page)
            }
        }
        Err(refusal) if program => {
            count_refusal(&form, &refusal);
            for_program(refusal).to_problem()
        }
        Err(refusal) => {
            count_refusal(&form, &refusal);
            let again = Again { language, sheet: &sent.sheet, notice: &sent.notice, refusal: Some(&refusal) };
            form.fill(&place.form, &place.liff_id, &again, now)
        }
    }
}

/// What a program is told of what was done.
fn told(wish: &Wish, done: &Done) -> serde_json::Value {
    let mut body = json!({"status": done.status(), "what": wish.as_str()});
    if let Done::Erasing(receipt) = done {
        body["receipt"] = json!(receipt.to_string());
    }
    body
}

/// A program knows one field of words.
fn for_program(mut refusal: Refusal) -> Refusal {
    if let Refusal::Problems(problems) = &mut refusal {
        for problem in problems.iter_mut().filter(|it| it.about == About::Field(STOP_DETAILS.to_owned())) {
            problem.about = About::Field(DETAILS.to_owned());
        }
    }
    refusal
}

/// How far a wish has come.
enum Asked {
    /// To be changed.
    Edit,
    /// To be asked once more.
    Confirm(Wish),
    /// Carried out.
    Done(Wish, Done),
}

impl Form {
    /// The page of a channel. `None` if there is no such channel, or it opens nothing in LINE.
    pub(crate) async fn rights_place(&self, name: &str, now: UnixMs) -> Result<Option<Place>, NotFound> {
        let Ok(name) = ChannelName::parse(name) else { return Ok(None) };
        let vault = &self.intake.vault;
        let channel = match self.channels.channel(vault, &name, now).await {
            Ok(channel) => channel,
            Err(ChannelError::NotPublished) => return Ok(None),
            Err(error) => {
                let channel = self.configured(&name);
                tracing::error!(event = "channel_not_loaded", %error, channel, "a channel could not be loaded");
                return Err(NotFound);
            }
        };
        let Some(liff_id) = channel.definition.liff_id.clone() else { return Ok(None) };
        let failed = |error: StoreError| {
            tracing::error!(event = "policy_not_loaded", %error, channel = %name, "a policy could not be loaded");
            NotFound
        };
        let policy = self.policies.version(vault, &channel.policy).await.map_err(failed)?;
        let purposes = rights::purposes(&self.policies, vault, &channel).await.map_err(failed)?;
        let business = policy.as_ref().and_then(|policy| policy.business.as_ref());
        let form = questions(&channel, business, &purposes);
        Ok(Some(Place { channel, liff_id, purposes, form }))
    }

    /// What is to be done with what was sent, and does it if it was asked again.
    async fn ask(&self, place: &Place, sent: &Sent, now: UnixMs) -> Result<Asked, Refusal> {
        if sent.step == Step::Edit {
            return Ok(Asked::Edit);
        }
        let shown = self.notice.read(&sent.notice, now)?;
        self.still_so(place, &shown)?;
        let user: LineUserId = self.sender(&place.channel.name, sent.id_token.as_ref(), now).await?;
        let wish = wish(&place.form.definition, &sent.sheet, &place.purposes, now.tokyo_day());
        let wish = wish.map_err(Refusal::Problems)?;
        let asking = Asking { function: self, place, shown: &shown, user: &user, wish: &wish, now };
        if sent.step == Step::Confirm {
            let admitted = asking.admitted().await?.is_some();
            return Ok(if admitted { Asked::Confirm(wish) } else { Asked::Done(wish, Done::NothingHeld) });
        }
        let done = asking.carry_out().await?;
        Ok(Asked::Done(wish, done))
    }

    /// Whether what was shown is this page, and still what it says.
    fn still_so(&self, place: &Place, shown: &Shown) -> Result<(), Refusal> {
        let form = &place.form;
        if shown.form.id != form.version.id {
            return Err(Refusal::Forged);
        }
        let words = digest(&notice::words(&form.definition, shown.language));
        if shown.form != form.version || shown.policy != form.policy || shown.words != words {
            return Err(Refusal::Trouble(Trouble::NoticeExpired));
        }
        Ok(())
    }

    /// The page that asks once more.
    fn ask_again(&self, place: &Place, wish: &Wish, language: Language, sent: &Sent, now: UnixMs) -> Response {
        let definition = &place.form.definition;
        let filling = Filling {
            form: definition,
            language,
            notice: &sent.notice,
            words: &digest(&notice::words(definition, language)),
            sheet: &sent.sheet,
            problems: &[],
            trouble: None,
            liff_id: &place.liff_id,
            scripts: self.scripts(),
            liff_url: &self.liff_url(&place.liff_id, &place.form),
            today: now.tokyo_day(),
        };
        self.form_page(StatusCode::OK, page::confirm(&filling, wish))
    }
}
