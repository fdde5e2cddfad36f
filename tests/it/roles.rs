//! What each role may not do is refused, call by call; and with everything an intake
//! role can get, nothing opens.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    types::{AttributeValue, ConditionCheck, Put, ReturnValue, ReturnValuesOnConditionCheckFailure, TransactWriteItem},
};
use aws_sdk_kms::{primitives::Blob, types::DataKeyPairSpec};
use azukari::{
    domain::plain::Plain,
    host::roles::{Key, KeyOperation, Operation, Role, Target, permissions},
    store::tables::Table,
};
use azukari_local::engine::wire::Service;
use azukari_tests::{
    app::{NOON, TestApp},
    linking::location,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::json;

fn code<T, E: ProvideErrorMetadata>(result: Result<T, SdkError<E>>) -> String {
    match result {
        Ok(_) => "allowed".to_owned(),
        Err(error) => error.code().unwrap_or("no code").to_owned(),
    }
}

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

/// Tries one operation on one row and says what came of it.
async fn attempt(client: &Client, operation: Operation, table: Table, pk: &str, sk: &str) -> String {
    let table = table.as_str();
    match operation {
        Operation::GetItem => {
            code(client.get_item().table_name(table).key("pk", text(pk)).key("sk", text(sk)).send().await)
        }
        Operation::PutItem => {
            let item = HashMap::from([("pk".to_owned(), text(pk)), ("sk".to_owned(), text(sk))]);
            code(client.put_item().table_name(table).set_item(Some(item)).send().await)
        }
        Operation::DeleteItem => {
            code(client.delete_item().table_name(table).key("pk", text(pk)).key("sk", text(sk)).send().await)
        }
        Operation::UpdateItem => code(
            client
                .update_item()
                .table_name(table)
                .key("pk", text(pk))
                .key("sk", text(sk))
                .update_expression("SET due_at = :a")
                .expression_attribute_values(":a", AttributeValue::N("1".into()))
                .send()
                .await,
        ),
        Operation::Query => code(
            client
                .query()
                .table_name(table)
                .key_condition_expression("pk = :pk")
                .expression_attribute_values(":pk", text(pk))
                .send()
                .await,
        ),
        Operation::ConditionCheckItem => {
            let check = ConditionCheck::builder()
                .table_name(table)
                .key("pk", text(pk))
                .key("sk", text(sk))
                .condition_expression("attribute_not_exists(pk)")
                .build()
                .unwrap();
            let check = TransactWriteItem::builder().condition_check(check).build();
            code(client.transact_write_items().transact_items(check).send().await)
        }
        Operation::CreateTable | Operation::UpdateTimeToLive => unreachable!("not about rows"),
    }
}

const ROW_OPERATIONS: [Operation; 6] = [
    Operation::GetItem,
    Operation::PutItem,
    Operation::DeleteItem,
    Operation::UpdateItem,
    Operation::Query,
    Operation::ConditionCheckItem,
];

#[tokio::test]
async fn every_call_that_the_table_does_not_grant_is_denied() {
    let app = TestApp::new().await;
    let families = [
        "L#demo#0",
        "K#0",
        "S#0",
        "P#index",
        "W#sweep",
        "E#2026-11-21",
        "N#0",
        "X#0",
        "X#member#demo#0",
        "Q#0",
        "A#opener-0",
        "A#index",
        "D#roots",
        "T#0",
        "Y#0",
        "other",
    ];
    let mut denied = 0;
    for role in Role::ALL {
        let client = app.installation().dynamodb_as(role);
        for table in Table::ALL {
            for pk in families {
                for operation in ROW_OPERATIONS {
                    let granted = permissions(role).grant(operation, Target::Table(table), Some(pk)).is_some();
                    let fits = |sk: &&str| permissions(role).sort_key_fits(pk, sk);
                    let sk = ["R#1", "C#1", "O#1"].into_iter().find(fits).unwrap_or("R#1");
                    let outcome = attempt(&client, operation, table, pk, sk).await;
                    let refused = outcome == "AccessDeniedException";
                    assert_eq!(!refused, granted, "{role:?} {operation:?} {table:?} {pk}: {outcome}");
                    denied += usize::from(refused);
                }
            }
            assert_eq!(code(client.scan().table_name(table.as_str()).send().await), "AccessDeniedException");
        }
    }
    assert!(denied > 700, "most of what could be tried is denied: {denied}");
}

#[tokio::test]
async fn intake_writes_blindly_and_only_where_it_has_to() {
    let app = TestApp::new().await;
    let client = app.installation().dynamodb_as(Role::Webhook);
    let item = |sk: &str| Some(HashMap::from([("pk".to_owned(), text("S#0")), ("sk".to_owned(), text(sk))]));
    let put = || client.put_item().table_name("vault");
    assert_eq!(code(put().set_item(item("R#1")).send().await), "allowed");
    assert_eq!(
        code(put().set_item(item("R#1")).return_values(ReturnValue::AllOld).send().await),
        "AccessDeniedException"
    );
    let on_failure = ReturnValuesOnConditionCheckFailure::AllOld;
    let peek = put().set_item(item("R#1")).condition_expression("attribute_not_exists(pk)");
    let peek = peek.return_values_on_condition_check_failure(on_failure.clone());
    assert_eq!(code(peek.send().await), "AccessDeniedException");
    for sk in ["Z#hold", "F#1", "X#1"] {
        assert_eq!(code(put().set_item(item(sk)).send().await), "AccessDeniedException", "{sk}");
    }
    let hidden =
        Put::builder().table_name("vault").set_item(item("R#1")).condition_expression("attribute_not_exists(pk)");
    let hidden = hidden.return_values_on_condition_check_failure(on_failure).build().unwrap();
    let hidden = TransactWriteItem::builder().put(hidden).build();
    assert_eq!(code(client.transact_write_items().transact_items(hidden).send().await), "AccessDeniedException");
    let index = client.query().table_name("vault").index_name("inbox").key_condition_expression("inbox_slot = :s");
    let index = index.expression_attribute_values(":s", text("2026-11-21#message#0"));
    assert_eq!(code(index.send().await), "AccessDeniedException");
}

#[tokio::test]
async fn kms_keys_are_for_those_who_need_them() {
    let app = TestApp::new().await;
    for role in Role::ALL {
        let kms = app.installation().kms_as(role);
        let may = |operation, key| permissions(role).may_use(operation, key);
        let check = |outcome: String, operation, key| {
            assert_eq!(
                outcome != "AccessDeniedException",
                may(operation, key),
                "{role:?} {operation:?} {key:?}: {outcome}"
            );
        };
        for key in Key::ALL {
            let id = key.as_str();
            let pair =
                kms.generate_data_key_pair_without_plaintext().key_id(id).key_pair_spec(DataKeyPairSpec::EccNistP256);
            check(code(pair.send().await), KeyOperation::GenerateDataKeyPairWithoutPlaintext, key);
            let decrypt = kms.decrypt().key_id(id).ciphertext_blob(Blob::new([1, 2, 3]));
            check(code(decrypt.send().await), KeyOperation::Decrypt, key);
            let sign = kms.sign().key_id(id).message(Blob::new("m"));
            let sign = sign.signing_algorithm(aws_sdk_kms::types::SigningAlgorithmSpec::EcdsaSha256);
            check(code(sign.send().await), KeyOperation::Sign, key);
            check(code(kms.get_public_key().key_id(id).send().await), KeyOperation::GetPublicKey, key);
            let pair = kms.generate_data_key_pair().key_id(id).key_pair_spec(DataKeyPairSpec::EccNistP256);
            assert_eq!(code(pair.send().await), "AccessDeniedException");
        }
    }
}

#[tokio::test]
async fn with_all_of_the_vault_and_an_intake_role_not_one_field_opens() {
    let app = TestApp::new().await;
    let someone = app.someone();
    let events =
        [someone.follow(NOON), someone.text("1", NOON, &app.marker("読めない")), someone.postback("EP", NOON, "a")];
    assert_eq!(app.hook_to("kept", &events).await, 200);
    app.agree("kept", &someone, NOON).await;
    let sealed: Vec<_> = app.rows(Table::Vault).into_iter().filter(|row| row.get("env").is_some()).collect();
    assert_eq!(sealed.len(), 4, "contact, message, event, profile");
    for role in Role::ALL.into_iter().filter(|role| *role != Role::Opener) {
        let kms = app.installation().kms_as(role);
        // Even with the wrapped keys in hand.
        for row in app.rows(Table::Keys) {
            let blob = Blob::new(STANDARD.decode(row["wrapped"]["B"].as_str().unwrap()).unwrap());
            let context = HashMap::from([
                ("azukari:subject".to_owned(), row["pk"]["S"].as_str().unwrap().to_owned()),
                ("azukari:v".to_owned(), "1".to_owned()),
            ]);
            let decrypt = kms.decrypt().key_id("wrap").ciphertext_blob(blob).set_encryption_context(Some(context));
            assert_eq!(code(decrypt.send().await), "AccessDeniedException", "{role:?}");
        }
    }
    // Every secret that intake holds, tried as a private key.
    let secrets = app.installation().secrets(Role::Webhook);
    let mut tried = 0;
    for name in ["user_index", "origin"] {
        let key = STANDARD.decode(secrets["keys"][name].as_str().unwrap()).unwrap();
        for row in &sealed {
            assert!(app.open_with(&Plain::new(key.clone()), "kept", &someone, row).is_none());
            tried += 1;
        }
    }
    assert_eq!(tried, 8);
    for row in &sealed {
        assert!(app.opened("kept", &someone, row).await.is_some(), "it does open for the opener");
    }
}

#[tokio::test]
async fn the_functions_call_nothing_that_is_not_granted_and_are_granted_nothing_that_they_do_not_call() {
    let counted = crate::retention::purposes("operation", "after = \"collected\", days = 30", "anonymise");
    let app = TestApp::with_files(&[("purposes.toml", &counted)]).await;
    let (someone, erased) = (app.someone(), app.someone());
    let mut called: Vec<(Role, String, String, String)> = Vec::new();
    app.start_counting();
    let events = [
        someone.follow(NOON),
        someone.postback("EP", NOON, "x"),
        someone.text("1", NOON, "a"),
        someone.unsend("2", NOON),
        erased.text("3", NOON, "b"),
    ];
    assert_eq!(app.hook_to("kept", &events).await, 200);
    assert_eq!(app.hook(&events).await, 200);
    // Somebody known by a form alone, somebody known before, an anonymous answer.
    for sender in [&app.someone(), &someone] {
        let page = app.send_form("visit", sender, app.visit(), TestApp::visit_consents()).await;
        assert_eq!(page.status, 200, "{}", page.text);
    }
    app.get("/policy/demo").await;
    app.get(&format!("/receipts/{:032x}", 1)).await;
    let anonymous = json!({"overall": "5", "again": "yes"});
    assert_eq!(app.send_form("satisfaction", &someone, anonymous, json!({})).await.status, 200);
    // All ways to a link, by somebody known and by strangers, and a claim that is refused.
    app.link_in_chat(&someone, "M-1").await;
    location(&app.link_by_login(&app.someone(), "M-2").await);
    app.link_in_chat(&app.someone(), "M-1").await;
    assert_eq!(app.site("unlink", Some("M-2"), None).await.status, 200);
    // What the sweeper clears away of a later link leaves the mark that the site has freed it.
    app.advance(1_000);
    let later = app.someone();
    location(&app.link_by_login(&later, "M-2").await);
    app.advance(1_000);
    assert_eq!(app.hook(&[later.postback("U1", app.now(), "azukari:unlink")]).await, 200);
    app.sweep_all().await;
    app.installation().refill().await.unwrap();
    crate::erasure::erase(&app, "kept", &erased, NOON).await;
    crate::opener::every_act(&app, "kept", &someone).await;
    app.advance_days(91);
    app.sweep_all().await;
    app.installation().restore_check(None, false, &|_| {}).await.unwrap();
    for call in app.calls().into_iter().filter(|call| call.service != Service::Line) {
        let role = call.role.expect("every call is signed by a role");
        for touch in call.touches {
            called.push((role, touch.operation, touch.target, touch.partition));
        }
    }
    for role in [Role::Webhook, Role::Form, Role::Link, Role::Locksmith, Role::Sweeper, Role::Opener] {
        let permissions = permissions(role);
        for grant in permissions.tables {
            let target = match grant.target {
                Target::Table(table) => table.as_str().to_owned(),
                Target::Index(index) => format!("index/{}", index.as_str()),
            };
            for operation in grant.operations {
                let prefixes = if grant.prefixes.is_empty() { &[""][..] } else { grant.prefixes };
                for prefix in prefixes {
                    let used = called.iter().any(|(by, op, at, partition)| {
                        *by == role
                            && op == operation.as_str()
                            && *at == target
                            // Touches are kept up to the first `#`.
                            && (prefix.is_empty() || prefix.starts_with(partition))
                    });
                    // Moving a mapping to a new index key has its own story.
                    let moved = Role::INTAKE.contains(&role) && *operation == Operation::DeleteItem && *prefix == "L#";
                    assert!(
                        used || moved,
                        "{role:?} is granted {operation:?} on {target} {prefix} and does not call it"
                    );
                }
            }
        }
        for (operation, key) in permissions.keys {
            let used =
                called.iter().any(|(by, op, at, _)| *by == role && op == operation.as_str() && at == key.as_str());
            assert!(used, "{role:?} is granted {operation:?} on {key:?} and does not call it");
        }
    }
    assert!(app.calls().iter().all(|call| call.service != Service::Kms || call.role != Some(Role::Webhook)));
}
