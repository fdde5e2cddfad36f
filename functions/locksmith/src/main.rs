//! The `locksmith` function in AWS Lambda: run by a schedule.

use azukari::{
    domain::time::UnixMs,
    host::{
        clock::{Clock, SystemClock},
        deadline::Deadline,
    },
};
use azukari_locksmith::{Locksmith, LocksmithError};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    azukari::host::log::init();
    let locksmith = Locksmith::from_environment().await.inspect_err(|error| tracing::error!(%error, "cannot start"))?;
    run(service_fn(async |event: LambdaEvent<Value>| handle(&locksmith, &event, SystemClock.now()).await)).await
}

/// Takes the scheduled event of EventBridge, whose content does not matter.
async fn handle(locksmith: &Locksmith, event: &LambdaEvent<Value>, now: UnixMs) -> Result<(), LocksmithError> {
    let report = locksmith.refill(Deadline::of_lambda(event.context.deadline, now)).await?;
    if report.failed > 0 { Err(LocksmithError::Short(report.failed)) } else { Ok(()) }
}
