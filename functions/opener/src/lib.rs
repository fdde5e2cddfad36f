//! `opener`: the only place that opens what is sealed.
//!
//! It is invoked privately, and every invocation carries an assertion signed by a
//! named operator: an invocation by itself does not tell who calls. In this order:
//!
//! 1. the assertion is verified ([`assertion`]) and the request read ([`request`]);
//! 2. it is used up, and the people asked for are taken from the operator's hourly
//!    budget, both or neither;
//! 3. the entry is written, signed; at most 25 people each ([`azukari::host::ledger`]);
//! 4. hold, orders, consents and due times are checked;
//! 5. the key row's signature, the wrapped key's digest and the re-derived public key
//!    are checked, each row's origin tag, and in each record whose it is;
//! 6. only the asked fields are answered. Nothing is kept beyond the request.
//!
//! Two acts open nothing and write one row, after their entry like everything else: a
//! privacy officer's order to have somebody erased, which the sweeper carries out, and how a
//! person's request to correct or to stop has ended.
//!
//! A row that cannot be used is reported and does not stop the others.

mod answer;
pub mod assertion;
mod close;
mod count;
mod erase;
pub mod lambda;
mod ledger;
mod list;
mod names;
mod open;
mod person;
mod request;
mod requests;
mod service;

pub use answer::{Answer, Code, Counted, FormConsent, Notice, Person, Problem, Record, Status};
pub use service::{NotReady, Opener, Parts};
