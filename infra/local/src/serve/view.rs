//! `GET /simulator/view`: everything that the right half of the page shows, in one answer:
//! rows as they are stored and in words, the audit log, the erasure list, counters.

use std::collections::BTreeMap;

use axum::{Json, Router, extract::State, routing::get};
use azukari::{
    domain::{
        definition::PurposeTerms,
        id::{ChannelName, LineUserId},
    },
    host::{clock::Clock, roles::Role},
    seal::index::IndexKey,
    store::{key, tables::Table},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::{
    installation::Installation,
    serve::{
        explain::{self, Facts},
        simulator::{self, Local},
    },
};

pub(super) fn router(local: Local) -> Router {
    Router::new().route("/simulator/view", get(view)).with_state(local)
}

async fn view(State(local): State<Local>) -> Json<Value> {
    let installation = local.installation;
    Json(tokio::task::spawn_blocking(move || all(&installation)).await.unwrap_or_default())
}

fn all(installation: &Installation) -> Value {
    let purposes = purposes(installation);
    let vault = installation.rows(Table::Vault);
    let audit = installation.rows(Table::Audit);
    let people = people(&vault);
    let now = installation.clock().now();
    json!({
        "now": now.to_string(),
        "now_ms": now,
        "offset_ms": installation.clock().offset(),
        "channels": channels(installation),
        "purposes": purposes.iter().map(|(id, terms)| (id.clone(), json!({"name": terms.name, "title": terms.title}))).collect::<BTreeMap<_, _>>(),
        "friends": friends(installation, &people),
        "rows": rows(installation, &vault, &purposes, &people),
        "pool": vault.iter().filter(|row| row["kind"]["S"] == "pool").count(),
        "entries": entries(&audit, &purposes),
        "erasures": erasures(&audit),
        "metrics": metrics(installation),
        "calls": simulator::calls(installation),
    })
}

fn purposes(installation: &Installation) -> BTreeMap<String, PurposeTerms> {
    let published = &installation.published().purposes;
    published.values().map(|terms| (terms.id.to_string(), terms.clone())).collect()
}

fn channels(installation: &Installation) -> Vec<Value> {
    let configuration = installation.configuration();
    let published = installation.published();
    configuration
        .channels
        .iter()
        .map(|(name, channel)| {
            json!({
                "name": name,
                "account": configuration.policies[&channel.policy].business.name.ja,
                "account_en": configuration.policies[&channel.policy].business.name.en,
                "before_consent": channel.before_consent,
                "policy": published.policies.get(&channel.policy).map(ToString::to_string),
                "policy_url": format!("/policy/{name}"),
            })
        })
        .collect()
}

/// Who is behind each mapping: from its partition to the person.
fn people(vault: &[Value]) -> BTreeMap<String, String> {
    let mappings = vault.iter().filter(|row| row["kind"]["S"] == "mapping");
    mappings
        .filter_map(|row| Some((row["pk"]["S"].as_str()?.to_owned(), row["subject"]["S"].as_str()?.to_owned())))
        .collect()
}

fn index_key(installation: &Installation) -> Option<IndexKey> {
    let secrets = installation.secrets(Role::Webhook);
    let key = STANDARD.decode(secrets["keys"]["user_index"].as_str()?).ok()?;
    IndexKey::new(&key).ok()
}

fn mapping_of(index: &IndexKey, channel: &str, user: &str) -> Option<String> {
    let channel = ChannelName::parse(channel).ok()?;
    let user = LineUserId::parse(user).ok()?;
    Some(key::mapping(&channel, &index.user(&channel, &user)))
}

fn friends(installation: &Installation, people: &BTreeMap<String, String>) -> Vec<Value> {
    let index = index_key(installation);
    let person = |channel: &str, user: &str| {
        let mapping = mapping_of(index.as_ref()?, channel, user)?;
        people.get(&mapping).cloned()
    };
    let friends = installation.line().friends().into_iter();
    friends
        .map(|friend| {
            json!({
                "user_id": friend.user_id,
                "name": friend.name,
                "channel": friend.channel,
                "following": friend.following,
                "blocked": friend.blocked,
                "person": person(&friend.channel, &friend.user_id),
            })
        })
        .collect()
}

fn rows(
    installation: &Installation,
    vault: &[Value],
    purposes: &BTreeMap<String, PurposeTerms>,
    people: &BTreeMap<String, String>,
) -> Vec<Value> {
    let index = index_key(installation);
    let phones: BTreeMap<String, String> = installation
        .line()
        .friends()
        .into_iter()
        .filter_map(|friend| {
            let mapping = mapping_of(index.as_ref()?, &friend.channel, &friend.user_id)?;
            Some((people.get(&mapping)?.clone(), friend.user_id))
        })
        .collect();
    let agreed: BTreeMap<&str, bool> = vault
        .iter()
        .filter(|row| row["kind"]["S"] == "mapping")
        .filter_map(|row| Some((row["subject"]["S"].as_str()?, row["consent"]["S"] == "given")))
        .collect();
    let agreed_in_forms: std::collections::BTreeSet<(&str, &str)> = vault
        .iter()
        .filter(|row| row["kind"]["S"] == "consent" && row["how"]["S"] == "form" && row["consent"]["S"] == "given")
        .filter_map(|row| Some((row["pk"]["S"].as_str()?.strip_prefix("S#")?, row["purpose"]["S"].as_str()?)))
        .collect();
    let of_people = |row: &&Value| {
        let pk = row["pk"]["S"].as_str().unwrap_or_default();
        pk.starts_with("S#") || pk.starts_with("L#") || pk.starts_with("X#")
    };
    vault
        .iter()
        .filter(of_people)
        .map(|row| {
            let pk = row["pk"]["S"].as_str().unwrap_or_default();
            let person = pk.strip_prefix("S#").or(row["subject"]["S"].as_str());
            let purpose = row["purpose"]["S"].as_str().unwrap_or_default();
            let agreed = person.is_some_and(|person| {
                agreed.get(person) == Some(&true) || agreed_in_forms.contains(&(person, purpose))
            });
            let facts = Facts { purposes, agreed };
            json!({
                "pk": pk,
                "sk": row["sk"]["S"],
                "kind": row["kind"]["S"],
                "purpose": row["purpose"]["S"],
                "event_at": number(row, "event_at"),
                "due_at": number(row, "due_at"),
                "person": person,
                "user_id": person.and_then(|person| phones.get(person)),
                "sealed": row["env"]["B"].as_str().and_then(|env| STANDARD.decode(env).ok()).map(|env| env.len()),
                "item": row,
                "explain": explain::row(row, &facts),
            })
        })
        .collect()
}

fn number(row: &Value, name: &str) -> Option<i64> {
    row[name]["N"].as_str()?.parse().ok()
}

fn entries(audit: &[Value], purposes: &BTreeMap<String, PurposeTerms>) -> Vec<Value> {
    let list = |row: &Value, name: &str| -> Value {
        row[name]["S"].as_str().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    };
    let mut entries: Vec<Value> = audit
        .iter()
        .filter(|row| row["kind"]["S"] == "entry")
        .map(|row| {
            json!({
                "at": number(row, "at"),
                "act": row["act"]["S"],
                "operator": row["operator"]["S"],
                "people": list(row, "subjects"),
                "fields": list(row, "fields"),
                "purpose": row["purpose"]["S"],
                "reason": row["reason"]["S"],
                "refusal": row["refusal"]["S"],
                "explain": explain::entry(row, purposes),
            })
        })
        .collect();
    entries.sort_by_key(|entry| std::cmp::Reverse(entry["at"].as_i64()));
    entries
}

fn erasures(audit: &[Value]) -> Vec<Value> {
    let list = audit.iter().filter(|row| row["kind"]["S"] == "erasure" || row["kind"]["S"] == "unsent");
    let mut steps: Vec<Value> = list
        .map(|row| {
            json!({
                "at": number(row, "at"),
                "person": row["subject"]["S"],
                "step": row["step"]["S"].as_str().unwrap_or("unsent"),
                "explain": explain::erasure(row),
            })
        })
        .collect();
    steps.sort_by_key(|step| (step["at"].as_i64(), step["step"].as_str().map(str::to_owned)));
    steps.reverse();
    steps
}

fn metrics(installation: &Installation) -> Vec<Value> {
    let all = installation.metrics().snapshot().into_iter();
    all.flat_map(|(what, kinds)| kinds.into_iter().map(move |(kind, n)| json!({"what": what, "kind": kind, "n": n})))
        .collect()
}
