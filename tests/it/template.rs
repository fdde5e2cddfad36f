//! `infra/template.yaml` says what the code declares, and the other way round: tables,
//! indexes, routes, settings, schedules and every IAM statement.

use std::collections::{BTreeMap, BTreeSet};

use azukari::{
    host::{
        roles::{Grant, Key, Role, Target, permissions},
        settings,
    },
    store::tables::{DECLARATIONS, Index, KeyAttribute, Table},
};
use serde_json::{Value, json};

/// Roles that have a function in the template; the publisher and the admin are people
/// with a command line.
const FUNCTIONS: [(Role, &str); 6] = [
    (Role::Webhook, "Webhook"),
    (Role::Form, "Form"),
    (Role::Link, "Link"),
    (Role::Locksmith, "Locksmith"),
    (Role::Sweeper, "Sweeper"),
    (Role::Opener, "Opener"),
];

/// The template, CloudFormation's short forms written out (`!Ref x` → `{"Ref": x}`).
fn template() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../infra/template.yaml");
    let text = std::fs::read_to_string(path).expect("the template is there");
    let yaml: serde_yaml_ng::Value = serde_yaml_ng::from_str(&text).expect("the template is YAML");
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

fn resources(template: &Value, kind: &str) -> BTreeMap<String, Value> {
    let all = template["Resources"].as_object().expect("there are resources");
    let of_kind = all.iter().filter(|(_, resource)| resource["Type"] == kind);
    of_kind.map(|(name, resource)| (name.clone(), resource["Properties"].clone())).collect()
}

fn strings(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(list) => list.iter().filter_map(|text| text.as_str().map(str::to_owned)).collect(),
        _ => Vec::new(),
    }
}

fn logical(table: Table) -> &'static str {
    match table {
        Table::Vault => "VaultTable",
        Table::Keys => "KeysTable",
        Table::Audit => "AuditTable",
    }
}

fn schema(key: &[KeyAttribute; 2]) -> Value {
    json!([
        {"AttributeName": key[0].name, "KeyType": "HASH"},
        {"AttributeName": key[1].name, "KeyType": "RANGE"},
    ])
}

