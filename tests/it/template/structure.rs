//! Everything but rights and alarms: tables, settings, routes, schedules, logs, parameters,
//! names, and the files beside the template.

use std::collections::{BTreeMap, BTreeSet};

use azukari::{
    domain::erasure::SETTLE_MS,
    host::{roles::permissions, settings},
    store::tables::{DECLARATIONS, KeyAttribute},
};
use serde_json::{Value, json};

use super::document::{FUNCTIONS, Mentions, items, logical, made_by_sam, members, resources, strings, template, text};

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
        let defined: BTreeSet<(String, String)> = items(&table["AttributeDefinitions"])
            .iter()
            .map(|a| (a["AttributeName"].as_str().unwrap().to_owned(), a["AttributeType"].as_str().unwrap().to_owned()))
            .collect();
        assert_eq!(defined, expected);
    }
}

#[test]
fn what_is_kept_when_the_stack_is_deleted_is_kept() {
    let template = template();
    let mut kept: BTreeMap<&str, usize> = BTreeMap::new();
    for (name, resource) in members(&template["Resources"]) {
        let heads = ["SweeperLogGroup", "OpenerLogGroup"].contains(&name.as_str());
        let policy = match resource["Type"].as_str().unwrap() {
            "AWS::DynamoDB::Table" => "Retain",
            // What a deployment has just made and takes back holds nothing yet: left behind, it
            // would cost, and its name would stand in the way of the next.
            "AWS::KMS::Key" | "AWS::SecretsManager::Secret" => "RetainExceptOnCreate",
            _ if heads => "RetainExceptOnCreate",
            _ => {
                for policy in ["DeletionPolicy", "UpdateReplacePolicy"] {
                    assert!(resource[policy].is_null() || resource[policy] == "Delete", "{name}");
                }
                continue;
            }
        };
        assert_eq!(resource["DeletionPolicy"], policy, "{name}");
        assert_eq!(resource["UpdateReplacePolicy"], "Retain", "{name}");
        *kept.entry(policy).or_default() += 1;
    }
    assert_eq!(kept, BTreeMap::from([("Retain", 3), ("RetainExceptOnCreate", 12)]));
}

#[test]
fn settings_are_those_that_the_functions_read() {
    let template = template();
    let functions = resources(&template, "AWS::Serverless::Function");
    assert_eq!(functions.len(), FUNCTIONS.len());
    let of_all = &template["Globals"]["Function"]["Environment"]["Variables"];
    assert_eq!(of_all[settings::STAGE], json!({"Ref": "AWS::StackName"}));
    for (role, name) in FUNCTIONS {
        let function = &functions[&format!("{name}Function")];
        let own = &function["Environment"]["Variables"];
        let given: BTreeSet<&str> = members(of_all).chain(members(own)).map(|(name, _)| name.as_str()).collect();
        assert_eq!(given, settings::of(role).iter().copied().collect(), "{role:?}");
        assert!(members(own).all(|(name, _)| of_all.get(name).is_none()), "{role:?} sets what all have");
        let secret = settings::of(role).contains(&settings::SECRET);
        assert_eq!(secret, permissions(role).secret, "{role:?} reads a secret if it may");
    }
}

#[test]
fn names_are_those_that_the_commands_go_by() {
    let template = template();
    let functions = resources(&template, "AWS::Serverless::Function");
    let secrets = resources(&template, "AWS::SecretsManager::Secret");
    let named = |name: &str| json!({ "Sub": format!("${{AWS::StackName}}-{name}") });
    for (role, name) in FUNCTIONS {
        assert_eq!(functions[&format!("{name}Function")]["FunctionName"], named(role.as_str()));
        let secret = secrets.get(&format!("{name}Secret"));
        assert_eq!(secret.is_some(), permissions(role).secret, "{role:?}");
        if let Some(secret) = secret {
            assert_eq!(secret["Name"], named(role.as_str()));
            // A value here would overwrite at an update what the installation has been given.
            assert!(secret.get("SecretString").is_none() && secret.get("GenerateSecretString").is_none());
        }
    }
    assert_eq!(secrets.len(), FUNCTIONS.iter().filter(|(role, _)| permissions(*role).secret).count());
    let aliases = resources(&template, "AWS::KMS::Alias");
    for key in ["wrap", "enrol", "evidence", "index", "tables"] {
        let logical = format!("{}{}Key", key[..1].to_uppercase(), &key[1..]);
        let alias = &aliases[&format!("{logical}Alias")];
        assert_eq!(alias["AliasName"], json!({ "Sub": format!("alias/${{AWS::StackName}}-{key}") }));
        assert_eq!(alias["TargetKeyId"], json!({ "Ref": logical }));
    }
    assert_eq!(aliases.len(), 5);
}

