//! `azukari operator add`: a key pair, and what to put where.

use std::path::PathBuf;

use azukari::domain::operator::{OperatorId, OperatorRole};
use clap::{Subcommand, ValueEnum};

use crate::{
    cli::{Failed, Places, say},
    config::{self, operators::LOCAL},
    operator_key::{self, OperatorKey},
};

pub(super) const EXAMPLES: &str = "\
例 / Examples:
  azukari operator add desk --role staff --purposes chat
  azukari operator add officer --role privacy_officer
  azukari operator add crm --role system --purposes chat --out ./crm.pem";

/// What to do with operators.
#[derive(Subcommand)]
pub(super) enum Command {
    /// 鍵を作り、設定に足す内容を表示する。 / Make a key pair and show what to add to the configuration.
    #[command(after_help = EXAMPLES)]
    Add {
        /// 名前（半角のa-z、0-9、-、.、_）。台帳に残ります。 / A name; it will stand in the ledger.
        name: String,
        /// 役割。 / What they are trusted with.
        #[arg(long)]
        role: Role,
        /// 開封できる目的（staffとsystemに必要）。 / Purposes they open for (staff and system need them).
        #[arg(long, value_delimiter = ',', value_name = "PURPOSE")]
        purposes: Vec<String>,
        /// 1時間に開封できる人数。 / People they may open in an hour.
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
        people_per_hour: Option<u32>,
        /// 秘密鍵のファイル。 / The file for the private key.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}

/// A role as the command line writes it.
#[derive(Clone, Copy, ValueEnum)]
pub(super) enum Role {
    /// 担当者 / opens for its purposes, lists what came in
    Staff,
    /// 個人情報保護管理者 / opens for every purpose, reads the ledger
    #[value(name = "privacy_officer", alias = "privacy-officer")]
    PrivacyOfficer,
    /// 監査担当 / reads the ledger, opens nothing
    Auditor,
    /// ほかのシステム / another system of the business
    System,
}

impl Role {
    fn of(self) -> OperatorRole {
        match self {
            Self::Staff => OperatorRole::Staff,
            Self::PrivacyOfficer => OperatorRole::PrivacyOfficer,
            Self::Auditor => OperatorRole::Auditor,
            Self::System => OperatorRole::System,
        }
    }
}

pub(super) fn run(command: Command, places: &Places) -> Result<(), Failed> {
    let Command::Add { name, role, purposes, people_per_hour, out } = command;
    let role = role.of();
    let mut problems = Vec::new();
    let id = OperatorId::parse(&name).ok().filter(|id| id.as_str() != LOCAL);
    if id.is_none() {
        problems.push(format!(
            "名前は半角のa-z、0-9、-、.、_で32文字までです（「{LOCAL}」は使えません）。 / A name is 1 to 32 of a-z, 0-9, -, . and _, and not \"{LOCAL}\"."
        ));
    }
    if role.has_purposes() && purposes.is_empty() {
        problems.push("--purposesで目的を指定してください。 / Name the purposes with --purposes.".to_owned());
    }
    if !role.has_purposes() && !purposes.is_empty() {
        problems.push("この役割に--purposesは使いません。 / This role takes no --purposes.".to_owned());
    }
    if let Ok(known) = config::read(&places.config_dir) {
        for purpose in purposes.iter().filter(|purpose| !known.purposes.contains_key(*purpose)) {
            let names = known.purposes.keys().cloned().collect::<Vec<_>>().join(", ");
            problems.push(format!(
                "目的「{purpose}」がありません（{names}）。 / There is no purpose \"{purpose}\" (there are {names})."
            ));
        }
        if known.operators.iter().any(|operator| operator.id.as_str() == name) {
            problems.push(format!("「{name}」はもう設定にあります。 / \"{name}\" is in the configuration already."));
        }
    }
    let Some(id) = id.filter(|_| problems.is_empty()) else {
        return Err(Failed::Said(format!("{}\n\n{EXAMPLES}", problems.join("\n"))));
    };
    let path = out.unwrap_or_else(|| operator_key::usual_path(&places.data_dir, &id));
    let key = OperatorKey::make(id, &path).map_err(Failed::other)?;
    let configured = places.config_dir.join("operators.toml");
    say::line(&format!("秘密鍵を作りました（本人だけが持つファイルです）: {}", path.display()));
    say::line(&format!("The private key, for this operator alone: {}", path.display()));
    say::line("");
    say::line(&format!("次の内容を{}に足し、azukariを起動し直してください。", configured.display()));
    say::line(&format!("Add this to {} and start azukari again:", configured.display()));
    say::line("");
    say::line(&block(&key, role, &purposes, people_per_hour));
    Ok(())
}

/// What the configuration says about an operator. Every part of it is a checked name,
/// a number or base64: nothing in it has to be escaped.
fn block(key: &OperatorKey, role: OperatorRole, purposes: &[String], people_per_hour: Option<u32>) -> String {
    let mut lines = Vec::new();
    let system = role == OperatorRole::System;
    lines.push(if system { "[[system]]".to_owned() } else { "[[operator]]".to_owned() });
    lines.push(format!("id = \"{}\"", key.id()));
    if !system {
        lines.push(format!("role = \"{}\"", role.as_str()));
    }
    if !purposes.is_empty() {
        let list: Vec<String> = purposes.iter().map(|purpose| format!("{purpose:?}")).collect();
        lines.push(format!("purposes = [{}]", list.join(", ")));
    }
    lines.push(format!("public_key = \"{}\"", key.public_text()));
    lines.extend(people_per_hour.map(|n| format!("people_per_hour = {n}")));
    lines.join("\n")
}
