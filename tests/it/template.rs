//! `infra/template.yaml` says what the code declares, and the other way round: tables,
//! routes, settings and alarms, every statement of every policy, and what the functions
//! really call.

mod called;
mod document;
mod iam;
mod mistakes;
mod policy;
mod stories;
mod structure;
mod watch;
