//! What answers under the AWS SDK and under the LINE client on one machine.

pub(crate) mod clients;
pub mod dynamodb;
pub mod kms;
pub mod line;
pub mod wire;
