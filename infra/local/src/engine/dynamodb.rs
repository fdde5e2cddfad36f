//! DynamoDB on one machine: dynoxide (SQLite) behind the role table.

use azukari::{
    host::roles::{Operation, Role, Target, permissions},
    store::tables::{Index, Table},
};
use dynoxide::{Database, DynoxideError, actions};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::engine::wire::{Asked, Engine, Reply, Service, Touch};

/// The tables of one installation.
#[derive(Clone)]
pub struct DynamoDb {
    database: Database,
}

/// The engine did not open its file.
#[derive(Debug, thiserror::Error)]
#[error("the database cannot be opened: {0}")]
pub struct NotOpened(String);

/// One row or query that a call is about.
#[derive(Debug)]
struct Demand {
    operation: Operation,
    target: Target,
    partition: Option<String>,
    sort_key: Option<String>,
    returns: bool,
}

impl DynamoDb {
    /// Opens the database file, or makes it.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn open(path: &std::path::Path) -> Result<Self, NotOpened> {
        let database = Database::new(&path.to_string_lossy()).map_err(|error| NotOpened(error.to_string()))?;
        Ok(Self { database })
    }

    /// The engine itself, past the role table: for the raw view and for tests.
    pub fn database(&self) -> &Database {
        &self.database
    }
}

impl std::fmt::Debug for DynamoDb {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DynamoDb")
    }
}

impl Engine for DynamoDb {
    fn service(&self) -> Service {
        Service::DynamoDb
    }

    fn touches(&self, asked: &Asked) -> Vec<Touch> {
        let body = serde_json::from_slice(&asked.body).unwrap_or_default();
        demands(&asked.operation, &body)
            .into_iter()
            .flatten()
            .map(|demand| Touch {
                operation: demand.operation.as_str().to_owned(),
                target: match demand.target {
                    Target::Table(table) => table.as_str().to_owned(),
                    Target::Index(index) => format!("index/{}", index.as_str()),
                },
                partition: demand
                    .partition
                    .and_then(|pk| pk.split_once('#').map(|(family, _)| format!("{family}#")))
                    .unwrap_or_default(),
            })
            .collect()
    }

    fn answer(&self, asked: &Asked) -> Reply {
        let Ok(body) = serde_json::from_slice::<Value>(&asked.body) else {
            return Reply::error(400, "SerializationException", "the body is not JSON");
        };
        if !allowed(asked.role, &asked.operation, &body) {
            let message = format!("the role is not authorized to perform: dynamodb:{}", asked.operation);
            return Reply::error(400, "com.amazon.coral.service#AccessDeniedException", &message);
        }
        match self.dispatch(&asked.operation, body) {
            Ok(body) => Reply::of(200, body),
            Err(error) => Reply::of(error.status_code(), error.to_json()),
        }
    }

    fn throttled(&self) -> Reply {
        let kind = "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException";
        Reply::error(400, kind, "the table is throttled")
    }
}

impl DynamoDb {
    fn dispatch(&self, operation: &str, body: Value) -> Result<String, DynoxideError> {
        let db = &self.database;
        match operation {
            "GetItem" => call(body, |q: actions::get_item::GetItemRequest| db.get_item(q)),
            "PutItem" => call(body, |q: actions::put_item::PutItemRequest| db.put_item(q)),
            "UpdateItem" => call(body, |q: actions::update_item::UpdateItemRequest| db.update_item(q)),
            "DeleteItem" => call(body, |q: actions::delete_item::DeleteItemRequest| db.delete_item(q)),
            "Query" => call(body, |q: actions::query::QueryRequest| db.query(q)),
            "TransactWriteItems" => {
                call(body, |q: actions::transact_write_items::TransactWriteItemsRequest| db.transact_write_items(q))
            }
            "CreateTable" => call(body, |q: actions::create_table::CreateTableRequest| db.create_table(q)),
            "UpdateTimeToLive" => {
                call(body, |q: actions::update_time_to_live::UpdateTimeToLiveRequest| db.update_time_to_live(q))
            }
            _ => Err(DynoxideError::ValidationException("the operation is not served here".to_owned())),
        }
    }
}

fn call<Q: DeserializeOwned, A: Serialize>(
    body: Value,
    run: impl FnOnce(Q) -> Result<A, DynoxideError>,
) -> Result<String, DynoxideError> {
    let request =
        serde_json::from_value(body).map_err(|error| DynoxideError::SerializationException(error.to_string()))?;
    let answer = run(request)?;
    serde_json::to_string(&answer).map_err(|error| DynoxideError::InternalServerError(error.to_string()))
}

