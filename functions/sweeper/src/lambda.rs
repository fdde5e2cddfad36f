//! The function under the Lambda runtime: run by a schedule of EventBridge.

use azukari::host::{
    clock::{Clock, SystemClock},
    deadline::Deadline,
};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::Value;

use crate::{Report, SweepError, Sweeper};

/// Takes events from the runtime until it stops.
///
/// # Errors
/// The function is not set up, or the runtime broke off.
pub async fn host() -> Result<(), Error> {
    let sweeper = Sweeper::from_environment().await.inspect_err(|error| tracing::error!(%error, "cannot start"))?;
    run(service_fn(async |event: LambdaEvent<Value>| handle(&sweeper, &event).await)).await
}

/// Takes the scheduled event, or `{"dry_run": true}`.
async fn handle(sweeper: &Sweeper, event: &LambdaEvent<Value>) -> Result<Report, Error> {
    let dry_run = event.payload["dry_run"].as_bool().unwrap_or_default();
    let report = sweeper.sweep(Deadline::of_lambda(event.context.deadline, SystemClock.now()), dry_run).await?;
    if report.failed > 0 {
        Err(SweepError::Unfinished(report.failed).into())
    } else if report.restored {
        Err(SweepError::Restored.into())
    } else if report.unsealed {
        Err(SweepError::NotSealed.into())
    } else {
        Ok(report)
    }
}
