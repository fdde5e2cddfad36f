//! The declaration of the tables and indexes: what `infra/template.yaml` says is
//! compared with it, and the local tables are made from it.

use aws_sdk_dynamodb::{
    Client,
    types::{
        AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection, ProjectionType,
        ScalarAttributeType, TimeToLiveSpecification,
    },
};

use crate::store::StoreError;

/// One of the three tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Table {
    /// Everything about persons, sealed; the key pool; what is published.
    Vault,
    /// Wrapped private keys.
    Keys,
    /// What was opened and erased.
    Audit,
}

/// One of the two indexes of the vault. Both are sparse and hold keys only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Index {
    /// What is due in an hour.
    Due,
    /// What came in on a day.
    Inbox,
}

/// An attribute that is part of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyAttribute {
    /// Its name.
    pub name: &'static str,
    /// `S` or `N`.
    pub kind: char,
}

/// What a table is made of.
#[derive(Debug, Clone, Copy)]
pub struct Declaration {
    /// Which table.
    pub table: Table,
    /// Partition and sort key.
    pub key: [KeyAttribute; 2],
    /// Its indexes.
    pub indexes: &'static [IndexDeclaration],
    /// The attribute DynamoDB's TTL reads, if it is on.
    pub ttl: Option<&'static str>,
    /// Days of point-in-time recovery.
    pub recovery_days: i64,
    /// Whether it cannot be deleted by mistake.
    pub deletion_protection: bool,
}

/// What an index is made of.
#[derive(Debug, Clone, Copy)]
pub struct IndexDeclaration {
    /// Which index.
    pub index: Index,
    /// Partition and sort key.
    pub key: [KeyAttribute; 2],
}

const fn text(name: &'static str) -> KeyAttribute {
    KeyAttribute { name, kind: 'S' }
}

const fn number(name: &'static str) -> KeyAttribute {
    KeyAttribute { name, kind: 'N' }
}

const KEY: [KeyAttribute; 2] = [text("pk"), text("sk")];

/// All tables.
pub const DECLARATIONS: [Declaration; 3] = [
    Declaration {
        table: Table::Vault,
        key: KEY,
        indexes: &[
            IndexDeclaration { index: Index::Due, key: [text("due_slot"), number("due_at")] },
            IndexDeclaration { index: Index::Inbox, key: [text("inbox_slot"), number("at")] },
        ],
        ttl: Some("ttl"),
        recovery_days: 35,
        deletion_protection: true,
    },
    Declaration { table: Table::Keys, key: KEY, indexes: &[], ttl: None, recovery_days: 7, deletion_protection: true },
    Declaration {
        table: Table::Audit,
        key: KEY,
        indexes: &[],
        ttl: None,
        recovery_days: 35,
        deletion_protection: true,
    },
];

impl Table {
    /// Every table.
    pub const ALL: [Self; 3] = [Self::Vault, Self::Keys, Self::Audit];

    /// Its short name: in local mode its whole name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Vault => "vault",
            Self::Keys => "keys",
            Self::Audit => "audit",
        }
    }
}

impl Index {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Due => "due",
            Self::Inbox => "inbox",
        }
    }
}

/// The names of the tables in one installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableNames {
    /// The vault.
    pub vault: String,
    /// The keys.
    pub keys: String,
    /// The audit log.
    pub audit: String,
}

impl TableNames {
    /// The names of local mode.
    pub fn local() -> Self {
        let name = |table: Table| table.as_str().to_owned();
        Self { vault: name(Table::Vault), keys: name(Table::Keys), audit: name(Table::Audit) }
    }

    /// The name of a table.
    pub fn of(&self, table: Table) -> &str {
        match table {
            Table::Vault => &self.vault,
            Table::Keys => &self.keys,
            Table::Audit => &self.audit,
        }
    }
}

/// Makes the tables that are missing. Recovery and deletion protection are the
/// template's business: the local engine has neither.
///
/// # Errors
/// A call failed for another reason than that the table is there.
pub async fn create_missing(client: &Client, names: &TableNames) -> Result<(), StoreError> {
    for declaration in &DECLARATIONS {
        let name = names.of(declaration.table);
        match create(client, name, declaration).await {
            Ok(()) => set_ttl(client, name, declaration).await?,
            Err(StoreError::Call { code, .. }) if code == "ResourceInUseException" => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

async fn create(client: &Client, name: &str, declaration: &Declaration) -> Result<(), StoreError> {
    let mut request = client
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest)
        .set_key_schema(Some(schema(&declaration.key)));
    let index_keys = declaration.indexes.iter().flat_map(|index| index.key);
    for attribute in declaration.key.into_iter().chain(index_keys) {
        request = request.attribute_definitions(definition(attribute));
    }
    for index in declaration.indexes {
        request = request.global_secondary_indexes(
            GlobalSecondaryIndex::builder()
                .index_name(index.index.as_str())
                .set_key_schema(Some(schema(&index.key)))
                .projection(Projection::builder().projection_type(ProjectionType::KeysOnly).build())
                .build()
                .expect("an index with a name, a key and a projection is complete"),
        );
    }
    request.send().await.map_err(|error| StoreError::call("CreateTable", error))?;
    Ok(())
}

async fn set_ttl(client: &Client, name: &str, declaration: &Declaration) -> Result<(), StoreError> {
    let Some(attribute) = declaration.ttl else { return Ok(()) };
    let specification = TimeToLiveSpecification::builder()
        .attribute_name(attribute)
        .enabled(true)
        .build()
        .expect("a specification with both members is complete");
    client
        .update_time_to_live()
        .table_name(name)
        .time_to_live_specification(specification)
        .send()
        .await
        .map_err(|error| StoreError::call("UpdateTimeToLive", error))?;
    Ok(())
}

fn schema(key: &[KeyAttribute; 2]) -> Vec<KeySchemaElement> {
    [(key[0], KeyType::Hash), (key[1], KeyType::Range)]
        .into_iter()
        .map(|(attribute, kind)| {
            KeySchemaElement::builder()
                .attribute_name(attribute.name)
                .key_type(kind)
                .build()
                .expect("an element with a name and a type is complete")
        })
        .collect()
}

fn definition(attribute: KeyAttribute) -> AttributeDefinition {
    let kind = if attribute.kind == 'N' { ScalarAttributeType::N } else { ScalarAttributeType::S };
    AttributeDefinition::builder()
        .attribute_name(attribute.name)
        .attribute_type(kind)
        .build()
        .expect("a definition with a name and a type is complete")
}
