//! `GET` and `POST /forms/{form}`: the page, the form as JSON, and what comes back.

use std::sync::Arc;

use axum::{
    extract::{
        Path, Query, State,
        rejection::{BytesRejection, PathRejection, QueryRejection},
    },
    response::{IntoResponse, Response},
};
use azukari::{
    domain::{
        form::{
            FormDefinition, notice,
            sheet::{self, Decision, Sheet},
        },
        id::VersionId,
        language::Language,
        time::UnixMs,
    },
    host::{pages, published},
    seal::notice::{Shown, digest},
};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    Form,
    answer::{Refusal, json_answer},
    rights,
    sent::{NotRead, Sent, Speech, Step, speech},
    sheet_page::{self, Filling, Scripts},
    sheet_words::Trouble,
    submit::Taken,
};

/// What the query may say.
#[derive(Deserialize)]
pub(crate) struct Asked {
    lang: Option<String>,
    /// Where LINE's SDK is to lead to, when LINE opens the folder of the forms
    /// (PLATFORM.md §7, "primary redirect").
    #[serde(rename = "liff.state")]
    liff_state: Option<String>,
}

pub(crate) type AskedQuery = Result<Query<Asked>, QueryRejection>;

/// The language in which somebody is answered.
pub(crate) fn language_of(asked: &AskedQuery, headers: &HeaderMap) -> Language {
    pages::language(asked.as_ref().ok().and_then(|asked| asked.lang.as_deref()), headers)
}

/// `GET /forms`: LINE opens it first, and its SDK leads on to the form, or to the page of
/// rights of a channel.
pub(crate) async fn open(State(form): State<Arc<Form>>, asked: AskedQuery, headers: HeaderMap) -> Response {
    let language = language_of(&asked, &headers);
    let state = asked.as_ref().ok().and_then(|asked| asked.liff_state.as_deref());
    let page = state.and_then(|state| state.strip_prefix('/')).unwrap_or_default();
    let page = page.split(['?', '#']).next().unwrap_or_default();
    let now = form.intake.ctx.now();
    let liff_id = match page.strip_prefix(rights::FOLDER) {
        Some(channel) => form.rights_place(channel, now).await.map(|place| place.map(|place| place.liff_id)),
        None => {
            let name = page.split('/').next().unwrap_or_default();
            form.find(name, now).await.map(|found| found.map(|(_, liff_id)| liff_id))
        }
    };
    match liff_id {
        Ok(Some(liff_id)) => form.lead_on(language, &liff_id),
        Ok(None) => form.not_found(language),
        Err(NotFound) => form.unavailable(language),
    }
}

/// `GET /forms/{form}`, and with `.json` behind it the form for programs.
pub(crate) async fn show(
    State(form): State<Arc<Form>>,
    name: Result<Path<String>, PathRejection>,
    asked: AskedQuery,
    headers: HeaderMap,
) -> Response {
    let language = language_of(&asked, &headers);
    let Ok(Path(name)) = name else { return form.not_found(language) };
    let (name, program) = match name.strip_suffix(".json") {
        Some(name) => (name, true),
        None => (name.as_str(), false),
    };
    let now = form.intake.ctx.now();
    match form.find(name, now).await {
        Ok(Some((found, _))) if program => {
            let (shown, words) = form.shown(&found, language, now);
            json_answer(&for_programs(&found, language, &form.notice.issue(&shown), words))
        }
        Ok(Some((found, liff_id))) => {
            let sheet = Sheet::default();
            form.fill(&found, &liff_id, &Again { language, sheet: &sheet, notice: "", refusal: None }, now)
        }
        Ok(None) if program => NO_FORM.into_response(),
        Ok(None) => form.not_found(language),
        Err(NotFound) if program => UNAVAILABLE.into_response(),
        Err(NotFound) => form.unavailable(language),
    }
}

const NO_FORM: azukari::host::problem::Problem =
    azukari::host::problem::Problem::new(StatusCode::NOT_FOUND, "このフォームはありません。", "There is no such form.");
pub(crate) const UNAVAILABLE: azukari::host::problem::Problem = azukari::host::problem::Problem::new(
    StatusCode::SERVICE_UNAVAILABLE,
    "ただいま受け付けられません。しばらくしてから、もう一度お試しください。",
    "It cannot be taken now. Please try again in a little while.",
);

