//! The act `list`: what came in, by kind and time. Nothing is opened, and it is
//! recorded all the same: who wrote when is personal, too.

use azukari::store::{key, value::ValueKind};
use futures::{StreamExt, TryStreamExt, stream};

use crate::{
    Answer, Opener,
    answer::Arrival,
    request::List,
    service::{Asking, Unavailable},
};

/// Days and kinds that are read at the same time.
const AT_ONCE: usize = 8;

impl Opener {
    pub(crate) async fn list(&self, asking: &Asking<'_>, list: List) -> Result<Answer, Unavailable> {
        self.ledger.record(&asking.entry("list")).await?;
        let slots: Vec<_> = list.days.iter().flat_map(|day| list.kinds.iter().map(move |kind| (*day, *kind))).collect();
        let mut arrivals = Vec::new();
        for days in slots.chunks(AT_ONCE) {
            let reading: Vec<_> =
                days.iter().map(|(day, kind)| self.vault.arrivals(*day, *kind, list.limit + 1)).collect();
            let read: Vec<_> = stream::iter(reading).buffered(AT_ONCE).try_collect().await?;
            arrivals.extend(read.into_iter().flatten());
        }
        arrivals.sort_by(|a, b| (b.at, &b.sk).cmp(&(a.at, &a.sk)));
        // One form with answers for several purposes came in once.
        arrivals.dedup_by(|a, b| {
            a.kind == ValueKind::Submission
                && (a.kind, a.subject, submission(&a.sk)) == (b.kind, b.subject, submission(&b.sk))
        });
        let more = arrivals.len() > list.limit;
        arrivals.truncate(list.limit);
        let arrivals = arrivals
            .into_iter()
            .map(|arrival| Arrival {
                at: arrival.at,
                kind: arrival.kind.as_str(),
                person: arrival.subject.to_string(),
                submission: (arrival.kind == ValueKind::Submission)
                    .then(|| submission(&arrival.sk))
                    .flatten()
                    .map(|id| format!("{}-{id}", arrival.subject)),
            })
            .collect();
        Ok(Answer::Listed { arrivals, more })
    }
}

fn submission(sk: &str) -> Option<&str> {
    sk.strip_prefix(key::SUBMISSION)?.split('#').next()
}
