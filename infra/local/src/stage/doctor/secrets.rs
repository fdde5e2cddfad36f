//! The functions' secrets: complete, of the right form, the same where they are shared, and
//! nothing in them that their function does not need.

use std::collections::{BTreeMap, BTreeSet};

use azukari::{
    domain::operator::OperatorRole,
    host::{roles::Role, secrets as forms},
};
use serde_json::Value;

use crate::stage::{
    doctor::{Report, Said, Stage, bootstrap_again, said, start_anew},
    entries::{self, Entry, HOLDERS},
    secrets::{self, Stored},
};

/// Reads them. One that cannot be read is told of and left out.
pub(super) async fn read(stage: &Stage<'_>, report: &mut Report) -> BTreeMap<Role, Stored> {
    let mut all = BTreeMap::new();
    for role in HOLDERS {
        match secrets::read(stage.cloud, stage.functions, role).await {
            Ok(stored) => drop(all.insert(role, stored)),
            Err(error) => report.not_read(format!("secret.{}", role.as_str()), &error),
        }
    }
    all
}

pub(super) async fn examine(stage: &Stage<'_>, report: &mut Report) {
    for (role, stored) in &stage.secrets {
        one(stage, *role, &stored.text, report);
        in_use(stage, *role, stored, report).await;
    }
    shared(stage, report);
    strangers(stage, report);
    listed(stage, report);
}

fn one(stage: &Stage<'_>, role: Role, text: &Value, report: &mut Report) {
    let (id, name) = (format!("secret.{}", role.as_str()), role.as_str());
    let entries = Entry::of(role, &stage.channels).into_iter();
    let missing = entries.filter(|entry| !entry.is_optional() && entry.value(text).is_none());
    let mut problems: Vec<String> = missing.map(|entry| format!("{entry} is missing")).collect();
    // What is of the configuration and not there can be added. What is malformed, or is
    // missing of channels that the configuration does not name, has to be mended by hand.
    let can_be_added = problems.len();
    for problem in secrets::read_as(role, text).err().into_iter().flat_map(|error| error.0) {
        let said_already = problems.contains(&problem) || (problem == secrets::NO_CHANNEL && can_be_added > 0);
        if !said_already {
            problems.push(problem);
        }
    }
    if problems.is_empty() {
        report.ok(id, said(format!("{name}のシークレット"), format!("secret of {name}")));
    } else {
        let list = problems.join("; ");
        let japanese: Vec<String> = problems.iter().map(|problem| secrets::in_japanese(problem)).collect();
        let japanese = japanese.join("、");
        let what =
            said(format!("{name}のシークレットに問題があります: {japanese}"), format!("secret of {name}: {list}"));
        let Said { ja, en } = bootstrap_again(&stage.cloud.stack);
        let fix = if problems.len() == can_be_added {
            said(format!("{ja} --channel-secrets ファイル"), format!("{en} --channel-secrets FILE"))
        } else {
            said(
                "Secrets Managerで、前の版の正しい値に戻す（設定にないチャネルのものは消す）",
                "put it back from the previous version in Secrets Manager, and take out what is of a channel that is not in the configuration",
            )
        };
        report.wrong(id, what, fix);
    }
    let surplus = surplus(role, text);
    let list = surplus.join(", ");
    if !surplus.is_empty() {
        report.wrong(
            format!("secret.{name}.surplus"),
            said(
                format!("{name}のシークレットに、この関数には要らないものがあります: {list}"),
                format!("the secret of {name} holds what the function does not need: {list}"),
            ),
            said("AWSコンソールのSecrets Managerで、それを消す", "take it out in the Secrets Manager console"),
        );
    }
}

/// A function reads its secret when it starts: one that was started before goes by the
/// version before.
async fn in_use(stage: &Stage<'_>, role: Role, stored: &Stored, report: &mut Report) {
    let id = format!("secret.{}.in_use", role.as_str());
    let changed = stage.functions.get(role).and_then(|function| function.changed);
    let (Some(started), Some(written)) = (changed, stored.written) else { return };
    let name = role.as_str();
    if started < written {
        // Without a version before there was nothing to start with.
        match secrets::has_previous(stage.cloud, stored).await {
            Err(error) => return report.not_read(id, &error),
            Ok(true) => {
                let what = said(
                    format!("{name}は、シークレットが変わる前から動いています。"),
                    format!("{name} was started before its secret was changed."),
                );
                return report.wrong(id, what, start_anew(stage.cloud, &[role]));
            }
            Ok(false) => {}
        }
    }
    let what =
        said(format!("{name}は今のシークレットで動いています。"), format!("{name} goes by its secret as it is."));
    report.ok(id, what);
}

