//! The role table: who may do what. Local mode enforces it call by call; a test
//! compares it with the IAM statements of `infra/template.yaml`, both ways, and with
//! what the functions really called.

use crate::store::tables::{Index, Table};

/// Whose credentials a call is signed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// LINE events in. Intake: opens nothing, reads no person's rows.
    Webhook,
    /// People's pages: the policy, forms. Intake.
    Form,
    /// Account linking and LINE Login. Intake.
    Link,
    /// Keeps the pool of key pairs full.
    Locksmith,
    /// Erases what is due.
    Sweeper,
    /// The only one that opens. It also places an operator's order to erase somebody, and
    /// notes how a person's request has ended.
    Opener,
    /// Publishes configuration.
    Publisher,
    /// Makes tables, reads the verify keys.
    Admin,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 8] = [
        Self::Webhook,
        Self::Form,
        Self::Link,
        Self::Locksmith,
        Self::Sweeper,
        Self::Opener,
        Self::Publisher,
        Self::Admin,
    ];

    /// Roles on the internet side.
    pub const INTAKE: [Self; 3] = [Self::Webhook, Self::Form, Self::Link];

    /// Its name: in local mode also its access key id.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Form => "form",
            Self::Link => "link",
            Self::Locksmith => "locksmith",
            Self::Sweeper => "sweeper",
            Self::Opener => "opener",
            Self::Publisher => "publisher",
            Self::Admin => "admin",
        }
    }

    /// The role of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }
}

/// A DynamoDB operation, as IAM names it. Transactions and batches need the
/// operations they are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operation {
    /// Read one row.
    GetItem,
    /// Write one row whole.
    PutItem,
    /// Change attributes of one row.
    UpdateItem,
    /// Delete one row.
    DeleteItem,
    /// Read rows of one partition.
    Query,
    /// Look at one row as part of a transaction.
    ConditionCheckItem,
    /// Make a table.
    CreateTable,
    /// Set a table's TTL attribute.
    UpdateTimeToLive,
}

impl Operation {
    /// Its name in the API and, behind `dynamodb:`, in IAM.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::GetItem => "GetItem",
            Self::PutItem => "PutItem",
            Self::UpdateItem => "UpdateItem",
            Self::DeleteItem => "DeleteItem",
            Self::Query => "Query",
            Self::ConditionCheckItem => "ConditionCheckItem",
            Self::CreateTable => "CreateTable",
            Self::UpdateTimeToLive => "UpdateTimeToLive",
        }
    }
}

/// What a grant is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Target {
    /// A table.
    Table(Table),
    /// An index of the vault.
    Index(Index),
}

/// Leave to call some operations on one table or index.
#[derive(Debug, Clone, Copy)]
pub struct Grant {
    /// The operations.
    pub operations: &'static [Operation],
    /// The table or index.
    pub target: Target,
    /// Prefixes of the partition key (`dynamodb:LeadingKeys`); empty: any.
    pub prefixes: &'static [&'static str],
    /// Whether nothing of a row may come back (`dynamodb:ReturnValues` = `NONE`).
    pub returns_nothing: bool,
}

/// One of the KMS keys that functions call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    /// Wraps the persons' private keys.
    Wrap,
    /// Signs key rows.
    Enrol,
    /// Signs entries of the audit log.
    Evidence,
    /// Makes the digests by which people are found.
    Index,
}

impl Key {
    /// Every key.
    pub const ALL: [Self; 4] = [Self::Wrap, Self::Enrol, Self::Evidence, Self::Index];

    /// Its name: in local mode also its key id.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Wrap => "wrap",
            Self::Enrol => "enrol",
            Self::Evidence => "evidence",
            Self::Index => "index",
        }
    }
}

/// A KMS operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeyOperation {
    /// Make a pair whose private half is wrapped and not shown.
    GenerateDataKeyPairWithoutPlaintext,
    /// Unwrap.
    Decrypt,
    /// Sign.
    Sign,
    /// Read the public half.
    GetPublicKey,
    /// Make a keyed digest.
    GenerateMac,
}

