//! The `form` function in AWS Lambda.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    azukari::host::log::init();
    azukari_form::lambda::host().await
}
