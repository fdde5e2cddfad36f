//! Examining a stage: a list of checks, each right, wrong, not read, or not to be told from
//! here, and how to mend what is not right. It changes nothing. What it says names roles, members,
//! channels and counts; never a secret, and nobody's data.

mod channels;
mod configuration;
mod functions;
mod keys;
mod schedules;
mod secrets;
mod tables;
mod time;

use std::{collections::BTreeMap, path::Path};

use azukari::host::roles::Role;
use serde::Serialize;

pub use crate::stage::Said;
use crate::{
    config::{self, Configuration},
    stage::{
        Cause, Cloud, StageError,
        entries::HOLDERS,
        functions::{self as running, Functions},
        said,
        secrets::Stored,
    },
};

/// What a check has found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// It is as it should be.
    Ok,
    /// It is not.
    Wrong,
    /// It cannot be told from here.
    CannotTell,
    /// It could have been, and was not: a call was refused or not answered.
    NotRead,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was checked: `channel.demo.webhook`.
    pub id: String,
    /// What was found.
    pub finding: Finding,
    /// In words.
    pub what: Said,
    /// What to do, where something is.
    pub fix: Option<Said>,
}

/// Everything that was checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The stage.
    pub stage: String,
    /// The checks, in the order in which they are best mended.
    pub checks: Vec<Check>,
}

impl Report {
    /// Whether nothing is wrong. What cannot be told is not wrong.
    pub fn is_sound(&self) -> bool {
        self.count(Finding::Wrong) == 0
    }

    /// Whether everything was read that can be.
    pub fn is_whole(&self) -> bool {
        self.count(Finding::NotRead) == 0
    }

    fn count(&self, finding: Finding) -> usize {
        self.checks.iter().filter(|check| check.finding == finding).count()
    }

    /// The report for people.
    pub fn told(&self) -> String {
        let mut lines = Vec::new();
        for check in &self.checks {
            let mark = match check.finding {
                Finding::Ok => "○",
                Finding::Wrong => "×",
                Finding::CannotTell => "？",
                Finding::NotRead => "！",
            };
            lines.push(format!("{mark} {}: {}", check.id, check.what));
            lines.extend(check.fix.iter().map(|fix| format!("    → {fix}")));
        }
        let (ok, wrong) = (self.count(Finding::Ok), self.count(Finding::Wrong));
        let (unread, unsure) = (self.count(Finding::NotRead), self.count(Finding::CannotTell));
        lines.push(format!(
            "○ 正しい{ok}件、× 悪い{wrong}件、！ 読めなかった{unread}件、？ ここからはわからない{unsure}件 / {ok} right, {wrong} wrong, {unread} not read, {unsure} cannot be told from here"
        ));
        lines.push(String::new());
        lines.join("\n")
    }

    fn add(&mut self, id: impl Into<String>, finding: Finding, what: Said, fix: Option<Said>) {
        self.checks.push(Check { id: id.into(), finding, what, fix });
    }

    fn ok(&mut self, id: impl Into<String>, what: Said) {
        self.add(id, Finding::Ok, what, None);
    }

    fn wrong(&mut self, id: impl Into<String>, what: Said, fix: Said) {
        self.add(id, Finding::Wrong, what, Some(fix));
    }

    fn unsure(&mut self, id: impl Into<String>, what: Said, fix: Said) {
        self.add(id, Finding::CannotTell, what, Some(fix));
    }

    /// Right if it holds, otherwise wrong.
    fn holds(&mut self, holds: bool, id: impl Into<String>, what: Said, fix: Said) {
        if holds { self.ok(id, what) } else { self.wrong(id, what, fix) }
    }

    /// What could have been told, had it been read.
    fn unread(&mut self, id: impl Into<String>, what: Said, fix: Said) {
        self.add(id, Finding::NotRead, what, Some(fix));
    }

