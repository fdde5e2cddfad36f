//! Receipts `T#<receipt id>` in the audit table: a signed statement for each step, only
//! ever added; and their form as a file, which is checked without the system.

use aws_sdk_dynamodb::types::AttributeValue;
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::domain::{
    evidence::Evidence,
    id::Malformed,
    receipt::{Receipt, ReceiptId},
    time::UnixMs,
};
use crate::store::{Item, Outcome, StoreError, audit::Audit, error::outcome, key};

/// A receipt and the signature of the `evidence` key over it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedReceipt {
    /// What is signed.
    pub receipt: Receipt,
    /// The signature, DER.
    pub signature: Vec<u8>,
}

/// The members of a file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    receipt: Box<RawValue>,
    signature: String,
}

/// Why a file proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotProven {
    /// It is not a receipt, to the letter.
    #[error("it is not a receipt as it was given out")]
    NotAReceipt,
    /// The signature belongs to something else, or to another key.
    #[error("the signature does not fit")]
    Signature,
}

impl From<Malformed> for NotProven {
    fn from(_: Malformed) -> Self {
        Self::NotAReceipt
    }
}

impl SignedReceipt {
    /// As a file: one line of JSON.
    pub fn to_file(&self) -> String {
        let receipt = self.receipt.json();
        let signature = STANDARD.encode(&self.signature);
        format!("{{\"receipt\":{receipt},\"signature\":\"{signature}\"}}\n")
    }

    /// Reads a file, and checks it: every byte of it is as it was given out.
    ///
    /// # Errors
    /// See [`NotProven`].
    pub fn verify(file: &str, evidence: &dyn Evidence) -> Result<Self, NotProven> {
        let read: File = serde_json::from_str(file).map_err(|_| NotProven::NotAReceipt)?;
        let receipt = Receipt::parse(read.receipt.get())?;
        let signature = STANDARD.decode(&read.signature).map_err(|_| NotProven::NotAReceipt)?;
        let signed = Self { receipt, signature };
        if signed.to_file() != file {
            return Err(NotProven::NotAReceipt);
        }
        if !evidence.verify(&signed.receipt.message(), &signed.signature) {
            return Err(NotProven::Signature);
        }
        Ok(signed)
    }
}

impl Audit {
    /// Stores a step of a receipt. [`Outcome::Already`] if it is there: the first stays.
    ///
    /// # Errors
    /// The call failed.
    pub async fn put_receipt(&self, signed: &SignedReceipt, now: UnixMs) -> Result<Outcome, StoreError> {
        let SignedReceipt { receipt, signature } = signed;
        let item = Item::new(key::receipt(receipt.id), receipt.state.as_str(), "receipt")
            .text("receipt", receipt.json())
            .bytes("signature", signature.clone())
            .time("at", now);
        let result = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item.into_map()))
            .condition_expression("attribute_not_exists(pk)")
            .send()
            .await;
        outcome(result.map(drop).map_err(|error| StoreError::call("PutItem", error)))
    }

    /// A receipt as far as it has come: one call. `None` if no step was taken yet, or there
    /// is none of this id.
    ///
    /// # Errors
    /// The call failed, or the row is not well formed.
    pub async fn receipt(&self, id: ReceiptId) -> Result<Option<SignedReceipt>, StoreError> {
        let answer = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", AttributeValue::S(key::receipt(id)))
            .scan_index_forward(false)
            .limit(1)
            .send()
            .await
            .map_err(|error| StoreError::call("Query", error))?;
        let Some(map) = answer.items.unwrap_or_default().into_iter().next() else { return Ok(None) };
        let item = Item::read(map);
        let receipt = Receipt::parse(item.get_text("receipt")?).ok();
        // A receipt that lies under another one's number is no answer.
        let receipt = receipt.filter(|receipt| receipt.id == id).ok_or(StoreError::Row { attribute: "receipt" })?;
        Ok(Some(SignedReceipt { receipt, signature: item.get_bytes("signature")?.to_vec() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{erasure::Ground, id::SubjectId, origin::OriginTag, receipt::Counts};

    struct Key;

    impl OriginTag for Key {
        fn tag(&self, _: &[u8]) -> [u8; 32] {
            [7; 32]
        }

        fn verify(&self, _: &[u8], _: &[u8]) -> bool {
            true
        }
    }

    impl Evidence for Key {
        fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
            message.iter().fold(0_u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(*byte)) == signature[0]
                && signature[1..] == [1, 2, 3]
        }
    }

    fn signed() -> SignedReceipt {
        let id = ReceiptId::of(SubjectId::new([1; 16]), "EO", &Key);
        let at = UnixMs::new;
        let receipt = Receipt::restricted(id, Ground::Asked, at(1_795_186_800_000), at(1_795_186_860_000))
            .unreachable(at(1_795_187_000_000), Counts::from([("message".to_owned(), 12), ("profile".to_owned(), 1)]))
            .erased(at(1_795_187_000_400));
        let sum = receipt.message().iter().fold(0_u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(*byte));
        SignedReceipt { receipt, signature: vec![sum, 1, 2, 3] }
    }

    #[test]
    fn a_file_is_checked_and_any_changed_byte_is_found() {
        let signed = signed();
        let file = signed.to_file();
        assert_eq!(SignedReceipt::verify(&file, &Key), Ok(signed));
        for place in 0..file.len() {
            for flip in [1_u8, 0x20, 0x80] {
                let mut bytes = file.clone().into_bytes();
                bytes[place] ^= flip;
                let Ok(changed) = String::from_utf8(bytes) else { continue };
                assert!(SignedReceipt::verify(&changed, &Key).is_err(), "byte {place}: {changed}");
            }
        }
        for changed in [file.trim_end().to_owned(), format!("{file}\n"), format!(" {file}"), file.replace(':', ": ")] {
            assert_eq!(SignedReceipt::verify(&changed, &Key), Err(NotProven::NotAReceipt));
        }
    }
}