#[test]
fn tables_and_indexes_are_those_of_the_code() {
    let template = template();
    let tables = resources(&template, "AWS::DynamoDB::Table");
    let declared: BTreeSet<&str> = DECLARATIONS.iter().map(|declaration| logical(declaration.table)).collect();
    assert_eq!(tables.keys().map(String::as_str).collect::<BTreeSet<_>>(), declared);
    for declaration in &DECLARATIONS {
        let table = &tables[logical(declaration.table)];
        assert_eq!(table["KeySchema"], schema(&declaration.key));
        assert_eq!(table["BillingMode"], "PAY_PER_REQUEST");
        assert_eq!(table["DeletionProtectionEnabled"], declaration.deletion_protection);
        let recovery = &table["PointInTimeRecoverySpecification"];
        assert_eq!(recovery["PointInTimeRecoveryEnabled"], true);
        assert_eq!(recovery["RecoveryPeriodInDays"], declaration.recovery_days);
        assert_eq!(table["SSESpecification"]["SSEType"], "KMS");
        match declaration.ttl {
            Some(name) => assert_eq!(table["TimeToLiveSpecification"], json!({"AttributeName": name, "Enabled": true})),
            None => assert!(table.get("TimeToLiveSpecification").is_none()),
        }
        let indexes = table["GlobalSecondaryIndexes"].as_array().cloned().unwrap_or_default();
        assert_eq!(indexes.len(), declaration.indexes.len());
        for (index, declared) in indexes.iter().zip(declaration.indexes) {
            assert_eq!(index["IndexName"], declared.index.as_str());
            assert_eq!(index["KeySchema"], schema(&declared.key));
            assert_eq!(index["Projection"]["ProjectionType"], "KEYS_ONLY");
        }
        let keys = declaration.key.iter().chain(declaration.indexes.iter().flat_map(|index| &index.key));
        let expected: BTreeSet<(String, String)> =
            keys.map(|key| (key.name.to_owned(), key.kind.to_string())).collect();
        let defined: BTreeSet<(String, String)> = table["AttributeDefinitions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|a| (a["AttributeName"].as_str().unwrap().to_owned(), a["AttributeType"].as_str().unwrap().to_owned()))
            .collect();
        assert_eq!(defined, expected);
    }
}

#[test]
fn settings_are_those_that_the_functions_read() {
    let template = template();
    let functions = resources(&template, "AWS::Serverless::Function");
    assert_eq!(functions.len(), FUNCTIONS.len());
    for (role, name) in FUNCTIONS {
        let variables = functions[&format!("{name}Function")]["Environment"]["Variables"].as_object().unwrap();
        let given: BTreeSet<&str> = variables.keys().map(String::as_str).collect();
        assert_eq!(given, settings::of(role).iter().copied().collect(), "{role:?}");
    }
}

#[test]
fn routes_and_schedules_are_those_of_the_code() {
    let template = template();
    let functions = resources(&template, "AWS::Serverless::Function");
    let mut routes = BTreeSet::new();
    let mut scheduled = BTreeSet::new();
    for (name, function) in &functions {
        for event in function["Events"].as_object().into_iter().flat_map(serde_json::Map::values) {
            let properties = &event["Properties"];
            match event["Type"].as_str() {
                Some("HttpApi") => {
                    assert_eq!(properties["PayloadFormatVersion"], "2.0");
                    let route = (properties["Method"].as_str().unwrap(), properties["Path"].as_str().unwrap());
                    routes.insert((route.0.to_owned(), route.1.to_owned()));
                }
                Some("Schedule") => {
                    assert_eq!(properties["Schedule"], "rate(1 minute)");
                    assert!(properties.get("DeadLetterConfig").is_some());
                    scheduled.insert(name.clone());
                }
                other => panic!("{name} has an event of type {other:?}"),
            }
        }
    }
    let declared = azukari_webhook::ROUTES.into_iter().chain(azukari_form::ROUTES).chain(azukari_link::ROUTES);
    let declared: BTreeSet<_> = declared.map(|(method, path)| (method.to_owned(), path.to_owned())).collect();
    assert_eq!(routes, declared);
    assert_eq!(scheduled, BTreeSet::from(["LocksmithFunction".to_owned(), "SweeperFunction".to_owned()]));
}

/// The statement that a grant becomes in IAM, its Sid apart.
fn statement(grant: &Grant) -> Value {
    let actions: Vec<String> =
        grant.operations.iter().map(|operation| format!("dynamodb:{}", operation.as_str())).collect();
    let resource = match grant.target {
        Target::Table(table) => json!({"GetAtt": format!("{}.Arn", logical(table))}),
        Target::Index(Index::Due) => json!({"Sub": "${VaultTable.Arn}/index/due"}),
        Target::Index(Index::Inbox) => json!({"Sub": "${VaultTable.Arn}/index/inbox"}),
    };
    let mut statement = json!({"Effect": "Allow", "Action": actions, "Resource": resource});
    if !grant.prefixes.is_empty() {
        let prefixes: Vec<String> = grant.prefixes.iter().map(|prefix| format!("{prefix}*")).collect();
        statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"] = json!(prefixes);
        // Without this, a request without keys (a scan) would fulfil the line above.
        statement["Condition"]["Null"]["dynamodb:LeadingKeys"] = json!("false");
    }
    if grant.returns_nothing {
        statement["Condition"]["StringEqualsIfExists"]["dynamodb:ReturnValues"] = json!("NONE");
    }
    statement
}

fn logical_key(key: Key) -> &'static str {
    match key {
        Key::Wrap => "WrapKey",
        Key::Enrol => "EnrolKey",
        Key::Evidence => "EvidenceKey",
        Key::Index => "IndexKey",
    }
}

#[test]
fn every_iam_statement_is_in_the_role_table_and_the_other_way_round() {
    let template = template();
    let policies = resources(&template, "AWS::IAM::RolePolicy");
    assert_eq!(policies.len(), FUNCTIONS.len());
    assert_eq!(resources(&template, "AWS::IAM::Role").len(), FUNCTIONS.len());
    for kind in ["AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"] {
        assert!(resources(&template, kind).is_empty(), "no statement hides in {kind}");
    }
    for (role, name) in FUNCTIONS {
        let permissions = permissions(role);
        let mut expected: Vec<Value> = permissions.tables.iter().map(statement).collect();
        for (operation, key) in permissions.keys {
            let resource = json!({"GetAtt": format!("{}.Arn", logical_key(*key))});
            let action = [format!("kms:{}", operation.as_str())];
            expected.push(json!({"Effect": "Allow", "Action": action, "Resource": resource}));
        }
        if permissions.secret {
            let secret = json!({"Ref": format!("{name}Secret")});
            expected.push(json!({"Effect": "Allow", "Action": ["secretsmanager:GetSecretValue"], "Resource": secret}));
        }
        let policy = &policies[&format!("{name}Policy")];
        assert_eq!(policy["RoleName"], json!({"Ref": format!("{name}Role")}));
        let statements = policy["PolicyDocument"]["Statement"].as_array().unwrap();
        let (apart, own): (Vec<&Value>, Vec<&Value>) = statements
            .iter()
            .partition(|statement| statement["Sid"] == "TablesKeyViaService" || statement["Sid"] == "Logs");
        assert_eq!(apart.len(), 2, "{role:?}");
        let own: Vec<Value> = own
            .into_iter()
            .map(|statement| {
                let mut statement = statement.clone();
                statement.as_object_mut().unwrap().remove("Sid");
                statement
            })
            .collect();
        assert_eq!(own, expected, "{role:?}");
        let [via_service, logs] = apart[..] else { panic!("two statements apart") };
        assert_eq!(via_service["Resource"], json!({"GetAtt": "TablesKey.Arn"}));
        assert!(!via_service["Condition"]["StringEquals"]["kms:ViaService"].is_null(), "through the service only");
        assert_eq!(strings(&logs["Action"]), ["logs:CreateLogStream", "logs:PutLogEvents"]);
        assert_eq!(logs["Resource"], json!({"GetAtt": format!("{name}LogGroup.Arn")}));
    }
}

