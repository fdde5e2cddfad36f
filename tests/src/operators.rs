//! The operators of the tests: keys of their own, roles in the configuration, and
//! requests as they sign them.

use std::{collections::BTreeMap, sync::OnceLock};

use azukari::{
    domain::{operator::OperatorId, time::UnixMs},
    store::tables::Table,
};
use azukari_local::{installation::AUDIENCE, operator_key::OperatorKey};
use serde_json::{Value, json};

use crate::{app::TestApp, line::Someone};

/// Name, role, purposes, and people an hour.
const OPERATORS: [(&str, &str, &[&str], u32); 5] = [
    ("officer", "privacy_officer", &[], 10_000),
    ("desk", "staff", &["chat"], 60),
    ("narrow", "staff", &["chat"], 3),
    ("auditor", "auditor", &[], 1),
    ("crm", "system", &["chat", "operation"], 600),
];

fn keys() -> &'static BTreeMap<&'static str, OperatorKey> {
    static KEYS: OnceLock<BTreeMap<&'static str, OperatorKey>> = OnceLock::new();
    KEYS.get_or_init(|| {
        let folder = crate::app::scratch();
        let make = |(name, ..): (&'static str, &str, &[&str], u32)| {
            let id = OperatorId::parse(name).expect("a name");
            (name, OperatorKey::make(id, &folder.path().join(format!("{name}.pem"))).expect("a key"))
        };
        OPERATORS.into_iter().map(make).collect()
    })
}

/// The key of an operator.
pub fn key(name: &str) -> &'static OperatorKey {
    &keys()[name]
}

/// `operators.toml` of the tests.
pub(crate) fn configuration() -> String {
    OPERATORS.into_iter().map(block).collect()
}

fn block((name, role, purposes, n): (&str, &str, &[&str], u32)) -> String {
    let public_key = key(name).public_text();
    let purposes = if purposes.is_empty() { String::new() } else { format!("purposes = {purposes:?}\n") };
    let head = match role {
        "system" => "[[system]]\n".to_owned(),
        role => format!("[[operator]]\nrole = \"{role}\"\n"),
    };
    format!("{head}id = \"{name}\"\n{purposes}people_per_hour = {n}\npublic_key = \"{public_key}\"\n\n")
}

/// A request to open LINE users of a channel.
pub fn open(channel: &str, people: &[&Someone], fields: &[&str], purpose: Option<&str>) -> Value {
    let people: Vec<Value> = people.iter().map(|one| json!({"user_id": one.0, "channel": channel})).collect();
    let mut request = json!({"act": "open", "people": people, "fields": fields, "reason": "inquiry"});
    if let Some(purpose) = purpose {
        request["purpose"] = json!(purpose);
    }
    request
}

impl TestApp {
    /// An assertion of an operator for a request, made now.
    pub fn assertion(&self, name: &str, request: &Value) -> String {
        key(name).assertion(AUDIENCE, UnixMs::new(self.now()), request).expect("it is signed")
    }

    /// Claims as an operator makes them for a request now.
    pub fn claims(&self, name: &str, request: &Value) -> Value {
        let now = self.now() / 1_000;
        let jti = format!("{:032x}", crate::app::unique());
        json!({"iss": name, "aud": AUDIENCE, "iat": now, "exp": now + 60, "jti": jti, "request": request})
    }

    /// Invokes the opener.
    pub async fn invoke(&self, assertion: &str) -> Value {
        serde_json::to_value(self.opener().invoke(&json!({ "assertion": assertion })).await).expect("an answer")
    }

    /// Asks the opener as an operator.
    pub async fn ask(&self, name: &str, request: &Value) -> Value {
        self.invoke(&self.assertion(name, request)).await
    }

    /// Opens one LINE user as the privacy officer, every field of every purpose held:
    /// the person's part of the answer.
    pub async fn open_all(&self, channel: &str, someone: &Someone) -> Value {
        let mut answer = self.ask("officer", &open(channel, &[someone], &["*"], None)).await;
        answer["people"][0].take()
    }

    /// The entries of the ledger, in the order in which they were written.
    pub fn entries(&self) -> Vec<Value> {
        let mut entries: Vec<Value> =
            self.rows(Table::Audit).into_iter().filter(|row| row["kind"]["S"] == "entry").collect();
        let text = |row: &Value, name: &str| row[name]["S"].as_str().unwrap_or_default().to_owned();
        let at = |row: &Value| row["at"]["N"].as_str().and_then(|at| at.parse::<i64>().ok());
        entries.sort_by_key(|row| (at(row), text(row, "pk"), text(row, "sk")));
        entries
    }

    /// What the entries say: act, operator and ground of a refusal.
    pub fn entered(&self) -> Vec<String> {
        let text = |row: &Value, name: &str| row[name]["S"].as_str().unwrap_or("-").to_owned();
        self.entries()
            .iter()
            .map(|row| format!("{} {} {}", text(row, "act"), text(row, "operator"), text(row, "refusal")))
            .collect()
    }
}
