//! `azukari bootstrap`, `azukari publish` and `azukari doctor` over a stage in the cloud
//! (`azukari_tests::cloud`). Every story ends with a search for secrets in what was said.

use std::{collections::BTreeSet, io::Cursor};

use azukari::{
    domain::{operator::OperatorId, origin::Nobody, time::Hour},
    host::{
        roles::Role,
        secrets::{FormSecrets, LinkSecrets, OpenerSecrets, WebhookSecrets},
        settings,
    },
    store::{Vault, tables::Table},
};
use azukari_local::{
    operator_key::{OperatorKey, usual_path},
    stage::{Asking, StageError, bootstrap::Done},
};
use azukari_tests::{
    app::{CHANNELS, PUBLIC_URL},
    cloud::{HOLDERS, STACK, Stage, unread, wrong},
};
use serde_json::{Value, json};

/// Somebody at the terminal who types this.
fn typing(text: &str) -> Asking {
    Asking::Person(Box::new(Cursor::new(text.as_bytes().to_vec())))
}

/// Everything that is stored, to be compared.
fn stored(stage: &Stage) -> BTreeSet<String> {
    Table::ALL.into_iter().flat_map(|table| stage.app.rows(table)).map(|row| row.to_string()).collect()
}

/// Each function could start with its secret.
fn assert_complete(stage: &Stage) {
    WebhookSecrets::read(&stage.secret(Role::Webhook)).expect("webhook starts");
    FormSecrets::read(&stage.secret(Role::Form)).expect("form starts");
    LinkSecrets::read(&stage.secret(Role::Link)).expect("link starts");
    OpenerSecrets::read(&stage.secret(Role::Opener)).expect("opener starts");
    azukari::host::secrets::origin(&stage.secret(Role::Sweeper)).expect("sweeper starts");
}

/// What several functions hold is the same in all of them.
fn assert_shared(stage: &Stage) {
    let values = |roles: &[Role], pointer: &str| -> BTreeSet<String> {
        let value = |role: &Role| stage.secret(*role).pointer(pointer).map(Value::to_string);
        roles.iter().map(|role| value(role).unwrap_or_default()).collect()
    };
    assert_eq!(values(&HOLDERS, "/keys/origin").len(), 1, "origin");
    let indexed = [Role::Webhook, Role::Form, Role::Link, Role::Opener];
    assert_eq!(values(&indexed, "/keys/user_index").len(), 1, "user_index");
    for (channel, _) in CHANNELS {
        assert_eq!(values(&Role::INTAKE, &format!("/channel/{channel}/access_token")).len(), 1, "{channel}");
    }
    let own: BTreeSet<String> =
        [(Role::Form, "notice_mac"), (Role::Link, "pairwise"), (Role::Opener, "note"), (Role::Sweeper, "origin")]
            .into_iter()
            .map(|(role, key)| stage.secret(role)["keys"][key].to_string())
            .collect();
    assert_eq!(own.len(), 4, "different keys are different");
}

#[tokio::test]
async fn from_nothing_everything_is_there() {
    let stage = Stage::new().await;
    assert!(stage.app.rows(Table::Vault).is_empty() && stage.versions() == 0);
    let deployment = format!("[test.deploy.parameters]\nstack_name = \"{STACK}\"\n");
    std::fs::write(stage.app.folder().join("samconfig.toml"), deployment).unwrap();
    let done = stage.bootstrap(stage.wanted()).await.unwrap();
    assert!(done.changed > 0 && done.missing == 0, "{done:?}\n{}", stage.said());
    assert_complete(&stage);
    assert_shared(&stage);
    // The value that no console shows was asked of LINE.
    let told = stage.app.installation().channel_secret("demo", "bot_user_id").unwrap().to_owned();
    assert_eq!(stage.secret(Role::Webhook)["channel"]["demo"]["bot_user_id"], json!(told));
    // Nobody got more than they need.
    assert!(stage.secret(Role::Form)["channel"]["demo"].get("channel_secret").is_none());
    assert!(stage.secret(Role::Sweeper)["keys"].get("user_index").is_none());
    let rows = stage.app.rows(Table::Vault);
    assert!(rows.iter().any(|row| row["pk"]["S"] == "W#sweep"), "the cursor");
    assert!(rows.iter().any(|row| row["kind"]["S"] == "pool"), "the pool");
    let evidence = stage.app.folder().join(format!("operator/{STACK}-evidence-public-key.pem"));
    let evidence = azukari_local::operator_key::read_public(&std::fs::read_to_string(evidence).unwrap()).unwrap();
    assert_eq!(evidence, stage.app.installation().evidence());
    // What to do next can be copied.
    let said = stage.said();
    assert!(said.contains("cd infra && sam deploy --config-env test\n"), "{said}");
    assert!(said.lines().any(|line| line.starts_with("  \"EnrolPublicKey=") && line.ends_with("\",")), "{said}");
    // Nothing ran with another secret before.
    assert!(!said.contains("update-function-configuration"), "{said}");
    stage.assert_no_secret_was_said();
}

