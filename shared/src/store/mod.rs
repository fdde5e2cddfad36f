//! The tables: their declaration, keys, rows and transactions. No plain text, no
//! rules. Everything goes through `aws-sdk-dynamodb`.
//!
//! A vouched row (everything an intake function writes) can be written only with
//! its origin tag and is checked whenever it is read: the [`Vault`] holds the key.

pub mod audit;
pub mod consent;
pub mod contact;
pub mod due;
mod error;
pub mod hold;
mod item;
pub mod key;
pub mod mapping;
pub mod order;
pub mod pool;
pub mod published;
pub mod state;
pub mod subject;
pub mod tables;
pub mod value;
mod vault;
pub mod wrapped;

pub use error::{Outcome, StoreError};
pub use item::{Item, canonical};
pub use vault::Vault;
