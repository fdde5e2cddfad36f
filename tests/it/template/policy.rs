//! Who may do what, and what nobody may. `mistakes.rs` shows that each check can fail.

use std::collections::BTreeMap;

use azukari::host::roles::{Grant, Key, KeyOperation, Role, Target, permissions};
use serde_json::{Value, json};

use super::{
    document::{FUNCTIONS, items, logical, logical_key, members, resources, template},
    iam::{Rule, Rules, Who},
};

/// Roles on the internet side, by logical id.
const INTAKE: [&str; 3] = ["WebhookRole", "FormRole", "LinkRole"];

/// What the account may do with a key without using it. Whoever may change a key policy can
/// allow themselves more, and CloudTrail shows it.
const ADMINISTRATION: [&str; 21] = [
    "kms:CancelKeyDeletion",
    "kms:CreateAlias",
    "kms:DeleteAlias",
    "kms:DescribeKey",
    "kms:DisableKey",
    "kms:DisableKeyRotation",
    "kms:EnableKey",
    "kms:EnableKeyRotation",
    "kms:GetKeyPolicy",
    "kms:GetKeyRotationStatus",
    "kms:ListGrants",
    "kms:ListKeyPolicies",
    "kms:ListKeyRotations",
    "kms:ListResourceTags",
    "kms:PutKeyPolicy",
    "kms:RevokeGrant",
    "kms:ScheduleKeyDeletion",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:UpdateAlias",
    "kms:UpdateKeyDescription",
];

/// What of that is about rotation.
const ROTATION: [&str; 3] = ["kms:DisableKeyRotation", "kms:EnableKeyRotation", "kms:ListKeyRotations"];

/// What DynamoDB and Secrets Manager call on the key of the tables in a function's name.
pub(super) const THROUGH_SERVICES: [&str; 6] = [
    "kms:DescribeKey",
    "kms:Decrypt",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
];

/// What Lambda calls in a function's name.
pub(super) const LOGS: [&str; 2] = ["logs:CreateLogStream", "logs:PutLogEvents"];

/// Ways around whoever may use a key: the cipher text moved to another key, the use given
/// on, a pair whose private half is shown.
const WAYS_AROUND: [&str; 4] = ["kms:ReEncryptFrom", "kms:ReEncryptTo", "kms:CreateGrant", "kms:GenerateDataKeyPair"];

/// Types of resources that the template may hold. A statement cannot hide in another one
/// (AWS::IAM::ManagedPolicy, AWS::Serverless::Connector, AWS::Lambda::Permission …).
const TYPES: [&str; 17] = [
    "AWS::ApiGatewayV2::ApiMapping",
    "AWS::ApiGatewayV2::DomainName",
    "AWS::CloudWatch::Alarm",
    "AWS::DynamoDB::Table",
    "AWS::IAM::Role",
    "AWS::IAM::RolePolicy",
    "AWS::KMS::Alias",
    "AWS::KMS::Key",
    "AWS::Logs::LogGroup",
    "AWS::SNS::Subscription",
    "AWS::SNS::Topic",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::Queue",
    "AWS::SQS::QueuePolicy",
    "AWS::SecretsManager::Secret",
    "AWS::Serverless::Function",
    "AWS::Serverless::HttpApi",
];

/// Everything that is wrong with the rights that a template gives.
pub(super) fn problems(template: &Value) -> Vec<String> {
    let rules = Rules::of(template);
    let mut all = rules.problems.clone();
    all.extend(hidden(template));
    all.extend(not_one_role_each(template));
    all.extend(not_as_in_code(template));
    all.extend(keys_not_as_in_code(template));
    all.extend(unencrypted(template));
    for check in [
        wild,
        open_to_strangers,
        wrap_is_not_the_openers,
        intake_reaches_people,
        audit_can_be_changed,
        keys_have_a_way_around,
        tables_key_is_used_directly,
    ] {
        all.extend(check(&rules));
    }
    all
}