#[tokio::test]
async fn again_changes_nothing() {
    let stage = Stage::new().await;
    stage.bootstrap(stage.wanted()).await.unwrap();
    stage.deploy().await;
    let (versions, rows) = (stage.versions(), stored(&stage));
    // The file is not needed any more.
    let again = stage.bootstrap(stage.wanted_with(None)).await.unwrap();
    assert_eq!(again, Done { changed: 0, missing: 0 }, "{}", stage.said());
    assert_eq!((stage.versions(), stored(&stage)), (versions, rows));
    assert!(stage.said().contains("Nothing was changed"));
    stage.assert_no_secret_was_said();
}

#[tokio::test]
async fn broken_off_between_two_writes_the_next_run_goes_on() {
    for writes in 0..HOLDERS.len() {
        let stage = Stage::new().await;
        stage.known().writes_left = Some(writes);
        let broken = stage.bootstrap(stage.wanted()).await.unwrap_err();
        assert!(matches!(broken, StageError::Call { operation: "PutSecretValue", .. }), "{broken}");
        let before: Vec<Value> = HOLDERS.iter().map(|role| stage.secret(*role)).collect();
        assert_eq!(before.iter().filter(|secret| !secret.is_null()).count(), writes);
        stage.known().writes_left = None;
        let done = stage.bootstrap(stage.wanted()).await.unwrap();
        assert_eq!(done.missing, 0, "{}", stage.said());
        assert_complete(&stage);
        assert_shared(&stage);
        for (role, before) in HOLDERS.iter().zip(before).filter(|(_, before)| !before.is_null()) {
            assert_eq!(stage.secret(*role), before, "what was written stays");
        }
        stage.assert_no_secret_was_said();
    }
}

#[tokio::test]
async fn two_at_the_same_time_agree() {
    let stage = Stage::new().await;
    // Both have read that nothing is there before either writes.
    stage.known().meeting = 2;
    let (one, other) = tokio::join!(stage.bootstrap(stage.wanted()), stage.bootstrap(stage.wanted()));
    assert_eq!((one.unwrap().missing, other.unwrap().missing), (0, 0), "{}", stage.said());
    assert!(stage.said().contains("Somebody else was quicker"), "{}", stage.said());
    // No key was overwritten by another: each secret was written once.
    assert_eq!(stage.versions(), HOLDERS.len());
    assert_complete(&stage);
    assert_shared(&stage);
    stage.assert_no_secret_was_said();
}

#[tokio::test]
async fn what_is_missing_is_added_and_what_is_there_stays() {
    let stage = Stage::new().await;
    let partly = stage.bootstrap(stage.wanted_with(None)).await.unwrap();
    // Four members for each channel, and the bot's id, which LINE tells nobody without a token.
    assert_eq!(partly.missing, 5 * CHANNELS.len(), "{}", stage.said());
    let origin = stage.secret(Role::Sweeper)["keys"]["origin"].clone();
    stage.change_secret(Role::Form, |secret| {
        secret["keys"].as_object_mut().unwrap().remove("origin").unwrap();
    });
    assert_eq!(stage.bootstrap(stage.wanted()).await.unwrap().missing, 0, "{}", stage.said());
    assert_eq!(stage.secret(Role::Form)["keys"]["origin"], origin);
    assert_complete(&stage);
    assert_shared(&stage);
    stage.assert_no_secret_was_said();
}

