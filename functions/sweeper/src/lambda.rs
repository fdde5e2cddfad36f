//! The function under the Lambda runtime: run by a schedule of EventBridge, and by hand
//! after a restore.

use azukari::{
    domain::time::Day,
    host::{
        clock::{Clock, SystemClock},
        deadline::Deadline,
        roles::Role,
        watch::Watch,
    },
};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde::Deserialize;
use serde_json::Value;

use crate::{SweepError, Sweeper};

/// The member of an event that asks for a check after a restore: `{"restore_check":
/// {"since": "2026-11-01", "dry_run": true}}`, both of which may be left out.
pub const RESTORE_CHECK: &str = "restore_check";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Check {
    since: Option<String>,
    #[serde(default)]
    dry_run: bool,
}

/// Takes events from the runtime until it stops.
///
/// # Errors
/// The function is not set up, or the runtime broke off.
pub async fn host() -> Result<(), Error> {
    let sweeper = Sweeper::from_environment()
        .await
        .inspect_err(|error| tracing::error!(event = "not_started", %error, "cannot start"))?;
    let watch = Watch::new(Role::Sweeper, sweeper.ctx.clone());
    run(service_fn(async |event: LambdaEvent<Value>| {
        watch.over(&event.context.request_id, handle(&sweeper, &event)).await
    }))
    .await
}

/// Takes the scheduled event, `{"dry_run": true}`, or a wish for a check after a restore.
async fn handle(sweeper: &Sweeper, event: &LambdaEvent<Value>) -> Result<Value, Error> {
    if let Some(asked) = event.payload.get(RESTORE_CHECK) {
        // What somebody typed is not repeated in a log.
        let Check { since, dry_run } = Check::deserialize(asked).map_err(|_| SweepError::NoCheck)?;
        let since = since.map(|day| Day::parse(&day)).transpose().map_err(|_| SweepError::NoCheck)?;
        return Ok(serde_json::to_value(sweeper.restore_check(since, dry_run, &|_| {}).await?)?);
    }
    let dry_run = event.payload["dry_run"].as_bool().unwrap_or_default();
    let report = sweeper.sweep(Deadline::of_lambda(event.context.deadline, SystemClock.now()), dry_run).await?;
    if report.failed > 0 {
        Err(SweepError::Unfinished(report.failed).into())
    } else if report.restored {
        Err(SweepError::Restored.into())
    } else if report.unsealed {
        Err(SweepError::NotSealed.into())
    } else {
        Ok(serde_json::to_value(report)?)
    }
}
