//! The `link` function in AWS Lambda.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    azukari::host::log::init();
    azukari_link::lambda::host().await
}
