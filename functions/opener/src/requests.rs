//! The act `requests`: what waits to be looked into, the oldest first. Nothing is opened, and
//! it is recorded all the same: that somebody wanted something is personal, too.

use azukari::{
    domain::{link::CLAIM_MS, time::DAY_MS},
    store::{StoreError, inbox::Arrival, key, link::MemberRow, value::ValueKind},
};
use futures::{StreamExt, TryStreamExt, stream};

use crate::{
    Answer, Opener,
    answer::{DAYS_TO_ANSWER, OpenRequest},
    service::{Asking, Unavailable},
};

/// Requests that are shown at most.
const MOST: usize = 500;
/// Days that are read at the same time, and holders that are looked up.
const AT_ONCE: usize = 8;

impl Opener {
    pub(crate) async fn requests(&self, asking: &Asking<'_>) -> Result<Answer, Unavailable> {
        self.ledger.record(&asking.entry("requests")).await?;
        let today = asking.now.tokyo_day().start();
        let days = (0..=CLAIM_MS / DAY_MS).rev().map(|n| today.plus(-n * DAY_MS).tokyo_day());
        let reading: Vec<_> = days.map(|day| self.vault.arrivals(day, ValueKind::Claim, MOST + 1)).collect();
        let found: Vec<Vec<Arrival>> = stream::iter(reading).buffered(AT_ONCE).try_collect().await?;
        let mut claims: Vec<Arrival> = found.into_iter().flatten().collect();
        claims.sort_by(|a, b| (a.at, &a.sk).cmp(&(b.at, &b.sk)));
        let more = claims.len() > MOST;
        claims.truncate(MOST);
        let now = asking.now;
        let telling: Vec<_> = claims
            .into_iter()
            .map(|claim| async move {
                let holder = self.holder(&claim.sk).await?;
                let days_left = DAYS_TO_ANSWER - now.since(claim.at).max(0) / DAY_MS;
                let person = claim.subject.to_string();
                Ok::<_, StoreError>(OpenRequest { at: claim.at, what: "claim", person, holder, days_left })
            })
            .collect();
        let requests = stream::iter(telling).buffered(AT_ONCE).try_collect().await?;
        Ok(Answer::Requests { requests, more })
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