#[tokio::test]
async fn a_value_of_line_is_replaced_only_when_that_is_asked_for() {
    let stage = Stage::new().await;
    stage.bootstrap(stage.wanted()).await.unwrap();
    let new = "a-new-channel-secret-0123456789";
    let file = stage.channel_secrets(|all| all["channel"]["demo"]["channel_secret"] = json!(new));
    let kept = stage.bootstrap(stage.wanted_with(Some(file.clone()))).await.unwrap();
    assert_eq!(kept.changed, 0);
    assert!(stage.said().contains("--replace channel.demo.channel_secret"), "{}", stage.said());
    assert_ne!(stage.secret(Role::Webhook)["channel"]["demo"]["channel_secret"], new);
    let mut wanted = stage.wanted_with(Some(file));
    wanted.replace = vec!["channel.demo.channel_secret".to_owned()];
    assert_eq!(stage.bootstrap(wanted).await.unwrap(), Done { changed: 1, missing: 0 });
    let said = stage.said();
    assert!(said.contains("secret of webhook: replaced channel.demo.channel_secret"), "{said}");
    // The function that holds it is started anew, and no other.
    let anew: Vec<&str> = said.lines().filter(|line| line.contains("update-function-configuration")).collect();
    assert!(matches!(anew.as_slice(), [one] if one.contains("--function-name azukari-test-webhook ")), "{anew:?}");
    assert_eq!(stage.secret(Role::Webhook)["channel"]["demo"]["channel_secret"], new);
    // A key of our own making is never replaced here.
    let mut wanted = stage.wanted();
    wanted.replace = vec!["keys.origin".to_owned()];
    assert!(matches!(stage.bootstrap(wanted).await, Err(StageError::Wish(_))));
    stage.assert_no_secret_was_said();
}

#[tokio::test]
async fn the_token_of_another_account_takes_its_bot_with_it() {
    let stage = Stage::new().await;
    stage.bootstrap(stage.wanted()).await.unwrap();
    let bot = |stage: &Stage| stage.secret(Role::Webhook)["channel"]["demo"]["bot_user_id"].clone();
    let (own, other) = {
        let of = |channel: &str| json!(stage.app.installation().channel_secret(channel, "bot_user_id").unwrap());
        (of("demo"), of("kept"))
    };
    assert_eq!(bot(&stage), own);
    let token = json!(stage.app.installation().channel_secret("kept", "access_token").unwrap());
    let file = stage.channel_secrets(|all| all["channel"]["demo"]["access_token"] = token);
    for (file, wanted_bot) in [(file, other), (stage.app.folder().join("own.toml"), own)] {
        if !file.exists() {
            std::fs::copy(stage.channel_secrets(|_| {}), &file).unwrap();
        }
        let mut wanted = stage.wanted_with(Some(file));
        wanted.replace = vec!["channel.demo.access_token".to_owned()];
        assert_eq!(stage.bootstrap(wanted).await.unwrap().missing, 0, "{}", stage.said());
        assert_eq!(bot(&stage), wanted_bot);
    }
    assert_eq!(stage.said().matches("～ channel.demo.bot_user_id").count(), 2, "{}", stage.said());
    assert_shared(&stage);
    // A token to which LINE does not answer tells of no bot.
    let file = stage.channel_secrets(|all| all["channel"]["demo"]["access_token"] = json!("revoked-0123456789"));
    let mut wanted = stage.wanted_with(Some(file));
    wanted.replace = vec!["channel.demo.access_token".to_owned()];
    assert_eq!(stage.bootstrap(wanted).await.unwrap().missing, 1, "{}", stage.said());
    stage.assert_no_secret_was_said();
}

#[tokio::test]
async fn a_key_that_is_malformed_is_told_of_and_left_alone() {
    let stage = Stage::ready().await;
    stage.change_secret(Role::Opener, |secret| secret["keys"]["note"] = json!("malformed-note-key"));
    let versions = stage.versions();
    let done = stage.bootstrap(stage.wanted_with(None)).await.unwrap();
    assert_eq!(done, Done { changed: 0, missing: 1 }, "{}", stage.said());
    let told = "secret of opener: keys.note is not base64; put it back from the previous version";
    assert!(stage.said().contains(told), "{}", stage.said());
    assert_eq!(stage.versions(), versions);
    stage.assert_no_secret_was_said();
}

