//! Templates of partition and sort keys. What each family holds is in the row's
//! own module; who may touch it is in `host::roles`.

use crate::domain::{
    id::{ChannelName, DefinitionId, LineItemId, SubjectId},
    time::{Day, UnixMs},
};

/// Sort key of a row that is alone in its partition, and of the subject row.
pub const ALONE: &str = "-";
/// Sort key of the state row.
pub const LINE_STATE: &str = "Z#line";
/// Sort key of the hold row.
pub const HOLD: &str = "Z#hold";
/// Sort key of the profile row.
pub const PROFILE: &str = "R#profile";
/// Prefix of the sort key of an order.
pub const ORDER: &str = "O#";
/// Partition of the sweeper's cursor.
pub const SWEEP: &str = "W#sweep";
/// Partition of the pointers to current versions.
pub const PUBLISHED_INDEX: &str = "P#index";
/// Number of pool shards.
pub const POOL_SHARDS: u8 = 8;

/// The rows of a person.
pub fn subject(id: SubjectId) -> String {
    format!("S#{id}")
}

/// The person behind a partition key of [`subject`].
pub fn subject_of(pk: &str) -> Option<SubjectId> {
    pk.strip_prefix("S#").and_then(|id| SubjectId::parse(id).ok())
}

/// The mapping of a LINE user, by its blind index digest.
pub fn mapping(channel: &ChannelName, digest: &impl std::fmt::Display) -> String {
    format!("L#{channel}#{digest}")
}

/// A shard of the key pool.
pub fn pool(shard: u8) -> String {
    format!("K#{}", shard % POOL_SHARDS)
}

/// A message, or another event, of a person.
pub fn record(id: &LineItemId) -> String {
    format!("R#{}", id.as_str())
}

/// An order of a person.
pub fn order(id: &str) -> String {
    format!("{ORDER}{id}")
}

/// One consent given, refused or withdrawn.
pub fn consent(purpose: &DefinitionId, at: UnixMs) -> String {
    format!("{}{:015}", consents(purpose), at.get())
}

/// All consents for one purpose.
pub fn consents(purpose: &DefinitionId) -> String {
    format!("C#{purpose}#")
}

/// The published versions of a definition.
pub fn published(kind: &str, id: &DefinitionId) -> String {
    format!("P#{kind}#{id}")
}

/// One published version.
pub fn version(n: u32) -> String {
    format!("V#{n}")
}

/// The erasure list of a day.
pub fn erasures(day: Day) -> String {
    format!("E#{day}")
}
