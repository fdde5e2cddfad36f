//! Envelopes, places, the blind index of LINE users and the origin tag.
//!
//! Nothing here knows HTTP or rows. The opening half is compiled only with the
//! feature `opening`, which intake functions do not turn on.

pub mod envelope;
pub mod index;
pub mod notice;
pub mod one_time;
pub mod origin;
pub mod padding;
pub mod pairwise;
pub mod place;
mod sealer;

#[cfg(feature = "opening")]
pub mod note;
#[cfg(feature = "opening")]
pub mod opening;

pub use sealer::{SealError, seal};
