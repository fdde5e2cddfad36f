//! The act `requests`: what waits to be looked into, the oldest first. Nothing is opened, and
//! it is recorded all the same: that somebody wanted something is personal, too.

use azukari::{
    domain::{
        link::CLAIM_MS,
        request::{REQUEST_KEPT_MS, days_left},
        time::{DAY_MS, UnixMs},
    },
    store::{StoreError, inbox::Arrival, key, link::MemberRow, value::ValueKind},
};
use futures::{StreamExt, TryStreamExt, stream};

use crate::{
    Answer, Opener,
    answer::OpenRequest,
    service::{Asking, Unavailable},
};

/// Requests that are shown at most.
const MOST: usize = 500;
/// Holders that are looked up at the same time.
const AT_ONCE: usize = 8;
/// Days that are read at the same time: a year of them, and most are empty.
const DAYS_AT_ONCE: usize = 32;

impl Opener {
    pub(crate) async fn requests(&self, asking: &Asking<'_>) -> Result<Answer, Unavailable> {
        self.ledger.record(&asking.entry("requests")).await?;
        let today = asking.now.tokyo_day().start();
        let days = |kept_ms: i64| (0..=kept_ms / DAY_MS).rev().map(move |n| today.plus(-n * DAY_MS).tokyo_day());
        let claims = days(CLAIM_MS).map(|day| (day, ValueKind::Claim));
        let requests = days(REQUEST_KEPT_MS).map(|day| (day, ValueKind::Request));
        let reading: Vec<_> =
            claims.chain(requests).map(|(day, kind)| self.vault.arrivals(day, kind, MOST + 1)).collect();
        let found: Vec<Vec<Arrival>> = stream::iter(reading).buffered(DAYS_AT_ONCE).try_collect().await?;
        let mut waiting: Vec<Arrival> = found.into_iter().flatten().collect();
        // Nothing else of ours is in the inbox as a request.
        waiting.retain(|arrival| arrival.kind == ValueKind::Claim || key::requested(&arrival.sk).is_some());
        waiting.sort_by(|a, b| (a.at, &a.sk).cmp(&(b.at, &b.sk)));
        let more = waiting.len() > MOST;
        waiting.truncate(MOST);
        let telling: Vec<_> = waiting.into_iter().map(|arrival| self.told(arrival, asking.now)).collect();
        let requests = stream::iter(telling).buffered(AT_ONCE).try_collect().await?;
        Ok(Answer::Requests { requests, more })
    }

    async fn told(&self, arrival: Arrival, now: UnixMs) -> Result<OpenRequest, StoreError> {
        let days_left = days_left(arrival.at, now);
        let person = arrival.subject.to_string();
        Ok(match key::requested(&arrival.sk) {
            Some((kind, id)) => {
                let request = Some(key::request_name(kind, id));
                OpenRequest { at: arrival.at, what: kind.as_str(), person, request, holder: None, days_left }
            }
            None => {
                let holder = self.holder(&arrival.sk).await?;
                OpenRequest { at: arrival.at, what: "claim", person, request: None, holder, days_left }
            }
        })
    }

    /// Whoever the member id of a claim leads to.
    async fn holder(&self, sk: &str) -> Result<Option<String>, StoreError> {
        let Some((channel, member)) = sk.split_once('~').and_then(|(link, _)| key::linked_member(link)) else {
            return Ok(None);
        };
        let led = self.vault.member(&channel, &member).await?;
        Ok(led.filter(MemberRow::leads_somewhere).map(|led| led.subject.to_string()))
    }
}
