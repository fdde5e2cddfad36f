//! Settings from the environment. Each function's are declared here, compared with
//! `infra/template.yaml` by a test, and read all at once: a function that is not
//! set up says everything that is wrong, in one line, and does not start.

use aws_types::SdkConfig;
use base64::{Engine, engine::general_purpose::STANDARD};

use crate::host::{aws, roles::Role};

/// What this installation is called: the name of its stack. A dimension of metrics.
pub const STAGE: &str = "AZUKARI_STAGE";
/// Table of everything about persons.
pub const VAULT_TABLE: &str = "AZUKARI_VAULT_TABLE";
/// Table of wrapped keys.
pub const KEYS_TABLE: &str = "AZUKARI_KEYS_TABLE";
/// Table of openings and erasures.
pub const AUDIT_TABLE: &str = "AZUKARI_AUDIT_TABLE";
/// Name of the function's secret in AWS Secrets Manager.
pub const SECRET: &str = "AZUKARI_SECRET";
/// Public half of the KMS key `enrol`, base64 of DER, from `azukari bootstrap`.
pub const ENROL_PUBLIC_KEY: &str = "AZUKARI_ENROL_PUBLIC_KEY";
/// KMS key that wraps the persons' private keys.
pub const WRAP_KEY: &str = "AZUKARI_WRAP_KEY";
/// KMS key that signs key rows.
pub const ENROL_KEY: &str = "AZUKARI_ENROL_KEY";
/// KMS key that signs entries of the audit log.
pub const EVIDENCE_KEY: &str = "AZUKARI_EVIDENCE_KEY";
/// KMS key that makes the digests by which people are found.
pub const INDEX_KEY: &str = "AZUKARI_INDEX_KEY";
/// The audience of assertions: which installation they are for.
pub const AUDIENCE: &str = "AZUKARI_AUDIENCE";
/// How many key pairs the pool is to hold.
pub const POOL_TARGET: &str = "AZUKARI_POOL_TARGET";
/// Address of LINE's API.
pub const LINE_API: &str = "AZUKARI_LINE_API";
/// Address at which people sign in to LINE: `https://access.line.me`.
pub const LINE_ACCESS: &str = "AZUKARI_LINE_ACCESS";
/// Address in front of the id of a LIFF app: `https://liff.line.me`.
pub const LIFF_URL: &str = "AZUKARI_LIFF_URL";
/// Address of LINE's LIFF SDK.
pub const LIFF_SDK: &str = "AZUKARI_LIFF_SDK";
/// Address of the SDK's plugin for filling in from a profile, or `none`.
pub const LIFF_PLUGIN: &str = "AZUKARI_LIFF_PLUGIN";
/// Address of the people's pages, as they appear in messages.
pub const PUBLIC_URL: &str = "AZUKARI_PUBLIC_URL";
/// Who may show the people's pages in a frame, as `frame-ancestors` of CSP says it.
pub const FRAME_ANCESTORS: &str = "AZUKARI_FRAME_ANCESTORS";

/// The settings of the function with this role: all of them are required.
pub fn of(role: Role) -> &'static [&'static str] {
    match role {
        Role::Webhook => &[STAGE, VAULT_TABLE, SECRET, ENROL_PUBLIC_KEY, LINE_API, LIFF_URL, PUBLIC_URL],
        Role::Form => &[
            STAGE,
            VAULT_TABLE,
            AUDIT_TABLE,
            SECRET,
            ENROL_PUBLIC_KEY,
            INDEX_KEY,
            LINE_API,
            LIFF_URL,
            LIFF_SDK,
            LIFF_PLUGIN,
            PUBLIC_URL,
            FRAME_ANCESTORS,
        ],
        Role::Link => &[
            STAGE,
            VAULT_TABLE,
            SECRET,
            ENROL_PUBLIC_KEY,
            INDEX_KEY,
            LINE_API,
            LINE_ACCESS,
            PUBLIC_URL,
            FRAME_ANCESTORS,
        ],
        Role::Locksmith => &[STAGE, VAULT_TABLE, KEYS_TABLE, WRAP_KEY, ENROL_KEY, POOL_TARGET],
        Role::Sweeper => &[STAGE, VAULT_TABLE, KEYS_TABLE, AUDIT_TABLE, SECRET, EVIDENCE_KEY],
        Role::Opener => {
            &[STAGE, VAULT_TABLE, KEYS_TABLE, AUDIT_TABLE, SECRET, ENROL_PUBLIC_KEY, WRAP_KEY, EVIDENCE_KEY, AUDIENCE]
        }
        Role::Publisher | Role::Admin => &[],
    }
}

/// Everything that is wrong with a function's settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the function is not set up: {}", .0.join("; "))]
pub struct SettingsError(pub Vec<String>);