/// `POST /forms/{form}`.
pub(crate) async fn send(
    State(form): State<Arc<Form>>,
    name: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let language = pages::language(None, &headers);
    // Without a type that is known, whoever sends it is told as a program is.
    let speech = speech(&headers);
    let program = speech != Some(Speech::Html);
    let now = form.intake.ctx.now();
    let found = match &name {
        Ok(Path(name)) => form.find(name, now).await,
        Err(_) => Ok(None),
    };
    let (current, liff_id) = match found {
        Ok(Some(found)) => found,
        Ok(None) if program => return NO_FORM.into_response(),
        Ok(None) => return form.not_found(language),
        Err(NotFound) if program => return UNAVAILABLE.into_response(),
        Err(NotFound) => return form.unavailable(language),
    };
    let metrics = form.intake.ctx.metrics();
    let sent = match receive(&form, speech, &headers, body, Sent::read) {
        Ok(sent) => sent,
        Err(refusal) => {
            metrics.count("form_refused", refusal.code());
            let page = || form.refused(language, refusal.status(), refusal.text(language));
            return if program { refusal.to_problem() } else { page() };
        }
    };
    let language = sent.language.unwrap_or(language);
    let outcome = form.decide(&current, &sent, now).await;
    match outcome {
        Ok(Decided::Edit(found)) => {
            let again = Again { language, sheet: &sent.sheet, notice: &sent.notice, refusal: None };
            form.fill(&found, &liff_id, &again, now)
        }
        Ok(Decided::Confirm(found)) if program => {
            json_answer(&json!({"status": "confirmed", "form": found.definition.name}))
        }
        Ok(Decided::Confirm(found)) => form.confirm(&found, &liff_id, language, &sent, now),
        Ok(Decided::Taken(found, taken, decisions)) => {
            metrics.count("form_taken", if taken == Taken::Now { "now" } else { "before" });
            if program {
                let status = if taken == Taken::Now { "accepted" } else { "already_accepted" };
                json_answer(&json!({"status": status, "form": found.definition.name}))
            } else {
                let already = taken == Taken::Before;
                // What was decided now was not stored.
                let decisions = if already { Vec::new() } else { decisions };
                let page = sheet_page::thanks(&found.definition, language, &decisions, already, &form.scripts());
                form.form_page(StatusCode::OK, page)
            }
        }
        Err((_, refusal)) if program => {
            count_refusal(&form, &refusal);
            refusal.to_problem()
        }
        Err((found, refusal)) => {
            count_refusal(&form, &refusal);
            let again = Again { language, sheet: &sent.sheet, notice: &sent.notice, refusal: Some(&refusal) };
            form.fill(found.as_deref().unwrap_or(&current), &liff_id, &again, now)
        }
    }
}

/// Counts why something was not taken.
pub(crate) fn count_refusal(form: &Form, refusal: &Refusal) {
    let metrics = form.intake.ctx.metrics();
    metrics.count("form_refused", refusal.code());
    if let Refusal::Problems(problems) = refusal {
        for problem in problems.iter().filter(|problem| matches!(problem.fault.code, "card" | "my_number")) {
            metrics.count("guard", problem.fault.code);
        }
    }
}

/// How a body is read.
type Read = fn(Speech, &HeaderMap, &[u8]) -> Result<Sent, NotRead>;

/// Takes the body in, if it may come from where it comes from.
pub(crate) fn receive(
    form: &Form,
    speech: Option<Speech>,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
    read: Read,
) -> Result<Sent, Refusal> {
    // Nothing here is done on the strength of a cookie, and still.
    if pages::comes_from_elsewhere(headers, &form.origin) {
        return Err(Refusal::OtherSite);
    }
    let speech = speech.ok_or(Refusal::NotRead)?;
    let body = body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Refusal::Trouble(Trouble::TooLarge),
        _ => Refusal::NotRead,
    })?;
    read(speech, headers, &body).map_err(|_| Refusal::NotRead)
}

/// What is to be done with a form that was sent.
enum Decided {
    Edit(Arc<published::Form>),
    Confirm(Arc<published::Form>),
    Taken(Arc<published::Form>, Taken, Vec<Decision>),
}

/// A refusal, and the form version that it is about, if it is known.
type Refused = (Option<Arc<published::Form>>, Refusal);