/// Whether the role table allows the call. What is not understood is not allowed.
fn allowed(role: Option<Role>, operation: &str, body: &Value) -> bool {
    let (Some(role), Some(demands)) = (role, demands(operation, body)) else { return false };
    let permissions = permissions(role);
    demands.iter().all(|demand| {
        let grant = permissions.grant(demand.operation, demand.target, demand.partition.as_deref());
        let writes = matches!(demand.operation, Operation::PutItem | Operation::UpdateItem | Operation::DeleteItem);
        let within = match (&demand.partition, &demand.sort_key) {
            (Some(pk), Some(sk)) if writes => permissions.sort_key_fits(pk, sk),
            _ => true,
        };
        within && grant.is_some_and(|grant| !(grant.returns_nothing && demand.returns))
    })
}

/// Everything a call is about; `None` if it cannot be told.
fn demands(operation: &str, body: &Value) -> Option<Vec<Demand>> {
    match operation {
        "GetItem" => one(Operation::GetItem, body, &body["Key"]),
        "PutItem" => one(Operation::PutItem, body, &body["Item"]),
        "UpdateItem" => one(Operation::UpdateItem, body, &body["Key"]),
        "DeleteItem" => one(Operation::DeleteItem, body, &body["Key"]),
        "Query" => query(body),
        "CreateTable" => table_only(Operation::CreateTable, body),
        "UpdateTimeToLive" => table_only(Operation::UpdateTimeToLive, body),
        "TransactWriteItems" => {
            let mut all = Vec::new();
            for part in body["TransactItems"].as_array()? {
                for (name, part) in part.as_object()? {
                    all.extend(match name.as_str() {
                        "Put" => one(Operation::PutItem, part, &part["Item"])?,
                        "Delete" => one(Operation::DeleteItem, part, &part["Key"])?,
                        "Update" => one(Operation::UpdateItem, part, &part["Key"])?,
                        "ConditionCheck" => one(Operation::ConditionCheckItem, part, &part["Key"])?,
                        _ => return None,
                    });
                }
            }
            Some(all)
        }
        _ => None,
    }
}

fn one(operation: Operation, request: &Value, key: &Value) -> Option<Vec<Demand>> {
    let text = |name: &str| key[name]["S"].as_str().map(str::to_owned);
    let asks = |name: &str| request[name].as_str().is_some_and(|value| value != "NONE");
    Some(vec![Demand {
        operation,
        target: Target::Table(table(request)?),
        partition: Some(text("pk")?),
        sort_key: Some(text("sk")?),
        returns: asks("ReturnValues") || asks("ReturnValuesOnConditionCheckFailure"),
    }])
}

fn table_only(operation: Operation, request: &Value) -> Option<Vec<Demand>> {
    let target = Target::Table(table(request)?);
    Some(vec![Demand { operation, target, partition: None, sort_key: None, returns: false }])
}

/// A query, if its key condition begins with `<partition key> = :<name>`.
fn query(request: &Value) -> Option<Vec<Demand>> {
    let (target, hash_key) = match request["IndexName"].as_str() {
        None => (Target::Table(table(request)?), "pk"),
        Some("due") => (Target::Index(Index::Due), "due_slot"),
        Some("inbox") => (Target::Index(Index::Inbox), "inbox_slot"),
        Some(_) => return None,
    };
    let rest = request["KeyConditionExpression"].as_str()?.strip_prefix(hash_key)?.strip_prefix(" = ")?;
    let name = rest.split(' ').next().filter(|name| name.starts_with(':'))?;
    let behind = &rest[name.len()..];
    let partition = request["ExpressionAttributeValues"][name]["S"].as_str()?.to_owned();
    (behind.is_empty() || behind.starts_with(" AND ")).then(|| {
        let partition = Some(partition);
        vec![Demand { operation: Operation::Query, target, partition, sort_key: None, returns: false }]
    })
}

fn table(request: &Value) -> Option<Table> {
    let name = request["TableName"].as_str()?;
    Table::ALL.into_iter().find(|table| table.as_str() == name)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_not_understood_is_not_allowed() {
        let query = |condition: &str| {
            json!({
                "TableName": "vault",
                "KeyConditionExpression": condition,
                "ExpressionAttributeValues": {":pk": {"S": "K#1"}, ":other": {"S": "S#1"}}
            })
        };
        assert!(allowed(Some(Role::Webhook), "Query", &query("pk = :pk")));
        assert!(allowed(Some(Role::Webhook), "Query", &query("pk = :pk AND sk > :other")));
        for condition in ["pk = :other", "#a = :pk", "sk = :pk", "pk = :pk OR pk = :other", "pk=:pk", ""] {
            assert!(!allowed(Some(Role::Webhook), "Query", &query(condition)), "{condition}");
        }
        for operation in ["Scan", "BatchGetItem", "ExecuteStatement", "DeleteTable", "TransactGetItems"] {
            for role in Role::ALL {
                assert!(!allowed(Some(role), operation, &json!({"TableName": "vault"})), "{operation}");
            }
        }
        assert!(!allowed(None, "Query", &query("pk = :pk")));
    }
}