impl KeyOperation {
    /// Its name in the API and, behind `kms:`, in IAM.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::GenerateDataKeyPairWithoutPlaintext => "GenerateDataKeyPairWithoutPlaintext",
            Self::Decrypt => "Decrypt",
            Self::Sign => "Sign",
            Self::GetPublicKey => "GetPublicKey",
            Self::GenerateMac => "GenerateMac",
        }
    }
}

/// A limit on sort keys. IAM knows no such condition: **not in IAM**, enforced in
/// local mode, where it shows a function that strays.
#[derive(Debug, Clone, Copy)]
pub struct SortKeyLimit {
    /// For writes to partitions with this prefix.
    pub prefix: &'static str,
    /// What the sort key begins with.
    pub sort_keys: &'static [&'static str],
}

/// Everything one role may do.
#[derive(Debug, Clone, Copy)]
pub struct Permissions {
    /// On tables.
    pub tables: &'static [Grant],
    /// On KMS keys.
    pub keys: &'static [(KeyOperation, Key)],
    /// Whether it reads a secret of its own.
    pub secret: bool,
    /// Not in IAM.
    pub sort_keys: &'static [SortKeyLimit],
}

const VAULT: Target = Target::Table(Table::Vault);
const KEYS: Target = Target::Table(Table::Keys);
const AUDIT: Target = Target::Table(Table::Audit);

