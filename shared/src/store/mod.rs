//! The tables: their declaration, keys, rows and transactions. No plain text, no
//! rules. Everything goes through `aws-sdk-dynamodb`.
//!
//! A vouched row (everything an intake function writes) can be written only with
//! its origin tag and is checked whenever it is read: the [`Vault`] holds the key.

pub mod audit;
pub mod consent;
pub mod contact;
pub mod day_root;
pub mod due;
pub mod entry;
mod error;
pub mod hold;
#[cfg(feature = "opening")]
pub mod holding;
pub mod inbox;
mod item;
pub mod key;
pub mod ledger;
pub mod link;
pub mod mapping;
pub mod one_time;
pub mod order;
pub mod pool;
pub mod published;
pub mod receipt;
pub mod request;
pub mod restore;
pub mod state;
pub mod subject;
pub mod submission;
pub mod tables;
pub mod value;
mod vault;
pub mod wrapped;

pub use error::{Outcome, StoreError};
pub use item::{Item, canonical};
pub use vault::Vault;
