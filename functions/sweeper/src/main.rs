//! The `sweeper` function in AWS Lambda: run by a schedule.

use azukari::{
    domain::time::UnixMs,
    host::{
        clock::{Clock, SystemClock},
        deadline::Deadline,
    },
};
use azukari_sweeper::{Report, SweepError, Sweeper};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    azukari::host::log::init();
    let sweeper = Sweeper::from_environment().await.inspect_err(|error| tracing::error!(%error, "cannot start"))?;
    run(service_fn(async |event: LambdaEvent<Value>| handle(&sweeper, &event, SystemClock.now()).await)).await
}

/// Takes the scheduled event of EventBridge, or `{"dry_run": true}`.
async fn handle(sweeper: &Sweeper, event: &LambdaEvent<Value>, now: UnixMs) -> Result<Report, SweepError> {
    let dry_run = event.payload["dry_run"].as_bool().unwrap_or_default();
    let report = sweeper.sweep(Deadline::of_lambda(event.context.deadline, now), dry_run).await?;
    if report.failed > 0 { Err(SweepError::Unfinished(report.failed)) } else { Ok(report) }
}
