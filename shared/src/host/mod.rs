//! What a function stands on: clients, clock, settings, secrets, roles, logging.
//! No business words.

pub mod assertion;
pub mod aws;
pub mod clock;
pub mod ctx;
pub mod deadline;
pub mod embedded;
pub mod ledger;
pub mod linking;
pub mod log;
pub mod metrics;
pub mod mint;
pub mod one_time;
pub mod pages;
pub mod people;
pub mod problem;
pub mod published;
pub mod rights;
pub mod roles;
pub mod secrets;
pub mod settings;
pub mod watch;
