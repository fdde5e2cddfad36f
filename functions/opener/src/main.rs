//! The `opener` function in AWS Lambda.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    azukari::host::log::init();
    azukari_opener::lambda::host().await
}
