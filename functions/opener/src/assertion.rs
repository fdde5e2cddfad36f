//! Assertions of operators: the request itself, signed with the operator's own key, for one
//! use within five minutes ([`azukari::host::assertion`]).

use azukari::{
    domain::{
        operator::{Operator, OperatorId},
        time::UnixMs,
    },
    host::assertion::{self, Fault, Rules},
};
use serde::Deserialize;
use serde_json::Value;

use crate::Code;

/// The `typ` of an assertion.
pub const TYPE: &str = "operator+jwt";
/// How long an assertion may be valid.
pub const MAX_LIFE_S: i64 = 300;

/// An assertion that holds. It has not been used up yet. No `Debug`: the request in it
/// names people.
pub(crate) struct Verified<'a> {
    pub(crate) operator: &'a Operator,
    /// Digest of its id: the same for no other assertion.
    pub(crate) id: String,
    /// When it ends.
    pub(crate) until: UnixMs,
    pub(crate) request: Value,
}

/// An assertion that does not hold.
#[derive(Debug)]
pub(crate) struct Refused<'a> {
    pub(crate) code: Code,
    /// Whom it says it is from, if there is such an operator. Not proven.
    pub(crate) claimed: Option<&'a OperatorId>,
    pub(crate) id: String,
}

#[derive(Deserialize)]
struct Says {
    request: Value,
}

/// Verifies everything but that it is used for the first time.
pub(crate) fn verify<'a>(
    assertion: &str,
    operators: &'a [Operator],
    audience: &str,
    now: UnixMs,
) -> Result<Verified<'a>, Refused<'a>> {
    let rules = Rules { kind: TYPE, audience, max_life_s: MAX_LIFE_S };
    match assertion::verify::<Operator, Says>(assertion, operators, rules, now) {
        Ok(verified) => Ok(Verified {
            operator: verified.issuer,
            id: verified.id,
            until: verified.until,
            request: verified.says.request,
        }),
        Err(refused) => Err(Refused {
            code: code(refused.fault),
            claimed: refused.claimed.map(|operator| &operator.id),
            id: refused.id,
        }),
    }
}

fn code(fault: Fault) -> Code {
    match fault {
        Fault::Malformed => Code::Malformed,
        Fault::Algorithm => Code::Algorithm,
        Fault::UnknownIssuer => Code::UnknownOperator,
        Fault::Signature => Code::Signature,
        Fault::Audience => Code::Audience,
        Fault::Expired => Code::Expired,
        Fault::NotYet => Code::NotYet,
        Fault::TooLong => Code::TooLong,
    }
}
