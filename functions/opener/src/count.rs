//! The act `count`: how many people have answered a form, and how they have chosen, in one
//! month. Answers are opened here, after an entry, and never leave: what comes out is
//! numbers, and none below [`FLOOR`] people. A month is counted whole, so that two counts
//! do not differ by the one person in whom somebody is interested. (They still do from one
//! day to the next of a month that is not over: a stated limit.)

use std::collections::{BTreeMap, BTreeSet};

use azukari::{
    domain::{
        field::Asked,
        form::Kind,
        id::SubjectId,
        time::{DAY_MS, Day, UnixMs},
    },
    host::published::Form,
    store::{entry::MAX_SUBJECTS, holding::Window, key, value::ValueKind},
};

use crate::{
    Answer, Code, Opener, Problem, Status,
    answer::Counted,
    open::{Resolved, Wanted},
    request::{Count, Request},
    service::{Asking, Unavailable},
};

/// Fewer people than this are not counted.
pub(crate) const FLOOR: usize = 10;
/// Most submissions that are looked through for one count.
const MAX_SUBMISSIONS: usize = 5_000;
/// Bytes of sealed values that are read of one person.
const BYTES: usize = 2 * 1024 * 1024;

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
        let mut subjects = BTreeSet::new();
        let mut found = 0;
        for day in days(&count.month, asking.now) {
            let arrivals = self.vault.arrivals(day, ValueKind::Submission, MAX_SUBMISSIONS + 1).await?;
            found += arrivals.len();
            subjects.extend(arrivals.into_iter().map(|arrival| arrival.subject));
        }
        if found > MAX_SUBMISSIONS {
            self.ledger.record(&asking.entry("count")).await?;
            let ja = format!("{MAX_SUBMISSIONS}件を超える月は数えられません。");
            let en = format!("A month with more than {MAX_SUBMISSIONS} submissions cannot be counted.");
            return Ok(Problem::request(vec![(ja, en)]).into());
        }
        let chosen = |kind: Kind| matches!(kind, Kind::Choice | Kind::Choices | Kind::Gender);
        let choices: Vec<&str> =
            form.definition.fields().filter(|field| chosen(field.kind)).map(|field| field.name.as_str()).collect();
        // Without a choice, somebody must be asked all the same whether they have sent it.
        let names: Vec<&str> = form.definition.fields().map(|field| field.name.as_str()).collect();
        let asked = Asked::expand(if choices.is_empty() { names } else { choices.clone() });
        let Ok(asked) = asked else { return Ok(Problem::of(Code::Request).into()) };
        let mut people: BTreeSet<SubjectId> = BTreeSet::new();
        let mut chose: BTreeMap<(String, String), BTreeSet<SubjectId>> = BTreeMap::new();
        let subjects: Vec<SubjectId> = subjects.into_iter().collect();
        for part in subjects.chunks(MAX_SUBJECTS) {
            let mut entry = asking.entry("count");
            entry.subjects = part.to_vec();
            entry.fields = asked.names();
            entry.purpose = Some("*".to_owned());
            entry.reason = Some("check");
            let recorded = self.ledger.record(&entry).await?;
            for subject in part {
                let resolved = Resolved { subject: *subject, mapping: None };
                let wanted = Wanted { fields: &asked, purpose: None };
                let window = Window { after: None, submission: None, purpose: None, bytes: BYTES };
                let person = self.person(&recorded, &resolved, wanted, window, asking.now).await;
                if person.status != Status::Opened {
                    continue;
                }
                let of_it = person.records.iter().filter(|record| {
                    let name = record.form.as_deref().and_then(|form| form.rsplit_once('.')).map(|(name, _)| name);
                    name == Some(form.definition.name.as_str())
                        && month_of(record.at) == count.month
                        && record.id.starts_with(key::SUBMISSION)
                });
                for record in of_it {
                    people.insert(*subject);
                    for (field, answer) in &record.fields.0 {
                        let answer = String::from_utf8_lossy(answer.reveal()).into_owned();
                        for choice in answer.split(',').filter(|_| choices.contains(&field.as_str())) {
                            chose.entry((field.clone(), choice.to_owned())).or_default().insert(*subject);
                        }
                    }
                }
            }
        }
        let enough = |n: usize| (n >= FLOOR).then(|| u64::try_from(n).unwrap_or(u64::MAX));
        let mut counted = Counted::of(form, count);
        counted.people = enough(people.len());
        if counted.people.is_some() {
            for ((field, choice), people) in chose {
                counted.choices.entry(field).or_default().insert(choice, enough(people.len()));
            }
        }
        Ok(counted.into())
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
