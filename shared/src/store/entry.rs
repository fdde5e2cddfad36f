//! Entries of the audit log: `A#<writer>` / `<sequence>`, a chain for each instance of
//! a function that writes, every entry signed. And `A#index`, which names the chains.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem};
use sha2::{Digest, Sha256};

use crate::domain::{id::SubjectId, time::UnixMs};
use crate::store::{
    Item, StoreError,
    audit::Audit,
    item::canonical,
    key::{self, WRITERS},
};

/// Most persons in an entry.
pub const MAX_SUBJECTS: usize = 25;

/// The previous digest of the first entry of a chain.
pub const BEGINNING: [u8; 32] = [0; 32];

/// What an entry says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What is done: `open`, `list`, `close_request`, `ledger`, `refuse`, `erase`, and so on.
    pub act: &'static str,
    /// When.
    pub at: UnixMs,
    /// Who: the name of an operator, or of the function itself. For an assertion that
    /// was refused, whom it claims to be from if there is such an operator, else `?`.
    pub operator: String,
    /// Digest of the assertion's id: entries of one request have the same.
    pub request: String,
    /// About whom; at most [`MAX_SUBJECTS`].
    pub subjects: Vec<SubjectId>,
    /// How many were asked for who are not known.
    pub unknown: usize,
    /// Which fields, by name.
    pub fields: Vec<String>,
    /// The opaque id of the purpose, or `*` for every purpose held.
    pub purpose: Option<String>,
    /// Why, as a code.
    pub reason: Option<&'static str>,
    /// Why in the operator's own words, sealed.
    pub note: Option<Vec<u8>>,
    /// Why something was refused.
    pub refusal: Option<&'static str>,
}

impl Entry {
    /// An entry that says who asked for what and when, to be filled in.
    pub fn new(act: &'static str, at: UnixMs, operator: String, request: String) -> Self {
        Self {
            act,
            at,
            operator,
            request,
            subjects: Vec::new(),
            unknown: 0,
            fields: Vec::new(),
            purpose: None,
            reason: None,
            note: None,
            refusal: None,
        }
    }
}

/// Where an entry stands in its chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// The instance that writes.
    pub writer: String,
    /// From 1.
    pub sequence: u64,
    /// Digest of the entry before, or [`BEGINNING`].
    pub previous: [u8; 32],
}

/// An entry at its place in a chain, not yet signed.
#[derive(Debug, Clone)]
pub struct Placed {
    item: Item,
    position: Position,
    digest: [u8; 32],
}

impl Placed {
    /// Places an entry.
    pub fn new(entry: &Entry, position: Position) -> Self {
        let names = |names: &[String]| serde_json::Value::from(names).to_string();
        let subjects: Vec<String> = entry.subjects.iter().map(ToString::to_string).collect();
        let mut item = Item::new(key::chain(&position.writer), key::sequence(position.sequence), "entry")
            .text("act", entry.act)
            .time("at", entry.at)
            .text("operator", &entry.operator)
            .text("request", &entry.request)
            .text("subjects", names(&subjects))
            .number("unknown", i64::try_from(entry.unknown).unwrap_or(i64::MAX))
            .text("fields", names(&entry.fields))
            .maybe_text("purpose", entry.purpose.as_deref())
            .maybe_text("reason", entry.reason)
            .maybe_text("refusal", entry.refusal)
            .bytes("previous", position.previous);
        if let Some(note) = &entry.note {
            item = item.bytes("note", note.clone());
        }
        let digest = digest(&item.clone().into_map());
        Self { item, position, digest }
    }

    /// Where it stands.
    pub fn position(&self) -> &Position {
        &self.position
    }

    /// Its digest, which the next entry repeats.
    pub fn digest(&self) -> [u8; 32] {
        self.digest
    }
}

/// The digest of an entry: SHA-256 over the canonical form ([`canonical`]) of
/// everything in the row but `signature`.
pub(super) fn digest(map: &HashMap<String, AttributeValue>) -> [u8; 32] {
    let mut map = map.clone();
    map.remove("signature");
    Sha256::digest(canonical(&map)).into()
}

/// A chain on the list of chains, as it is stored, from its place there.
pub fn listed(place: &str, writer: &str) -> HashMap<String, AttributeValue> {
    Item::new(WRITERS, place, "writer").text("writer", writer).into_map()
}

/// Rows of a partition.
pub(super) struct Page {
    /// The rows, in the order of their sort keys.
    pub(super) rows: Vec<HashMap<String, AttributeValue>>,
    /// Whether there are more behind them.
    pub(super) more: bool,
}

impl Audit {
    /// Appends a signed entry to its chain. The first of a chain is put on the list of
    /// chains with it, both or neither. An attempt whose answer was lost may be
    /// repeated: the same entry is written again.
    ///
    /// # Errors
    /// The call failed, or another entry stands there: the caller must not go on.
    pub async fn append_entry(&self, placed: &Placed, signature: &[u8], at: UnixMs) -> Result<(), StoreError> {
        let item = placed.item.clone().bytes("signature", signature);
        let request = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item.clone().into_map()))
            .condition_expression("attribute_not_exists(pk) OR signature = :signature")
            .expression_attribute_values(":signature", AttributeValue::B(signature.to_vec().into()));
        if placed.position.sequence > 1 {
            return request.send().await.map(drop).map_err(|error| StoreError::call("PutItem", error));
        }
        let writer = &placed.position.writer;
        let listed =
            Item::new(WRITERS, key::writer(at, writer), "writer").text("writer", writer.clone()).time("at", at);
        let parts = [item, listed].into_iter().map(|item| {
            let put = Put::builder()
                .table_name(&self.table)
                .set_item(Some(item.into_map()))
                .condition_expression("attribute_not_exists(pk)")
                .build()
                .expect("a put with a table and an item is complete");
            TransactWriteItem::builder().put(put).build()
        });
        let answer = self.client.transact_write_items().set_transact_items(Some(parts.collect())).send().await;
        answer.map(drop).map_err(|error| StoreError::call("TransactWriteItems", error))
    }

    /// A page of the list of chains, oldest first, behind `after` (a sort key).
    ///
    /// # Errors
    /// The call failed.
    pub async fn writers(&self, after: &str) -> Result<Vec<(String, String)>, StoreError> {
        let page = self.page(WRITERS, after).await?;
        page.rows
            .into_iter()
            .map(|map| {
                let item = Item::read(map);
                Ok((item.get_text("sk")?.to_owned(), item.get_text("writer")?.to_owned()))
            })
            .collect()
    }

    /// A page of a chain as it is stored, behind `after` (a sort key, or empty).
    ///
    /// # Errors
    /// The call failed.
    pub async fn entries(&self, writer: &str, after: &str) -> Result<Vec<HashMap<String, AttributeValue>>, StoreError> {
        Ok(self.page(&key::chain(writer), after).await?.rows)
    }

    /// A page of a partition, behind `after` (a sort key, or empty).
    pub(super) async fn page(&self, pk: &str, after: &str) -> Result<Page, StoreError> {
        // A sort key is never empty; a space sorts before every one of ours.
        let after = if after.is_empty() { " " } else { after };
        let answer = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk AND sk > :after")
            .expression_attribute_values(":pk", AttributeValue::S(pk.to_owned()))
            .expression_attribute_values(":after", AttributeValue::S(after.to_owned()))
            .consistent_read(true)
            .limit(500)
            .send()
            .await
            .map_err(|error| StoreError::call("Query", error))?;
        Ok(Page { more: answer.last_evaluated_key.is_some(), rows: answer.items.unwrap_or_default() })
    }
}