#[test]
fn nothing_is_wild_and_the_opener_alone_unwraps() {
    let template = template();
    let policies = resources(&template, "AWS::IAM::RolePolicy");
    for (name, policy) in &policies {
        for statement in policy["PolicyDocument"]["Statement"].as_array().unwrap() {
            assert!(statement.get("NotAction").is_none() && statement.get("NotResource").is_none(), "{name}");
            assert_ne!(statement["Resource"], "*", "{name}");
            for action in strings(&statement["Action"]) {
                assert!(!action.contains('*'), "{name}: {action}");
                let on_wrap = statement["Resource"] == json!({"GetAtt": "WrapKey.Arn"});
                let opener = name == "OpenerPolicy";
                assert!(!(on_wrap && action == "kms:Decrypt") || opener, "{name} may unwrap");
                if statement["Resource"] == json!({"GetAtt": "AuditTable.Arn"}) {
                    let reads = action == "dynamodb:Query"
                        && match name.as_str() {
                            "OpenerPolicy" | "SweeperPolicy" => true,
                            // Receipts, and nothing else of it.
                            "FormPolicy" => {
                                let keys = &statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"];
                                *keys == json!(["T#*"])
                            }
                            _ => false,
                        };
                    assert!(reads || action == "dynamodb:PutItem", "{name}: the audit table is only added to");
                }
            }
        }
    }
    let keys = resources(&template, "AWS::KMS::Key");
    assert_eq!(
        keys.keys().map(String::as_str).collect::<Vec<_>>(),
        ["EnrolKey", "EvidenceKey", "IndexKey", "TablesKey", "WrapKey"]
    );
    for name in ["WrapKey", "EnrolKey", "EvidenceKey", "IndexKey"] {
        let statements = keys[name]["KeyPolicy"]["Statement"].as_array().unwrap();
        let denied: BTreeSet<String> = statements
            .iter()
            .filter(|statement| statement["Effect"] == "Deny")
            .flat_map(|statement| strings(&statement["Action"]))
            .collect();
        for action in ["kms:ReEncryptFrom", "kms:ReEncryptTo", "kms:CreateGrant", "kms:GenerateDataKeyPair"] {
            assert!(denied.contains(action), "{name} does not deny {action}");
        }
        for statement in statements.iter().filter(|statement| statement["Effect"] == "Allow") {
            for action in strings(&statement["Action"]) {
                assert!(!action.contains('*'), "{name} allows {action}");
                if ["kms:Decrypt", "kms:Sign", "kms:GenerateMac"].contains(&action.as_str()) {
                    let whom = match name {
                        "EnrolKey" => json!({"GetAtt": "LocksmithRole.Arn"}),
                        "IndexKey" => json!([{"GetAtt": "FormRole.Arn"}, {"GetAtt": "LinkRole.Arn"}]),
                        "EvidenceKey" => json!([{"GetAtt": "OpenerRole.Arn"}, {"GetAtt": "SweeperRole.Arn"}]),
                        _ => json!({"GetAtt": "OpenerRole.Arn"}),
                    };
                    assert_eq!(statement["Principal"], json!({"AWS": whom}), "{name} allows {action}");
                }
            }
        }
    }
    assert_eq!(keys["WrapKey"]["EnableKeyRotation"], true);
    assert_eq!(
        (&keys["EnrolKey"]["KeySpec"], &keys["EnrolKey"]["KeyUsage"]),
        (&json!("ECC_NIST_P256"), &json!("SIGN_VERIFY"))
    );
    assert_eq!(keys["EvidenceKey"]["KeySpec"], keys["EnrolKey"]["KeySpec"]);
    assert_eq!(keys["EvidenceKey"]["KeyUsage"], keys["EnrolKey"]["KeyUsage"]);
}
