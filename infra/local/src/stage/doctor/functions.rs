//! The functions: there, active, alike, and told everything that they need.

use std::collections::BTreeSet;

use azukari::host::{roles::Role, settings};

use crate::stage::{
    Cloud,
    doctor::{Report, deploy_again, said},
    functions::{Function, Functions, ROLES, name},
};

/// The runtime that the bootstraps are built for.
const RUNTIME: &str = "provided.al2023";

pub(super) fn examine(cloud: &Cloud, functions: &Functions, report: &mut Report) {
    for role in ROLES {
        function(cloud, functions, role, report);
    }
    alike(functions, report);
    names(cloud, functions, report);
    public_url(functions, report);
}

fn function(cloud: &Cloud, functions: &Functions, role: Role, report: &mut Report) {
    let (id, name) = (format!("function.{}", role.as_str()), name(&cloud.stack, role));
    let Some(function) = functions.get(role) else {
        let what = said(format!("関数{name}がありません。"), format!("there is no function {name}."));
        return report.wrong(id, what, deploy_again());
    };
    let (state, update) = (function.state.as_str(), function.update.as_str());
    let what = said(format!("{name}: {state}、更新は{update}"), format!("{name} is {state}, its last update {update}"));
    match (state, update) {
        ("Active" | "Inactive", "Successful" | "") => report.ok(id, what),
        ("Pending", _) | (_, "InProgress") => {
            report.unread(id, what, said("1分後にもう一度確かめる", "look again in a minute"))
        }
        _ => report.wrong(id, what, deploy_again()),
    }
    let missing: Vec<&str> =
        settings::of(role).iter().copied().filter(|setting| functions.find(role, setting).is_none()).collect();
    let (id, missing_names) = (format!("function.{}.settings", role.as_str()), missing.join(", "));
    if missing.is_empty() {
        report.ok(id, said("設定はそろっています。", "its settings are complete."));
    } else {
        let what = said(format!("設定がありません: {missing_names}"), format!("settings are missing: {missing_names}"));
        report.wrong(id, what, deploy_again());
    }
}

/// Built for one architecture, and run under one runtime.
fn alike(functions: &Functions, report: &mut Report) {
    let there: Vec<&Function> = ROLES.into_iter().filter_map(|role| functions.get(role)).collect();
    let architectures: BTreeSet<&str> = there.iter().map(|function| function.architecture.as_str()).collect();
    let list = architectures.iter().copied().collect::<Vec<_>>().join(", ");
    report.holds(
        architectures.len() == 1,
        "functions.architecture",
        said(format!("アーキテクチャ: {list}"), format!("architecture: {list}")),
        said(
            "すべての関数を同じアーキテクチャでビルドし、もう一度デプロイする",
            "build every function for one architecture and deploy again",
        ),
    );
    let strangers = there.iter().filter(|function| function.runtime != RUNTIME);
    let strangers: Vec<&str> = strangers.map(|function| function.name.as_str()).collect();
    let list = if strangers.is_empty() { RUNTIME.to_owned() } else { strangers.join(", ") };
    report.holds(
        strangers.is_empty(),
        "functions.runtime",
        said(format!("ランタイム: {list}"), format!("runtime: {list}")),
        deploy_again(),
    );
}

/// All of them speak of the same tables and of this stage.
fn names(cloud: &Cloud, functions: &Functions, report: &mut Report) {
    let audience = format!("azukari:{}", cloud.stack);
    let shared = [
        (settings::VAULT_TABLE, None),
        (settings::KEYS_TABLE, None),
        (settings::AUDIT_TABLE, None),
        (settings::WRAP_KEY, None),
        (settings::EVIDENCE_KEY, None),
        (settings::INDEX_KEY, None),
        (settings::STAGE, Some(cloud.stack.as_str())),
        (settings::AUDIENCE, Some(audience.as_str())),
    ];
    let different: Vec<&str> = shared
        .into_iter()
        .filter(|(setting, wanted)| {
            let values: BTreeSet<&str> = ROLES.into_iter().filter_map(|role| functions.find(role, setting)).collect();
            values.len() > 1 || wanted.is_some_and(|wanted| values.iter().any(|value| *value != wanted))
        })
        .map(|(setting, _)| setting)
        .collect();
    if different.is_empty() {
        let what = said("関数は同じ表と鍵を使っています。", "the functions go by the same tables and keys.");
        return report.ok("functions.shared", what);
    }
    let list = different.join(", ");
    let what = said(format!("関数のあいだで違います: {list}"), format!("not the same in all functions: {list}"));
    report.wrong("functions.shared", what, deploy_again());
}

/// Where the people's pages are: the same for all who lead there, and over HTTPS.
fn public_url(functions: &Functions, report: &mut Report) {
    let values: BTreeSet<&str> =
        Role::INTAKE.into_iter().filter_map(|role| functions.find(role, settings::PUBLIC_URL)).collect();
    let list = values.iter().copied().collect::<Vec<_>>().join(", ");
    report.holds(
        values.len() == 1 && list.starts_with("https://"),
        "functions.public_url",
        said(format!("みなさまのページのアドレス: {list}"), format!("address of the people's pages: {list}")),
        said(
            "PublicUrlに出力PagesUrlかご自身のドメイン（https://…）を入れて、もう一度デプロイする",
            "deploy again with the output PagesUrl, or a domain of your own, as PublicUrl",
        ),
    );
}