/// What is not among what may be there.
fn strange(place: &str, value: &Value, known: &[&str]) -> Vec<String> {
    let strange = members(value).filter(|(name, _)| !known.contains(&name.as_str()));
    strange.map(|(name, _)| format!("{place}: {name} is not looked at here")).collect()
}

/// Places in which a right could stand where nothing here looks for it.
fn hidden(template: &Value) -> Vec<String> {
    let parts = [
        "AWSTemplateFormatVersion",
        "Transform",
        "Description",
        "Parameters",
        "Rules",
        "Conditions",
        "Globals",
        "Resources",
        "Outputs",
    ];
    let mut problems = strange("the template", template, &parts);
    // Another transform could make anything of it.
    if template["Transform"] != "AWS::Serverless-2016-10-31" {
        problems.push("SAM alone may transform the template".to_owned());
    }
    problems.extend(strange("Globals", &template["Globals"], &["Function", "HttpApi"]));
    problems.extend(strange("Globals.HttpApi", &template["Globals"]["HttpApi"], &["Tags"]));
    problems.extend(strange(
        "Globals.Function",
        &template["Globals"]["Function"],
        &["Runtime", "Handler", "Architectures", "Environment", "Tags"],
    ));
    for (name, resource) in members(&template["Resources"]) {
        let kind = resource["Type"].as_str().unwrap_or_default();
        if !TYPES.contains(&kind) {
            problems.push(format!("{name}: {kind} is not looked at here"));
        }
        let around =
            ["Type", "Condition", "DependsOn", "DeletionPolicy", "UpdateReplacePolicy", "Metadata", "Properties"];
        problems.extend(strange(name, resource, &around));
        let properties = &resource["Properties"];
        match kind {
            "AWS::IAM::Role" => {
                problems.extend(strange(name, properties, &["Description", "AssumeRolePolicyDocument"]));
            }
            "AWS::IAM::RolePolicy" => {
                problems.extend(strange(name, properties, &["RoleName", "PolicyName", "PolicyDocument"]));
            }
            "AWS::Serverless::Function" => problems.extend(strange(
                name,
                properties,
                &[
                    "FunctionName",
                    "Description",
                    "CodeUri",
                    "Role",
                    "MemorySize",
                    "Timeout",
                    "EventInvokeConfig",
                    "LoggingConfig",
                    "Environment",
                    "Events",
                ],
            )),
            "AWS::Serverless::HttpApi" => {
                let known = ["FailOnWarnings", "AccessLogSettings", "DefaultRouteSettings", "RouteSettings"];
                problems.extend(strange(name, properties, &known));
                let log = &properties["AccessLogSettings"];
                problems.extend(strange(name, log, &["DestinationArn", "Format"]));
                let group = "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:${HttpApiLogGroup}";
                if log["DestinationArn"] != json!({ "Sub": group }) {
                    problems.push(format!("{name}: its access log goes elsewhere"));
                }
            }
            _ if properties.get("ResourcePolicy").is_some() => problems.push(format!("{name}: a resource policy")),
            _ => {}
        }
    }
    problems
}

/// Each function has its own role, each role its own policy, and Lambda alone takes it on.
fn not_one_role_each(template: &Value) -> Vec<String> {
    let mut problems = Vec::new();
    let functions = resources(template, "AWS::Serverless::Function");
    let roles = resources(template, "AWS::IAM::Role");
    let policies = resources(template, "AWS::IAM::RolePolicy");
    for kept in [&functions, &roles, &policies] {
        if kept.len() != FUNCTIONS.len() {
            problems.push(format!("{} where there are {} functions", kept.len(), FUNCTIONS.len()));
        }
    }
    let lambda = json!({"Service": "lambda.amazonaws.com"});
    let trust = json!({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": lambda, "Action": "sts:AssumeRole"}],
    });
    for (_, name) in FUNCTIONS {
        let part = |of: &BTreeMap<String, Value>, kind: &str, member: &str| {
            of.get(&format!("{name}{kind}")).map(|properties| properties[member].clone())
        };
        if part(&functions, "Function", "Role") != Some(json!({ "GetAtt": format!("{name}Role.Arn") })) {
            problems.push(format!("{name}Function runs under another role"));
        }
        if part(&policies, "Policy", "RoleName") != Some(json!({ "Ref": format!("{name}Role") })) {
            problems.push(format!("{name}Policy is another role's"));
        }
        if part(&roles, "Role", "AssumeRolePolicyDocument").as_ref() != Some(&trust) {
            problems.push(format!("{name}Role: not Lambda alone may take it on"));
        }
    }
    problems
}

