//! The `sweeper` function in AWS Lambda.

use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    azukari::host::log::init();
    // Why it does not start stands in the one line that was logged.
    azukari_sweeper::lambda::host().await.map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS)
}