    /// A call that brought nothing. That something is gone, or is not what it should be, is
    /// wrong; otherwise nothing is known of it.
    fn not_read(&mut self, id: impl Into<String>, error: &StageError) {
        let (what, cause) = (error.what(), error.cause());
        match cause {
            Cause::Gone => self.wrong(id, what, cause.fix()),
            Cause::Malformed if matches!(error, StageError::NotASecret(_)) => self.wrong(
                id,
                what,
                said(
                    "Secrets Managerで直す（前の版に戻すか、{}にしてから azukari bootstrap を実行する。前の版の鍵をなくさない）",
                    "mend it in Secrets Manager: put the previous version back. With {} in it azukari bootstrap fills it, and keys that only this secret held are lost",
                ),
            ),
            Cause::Malformed => self.wrong(id, what, cause.fix()),
            Cause::Denied | Cause::SignedOut | Cause::NotReached | Cause::Other => self.unread(id, what, cause.fix()),
        }
    }
}

/// What every check goes by.
struct Stage<'a> {
    cloud: &'a Cloud,
    functions: &'a Functions,
    configuration: Option<&'a Configuration>,
    /// The secrets that could be read.
    secrets: BTreeMap<Role, Stored>,
    /// The channels of the configuration, or of the webhook's secret if that cannot be read.
    channels: Vec<String>,
}

/// How to have the template's values again.
fn deploy_again() -> Said {
    said("もう一度デプロイする（sam deploy）", "deploy again (sam deploy)")
}

/// How to have a function go by what its secret is now.
fn start_anew(cloud: &Cloud, roles: &[Role]) -> Said {
    let commands: Vec<String> = roles.iter().map(|role| running::start_anew(cloud, *role)).collect();
    let commands = commands.join(" && ");
    said(format!("関数を新しく起動する: {commands}"), format!("start it anew: {commands}"))
}

/// How to have what `azukari bootstrap` makes.
fn bootstrap_again(stack: &str) -> Said {
    let command = format!("azukari bootstrap --stage {stack}");
    said(format!("実行する: {command}"), format!("run: {command}"))
}

/// Examines a stage. `tell` hears how far it has come.
///
/// # Errors
/// None of its functions can be read: nothing can be told of it.
pub async fn examine(cloud: &Cloud, config_dir: &Path, tell: &mut dyn FnMut(&str)) -> Result<Report, StageError> {
    let mut report = Report { stage: cloud.stack.clone(), checks: Vec::new() };
    tell("関数と設定… / functions and settings…");
    let functions = Functions::read(cloud).await?;
    functions::examine(cloud, &functions, &mut report);
    let configuration = config::read(config_dir);
    let mut stage = Stage {
        cloud,
        functions: &functions,
        configuration: configuration.as_ref().ok(),
        secrets: BTreeMap::new(),
        channels: Vec::new(),
    };
    tell("鍵… / keys…");
    keys::examine(&stage, &mut report).await;
    tell("表… / tables…");
    tables::examine(&stage, &mut report).await;
    tell("シークレット… / secrets…");
    stage.secrets = secrets::read(&stage, &mut report).await;
    stage.channels = channels_of(&stage);
    secrets::examine(&stage, &mut report).await;
    tell("公開された設定… / published configuration…");
    configuration::examine(&stage, configuration.as_ref().err(), &mut report).await;
    tell("予定された仕事… / schedules…");
    schedules::examine(&stage, &mut report).await;
    tell("LINE…");
    channels::examine(&stage, &mut report).await;
    time::examine(&stage, &mut report).await;
    report.unsure(
        "alarms",
        said("アラームの届け先は、ここからは読めません。", "who receives alarms cannot be read from here."),
        said(
            "AWSコンソールのSNSで、トピックの購読が「確認済み」であることを確かめる",
            "look in the SNS console whether a subscription of the alarm topic is confirmed",
        ),
    );
    Ok(report)
}

fn channels_of(stage: &Stage<'_>) -> Vec<String> {
    if let Some(configuration) = stage.configuration {
        return configuration.channels.keys().cloned().collect();
    }
    let webhook = stage.secrets.get(&HOLDERS[0]).and_then(|stored| stored.text["channel"].as_object());
    webhook.into_iter().flatten().map(|(name, _)| name.clone()).collect()
}
