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
use azukari_tests::app::{NOON, TestApp};
use base64::{Engine, engine::general_purpose::STANDARD};

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
