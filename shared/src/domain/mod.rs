//! Words and decisions: no async, I/O, clock, randomness or cipher text.

pub mod consent;
pub mod definition;
pub mod erasure;
pub mod id;
pub mod key;
pub mod order;
pub mod origin;
pub mod person;
pub mod plain;
pub mod retention;
pub mod sweep;
pub mod time;
