//! Who may sign what must be believed later.

/// Checks a signature of the `evidence` key. The one implementation is
/// `keys::evidence::EvidenceKey`.
pub trait Evidence {
    /// Whether the signature belongs to these bytes.
    fn verify(&self, message: &[u8], signature: &[u8]) -> bool;
}

/// The bytes that are signed for an entry: a label, the writer behind its length (2
/// bytes, big endian), the sequence (8 bytes, big endian) and the entry's digest. A
/// head in a log can so be checked without the entry.
pub fn entry_message(writer: &str, sequence: u64, digest: &[u8; 32]) -> Vec<u8> {
    let mut message = b"azukari entry v1".to_vec();
    message.extend_from_slice(&u16::try_from(writer.len()).unwrap_or(u16::MAX).to_be_bytes());
    message.extend_from_slice(writer.as_bytes());
    message.extend_from_slice(&sequence.to_be_bytes());
    message.extend_from_slice(digest);
    message
}
