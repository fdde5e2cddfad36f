//! What the account says: one reply for each person and webhook, after everything that
//! matters is stored, within the time that is left. Best effort: what could not be said
//! is counted, and the notice is tried again at the next event.

use std::fmt::Write;

use azukari::{
    domain::{
        consent::Answer,
        definition::{FormLink, PurposeTerms, keyword},
        guard::Found,
        notice::{self, Attempt, NoticeKind},
        person::Person,
        plain::Plain,
        receipt::ReceiptId,
        rights::Wish,
        wording::{FORM, LinkWording, MAX_QUESTION, NUMBER, POLICY_URL, PURPOSE, RightsWording, Wording, units},
    },
    host::people::{Known, PeopleError},
    line::{
        client::{self, LineError},
        event::ReplyToken,
        outgoing::{Action, OutgoingMessage},
    },
};
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use crate::{
    arrival::Arrival,
    linking::{LinkNews, UNLINK},
    rights::RightsNews,
    visit::Visit,
};

/// What is to be said to one person.
#[derive(Debug, Default)]
pub(crate) struct ToSay {
    /// An answer to the notice was stored: 同意する, or not.
    pub(crate) answered: Option<bool>,
    /// 同意しない came from somebody of whom nothing is held.
    pub(crate) nothing_held: bool,
    /// A message was not kept.
    pub(crate) not_kept: bool,
    /// What was taken out of the messages.
    pub(crate) found: Vec<Found>,
    /// The notice that is due.
    pub(crate) notice: Option<NoticeKind>,
    /// The form that they have asked for by a keyword.
    pub(crate) form: Option<FormLink>,
    /// What there is to say about linking.
    pub(crate) link: Option<LinkNews>,
    /// What there is to say to what they ask of what is held.
    pub(crate) rights: Option<RightsNews>,
    /// The receipt of the erasure that 同意しない has ordered.
    pub(crate) receipt: Option<ReceiptId>,
}

/// The token to reply with: that of the newest event that has one.
pub(crate) fn token<'a>(arrivals: impl IntoIterator<Item = &'a Arrival>) -> Option<&'a ReplyToken> {
    let with_token = arrivals.into_iter().filter_map(|arrival| Some((arrival.event.at, arrival.event.reply.as_ref()?)));
    with_token.max_by_key(|(at, _)| *at).map(|(_, token)| token)
}

/// Which notice is due to somebody, if there is a way to show it. The attempt is stored
/// first: of two events at the same time one shows it.
pub(crate) async fn attempt_notice(
    visit: &Visit<'_>,
    known: Known,
) -> Result<(Known, Option<NoticeKind>), PeopleError> {
    let Some(kind) = notice::due(&known.person, &visit.channel.policy, visit.now) else { return Ok((known, None)) };
    let person = Person { attempt: Some(attempt(visit)), ..known.person.clone() };
    let written = visit.intake.vault.put_mapping(&visit.pk, &known.mapping, &person).await?;
    match written.map(|mapping| visit.known(&mapping)).transpose()?.flatten() {
        Some(known) => Ok((known, Some(kind))),
        // Somebody else has changed it, and may be at it.
        None => {
            visit.forget();
            Ok((known, None))
        }
    }
}

/// An attempt that begins now.
pub(crate) fn attempt(visit: &Visit<'_>) -> Attempt {
    Attempt { policy: visit.channel.policy.to_string(), at: visit.now }
}