/// The names of what a role does not receive and has.
fn surplus(role: Role, text: &Value) -> Vec<String> {
    let received = forms::received(role, text);
    let mut names = Vec::new();
    let mut compare = |path: String, has: &Value, may: &Value| {
        let may = may.as_object();
        for (name, value) in has.as_object().into_iter().flatten() {
            let empty = value.is_null() || value.as_object().is_some_and(serde_json::Map::is_empty);
            if !empty && !may.is_some_and(|may| may.contains_key(name)) {
                names.push(format!("{path}{name}"));
            }
        }
    };
    compare(String::new(), text, &received);
    compare("keys.".to_owned(), &text["keys"], &received["keys"]);
    compare("channel.".to_owned(), &text["channel"], &received["channel"]);
    for (name, members) in text["channel"].as_object().into_iter().flatten() {
        if let Some(may) = received["channel"].get(name) {
            compare(format!("channel.{name}."), members, may);
        }
    }
    names
}

/// What several hold must be the same.
fn shared(stage: &Stage<'_>, report: &mut Report) {
    let gathered = entries::gather(|role| stage.secrets.get(&role).map(|stored| &stored.text), &stage.channels);
    if !gathered.differ.is_empty() {
        let list = entries::told(&gathered.differ);
        let what =
            said(format!("関数のあいだで値が違います: {list}"), format!("functions hold different values: {list}"));
        let fix = said(
            "チャネルの値は azukari bootstrap --replace でそろえ、鍵はSecrets Managerの前の版から正しい値に戻す",
            "make values of channels equal with azukari bootstrap --replace, and put keys back from the previous version in Secrets Manager",
        );
        return report.wrong("secrets.shared", what, fix);
    }
    // What has to be there is told of with each secret.
    let lacking = gathered.lacking.into_iter().filter(|(entry, _)| entry.is_optional());
    let lacking: BTreeMap<Entry, Vec<Role>> = lacking.collect();
    let list = entries::told(&lacking);
    if stage.secrets.len() < HOLDERS.len() {
        let what = said(
            "読めないシークレットがあるので、共有する値をくらべられません。",
            "what functions share could not be compared, as not every secret was read.",
        );
        report.unread("secrets.shared", what, said("上のsecret.…の行を見る", "see the lines secret.… above"));
    } else if list.is_empty() {
        let what = said("共有する値は、どの関数でも同じです。", "what functions share is the same in all of them.");
        report.ok("secrets.shared", what);
    } else {
        let what = said(
            format!("一部の関数にだけあります。ない関数: {list}"),
            format!("there in some functions, and not in: {list}"),
        );
        report.wrong("secrets.shared", what, bootstrap_again(&stage.cloud.stack));
    }
}

/// A channel that was renamed, or taken out of the configuration, stays in the secrets until
/// somebody takes it out: its webhook goes on.
fn strangers(stage: &Stage<'_>, report: &mut Report) {
    let Some(configuration) = stage.configuration else { return };
    let named = stage.secrets.values().flat_map(|stored| stored.text["channel"].as_object().into_iter().flatten());
    let strangers: BTreeSet<&str> = named
        .map(|(name, _)| name.as_str())
        .filter(|name| !configuration.channels.keys().any(|known| known == name))
        .collect();
    if strangers.is_empty() {
        return;
    }
    let list = strangers.into_iter().collect::<Vec<_>>().join(", ");
    report.wrong(
        "secrets.channels",
        said(
            format!("シークレットにあるチャネルが、設定にありません: {list}"),
            format!("channels of the secrets that the configuration does not name: {list}"),
        ),
        said(
            "設定に戻すか、infra/README.ja.md の「チャネルを外す」のとおりに外す",
            "put them back into the configuration, or take them out as infra/README.md tells (Taking a channel out)",
        ),
    );
}

/// Operators and sites are what the configuration says, and somebody is there to ask.
fn listed(stage: &Stage<'_>, report: &mut Report) {
    let Some(configuration) = stage.configuration else { return };
    let lists = [
        (Role::Opener, "operators", forms::operators(&configuration.operators), "担当者", "operators"),
        (Role::Link, "sites", forms::sites(&configuration.sites), "会員サイト", "member sites"),
    ];
    for (role, member, wanted, ja, en) in lists {
        let Some(stored) = stage.secrets.get(&role) else { continue };
        let there = &stored.text[member];
        let same = *there == wanted || (there.is_null() && wanted.as_array().is_some_and(Vec::is_empty));
        report.holds(
            same,
            format!("secret.{}.{member}", role.as_str()),
            said(format!("{ja}は設定のとおりか"), format!("{en} as configured")),
            bootstrap_again(&stage.cloud.stack),
        );
    }
    let officer = configuration.operators.iter().any(|operator| operator.role == OperatorRole::PrivacyOfficer);
    let Said { ja, en } = bootstrap_again(&stage.cloud.stack);
    report.holds(
        officer,
        "operators.privacy_officer",
        said("個人情報保護管理者がいるか", "there is a privacy officer"),
        said(format!("{ja} --operator 名前"), format!("{en} --operator NAME")),
    );
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_function_does_not_need_is_named() {
        let text = json!({
            "keys": {"origin": "o", "note": "n"},
            "channel": {"demo": {"channel_secret": "s", "access_token": "t"}},
            "operators": [],
        });
        let names = surplus(Role::Form, &text);
        assert_eq!(names, ["operators", "keys.note", "channel.demo.channel_secret"]);
        assert!(surplus(Role::Sweeper, &json!({"keys": {"origin": "o"}, "channel": {}})).is_empty());
    }
}
