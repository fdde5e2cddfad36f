//! `azukari`: the whole product on one machine, and its command line.

use std::process::ExitCode;

use azukari_local::cli::{self, Failed, say};

#[tokio::main]
async fn main() -> ExitCode {
    let cli = match cli::arguments() {
        Ok(cli) => cli,
        Err(code) => return ExitCode::from(code),
    };
    match cli::run(cli).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => {
            if !matches!(failed, Failed::Quiet(_)) {
                say::complaint(&failed.to_string());
            }
            ExitCode::from(failed.code())
        }
    }
}