/// Says it. `true` if the notice was among it and LINE took it.
pub(crate) async fn say(
    visit: &Visit<'_>,
    to_say: &ToSay,
    token: Option<&ReplyToken>,
    retry_key: Option<&str>,
    access_token: &Plain<String>,
    until: Instant,
) -> bool {
    let Some(wording) = &visit.channel.definition.wording else { return false };
    let messages = messages(visit, wording, to_say);
    let metrics = visit.intake.ctx.metrics();
    let Some(token) = token.filter(|_| !messages.is_empty()) else { return false };
    let Ok(Ok(_permit)) = tokio::time::timeout_at(until, visit.webhook.calls_to_line.acquire()).await else {
        metrics.count("webhook_reply", "no_time");
        return false;
    };
    let line = &visit.webhook.line;
    let left = || until.saturating_duration_since(Instant::now());
    let mut result = line.reply(access_token, token, &messages, left()).await;
    let mut way = "replied";
    // The right to reply was used up or has run out. A notice that is due is worth one
    // of the month's messages; the rest is not.
    if let (Err(LineError::Status(400)), Some(kind), Some(key)) = (&result, to_say.notice, retry_key) {
        let notice = notice_in_words(visit, wording, kind);
        result = line.push(access_token, visit.user, key, &notice, left()).await;
        way = "pushed";
    }
    match result {
        Ok(()) => {
            metrics.count("webhook_reply", way);
            if let Some(kind) = to_say.notice {
                metrics.count("webhook_notice", notice_word(kind));
            }
            to_say.notice.is_some()
        }
        Err(error) => {
            metrics.count("webhook_reply", "failed");
            if error == LineError::Status(401) {
                metrics.count("webhook_alarm", "access_token");
            }
            tracing::warn!(event = "reply_not_taken", %error, "a reply was not taken");
            false
        }
    }
}

fn notice_word(kind: NoticeKind) -> &'static str {
    match kind {
        NoticeKind::First => "first",
        NoticeKind::Changed => "changed",
    }
}

