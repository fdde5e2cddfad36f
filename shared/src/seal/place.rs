//! Where a sealed value belongs. Moved anywhere else, it does not open.

use crate::domain::id::{ChannelName, DefinitionId, SubjectId, VersionId};

/// The row a record belongs to.
#[derive(Debug, Clone, Copy)]
pub struct RowPlace<'a> {
    /// The channel the person is known in.
    pub channel: &'a ChannelName,
    /// The person.
    pub subject: SubjectId,
    /// The sort key of the row.
    pub row: &'a str,
    /// Why it is kept.
    pub purpose: &'a DefinitionId,
    /// The policy version in force when it was sealed.
    pub policy: &'a VersionId,
    /// The form version it was given in, if any.
    pub form: Option<&'a VersionId>,
}

impl RowPlace<'_> {
    /// The additional authenticated data of one field: a label, then channel,
    /// subject, row, purpose, policy version, form version (empty when there is
    /// none) and field name, each behind its length in two bytes, big endian. No
    /// two places have the same bytes.
    pub fn aad(&self, field: &str) -> Vec<u8> {
        let policy = self.policy.to_string();
        let form = self.form.map(ToString::to_string).unwrap_or_default();
        let parts: [&[u8]; 7] = [
            self.channel.as_str().as_bytes(),
            self.subject.as_bytes(),
            self.row.as_bytes(),
            self.purpose.as_str().as_bytes(),
            policy.as_bytes(),
            form.as_bytes(),
            field.as_bytes(),
        ];
        let mut aad = b"azukari place v1".to_vec();
        for part in parts {
            // Parts are ids of at most a few hundred bytes; a longer one would
            // still be told apart by what follows it.
            aad.extend_from_slice(&u16::try_from(part.len()).unwrap_or(u16::MAX).to_be_bytes());
            aad.extend_from_slice(part);
        }
        aad
    }
}