#[test]
fn memory_and_time_of_every_function_are_explained_and_fit() {
    let template = template();
    for (role, name) in FUNCTIONS {
        let function = &resources(&template, "AWS::Serverless::Function")[&format!("{name}Function")];
        let seconds = function["Timeout"].as_i64().expect("a timeout");
        assert!(function["MemorySize"].is_u64(), "{role:?}");
        // API Gateway waits for 30 seconds.
        let api = members(&function["Events"]).any(|(_, event)| event["Type"] == "HttpApi");
        assert!(!api || seconds < 30, "{role:?}");
        // Between tombstone and key lies more than a run can last.
        assert!(name != "Sweeper" || seconds * 1_000 < SETTLE_MS);
        assert!(name != "Locksmith" || seconds < 60, "runs follow each other");
    }
    let text = text("infra/template.yaml");
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    for what in ["MemorySize:", "Timeout:"] {
        let at: Vec<usize> = (0..lines.len()).filter(|at| lines[*at].starts_with(what)).collect();
        assert_eq!(at.len(), FUNCTIONS.len());
        assert!(at.iter().all(|at| lines[at - 1].starts_with('#')), "a comment stands above {what}");
    }
}

/// Routes of the template and whose they are, and functions with a schedule.
fn events(template: &Value) -> (BTreeSet<(String, String)>, BTreeSet<String>) {
    let (mut routes, mut scheduled) = (BTreeSet::new(), BTreeSet::new());
    for (name, function) in &resources(template, "AWS::Serverless::Function") {
        for (_, event) in members(&function["Events"]) {
            let properties = &event["Properties"];
            match event["Type"].as_str() {
                Some("HttpApi") => {
                    assert_eq!(properties["PayloadFormatVersion"], "2.0");
                    assert_eq!(properties["ApiId"], json!({"Ref": "HttpApi"}));
                    let route = (properties["Method"].as_str().unwrap(), properties["Path"].as_str().unwrap());
                    routes.insert((route.0.to_owned(), route.1.to_owned()));
                }
                Some("Schedule") => {
                    assert_eq!(properties["Schedule"], "rate(1 minute)");
                    let dead_letters = json!({"GetAtt": "ScheduleDeadLetters.Arn"});
                    assert_eq!(properties["DeadLetterConfig"]["Arn"], dead_letters, "{name}");
                    let retry = &properties["RetryPolicy"];
                    assert!(retry["MaximumRetryAttempts"].as_u64().is_some_and(|n| n > 0), "{name}");
                    assert!(retry["MaximumEventAgeInSeconds"].is_u64(), "{name}");
                    scheduled.insert(name.clone());
                }
                other => panic!("{name} has an event of type {other:?}"),
            }
        }
    }
    (routes, scheduled)
}

#[test]
fn routes_and_schedules_are_those_of_the_code() {
    let template = template();
    let (routes, scheduled) = events(&template);
    let declared = azukari_webhook::ROUTES.into_iter().chain(azukari_form::ROUTES).chain(azukari_link::ROUTES);
    let declared: BTreeSet<_> = declared.map(|(method, path)| (method.to_owned(), path.to_owned())).collect();
    assert_eq!(routes, declared);
    assert_eq!(scheduled, BTreeSet::from(["LocksmithFunction".to_owned(), "SweeperFunction".to_owned()]));
    // Their dead letters are taken from them alone.
    let policy = &resources(&template, "AWS::SQS::QueuePolicy")["ScheduleDeadLettersPolicy"];
    let sources = &policy["PolicyDocument"]["Statement"][0]["Condition"]["ArnEquals"]["aws:SourceArn"];
    let senders: BTreeSet<String> =
        items(sources).iter().map(|arn| arn["GetAtt"].as_str().unwrap().to_owned()).collect();
    assert_eq!(senders, scheduled.iter().map(|function| format!("{function}EveryMinute.Arn")).collect());
}

