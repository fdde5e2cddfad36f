//! Publishing to a stage: what differs is shown, somebody agrees, and it is published.

use azukari::{
    host::{roles::Role, settings},
    store::published::DefinitionKind,
};
use serde_json::Value;
use similar::{ChangeTag, TextDiff};

use crate::{
    config::Configuration,
    publish::{self, Plan, Step, Was},
    stage::{Asking, Cloud, StageError, functions::Functions, secrets},
};

/// How long a warm function goes by what it has read.
const REMEMBERED_S: u32 = 60;

/// Compares a configuration with what is published in a stage.
///
/// # Errors
/// The stage is not there, or did not answer.
pub async fn plan(cloud: &Cloud, configuration: &Configuration) -> Result<Plan, StageError> {
    let functions = Functions::read(cloud).await?;
    let vault = cloud.vault(functions.setting(cloud, Role::Webhook, settings::VAULT_TABLE)?);
    let mut plan = publish::plan(&vault, configuration, &*cloud.mint).await?;
    // Rows of definitions are found by name alone, and the secret names channels. Whoever may
    // not read it publishes all the same.
    if let Ok(stored) = secrets::read(cloud, &functions, Role::Webhook).await {
        let named = stored.text["channel"].as_object().into_iter().flatten().map(|(name, _)| name.clone());
        plan.look_for(&vault, named).await?;
    }
    Ok(plan)
}

/// Asks, and publishes. `false` if they do not agree: then nothing is written.
///
/// # Errors
/// There is nobody to ask, the stage did not answer, or somebody else published since the
/// plan was made.
pub async fn carry_out(
    cloud: &Cloud,
    plan: Plan,
    asking: &mut Asking,
    say: &mut dyn FnMut(&str),
) -> Result<bool, StageError> {
    let stack = &cloud.stack;
    let question = format!("{stack}に公開しますか（y/N） / Publish to {stack}? (y/N)");
    if !asking.agree(&question, say)? {
        say("公開していません。 / Nothing was published.");
        return Ok(false);
    }
    let functions = Functions::read(cloud).await?;
    let table = functions.setting(cloud, Role::Webhook, settings::VAULT_TABLE)?;
    let published = publish::carry_out(&cloud.vault(table), plan, cloud.clock.now()).await?;
    let changed = published.changed;
    say(&format!(
        "{changed}件を公開しました。{REMEMBERED_S}秒以内に、すべての関数に反映されます。 / Published {changed}: every function goes by it within {REMEMBERED_S} seconds."
    ));
    Ok(true)
}

impl Plan {
    /// What differs, by kind and name, for people.
    pub fn told(&self) -> String {
        let mut lines = Vec::new();
        for step in self.steps() {
            let title = format!("{} {}", kind(step.kind), step.name);
            let version = step.version.version;
            match &step.was {
                Was::Same => lines.push(format!("＝ {title} V{version}: 変わりません / unchanged")),
                Was::Absent => lines.push(format!("＋ {title} V{version}: 新しい / new")),
                Was::Other(before) => {
                    lines.push(format!("～ {title} V{} → V{version}: 変わります / changed", version.saturating_sub(1)));
                    lines.extend(differences(before, step));
                }
            }
        }
        for name in self.gone() {
            lines.push(format!(
                "－ {} {name}: 公開されたままで、設定にはもうありません（infra/README.ja.md の「チャネルを外す」） / published, no longer in the configuration (infra/README.md, Taking a channel out)",
                kind(DefinitionKind::Channel)
            ));
        }
        let changes = self.changes().count();
        lines.push(if changes == 0 {
            "公開するものはありません。 / There is nothing to publish.".to_owned()
        } else {
            format!("公開するもの: {changes}件 / to publish: {changes}")
        });
        lines.push(String::new());
        lines.join("\n")
    }
}

fn kind(kind: DefinitionKind) -> &'static str {
    match kind {
        DefinitionKind::Purpose => "目的 / purpose",
        DefinitionKind::Policy => "ポリシー / policy",
        DefinitionKind::Channel => "チャネル / channel",
        DefinitionKind::Form => "フォーム / form",
    }
}

/// The lines that differ, with two around them.
fn differences(before: &str, step: &Step) -> Vec<String> {
    let (before, after) = (outline(before), outline(&step.text));
    let diff = TextDiff::from_lines(&before, &after);
    let mut lines = Vec::new();
    for (n, group) in diff.grouped_ops(2).iter().enumerate() {
        if n > 0 {
            lines.push("    …".to_owned());
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let mark = match change.tag() {
                ChangeTag::Equal => ' ',
                ChangeTag::Insert => '+',
                ChangeTag::Delete => '-',
            };
            lines.push(format!("    {mark} {}", change.value().trim_end()));
        }
    }
    lines
}

/// A definition as lines that people can read: a member a line, texts line by line.
fn outline(text: &str) -> String {
    let mut lines = Vec::new();
    match serde_json::from_str::<Value>(text) {
        Ok(value) => write(&value, 0, "", &mut lines),
        Err(_) => lines.extend(text.lines().map(str::to_owned)),
    }
    lines.push(String::new());
    lines.join("\n")
}

fn write(value: &Value, depth: usize, label: &str, lines: &mut Vec<String>) {
    let indent = "  ".repeat(depth);
    match value {
        Value::Object(members) => {
            lines.push(format!("{indent}{label}"));
            for (name, member) in members {
                write(member, depth + 1, &format!("{name}:"), lines);
            }
        }
        Value::Array(list) => {
            lines.push(format!("{indent}{label}"));
            for one in list {
                write(one, depth + 1, "-", lines);
            }
        }
        Value::String(text) if text.contains('\n') => {
            lines.push(format!("{indent}{label}"));
            lines.extend(text.lines().map(|line| format!("{indent}  {line}")));
        }
        Value::String(text) => lines.push(format!("{indent}{label} {text}")),
        Value::Null | Value::Bool(_) | Value::Number(_) => lines.push(format!("{indent}{label} {value}")),
    }
}

#[cfg(test)]
mod tests {
    use azukari::domain::id::{DefinitionId, VersionId};

    use super::*;

    #[test]
    fn a_difference_is_shown_by_its_line() {
        let before = r#"{"title":{"ja":"方針","en":"Policy"},"body":"一行目\n二行目\n三行目"}"#;
        let after = r#"{"title":{"ja":"方針","en":"Policy"},"body":"一行目\n二行目（改）\n三行目"}"#;
        let step = Step {
            kind: DefinitionKind::Policy,
            name: "privacy".to_owned(),
            version: VersionId { id: DefinitionId::new("p"), version: 2 },
            text: after.to_owned(),
            was: Was::Other(before.to_owned()),
        };
        let shown = differences(before, &step);
        let changed = shown.iter().map(|line| line.trim_start()).filter(|line| line.starts_with(['+', '-']));
        let changed: Vec<&str> = changed.collect();
        assert_eq!(changed.len(), 2, "{shown:?}");
        assert!(changed[0].starts_with('-') && changed[0].ends_with("二行目"), "{shown:?}");
        assert!(changed[1].starts_with('+') && changed[1].ends_with("二行目（改）"), "{shown:?}");
    }
}
