//! The act `count`: how many people have answered a form, and how they have chosen, in one
//! month. Answers are opened here, after an entry, and never leave: what comes out is
//! numbers, none below [`FLOOR`] people, and none from which such a one follows. A month is counted whole, so that two counts
//! do not differ by the one person in whom somebody is interested. (They still do from one
//! day to the next of a month that is not over: a stated limit.)

use std::collections::{BTreeMap, BTreeSet};

use azukari::{
    domain::{
        field::Asked,
        form::{Field, Kind},
        id::SubjectId,
        operator::{Act, NotGranted},
        time::{DAY_MS, Day, UnixMs},
    },
    host::published::Form,
    store::{StoreError, due, entry::MAX_SUBJECTS, holding::Window, value::ValueKind},
};
use futures::{StreamExt, TryStreamExt, stream};

use crate::{
    Answer, Code, Opener, Person, Problem, Record, Status,
    answer::Counted,
    open::{Resolved, Wanted},
    request::{Count, Request},
    service::{Asking, Unavailable},
};

/// Fewer people than this are not counted.
pub(crate) const FLOOR: usize = 10;
/// Most submissions that are looked through for one count.
const MAX_SUBMISSIONS: usize = 5_000;
/// What is read of one person.
const WINDOW: Window<'static> = Window { after: None, submission: None, purpose: None, bytes: 2 * 1024 * 1024 };
/// People that are looked at at the same time.
const AT_ONCE: usize = 8;

impl Opener {
    pub(crate) async fn count(&self, asking: &Asking<'_>, count: Count) -> Result<Answer, Unavailable> {
        let Some(form) = self.names.forms.current(&self.vault, &count.form, asking.now).await? else {
            let problem = Problem::request(vec![(
                "そのフォームはありません（form）。".to_owned(),
                "There is no such form (form).".to_owned(),
            )]);
            self.refuse(asking, &Request::Count(count), Code::Request).await?;
            return Ok(problem.into());
        };
        if form.definition.anonymous {
            self.ledger.record(&asking.entry("count")).await?;
            return Ok(self.counters(&form, &count).await?.into());
        }
        self.submissions(asking, &form, &count).await
    }

    /// The counters of an anonymous form: nobody's answers were ever stored.
    async fn counters(&self, form: &Form, count: &Count) -> Result<Counted, Unavailable> {
        let mut counted = Counted::of(form, count);
        for (choice, n) in self.vault.tallies(&form.version.id, &count.month).await? {
            match choice.split_once('#') {
                None => counted.people = Some(n),
                Some((field, choice)) => {
                    counted.choices.entry(field.to_owned()).or_default().insert(choice.to_owned(), Some(n));
                }
            }
        }
        counted.people.get_or_insert(0);
        Ok(counted)
    }

    /// Opens the choices of everybody who has sent the form in that month.
    async fn submissions(&self, asking: &Asking<'_>, form: &Form, count: &Count) -> Result<Answer, Unavailable> {
        let chosen = |kind: Kind| matches!(kind, Kind::Choice | Kind::Choices | Kind::Gender);
        // Staff count what they may open.
        let granted = |field: &&Field| {
            let purpose = field.purpose.as_ref().and_then(|id| form.definition.purpose(id));
            purpose.is_some_and(|purpose| asking.operator.may(Act::Open, Some(&purpose.terms.name)).is_ok())
        };
        if !form.definition.fields().any(|field| granted(&field)) {
            let problem = Problem::not_granted(asking.operator, Act::Count, NotGranted::Purpose);
            self.refuse(asking, &Request::Count(count.clone()), Code::NotGranted).await?;
            return Ok(problem.into());
        }
        let choices: Vec<&Field> =
            form.definition.fields().filter(granted).filter(|field| chosen(field.kind)).collect();
        let Some(subjects) = self.senders(form, &count.month, asking.now).await? else {
            self.ledger.record(&asking.entry("count")).await?;
            let ja = format!("{MAX_SUBMISSIONS}件を超える月は数えられません。");
            let en = format!("A month with more than {MAX_SUBMISSIONS} submissions cannot be counted.");
            return Ok(Problem::request(vec![(ja, en)]).into());
        };
        let enough = |n: usize| (n >= FLOOR).then(|| u64::try_from(n).unwrap_or(u64::MAX));
        let mut counted = Counted::of(form, count);
        counted.people = enough(subjects.len());
        let open = |name: &str| asking.operator.may(Act::Open, Some(name)).is_ok();
        for purpose in form.definition.purposes.iter().filter(|purpose| open(&purpose.terms.name)) {
            let gone = due::Counted {
                form: form.version.id.as_str().to_owned(),
                purpose: purpose.terms.id.clone(),
                month: count.month.clone(),
            };
            let n = usize::try_from(self.vault.anonymous(&gone).await?).unwrap_or(usize::MAX);
            if n > 0 {
                counted.anonymised.insert(purpose.terms.name.clone(), enough(n));
            }
        }
        if counted.people.is_none() || choices.is_empty() {
            self.ledger.record(&asking.entry("count")).await?;
            return Ok(counted.into());
        }
        let names: Vec<&str> = choices.iter().map(|field| field.name.as_str()).collect();
        let Ok(asked) = Asked::expand(names) else { return Ok(Problem::of(Code::Request).into()) };
        let mut chose: BTreeMap<(String, String), BTreeSet<SubjectId>> = BTreeMap::new();
        let subjects: Vec<SubjectId> = subjects.into_iter().collect();
        for part in subjects.chunks(MAX_SUBJECTS) {
            let mut entry = asking.entry("count");
            entry.subjects = part.to_vec();
            // Which form it is, by its opaque id, and the month.
            entry.fields = vec![format!("form:{}", form.version.id), format!("month:{}", count.month)];
            entry.fields.extend(asked.names());
            entry.purpose = Some("*".to_owned());
            entry.reason = Some("check");
            let recorded = self.ledger.record(&entry).await?;
            let opening: Vec<_> = part
                .iter()
                .map(|subject| async {
                    let resolved = Resolved { subject: *subject, mapping: None };
                    let wanted = Wanted { fields: &asked, purpose: None, answering: false };
                    (*subject, self.person(&recorded, &resolved, wanted, WINDOW, asking.now).await)
                })
                .collect();
            let opened: Vec<(SubjectId, Person)> = stream::iter(opening).buffered(AT_ONCE).collect().await;
            for (subject, person) in opened.iter().filter(|(_, person)| person.status == Status::Opened) {
                for record in person.records.iter().filter(|record| is_of(record, form, &count.month)) {
                    for (field, answer) in &record.fields.0 {
                        let answer = String::from_utf8_lossy(answer.reveal()).into_owned();
                        for choice in answer.split(',') {
                            chose.entry((field.clone(), choice.to_owned())).or_default().insert(*subject);
                        }
                    }
                }
            }
        }
        for ((field, choice), people) in chose {
            counted.choices.entry(field).or_default().insert(choice, enough(people.len()));
        }
        for field in choices.iter().filter(|field| field.kind != Kind::Choices) {
            if let Some(choices) = counted.choices.get_mut(&field.name) {
                hide_what_follows(choices);
            }
        }
        Ok(counted.into())
    }

