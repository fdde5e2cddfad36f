//! The function under the Lambda runtime: invoked by the command line and by other
//! systems of the business, never from the internet.

use azukari::host::{roles::Role, watch::Watch};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::Value;

use crate::{Answer, Opener};

/// Takes invocations from the runtime until it stops.
///
/// # Errors
/// The function is not set up, or the runtime broke off.
pub async fn host() -> Result<(), Error> {
    let opener = Opener::from_environment()
        .await
        .inspect_err(|error| tracing::error!(event = "not_started", %error, "cannot start"))?;
    let watch = Watch::new(Role::Opener, opener.ctx.clone());
    run(service_fn(async |event: LambdaEvent<Value>| {
        watch.over(&event.context.request_id, handle(&opener, &event)).await
    }))
    .await
}

/// Answers one invocation. What cannot be answered is an answer, too.
async fn handle(opener: &Opener, event: &LambdaEvent<Value>) -> Result<Answer, Error> {
    Ok(opener.invoke(&event.payload).await)
}
