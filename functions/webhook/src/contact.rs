//! The first event of a day moves the last contact on; with consent, the profile of
//! that day is fetched and kept with it. Both in one transaction, after the events
//! themselves are stored.

use azukari::{
    domain::{consent::Custody, person::Person, plain::Plain, time::Day},
    store::contact::NewerContact,
};
use tokio::time::Instant;

use crate::{
    people::{Known, PeopleError, Visit},
    profile::{self, Fetched},
};

/// How often the mapping is read again because somebody else changed it.
const ROUNDS: usize = 6;

/// Notes that the person was in contact on `day`.
pub(crate) async fn note(
    visit: &Visit<'_>,
    mut known: Known,
    custody: Custody,
    day: Day,
    access_token: &Plain<String>,
    line_until: Instant,
) -> Result<(), PeopleError> {
    let mut fetched = None;
    for _ in 0..ROUNDS {
        let newest = known.person.last_contact.max(day);
        let new_day = newest > known.person.last_contact;
        let profile_missing = custody == Custody::ByPurpose && known.person.profile_day.is_none_or(|of| of < newest);
        if profile_missing && fetched.is_none() {
            fetched = Some(profile::fetch(visit, access_token, line_until).await);
        }
        let profile = fetched.as_ref().filter(|_| profile_missing);
        let answered = profile.is_some_and(|fetched| !matches!(fetched, Fetched::Nothing));
        if !new_day && !answered {
            return Ok(());
        }
        let person = Person {
            last_contact: newest,
            profile_day: if answered { Some(newest) } else { known.person.profile_day },
            ..known.person.clone()
        };
        let contact = NewerContact {
            subject: new_day.then(|| visit.subject_row(&known.key, &person)).transpose()?,
            profile: match profile {
                Some(Fetched::Profile(fields)) => profile::row(visit, &known, custody, newest, fields)?,
                Some(Fetched::NotShown | Fetched::Nothing) | None => None,
            },
        };
        let written = visit.webhook.vault.put_contact(&visit.pk, &known.mapping, &person, contact, visit.now).await?;
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