/// A page to fill in, with what was filled in before.
pub(crate) struct Again<'a> {
    pub(crate) language: Language,
    pub(crate) sheet: &'a Sheet,
    /// The notice that it was filled in under.
    pub(crate) notice: &'a str,
    pub(crate) refusal: Option<&'a Refusal>,
}

/// The store did not answer.
pub(crate) struct NotFound;

impl Form {
    /// A form by its name, and the LIFF app in which it opens.
    async fn find(&self, name: &str, now: UnixMs) -> Result<Option<(Arc<published::Form>, String)>, NotFound> {
        if !is_name(name) {
            return Ok(None);
        }
        let vault = &self.intake.vault;
        let form = self.forms.current(vault, name, now).await.map_err(|error| {
            tracing::error!(event = "form_not_loaded", %error, "a form could not be loaded");
            NotFound
        })?;
        let Some(form) = form else { return Ok(None) };
        let channel = self.channels.channel(vault, &form.channel, now).await.map_err(|error| {
            tracing::error!(
                event = "channel_not_loaded",
                %error,
                channel = %form.channel,
                "a channel could not be loaded"
            );
            NotFound
        })?;
        // A form that was taken out of the configuration is closed.
        if !channel.definition.forms.iter().any(|open| open == name) {
            return Ok(None);
        }
        let liff_id = channel.definition.liff_id.clone().unwrap_or_default();
        Ok(Some((form, liff_id)))
    }

    /// What a page shows now, and its words.
    fn shown(&self, form: &published::Form, language: Language, now: UnixMs) -> (Shown, Vec<String>) {
        let words = notice::words(&form.definition, language);
        let id: [u8; 16] = self.intake.ctx.mint().bytes();
        let shown = Shown {
            form: form.version.clone(),
            policy: form.policy.clone(),
            words: digest(&words),
            language,
            at: now,
            id: id.iter().map(|byte| format!("{byte:02x}")).collect(),
        };
        (shown, words)
    }

    /// Decides what becomes of a form that was sent.
    async fn decide(&self, current: &Arc<published::Form>, sent: &Sent, now: UnixMs) -> Result<Decided, Refused> {
        if sent.step == Step::Edit {
            // What was being looked over, as long as it may still be sent.
            let shown = self.notice.read(&sent.notice, now).ok().filter(|shown| shown.form.id == current.version.id);
            let form = match shown {
                Some(shown) => self.version(current, &shown.form).await?,
                None => Arc::clone(current),
            };
            return Ok(Decided::Edit(form));
        }
        let shown = self.notice.read(&sent.notice, now).map_err(|error| (None, Refusal::from(error)))?;
        // What was shown counts, though a newer version may be in force by now.
        let form = self.version(current, &shown.form).await?;
        let refused = |refusal| (Some(Arc::clone(&form)), refusal);
        let user = self.sender(&form.channel, sent.id_token.as_ref(), now).await.map_err(refused)?;
        let accepted = sheet::check(&form.definition, &sent.sheet, now.tokyo_day());
        let accepted = accepted.map_err(|problems| refused(Refusal::Problems(problems)))?;
        if sent.step == Step::Confirm {
            return Ok(Decided::Confirm(form));
        }
        let decisions = accepted.decisions.clone();
        let taken = self.take(&form, &shown, &user, accepted, now).await;
        taken.map(|taken| Decided::Taken(Arc::clone(&form), taken, decisions)).map_err(refused)
    }

    async fn version(
        &self,
        current: &Arc<published::Form>,
        shown: &VersionId,
    ) -> Result<Arc<published::Form>, Refused> {
        if *shown == current.version {
            return Ok(Arc::clone(current));
        }
        if shown.id != current.version.id {
            return Err((None, Refusal::Forged));
        }
        match self.forms.version(&self.intake.vault, shown).await {
            Ok(Some(form)) => Ok(form),
            Ok(None) => Err((None, Refusal::Trouble(Trouble::NoticeExpired))),
            Err(error) => {
                tracing::error!(event = "form_not_loaded", %error, "a form version could not be loaded");
                Err((None, Refusal::Trouble(Trouble::Unavailable)))
            }
        }
    }