    /// Who has sent a form in a month: the rows alone are read, and nothing is opened.
    /// `None` if there are too many.
    async fn senders(&self, form: &Form, month: &str, now: UnixMs) -> Result<Option<BTreeSet<SubjectId>>, StoreError> {
        let mut subjects = BTreeSet::new();
        let mut found = 0;
        for day in days(month, now) {
            let arrivals = self.vault.arrivals(day, ValueKind::Submission, MAX_SUBMISSIONS + 1).await?;
            found += arrivals.len();
            subjects.extend(arrivals.into_iter().map(|arrival| arrival.subject));
        }
        if found > MAX_SUBMISSIONS {
            return Ok(None);
        }
        let reading: Vec<_> = subjects
            .into_iter()
            .map(|subject| async move {
                let holding = self.vault.holding(subject, WINDOW).await?;
                let sent = holding.values.iter().any(|row| {
                    row.form.as_ref().is_some_and(|of| of.id == form.version.id) && month_of(row.event_at) == month
                });
                let restricted = holding.held || holding.erase_ordered || holding.stopped();
                Ok::<_, StoreError>((sent && !restricted).then_some(subject))
            })
            .collect();
        let senders: Vec<Option<SubjectId>> = stream::iter(reading).buffered(AT_ONCE).try_collect().await?;
        Ok(Some(senders.into_iter().flatten().collect()))
    }
}

/// Whether a record is an answer to this form in this month.
fn is_of(record: &Record, form: &Form, month: &str) -> bool {
    let name = record.form.as_deref().and_then(|form| form.rsplit_once('.')).map(|(name, _)| name);
    name == Some(form.definition.name.as_str()) && month_of(record.at) == month
}

/// One hidden number among the choices of one follows from the others: the smallest of
/// these is hidden, too.
fn hide_what_follows(choices: &mut BTreeMap<String, Option<u64>>) {
    if choices.values().filter(|n| n.is_none()).count() == 1
        && let Some(smallest) = choices.values_mut().filter(|n| n.is_some()).min_by_key(|n| **n)
    {
        *smallest = None;
    }
}

/// The month of a point in time, in Japan: `2026-11`.
fn month_of(at: UnixMs) -> String {
    at.tokyo_day().to_string().chars().take(7).collect()
}

/// The days of a month, up to today.
fn days(month: &str, now: UnixMs) -> Vec<Day> {
    let Ok(first) = Day::parse(&format!("{month}-01")) else { return Vec::new() };
    let all = (0..31).map(|n| first.start().plus(n * DAY_MS)).take_while(|start| *start <= now);
    all.map(UnixMs::tokyo_day).filter(|day| day.to_string().starts_with(month)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_has_its_days_and_none_that_is_to_come() {
        let noon = |day: &str| Day::parse(day).unwrap().start().plus(DAY_MS / 2);
        assert_eq!(days("2026-02", noon("2026-11-22")).len(), 28);
        assert_eq!(days("2026-11", noon("2026-11-22")).len(), 22);
        assert_eq!(days("2026-12", noon("2026-11-22")).len(), 0);
        assert_eq!(month_of(noon("2026-11-22")), "2026-11");
    }
}
