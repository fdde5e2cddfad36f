//! The configuration: sound, and published.

use azukari::host::{roles::Role, settings};

use crate::{
    config::Problems,
    publish::plan,
    stage::{
        StageError,
        doctor::{Report, Stage, deploy_again, said},
    },
};

pub(super) async fn examine(stage: &Stage<'_>, problems: Option<&Problems>, report: &mut Report) {
    if let Some(problems) = problems {
        let n = problems.iter().count();
        report.wrong(
            "configuration.sound",
            said(format!("設定に問題が{n}件あります。"), format!("the configuration has {n} problem(s).")),
            said(
                "azukari check-config を実行し、示された問題を直す",
                "run azukari check-config and mend what it shows",
            ),
        );
    }
    let Some(configuration) = stage.configuration else { return };
    let Some(table) = stage.functions.find(Role::Webhook, settings::VAULT_TABLE) else {
        let what = said("公開先の表がわかりません。", "the table to publish to is not named.");
        return report.wrong("configuration.published", what, deploy_again());
    };
    let plan = match plan(&stage.cloud.vault(table), configuration, &*stage.cloud.mint).await {
        Ok(plan) => plan,
        Err(error) => return report.not_read("configuration.published", &StageError::from(error)),
    };
    let names: Vec<String> = plan.changes().map(|step| format!("{}/{}", step.kind.as_str(), step.name)).collect();
    let list = names.join(", ");
    let what = if names.is_empty() {
        said("設定は公開されています。", "the configuration is published.")
    } else {
        said(format!("公開されていません: {list}"), format!("not published: {list}"))
    };
    let command = format!("azukari publish --stage {}", stage.cloud.stack);
    let fix = said(format!("実行する: {command}"), format!("run: {command}"));
    report.holds(names.is_empty(), "configuration.published", what, fix);
}