#[tokio::test]
async fn without_its_tables_nothing_is_begun() {
    let stage = Stage::new().await;
    stage.known().gone_tables.push(Table::Audit);
    let refused = stage.bootstrap(stage.wanted()).await.unwrap_err();
    assert!(matches!(refused, StageError::Call { operation: "DescribeTable", .. }), "{refused}");
    assert!(refused.to_string().contains("deploy again"), "{refused}");
    assert!(stage.app.rows(Table::Vault).is_empty() && stage.versions() == 0);
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_of_secrets_is_nobody_elses_and_says_what_is_known() {
    use std::os::unix::fs::PermissionsExt;

    let stage = Stage::new().await;
    let open = stage.channel_secrets(|_| {});
    std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o644)).unwrap();
    let refused = stage.bootstrap(stage.wanted_with(Some(open))).await.unwrap_err().to_string();
    assert!(refused.contains("chmod 600"), "{refused}");
    let odd = stage.channel_secrets(|all| {
        all["channel"]["demo"]["chanel_secret"] = json!("misspelt-0123456789");
        all["channel"]["other"]["access_token"] = json!("of-nobody-0123456789");
        all["channel"]["demo"]["login_channel_id"] = json!(1_234_567_890);
    });
    let refused = stage.bootstrap(stage.wanted_with(Some(odd))).await.unwrap_err().to_string();
    for part in ["channel.demo.chanel_secret", "\"other\"", "channel.demo.login_channel_id"] {
        assert!(refused.contains(part), "{part}: {refused}");
    }
    for value in ["misspelt", "of-nobody", "1234567890"] {
        assert!(!stage.said().contains(value), "{value}");
    }
    assert_eq!(stage.versions(), 0, "nothing was begun");
    let mut wanted = stage.wanted_with(None);
    let given = |name: &str| (name == "AZUKARI_CHANNEL_DEMO_ACCESS_TOKEN").then(|| "from-the-environment".to_owned());
    wanted.environment = &given;
    stage.bootstrap(wanted).await.unwrap();
    assert_eq!(stage.secret(Role::Form)["channel"]["demo"]["access_token"], "from-the-environment");
    stage.assert_no_secret_was_said();
}

#[tokio::test]
async fn the_first_operator_gets_a_key_and_can_be_asked_for_by_name() {
    let stage = Stage::with_files(&[("operators.toml", "# nobody yet")]).await;
    let without = stage.bootstrap(stage.wanted()).await.unwrap();
    assert_eq!(without.missing, 1, "{}", stage.said());
    let officer = OperatorId::parse("officer").unwrap();
    let mut wanted = stage.wanted();
    wanted.operator = Some(officer.clone());
    let path = usual_path(&wanted.data_dir, &officer);
    assert_eq!(stage.bootstrap(wanted).await.unwrap().missing, 0, "{}", stage.said());
    let key = OperatorKey::read(officer.clone(), &path).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;

        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        // One that others can read is not used.
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let refused = OperatorKey::read(officer.clone(), &path).unwrap_err().to_string();
        assert!(refused.contains("chmod 600"), "{refused}");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    let configured = azukari_local::config::read(&stage.app.folder().join("config")).unwrap().operators;
    assert_eq!(configured.len(), 1);
    assert_eq!(OpenerSecrets::read(&stage.secret(Role::Opener)).unwrap().operators, configured);
    assert_eq!(stage.secret(Role::Opener)["operators"][0]["public_key"], json!(key.public_text()));
    assert_eq!(stage.secret(Role::Opener)["operators"][0]["role"], "privacy_officer");
    // Again: the same key, and nobody is there twice.
    let mut wanted = stage.wanted();
    wanted.operator = Some(officer.clone());
    assert_eq!(stage.bootstrap(wanted).await.unwrap().changed, 0);
    assert_eq!(OperatorKey::read(officer, &path).unwrap().public_text(), key.public_text());
    let private = std::fs::read_to_string(&path).unwrap();
    let body: String = private.lines().filter(|line| !line.starts_with('-')).collect();
    assert!(body.len() > 100 && !stage.said().contains(&body[..40]));
    stage.assert_no_secret_was_said();
}

