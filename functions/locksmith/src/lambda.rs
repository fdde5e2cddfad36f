//! The function under the Lambda runtime: run by a schedule of EventBridge.

use azukari::host::{
    clock::{Clock, SystemClock},
    deadline::Deadline,
    roles::Role,
    watch::Watch,
};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::Value;

use crate::{Locksmith, LocksmithError};

/// Takes events from the runtime until it stops.
///
/// # Errors
/// The function is not set up, or the runtime broke off.
pub async fn host() -> Result<(), Error> {
    let locksmith = Locksmith::from_environment()
        .await
        .inspect_err(|error| tracing::error!(event = "not_started", %error, "cannot start"))?;
    let watch = Watch::new(Role::Locksmith, locksmith.ctx.clone());
    run(service_fn(async |event: LambdaEvent<Value>| {
        watch.over(&event.context.request_id, handle(&locksmith, &event)).await
    }))
    .await
}

/// Takes the scheduled event, whose content does not matter.
async fn handle(locksmith: &Locksmith, event: &LambdaEvent<Value>) -> Result<(), Error> {
    let report = locksmith.refill(Deadline::of_lambda(event.context.deadline, SystemClock.now())).await?;
    if report.failed > 0 { Err(LocksmithError::Short(report.failed).into()) } else { Ok(()) }
}
