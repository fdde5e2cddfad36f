//! The function under the Lambda runtime: invoked by the command line and by other
//! systems of the business, never from the internet.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::Value;

use crate::{Answer, Opener};

/// Takes invocations from the runtime until it stops.
///
/// # Errors
/// The function is not set up, or the runtime broke off.
pub async fn host() -> Result<(), Error> {
    let opener = Opener::from_environment().await.inspect_err(|error| tracing::error!(%error, "cannot start"))?;
    run(service_fn(async |event: LambdaEvent<Value>| Ok::<Answer, Error>(opener.invoke(&event.payload).await))).await
}