#[tokio::test]
async fn an_operator_who_is_gone_from_the_configuration_goes_when_somebody_agrees() {
    let stage = Stage::new().await;
    stage.bootstrap(stage.wanted()).await.unwrap();
    let names = |stage: &Stage| -> Vec<String> {
        let secrets = OpenerSecrets::read(&stage.secret(Role::Opener)).unwrap();
        secrets.operators.iter().map(|operator| operator.id.to_string()).collect()
    };
    let before = names(&stage);
    assert!(before.len() > 1);
    let file = stage.app.folder().join("config/operators.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let (first, _) = text.split_once("\n\n").unwrap();
    std::fs::write(&file, first).unwrap();
    assert!(matches!(stage.bootstrap(stage.wanted()).await, Err(StageError::NobodyToAsk)));
    let kept = stage.bootstrap_asking(stage.wanted(), &mut typing("n\n")).await.unwrap();
    assert_eq!((kept.changed, kept.missing), (0, 1));
    assert_eq!(names(&stage), before);
    let gone = stage.bootstrap_asking(stage.wanted(), &mut typing("y\n")).await.unwrap();
    assert_eq!((gone.changed, gone.missing), (1, 0));
    assert_eq!(names(&stage), before[..1]);
    stage.assert_no_secret_was_said();
}

#[tokio::test]
async fn a_pool_that_does_not_grow_is_told_of() {
    let stage = Stage::new().await;
    stage.set(Role::Locksmith, settings::POOL_TARGET, Some("100"));
    let done = stage.bootstrap(stage.wanted()).await.unwrap();
    assert_eq!(done.missing, 1, "{}", stage.said());
    assert!(stage.said().contains("24 / 100"), "{}", stage.said());
    stage.assert_no_secret_was_said();
}

#[tokio::test]
async fn publishing_shows_what_differs_and_waits_for_an_answer() {
    let stage = Stage::ready().await;
    let channel = stage.app.folder().join("config/channels/demo.toml");
    let text = std::fs::read_to_string(&channel).unwrap();
    std::fs::write(&channel, text.replace("after_block = { days = 30 }", "after_block = { days = 45 }")).unwrap();
    let plan = stage.plan().await.unwrap();
    let told = plan.told();
    assert!(told.contains("チャネル / channel demo V1 → V2"), "{told}");
    assert!(told.contains("目的 / purpose chat V1: 変わりません / unchanged"), "{told}");
    let marked =
        |mark: char, word: &str| told.lines().any(|line| line.trim_start().starts_with(mark) && line.contains(word));
    assert!(marked('-', "30") && marked('+', "45"), "{told}");

    let before = stored(&stage);
    assert!(matches!(stage.publish(&mut Asking::Nobody).await, Err(StageError::NobodyToAsk)));
    assert!(!stage.publish(&mut typing("n\n")).await.unwrap());
    assert!(!stage.publish(&mut typing("")).await.unwrap());
    assert_eq!(stored(&stage), before, "nothing was written");
    assert!(stage.publish(&mut typing("はい\n")).await.unwrap());
    assert!(stage.said().contains("within 60 seconds"), "{}", stage.said());
    assert_ne!(stored(&stage), before);
    stage.assert_no_secret_was_said();
}

#[tokio::test]
async fn published_again_there_is_nothing_to_do() {
    let stage = Stage::ready().await;
    let before = stored(&stage);
    let plan = stage.plan().await.unwrap();
    assert!(plan.is_empty() && plan.told().contains("There is nothing to publish"));
    assert!(stage.publish(&mut Asking::Yes).await.unwrap());
    assert_eq!(stored(&stage), before);
    stage.assert_no_secret_was_said();
}

#[tokio::test]
async fn a_channel_that_is_taken_out_of_the_configuration_is_told_of() {
    let stage = Stage::ready().await;
    assert!(stage.plan().await.unwrap().gone().is_empty());
    for file in ["channels/strict.toml", "forms/note-strict.toml"] {
        std::fs::remove_file(stage.app.folder().join("config").join(file)).unwrap();
    }
    let plan = stage.plan().await.unwrap();
    assert_eq!(plan.gone(), ["strict"]);
    assert!(plan.told().contains("－ チャネル / channel strict: "), "{}", plan.told());
    assert!(stage.publish(&mut Asking::Yes).await.unwrap());
    let report = stage.doctor().await;
    assert_eq!(wrong(&report), ["secrets.channels"], "{}", report.told());
    // Whoever may not read secrets publishes all the same.
    stage.known().refused_secrets.insert(Role::Webhook, "AccessDeniedException");
    assert!(stage.plan().await.unwrap().is_empty());
    stage.assert_no_secret_was_said();
}

#[tokio::test]
async fn a_configuration_with_problems_is_not_published() {
    let stage = Stage::ready().await;
    let before = stored(&stage);
    let folder = stage.app.folder().join("config");
    for (file, text) in [("purposes.toml", "surplus = 1\n"), ("channels/demo.toml", "policy = \"none\"\n")] {
        std::fs::write(folder.join(file), text).unwrap();
    }
    let Err(StageError::Configuration(problems)) = stage.publish(&mut Asking::Yes).await else {
        panic!("it was published")
    };
    let files: BTreeSet<&str> = problems.iter().map(|problem| problem.file.as_str()).collect();
    assert!(files.contains("purposes.toml") && files.contains("channels/demo.toml"), "{problems}");
    assert_eq!(stored(&stage), before);
    let report = stage.doctor().await;
    assert!(wrong(&report).contains(&"configuration.sound"), "{}", report.told());
    stage.assert_no_secret_was_said();
}

#[tokio::test]
async fn in_a_healthy_stage_nothing_is_wrong() {
    let stage = Stage::ready().await;
    let before = (stored(&stage), stage.versions());
    let report = stage.doctor().await;
    assert!(report.is_sound() && wrong(&report).is_empty(), "{}", report.told());
    assert_eq!((stored(&stage), stage.versions()), before, "looking changes nothing");
    let checked: BTreeSet<&str> = report.checks.iter().map(|check| check.id.as_str()).collect();
    assert_eq!(checked.len(), report.checks.len(), "each is checked once");
    for (channel, _) in CHANNELS {
        for what in ["access_token", "webhook_url", "webhook_active", "webhook_test", "login_channel", "policy_page"] {
            assert!(checked.contains(format!("channel.{channel}.{what}").as_str()), "{channel} {what}");
        }
    }
    // What LINE does not tell is not claimed.
    let redelivery = report.checks.iter().find(|check| check.id == "channel.demo.redelivery").unwrap();
    let shown = serde_json::to_value(redelivery).unwrap();
    assert_eq!(shown["finding"], "cannot_tell");
    assert!(shown["fix"]["en"].as_str().unwrap().contains("Webhook redelivery"));
    stage.assert_no_secret_was_said();
}

/// A fault, what is wrong then, and a word of its fix.
struct Fault {
    plant: fn(&Stage),
    wrong: &'static [&'static str],
    fix: &'static str,
}