#[test]
fn every_route_is_throttled_and_none_more_freely_than_the_webhook() {
    let template = template();
    let api = &resources(&template, "AWS::Serverless::HttpApi")["HttpApi"];
    let limits = |settings: &Value| {
        let limit = |name: &str| settings[name].as_u64().unwrap_or_else(|| panic!("{name} in {settings}"));
        (limit("ThrottlingRateLimit"), limit("ThrottlingBurstLimit"))
    };
    let most = limits(&api["RouteSettings"]["POST /webhook/{channel}"]);
    let of_all = limits(&api["DefaultRouteSettings"]);
    assert!(of_all.0 < most.0 && of_all.1 < most.1);
    let routes: BTreeSet<String> =
        events(&template).0.into_iter().map(|(method, path)| format!("{method} {path}")).collect();
    for (route, settings) in members(&api["RouteSettings"]) {
        assert!(routes.contains(route), "{route} is no route");
        let own = limits(settings);
        assert!(own == most || (own.0 < of_all.0 && own.1 < of_all.1), "{route} is not limited more");
    }
}

#[test]
fn the_access_log_tells_nothing_of_what_was_asked_for_or_by_whom() {
    let template = template();
    let api = &resources(&template, "AWS::Serverless::HttpApi")["HttpApi"];
    let format: Value = serde_json::from_str(api["AccessLogSettings"]["Format"].as_str().unwrap()).expect("JSON");
    let told: BTreeSet<&str> = members(&format).map(|(_, value)| value.as_str().unwrap()).collect();
    let fit = [
        "$context.requestId",
        "$context.integration.requestId",
        "$context.routeKey",
        "$context.status",
        "$context.responseLatency",
        "$context.responseLength",
        "$context.integrationStatus",
        "$context.integrationLatency",
    ];
    // A closed list: $context.path, .identity.*, .extendedRequestId, a body or a query have
    // no place in it.
    assert_eq!(told, BTreeSet::from(fit));
    for (name, value) in members(&format) {
        assert_eq!(value.as_str(), Some(format!("$context.{name}").as_str()));
    }
}

#[test]
fn every_log_group_ends_and_every_function_has_its_own() {
    let template = template();
    let groups = resources(&template, "AWS::Logs::LogGroup");
    let functions = resources(&template, "AWS::Serverless::Function");
    let mut used = BTreeSet::from(["HttpApiLogGroup".to_owned()]);
    for (role, name) in FUNCTIONS {
        let logging = &functions[&format!("{name}Function")]["LoggingConfig"];
        let group = format!("{name}LogGroup");
        assert_eq!(logging["LogGroup"], json!({ "Ref": group }), "{role:?}");
        assert_eq!(logging["LogFormat"], "JSON", "{role:?}");
        used.insert(group);
    }
    assert_eq!(groups.keys().cloned().collect::<BTreeSet<_>>(), used);
    for (name, group) in &groups {
        let days = group["RetentionInDays"]["Ref"].as_str().unwrap_or_else(|| panic!("{name} is kept for ever"));
        assert!(template["Parameters"][days]["AllowedValues"].is_array(), "{name}");
    }
}

#[test]
fn nothing_is_named_that_is_not_there_and_nothing_stands_there_unused() {
    let template = template();
    let mentions = Mentions::of(&template);
    let pseudo = ["AWS::AccountId", "AWS::Partition", "AWS::Region", "AWS::StackName", "AWS::URLSuffix"];
    let mut there: BTreeSet<String> = members(&template["Resources"]).map(|(name, _)| name.clone()).collect();
    let parameters: BTreeSet<String> = members(&template["Parameters"]).map(|(name, _)| name.clone()).collect();
    there.extend(parameters.clone());
    there.extend(made_by_sam(&template));
    there.extend(pseudo.map(str::to_owned));
    let dangling: Vec<_> = mentions.names.difference(&there).collect();
    assert!(dangling.is_empty(), "{dangling:?}");
    let unused: Vec<_> = parameters.difference(&mentions.names).collect();
    assert!(unused.is_empty(), "{unused:?}");
    let conditions: BTreeSet<String> = members(&template["Conditions"]).map(|(name, _)| name.clone()).collect();
    assert_eq!(mentions.conditions, conditions);
}

#[test]
fn a_name_that_dangles_is_found() {
    let part = json!({
        "DependsOn": ["One"],
        "Condition": "Two",
        "A": {"Ref": "Three"},
        "B": [{"GetAtt": "Four.Arn"}, {"If": ["Five", {"Sub": "${Six.Arn}/x-${AWS::Region}${!Literal}"}, 1]}],
        "Statement": {"Condition": {"StringEquals": {"a": {"Ref": "Seven"}}}},
    });
    let mentions = Mentions::of(&part);
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(mentions.names, set(&["AWS::Region", "Four", "One", "Seven", "Six", "Three"]));
    assert_eq!(mentions.conditions, set(&["Five", "Two"]));
}

