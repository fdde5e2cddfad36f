//! The tables: protected, recoverable for exactly as long as people are told, encrypted with
//! a key of ours.

use aws_sdk_dynamodb::types::{PointInTimeRecoveryStatus, SseStatus, TableStatus, TimeToLiveStatus};
use azukari::store::tables::{DECLARATIONS, Declaration};

use crate::stage::{
    StageError,
    doctor::{Report, Stage, deploy_again, keys, said},
};

pub(super) async fn examine(stage: &Stage<'_>, report: &mut Report) {
    let names = match stage.functions.tables(stage.cloud) {
        Ok(names) => names,
        Err(error) => return report.wrong("tables", error.what(), deploy_again()),
    };
    let mut key = None;
    for declaration in &DECLARATIONS {
        let name = names.of(declaration.table);
        key = table(stage, declaration, name, report).await.or(key);
        recovery(stage, declaration, name, report).await;
        if let Some(attribute) = declaration.ttl {
            ttl(stage, declaration, name, attribute, report).await;
        }
    }
    if let Some(key) = key {
        keys::key_in_use(stage, "tables", &key, true, report).await;
    }
}

/// Checks a table itself. Gives the key that it is encrypted with.
async fn table(stage: &Stage<'_>, declaration: &Declaration, name: &str, report: &mut Report) -> Option<String> {
    let table = declaration.table.as_str();
    let id = format!("table.{table}");
    let answer = match stage.cloud.dynamodb.describe_table().table_name(name).send().await {
        Ok(answer) => answer,
        Err(error) => {
            report.not_read(id, &StageError::call("DescribeTable", &error));
            return None;
        }
    };
    let about = answer.table()?;
    let state = about.table_status().map_or("?", TableStatus::as_str);
    report.holds(
        matches!(about.table_status(), Some(TableStatus::Active | TableStatus::Updating)),
        id,
        said(format!("表{table}: {state}"), format!("table {table}: {state}")),
        said("AWSコンソールのDynamoDBで、表の状態を確かめる", "look at the table in the DynamoDB console"),
    );
    report.holds(
        about.deletion_protection_enabled() == Some(declaration.deletion_protection),
        format!("table.{table}.deletion_protection"),
        said(format!("表{table}の削除保護"), format!("deletion protection of {table}")),
        deploy_again(),
    );
    let sse = about.sse_description();
    let key = sse.and_then(|sse| sse.kms_master_key_arn()).map(str::to_owned);
    let encrypted = matches!(sse.and_then(|sse| sse.status()), Some(SseStatus::Enabled | SseStatus::Updating));
    report.holds(
        encrypted && key.is_some(),
        format!("table.{table}.encryption"),
        said(format!("表{table}の暗号化（KMSの鍵tables）"), format!("encryption of {table} with the KMS key tables")),
        deploy_again(),
    );
    key
}

/// A shorter window loses data in a mishap; a longer one keeps what was erased for longer
/// than people were told.
async fn recovery(stage: &Stage<'_>, declaration: &Declaration, name: &str, report: &mut Report) {
    let (table, wanted) = (declaration.table.as_str(), declaration.recovery_days);
    let id = format!("table.{table}.recovery");
    let answer = match stage.cloud.dynamodb.describe_continuous_backups().table_name(name).send().await {
        Ok(answer) => answer,
        Err(error) => return report.not_read(id, &StageError::call("DescribeContinuousBackups", &error)),
    };
    let about = answer.continuous_backups_description().and_then(|all| all.point_in_time_recovery_description());
    let on = about.and_then(|about| about.point_in_time_recovery_status()) == Some(&PointInTimeRecoveryStatus::Enabled);
    let days = about.and_then(|about| about.recovery_period_in_days()).filter(|_| on);
    let (ja, en) = match days {
        Some(days) => (format!("{days}日"), format!("{days} days")),
        None if on => ("オン（日数は不明）".to_owned(), "on, of a length not told".to_owned()),
        None => ("オフ".to_owned(), "off".to_owned()),
    };
    let what = said(
        format!("表{table}のポイントインタイムリカバリ: {ja}（正しくは{wanted}日）"),
        format!("point-in-time recovery of {table}: {en}, to be {wanted} days"),
    );
    report.holds(days.map(i64::from) == Some(wanted), id, what, deploy_again());
}

async fn ttl(stage: &Stage<'_>, declaration: &Declaration, name: &str, attribute: &str, report: &mut Report) {
    let table = declaration.table.as_str();
    let id = format!("table.{table}.ttl");
    let answer = match stage.cloud.dynamodb.describe_time_to_live().table_name(name).send().await {
        Ok(answer) => answer,
        Err(error) => return report.not_read(id, &StageError::call("DescribeTimeToLive", &error)),
    };
    let about = answer.time_to_live_description();
    let on = matches!(
        about.and_then(|about| about.time_to_live_status()),
        Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling)
    );
    let same = about.and_then(|about| about.attribute_name()) == Some(attribute);
    let what = said(format!("表{table}のTTL（属性{attribute}）"), format!("time to live of {table} by {attribute}"));
    report.holds(on && same, id, what, deploy_again());
}
