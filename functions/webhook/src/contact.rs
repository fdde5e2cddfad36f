//! The first event of a day moves the last contact on; with consent, the profile of
//! that day is fetched and kept with it; a notice that was shown is noted. All of it in
//! one transaction, after the events themselves are stored.

use azukari::{
    domain::{consent::Consent, person::Person, plain::Plain, time::Day},
    host::people::{Known, PeopleError},
    store::contact::NewerContact,
};
use tokio::time::Instant;

use crate::{
    profile::{self, Fetched},
    visit::Visit,
};

/// How often the mapping is read again because somebody else changed it.
const ROUNDS: usize = 6;

/// What there is to note.
pub(crate) struct Contact {
    /// The day of the contact.
    pub(crate) day: Day,
    /// The policy version whose notice has just been shown.
    pub(crate) shown: Option<String>,
}

/// Notes that the person was in contact.
pub(crate) async fn note(
    visit: &Visit<'_>,
    mut known: Known,
    contact: Contact,
    access_token: &Plain<String>,
    line_until: Instant,
) -> Result<(), PeopleError> {
    let mut fetched = None;
    for _ in 0..ROUNDS {
        let newest = known.person.last_contact.max(contact.day);
        let new_day = newest > known.person.last_contact;
        let purpose = &visit.channel.definition.purposes.profile.id;
        let withdrawn = known.person.has_withdrawn(purpose, visit.now);
        // Only of those who have agreed, whatever the channel keeps before.
        let missing = known.person.profile_day.is_none_or(|of| of < newest);
        let profile_missing = known.person.consent == Consent::Given && missing && !withdrawn;
        if profile_missing && fetched.is_none() {
            fetched = Some(profile::fetch(visit, access_token, line_until).await);
        }
        let profile = fetched.as_ref().filter(|_| profile_missing);
        let answered = profile.is_some_and(|fetched| !matches!(fetched, Fetched::Nothing));
        let shown = contact.shown.as_ref().filter(|shown| !known.person.shown.has(shown));
        if !new_day && !answered && shown.is_none() {
            return Ok(());
        }
        let person = Person {
            last_contact: newest,
            shown: match shown {
                Some(shown) => known.person.shown.clone().with(shown, visit.now),
                None => known.person.shown.clone(),
            },
            profile_day: if answered { Some(newest) } else { known.person.profile_day },
            ..known.person.clone()
        };
        let newer = NewerContact {
            subject: new_day.then(|| visit.subject_row(&known.key, &person)).transpose()?,
            profile: match profile {
                Some(Fetched::Profile(fields)) => profile::row(visit, &known, newest, fields)?,
                Some(Fetched::NotShown | Fetched::Nothing) | None => None,
            },
        };
        let written = visit.intake.vault.put_contact(&visit.pk, &known.mapping, &person, newer, visit.now).await?;
        if let Some(mapping) = written {
            visit.known(&mapping)?;
            return Ok(());
        }
        visit.forget();
        match visit.mapping(true).await?.1 {
            Some(now_known) if now_known.key.subject() == known.key.subject() => known = now_known,
            // The person has been erased meanwhile: what was stored goes with them.
            _ => return Ok(()),
        }
    }
    Err(PeopleError::Contended)
}