/// Whether a condition holds, as CloudFormation finds it.
fn holds(condition: &Value, given: &BTreeMap<&str, &str>) -> bool {
    let value = |value: &Value| match value["Ref"].as_str() {
        Some(name) => given[name].to_owned(),
        None => value.as_str().expect("a text").to_owned(),
    };
    let (name, parts) = members(condition).next().expect("a condition");
    let parts = items(parts);
    match name.as_str() {
        "Equals" => value(parts[0]) == value(parts[1]),
        "Not" => !holds(parts[0], given),
        "And" => parts.iter().all(|part| holds(part, given)),
        "Or" => parts.iter().any(|part| holds(part, given)),
        other => panic!("{other} is not understood here"),
    }
}

#[test]
fn a_domain_without_a_certificate_is_refused_and_the_other_way_round() {
    let template = template();
    let rule = &template["Rules"]["DomainAndCertificate"]["Assertions"][0]["Assert"];
    for (domain, certificate, fits) in [("", "", true), ("a.example", "", false), ("", "arn", false), ("a", "b", true)]
    {
        let given = BTreeMap::from([("DomainName", domain), ("CertificateArn", certificate)]);
        assert_eq!(holds(rule, &given), fits, "{domain:?} {certificate:?}");
        assert_eq!(holds(&template["Conditions"]["HasDomain"], &given), fits && !domain.is_empty());
    }
    for name in ["PagesDomain", "PagesDomainMapping"] {
        assert_eq!(template["Resources"][name]["Condition"], "HasDomain");
    }
}

#[test]
fn the_outputs_tell_the_next_step() {
    let template = template();
    let next = &template["Outputs"]["NextStep"]["Value"]["If"];
    let said = |at: usize| next[at]["Sub"].as_str().expect("a text");
    assert_eq!(next[0], "IsSetUp");
    assert!(said(1).contains("azukari doctor --stage ${AWS::StackName}"));
    assert!(said(2).contains("azukari bootstrap --stage ${AWS::StackName}"));
    for (role, _) in FUNCTIONS.iter().filter(|(role, _)| permissions(*role).secret) {
        assert!(said(2).contains(&format!("${{AWS::StackName}}-{}", role.as_str())), "{role:?}");
    }
}

#[test]
fn the_examples_give_every_parameter_that_has_no_default_and_none_that_is_not_there() {
    let template = template();
    let parameters = &template["Parameters"];
    let examples: toml::Table = toml::from_str(&text("infra/samconfig.toml")).expect("TOML");
    for stage in ["dev", "prod"] {
        let deploy = &examples[stage]["deploy"]["parameters"];
        assert_eq!(deploy["region"].as_str(), Some("ap-northeast-1"));
        assert!(deploy["stack_name"].as_str().is_some_and(|name| !name.is_empty()));
        let overrides = deploy["parameter_overrides"].as_array().expect("a list");
        let given: BTreeMap<&str, &str> =
            overrides.iter().map(|pair| pair.as_str().and_then(|pair| pair.split_once('=')).expect("a pair")).collect();
        assert_eq!(given.len(), overrides.len(), "each once");
        for (name, value) in &given {
            let parameter = &parameters[*name];
            assert!(parameter.is_object(), "{stage}: {name} is no parameter");
            let allowed: Vec<String> = items(&parameter["AllowedValues"]).iter().map(|one| shown(one)).collect();
            assert!(allowed.is_empty() || allowed.iter().any(|one| one == value), "{stage}: {name} = {value}");
            if parameter["Type"] == "Number" {
                assert!(value.parse::<u32>().is_ok(), "{stage}: {name} = {value}");
            }
        }
        for (name, parameter) in members(parameters) {
            assert!(parameter.get("Default").is_some() || given.contains_key(name.as_str()), "{stage}: {name}");
        }
        assert_eq!(given.contains_key("DomainName"), given.contains_key("CertificateArn"), "{stage}");
    }
}

/// A text or a number, as it is written.
fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[test]
fn every_exception_from_checkov_has_its_reason() {
    let text = text("infra/checkov.yaml");
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let skipped: Vec<usize> = (0..lines.len()).filter(|at| lines[*at].starts_with("- CKV")).collect();
    assert!(!skipped.is_empty());
    for at in skipped {
        assert!(lines[at - 1].starts_with('#'), "{} has no reason", lines[at]);
    }
    let template = template();
    for (name, resource) in members(&template["Resources"]) {
        for exception in items(&resource["Metadata"]["checkov"]["skip"]) {
            assert!(!strings(&exception["comment"]).is_empty(), "{name}");
        }
    }
}
