//! The function under the Lambda runtime, behind API Gateway.

use std::sync::Arc;

use lambda_http::Error;

use crate::{Link, router};

/// Takes requests from the runtime until it stops.
///
/// # Errors
/// The function is not set up, or the runtime broke off.
pub async fn host() -> Result<(), Error> {
    let link = Link::from_environment().await.inspect_err(|error| tracing::error!(%error, "cannot start"))?;
    lambda_http::run(router(Arc::new(link))).await
}
