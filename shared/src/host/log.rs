//! Logging: one line of JSON an event, ids and counts only.
//!
//! A log line is a message and fields. Fields are ids of ours, counts and fixed
//! words; never a LINE user id, a body, a header, or the text of an error from
//! outside. Log once, where it is handled.

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// The crates whose lines are written. Others, the AWS SDK among them, may put
/// requests into theirs.
pub fn filter() -> Targets {
    [
        "azukari",
        "azukari_webhook",
        "azukari_form",
        "azukari_sweeper",
        "azukari_locksmith",
        "azukari_opener",
        "azukari_local",
    ]
    .into_iter()
    .fold(Targets::new().with_default(LevelFilter::OFF), |targets, name| targets.with_target(name, LevelFilter::INFO))
}

/// Writes log lines to standard output, where Lambda collects them.
pub fn init() {
    let lines = tracing_subscriber::fmt::layer().json().flatten_event(true).with_current_span(false);
    tracing_subscriber::registry().with(filter()).with(lines).init();
}
