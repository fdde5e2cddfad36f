//! The one place that makes random values.

use aws_lc_rs::rand::{SecureRandom, SystemRandom};

use crate::domain::id::{DefinitionId, SubjectId};

/// Makes random bytes. A value that was minted is used once.
pub trait Mint: Send + Sync {
    /// Fills the buffer.
    fn fill(&self, bytes: &mut [u8]);
}

impl dyn Mint + '_ {
    /// A number of random bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }

    /// A new person's id.
    pub fn subject_id(&self) -> SubjectId {
        SubjectId::new(self.bytes())
    }

    /// A new definition's id: 40 random bits as 8 letters and digits that cannot
    /// be mistaken for each other.
    pub fn definition_id(&self) -> DefinitionId {
        const ALPHABET: &[u8; 32] = b"abcdefghjkmnpqrstvwxyz0123456789";
        let letters = self.bytes::<8>().map(|byte| char::from(ALPHABET[usize::from(byte % 32)]));
        DefinitionId::new(letters.iter().collect::<String>())
    }
}

/// The operating system's randomness.
#[derive(Debug, Clone, Default)]
pub struct SystemMint(SystemRandom);

impl SystemMint {
    /// The operating system's randomness.
    pub fn new() -> Self {
        Self(SystemRandom::new())
    }
}

impl Mint for SystemMint {
    fn fill(&self, bytes: &mut [u8]) {
        self.0.fill(bytes).expect("the operating system gives randomness");
    }
}
