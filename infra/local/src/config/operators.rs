//! `operators.toml`: who may ask the opener. The file may be missing; local mode has
//! an operator of its own.

use std::{collections::BTreeSet, path::Path};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ParsedPublicKey};
use azukari::domain::{
    key::PUBLIC_KEY_LEN,
    operator::{Operator, OperatorId, OperatorRole},
};
use base64::{Engine, engine::general_purpose::STANDARD};

use crate::config::{
    Problems,
    section::{At, Section, read_toml},
};

/// The name of the file.
pub(crate) const FILE: &str = "operators.toml";
/// The operator of local mode, whose key is made at the first start.
pub const LOCAL: &str = "local";

/// Roles of people; systems have a list of their own.
const ROLES: [&str; 3] = ["staff", "privacy_officer", "auditor"];

/// Reads all operators and systems.
pub(super) fn read(folder: &Path, purposes: Option<&BTreeSet<&str>>, problems: &mut Problems) -> Vec<Operator> {
    if !folder.join(FILE).exists() {
        return Vec::new();
    }
    let read = read_toml(folder, FILE, problems, |top| {
        let mut seen = BTreeSet::from([LOCAL.to_owned()]);
        let mut operators = Vec::new();
        for section in top.any_sections("operator") {
            let role = section.one_of("role", &ROLES, OperatorRole::parse);
            operators.extend(operator(&section, role, purposes, &mut seen));
        }
        for section in top.any_sections("system") {
            operators.extend(operator(&section, Some(OperatorRole::System), purposes, &mut seen));
        }
        top.finish();
        operators
    });
    read.unwrap_or_default()
}

fn operator(
    section: &Section<'_>,
    role: Option<OperatorRole>,
    purposes: Option<&BTreeSet<&str>>,
    seen: &mut BTreeSet<String>,
) -> Option<Operator> {
    let id = section.text("id").and_then(|id| name(section, id, seen));
    let public_key = section.text("public_key").and_then(|key| point(section, &key));
    let own = match role {
        Some(role) if role.has_purposes() => granted(section, purposes),
        _ => Some(Vec::new()),
    };
    let budget = section.number("people_per_hour", 1..=10_000).map(|n| u32::from(n.value));
    section.finish();
    let role = role?;
    let budget = budget.unwrap_or(role.usual_budget());
    Some(Operator { id: id?, role, purposes: own?, budget, public_key: public_key? })
}

fn name(section: &Section<'_>, id: At<String>, seen: &mut BTreeSet<String>) -> Option<OperatorId> {
    let Ok(parsed) = OperatorId::parse(&id.value) else {
        let en = "id must be 1 to 32 of a-z, 0-9, -, . and _";
        section.problem(id.at, "idは半角のa-z、0-9、-、.、_で32文字までです", en);
        return None;
    };
    if !seen.insert(id.value.clone()) {
        let (ja, en) = if id.value == LOCAL {
            (format!("id「{LOCAL}」はローカルモード専用です"), format!("the id \"{LOCAL}\" belongs to local mode"))
        } else {
            (format!("id「{}」が重複しています", id.value), format!("the id \"{}\" is there twice", id.value))
        };
        section.problem(id.at, &ja, &en);
        return None;
    }
    Some(parsed)
}

fn point(section: &Section<'_>, key: &At<String>) -> Option<[u8; PUBLIC_KEY_LEN]> {
    let point = STANDARD.decode(&key.value).ok().and_then(|bytes| on_curve(&bytes));
    if point.is_none() {
        let en = "public_key is not what `azukari operator add` prints (a P-256 point in base64)";
        section.problem(key.at, "public_keyは`azukari operator add`が表示する値（P-256の公開鍵、base64）です", en);
    }
    point
}

/// A public key, if it is an uncompressed point of P-256.
pub(crate) fn on_curve(bytes: &[u8]) -> Option<[u8; PUBLIC_KEY_LEN]> {
    let point: [u8; PUBLIC_KEY_LEN] = bytes.try_into().ok()?;
    ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).is_ok().then_some(point)
}

fn granted(section: &Section<'_>, purposes: Option<&BTreeSet<&str>>) -> Option<Vec<String>> {
    let own = section.words("purposes")?;
    let mut sound = true;
    for purpose in &own {
        if purposes.is_some_and(|known| !known.contains(purpose.value.as_str())) {
            let value = &purpose.value;
            let en = format!("there is no purpose \"{value}\"");
            section.problem(purpose.at, &format!("目的「{value}」がありません"), &en);
            sound = false;
        }
    }
    sound.then(|| own.into_iter().map(|purpose| purpose.value).collect())
}
