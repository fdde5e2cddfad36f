//! Logging: one line of JSON an event, ids and counts only. `LOGGING.md` lists every event,
//! and a test holds the lines of every story against the list.
//!
//! A log line has the name of its event, a fixed message, and fields. Fields are ids of ours,
//! counts and fixed words; never a LINE user id, a body, a header, or the text of an error
//! from outside. Log once, where it is handled.

use std::panic::PanicHookInfo;

use tracing::field::{DisplayValue, display};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::domain::trace::TraceId;
use crate::store::{Vault, key};

/// The crates whose lines are written. Others, the AWS SDK among them, may put
/// requests into theirs.
pub fn filter() -> Targets {
    [
        "azukari",
        "azukari_webhook",
        "azukari_form",
        "azukari_link",
        "azukari_sweeper",
        "azukari_locksmith",
        "azukari_opener",
        "azukari_local",
    ]
    .into_iter()
    .fold(Targets::new().with_default(LevelFilter::OFF), |targets, name| targets.with_target(name, LevelFilter::INFO))
}

/// Writes log lines to standard output, where Lambda collects them, each with the request id
/// of its invocation; and says of a panic where it was, not what it says.
pub fn init() {
    let lines = tracing_subscriber::fmt::layer().json().flatten_event(true);
    let lines = lines.with_current_span(true).with_span_list(false);
    tracing_subscriber::registry().with(filter()).with(lines).init();
    std::panic::set_hook(Box::new(panicked));
}

/// The message of a panic may name a value.
fn panicked(panic: &PanicHookInfo<'_>) {
    let place =
        panic.location().map(|place| (place.file().rsplit(['/', '\\']).next().unwrap_or_default(), place.line()));
    let (file, line) = place.unwrap_or_default();
    tracing::error!(event = "panicked", file, line, "the function has panicked");
}

/// The trace id of a row, by its sort key; none for a row whose key holds no id.
pub fn trace(sk: &str, vault: &Vault) -> Option<DisplayValue<TraceId>> {
    key::own_id(sk).map(|id| display(TraceId::of(id, vault.origin())))
}

/// Notes that an order was placed, under the id that its row has.
pub fn order_placed(what: &'static str, id: &str, vault: &Vault) {
    tracing::info!(event = "order_placed", what, trace = trace(&key::order(id), vault), "an order was placed");
}
