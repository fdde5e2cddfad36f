//! Templates of partition and sort keys. What each family holds is in the row's
//! own module; who may touch it is in `host::roles`.

use crate::domain::{
    id::{ChannelName, DefinitionId, LineItemId, SubjectId},
    link::MemberDigest,
    receipt::ReceiptId,
    request::RequestKind,
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
/// Prefix of the sort key of a message or another event.
const RECORD: &str = "R#";
/// Prefix of the sort key of an order.
pub const ORDER: &str = "O#";
/// Partition of the sweeper's cursor.
pub const SWEEP: &str = "W#sweep";
/// Partition of the last mark that the vault has seen.
pub const RESTORE: &str = "W#restore";
/// Partition of the marks that precede what is on the erasure list.
pub const MARKS: &str = "E#mark";
/// Partition of the pointers to current versions.
pub const PUBLISHED_INDEX: &str = "P#index";
/// Prefix of the partition of a chain of entries.
pub const CHAIN: &str = "A#";
/// Partition of the list of chains.
pub const WRITERS: &str = "A#index";
/// Partition of the day roots.
pub const ROOTS: &str = "D#roots";
/// Prefix of the sort key of a submission.
pub const SUBMISSION: &str = "F#";
/// Prefix of the partition of a look-up, and of the sort key of its back reference.
pub const LOOKUP: &str = "X#";
/// Sort key of the count of all answers to an anonymous form.
pub const TOTAL: &str = "total";
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
    format!("{RECORD}{}", id.as_str())
}

/// An order of a person.
pub fn order(id: &str) -> String {
    format!("{ORDER}{id}")
}

/// A request of a person, as operators name it.
pub fn request_name(kind: RequestKind, id: &str) -> String {
    format!("{}~{id}", kind.as_str())
}

/// A request of a person. It stands among the orders, and is none.
pub fn request(kind: RequestKind, id: &str) -> String {
    order(&request_name(kind, id))
}

/// Kind and id of a request, from its sort key.
pub fn requested(sk: &str) -> Option<(RequestKind, &str)> {
    sk.strip_prefix(ORDER).and_then(named_request)
}

/// Kind and id of a request, from the name that operators give it.
pub fn named_request(name: &str) -> Option<(RequestKind, &str)> {
    let (kind, id) = name.split_once('~')?;
    if id.is_empty() { None } else { Some((RequestKind::parse(kind)?, id)) }
}

/// Whether a row is an order, and not a request.
pub fn is_order(sk: &str) -> bool {
    sk.starts_with(ORDER) && requested(sk).is_none()
}

/// One consent given, refused or withdrawn.
pub fn consent(purpose: &DefinitionId, at: UnixMs) -> String {
    format!("{}{:015}", consents(purpose), at.get())
}

