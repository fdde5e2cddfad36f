//! Padding to size buckets, so that the length of a cipher text says little.
//!
//! Layout: length of the data (4 bytes, big endian) ‖ data ‖ zeros up to the
//! bucket. Buckets: 64, 128, 256, 512, 1024, 2048, 4096 bytes, then multiples of
//! 4096. What is *not* hidden: which bucket a value falls into.

use zeroize::Zeroizing;

const PREFIX: usize = 4;
const SMALLEST: usize = 64;
const STEP: usize = 4096;

/// The bucket for `len` bytes of data.
pub fn bucket(len: usize) -> usize {
    let needed = len + PREFIX;
    if needed <= STEP { needed.next_power_of_two().max(SMALLEST) } else { needed.next_multiple_of(STEP) }
}

/// Whether a padded text can have this length.
pub fn is_bucket(len: usize) -> bool {
    len >= PREFIX && bucket(len - PREFIX) == len
}

/// Pads data to its bucket.
pub fn pad(data: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut padded = Zeroizing::new(vec![0; bucket(data.len())]);
    let length = u32::try_from(data.len()).unwrap_or(u32::MAX).to_be_bytes();
    padded[..PREFIX].copy_from_slice(&length);
    padded[PREFIX..PREFIX + data.len()].copy_from_slice(data);
    padded
}

/// The data inside a padded text; `None` unless it is exactly what [`pad`] makes.
pub fn unpad(padded: &[u8]) -> Option<&[u8]> {
    let (prefix, rest) = padded.split_first_chunk::<PREFIX>()?;
    let len = usize::try_from(u32::from_be_bytes(*prefix)).ok()?;
    let data = rest.get(..len)?;
    let canonical = bucket(len) == padded.len() && rest[len..].iter().all(|byte| *byte == 0);
    canonical.then_some(data)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets() {
        for (len, expected) in [(0, 64), (60, 64), (61, 128), (4092, 4096), (4093, 8192), (8188, 8192), (8189, 12288)] {
            assert_eq!(bucket(len), expected, "{len}");
            assert!(is_bucket(expected));
        }
        assert!(!is_bucket(65) && !is_bucket(6144) && !is_bucket(0));
    }

    #[test]
    fn what_was_padded_comes_back_and_nothing_else_does() {
        for len in [0, 1, 60, 61, 4092, 4093] {
            let data = vec![7; len];
            assert_eq!(unpad(&pad(&data)), Some(&data[..]));
        }
        let mut dirty = pad(b"abc").to_vec();
        *dirty.last_mut().unwrap() = 1;
        assert_eq!(unpad(&dirty), None, "non-zero padding");
        assert_eq!(unpad(&pad(b"abc")[..63]), None, "short");
        let mut wide = pad(b"abc").to_vec();
        wide.resize(128, 0);
        assert_eq!(unpad(&wide), None, "bucket too large");
        let mut long = pad(b"abc").to_vec();
        long[3] = 61;
        assert_eq!(unpad(&long), None, "length beyond the bucket");
    }
}
