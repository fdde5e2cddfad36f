//! What the function is made of, and the way of every invocation: verify, read, grant,
//! use up, then the act.

use std::sync::Arc;

use aws_sdk_kms::Client;
use azukari::{
    domain::{id::Malformed, operator::Operator, plain::Plain, time::UnixMs},
    host::{
        aws,
        ctx::Ctx,
        ledger::{Ledger, NotRecorded},
        roles::Role,
        secrets::{self, OpenerSecrets, SecretsError},
        settings::{self, SettingsError},
    },
    keys::enrol::EnrolKey,
    store::{
        StoreError, Vault,
        audit::Audit,
        entry::Entry,
        one_time::{Redeemed, Spend},
        wrapped::WrappedKeys,
    },
};
use serde_json::Value;

use crate::{
    Answer, Code, Problem,
    assertion::{self, Refused, Verified},
    names::Names,
    request::{self, Request},
};

/// The opener function.
#[derive(Debug)]
pub struct Opener {
    pub(crate) ctx: Ctx,
    pub(crate) vault: Vault,
    pub(crate) keys: WrappedKeys,
    pub(crate) kms: Client,
    pub(crate) wrap: String,
    pub(crate) enrol: EnrolKey,
    pub(crate) ledger: Ledger,
    pub(crate) secrets: OpenerSecrets,
    pub(crate) names: Names,
    audience: String,
}

/// What an opener is made from.
#[derive(Debug)]
pub struct Parts {
    /// Clock, mint, metrics.
    pub ctx: Ctx,
    /// The store, signing as `opener`.
    pub vault: Vault,
    /// The wrapped keys.
    pub keys: WrappedKeys,
    /// The audit log.
    pub audit: Audit,
    /// KMS.
    pub kms: Client,
    /// Id or ARN of the KMS key `wrap`.
    pub wrap: String,
    /// Id or ARN of the KMS key `evidence`.
    pub evidence: String,
    /// Checks key rows.
    pub enrol: EnrolKey,
    /// Keys, and who may ask.
    pub secrets: OpenerSecrets,
    /// Which installation assertions are for.
    pub audience: String,
}

/// Why the function does not start.
#[derive(Debug, thiserror::Error)]
pub enum NotReady {
    /// Its environment is not complete.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// Its secret is not complete.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    /// A key cannot be used.
    #[error(transparent)]
    Key(#[from] Malformed),
}

/// The store or the ledger did not do its part: nothing is answered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unavailable {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    NotRecorded(#[from] NotRecorded),
    #[error("a note could not be sealed")]
    Note,
}

/// Who asks, with an assertion that is used up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asking<'a> {
    pub(crate) operator: &'a Operator,
    /// Digest of the assertion's id.
    pub(crate) id: &'a str,
    pub(crate) now: UnixMs,
}

impl Asking<'_> {
    /// An entry about this request, to be filled in.
    pub(crate) fn entry(&self, act: &'static str) -> Entry {
        Entry::new(act, self.now, self.operator.id.to_string(), self.id.to_owned())
    }
}

/// Counts that one operator may ask for in an hour: each opens many people.
const COUNTS_PER_HOUR: u32 = 20;
/// People that one operator may have erased in an hour: a stolen key is not to empty the
/// house before somebody notices.
const ERASURES_PER_HOUR: u32 = 20;

impl Opener {
    /// From its parts.
    pub fn new(parts: Parts) -> Self {
        let Parts { ctx, vault, keys, audit, kms, wrap, evidence, enrol, secrets, audience } = parts;
        let ledger = Ledger::new(ctx.clone(), Role::Opener, audit, kms.clone(), evidence);
        Self { ctx, vault, keys, kms, wrap, enrol, ledger, secrets, names: Names::default(), audience }
    }

    /// From the environment of a Lambda function: one call, for the secret.
    ///
    /// # Errors
    /// Everything that is missing or malformed.
    pub async fn from_environment() -> Result<Self, NotReady> {
        let mut reader = settings::Reader::new(Role::Opener, &settings::environment);
        let stage = reader.text(settings::STAGE);
        let vault = reader.text(settings::VAULT_TABLE);
        let keys = reader.text(settings::KEYS_TABLE);
        let audit = reader.text(settings::AUDIT_TABLE);
        let secret = reader.text(settings::SECRET);
        let enrol = reader.bytes(settings::ENROL_PUBLIC_KEY, EnrolKey::new);
        let wrap = reader.text(settings::WRAP_KEY);
        let evidence = reader.text(settings::EVIDENCE_KEY);
        let audience = reader.text(settings::AUDIENCE);
        let sdk = reader.finish_with_aws()?;
        // The clients are made while the secret is on its way.
        let (secret, (dynamodb, kms)) =
            tokio::join!(secrets::fetch(&sdk, &secret), async { (aws::dynamodb(&sdk), aws::kms(&sdk)) });
        let secrets = OpenerSecrets::read(&secret?)?;
        Ok(Self::new(Parts {
            ctx: Ctx::system().of_stage(&stage),
            vault: Vault::new(dynamodb.clone(), vault, Arc::new(secrets.origin.clone())),
            keys: WrappedKeys::new(dynamodb.clone(), keys),
            audit: Audit::new(dynamodb, audit),
            kms,
            wrap,
            evidence,
            enrol: enrol.ok_or(Malformed("enrol public key"))?,
            secrets,
            audience,
        }))
    }