const FAULTS: &[Fault] = &[
    Fault {
        plant: |stage| stage.change_secret(Role::Webhook, |it| set(it, "channel_secret", "not-the-one-of-line-01")),
        wrong: &["channel.demo.webhook_test"],
        fix: "--replace channel.demo.channel_secret",
    },
    Fault {
        plant: |stage| stage.line().set_webhook("demo", Some("https://elsewhere.example/webhook/demo"), true),
        wrong: &["channel.demo.webhook_url"],
        fix: "https://pages.azukari.test/webhook/demo",
    },
    Fault {
        plant: |stage| stage.line().set_webhook("demo", None, true),
        wrong: &["channel.demo.webhook_url"],
        fix: "https://pages.azukari.test/webhook/demo",
    },
    Fault {
        plant: |stage| stage.line().set_webhook("demo", Some(&format!("{PUBLIC_URL}/webhook/demo")), false),
        wrong: &["channel.demo.webhook_active"],
        fix: "Use webhook",
    },
    Fault {
        plant: |stage| {
            for role in Role::INTAKE {
                stage.change_secret(role, |it| set(it, "access_token", "a-token-that-was-revoked"));
            }
        },
        wrong: &["channel.demo.access_token"],
        fix: "--replace channel.demo.access_token",
    },
    Fault {
        plant: |stage| stage.change_secret(Role::Link, |it| set(it, "login_channel_secret", "not-the-one-of-login")),
        wrong: &["channel.demo.login_channel"],
        fix: "--replace channel.demo.login_channel_secret",
    },
    Fault {
        plant: |stage| {
            stage.change_secret(Role::Form, |it| {
                it["keys"]["origin"] = json!("bm90IHRoZSBvcmlnaW4ga2V5IG9mIHRoZSBvdGhlcnM=");
            });
        },
        wrong: &["secrets.shared"],
        fix: "previous version",
    },
    Fault {
        plant: |stage| {
            stage.change_secret(Role::Sweeper, |it| {
                it["keys"].as_object_mut().unwrap().remove("origin").unwrap();
            });
        },
        wrong: &["secret.sweeper"],
        fix: "azukari bootstrap --stage azukari-test",
    },
    Fault {
        plant: |stage| stage.change_secret(Role::Form, |it| set(it, "channel_secret", "that-form-does-not-need")),
        wrong: &["secret.form.surplus"],
        fix: "Secrets Manager",
    },
    Fault {
        plant: |stage| {
            stage.known().recovery.insert(Table::Vault, 0);
        },
        wrong: &["table.vault.recovery"],
        fix: "sam deploy",
    },
    Fault {
        // Keys that were destroyed would come back for longer than people were told.
        plant: |stage| {
            stage.known().recovery.insert(Table::Keys, 35);
        },
        wrong: &["table.keys.recovery"],
        fix: "sam deploy",
    },
    Fault {
        plant: |stage| stage.known().unprotected.push(Table::Audit),
        wrong: &["table.audit.deletion_protection"],
        fix: "sam deploy",
    },
    Fault { plant: |stage| stage.known().no_ttl = true, wrong: &["table.vault.ttl"], fix: "sam deploy" },
    Fault { plant: |stage| stage.known().disabled_keys.push("wrap"), wrong: &["key.wrap"], fix: "enable the key" },
    Fault {
        plant: |stage| stage.known().unrotated = true,
        wrong: &["key.wrap.rotation", "key.tables.rotation"],
        fix: "sam deploy",
    },
    Fault {
        plant: |stage| stage.set(Role::Locksmith, settings::POOL_TARGET, Some("5000")),
        wrong: &["pool"],
        fix: "azukari bootstrap --stage azukari-test",
    },
    Fault {
        plant: |stage| stage.set(Role::Form, settings::LIFF_SDK, None),
        wrong: &["function.form.settings"],
        fix: "sam deploy",
    },
    Fault {
        plant: |stage| stage.set(Role::Link, settings::ENROL_PUBLIC_KEY, Some("none")),
        wrong: &["key.enrol.public"],
        fix: "EnrolPublicKey",
    },
    Fault {
        plant: |stage| stage.set(Role::Opener, settings::AUDIENCE, Some("azukari:another")),
        wrong: &["functions.shared"],
        fix: "sam deploy",
    },
    Fault {
        plant: |stage| {
            stage.known().functions.remove(&Role::Sweeper);
        },
        wrong: &["function.sweeper", "tables"],
        fix: "sam deploy",
    },
    Fault { plant: |stage| stage.set_skew(120_000), wrong: &["clock"], fix: "NTP" },
    Fault {
        plant: |stage| stage.known().gone_tables.push(Table::Audit),
        wrong: &["table.audit", "table.audit.recovery", "audit.day_root"],
        fix: "restore it",
    },
    Fault {
        plant: |stage| stage.known().gone_keys.push("wrap"),
        wrong: &["key.wrap", "key.wrap.rotation"],
        fix: "deploy again",
    },
    Fault {
        // Deletion is scheduled.
        plant: |stage| {
            stage.known().refused_secrets.insert(Role::Link, "InvalidRequestException");
        },
        wrong: &["secret.link"],
        fix: "about to be deleted",
    },
    Fault {
        plant: |stage| stage.change_secret(Role::Form, |it| *it = json!([])),
        wrong: &["secret.form"],
        fix: "Secrets Manager",
    },
    Fault {
        plant: |stage| {
            stage.change_secret(Role::Opener, |it| it["keys"]["note"] = json!("malformed-note-key"));
        },
        wrong: &["secret.opener"],
        fix: "previous version",
    },
    Fault {
        plant: |stage| {
            stage.change_secret(Role::Opener, |_| {});
            stage.known().written_at.insert(Role::Opener, LONG_AFTER);
        },
        wrong: &["secret.opener.in_use"],
        fix: "--function-name azukari-test-opener ",
    },
    Fault {
        plant: |stage| stage.set(Role::Locksmith, settings::POOL_TARGET, Some("abc")),
        wrong: &["pool"],
        fix: "PoolTarget",
    },
];

