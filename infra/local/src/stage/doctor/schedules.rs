//! What the schedules have done: the pool is full, the sweeper's cursor is near, days are
//! sealed.

use azukari::{
    domain::{day_root, sweep},
    host::{roles::Role, settings},
    store::audit::Audit,
};

use crate::stage::{
    StageError, bootstrap,
    doctor::{Report, Said, Stage, bootstrap_again, said},
};

/// The cursor may be so many hours behind where a sweep now would put it: it moves by the
/// hour.
const CURSOR_HOURS: i64 = 1;
/// The last day root may be of so many days before the one that is due.
const ROOT_DAYS: i64 = 1;

pub(super) async fn examine(stage: &Stage<'_>, report: &mut Report) {
    pool(stage, report).await;
    cursor(stage, report).await;
    roots(stage, report).await;
}

/// Wrong below half of what it is to hold: the locksmith fills it every minute.
async fn pool(stage: &Stage<'_>, report: &mut Report) {
    let find = |setting| stage.functions.find(Role::Locksmith, setting);
    // A setting that is missing is told of elsewhere.
    let (Some(target), Some(table)) = (find(settings::POOL_TARGET), find(settings::VAULT_TABLE)) else { return };
    let Ok(target) = target.parse::<usize>() else {
        let setting = settings::POOL_TARGET;
        let what = said(format!("{setting}が数ではありません。"), format!("{setting} is not a number."));
        let fix = said(
            "パラメーターPoolTargetを数にして、もう一度デプロイする（sam deploy）",
            "make the parameter PoolTarget a number and deploy again (sam deploy)",
        );
        return report.wrong("pool", what, fix);
    };
    match bootstrap::level(&stage.cloud.vault(table)).await {
        Err(error) => report.not_read("pool", &StageError::from(error)),
        Ok(level) => report.holds(
            level.saturating_mul(2) >= target,
            "pool",
            said(format!("鍵の備え: {level} / {target}"), format!("key pairs in the pool: {level} of {target}")),
            bootstrap_again(&stage.cloud.stack),
        ),
    }
}

async fn cursor(stage: &Stage<'_>, report: &mut Report) {
    let id = "sweeper.cursor";
    let Some(table) = stage.functions.find(Role::Sweeper, settings::VAULT_TABLE) else { return };
    let now = stage.cloud.clock.now();
    let nearest = sweep::cursor(None, now);
    let fix = said(
        format!("{}-sweeperのログを見て、予定（EventBridge）が有効か確かめる", stage.cloud.stack),
        format!("see the log of {}-sweeper, and whether its schedule (EventBridge) is enabled", stage.cloud.stack),
    );
    match stage.cloud.vault(table).cursor().await {
        Err(error) => report.not_read(id, &StageError::from(error)),
        Ok(None) => report.wrong(
            id,
            said("sweeperの読みはじめがありません。", "the sweeper has no cursor."),
            bootstrap_again(&stage.cloud.stack),
        ),
        Ok(Some(cursor)) => {
            let behind = nearest.count() - cursor.count();
            let what = said(
                format!("sweeperの読みはじめ: {behind}時間の遅れ"),
                format!("the sweeper's cursor is {behind} hour(s) behind"),
            );
            report.holds(behind <= CURSOR_HOURS, id, what, fix);
        }
    }
}

async fn roots(stage: &Stage<'_>, report: &mut Report) {
    let id = "audit.day_root";
    let Some(table) = stage.functions.find(Role::Sweeper, settings::AUDIT_TABLE) else { return };
    let due = day_root::due(stage.cloud.clock.now());
    let fix = said(
        "azukari audit verify で台帳を確かめ、sweeperのログ（封印できない理由）を見る",
        "check the ledger with azukari audit verify, and see the log of sweeper for why a day is not sealed",
    );
    let audit = Audit::new(stage.cloud.dynamodb.clone(), table);
    match audit.last_root().await {
        Err(error) => report.not_read(id, &StageError::from(error)),
        Ok(None) => {
            let Said { ja, en } = fix;
            let fix = said(
                format!("はじめてのデプロイの直後なら、数分待ってもう一度確かめる。そうでなければ、{ja}"),
                format!("right after set-up: wait a few minutes and look again; otherwise {en}"),
            );
            report.wrong(id, said("封印された日がありません。", "no day has been sealed."), fix);
        }
        Ok(Some(last)) => {
            let last = last.root.day;
            let earliest = due.start().plus(-ROOT_DAYS * azukari::domain::time::DAY_MS).tokyo_day();
            let what = said(format!("最後に封印された日: {last}"), format!("the last day that was sealed: {last}"));
            report.holds(last >= earliest, id, what, fix);
        }
    }
}