/// Settings that name a KMS key, by its ARN.
const KMS_KEYS: [&str; 4] = [WRAP_KEY, ENROL_KEY, EVIDENCE_KEY, INDEX_KEY];

/// Reads settings and collects what is wrong with them.
pub struct Reader<'a> {
    declared: &'static [&'static str],
    lookup: &'a dyn Fn(&str) -> Option<String>,
    read: Vec<&'static str>,
    problems: Vec<String>,
}

impl<'a> Reader<'a> {
    /// A reader for the settings of one role.
    pub fn new(role: Role, lookup: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self { declared: of(role), lookup, read: Vec::new(), problems: Vec::new() }
    }

    /// A text. What was pasted with a line break at its end is refused here, not by whoever
    /// is called with it; and so is what should be a KMS key and is no ARN of one.
    pub fn text(&mut self, name: &'static str) -> String {
        if !self.declared.contains(&name) {
            self.problems.push(format!("{name} is not declared for this function"));
        }
        self.read.push(name);
        let value = (self.lookup)(name).unwrap_or_default();
        if value.trim().is_empty() {
            self.problems.push(format!("{name} is missing"));
            return String::new();
        }
        if value != value.trim() || value.chars().any(char::is_control) {
            self.problems.push(format!("{name} has white space around it or a control character in it"));
            return String::new();
        }
        if KMS_KEYS.contains(&name) && !is_kms_key(&value) {
            self.problems.push(format!("{name} is not the ARN of a KMS key"));
            return String::new();
        }
        value
    }

    /// An address that begins with `https://` or `http://`, without a slash at its end.
    pub fn base_url(&mut self, name: &'static str) -> String {
        let text = self.text(name).trim_end_matches('/').to_owned();
        if !is_address(&text) && !text.is_empty() {
            self.problems.push(format!("{name} is not an address that begins with https://"));
        }
        text
    }

    /// The same, or `none`.
    pub fn optional_url(&mut self, name: &'static str) -> Option<String> {
        let none = (self.lookup)(name).is_some_and(|value| value == "none");
        if none { None } else { Some(self.base_url(name)) }
    }

    /// Sources, as a list of a content security policy has them: nothing in it ends the list.
    pub fn sources(&mut self, name: &'static str) -> String {
        let text = self.text(name);
        if text.contains([';', ',']) || !text.is_ascii() {
            self.problems.push(format!("{name} is not a list of sources with spaces between them"));
        }
        text
    }

    /// A positive number.
    pub fn number(&mut self, name: &'static str) -> usize {
        let text = self.text(name);
        let number = text.parse().ok().filter(|number| *number > 0);
        if number.is_none() && !text.is_empty() {
            self.problems.push(format!("{name} is not a positive number"));
        }
        number.unwrap_or_default()
    }

    /// Bytes in base64, made into something by `read`.
    pub fn bytes<T, E: std::fmt::Display>(
        &mut self,
        name: &'static str,
        read: impl Fn(&[u8]) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.text(name);
        if text.is_empty() {
            return None;
        }
        let Ok(bytes) = STANDARD.decode(&text) else {
            self.problems.push(format!("{name} is not base64"));
            return None;
        };
        read(&bytes).map_err(|error| self.problems.push(format!("{name}: {error}"))).ok()
    }

    /// What was read, or everything that was wrong. A setting that is declared and that
    /// nobody has read must be there too.
    ///
    /// # Errors
    /// At least one setting is missing or malformed.
    pub fn finish(mut self) -> Result<(), SettingsError> {
        self.rest();
        if self.problems.is_empty() { Ok(()) } else { Err(SettingsError(self.problems)) }
    }

    /// The same, with what the AWS clients are made from: it comes from the environment too,
    /// and what is wrong with it is said in the same line.
    ///
    /// # Errors
    /// At least one setting is missing or malformed.
    pub fn finish_with_aws(mut self) -> Result<SdkConfig, SettingsError> {
        self.rest();
        match aws::from_lookup(self.lookup) {
            Ok(sdk) if self.problems.is_empty() => Ok(sdk),
            Ok(_) => Err(SettingsError(self.problems)),
            Err(SettingsError(more)) => {
                self.problems.extend(more);
                Err(SettingsError(self.problems))
            }
        }
    }

    fn rest(&mut self) {
        for &name in self.declared {
            if !self.read.contains(&name) {
                self.text(name);
            }
        }
    }
}

/// Whether this is an address with a host that a client can call.
pub(crate) fn is_address(text: &str) -> bool {
    let scheme = text.starts_with("https://") || text.starts_with("http://");
    scheme && text.parse::<http::Uri>().is_ok_and(|uri| uri.host().is_some_and(|host| !host.is_empty()))
}

