//! The six functions of a stage, as Lambda knows them, and what their settings name.

use std::collections::BTreeMap;

use azukari::{
    domain::time::UnixMs,
    host::{roles::Role, settings},
    store::tables::TableNames,
};

use crate::stage::{Cause, Cloud, StageError};

/// The roles that are functions.
pub(super) const ROLES: [Role; 6] =
    [Role::Webhook, Role::Form, Role::Link, Role::Sweeper, Role::Locksmith, Role::Opener];

/// A function.
pub(super) struct Function {
    /// What it is called.
    pub(super) name: String,
    /// Its environment variables.
    pub(super) settings: BTreeMap<String, String>,
    /// `Active`, `Pending`, `Inactive`, `Failed`.
    pub(super) state: String,
    /// `Successful`, `InProgress`, `Failed`.
    pub(super) update: String,
    /// What it was built for.
    pub(super) architecture: String,
    /// Under what it runs.
    pub(super) runtime: String,
    /// When its code or its settings were changed last: nothing that runs started before.
    pub(super) changed: Option<UnixMs>,
}

/// The functions that are there.
pub(super) struct Functions(BTreeMap<Role, Function>);

/// What the function of a role is called.
pub(super) fn name(stack: &str, role: Role) -> String {
    format!("{stack}-{}", role.as_str())
}

/// What starts a function anew: it reads its secret when it starts, and deploying again what
/// is unchanged starts nothing.
pub(super) fn start_anew(cloud: &Cloud, role: Role) -> String {
    let now = jiff::Timestamp::from_second(cloud.clock.now().seconds());
    let now = now.map_or_else(|_| "today".to_owned(), |now| now.to_string());
    let name = name(&cloud.stack, role);
    format!("aws lambda update-function-configuration --function-name {name} --description \"secret of {now}\"")
}

/// A time as Lambda writes it: `2026-11-21T03:00:00.000+0000`.
fn time(text: &str) -> Option<UnixMs> {
    text.parse::<jiff::Timestamp>().ok().map(|at| UnixMs::new(at.as_millisecond()))
}

impl Functions {
    /// Reads them: a call each. One that is not there is left out.
    pub(super) async fn read(cloud: &Cloud) -> Result<Self, StageError> {
        let mut found = BTreeMap::new();
        for role in ROLES {
            let name = name(&cloud.stack, role);
            let answer = match cloud.lambda.get_function_configuration().function_name(&name).send().await {
                Ok(answer) => answer,
                Err(error) => match error.as_service_error() {
                    Some(known) if known.is_resource_not_found_exception() => continue,
                    // The first call of every command.
                    _ => match StageError::call("GetFunctionConfiguration", &error) {
                        error if error.cause() == Cause::NotReached => {
                            return Err(StageError::NotReached { region: cloud.region.clone() });
                        }
                        error => return Err(error),
                    },
                },
            };
            let variables = answer.environment().and_then(|environment| environment.variables());
            let function = Function {
                name,
                settings: variables.into_iter().flatten().map(|(name, value)| (name.clone(), value.clone())).collect(),
                state: answer.state().map(|state| state.as_str().to_owned()).unwrap_or_default(),
                update: answer.last_update_status().map(|status| status.as_str().to_owned()).unwrap_or_default(),
                architecture: answer.architectures().first().map(|it| it.as_str().to_owned()).unwrap_or_default(),
                runtime: answer.runtime().map(|runtime| runtime.as_str().to_owned()).unwrap_or_default(),
                changed: answer.last_modified().and_then(time),
            };
            found.insert(role, function);
        }
        if found.is_empty() {
            return Err(StageError::NoStack { stack: cloud.stack.clone(), region: cloud.region.clone() });
        }
        Ok(Self(found))
    }

    /// The function of a role.
    pub(super) fn get(&self, role: Role) -> Option<&Function> {
        self.0.get(&role)
    }

    /// A setting of a function, if it is there and says something.
    pub(super) fn find(&self, role: Role, setting: &str) -> Option<&str> {
        let value = self.get(role)?.settings.get(setting)?;
        Some(value.as_str()).filter(|value| !value.trim().is_empty())
    }

    /// A setting that has to be there.
    pub(super) fn setting(&self, cloud: &Cloud, role: Role, setting: &'static str) -> Result<&str, StageError> {
        let missing = || StageError::NoSetting { function: name(&cloud.stack, role), setting };
        self.find(role, setting).ok_or_else(missing)
    }

    /// The tables: those that the sweeper works on, which has all three.
    pub(super) fn tables(&self, cloud: &Cloud) -> Result<TableNames, StageError> {
        let of = |setting| self.setting(cloud, Role::Sweeper, setting).map(str::to_owned);
        Ok(TableNames {
            vault: of(settings::VAULT_TABLE)?,
            keys: of(settings::KEYS_TABLE)?,
            audit: of(settings::AUDIT_TABLE)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_a_change() {
        assert_eq!(time("2026-11-21T03:00:00.000+0000"), Some(UnixMs::new(1_795_230_000_000)));
        assert_eq!(time("today"), None);
    }
}
