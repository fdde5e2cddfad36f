//! How large rows are, as DynamoDB counts what it stores.

use azukari::store::tables::Table;
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;

use crate::app::TestApp;

/// What DynamoDB adds to each row, and to each entry of an index.
const OVERHEAD: usize = 100;

/// Signatures of P-256 have 70 to 72 bytes by chance: the longest is counted.
const SIGNATURE: usize = 72;

/// Bytes of everything that is stored, indexes included.
pub fn stored(app: &TestApp) -> usize {
    let tables = [Table::Vault, Table::Keys, Table::Audit];
    tables.into_iter().flat_map(|table| app.rows(table)).map(|row| with_indexes(&row)).sum()
}

/// Bytes of one row and of its entries in the two indexes, which hold keys only.
pub fn with_indexes(row: &Value) -> usize {
    let whole = attributes(row, |_| true) + OVERHEAD;
    let entry = |hash: &str, range: &str| {
        let in_it = row.get(hash).is_some() && row.get(range).is_some();
        let keys = ["pk", "sk", hash, range];
        if in_it { attributes(row, |name| keys.contains(&name)) + OVERHEAD } else { 0 }
    };
    whole + entry("due_slot", "due_at") + entry("inbox_slot", "at")
}

fn attributes(row: &Value, counted: impl Fn(&str) -> bool) -> usize {
    let all = row.as_object().into_iter().flatten();
    all.filter(|(name, _)| counted(name)).map(|(name, value)| name.len() + bytes(name, value)).sum()
}

fn bytes(name: &str, value: &Value) -> usize {
    let Some((kind, value)) = value.as_object().and_then(|value| value.iter().next()) else { return 0 };
    let text = value.as_str().unwrap_or_default();
    match kind.as_str() {
        "S" => text.len(),
        "N" => text.trim_start_matches('-').len().div_ceil(2) + 1,
        "B" if name == "signature" => SIGNATURE,
        "B" => STANDARD.decode(text).map_or(0, |bytes| bytes.len()),
        "SS" => value.as_array().into_iter().flatten().map(|text| text.as_str().unwrap_or_default().len()).sum(),
        "L" => 3 + value.as_array().into_iter().flatten().map(|part| 1 + bytes("", part)).sum::<usize>(),
        "M" => {
            3 + value
                .as_object()
                .into_iter()
                .flatten()
                .map(|(name, part)| 1 + name.len() + bytes(name, part))
                .sum::<usize>()
        }
        // BOOL, NULL
        _ => 1,
    }
}
