//! Azukari on one machine.
//!
//! The functions are the ones that run in Lambda, over the unmodified AWS SDK. Under
//! the SDK's HTTP connector answer, in process, an embedded DynamoDB engine and a
//! small KMS ([`engine`]); LINE is a stand-in that follows LINE's OpenAPI. Nothing
//! here runs in the cloud; [`stage`] is how one gets there, and looks after it.

pub mod cli;
pub mod clock;
pub mod config;
pub mod engine;
pub mod installation;
pub mod operator_key;
pub mod publish;
pub mod secrets_file;
pub mod serve;
pub mod site_key;
pub mod stage;
