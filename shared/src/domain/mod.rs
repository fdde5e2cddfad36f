//! Words and decisions: no async, I/O, clock, randomness or cipher text.

pub mod access;
pub mod consent;
pub mod definition;
pub mod erasure;
pub mod evidence;
pub mod field;
pub mod form;
pub mod guard;
pub mod id;
pub mod key;
pub mod language;
pub mod link;
pub mod notice;
pub mod operator;
pub mod order;
pub mod origin;
pub mod person;
pub mod plain;
pub mod reason;
pub mod retention;
pub mod site;
pub mod sweep;
pub mod time;
pub mod wording;