/// The statement that a grant becomes in IAM, its Sid apart.
fn statement(grant: &Grant) -> Value {
    let actions: Vec<String> =
        grant.operations.iter().map(|operation| format!("dynamodb:{}", operation.as_str())).collect();
    let resource = match grant.target {
        Target::Table(table) => json!({ "GetAtt": format!("{}.Arn", logical(table)) }),
        Target::Index(index) => json!({ "Sub": format!("${{VaultTable.Arn}}/index/{}", index.as_str()) }),
    };
    let mut statement = json!({"Effect": "Allow", "Action": actions, "Resource": resource});
    if !grant.prefixes.is_empty() {
        let prefixes: Vec<String> = grant.prefixes.iter().map(|prefix| format!("{prefix}*")).collect();
        statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"] = json!(prefixes);
        // Without this, a request without keys (a Scan) would fulfil the line above.
        statement["Condition"]["Null"]["dynamodb:LeadingKeys"] = json!("false");
    }
    if grant.returns_nothing {
        statement["Condition"]["StringEqualsIfExists"]["dynamodb:ReturnValues"] = json!("NONE");
    }
    statement
}

/// All statements of a role's policy, as the role table wants them.
fn statements(role: Role, name: &str) -> Vec<Value> {
    let permissions = permissions(role);
    let allow = |actions: &[&str], resource: Value| json!({"Effect": "Allow", "Action": actions, "Resource": resource});
    let mut all: Vec<Value> = permissions.tables.iter().map(statement).collect();
    for (operation, key) in permissions.keys {
        let action = format!("kms:{}", operation.as_str());
        all.push(allow(&[action.as_str()], json!({ "GetAtt": format!("{}.Arn", logical_key(*key)) })));
    }
    let mut services = vec!["dynamodb"];
    if permissions.secret {
        all.push(allow(&["secretsmanager:GetSecretValue"], json!({ "Ref": format!("{name}Secret") })));
        services.push("secretsmanager");
    }
    // A call to a table under a key of ours is refused without Decrypt on it, which DynamoDB
    // asks for in the caller's name. It is of no use outside of that: kms:ViaService.
    let through = services.iter().map(|service| json!({ "Sub": format!("{service}.${{AWS::Region}}.amazonaws.com") }));
    let mut tables_key = allow(&THROUGH_SERVICES, json!({"GetAtt": "TablesKey.Arn"}));
    tables_key["Condition"]["StringEquals"]["kms:ViaService"] = through.collect();
    all.push(tables_key);
    all.push(allow(&LOGS, json!({ "GetAtt": format!("{name}LogGroup.Arn") })));
    all
}

/// Every statement is in the role table, and the other way round.
fn not_as_in_code(template: &Value) -> Vec<String> {
    let mut problems = Vec::new();
    let policies = resources(template, "AWS::IAM::RolePolicy");
    for (role, name) in FUNCTIONS {
        let Some(policy) = policies.get(&format!("{name}Policy")) else {
            problems.push(format!("{role:?} has no policy"));
            continue;
        };
        let mut wanted = statements(role, name);
        for given in items(&policy["PolicyDocument"]["Statement"]) {
            let mut given = given.clone();
            if let Some(given) = given.as_object_mut() {
                given.remove("Sid");
            }
            match wanted.iter().position(|wanted| *wanted == given) {
                Some(at) => drop(wanted.remove(at)),
                None => problems.push(format!("{role:?} is granted what the role table does not say: {given}")),
            }
        }
        problems.extend(wanted.iter().map(|wanted| format!("{role:?} is not granted what it needs: {wanted}")));
    }
    problems
}