    /// The page to fill in. The notice under which it was filled in stays, as long as it
    /// holds and the words are the same; otherwise it is shown anew, and what was ticked
    /// beside other words is ticked no more.
    pub(crate) fn fill(&self, form: &published::Form, liff_id: &str, again: &Again<'_>, now: UnixMs) -> Response {
        let (shown, _) = self.shown(form, again.language, now);
        let same_words = self.notice.words(again.notice).is_some_and(|words| words == shown.words);
        let (problems, trouble) = match again.refusal {
            Some(Refusal::Problems(problems)) => (problems.as_slice(), None),
            Some(Refusal::Trouble(trouble)) => (&[][..], Some(*trouble)),
            Some(Refusal::Forged) => (&[][..], Some(Trouble::NoticeExpired)),
            Some(Refusal::NotRead | Refusal::OtherSite) | None => (&[][..], None),
        };
        let holds = self.notice.read(again.notice, now).is_ok_and(|read| read.form == shown.form);
        let notice = if same_words && holds && trouble != Some(Trouble::NoticeExpired) {
            again.notice.to_owned()
        } else {
            self.notice.issue(&shown)
        };
        let mut sheet = again.sheet.clone();
        if !same_words {
            sheet.consents.clear();
        }
        let status = again.refusal.map_or(StatusCode::OK, Refusal::status);
        let filling = Filling {
            form: &form.definition,
            language: again.language,
            notice: &notice,
            words: &shown.words,
            sheet: &sheet,
            problems,
            trouble,
            liff_id,
            scripts: Scripts { plugin: self.liff_plugin.as_deref(), ..self.scripts() },
            liff_url: &self.liff_url(liff_id, form),
            today: now.tokyo_day(),
        };
        self.form_page(status, filling.fill())
    }

    /// The page to look over: what was shown first still counts, and what will be kept is
    /// what is shown.
    fn confirm(&self, form: &published::Form, liff_id: &str, language: Language, sent: &Sent, now: UnixMs) -> Response {
        let filling = Filling {
            form: &form.definition,
            language,
            notice: &sent.notice,
            words: &digest(&notice::words(&form.definition, language)),
            sheet: &sheet::uniform(&form.definition, &sent.sheet, now.tokyo_day()),
            problems: &[],
            trouble: None,
            liff_id,
            scripts: self.scripts(),
            liff_url: &self.liff_url(liff_id, form),
            today: now.tokyo_day(),
        };
        self.form_page(StatusCode::OK, filling.confirm())
    }

    /// Scripts of LINE's that pages load on which nothing is filled in.
    pub(crate) fn scripts(&self) -> Scripts<'_> {
        Scripts { sdk: &self.liff_sdk, plugin: None }
    }

    /// The address that opens a form in LINE.
    pub(crate) fn liff_url(&self, liff_id: &str, form: &published::Form) -> String {
        format!("{}/{liff_id}/{}", self.liff_base, form.definition.name)
    }
}

/// A form as programs see it: names instead of opaque ids, and the notice to send back.
fn for_programs(form: &published::Form, language: Language, notice: &str, words: Vec<String>) -> Value {
    let FormDefinition { name, channel, policy, title, description, business, thanks, anonymous, .. } =
        &form.definition;
    let purpose_name = |id| form.definition.purpose(id).map(|purpose| purpose.terms.name.clone());
    let sections: Vec<Value> = form
        .definition
        .sections
        .iter()
        .map(|section| {
            let fields: Vec<Value> = section
                .fields
                .iter()
                .map(|field| {
                    let mut value = serde_json::to_value(field).unwrap_or_default();
                    value["purpose"] = json!(field.purpose.as_ref().and_then(purpose_name));
                    let parts: Vec<&str> =
                        field.kind.parts().iter().map(|part| part.name).filter(|name| !name.is_empty()).collect();
                    value["parts"] = json!(parts);
                    value
                })
                .collect();
            json!({"title": section.title, "fields": fields})
        })
        .collect();
    let purposes: Vec<Value> = form
        .definition
        .purposes
        .iter()
        .map(|purpose| {
            json!({
                "name": purpose.terms.name,
                "title": purpose.terms.title,
                "retention": purpose.terms.retention,
                "retention_words": purpose.terms.retention.words(),
                "required": purpose.required,
                "sensitive": purpose.sensitive,
            })
        })
        .collect();
    json!({
        "name": name, "version": form.version.to_string(), "channel": channel, "policy": policy, "title": title,
        "description": description, "business": business, "sections": sections, "purposes": purposes,
        "thanks": thanks, "anonymous": anonymous, "language": language.tag(), "words": words, "notice": notice,
    })
}

fn is_name(name: &str) -> bool {
    (1..=40).contains(&name.len()) && name.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}