/// Whether this is the ARN of a KMS key: `arn:<partition>:kms:<region>:<account>:key/<id>`.
fn is_kms_key(text: &str) -> bool {
    let of = |part: &str, fits: fn(&u8) -> bool| !part.is_empty() && part.as_bytes().iter().all(fits);
    let name = |part: &str| of(part, |byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-');
    let ["arn", partition, "kms", region, account, key] = text.split(':').collect::<Vec<_>>()[..] else {
        return false;
    };
    let account = account.len() == 12 && of(account, u8::is_ascii_digit);
    name(partition) && name(region) && account && key.strip_prefix("key/").is_some_and(name)
}

/// The process environment.
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_is_named_at_once() {
        let lookup = |name: &str| match name {
            POOL_TARGET => Some("many".to_owned()),
            WRAP_KEY => Some("alias/wrap\n".to_owned()),
            VAULT_TABLE => Some("vault".to_owned()),
            _ => None,
        };
        let mut reader = Reader::new(Role::Locksmith, &lookup);
        assert_eq!(reader.text(VAULT_TABLE), "vault");
        reader.text(KEYS_TABLE);
        reader.number(POOL_TARGET);
        reader.text(SECRET);
        let error = reader.finish().unwrap_err().to_string();
        for part in [
            "AZUKARI_KEYS_TABLE is missing",
            "AZUKARI_POOL_TARGET is not a positive number",
            "AZUKARI_SECRET is not declared",
            // Declared, and not read above.
            "AZUKARI_STAGE is missing",
            "AZUKARI_WRAP_KEY has white space",
        ] {
            assert!(error.contains(part), "{error}");
        }
        assert!(!error.contains("AZUKARI_VAULT_TABLE"));
    }

    #[test]
    fn an_address_has_a_scheme_and_a_host() {
        for good in ["https://example.jp", "http://127.0.0.1:9", "https://example.jp/line"] {
            assert!(is_address(good), "{good}");
        }
        for bad in ["", "example.jp", "ftp://example.jp", "https://", "https:///path", "https://a b", "https://a\"b"] {
            assert!(!is_address(bad), "{bad}");
        }
    }

    #[test]
    fn a_key_is_named_by_its_arn() {
        for good in [
            "arn:aws:kms:ap-northeast-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
            "arn:aws-cn:kms:cn-north-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab",
        ] {
            assert!(is_kms_key(good), "{good}");
        }
        for bad in [
            "",
            "x",
            "1234abcd-12ab-34cd-56ef-1234567890ab",
            "alias/azukari-wrap",
            "arn:aws:kms:ap-northeast-1:111122223333:alias/azukari-wrap",
            "arn:aws:kms:ap-northeast-1:111122223333:key/",
            "arn:aws:kms:ap-northeast-1:111122223333:key/a b",
            "arn:aws:kms:ap-northeast-1:11112222333:key/1234abcd",
            "arn:aws:kms::111122223333:key/1234abcd",
            "arn::kms:ap-northeast-1:111122223333:key/1234abcd",
            "arn:aws:dynamodb:ap-northeast-1:111122223333:key/1234abcd",
            "arn:aws:kms:ap-northeast-1:111122223333:key/1234abcd:more",
        ] {
            assert!(!is_kms_key(bad), "{bad}");
        }
        let lookup = |name: &str| (name == WRAP_KEY).then(|| "alias/wrap".to_owned());
        let mut reader = Reader::new(Role::Opener, &lookup);
        assert_eq!(reader.text(WRAP_KEY), "");
        let error = reader.finish().unwrap_err().to_string();
        assert!(error.contains("AZUKARI_WRAP_KEY is not the ARN of a KMS key"), "{error}");
    }

    #[test]
    fn sources_do_not_end_the_policy_they_are_put_into() {
        let reading = |value: &'static str| {
            let lookup = move |name: &str| (name == FRAME_ANCESTORS).then(|| value.to_owned());
            let mut reader = Reader::new(Role::Link, &lookup);
            reader.sources(FRAME_ANCESTORS);
            reader.problems.is_empty()
        };
        assert!(reading("'none'") && reading("https://example.jp https://liff.line.me"));
        assert!(!reading("'none'; script-src *") && !reading("https://a, https://b"));
    }

    #[test]
    fn what_is_wrong_with_the_clients_is_in_the_same_line() {
        let lookup = |name: &str| (name == aws::REGION).then(|| "ap-northeast-1".to_owned());
        let error = Reader::new(Role::Locksmith, &lookup).finish_with_aws().unwrap_err().to_string();
        for part in ["AZUKARI_POOL_TARGET is missing", "AWS_SECRET_ACCESS_KEY is missing"] {
            assert!(error.contains(part), "{error}");
        }
        assert_eq!(error.lines().count(), 1);
    }
}
