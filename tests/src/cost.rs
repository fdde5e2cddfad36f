//! What erasing costs, in calls and capacity units, beside any number of rows of others. Below
//! it, what everything costs: stories that are counted, prices, and the page `infra/COST.md`.

pub mod bill;
pub mod meter;
pub mod page;
pub mod prices;
pub mod rig;
pub mod size;
pub mod stories;
pub mod template;

use azukari::{
    domain::{erasure::Ground, id::SubjectId, time::UnixMs},
    host::roles::Role,
    store::order::EraseOrder,
};
use azukari_sweeper::Report;
use serde_json::{Value, json};

use crate::app::{NOON, TestApp};

/// How something is erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Single values whose days are over.
    Values,
    /// Values that waited for a consent that did not come.
    Waiting,
    /// Values that are counted when they go.
    Anonymised,
    /// Everything of one person.
    Person,
}

impl Way {
    /// Every way.
    pub const ALL: [Self; 4] = [Self::Values, Self::Waiting, Self::Anonymised, Self::Person];

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Values => "values",
            Self::Waiting => "values that waited for consent",
            Self::Anonymised => "values that are counted",
            Self::Person => "a person with as many values",
        }
    }
}

/// What it has cost to erase something.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cost {
    /// Values that were erased.
    pub values: u64,
    /// Calls to the vault.
    pub calls: u64,
    /// Capacity units of them, for reading and for writing.
    pub units: f64,
}

impl Cost {
    /// Units for each value.
    pub fn units_each(&self) -> f64 {
        self.units / each(self.values)
    }

    /// Calls for each value.
    pub fn calls_each(&self) -> f64 {
        each(self.calls) / each(self.values)
    }
}

fn each(n: u64) -> f64 {
    f64::from(u32::try_from(n).unwrap_or(u32::MAX))
}

/// Fills the vault with rows of others that are not due for a long time.
pub fn bystanders(app: &TestApp, n: usize) {
    const AT_ONCE: usize = 100_000;
    let item = |n: usize| {
        let item: std::collections::HashMap<String, Value> = [
            ("pk", json!({"S": format!("S#{n:032x}")})),
            ("sk", json!({"S": "R#1"})),
            ("kind", json!({"S": "message"})),
            ("due_slot", json!({"S": "2031-01-01T00#0"})),
            ("due_at", json!({"N": "1924992000000"})),
            ("env", json!({"B": "AQEAAAABBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE"})),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
        serde_json::from_value(json!(item)).expect("an item")
    };
    let mut from = 0;
    while from < n {
        let to = (from + AT_ONCE).min(n);
        let items = (from..to).map(item).collect();
        let database = app.installation().dynamodb().database();
        database.import_items("vault", items, Default::default()).expect("the rows are taken");
        from = to;
    }
}

/// The shipped purposes, with messages kept for a day.
fn purposes(then: &str) -> String {
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/../infra/config/purposes.toml");
    let shipped = std::fs::read_to_string(shipped).expect("it is shipped");
    let rule = "retention = { after = \"collected\", days = 180 }\nthen = \"erase\"";
    assert!(shipped.contains(rule), "messages are kept for 180 days");
    let own = format!("retention = {{ after = \"collected\", days = 1 }}\nthen = \"{then}\"");
    shipped.replacen(rule, &own, 1)
}

/// Erases so many messages beside the rows of so many others: what it has cost.
pub async fn cost(way: Way, values: u64, others: usize) -> Cost {
    let app = match way {
        Way::Waiting => TestApp::new().await,
        Way::Values | Way::Person => TestApp::with_files(&[("purposes.toml", &purposes("erase"))]).await,
        Way::Anonymised => TestApp::with_files(&[("purposes.toml", &purposes("anonymise"))]).await,
    };
    let someone = app.someone();
    let channel = if way == Way::Waiting { "demo" } else { "kept" };
    let events: Vec<Value> = (0..values).map(|n| someone.text(&n.to_string(), NOON, "a")).collect();
    for events in events.chunks(50) {
        assert_eq!(app.hook_to(channel, events).await, 200);
    }
    let subject = app.subject(channel, &someone).expect("they are known");
    bystanders(&app, others);
    let report = match way {
        Way::Person => person(&app, subject).await,
        Way::Values | Way::Waiting | Way::Anonymised => {
            app.advance_days(1);
            app.sweep().await.expect("the sweep begins")
        }
    };
    let expected = match way {
        Way::Values | Way::Waiting => (values, 0, 0),
        Way::Anonymised => (0, values, 0),
        Way::Person => (0, 0, 1),
    };
    assert_eq!((report.erased, report.anonymised, report.persons), expected, "{report:?}");
    assert_eq!(report.failed, 0, "{report:?}");
    // A large table is not read as a whole.
    if others <= 1_000 {
        assert_eq!(app.rows_of("message").len(), others, "nothing of others is touched");
    }
    app.assert_nothing_in_the_clear();
    app.close();
    Cost { values, calls: report.calls, units: report.units }
}

/// Erases a person: what both sweeps have cost.
async fn person(app: &TestApp, subject: SubjectId) -> Report {
    let as_of = UnixMs::new(app.now());
    let order = EraseOrder { subject, id: "EO".to_owned(), ground: Ground::Asked, as_of };
    let vault = app.installation().vault_as(Role::Sweeper).expect("the secrets are complete");
    vault.put_erase_order(&order, as_of).await.expect("the order is placed");
    let first = app.sweep().await.expect("the sweep begins");
    app.advance(120_000);
    let second = app.sweep().await.expect("the sweep begins");
    Report { calls: first.calls + second.calls, units: first.units + second.units, ..second }
}
