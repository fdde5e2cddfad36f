//! What calls cost, as they are made: an engine in front of an engine that asks DynamoDB what
//! each call has consumed, and keeps count.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
};

use azukari_local::engine::wire::{Asked, Engine, Reply, Service, Touch};
use serde_json::{Value, json};

/// What something has cost, in calls and in units of capacity.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Spent {
    /// Calls to DynamoDB.
    pub calls: f64,
    /// Read request units of them.
    pub reads: f64,
    /// Write request units of them, those of indexes among them.
    pub writes: f64,
    /// Calls to KMS, by operation.
    pub kms: BTreeMap<String, f64>,
    /// Calls to LINE.
    pub line: f64,
    /// The tables that were called.
    pub tables: BTreeSet<String>,
}

impl Spent {
    /// Calls to KMS.
    pub fn kms_calls(&self) -> f64 {
        self.kms.values().sum()
    }

    /// This and more.
    #[must_use]
    pub fn plus(&self, more: &Self) -> Self {
        let mut kms = self.kms.clone();
        for (operation, n) in &more.kms {
            *kms.entry(operation.clone()).or_default() += n;
        }
        Self {
            calls: self.calls + more.calls,
            reads: self.reads + more.reads,
            writes: self.writes + more.writes,
            kms,
            line: self.line + more.line,
            tables: self.tables.union(&more.tables).cloned().collect(),
        }
    }

    /// So many times this.
    #[must_use]
    pub fn times(&self, n: f64) -> Self {
        Self {
            calls: self.calls * n,
            reads: self.reads * n,
            writes: self.writes * n,
            kms: self.kms.iter().map(|(operation, each)| (operation.clone(), each * n)).collect(),
            line: self.line * n,
            tables: self.tables.clone(),
        }
    }

    /// This without what would have been spent anyway.
    #[must_use]
    pub fn beyond(&self, anyway: &Self) -> Self {
        let mut rest = self.plus(&anyway.times(-1.0));
        rest.kms.retain(|_, n| *n != 0.0);
        rest
    }
}

/// What was spent for a request itself, and for loading published configuration, which is
/// kept for a minute.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tally {
    /// For the request.
    pub own: Spent,
    /// For the configuration.
    pub configuration: Spent,
}

/// Counts.
#[derive(Debug, Default)]
pub struct Meter(Mutex<Tally>);

impl Meter {
    /// What was spent since this was asked last.
    pub fn take(&self) -> Tally {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn note(&self, configuration: bool, spent: &Spent) {
        let mut tally = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let part = if configuration { &mut tally.configuration } else { &mut tally.own };
        *part = part.plus(spent);
    }
}

/// An engine that is counted.
#[derive(Debug)]
pub struct Metered {
    behind: Arc<dyn Engine>,
    meter: Arc<Meter>,
}

impl Metered {
    /// Counts what this engine is asked.
    pub fn new(behind: Arc<dyn Engine>, meter: Arc<Meter>) -> Self {
        Self { behind, meter }
    }

    fn note(&self, asked: &Asked, reply: &Reply) {
        let touches = self.behind.touches(asked);
        let mut spent = Spent::default();
        match self.behind.service() {
            Service::DynamoDb => {
                let units = units(asked, reply, touches.len());
                spent.calls = 1.0;
                if reads(&asked.operation) {
                    spent.reads = units;
                } else {
                    spent.writes = units;
                }
                spent.tables = touches.iter().map(|touch| table(touch).to_owned()).collect();
            }
            Service::Kms => {
                spent.kms.insert(asked.operation.clone(), 1.0);
            }
            Service::Line => spent.line = 1.0,
        }
        let configuration = !touches.is_empty() && touches.iter().all(|touch| touch.partition == "P#");
        self.meter.note(configuration, &spent);
    }
}

impl Engine for Metered {
    fn service(&self) -> Service {
        self.behind.service()
    }

    fn touches(&self, asked: &Asked) -> Vec<Touch> {
        self.behind.touches(asked)
    }

    fn answer(&self, asked: &Asked) -> Reply {
        let reply = match self.behind.service() {
            Service::DynamoDb => self.behind.answer(&asking(asked)),
            Service::Kms | Service::Line => self.behind.answer(asked),
        };
        self.note(asked, &reply);
        reply
    }

    fn delay(&self, asked: &Asked) -> Option<std::time::Duration> {
        self.behind.delay(asked)
    }

    fn throttled(&self) -> Reply {
        self.behind.throttled()
    }
}

/// The same call, which also asks what it consumes.
fn asking(asked: &Asked) -> Asked {
    let Ok(mut body) = serde_json::from_slice::<Value>(&asked.body) else { return asked.clone() };
    body["ReturnConsumedCapacity"] = json!("TOTAL");
    Asked { body: body.to_string().into_bytes(), ..asked.clone() }
}

fn reads(operation: &str) -> bool {
    matches!(operation, "GetItem" | "Query")
}

/// The units that an answer says were consumed. A write whose condition failed is charged, too,
/// and says nothing: the least there is for each of its parts.
fn units(asked: &Asked, reply: &Reply, parts: usize) -> f64 {
    if reply.status != 200 {
        let each = if asked.operation == "TransactWriteItems" { 2.0 } else { 1.0 };
        return each * parts as f64;
    }
    let body: Value = serde_json::from_str(&reply.body).unwrap_or_default();
    let of = |capacity: &Value| capacity["CapacityUnits"].as_f64().unwrap_or_default();
    match &body["ConsumedCapacity"] {
        Value::Array(tables) => tables.iter().map(of).sum(),
        capacity => of(capacity),
    }
}

/// The table that is touched: indexes are those of the vault.
fn table(touch: &Touch) -> &str {
    if touch.target.starts_with("index/") { "vault" } else { touch.target.as_str() }
}
