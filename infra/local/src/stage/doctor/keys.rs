//! The KMS keys: in use, rotated where they can be, and the public half of `enrol` where it
//! belongs.

use azukari::{
    host::{roles::Role, settings},
    keys,
};
use base64::{Engine, engine::general_purpose::STANDARD};

use crate::stage::{
    StageError,
    doctor::{Report, Said, Stage, bootstrap_again, deploy_again, said},
};

pub(super) async fn examine(stage: &Stage<'_>, report: &mut Report) {
    let named = [
        ("wrap", Role::Opener, settings::WRAP_KEY, true),
        ("enrol", Role::Locksmith, settings::ENROL_KEY, false),
        ("evidence", Role::Sweeper, settings::EVIDENCE_KEY, false),
        ("index", Role::Form, settings::INDEX_KEY, false),
    ];
    for (name, role, setting, rotates) in named {
        // A setting that is missing is told of elsewhere.
        if let Some(key) = stage.functions.find(role, setting) {
            key_in_use(stage, name, key, rotates, report).await;
        }
    }
    enrol(stage, report).await;
}

/// Checks one key, and its rotation if KMS can rotate it: keys that sign, or that digest,
/// stay what they are.
pub(super) async fn key_in_use(stage: &Stage<'_>, name: &str, key: &str, rotates: bool, report: &mut Report) {
    let id = format!("key.{name}");
    match stage.cloud.kms.describe_key().key_id(key).send().await {
        Err(error) => report.not_read(id, &StageError::call("DescribeKey", &error)),
        Ok(answer) => {
            let state = answer.key_metadata().and_then(|about| about.key_state()).map(|state| state.as_str());
            let state = state.unwrap_or("?");
            let fix = said(
                "AWSコンソールのKMSで、鍵を有効に戻す（削除の予約があれば取り消す）",
                "enable the key in the KMS console, and cancel its deletion if that is scheduled",
            );
            report.holds(
                state == "Enabled",
                id,
                said(format!("鍵{name}: {state}"), format!("key {name}: {state}")),
                fix,
            );
        }
    }
    if !rotates {
        return;
    }
    let id = format!("key.{name}.rotation");
    match stage.cloud.kms.get_key_rotation_status().key_id(key).send().await {
        Err(error) => report.not_read(id, &StageError::call("GetKeyRotationStatus", &error)),
        Ok(answer) => report.holds(
            answer.key_rotation_enabled(),
            id,
            said(format!("鍵{name}の自動ローテーション"), format!("rotation of key {name}")),
            deploy_again(),
        ),
    }
}

/// Whoever seals verifies with the public half of `enrol`.
async fn enrol(stage: &Stage<'_>, report: &mut Report) {
    let id = "key.enrol.public";
    let Some(key) = stage.functions.find(Role::Locksmith, settings::ENROL_KEY) else { return };
    let public = match keys::public_key(&stage.cloud.kms, key).await {
        Ok(public) => STANDARD.encode(public),
        Err(error) => return report.not_read(id, &error.into()),
    };
    let holders = [Role::Webhook, Role::Form, Role::Link, Role::Opener];
    let other: Vec<&str> = holders
        .into_iter()
        .filter(|role| stage.functions.find(*role, settings::ENROL_PUBLIC_KEY) != Some(public.as_str()))
        .map(Role::as_str)
        .collect();
    if other.is_empty() {
        return report.ok(id, said("EnrolPublicKeyはKMSの公開鍵です。", "EnrolPublicKey is the public key of KMS."));
    }
    let list = other.join(", ");
    let what = said(
        format!("EnrolPublicKeyがKMSの公開鍵ではありません: {list}"),
        format!("EnrolPublicKey is not the public key of KMS: {list}"),
    );
    let Said { ja, en } = bootstrap_again(&stage.cloud.stack);
    let fix = said(
        format!("{ja}（表示されたEnrolPublicKeyで、もう一度デプロイする）"),
        format!("{en}, and deploy again with the EnrolPublicKey that it prints"),
    );
    report.wrong(id, what, fix);
}
