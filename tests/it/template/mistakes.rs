//! Copies of the template in which somebody has made a mistake: each check finds the ones that
//! it is there for.

use serde_json::{Value, json};

use super::{
    document::{items, resources, strings, template},
    iam::Rules,
    policy::{
        audit_can_be_changed, intake_reaches_people, keys_have_a_way_around, keys_not_as_in_code, problems,
        tables_key_is_used_directly, wrap_is_not_the_openers,
    },
};

/// A mistake, and how it is made.
type Mistake = (&'static str, fn(&mut Value));

fn policy_of<'a>(template: &'a mut Value, name: &str) -> &'a mut Vec<Value> {
    let document = if name.ends_with("Key") { "KeyPolicy" } else { "PolicyDocument" };
    template["Resources"][name]["Properties"][document]["Statement"].as_array_mut().expect("a policy")
}

fn said<'a>(template: &'a mut Value, name: &str, sid: &str) -> &'a mut Value {
    let mut statements = policy_of(template, name).iter_mut();
    statements.find(|statement| statement["Sid"] == sid).unwrap_or_else(|| panic!("{name} has no {sid}"))
}

fn add(template: &mut Value, name: &str, action: &str, resource: Value, condition: Value) {
    let mut statement = json!({"Effect": "Allow", "Action": [action], "Resource": resource});
    if !condition.is_null() {
        statement["Condition"] = condition;
    }
    policy_of(template, name).push(statement);
}

fn arn(name: &str) -> Value {
    json!({ "GetAtt": format!("{name}.Arn") })
}

fn keys_like(prefix: &str) -> Value {
    json!({
        "ForAllValues:StringLike": {"dynamodb:LeadingKeys": [prefix]},
        "Null": {"dynamodb:LeadingKeys": "false"},
    })
}

/// Each mistake is found, by this very check or because a statement is not understood.
#[track_caller]
fn are_found(check: fn(&Rules) -> Vec<String>, mistakes: &[Mistake]) {
    let original = template();
    assert_eq!(check(&Rules::of(&original)), Vec::<String>::new());
    for (mistake, make) in mistakes {
        let mut copy = original.clone();
        make(&mut copy);
        assert_ne!(copy, original, "{mistake}: nothing was changed");
        let rules = Rules::of(&copy);
        assert!(!rules.problems.is_empty() || !check(&rules).is_empty(), "{mistake}: not found");
        assert!(!problems(&copy).is_empty(), "{mistake}: not found");
    }
}

#[test]
fn it_is_found_when_anything_but_the_opener_may_unwrap() {
    are_found(
        wrap_is_not_the_openers,
        &[
            ("in the sweeper's policy", |t| add(t, "SweeperPolicy", "kms:Decrypt", arn("WrapKey"), Value::Null)),
            ("in the webhook's, in other letters", |t| {
                add(t, "WebhookPolicy", "KMS:decrypt", arn("WrapKey"), Value::Null)
            }),
            ("under a condition", |t| {
                add(t, "FormPolicy", "kms:Decrypt", arn("WrapKey"), json!({"Bool": {"aws:SecureTransport": "true"}}));
            }),
            ("every action on it", |t| add(t, "LocksmithPolicy", "kms:*", arn("WrapKey"), Value::Null)),
            ("on every key", |t| add(t, "LinkPolicy", "kms:Decrypt", json!("*"), Value::Null)),
            ("on every key of the account", |t| {
                let all = json!({"Sub": "arn:${AWS::Partition}:kms:${AWS::Region}:${AWS::AccountId}:key/*"});
                add(t, "LinkPolicy", "kms:Decrypt", all, Value::Null);
            }),
            ("everything but", |t| {
                let statement =
                    said(t, "SweeperPolicy", "SignReceiptsAndEntries").as_object_mut().expect("a statement");
                statement.remove("Action");
                statement.insert("NotAction".to_owned(), json!("kms:Sign"));
                statement.insert("Resource".to_owned(), arn("WrapKey"));
            }),
            ("another role in the key policy", |t| {
                said(t, "WrapKey", "OpenerUnwraps")["Principal"]["AWS"] =
                    json!([arn("OpenerRole"), arn("SweeperRole")]);
            }),
            ("another account in the key policy", |t| {
                said(t, "WrapKey", "OpenerUnwraps")["Principal"]["AWS"] = json!("arn:aws:iam::111122223333:root");
            }),
            ("everybody in the key policy", |t| said(t, "WrapKey", "OpenerUnwraps")["Principal"] = json!("*")),
            ("the account, as administration", |t| {
                said(t, "WrapKey", "Administration")["Action"]
                    .as_array_mut()
                    .expect("a list")
                    .push(json!("kms:Decrypt"));
            }),
            ("nobody at all", |t| {
                policy_of(t, "WrapKey").retain(|statement| statement["Sid"] != "OpenerUnwraps");
                policy_of(t, "OpenerPolicy").retain(|statement| statement["Sid"] != "Unwrap");
            }),
        ],
    );
}