const fn grant(operations: &'static [Operation], target: Target, prefixes: &'static [&'static str]) -> Grant {
    Grant { operations, target, prefixes, returns_nothing: false }
}

const fn blind(operations: &'static [Operation], target: Target, prefixes: &'static [&'static str]) -> Grant {
    Grant { operations, target, prefixes, returns_nothing: true }
}

const NOTHING: Permissions = Permissions { tables: &[], keys: &[], secret: false, sort_keys: &[] };

const WEBHOOK: Permissions = Permissions {
    tables: &[
        grant(&[Operation::GetItem], VAULT, &["L#", "N#", "P#", "X#member#"]),
        grant(&[Operation::Query], VAULT, &["K#"]),
        blind(&[Operation::PutItem], VAULT, &["L#", "S#", "X#member#"]),
        blind(&[Operation::DeleteItem], VAULT, &["K#", "L#", "N#"]),
    ],
    secret: true,
    sort_keys: &[SortKeyLimit { prefix: "S#", sort_keys: &["-", "C#", "M#", "O#", "R#", "Z#line"] }],
    ..NOTHING
};

const FORM: Permissions = Permissions {
    tables: &[
        grant(&[Operation::GetItem], VAULT, &["L#", "P#"]),
        grant(&[Operation::Query], VAULT, &["K#", "P#"]),
        blind(&[Operation::PutItem], VAULT, &["L#", "Q#", "S#", "X#email#", "X#member_id#", "X#phone#"]),
        blind(&[Operation::ConditionCheckItem], VAULT, &["L#"]),
        blind(&[Operation::UpdateItem], VAULT, &["Q#", "Y#"]),
        blind(&[Operation::DeleteItem], VAULT, &["K#", "L#"]),
        grant(&[Operation::Query], AUDIT, &["T#"]),
    ],
    keys: &[(KeyOperation::GenerateMac, Key::Index)],
    secret: true,
    sort_keys: &[SortKeyLimit { prefix: "S#", sort_keys: &["-", "C#", "F#", "O#", "X#"] }],
};

const LINK: Permissions = Permissions {
    tables: &[
        grant(&[Operation::GetItem], VAULT, &["L#", "N#", "P#", "X#member#"]),
        grant(&[Operation::Query], VAULT, &["K#"]),
        blind(&[Operation::PutItem], VAULT, &["L#", "N#", "S#", "X#member#"]),
        blind(&[Operation::UpdateItem], VAULT, &["Q#"]),
        blind(&[Operation::DeleteItem], VAULT, &["K#", "L#", "N#"]),
    ],
    keys: &[(KeyOperation::GenerateMac, Key::Index)],
    secret: true,
    sort_keys: &[SortKeyLimit { prefix: "S#", sort_keys: &["-", "C#", "M#", "O#"] }],
};

const LOCKSMITH: Permissions = Permissions {
    tables: &[grant(&[Operation::Query, Operation::PutItem], VAULT, &["K#"]), grant(&[Operation::PutItem], KEYS, &[])],
    keys: &[(KeyOperation::GenerateDataKeyPairWithoutPlaintext, Key::Wrap), (KeyOperation::Sign, Key::Enrol)],
    ..NOTHING
};

const SWEEPER: Permissions = Permissions {
    tables: &[
        grant(&[Operation::Query], Target::Index(Index::Due), &[]),
        grant(&[Operation::GetItem], VAULT, &["L#", "P#", "S#", "W#", "X#"]),
        grant(
            &[Operation::Query, Operation::UpdateItem, Operation::DeleteItem, Operation::ConditionCheckItem],
            VAULT,
            &["S#"],
        ),
        grant(&[Operation::PutItem], VAULT, &["L#", "S#", "W#", "X#"]),
        grant(&[Operation::DeleteItem], VAULT, &["X#"]),
        grant(&[Operation::Query, Operation::DeleteItem], VAULT, &["K#"]),
        grant(&[Operation::UpdateItem], VAULT, &["Y#"]),
        grant(&[Operation::DeleteItem], KEYS, &[]),
        grant(&[Operation::PutItem], AUDIT, &["A#index", "A#sweeper-", "D#", "E#", "T#"]),
        grant(&[Operation::Query], AUDIT, &["A#", "D#", "E#"]),
    ],
    keys: &[(KeyOperation::Sign, Key::Evidence)],
    secret: true,
    sort_keys: &[SortKeyLimit { prefix: "S#", sort_keys: &["-", "C#", "F#", "M#", "O#", "R#", "X#", "Z#"] }],
};

const OPENER: Permissions = Permissions {
    tables: &[
        grant(&[Operation::Query], Target::Index(Index::Inbox), &[]),
        grant(&[Operation::GetItem], VAULT, &["L#", "P#", "X#member#"]),
        grant(&[Operation::Query], VAULT, &["S#", "Y#"]),
        grant(&[Operation::PutItem], VAULT, &["N#", "S#"]),
        grant(&[Operation::UpdateItem], VAULT, &["Q#"]),
        grant(&[Operation::GetItem], KEYS, &[]),
        grant(&[Operation::PutItem], AUDIT, &["A#index", "A#opener-"]),
        grant(&[Operation::Query], AUDIT, &["A#", "D#"]),
    ],
    keys: &[(KeyOperation::Decrypt, Key::Wrap), (KeyOperation::Sign, Key::Evidence)],
    secret: true,
    // Of a person's rows it writes nothing but orders, and how requests have ended.
    sort_keys: &[SortKeyLimit { prefix: "S#", sort_keys: &["O#"] }],
};

const PUBLISHER: Permissions = Permissions {
    tables: &[grant(&[Operation::GetItem], VAULT, &["P#"]), grant(&[Operation::PutItem], VAULT, &["P#", "W#"])],
    ..NOTHING
};

const ADMIN: Permissions = Permissions {
    tables: &[
        grant(&[Operation::CreateTable, Operation::UpdateTimeToLive], VAULT, &[]),
        grant(&[Operation::CreateTable, Operation::UpdateTimeToLive], KEYS, &[]),
        grant(&[Operation::CreateTable, Operation::UpdateTimeToLive], AUDIT, &[]),
    ],
    keys: &[(KeyOperation::GetPublicKey, Key::Enrol), (KeyOperation::GetPublicKey, Key::Evidence)],
    ..NOTHING
};

/// What a role may do.
pub fn permissions(role: Role) -> Permissions {
    match role {
        Role::Webhook => WEBHOOK,
        Role::Form => FORM,
        Role::Link => LINK,
        Role::Locksmith => LOCKSMITH,
        Role::Sweeper => SWEEPER,
        Role::Opener => OPENER,
        Role::Publisher => PUBLISHER,
        Role::Admin => ADMIN,
    }
}

impl Grant {
    /// Whether it covers a call.
    pub fn covers(&self, operation: Operation, target: Target, partition: Option<&str>) -> bool {
        let prefix_fits = self.prefixes.is_empty()
            || partition.is_some_and(|pk| self.prefixes.iter().any(|prefix| pk.starts_with(prefix)));
        self.operations.contains(&operation) && self.target == target && prefix_fits
    }
}

impl Permissions {
    /// The grant that covers a call, if there is one.
    pub fn grant(&self, operation: Operation, target: Target, partition: Option<&str>) -> Option<&'static Grant> {
        self.tables.iter().find(|grant| grant.covers(operation, target, partition))
    }

    /// Whether a write to this row stays within the sort-key limits.
    pub fn sort_key_fits(&self, pk: &str, sk: &str) -> bool {
        self.sort_keys
            .iter()
            .filter(|limit| pk.starts_with(limit.prefix))
            .all(|limit| limit.sort_keys.iter().any(|prefix| sk.starts_with(prefix)))
    }

    /// Whether a KMS call is covered.
    pub fn may_use(&self, operation: KeyOperation, key: Key) -> bool {
        self.keys.contains(&(operation, key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intake_opens_nothing_and_reads_nobody() {
        for role in Role::INTAKE {
            let permissions = permissions(role);
            for operation in [Operation::GetItem, Operation::Query, Operation::UpdateItem, Operation::DeleteItem] {
                assert!(permissions.grant(operation, VAULT, Some("S#1")).is_none(), "{role:?} {operation:?}");
                assert!(permissions.grant(operation, KEYS, Some("1")).is_none(), "{role:?} {operation:?}");
                assert!(permissions.grant(operation, AUDIT, Some("E#1")).is_none(), "{role:?} {operation:?}");
            }
            // It makes digests, and no key opens or signs anything for it.
            assert!(permissions.keys.iter().all(|(operation, _)| *operation == KeyOperation::GenerateMac));
            let put = permissions.grant(Operation::PutItem, VAULT, Some("S#1"));
            assert!(put.is_none_or(|grant| grant.returns_nothing));
        }
    }

    #[test]
    fn only_the_opener_unwraps() {
        for role in Role::ALL {
            let may = permissions(role).may_use(KeyOperation::Decrypt, Key::Wrap);
            assert_eq!(may, role == Role::Opener, "{role:?}");
        }
    }

    #[test]
    fn nobody_changes_or_deletes_what_is_in_the_audit_log() {
        for role in Role::ALL {
            for operation in [Operation::UpdateItem, Operation::DeleteItem] {
                for partition in ["A#opener-1", "A#index", "D#roots", "E#2026-11-21", "T#0"] {
                    assert!(permissions(role).grant(operation, AUDIT, Some(partition)).is_none(), "{role:?}");
                }
            }
        }
    }

    #[test]
    fn nobody_writes_in_the_name_of_another() {
        let writes = |role, chain: &str| permissions(role).grant(Operation::PutItem, AUDIT, Some(chain)).is_some();
        for role in Role::ALL {
            assert_eq!(writes(role, "A#opener-1"), role == Role::Opener, "{role:?}");
            assert_eq!(writes(role, "A#sweeper-1"), role == Role::Sweeper, "{role:?}");
        }
    }

    #[test]
    fn sort_keys_are_limited() {
        let webhook = permissions(Role::Webhook);
        assert!(webhook.sort_key_fits("S#1", "R#2") && webhook.sort_key_fits("S#1", "Z#line"));
        assert!(!webhook.sort_key_fits("S#1", "Z#hold"));
        assert!(webhook.sort_key_fits("L#demo#1", "-"));
        let opener = permissions(Role::Opener);
        assert!(opener.sort_key_fits("S#1", "O#operator"));
        assert!(!opener.sort_key_fits("S#1", "R#2") && !opener.sort_key_fits("S#1", "C#2"));
    }
}
