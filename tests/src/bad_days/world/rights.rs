//! What people and the privacy officer ask of what is held, on bad days; and webhooks that
//! come again when everything about them may be over.

use std::collections::BTreeSet;

use azukari::domain::{rights::Wish, time::UnixMs};
use azukari_local::engine::wire::Calm;
use serde_json::{Value, json};

use crate::{
    bad_days::{
        model::Sent,
        plan::{Bad, CHANNELS, Event, EventKind, PURPOSES, Who},
        weather::{Storm, killed_after},
        world::{Past, World},
    },
    line::{Someone, redelivered},
};

const HOUR: i64 = 3_600_000;
/// What keeps somebody who was erased from coming back stays for seven days: LINE does not
/// deliver again after so long.
const LATE: i64 = 6 * 24 * HOUR;

/// The ids of the receipts that a message leads to.
pub(super) fn receipts_in(message: &Value) -> Vec<String> {
    let text = message.to_string();
    let ids = text.split("/receipts/").skip(1);
    ids.filter_map(|rest| rest.get(..32))
        .filter(|id| id.bytes().all(|byte| byte.is_ascii_hexdigit()))
        .map(str::to_owned)
        .collect()
}

impl World {
    /// The button that answers a question about what is held, which was asked an hour ago.
    pub(super) fn wish(&self, someone: &Someone, id: &str, at: i64, kind: EventKind) -> Value {
        let wish = match kind {
            EventKind::Withdraw { purpose } => {
                let purpose = self.app.installation().published().purposes[PURPOSES[purpose]].id.clone();
                Wish::Withdraw(purpose, UnixMs::new(at - HOUR))
            }
            EventKind::EraseAll { in_time: false } => Wish::Erase(UnixMs::new(at - 30 * HOUR)),
            _ => Wish::Erase(UnixMs::new(at - HOUR)),
        };
        someone.postback(&format!("w{id}"), at, &wish.data())
    }

    /// The privacy officer has somebody erased, in bad weather first, and then until it is
    /// answered: whatever has failed, it is ordered once.
    pub(super) async fn erase_by_operator(&mut self, who: Who, bad: Bad) -> Result<(), String> {
        let closing = self.model.closing(who);
        // Of an order that waits already an answer that was lost tells nothing.
        let bad = if closing { Bad::default() } else { bad };
        let request = json!({
            "act": "erase", "user_id": self.people[who.person].0, "channel": CHANNELS[who.channel], "reason": "request",
        });
        let assertion = self.app.assertion("officer", &request);
        self.app.weather(Storm::of(bad));
        let wires = self.app.shared();
        let first = tokio::select! {
            biased;
            () = wires.wires().death() => None,
            answer = killed_after(bad.killed_after, self.app.invoke(&assertion)) => answer,
        };
        self.app.weather(Calm);
        if first.is_none() {
            self.tally.count("functions killed", 1);
            self.app.cold_start();
        }
        let answered = first.filter(|answer| answer["error"].is_null());
        let answer = match answered {
            Some(answer) => answer,
            None => self.app.ask("officer", &request).await,
        };
        let erasure = &answer["erasure"];
        if let Some(receipt) = erasure["receipt"].as_str() {
            self.receipts.insert(receipt.to_owned());
        }
        match erasure["status"].as_str() {
            Some("ordered") => self.model.erase_ordered(who, self.app.now()),
            // Nobody else has ordered it: it is this order, of which an answer was lost.
            Some("under_way") if !closing => self.model.erase_ordered(who, self.app.now()),
            Some("under_way" | "not_found") => {}
            _ => return Err(format!("{who:?}: in calm weather an order of the officer: {answer}")),
        }
        self.tally.count("orders of the officer", 1);
        Ok(())
    }

    /// LINE delivers an earlier webhook once more.
    pub(super) async fn late(&mut self, which: usize) {
        let since = self.app.now() - LATE;
        let recent: Vec<&Past> = self.past.iter().filter(|past| past.at > since).collect();
        if recent.is_empty() {
            return;
        }
        let past = recent[which % recent.len()].clone();
        let taken = self.deliver(CHANNELS[past.channel], &redelivered(&past.bodies), Bad::default()).await;
        self.tally.count("webhooks delivered late", 1);
        let now = self.app.now();
        let whose: BTreeSet<Who> = past.sent.iter().map(|(who, ..)| *who).collect();
        for who in whose {
            let own: Vec<(&Event, &Sent)> =
                past.sent.iter().filter(|(of, ..)| *of == who).map(|(_, event, sent)| (event, sent)).collect();
            self.model.delivered(who, &own, taken, now);
        }
        self.count_notices();
    }
}
