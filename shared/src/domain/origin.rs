//! Who may vouch for a row.

/// Proves that a row came from a function of ours and was not edited since.
///
/// The store asks for one and cannot write or read a vouched row without it. The
/// one implementation is `seal::origin::OriginKey`.
pub trait OriginTag: Send + Sync {
    /// The tag of a row, given its canonical bytes.
    fn tag(&self, canonical: &[u8]) -> [u8; 32];

    /// Whether a tag belongs to these bytes, in constant time.
    fn verify(&self, canonical: &[u8], tag: &[u8]) -> bool;
}

/// Vouches for nothing: for functions that write and read no vouched row.
#[derive(Debug, Clone, Copy)]
pub struct Nobody;

impl OriginTag for Nobody {
    fn tag(&self, _canonical: &[u8]) -> [u8; 32] {
        [0; 32]
    }

    fn verify(&self, _canonical: &[u8], _tag: &[u8]) -> bool {
        false
    }
}