/// A time after every deployment.
const LONG_AFTER: i64 = 4_102_444_800_000;

/// Sets a member of the channel `demo`.
fn set(secret: &mut Value, member: &str, value: &str) {
    secret["channel"]["demo"][member] = json!(value);
}

#[tokio::test]
async fn each_fault_is_found_with_its_fix() {
    let stage = Stage::ready().await;
    for fault in FAULTS {
        let before = stage.known().clone();
        (fault.plant)(&stage);
        let report = stage.doctor().await;
        assert_eq!(wrong(&report), fault.wrong, "{}", report.told());
        let found = report.checks.iter().find(|check| check.id == fault.wrong[0]).unwrap();
        let fix = found.fix.as_ref().expect("what is wrong has a fix").to_string();
        assert!(fix.contains(fault.fix), "{}: {fix}", found.id);
        assert!(fix.contains(" / "), "in both languages: {fix}");
        stage.assert_no_secret_was_said();
        *stage.known() = before;
        stage.set_skew(0);
        stage.line().set_webhook("demo", Some(&format!("{PUBLIC_URL}/webhook/demo")), true);
    }
    assert!(stage.doctor().await.is_sound(), "every fault was taken back");
}

#[tokio::test]
async fn what_could_not_be_read_is_neither_right_nor_wrong() {
    let stage = Stage::ready().await;
    for role in HOLDERS {
        stage.known().refused_secrets.insert(role, "AccessDeniedException");
    }
    let report = stage.doctor().await;
    assert!(report.is_sound() && !report.is_whole(), "{}", report.told());
    for id in ["secret.webhook", "secret.opener", "secrets.shared", "channel.demo.access_token"] {
        assert!(unread(&report).contains(&id), "{id}: {}", report.told());
    }
    let refused = report.checks.iter().find(|check| check.id == "secret.webhook").unwrap();
    for half in [&refused.what.ja, &refused.what.en] {
        assert!(half.contains("GetSecretValue") && half.contains("AccessDeniedException"), "{half}");
    }
    assert!(refused.fix.as_ref().unwrap().en.contains("infra/README.md"));
    stage.known().refused_secrets.clear();
    assert!(stage.doctor().await.is_whole());
    stage.assert_no_secret_was_said();
}