/// An action or a resource that may be several.
fn wild(rules: &Rules) -> Vec<String> {
    let wild = rules.all.iter().filter(|rule| rule.action.contains(['*', '?']) || rule.on.contains(['*', '?']));
    wild.map(|rule| format!("{}: {} on {}", rule.place, rule.action, rule.on)).collect()
}

/// A principal that may be anybody, or a service at anybody's request.
fn open_to_strangers(rules: &Rules) -> Vec<String> {
    let open = rules.allowing().filter(|rule| match &rule.who {
        Who::Everybody => true,
        Who::Service(_) => ["ArnEquals", "ArnLike"].iter().all(|kind| rule.condition[*kind]["aws:SourceArn"].is_null()),
        Who::Role(_) | Who::Account => false,
    });
    open.map(|rule| format!("{}: {:?} {}", rule.place, rule.who, rule.action)).collect()
}

/// A statement to compare: without its Sid, actions and principals in one order.
fn comparable(statement: &Value) -> Value {
    let sorted = |list: &Value| -> Value {
        let mut all = items(list);
        all.sort_by_key(|one| one.to_string());
        all.into_iter().cloned().collect()
    };
    let mut whole = statement.clone();
    if let Some(parts) = whole.as_object_mut() {
        parts.remove("Sid");
        parts.insert("Action".to_owned(), sorted(&statement["Action"]));
        if let Some(principals) = statement["Principal"].get("AWS") {
            parts.insert("Principal".to_owned(), json!({ "AWS": sorted(principals) }));
        }
    }
    whole
}

/// A statement of a key's policy.
fn lets(principal: &Value, actions: &[&str]) -> Value {
    json!({"Effect": "Allow", "Principal": principal, "Action": actions, "Resource": "*"})
}