/// A retry key of the notice of this policy version to this person: the same however
/// often it is tried.
pub(crate) fn retry_key(visit: &Visit<'_>, known: &Known) -> String {
    let hash = Sha256::digest(format!("azukari notice {} {}", known.key.subject(), visit.channel.policy));
    client::retry_key(&hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}

/// At most five, as LINE takes them at once: one of an answer, that nothing is held, that
/// a message was not kept, a form, linking, and what is held; two cautions; and the notice in
/// two. With 同意しない goes its receipt, and no notice.
fn messages(visit: &Visit<'_>, wording: &Wording, to_say: &ToSay) -> Vec<OutgoingMessage> {
    let mut all = Vec::new();
    let text = |text: &str| OutgoingMessage::text(filled(visit, text));
    if let Some(agreed) = to_say.answered {
        let words = filled(visit, if agreed { &wording.agreed } else { &wording.refused });
        all.push(OutgoingMessage::Text { text: words, quick_replies: vec![read(visit, wording)] });
    }
    if to_say.nothing_held && to_say.answered.is_none() {
        all.push(text(&wording.nothing_held));
    }
    if to_say.found.contains(&Found::Card) {
        all.push(text(&wording.card));
    }
    if to_say.found.iter().any(|found| matches!(found, Found::MyNumber | Found::MyNumberNamed)) {
        all.push(text(&wording.my_number));
    }
    all.extend(to_say.receipt.map(|id| receipt(visit, &wording.rights, &wording.rights.refused, id)));
    // Whoever asked for something by a keyword has been answered.
    let asked = to_say.form.is_some() || to_say.link.is_some() || to_say.rights.is_some();
    if to_say.not_kept && !to_say.nothing_held && !asked {
        all.push(text(&wording.not_kept));
    }
    let form = to_say.form.as_ref().filter(|_| to_say.answered.is_none() && !to_say.nothing_held);
    all.extend(form.and_then(|form| form_link(visit, wording, form)));
    let link = to_say.link.as_ref().filter(|_| form.is_none());
    all.extend(link.map(|news| about_link(visit, &wording.link, news)));
    let rights = to_say.rights.as_ref().filter(|_| form.is_none() && link.is_none());
    all.extend(rights.map(|news| about_rights(visit, &wording.rights, news)));
    if matches!(rights, Some(RightsNews::Erasing(_))) {
        return all;
    }
    // Whose message was not kept may have seen another version: an answer refers to the
    // words above it.
    let unasked = to_say.not_kept && !asked;
    if let Some(kind) = to_say.notice.or(unasked.then_some(NoticeKind::First)) {
        all.extend(notice_in_words(visit, wording, kind));
    }
    all
}

fn notice_in_words(visit: &Visit<'_>, wording: &Wording, kind: NoticeKind) -> [OutgoingMessage; 2] {
    let words = match kind {
        NoticeKind::First => &wording.notice,
        NoticeKind::Changed => &wording.notice_changed,
    };
    let words = filled(visit, words);
    let digest = digest(&words);
    [OutgoingMessage::text(words), question(visit, wording, digest)]
}

/// What an answer refers to: the words as they were sent, address and all.
fn digest(words: &str) -> String {
    Sha256::digest(words).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

fn question(visit: &Visit<'_>, wording: &Wording, notice: String) -> OutgoingMessage {
    let shown = visit.channel.policy.clone();
    let button = |agreed, label: &str| Action::Postback {
        label: label.to_owned(),
        data: Answer { agreed, shown: shown.clone(), notice: Some(notice.clone()) }.data(),
    };
    let form = visit.channel.definition.greeting_form.as_ref();
    let form = form.and_then(|form| Some(Action::Uri { label: form.title.clone(), uri: form_url(visit, form)? }));
    let mut actions = vec![button(true, &wording.agree), button(false, &wording.refuse), read(visit, wording)];
    actions.extend(form);
    OutgoingMessage::Buttons { alt: wording.question_alt.clone(), text: wording.question.clone(), actions }
}

/// The form that one of these texts asks for.
pub(crate) fn asked_form<'a>(visit: &Visit<'_>, arrivals: impl IntoIterator<Item = &'a Arrival>) -> Option<FormLink> {
    let keywords = &visit.channel.definition.keywords;
    if keywords.is_empty() {
        return None;
    }
    let wanted = arrivals.into_iter().filter_map(|arrival| arrival.text()).find_map(|text| {
        let text = keyword(text);
        keywords.iter().find(|keyword| keyword.words.contains(&text))
    });
    wanted.map(|keyword| keyword.form.clone())
}

fn form_link(visit: &Visit<'_>, wording: &Wording, form: &FormLink) -> Option<OutgoingMessage> {
    let text = wording.form_link.replace(FORM, &form.title);
    let open = Action::Uri { label: wording.form_open.clone(), uri: form_url(visit, form)? };
    Some(OutgoingMessage::Buttons { alt: text.clone(), text, actions: vec![open] })
}

/// What is said about linking.
fn about_link(visit: &Visit<'_>, wording: &LinkWording, news: &LinkNews) -> OutgoingMessage {
    let text = |text: &str| OutgoingMessage::text(filled(visit, text));
    match news {
        LinkNews::Offer(token) => {
            let token: String = form_urlencoded::byte_serialize(token.reveal().as_bytes()).collect();
            let uri = format!("{}/link/{}?linkToken={token}", visit.webhook.public_url, visit.channel.name);
            let open = Action::Uri { label: wording.open.clone(), uri };
            OutgoingMessage::Buttons { alt: wording.offer.clone(), text: wording.offer.clone(), actions: vec![open] }
        }
        LinkNews::AskToUnlink => {
            let unlink = Action::Postback { label: wording.unlink.clone(), data: UNLINK.to_owned() };
            let question = wording.unlink_question.clone();
            OutgoingMessage::Buttons { alt: question.clone(), text: question, actions: vec![unlink] }
        }
        LinkNews::Unavailable => text(&wording.unavailable),
        LinkNews::Linked => text(&wording.linked),
        LinkNews::Already => text(&wording.already),
        LinkNews::Refused => text(&wording.refused),
        LinkNews::Expired => text(&wording.expired),
        LinkNews::Unlinked => text(&wording.unlinked),
        LinkNews::NotLinked => text(&wording.not_linked),
    }
}

/// What is said to what people ask of what is held.
fn about_rights(visit: &Visit<'_>, wording: &RightsWording, news: &RightsNews) -> OutgoingMessage {
    let button = |label: &str, wish: Wish| Action::Postback { label: label.to_owned(), data: wish.data() };
    match news {
        RightsNews::AskToErase => {
            let text = wording.erase_question.clone();
            let actions = vec![button(&wording.erase, Wish::Erase(visit.now)), button(&wording.keep, Wish::Keep)];
            OutgoingMessage::Buttons { alt: text.clone(), text, actions }
        }
        RightsNews::Erasing(id) => receipt(visit, wording, &wording.erasing, *id),
        RightsNews::Kept => OutgoingMessage::text(filled(visit, &wording.kept)),
        RightsNews::NothingHeld => OutgoingMessage::text(filled(visit, &wording.nothing_held)),
        RightsNews::Purposes(all) => purposes(visit, wording, all),
        RightsNews::AskToWithdraw(terms) => {
            let title = wording.language.of_text(&terms.title);
            let text = shortened(&wording.withdraw_question, title, MAX_QUESTION);
            let yes = Wish::Withdraw(terms.id.clone(), visit.now);
            let actions = vec![button(&wording.withdraw, yes), button(&wording.keep, Wish::Keep)];
            OutgoingMessage::Buttons { alt: text.clone(), text, actions }
        }
        RightsNews::Withdrawn(terms) => {
            let words = wording.withdrawn.replace(PURPOSE, wording.language.of_text(&terms.title));
            OutgoingMessage::text(filled(visit, &words))
        }
        RightsNews::Page => {
            let open = Action::Uri { label: wording.page_open.clone(), uri: rights_url(visit) };
            let text = wording.page.clone();
            OutgoingMessage::Buttons { alt: text.clone(), text, actions: vec![open] }
        }
    }
}

/// Where something can be corrected or stopped: inside LINE, or, without an app there, what the
/// policy says about it.
fn rights_url(visit: &Visit<'_>) -> String {
    match &visit.channel.definition.liff_id {
        Some(app) => format!("{}/{app}/rights/{}", visit.webhook.liff_url, visit.channel.name),
        None => format!("{}#rights", policy_url(visit)),
    }
}

/// A text with the title of a purpose in it, which is cut where LINE would not take it.
fn shortened(text: &str, title: &str, longest: usize) -> String {
    let rest = units(&text.replace(PURPOSE, ""));
    let mut short = title.to_owned();
    while rest + units(&short) > longest && short.pop().is_some() {}
    text.replace(PURPOSE, &short)
}

/// The purposes by number, and a button for each: their titles may be too long for one.
fn purposes(visit: &Visit<'_>, wording: &RightsWording, all: &[PurposeTerms]) -> OutgoingMessage {
    let mut text = filled(visit, &wording.purposes);
    let mut quick_replies = Vec::with_capacity(all.len() + 1);
    for (n, terms) in all.iter().enumerate() {
        let (number, title) = (n + 1, wording.language.of_text(&terms.title));
        let kept = terms.retention.words();
        let _ = write!(text, "\n{number}. {title}（{}）", wording.language.of_text(&kept));
        let label = wording.withdraw_number.replace(NUMBER, &number.to_string());
        quick_replies.push(Action::Postback { label, data: Wish::AskToWithdraw(terms.id.clone()).data() });
    }
    let everything = Action::Postback { label: wording.erase_all.clone(), data: Wish::AskToErase.data() };
    quick_replies.push(everything);
    OutgoingMessage::Text { text, quick_replies }
}

/// A text above the way to a receipt.
fn receipt(visit: &Visit<'_>, wording: &RightsWording, text: &str, id: ReceiptId) -> OutgoingMessage {
    let uri = format!("{}/receipts/{id}", visit.webhook.public_url);
    let open = Action::Uri { label: wording.receipt.clone(), uri };
    OutgoingMessage::Buttons { alt: text.to_owned(), text: text.to_owned(), actions: vec![open] }
}

/// Where LINE opens a form.
fn form_url(visit: &Visit<'_>, form: &FormLink) -> Option<String> {
    let app = visit.channel.definition.liff_id.as_ref()?;
    Some(format!("{}/{app}/{}", visit.webhook.liff_url, form.name))
}

fn read(visit: &Visit<'_>, wording: &Wording) -> Action {
    Action::Uri { label: wording.read.clone(), uri: policy_url(visit) }
}

fn filled(visit: &Visit<'_>, text: &str) -> String {
    text.replace(POLICY_URL, &policy_url(visit))
}

fn policy_url(visit: &Visit<'_>) -> String {
    format!("{}/policy/{}", visit.webhook.public_url, visit.channel.name)
}