#[test]
fn it_is_found_when_intake_may_query_scan_or_delete_a_persons_rows_or_read_keys() {
    are_found(
        intake_reaches_people,
        &[
            ("query", |t| add(t, "WebhookPolicy", "dynamodb:Query", arn("VaultTable"), keys_like("S#*"))),
            ("query of one person", |t| add(t, "LinkPolicy", "dynamodb:Query", arn("VaultTable"), keys_like("S#0*"))),
            ("query of everything", |t| add(t, "FormPolicy", "dynamodb:Query", arn("VaultTable"), Value::Null)),
            ("query of what begins with anything", |t| {
                add(t, "FormPolicy", "dynamodb:Query", arn("VaultTable"), keys_like("*"));
            }),
            ("query of an index", |t| {
                let index = json!({"Sub": "${VaultTable.Arn}/index/inbox"});
                add(t, "WebhookPolicy", "dynamodb:Query", index, Value::Null);
            }),
            // The trap: a Scan has no leading keys, so that all of them are like K#.
            ("scan behind leading keys", |t| {
                let keys = json!({"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["K#*"]}});
                add(t, "WebhookPolicy", "dynamodb:Scan", arn("VaultTable"), keys);
            }),
            ("scan in a statement that is there", |t| {
                said(t, "WebhookPolicy", "FindPairs")["Action"]
                    .as_array_mut()
                    .expect("a list")
                    .push(json!("dynamodb:Scan"));
            }),
            ("the guard against requests without keys is gone", |t| {
                said(t, "WebhookPolicy", "FindPairs")["Condition"].as_object_mut().expect("a condition").remove("Null");
            }),
            ("one key of several is enough", |t| {
                let condition = &mut said(t, "WebhookPolicy", "FindPairs")["Condition"];
                let keys = condition["ForAllValues:StringLike"].take();
                *condition = json!({"ForAnyValue:StringLike": keys, "Null": condition["Null"]});
            }),
            ("delete", |t| {
                let condition = &mut said(t, "WebhookPolicy", "ClaimPairsDropMappingsAndUseUp")["Condition"];
                condition["ForAllValues:StringLike"]["dynamodb:LeadingKeys"] = json!(["K#*", "L#*", "N#*", "S#*"]);
            }),
            ("update", |t| add(t, "LinkPolicy", "dynamodb:UpdateItem", arn("VaultTable"), keys_like("S#*"))),
            ("by PartiQL", |t| add(t, "LinkPolicy", "dynamodb:PartiQLDelete", arn("VaultTable"), Value::Null)),
            ("by any action", |t| add(t, "LinkPolicy", "dynamodb:*Item", arn("VaultTable"), keys_like("S#*"))),
            ("reads what it writes over", |t| {
                let condition =
                    said(t, "FormPolicy", "StoreBlindly")["Condition"].as_object_mut().expect("a condition");
                condition.remove("StringEqualsIfExists");
            }),
            ("reads keys", |t| add(t, "FormPolicy", "dynamodb:GetItem", arn("KeysTable"), Value::Null)),
            ("reads entries", |t| add(t, "FormPolicy", "dynamodb:Query", arn("AuditTable"), keys_like("A#*"))),
            ("writes entries", |t| add(t, "WebhookPolicy", "dynamodb:PutItem", arn("AuditTable"), keys_like("A#*"))),
            ("signs", |t| add(t, "LinkPolicy", "kms:Sign", arn("EvidenceKey"), Value::Null)),
            ("asks the opener", |t| {
                add(t, "WebhookPolicy", "lambda:InvokeFunction", arn("OpenerFunction"), Value::Null);
            }),
        ],
    );
}

#[test]
fn it_is_found_when_anything_may_update_or_delete_in_the_audit_log() {
    are_found(
        audit_can_be_changed,
        &[
            ("update", |t| add(t, "SweeperPolicy", "dynamodb:UpdateItem", arn("AuditTable"), keys_like("T#*"))),
            ("delete", |t| add(t, "OpenerPolicy", "dynamodb:DeleteItem", arn("AuditTable"), keys_like("A#*"))),
            ("delete by PartiQL", |t| {
                add(t, "SweeperPolicy", "dynamodb:PartiQLDelete", arn("AuditTable"), Value::Null)
            }),
            ("delete in batches", |t| {
                add(t, "SweeperPolicy", "dynamodb:BatchWriteItem", arn("AuditTable"), Value::Null)
            }),
            ("the table itself", |t| add(t, "LocksmithPolicy", "dynamodb:DeleteTable", arn("AuditTable"), Value::Null)),
            ("any action", |t| add(t, "OpenerPolicy", "dynamodb:*", arn("AuditTable"), keys_like("A#*"))),
            ("in a statement that is there", |t| {
                let actions = &mut said(t, "SweeperPolicy", "EnterErasures")["Action"];
                actions.as_array_mut().expect("a list").push(json!("dynamodb:DeleteItem"));
            }),
            ("the table among others", |t| {
                said(t, "SweeperPolicy", "DestroyWrappedKeys")["Resource"] =
                    json!([arn("KeysTable"), arn("AuditTable")]);
            }),
            ("added to anywhere", |t| {
                said(t, "OpenerPolicy", "EnterOpenings").as_object_mut().expect("a statement").remove("Condition");
            }),
            ("every table", |t| add(t, "SweeperPolicy", "dynamodb:DeleteItem", json!("*"), Value::Null)),
            ("the sweeper writes as the opener", |t| {
                add(t, "SweeperPolicy", "dynamodb:PutItem", arn("AuditTable"), keys_like("A#opener-*"));
            }),
            ("the sweeper writes as one of the openers", |t| {
                add(t, "SweeperPolicy", "dynamodb:PutItem", arn("AuditTable"), keys_like("A#opener-0*"));
            }),
            ("the opener writes as the sweeper", |t| {
                add(t, "OpenerPolicy", "dynamodb:PutItem", arn("AuditTable"), keys_like("A#sweeper-*"));
            }),
            ("the opener writes in any chain", |t| {
                let condition = &mut said(t, "OpenerPolicy", "EnterOpenings")["Condition"];
                condition["ForAllValues:StringLike"]["dynamodb:LeadingKeys"] = json!(["A#*"]);
            }),
            ("the sweeper writes in any chain", |t| {
                let condition = &mut said(t, "SweeperPolicy", "EnterErasures")["Condition"];
                condition["ForAllValues:StringLike"]["dynamodb:LeadingKeys"] = json!(["A#*", "D#*", "E#*", "T#*"]);
            }),
            ("the opener writes the erasure list", |t| {
                add(t, "OpenerPolicy", "dynamodb:PutItem", arn("AuditTable"), keys_like("E#*"));
            }),
            ("somebody else writes", |t| {
                add(t, "LocksmithPolicy", "dynamodb:PutItem", arn("AuditTable"), keys_like("A#opener-*"));
            }),
        ],
    );
}

#[test]
fn it_is_found_when_there_is_a_way_around_a_key() {
    are_found(
        keys_have_a_way_around,
        &[
            ("no denial", |t| policy_of(t, "EvidenceKey").retain(|statement| statement["Sid"] != "NoWayAround")),
            ("a denial of less", |t| said(t, "IndexKey", "NoWayAround")["Action"] = json!(["kms:CreateGrant"])),
            ("a denial to some", |t| said(t, "EnrolKey", "NoWayAround")["Principal"] = json!({"AWS": arn("LinkRole")})),
            ("a denial at times", |t| {
                let at_times = json!({"StringEquals": {"aws:RequestedRegion": "us-east-1"}});
                said(t, "WrapKey", "NoWayAround")["Condition"] = at_times;
            }),
            ("allowed, which a denial overrides", |t| {
                add(t, "LocksmithPolicy", "kms:GenerateDataKeyPair", arn("WrapKey"), Value::Null);
            }),
        ],
    );
}

#[test]
fn it_is_found_when_the_key_of_the_tables_is_used_directly_or_not_at_all() {
    are_found(
        tables_key_is_used_directly,
        &[
            ("a function, directly", |t| {
                said(t, "OpenerPolicy", "TablesKeyViaService")
                    .as_object_mut()
                    .expect("a statement")
                    .remove("Condition");
            }),
            ("a function, through another service", |t| {
                let service = json!({"Sub": "s3.${AWS::Region}.amazonaws.com"});
                said(t, "OpenerPolicy", "TablesKeyViaService")["Condition"]["StringEquals"]["kms:ViaService"] = service;
            }),
            // The trap: everything about the tables is granted, and no table answers.
            ("a function may not decrypt", |t| {
                let actions = &mut said(t, "SweeperPolicy", "TablesKeyViaService")["Action"];
                actions.as_array_mut().expect("a list").retain(|action| action != "kms:Decrypt");
            }),
            ("people, directly", |t| {
                let condition = &mut said(t, "TablesKey", "PeopleThroughServices")["Condition"]["StringEquals"];
                condition.as_object_mut().expect("a condition").remove("kms:ViaService");
            }),
            ("a function, in one region", |t| {
                let services = json!([{"Sub": "dynamodb.us-east-1.amazonaws.com"}]);
                said(t, "TablesKey", "FunctionsThroughServices")["Condition"]["StringEquals"]["kms:ViaService"] =
                    services;
            }),
            ("people, in any region besides", |t| {
                let condition = &mut said(t, "TablesKey", "PeopleThroughServices")["Condition"]["StringEquals"];
                let services = condition["kms:ViaService"].as_array_mut().expect("a list");
                services.push(json!("dynamodb.us-east-1.amazonaws.com"));
            }),
            ("anybody in any account", |t| said(t, "TablesKey", "PeopleThroughServices")["Principal"] = json!("*")),
            ("grants for others than services", |t| {
                let condition = said(t, "TablesKey", "DeployersLetDynamoDbUseIt")["Condition"].as_object_mut();
                condition.expect("a condition").remove("Bool");
            }),
            ("grants by others than deployers", |t| {
                let condition = said(t, "TablesKey", "DeployersLetDynamoDbUseIt")["Condition"].as_object_mut();
                condition.expect("a condition").remove("ArnEquals");
            }),
            ("grants by a function", |t| add(t, "LinkPolicy", "kms:CreateGrant", arn("TablesKey"), Value::Null)),
            ("no grants at all", |t| {
                policy_of(t, "TablesKey").retain(|statement| statement["Sid"] != "DeployersLetDynamoDbUseIt");
            }),
        ],
    );
}

#[test]
fn it_is_found_when_a_key_policy_says_anything_else() {
    let mistakes: [Mistake; 10] = [
        ("a denial of what the opener is for", |t| {
            policy_of(t, "WrapKey").push(json!({
                "Effect": "Deny", "Principal": {"AWS": arn("OpenerRole")}, "Action": "kms:Decrypt", "Resource": "*",
            }));
        }),
        ("a denial of everything to everybody", |t| {
            policy_of(t, "IndexKey")
                .push(json!({"Effect": "Deny", "Principal": "*", "Action": "kms:GenerateMac", "Resource": "*"}));
        }),
        ("a condition that never holds", |t| {
            said(t, "WrapKey", "OpenerUnwraps")["Condition"] =
                json!({"StringEquals": {"aws:RequestedRegion": "nowhere"}});
        }),
        ("denied what was allowed", |t| said(t, "EnrolKey", "SignKeyRows")["Effect"] = json!("Deny")),
        ("nobody could ever change the policy again", |t| {
            let actions = &mut said(t, "EvidenceKey", "Administration")["Action"];
            actions.as_array_mut().expect("a list").retain(|action| action != "kms:PutKeyPolicy");
        }),
        ("the tables in one region", |t| {
            said(t, "TablesKey", "FunctionsThroughServices")["Condition"]["StringEquals"]["kms:ViaService"][0] =
                json!({"Sub": "dynamodb.us-east-1.amazonaws.com"});
        }),
        ("another account's people", |t| {
            said(t, "TablesKey", "PeopleThroughServices")["Condition"]["StringEquals"]["kms:CallerAccount"] =
                json!("111122223333");
        }),
        ("a function that is left out", |t| {
            let roles = &mut said(t, "TablesKey", "FunctionsThroughServices")["Principal"]["AWS"];
            roles.as_array_mut().expect("a list").pop();
        }),
        ("a key that is gone", |t| t["Resources"]["IndexKey"] = Value::Null),
        ("a key of its own", |t| t["Resources"]["MoreKey"] = t["Resources"]["IndexKey"].clone()),
    ];
    assert_eq!(keys_not_as_in_code(&template()), Vec::<String>::new());
    for (mistake, make) in mistakes {
        let mut copy = template();
        make(&mut copy);
        assert!(!keys_not_as_in_code(&copy).is_empty(), "{mistake}: not found");
        assert!(!problems(&copy).is_empty(), "{mistake}: not found");
    }
}

#[test]
fn a_right_that_stands_elsewhere_is_found() {
    let mistakes: [Mistake; 17] = [
        ("a managed policy on a role", |t| {
            let policy = "arn:aws:iam::aws:policy/AmazonDynamoDBFullAccess";
            t["Resources"]["FormRole"]["Properties"]["ManagedPolicyArns"] = json!([policy]);
        }),
        ("a policy within a role", |t| t["Resources"]["FormRole"]["Properties"]["Policies"] = json!([])),
        ("a policy of SAM's", |t| {
            t["Resources"]["LinkFunction"]["Properties"]["Policies"] = json!(["DynamoDBCrudPolicy"]);
        }),
        ("a policy for all functions", |t| t["Globals"]["Function"]["Policies"] = json!(["AWSLambda_FullAccess"])),
        ("a policy of its own", |t| t["Resources"]["More"] = json!({"Type": "AWS::IAM::Policy", "Properties": {}})),
        ("a service at anybody's request", |t| {
            said(t, "AlarmTopicPolicy", "AlarmsOfThisStackOnly")["Condition"] = json!({});
        }),
        ("a connector", |t| t["Resources"]["LinkFunction"]["Connectors"] = json!({})),
        ("a policy of a table", |t| t["Resources"]["VaultTable"]["Properties"]["ResourcePolicy"] = json!({})),
        ("another function's role", |t| t["Resources"]["LinkFunction"]["Properties"]["Role"] = arn("OpenerRole")),
        ("a role that others take on", |t| {
            let trust = &mut t["Resources"]["OpenerRole"]["Properties"]["AssumeRolePolicyDocument"];
            trust["Statement"][0]["Principal"] = json!({"AWS": "*"});
        }),
        ("a transform of somebody's", |t| t["Transform"] = json!(["AWS::Serverless-2016-10-31", "More"])),
        ("a part of a template that is not looked at", |t| t["Hooks"] = json!({})),
        ("a default for every API", |t| t["Globals"]["HttpApi"]["CorsConfiguration"] = json!(true)),
        ("a default for something else", |t| t["Globals"]["Api"] = json!({})),
        ("an API by another definition", |t| t["Resources"]["HttpApi"]["Properties"]["DefinitionBody"] = json!({})),
        ("pages that other sites may read", |t| {
            t["Resources"]["HttpApi"]["Properties"]["CorsConfiguration"] = json!({"AllowOrigins": ["*"]});
        }),
        ("an access log elsewhere", |t| {
            t["Resources"]["HttpApi"]["Properties"]["AccessLogSettings"]["DestinationArn"] = arn("OpenerLogGroup");
        }),
    ];
    for (mistake, make) in mistakes {
        let mut copy = template();
        make(&mut copy);
        assert!(!problems(&copy).is_empty(), "{mistake}");
    }
}

/// Policies of roles and keys, with the number of their statements.
fn policies(template: &mut Value) -> Vec<(String, usize)> {
    let names = resources(template, "AWS::IAM::RolePolicy").into_keys();
    let names: Vec<String> = names.chain(resources(template, "AWS::KMS::Key").into_keys()).collect();
    names
        .into_iter()
        .map(|name| {
            let statements = policy_of(template, &name).len();
            (name, statements)
        })
        .collect()
}

#[test]
fn no_statement_can_go_missing_and_none_can_say_more_or_name_another_unnoticed() {
    let mut original = template();
    let mut tried = 0;
    for (name, statements) in policies(&mut original) {
        for at in 0..statements {
            let tell = |what: &str| format!("{what} of {name}/{at} was not found");
            let mut without = original.clone();
            policy_of(&mut without, &name).remove(at);
            assert!(!problems(&without).is_empty(), "{}", tell("the loss"));

            let mut more = original.clone();
            let statement = &mut policy_of(&mut more, &name)[at];
            if statement["Effect"] == "Deny" {
                continue;
            }
            let mut actions = strings(&statement["Action"]);
            let service = actions[0].split(':').next().unwrap_or_default();
            let another = match service {
                "dynamodb" => "dynamodb:Scan",
                "kms" => "kms:GenerateDataKeyPair",
                "secretsmanager" => "secretsmanager:PutSecretValue",
                _ => "logs:DeleteLogStream",
            };
            actions.push(another.to_owned());
            statement["Action"] = json!(actions);
            assert!(!problems(&more).is_empty(), "{}", tell("another action"));

            let mut whom = original.clone();
            let statement = &mut policy_of(&mut whom, &name)[at];
            let mut principals: Vec<Value> = items(&statement["Principal"]["AWS"]).into_iter().cloned().collect();
            // The key of the tables is for all functions.
            if !principals.is_empty() && !principals.contains(&arn("WebhookRole")) {
                principals.push(arn("WebhookRole"));
                statement["Principal"]["AWS"] = json!(principals);
                assert!(!problems(&whom).is_empty(), "{}", tell("another principal"));
            }
            tried += 1;
        }
    }
    assert!(tried > 70, "{tried}");
}
