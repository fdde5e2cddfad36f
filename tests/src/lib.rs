//! The harness of the tests: an installation in a folder of its own, a clock that
//! stands still, LINE's side of the wire, faults on every call, and a search for
//! plain text in everything that is left behind.

pub mod app;
pub mod bad_days;
pub mod canary;
pub mod cloud;
pub mod cost;
pub mod faults;
pub mod forms;
pub mod independent;
pub mod line;
pub mod linking;
pub mod logging;
pub mod opened;
pub mod operators;
pub mod runtime;
pub mod sealed;
pub mod witness;