/// All statements of a key's policy: the account administers it, the roles of the role table
/// use it, and nobody goes around them. The key of the tables is for all functions, through
/// the services.
fn key_statements(logical: &str) -> Vec<Value> {
    let account = json!({"AWS": {"Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}});
    let role = |name: &str| json!({ "GetAtt": format!("{name}Role.Arn") });
    let key = Key::ALL.into_iter().find(|key| logical_key(*key) == logical);
    // KMS rotates no others by itself.
    let rotates = key.is_none_or(|key| key == Key::Wrap);
    let administration: Vec<&str> =
        ADMINISTRATION.into_iter().filter(|action| rotates || !ROTATION.contains(action)).collect();
    let mut all = vec![lets(&account, &administration)];
    let Some(key) = key else {
        let service = |name: &str| json!({ "Sub": format!("{name}.${{AWS::Region}}.amazonaws.com") });
        let both = json!([service("dynamodb"), service("secretsmanager")]);
        let functions: Vec<Value> = FUNCTIONS.into_iter().map(|(_, name)| role(name)).collect();
        let mut of_functions = lets(&json!({ "AWS": functions }), &THROUGH_SERVICES);
        of_functions["Condition"] = json!({"StringEquals": {"kms:ViaService": both}});
        let mut of_people = lets(&account, &[&THROUGH_SERVICES[..], &["kms:Encrypt"]].concat());
        let caller = json!({"Ref": "AWS::AccountId"});
        of_people["Condition"] = json!({"StringEquals": {"kms:CallerAccount": caller, "kms:ViaService": both}});
        let mut of_deployers = lets(&account, &["kms:CreateGrant"]);
        of_deployers["Condition"] = json!({
            "ArnEquals": {"aws:PrincipalArn": {"Ref": "Deployers"}},
            "Bool": {"kms:GrantIsForAWSResource": "true"},
            "StringEquals": {"kms:CallerAccount": caller, "kms:ViaService": service("dynamodb")},
        });
        all.extend([of_functions, of_people, of_deployers]);
        return all;
    };
    let mut users: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for (of, name) in FUNCTIONS {
        for (operation, _) in permissions(of).keys.iter().filter(|(_, used)| *used == key) {
            users.entry(format!("kms:{}", operation.as_str())).or_default().push(role(name));
        }
    }
    all.extend(users.into_iter().map(|(action, roles)| lets(&json!({ "AWS": roles }), &[action.as_str()])));
    // The admin is a person with a command line.
    if permissions(Role::Admin).may_use(KeyOperation::GetPublicKey, key) {
        all.push(lets(&account, &["kms:GetPublicKey"]));
    }
    all.push(json!({"Effect": "Deny", "Principal": "*", "Action": WAYS_AROUND, "Resource": "*"}));
    all
}

/// Key policies say what the role table says, statement by statement: effect, principals,
/// actions, conditions.
pub(super) fn keys_not_as_in_code(template: &Value) -> Vec<String> {
    let mut problems = Vec::new();
    let keys = resources(template, "AWS::KMS::Key");
    let declared: Vec<&str> = Key::ALL.map(logical_key).into_iter().chain(["TablesKey"]).collect();
    for name in keys.keys().filter(|name| !declared.contains(&name.as_str())) {
        problems.push(format!("{name} is a key that nobody declares"));
    }
    for name in declared {
        let Some(key) = keys.get(name) else {
            problems.push(format!("{name} is not there"));
            continue;
        };
        let mut wanted: Vec<Value> = key_statements(name).iter().map(comparable).collect();
        for given in items(&key["KeyPolicy"]["Statement"]).into_iter().map(comparable) {
            match wanted.iter().position(|wanted| *wanted == given) {
                Some(at) => drop(wanted.remove(at)),
                None => problems.push(format!("{name} says what the code does not say: {given}")),
            }
        }
        problems.extend(wanted.iter().map(|wanted| format!("{name} does not say {wanted}")));
    }
    problems
}

/// The opener alone unwraps.
pub(super) fn wrap_is_not_the_openers(rules: &Rules) -> Vec<String> {
    let unwrapping = rules.allowing().filter(|rule| rule.on == "WrapKey" && rule.is_about("kms:Decrypt"));
    let (opener, others): (Vec<&Rule>, Vec<&Rule>) = unwrapping.partition(|rule| rule.is_of(&["OpenerRole"]));
    let mut problems: Vec<String> =
        others.iter().map(|rule| format!("{}: {:?} may unwrap", rule.place, rule.who)).collect();
    if opener.is_empty() {
        problems.push("the opener may not unwrap".to_owned());
    }
    problems
}

/// Intake does not query, scan, change or delete a person's rows, does not read the wrapped
/// keys, and gets nothing back from what it writes.
pub(super) fn intake_reaches_people(rules: &Rules) -> Vec<String> {
    // Each under the name that IAM knows it by; transactions and batches need these.
    const READS_OR_CHANGES: [&str; 11] = [
        "dynamodb:GetItem",
        "dynamodb:BatchGetItem",
        "dynamodb:Query",
        "dynamodb:ConditionCheckItem",
        "dynamodb:UpdateItem",
        "dynamodb:DeleteItem",
        "dynamodb:BatchWriteItem",
        "dynamodb:PartiQLSelect",
        "dynamodb:PartiQLInsert",
        "dynamodb:PartiQLUpdate",
        "dynamodb:PartiQLDelete",
    ];
    let mut problems = Vec::new();
    for rule in rules.allowing().filter(|rule| rule.is_of(&INTAKE)) {
        let mut say = |what: &str| problems.push(format!("{}: {:?} {what} ({})", rule.place, rule.who, rule.action));
        match rule.on.as_str() {
            "KeysTable" => say("reaches the wrapped keys"),
            "WrapKey" | "EnrolKey" | "EvidenceKey" => say("uses a key that is not intake's"),
            "AuditTable" => {
                // Receipts, and nothing else of it.
                let receipts = rule.key_limits().is_some_and(|limits| limits == ["T#"]);
                if rule.action != "dynamodb:Query" || !receipts || !rule.is_of(&["FormRole"]) {
                    say("reaches the audit log");
                }
            }
            "VaultTable" => {
                // LeadingKeys would not stop a Scan: it is not asked for any key.
                if rule.is_about("dynamodb:Scan") {
                    say("scans");
                }
                if READS_OR_CHANGES.iter().any(|action| rule.is_about(action)) && rule.reaches("S#") {
                    say("reads or changes a person's rows");
                }
                if rule.is_about("dynamodb:PutItem") && rule.reaches("S#") && !rule.returns_nothing() {
                    say("sees what it writes over");
                }
            }
            index if index.starts_with("VaultTable/") => say("reads an index"),
            function if function.ends_with("Function") => say("invokes a function"),
            _ => {}
        }
    }
    problems
}

/// Nobody updates or deletes in the audit log, or adds to it anywhere but where they should.
pub(super) fn audit_can_be_changed(rules: &Rules) -> Vec<String> {
    let on_audit = rules.allowing().filter(|rule| rule.on.split('/').next() == Some("AuditTable"));
    let wrong = on_audit.filter(|rule| {
        let limited = rule.key_limits().is_some();
        !(["dynamodb:PutItem", "dynamodb:Query"].contains(&rule.action.as_str()) && limited) || writes_elsewhere(rule)
    });
    wrong.map(|rule| format!("{}: {:?} {} in the audit log", rule.place, rule.who, rule.action)).collect()
}

/// Whether it adds to what is another's: each has chains of entries of its own, and day roots,
/// the erasure list and receipts are the sweeper's.
fn writes_elsewhere(rule: &Rule) -> bool {
    const SWEEPERS: [&str; 4] = ["A#sweeper-", "D#", "E#", "T#"];
    const OPENERS: [&str; 1] = ["A#opener-"];
    let reaches = |parts: &[&str]| parts.iter().any(|part| rule.reaches(part));
    let sweepers = !rule.is_of(&["SweeperRole"]) && reaches(&SWEEPERS);
    let openers = !rule.is_of(&["OpenerRole"]) && reaches(&OPENERS);
    rule.is_about("dynamodb:PutItem") && (sweepers || openers)
}

/// On `wrap`, `enrol`, `evidence` and `index` the ways around are denied to everybody.
pub(super) fn keys_have_a_way_around(rules: &Rules) -> Vec<String> {
    let mut problems = Vec::new();
    for logical in Key::ALL.map(logical_key) {
        for action in WAYS_AROUND {
            let denied = rules.all.iter().any(|rule| {
                !rule.allows
                    && rule.on == logical
                    && rule.who == Who::Everybody
                    && rule.condition.is_null()
                    && rule.is_about(action)
            });
            if !denied {
                problems.push(format!("{logical} does not deny {action}"));
            }
            if rules.allowing().any(|rule| rule.on == logical && rule.is_about(action)) {
                problems.push(format!("{logical}: somebody allows {action}"));
            }
        }
    }
    problems
}

/// The key of the tables is used through DynamoDB and Secrets Manager only, by every
/// function that needs it; and DynamoDB is given its grant by those who deploy.
pub(super) fn tables_key_is_used_directly(rules: &Rules) -> Vec<String> {
    let mut problems = Vec::new();
    for rule in rules.allowing().filter(|rule| rule.on == "TablesKey") {
        let mut say = |what: &str| problems.push(format!("{}: {:?} {} {what}", rule.place, rule.who, rule.action));
        let services = rule.services();
        let through = |known: &[&str]| !services.is_empty() && services.iter().all(|one| known.contains(&one.as_str()));
        let action = rule.action.as_str();
        match &rule.who {
            Who::Role(role) => {
                let function = FUNCTIONS.into_iter().find(|(_, name)| role.strip_suffix("Role") == Some(*name));
                // Without a secret there is nothing at Secrets Manager; the statement of the
                // key, which is for all functions, names both.
                let both =
                    rule.place.starts_with("TablesKey/") || function.is_some_and(|(of, _)| permissions(of).secret);
                let known: &[&str] = if both { &["dynamodb", "secretsmanager"] } else { &["dynamodb"] };
                let fits = function.is_some() && through(known);
                if !fits || !THROUGH_SERVICES.contains(&action) {
                    say("not only through the services");
                }
            }
            Who::Account if rule.is_about("kms:CreateGrant") => {
                let for_a_service = rule.condition["Bool"]["kms:GrantIsForAWSResource"] == "true";
                let deployer = rule.condition["ArnEquals"]["aws:PrincipalArn"] == json!({"Ref": "Deployers"});
                if !(through(&["dynamodb"]) && for_a_service && deployer) {
                    say("not only for DynamoDB, by those who deploy");
                }
            }
            Who::Account if services.is_empty() => {
                if !ADMINISTRATION.contains(&action) {
                    say("without a service");
                }
            }
            Who::Account => {
                let used = THROUGH_SERVICES.contains(&action) || action == "kms:Encrypt";
                if !used || !through(&["dynamodb", "secretsmanager"]) {
                    say("not only through the services");
                }
            }
            Who::Everybody | Who::Service(_) => say("is nobody's here"),
        }
    }
    // The trap: a table under a key of ours answers nobody who may not Decrypt through it.
    let decrypts = |who: &Who, place: &str| {
        rules.allowing().any(|rule| {
            rule.on == "TablesKey"
                && rule.who == *who
                && rule.action == "kms:Decrypt"
                && rule.place.starts_with(place)
                && rule.services().contains(&"dynamodb".to_owned())
        })
    };
    for (_, name) in FUNCTIONS {
        let role = Who::Role(format!("{name}Role"));
        for place in [format!("{name}Policy/"), "TablesKey/".to_owned()] {
            if !decrypts(&role, &place) {
                problems.push(format!("{place}: no table would answer {role:?}"));
            }
        }
    }
    if !decrypts(&Who::Account, "TablesKey/") {
        problems.push("TablesKey/: no table would answer people".to_owned());
    }
    let granted = rules.allowing().any(|rule| rule.on == "TablesKey" && rule.is_about("kms:CreateGrant"));
    if !granted {
        problems.push("TablesKey/: no table could be made".to_owned());
    }
    problems
}

/// All tables and all secrets lie under the key of the tables.
fn unencrypted(template: &Value) -> Vec<String> {
    let key = json!({"GetAtt": "TablesKey.Arn"});
    let tables = resources(template, "AWS::DynamoDB::Table").into_iter();
    let tables = tables.map(|(name, table)| (name, table["SSESpecification"]["KMSMasterKeyId"].clone()));
    let secrets = resources(template, "AWS::SecretsManager::Secret").into_iter();
    let secrets = secrets.map(|(name, secret)| (name, secret["KmsKeyId"].clone()));
    tables
        .chain(secrets)
        .filter(|(_, of)| *of != key)
        .map(|(name, _)| format!("{name} is not under TablesKey"))
        .collect()
}

// ------------------------------------------------------------------------- the template

#[test]
fn the_rights_are_those_of_the_role_table_and_nobody_has_more() {
    assert_eq!(problems(&template()), Vec::<String>::new());
}

#[test]
fn the_keys_are_what_they_are_for() {
    let keys = resources(&template(), "AWS::KMS::Key");
    let names: Vec<&str> = keys.keys().map(String::as_str).collect();
    assert_eq!(names, ["EnrolKey", "EvidenceKey", "IndexKey", "TablesKey", "WrapKey"]);
    for (name, spec, usage) in [
        ("WrapKey", "SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"),
        ("TablesKey", "SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"),
        ("EnrolKey", "ECC_NIST_P256", "SIGN_VERIFY"),
        ("EvidenceKey", "ECC_NIST_P256", "SIGN_VERIFY"),
        ("IndexKey", "HMAC_256", "GENERATE_VERIFY_MAC"),
    ] {
        let key = &keys[name];
        assert_eq!((&key["KeySpec"], &key["KeyUsage"]), (&json!(spec), &json!(usage)), "{name}");
        // KMS rotates no others by itself.
        assert_eq!(key["EnableKeyRotation"] == true, spec == "SYMMETRIC_DEFAULT", "{name}");
    }
}
