//! The profile that LINE shows us: fetched after the events are stored, within the
//! time that is left, sealed like everything else.

use azukari::{
    domain::{consent::Custody, plain::Plain, time::Day},
    host::people::{Known, PeopleError},
    line::message::Field,
    store::{
        key,
        value::{ValueKind, ValueRow},
    },
};
use tokio::time::Instant;

use crate::{arrival, intake::Record, visit::Visit};

/// What came of asking LINE.
pub(crate) enum Fetched {
    /// The profile.
    Profile(Vec<Field>),
    /// LINE shows none: not asked again on this day.
    NotShown,
    /// No answer, or no time: asked again at the next event.
    Nothing,
}

/// Asks LINE once, if there is time.
pub(crate) async fn fetch(visit: &Visit<'_>, access_token: &Plain<String>, until: Instant) -> Fetched {
    let metrics = visit.intake.ctx.metrics();
    let Ok(Ok(_permit)) = tokio::time::timeout_at(until, visit.webhook.calls_to_line.acquire()).await else {
        metrics.count("webhook_profile", "no_time");
        return Fetched::Nothing;
    };
    let within = until.saturating_duration_since(Instant::now());
    match visit.webhook.line.profile(access_token, visit.user, within).await {
        Ok(Some(profile)) => {
            metrics.count("webhook_profile", "fetched");
            let mut fields = profile.fields();
            for found in arrival::screen(&mut fields) {
                metrics.count("guard", found.as_str());
            }
            Fetched::Profile(fields)
        }
        Ok(None) => {
            metrics.count("webhook_profile", "not_shown");
            Fetched::NotShown
        }
        Err(error) => {
            metrics.count("webhook_profile", "failed");
            tracing::warn!(event = "profile_not_fetched", %error, "a profile could not be fetched");
            Fetched::Nothing
        }
    }
}

/// The profile row of a day of contact.
pub(crate) fn row(
    visit: &Visit<'_>,
    known: &Known,
    day: Day,
    fields: &[Field],
) -> Result<Option<ValueRow>, PeopleError> {
    let record = Record { sk: key::PROFILE.to_owned(), kind: ValueKind::Profile, at: day.start(), edit: None };
    let sealed = record.seal(visit, known, Custody::ByPurpose, &visit.channel.definition.purposes.profile, fields)?;
    // It counts from the start of the day, and was fetched after consent.
    let shown = known.person.shown.last().map(str::to_owned);
    Ok(sealed.map(|row| ValueRow { shown, ..row }).filter(|row| row.check_size().is_ok()))
}
