//! Trace ids: by one, the log lines of several functions about the same row are found
//! together, from the webhook that brought it to the sweep that erased it.
//!
//! Nothing is stored for it. It is derived from the part of the row's own key that is an id
//! (of a message, an event, a submission, an order), under the origin key, which every
//! function that touches the row holds. Whoever reads the log learns no id of LINE from it;
//! whoever has the key and the row can tell which lines are about the row.

use std::fmt;

use crate::domain::origin::OriginTag;

/// A trace id: 64 bits; in a log 16 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TraceId([u8; 8]);

impl TraceId {
    /// Of what has this id.
    pub fn of(id: &str, origin: &dyn OriginTag) -> Self {
        let tag = origin.tag(format!("azukari trace v1 {id}").as_bytes());
        let mut trace = [0; 8];
        trace.copy_from_slice(&tag[..8]);
        Self(trace)
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mixes every byte into every part of the tag: enough for a test.
    struct Mixed(u8);

    impl OriginTag for Mixed {
        fn tag(&self, canonical: &[u8]) -> [u8; 32] {
            let mut state = u64::from(self.0).wrapping_add(0xcbf2_9ce4_8422_2325);
            for byte in canonical {
                state = (state ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
            }
            let mut tag = [0; 32];
            tag[..8].copy_from_slice(&state.to_be_bytes());
            tag
        }

        fn verify(&self, canonical: &[u8], tag: &[u8]) -> bool {
            self.tag(canonical) == tag
        }
    }

    #[test]
    fn a_trace_is_of_one_id_under_one_key() {
        let trace = TraceId::of("444573844083572737", &Mixed(1));
        assert_eq!(trace, TraceId::of("444573844083572737", &Mixed(1)));
        assert_ne!(trace, TraceId::of("444573844083572738", &Mixed(1)));
        assert_ne!(trace, TraceId::of("444573844083572737", &Mixed(2)));
        let text = trace.to_string();
        assert_eq!(text.len(), 16);
        assert!(text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')), "{text}");
    }
}