#[tokio::test]
async fn a_secret_that_was_written_once_needs_no_second_start() {
    let stage = Stage::ready().await;
    assert_eq!(stage.versions(), HOLDERS.len());
    for role in HOLDERS {
        stage.known().written_at.insert(role, LONG_AFTER);
    }
    let report = stage.doctor().await;
    assert!(report.is_sound() && report.is_whole(), "{}", report.told());
    stage.assert_no_secret_was_said();
}

#[tokio::test]
async fn a_sweeper_that_stands_still_is_found_and_days_that_are_not_sealed() {
    let stage = Stage::ready().await;
    let sweeper = stage.app.installation().dynamodb_as(Role::Sweeper);
    let vault = Vault::new(sweeper, Table::Vault.as_str(), std::sync::Arc::new(Nobody));
    let cursor: Hour = vault.cursor().await.unwrap().unwrap();
    vault.put_cursor(cursor.plus(-5)).await.unwrap();
    let report = stage.doctor().await;
    assert_eq!(wrong(&report), ["sweeper.cursor"], "{}", report.told());
    let found = report.checks.iter().find(|check| check.id == "sweeper.cursor").unwrap();
    assert!(found.what.en.contains("5 hour(s)") && found.fix.as_ref().unwrap().en.contains("azukari-test-sweeper"));
    vault.put_cursor(cursor).await.unwrap();

    // Three days later nothing has run: the cursor stands still, and no day was sealed.
    stage.app.advance_days(3);
    let report = stage.doctor().await;
    assert_eq!(wrong(&report), ["sweeper.cursor", "audit.day_root"], "{}", report.told());
    stage.app.sweep().await.unwrap();
    assert!(stage.doctor().await.is_sound());
    stage.assert_no_secret_was_said();
}

#[tokio::test]
async fn a_configuration_that_is_not_published_is_found() {
    let stage = Stage::ready().await;
    let channel = stage.app.folder().join("config/channels/demo.toml");
    let text = std::fs::read_to_string(&channel).unwrap();
    std::fs::write(&channel, text.replace("after_block = { days = 30 }", "after_block = { days = 45 }")).unwrap();
    let report = stage.doctor().await;
    assert_eq!(wrong(&report), ["configuration.published"], "{}", report.told());
    let found = report.checks.iter().find(|check| check.id == "configuration.published").unwrap();
    assert!(found.what.en.contains("channel/demo"), "{}", found.what);
    assert!(found.fix.as_ref().unwrap().en.contains("azukari publish --stage azukari-test"));
    stage.assert_no_secret_was_said();
}

#[tokio::test]
async fn without_any_function_nothing_is_done() {
    let stage = Stage::new().await;
    stage.known().functions.clear();
    let refused = stage.bootstrap(stage.wanted()).await.unwrap_err();
    assert!(matches!(refused, StageError::NoStack { .. }), "{refused}");
    assert!(stage.publish(&mut Asking::Yes).await.is_err());
    assert!(stage.app.rows(Table::Vault).is_empty() && stage.versions() == 0);
}
