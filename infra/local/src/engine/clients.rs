//! The unmodified clients of the AWS SDK over the engines: each signs with its role's own
//! access key id, and the engine answers what the role table grants.

use std::sync::Arc;

use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use azukari::host::{aws, roles::Role};

use crate::engine::{
    dynamodb::DynamoDb,
    kms::Kms,
    wire::{Wire, Wires},
};

fn credentials(role: Role) -> Credentials {
    Credentials::new(role.as_str(), "not checked on one machine", None, None, "azukari-local")
}

/// A DynamoDB client that signs as `role`.
pub(crate) fn dynamodb_client(engine: &Arc<DynamoDb>, wires: &Arc<Wires>, role: Role) -> aws_sdk_dynamodb::Client {
    let wire = Wire::new(Arc::<DynamoDb>::clone(engine), Arc::clone(wires));
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("local"))
        .endpoint_url("http://dynamodb.local")
        .credentials_provider(credentials(role))
        .retry_config(aws::retry())
        .http_client(wire.http_client())
        .build();
    aws_sdk_dynamodb::Client::from_conf(config)
}

/// A KMS client that signs as `role`.
pub(crate) fn kms_client(engine: &Arc<Kms>, wires: &Arc<Wires>, role: Role) -> aws_sdk_kms::Client {
    let wire = Wire::new(Arc::<Kms>::clone(engine), Arc::clone(wires));
    let config = aws_sdk_kms::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("local"))
        .endpoint_url("http://kms.local")
        .credentials_provider(credentials(role))
        .retry_config(aws::retry())
        .http_client(wire.http_client())
        .build();
    aws_sdk_kms::Client::from_conf(config)
}
