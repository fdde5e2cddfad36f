//! Runs one function exactly as its own `main.rs` does, so that a test can start it
//! under a Lambda Runtime API of its own.

use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    azukari::host::log::init();
    let ended = match std::env::args().nth(1).as_deref() {
        Some("webhook") => azukari_webhook::lambda::host().await,
        Some("form") => azukari_form::lambda::host().await,
        Some("link") => azukari_link::lambda::host().await,
        Some("locksmith") => azukari_locksmith::lambda::host().await,
        Some("sweeper") => azukari_sweeper::lambda::host().await,
        Some("opener") => azukari_opener::lambda::host().await,
        _ => panic!("name a function: webhook, form, link, locksmith, sweeper or opener"),
    };
    ended.map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS)
}
