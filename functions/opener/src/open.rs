//! The act `open`: entry first, then person by person.

use azukari::{
    domain::{
        field::Asked,
        id::{DefinitionId, SubjectId},
        operator::OperatorRole,
        person::Standing,
        reason::ReasonCode,
    },
    store::{StoreError, entry::MAX_SUBJECTS, holding::Window, key},
};
use futures::{StreamExt, stream};

use crate::{
    Answer, Code, Opener, Person, Problem, Status,
    request::{Open, Request, Who},
    service::{Asking, Unavailable},
};

/// People that are opened at the same time.
const AT_ONCE: usize = 8;

/// Bytes of sealed values in one answer: Lambda answers with at most 6 MB, and JSON may
/// double what was sealed.
const ANSWER_BYTES: usize = 2 * 1024 * 1024;

/// What is wanted of every person of a request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) fields: &'a Asked,
    pub(crate) purpose: Option<&'a DefinitionId>,
    /// Whether it is wanted in order to answer requests of the person: by somebody who has
    /// to, and who says so. What a person has stopped is opened for that alone.
    pub(crate) answering: bool,
}

/// Who somebody is, and the mapping that led there, if one did: its partition and what
/// it says. It was read before the entry; what could stop an opening since, a hold or an
/// order, is read after it.
#[derive(Debug, Clone)]
pub(crate) struct Resolved {
    pub(crate) subject: SubjectId,
    pub(crate) mapping: Option<(String, Standing)>,
}

impl Opener {
    pub(crate) async fn open(&self, asking: &Asking<'_>, open: Open) -> Result<Answer, Unavailable> {
        let purpose = match &open.purpose {
            None => None,
            Some(name) => match self.names.purpose(&self.vault, name).await? {
                Some(id) => Some(id),
                None => {
                    let ja = "その利用目的はありません（purpose）。".to_owned();
                    let problem = Problem::request(vec![(ja, "There is no such purpose (purpose).".to_owned())]);
                    self.refuse(asking, &Request::Open(open), Code::Request).await?;
                    return Ok(problem.into());
                }
            },
        };
        let note = self.sealed_note(asking, open.note.as_ref())?;
        let answering = asking.operator.role == OperatorRole::PrivacyOfficer && open.reason == ReasonCode::Request;
        let wanted = Wanted { fields: &open.fields, purpose: purpose.as_ref(), answering };
        let bytes = ANSWER_BYTES / open.people.len().max(1);
        let mut people = Vec::with_capacity(open.people.len());
        for part in open.people.chunks(MAX_SUBJECTS) {
            let mut subjects = Vec::with_capacity(part.len());
            for who in part {
                subjects.push(self.resolve(who, asking).await?);
            }
            let mut named: Vec<SubjectId> = subjects.iter().flatten().map(|resolved| resolved.subject).collect();
            named.sort_unstable();
            named.dedup();
            let mut entry = asking.entry("open");
            entry.unknown = subjects.iter().filter(|subject| subject.is_none()).count();
            entry.subjects = named;
            entry.fields = open.fields.names();
            entry.purpose = Some(purpose.as_ref().map_or_else(|| "*".to_owned(), ToString::to_string));
            entry.reason = Some(open.reason.as_str());
            entry.note.clone_from(&note);
            let recorded = self.ledger.record(&entry).await?;

            let opening: Vec<_> = part
                .iter()
                .zip(&subjects)
                .map(|(who, subject)| async {
                    let Some(resolved) = subject else { return Person::nobody() };
                    let submission = match who {
                        Who::Submission { id, .. } => Some(id.as_str()),
                        Who::Person(_) | Who::User { .. } => None,
                    };
                    let window = Window { after: open.after.as_deref(), submission, purpose: wanted.purpose, bytes };
                    self.person(&recorded, resolved, wanted, window, asking.now).await
                })
                .collect();
            let opened: Vec<Person> = stream::iter(opening).buffered(AT_ONCE).collect().await;
            self.record_refusals(asking, &open, &subjects, &opened).await?;
            people.extend(opened);
        }
        Ok(Answer::Opened { people })
    }

    /// Who somebody is: no call, or one for a LINE user id. It opens nothing.
    pub(crate) async fn resolve(&self, who: &Who, asking: &Asking<'_>) -> Result<Option<Resolved>, StoreError> {
        let (channel, user) = match who {
            Who::Person(subject) | Who::Submission { subject, .. } => {
                return Ok(Some(Resolved { subject: *subject, mapping: None }));
            }
            Who::User { channel, user } => (channel, user),
        };
        for index in &self.secrets.user_index {
            let pk = key::mapping(channel, &index.user(channel, user));
            match self.vault.mapping(&pk, asking.now).await {
                Ok(mapping) => {
                    if let Standing::Known(person) = &mapping.standing {
                        let subject = person.key.subject;
                        return Ok(Some(Resolved { subject, mapping: Some((pk, mapping.standing)) }));
                    }
                }
                // Nobody's: a planted mapping names a person of the intruder's choice.
                Err(StoreError::NotVouched | StoreError::Row { .. }) => {
                    tracing::error!(event = "mapping_not_vouched", "a mapping is not vouched for, or not well formed");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// Refusals are entries of their own, one for each ground.
    async fn record_refusals(
        &self,
        asking: &Asking<'_>,
        open: &Open,
        subjects: &[Option<Resolved>],
        opened: &[Person],
    ) -> Result<(), Unavailable> {
        for ground in ["restricted", "refused", "withdrawn", "not_found"] {
            let refused = |person: &Person| match person.status {
                Status::Refused(refusal) => refusal.as_str() == ground,
                Status::NotFound => ground == "not_found",
                Status::Opened | Status::Failed(_) => person.withheld.values().any(|why| *why == ground),
            };
            let mut whom: Vec<SubjectId> = subjects
                .iter()
                .zip(opened)
                .filter(|(_, person)| refused(person))
                .filter_map(|(resolved, _)| resolved.as_ref().map(|it| it.subject))
                .collect();
            whom.sort_unstable();
            whom.dedup();
            if !whom.is_empty() {
                let mut entry = asking.entry("refuse");
                entry.subjects = whom;
                entry.reason = Some(open.reason.as_str());
                entry.refusal = Some(ground);
                self.ledger.record(&entry).await?;
            }
        }
        Ok(())
    }
}
