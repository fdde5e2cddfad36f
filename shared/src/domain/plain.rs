//! Personal data in memory: it cannot be printed and is wiped when dropped.

use std::fmt;

use zeroize::{Zeroize, Zeroizing};

/// Personal data in the clear.
///
/// There is no `Display` and no `Serialize`, `Debug` is blind, and the memory is
/// overwritten when the value is dropped. [`Plain::reveal`] is the one way in:
/// search for it to see every place that touches personal data.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Plain<T: Zeroize>(Zeroizing<T>);

impl<T: Zeroize> Plain<T> {
    /// Takes personal data into custody.
    pub fn new(value: T) -> Self {
        Self(Zeroizing::new(value))
    }

    /// The personal data itself.
    pub fn reveal(&self) -> &T {
        &self.0
    }
}

impl Plain<Vec<u8>> {
    /// Copies a text into custody as its UTF-8 bytes.
    pub fn text(value: &str) -> Self {
        Self::new(value.as_bytes().to_vec())
    }
}

impl<T: Zeroize> fmt::Debug for Plain<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Plain(…)")
    }
}

impl<'de, T: Zeroize + serde::Deserialize<'de>> serde::Deserialize<'de> for Plain<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self::new)
    }
}

#[cfg(test)]
mod tests {
    use super::Plain;

    #[test]
    fn debug_is_blind() {
        let plain = Plain::new("山田 太郎".to_owned());
        assert_eq!(format!("{plain:?}"), "Plain(…)");
    }
}