    /// Answers an invocation: `{"assertion": "…"}`.
    pub async fn invoke(&self, payload: &Value) -> Answer {
        let answer = self.answer(payload["assertion"].as_str().unwrap_or_default()).await;
        let answer = answer.unwrap_or_else(|error| {
            tracing::error!(event = "not_answered", %error, "nothing was answered");
            Problem::of(Code::Unavailable).into()
        });
        let word = match &answer {
            Answer::Opened { .. } => "open",
            Answer::Listed { .. } => "list",
            Answer::Requests { .. } => "requests",
            Answer::ClosedRequest { .. } => "close_request",
            Answer::Counted { .. } => "count",
            Answer::Erasing { .. } => "erase",
            Answer::Ledger(_) => "ledger",
            Answer::Problem { error } => error.code.as_str(),
        };
        self.ctx.metrics().count("opener_answer", word);
        answer
    }

    async fn answer(&self, assertion: &str) -> Result<Answer, Unavailable> {
        let now = self.ctx.now();
        let verified = match assertion::verify(assertion, &self.secrets.operators, &self.audience, now) {
            Ok(verified) => verified,
            Err(refused) => return self.refuse_assertion(&refused, now).await,
        };
        let Verified { operator, id, until, request } = verified;
        let asking = Asking { operator, id: &id, now };
        let request = match request::read(request, now) {
            Ok(request) => request,
            Err(problem) => {
                let code = problem.code.as_str();
                self.ledger.record(&Entry { refusal: Some(code), ..asking.entry("refuse") }).await?;
                return Ok(problem.into());
            }
        };
        let (act, purpose) = request.act();
        if let Err(why) = operator.may(act, purpose) {
            self.refuse(&asking, &request, Code::NotGranted).await?;
            return Ok(Problem::not_granted(operator, act, why).into());
        }
        let budget = format!("open.{}", operator.id);
        let counts = format!("count.{}", operator.id);
        let erasures = format!("erase.{}", operator.id);
        let spend = match &request {
            Request::Open(open) => Some(Spend {
                what: &budget,
                hour: now.hour(),
                n: u32::try_from(open.people.len()).unwrap_or(u32::MAX),
                limit: operator.budget,
            }),
            Request::Count(_) => Some(Spend { what: &counts, hour: now.hour(), n: 1, limit: COUNTS_PER_HOUR }),
            Request::Erase(_) => Some(Spend { what: &erasures, hour: now.hour(), n: 1, limit: ERASURES_PER_HOUR }),
            Request::List(_) | Request::Requests | Request::Close(_) | Request::Ledger(_) => None,
        };
        match self.vault.redeem(&id, until, spend).await? {
            Redeemed::Taken => {}
            Redeemed::Replayed => return self.refuse(&asking, &request, Code::Replayed).await,
            Redeemed::OverBudget => {
                // Used up all the same: it must not succeed in another hour.
                self.vault.redeem(&id, until, None).await?;
                return self.refuse(&asking, &request, Code::Budget).await;
            }
        }
        match request {
            Request::Open(open) => self.open(&asking, open).await,
            Request::List(list) => self.list(&asking, list).await,
            Request::Requests => self.requests(&asking).await,
            Request::Close(close) => self.close_request(&asking, close).await,
            Request::Count(count) => self.count(&asking, count).await,
            Request::Erase(erase) => self.erase(&asking, erase).await,
            Request::Ledger(ledger) => self.read_ledger(&asking, ledger).await,
        }
    }

    /// An assertion that does not hold is refused and recorded. What it says is not
    /// repeated in the ledger, but for an operator's name that exists.
    async fn refuse_assertion(&self, refused: &Refused<'_>, now: UnixMs) -> Result<Answer, Unavailable> {
        let operator = refused.claimed.map_or_else(|| "?".to_owned(), ToString::to_string);
        let entry = Entry::new("refuse", now, operator, refused.id.clone());
        let entry = Entry { refusal: Some(refused.code.as_str()), ..entry };
        self.ledger.record(&entry).await?;
        Ok(Problem::of(refused.code).into())
    }

    /// A request of an operator that is not carried out is recorded, with how many
    /// people it was about and for what.
    pub(crate) async fn refuse(
        &self,
        asking: &Asking<'_>,
        request: &Request,
        code: Code,
    ) -> Result<Answer, Unavailable> {
        let mut entry = Entry { refusal: Some(code.as_str()), ..asking.entry("refuse") };
        match request {
            Request::Open(open) => {
                entry.unknown = open.people.len();
                entry.fields = open.fields.names();
                entry.purpose = self.purpose_for_entry(open.purpose.as_deref()).await?;
                entry.reason = Some(open.reason.as_str());
            }
            Request::Erase(erase) => {
                entry.unknown = 1;
                entry.reason = Some(erase.reason.as_str());
            }
            Request::Close(_) => {
                entry.unknown = 1;
                entry.reason = Some("request");
            }
            Request::List(_) | Request::Requests | Request::Count(_) | Request::Ledger(_) => {}
        }
        self.ledger.record(&entry).await?;
        Ok(Problem::of(code).into())
    }

    /// An operator's own words, sealed for the entry.
    pub(crate) fn sealed_note(
        &self,
        asking: &Asking<'_>,
        note: Option<&Plain<String>>,
    ) -> Result<Option<Vec<u8>>, Unavailable> {
        let sealed = note.map(|note| self.secrets.note.seal(asking.id, note.reveal()));
        sealed.transpose().map_err(|_| Unavailable::Note)
    }

    /// A purpose as an entry names it: its opaque id, `*` for every one, `?` for one
    /// that does not exist.
    async fn purpose_for_entry(&self, name: Option<&str>) -> Result<Option<String>, StoreError> {
        let Some(name) = name else { return Ok(Some("*".to_owned())) };
        let id = self.names.purpose(&self.vault, name).await?;
        Ok(Some(id.map_or_else(|| "?".to_owned(), |id| id.to_string())))
    }
}
