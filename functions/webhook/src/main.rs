//! The `webhook` function in AWS Lambda.

use std::sync::Arc;

use azukari_webhook::Webhook;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    azukari::host::log::init();
    let webhook = Webhook::from_environment().await.inspect_err(|error| tracing::error!(%error, "cannot start"))?;
    lambda_http::run(azukari_webhook::router(Arc::new(webhook))).await
}
