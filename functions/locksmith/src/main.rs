//! The `locksmith` function in AWS Lambda.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    azukari::host::log::init();
    azukari_locksmith::lambda::host().await
}
