//! The function under the Lambda runtime, behind API Gateway.

use std::sync::Arc;

use azukari::host::{roles::Role, watch::Watch};
use lambda_http::{Error, Request, RequestExt, service_fn, tower::ServiceExt};

use crate::{Webhook, router};

/// Takes requests from the runtime until it stops.
///
/// # Errors
/// The function is not set up, or the runtime broke off.
pub async fn host() -> Result<(), Error> {
    let webhook = Webhook::from_environment()
        .await
        .inspect_err(|error| tracing::error!(event = "not_started", %error, "cannot start"))?;
    let watch = Arc::new(Watch::new(Role::Webhook, webhook.intake.ctx.clone()));
    let router = router(Arc::new(webhook));
    lambda_http::run(service_fn(move |request: Request| {
        let (watch, router) = (Arc::clone(&watch), router.clone());
        async move {
            let id = request.lambda_context_ref().map(|context| context.request_id.clone()).unwrap_or_default();
            watch.over(&id, router.oneshot(request)).await
        }
    }))
    .await
}