/// The id in the sort key of a row that came of one event: of a message, an event, a
/// submission, an order or a request. `None` for a row whose key holds none of its own, as
/// that of an order which a person can have but once: it is a word, without a digit.
pub fn own_id(sk: &str) -> Option<&str> {
    let id = if let Some(submission) = sk.strip_prefix(SUBMISSION) {
        submission.split('#').next()?
    } else if let Some(record) = sk.strip_prefix(RECORD).filter(|_| sk != PROFILE) {
        record
    } else {
        sk.strip_prefix(ORDER)?
    };
    id.bytes().any(|byte| byte.is_ascii_digit()).then_some(id)
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

/// The steps of a receipt.
pub fn receipt(id: ReceiptId) -> String {
    format!("T#{id}")
}

/// A chain of entries.
pub fn chain(writer: &str) -> String {
    format!("{CHAIN}{writer}")
}

/// Place of an entry in its chain; sorts as the number does.
pub fn sequence(n: u64) -> String {
    format!("{n:015}")
}

/// A chain on the list of chains; sorts by time.
pub fn writer(at: UnixMs, writer: &str) -> String {
    format!("{:015}#{writer}", at.get())
}

/// The values of one submission for one purpose.
pub fn submission(id: &str, purpose: &DefinitionId) -> String {
    format!("{SUBMISSION}{id}#{purpose}")
}

/// What somebody said about one purpose in a form. Two forms may be sent in the same
/// millisecond.
pub fn form_consent(purpose: &DefinitionId, at: UnixMs, submission: &str) -> String {
    format!("{}#{submission}", consent(purpose, at))
}

/// That somebody did not agree to an optional purpose of a form. It takes nothing back
/// that they have agreed to before, and so does not stand among the consents for it.
pub fn form_refusal(purpose: &DefinitionId, at: UnixMs, submission: &str) -> String {
    format!("C#{purpose}~{:015}#{submission}", at.get())
}

/// The people who can be found by an answer of this kind.
pub fn lookup(kind: &str, digest: &str) -> String {
    format!("{LOOKUP}{kind}#{digest}")
}

/// One who was found, by one submission.
pub fn found(id: SubjectId, submission: &str) -> String {
    format!("{}#{submission}", subject(id))
}

/// Prefix of the sort key of a link, and of a claim that was refused.
pub const LINK: &str = "M#";

/// The link of a person with a member id of a channel: it says which look-up leads to the
/// person.
pub fn link(channel: &ChannelName, member: &MemberDigest) -> String {
    format!("{LINK}{channel}#{member}")
}

/// Channel and member id of a link, from its sort key; `None` for a claim.
pub fn linked_member(sk: &str) -> Option<(ChannelName, MemberDigest)> {
    let (channel, digest) = sk.strip_prefix(LINK)?.split_once('#')?;
    Some((ChannelName::parse(channel).ok()?, MemberDigest::parse(digest).ok()?))
}

/// That somebody wanted to be joined with a member id and was refused.
pub fn claim(channel: &ChannelName, member: &MemberDigest, id: &str) -> String {
    format!("{}~{id}", link(channel, member))
}

/// Where a member id of a channel leads.
pub fn member(channel: &ChannelName, member: &MemberDigest) -> String {
    format!("{LOOKUP}member#{channel}#{member}")
}

/// That somebody agreed to be joined with a member id. Two may be in one millisecond.
pub fn link_consent(purpose: &DefinitionId, at: UnixMs, member: &MemberDigest) -> String {
    format!("{}#{}", consent(purpose, at), member.as_str().get(..16).unwrap_or_default())
}

/// Who has answered an anonymous form.
pub fn once(form: &DefinitionId, mark: &str) -> String {
    format!("Q#once#{form}#{mark}")
}

/// That a notice was answered.
pub fn sent(mark: &str) -> String {
    format!("Q#sent#{mark}")
}

/// The counters of an anonymous form in a month.
pub fn tally(form: &DefinitionId, month: &str) -> String {
    format!("Y#{form}#{month}")
}

/// How many values were counted when they were due, by form, purpose and month.
pub fn anonymous(form: &str, purpose: &DefinitionId, month: &str) -> String {
    format!("Y#{form}#{purpose}#{month}")
}

/// The part of such a counter that a person's values go to: many are counted at once.
pub fn anonymous_shard(id: SubjectId) -> String {
    format!("anonymous#{:x}", id.as_bytes()[0] % 16)
}

/// A counter of one window of time.
pub fn counter(what: &str, window: &impl std::fmt::Display) -> String {
    format!("Q#{what}#{window}")
}

/// What can be used once, by the digest of its secret.
pub fn one_time(digest: &str) -> String {
    format!("N#{digest}")
}

/// What came in on a day, of one kind, in one shard.
pub fn inbox(day: Day, kind: &str, shard: u8) -> String {
    format!("{day}#{kind}#{shard}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_of_one_event_has_an_id_of_its_own() {
        for (sk, id) in [
            ("R#444573844083572737", Some("444573844083572737")),
            ("R#01FZ74A0TDDPYRVKNK77XKC3ZR", Some("01FZ74A0TDDPYRVKNK77XKC3ZR")),
            ("F#6b8c0e#p1", Some("6b8c0e")),
            ("O#01FZ74A0TDDPYRVKNK77XKC3ZR", Some("01FZ74A0TDDPYRVKNK77XKC3ZR")),
            ("O#correct~5f2a", Some("correct~5f2a")),
            ("O#operator", None),
            (PROFILE, None),
            (LINE_STATE, None),
            (ALONE, None),
            ("C#p1#000000000000001", None),
        ] {
            assert_eq!(own_id(sk), id, "{sk}");
        }
    }
}
