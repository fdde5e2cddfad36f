//! 同意する and 同意しない: the newest answer counts, whatever the order of arrival.

use azukari::{
    domain::{
        consent::{Answer, Consent},
        id::DefinitionId,
        order::EventOrder,
        person::Person,
        receipt::ReceiptId,
        trace::TraceId,
    },
    host::people::{Known, PeopleError},
    store::{
        consent::{Answered, Notice},
        mapping::Mapping,
    },
};

use crate::visit::Visit;

/// An answer and its place among the events of the person.
#[derive(Debug, Clone)]
pub(crate) struct Given {
    pub(crate) answer: Answer,
    pub(crate) order: EventOrder,
}

/// What has become of the answers of one webhook.
pub(crate) enum Taken {
    /// The newest is stored, by this or an earlier delivery.
    Stored {
        known: Box<Known>,
        /// Whether it was this delivery.
        now: bool,
    },
    /// The mapping has changed meanwhile: read it again.
    Changed,
}

/// Answers that count: every 同意しない, and 同意する to a notice that named everything for
/// which something is kept now. Whoever agreed to less is shown the notice in force.
pub(crate) async fn that_count(visit: &Visit<'_>, answers: Vec<Given>) -> Result<Vec<Given>, PeopleError> {
    let mut count = Vec::with_capacity(answers.len());
    for given in answers {
        if !given.answer.agreed || named_everything(visit, &given.answer).await? {
            count.push(given);
        } else {
            visit.intake.ctx.metrics().count("webhook_consent", "outdated");
        }
    }
    Ok(count)
}

async fn named_everything(visit: &Visit<'_>, answer: &Answer) -> Result<bool, PeopleError> {
    if answer.shown == visit.channel.policy {
        return Ok(true);
    }
    let policy = visit.webhook.policies.version(&visit.intake.vault, &answer.shown).await?;
    Ok(policy.is_some_and(|policy| purposes(visit).into_iter().all(|purpose| policy.terms(purpose).is_some())))
}

/// Stores the answers of somebody who is known.
pub(crate) async fn take(
    visit: &Visit<'_>,
    mapping: &Mapping,
    known: Known,
    answers: &[Given],
) -> Result<Taken, PeopleError> {
    let Some(newest) = newest(answers) else {
        return Ok(Taken::Stored { known: Box::new(known), now: false });
    };
    let metrics = visit.intake.ctx.metrics();
    // What was said before the newest answer is only noted.
    let known_order = known.person.consent_order.as_ref();
    let latest = known_order.map_or(&newest.order, |known| known.max(&newest.order)).clone();
    for earlier in answers.iter().filter(|given| given.order < latest) {
        note(visit, &known, earlier).await?;
    }
    if known_order.is_some_and(|known| *known >= newest.order) {
        return Ok(Taken::Stored { known: Box::new(known), now: false });
    }
    let Answer { shown, .. } = &newest.answer;
    let person = Person {
        consent: newest.answer.consent(),
        consent_order: Some(newest.order.clone()),
        shown: known.person.shown.clone().with(&shown.to_string(), newest.order.at),
        last_contact: known.person.last_contact.max(newest.order.at.tokyo_day()),
        ..known.person.clone()
    };
    let subject = visit.subject_row(&known.key, &person)?;
    let purposes = purposes(visit);
    let answered = Answered {
        subject: known.key.subject(),
        purposes: &purposes,
        said: newest.answer.said(),
        notice: notice(&newest.answer),
        order: newest.order.clone(),
    };
    let written = visit.intake.vault.put_answer(&visit.pk, mapping, &person, subject, &answered, visit.now).await?;
    let Some(known) = written.map(|mapping| visit.known(&mapping)).transpose()?.flatten() else {
        visit.forget();
        return Ok(Taken::Changed);
    };
    metrics.count("webhook_consent", newest.answer.said().as_str());
    let trace = TraceId::of(newest.order.event.as_str(), visit.intake.vault.origin());
    tracing::info!(event = "consent_kept", %trace, said = newest.answer.said().as_str(), "a consent is kept");
    Ok(Taken::Stored { known: Box::new(known), now: true })
}

/// Notes an answer that a newer one has overtaken.
async fn note(visit: &Visit<'_>, known: &Known, given: &Given) -> Result<(), PeopleError> {
    for purpose in purposes(visit) {
        let (said, notice) = (given.answer.said(), notice(&given.answer));
        visit.intake.vault.put_consent(known.key.subject(), purpose, said, &notice, &given.order).await?;
    }
    Ok(())
}

fn notice(answer: &Answer) -> Notice {
    Notice { shown: answer.shown.to_string(), digest: answer.notice.clone() }
}

fn purposes<'a>(visit: &'a Visit<'_>) -> Vec<&'a DefinitionId> {
    visit.channel.definition.purposes.distinct().into_iter().map(|terms| &terms.id).collect()
}

/// The newest of these answers.
pub(crate) fn newest(answers: &[Given]) -> Option<&Given> {
    answers.iter().max_by(|a, b| a.order.cmp(&b.order))
}

/// The receipt of the erasure that the newest of these answers orders, if it is 同意しない.
pub(crate) fn refusal(visit: &Visit<'_>, known: &Known, answers: &[Given]) -> Option<ReceiptId> {
    let newest = newest(answers).filter(|given| !given.answer.agreed)?;
    let vault = &visit.intake.vault;
    Some(ReceiptId::of(known.key.subject(), newest.order.event.as_str(), vault.origin()))
}

/// Whether the newest of these answers is 同意する.
pub(crate) fn agrees(answers: &[Given]) -> Option<bool> {
    newest(answers).map(|given| given.answer.consent() == Consent::Given)
}
