//! The template as data.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use azukari::{
    host::roles::{Key, Role},
    store::tables::Table,
};
use serde_json::{Value, json};

/// Roles that have a function in the template; the publisher and the admin are people
/// with a command line.
pub(super) const FUNCTIONS: [(Role, &str); 6] = [
    (Role::Webhook, "Webhook"),
    (Role::Form, "Form"),
    (Role::Link, "Link"),
    (Role::Locksmith, "Locksmith"),
    (Role::Sweeper, "Sweeper"),
    (Role::Opener, "Opener"),
];

/// A file of the repository.
pub(super) fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// The text of a file of the repository.
pub(super) fn text(path: &str) -> String {
    std::fs::read_to_string(file(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The template, CloudFormation's short forms written out (`!Ref x` → `{"Ref": x}`).
pub(super) fn template() -> Value {
    let yaml: serde_yaml_ng::Value =
        serde_yaml_ng::from_str(&text("infra/template.yaml")).expect("the template is YAML");
    plain(&yaml)
}

fn plain(yaml: &serde_yaml_ng::Value) -> Value {
    use serde_yaml_ng::Value as Yaml;
    match yaml {
        Yaml::Null => Value::Null,
        Yaml::Bool(flag) => json!(flag),
        Yaml::Number(number) => serde_json::to_value(number).expect("a number"),
        Yaml::String(text) => json!(text),
        Yaml::Sequence(list) => list.iter().map(plain).collect(),
        Yaml::Mapping(map) => {
            let pairs = map.iter().map(|(key, value)| {
                let key = key.as_str().map_or_else(|| format!("{key:?}"), str::to_owned);
                (key, plain(value))
            });
            Value::Object(pairs.collect())
        }
        Yaml::Tagged(tagged) => {
            let name = tagged.tag.to_string();
            json!({ name.trim_start_matches('!'): plain(&tagged.value) })
        }
    }
}

/// The properties of all resources of one type, by their logical ids.
pub(super) fn resources(template: &Value, kind: &str) -> BTreeMap<String, Value> {
    let of_kind = members(&template["Resources"]).filter(|(_, resource)| resource["Type"] == kind);
    of_kind.map(|(name, resource)| (name.clone(), resource["Properties"].clone())).collect()
}

/// The members of an object; none of anything else.
pub(super) fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

/// The items of a list; what is no list is one item, and nothing is none.
pub(super) fn items(value: &Value) -> Vec<&Value> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(list) => list.iter().collect(),
        one => vec![one],
    }
}

/// One text, or several.
pub(super) fn strings(value: &Value) -> Vec<String> {
    items(value).into_iter().filter_map(|text| text.as_str().map(str::to_owned)).collect()
}

/// The logical id of a table.
pub(super) fn logical(table: Table) -> &'static str {
    match table {
        Table::Vault => "VaultTable",
        Table::Keys => "KeysTable",
        Table::Audit => "AuditTable",
    }
}

/// The logical id of a key.
pub(super) fn logical_key(key: Key) -> &'static str {
    match key {
        Key::Wrap => "WrapKey",
        Key::Enrol => "EnrolKey",
        Key::Evidence => "EvidenceKey",
        Key::Index => "IndexKey",
    }
}

/// What a value refers to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Mentions {
    /// Resources and parameters.
    pub(super) names: BTreeSet<String>,
    /// Conditions.
    pub(super) conditions: BTreeSet<String>,
}

impl Mentions {
    /// Everything that a part of the template refers to.
    pub(super) fn of(value: &Value) -> Self {
        let mut mentions = Self::default();
        mentions.look_into(value);
        mentions
    }

    fn look_into(&mut self, value: &Value) {
        for part in value.as_array().into_iter().flatten() {
            self.look_into(part);
        }
        for (name, part) in members(value) {
            match name.as_str() {
                "Ref" | "DependsOn" => self.names.extend(strings(part)),
                "GetAtt" => self.names.extend(strings(part).first().map(|text| before(text, '.'))),
                "Sub" => self.names.extend(strings(part).first().into_iter().flat_map(|text| filled_in(text))),
                // A condition of IAM stands under the same word, and is no text.
                "Condition" => self.conditions.extend(part.as_str().map(str::to_owned)),
                "If" => self.conditions.extend(part[0].as_str().map(str::to_owned)),
                _ => {}
            }
            self.look_into(part);
        }
    }
}

/// What stands in `${…}` of a text.
fn filled_in(text: &str) -> Vec<String> {
    let behind = text.split("${").skip(1).filter(|rest| !rest.starts_with('!'));
    behind.map(|rest| before(&before(rest, '}'), '.')).collect()
}

fn before(text: &str, end: char) -> String {
    text.split(end).next().unwrap_or_default().to_owned()
}

/// Logical ids that SAM makes and that the template may name.
pub(super) fn made_by_sam(template: &Value) -> BTreeSet<String> {
    let mut made = BTreeSet::new();
    for (function, properties) in resources(template, "AWS::Serverless::Function") {
        let schedules = members(&properties["Events"]).filter(|(_, event)| event["Type"] == "Schedule");
        made.extend(schedules.map(|(event, _)| format!("{function}{event}")));
    }
    for api in resources(template, "AWS::Serverless::HttpApi").keys() {
        made.insert(format!("{api}ApiGatewayDefaultStage"));
    }
    made
}
