//! What is granted is called, and what is called is granted: the template against what the
//! functions really did.

use std::collections::BTreeSet;

use azukari::host::roles::{Role, Target, permissions};
use serde_json::{Value, json};

use super::{
    document::{FUNCTIONS, logical, logical_key, template},
    iam::{Rules, Who},
    policy::{LOGS, THROUGH_SERVICES},
    stories::{self, Called},
};

/// One thing that a role may do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Granted {
    role: Role,
    action: String,
    on: String,
    /// How the partition key begins; empty: any.
    prefix: String,
}

impl Granted {
    /// Whether a call is one of these. Of a call the family of its rows is known, so that
    /// `X#` may be one to `X#member#…`; the engines have held the whole key against the role
    /// table, which says the same as the template.
    fn covers(&self, called: &Called) -> bool {
        let rows = self.prefix.is_empty() || (!called.family.is_empty() && self.prefix.starts_with(&called.family));
        rows && (self.role, &self.action, &self.on) == (called.role, &called.action, &called.on)
    }

    /// The family of rows that it is limited to.
    fn family(&self) -> &str {
        self.prefix.split_inclusive('#').next().unwrap_or_default()
    }

    /// Whether the two differ at most in how the key goes on within one family.
    fn is_beside(&self, other: &Self) -> bool {
        let place = |it: &Self| (it.role, it.action.clone(), it.on.clone(), it.family().to_owned());
        place(self) == place(other)
    }
}

/// What the policies of the roles grant.
fn granted_by(template: &Value) -> BTreeSet<Granted> {
    let rules = Rules::of(template);
    assert_eq!(rules.problems, Vec::<String>::new());
    let mut granted = BTreeSet::new();
    for (role, name) in FUNCTIONS {
        let who = Who::Role(format!("{name}Role"));
        let policy = format!("{name}Policy/");
        for rule in rules.allowing().filter(|rule| rule.who == who && rule.place.starts_with(&policy)) {
            for prefix in rule.key_limits().unwrap_or_else(|| vec![String::new()]) {
                granted.insert(Granted { role, action: rule.action.clone(), on: rule.on.clone(), prefix });
            }
        }
    }
    granted
}

/// What the role table grants, as the in-process engines hold to it.
fn granted_in_code() -> BTreeSet<Granted> {
    let mut granted = BTreeSet::new();
    for (role, _) in FUNCTIONS {
        let permissions = permissions(role);
        for grant in permissions.tables {
            let on = match grant.target {
                Target::Table(table) => logical(table).to_owned(),
                Target::Index(index) => format!("VaultTable/index/{}", index.as_str()),
            };
            let prefixes = if grant.prefixes.is_empty() { &[""][..] } else { grant.prefixes };
            for operation in grant.operations {
                let action = format!("dynamodb:{}", operation.as_str());
                granted.extend(prefixes.iter().map(|prefix| Granted {
                    role,
                    action: action.clone(),
                    on: on.clone(),
                    prefix: (*prefix).to_owned(),
                }));
            }
        }
        for (operation, key) in permissions.keys {
            let action = format!("kms:{}", operation.as_str());
            granted.insert(Granted { role, action, on: logical_key(*key).to_owned(), prefix: String::new() });
        }
    }
    granted
}

/// What is granted and not called by a function itself, and why.
fn not_called() -> BTreeSet<Granted> {
    let mut all = BTreeSet::new();
    for (role, name) in FUNCTIONS {
        let mut without_a_call = |action: &str, on: String| {
            all.insert(Granted { role, action: action.to_owned(), on, prefix: String::new() });
        };
        // DynamoDB and Secrets Manager call it, in the function's name.
        for action in THROUGH_SERVICES {
            without_a_call(action, "TablesKey".to_owned());
        }
        // Lambda writes the log, in the function's name.
        for action in LOGS {
            without_a_call(action, format!("{name}LogGroup"));
        }
        // Read once, at the start, by what only a real start does: `runtime.rs` drives it,
        // and a function with this setting and without the right would not start.
        if permissions(role).secret {
            without_a_call("secretsmanager:GetSecretValue", format!("{name}Secret"));
        }
    }
    all
}

/// Where grants, calls and the list of what is not called differ.
fn differences(granted: &BTreeSet<Granted>, called: &BTreeSet<Called>, apart: &BTreeSet<Granted>) -> Vec<String> {
    let mut found = Vec::new();
    for grant in granted {
        let used = called.iter().any(|called| grant.covers(called));
        match (used, apart.contains(grant)) {
            (false, false) => found.push(format!("granted and not called: {grant:?}")),
            (true, true) => found.push(format!("called, and listed as not called: {grant:?}")),
            _ => {}
        }
    }
    for call in called {
        if !granted.iter().any(|grant| grant.covers(call)) {
            found.push(format!("called and not granted: {call:?}"));
        }
    }
    found.extend(apart.difference(granted).map(|grant| format!("listed and not granted: {grant:?}")));
    found
}

#[tokio::test]
async fn the_functions_call_what_they_are_granted_and_are_granted_what_they_call() {
    let mut called = stories::called().await;
    // Tests publish and make tables as people do.
    called.retain(|called| FUNCTIONS.iter().any(|(role, _)| *role == called.role));
    let granted = granted_by(&template());
    let apart = not_called();
    assert_eq!(differences(&granted, &called, &apart), Vec::<String>::new());

    // Role table, template and calls are three of a kind.
    let code = granted_in_code();
    assert_eq!(granted.difference(&apart).cloned().collect::<BTreeSet<_>>(), code);
    assert!(called.iter().all(|call| code.iter().any(|grant| grant.covers(call))));
    let webhook_uses_keys = called.iter().any(|call| call.role == Role::Webhook && call.action.starts_with("kms:"));
    assert!(!webhook_uses_keys, "no KMS call on the request path");

    // Each of these would be noticed: a grant that nobody needs, a call that nobody granted,
    // an exception that is none.
    for grant in &granted {
        let mut fewer = granted.clone();
        // Which of several beginnings within a family was called is not known here.
        fewer.retain(|other| !other.is_beside(grant));
        assert!(!differences(&fewer, &called, &apart).is_empty(), "{grant:?} may be missing");
    }
    let unused = |action: &str, prefix: &str| {
        let mut copy = template();
        let statements = &mut copy["Resources"]["SweeperPolicy"]["Properties"]["PolicyDocument"]["Statement"];
        statements.as_array_mut().expect("a policy").push(json!({
            "Sid": "More", "Effect": "Allow", "Action": [action], "Resource": {"GetAtt": "VaultTable.Arn"},
            "Condition": {
                "ForAllValues:StringLike": {"dynamodb:LeadingKeys": [prefix]},
                "Null": {"dynamodb:LeadingKeys": "false"},
            },
        }));
        differences(&granted_by(&copy), &called, &apart)
    };
    assert_eq!(unused("dynamodb:DeleteItem", "L#*").len(), 1);
    assert_eq!(unused("dynamodb:Scan", "K#*").len(), 1);
    assert_eq!(unused("dynamodb:GetItem", "S#*"), Vec::<String>::new(), "that one is there already");
    let mut more = apart.clone();
    more.extend(granted.iter().find(|grant| grant.action == "kms:Decrypt" && grant.on == "WrapKey").cloned());
    assert_eq!(differences(&granted, &called, &more).len(), 1);
    let mut strays = called.clone();
    strays.insert(Called {
        role: Role::Form,
        action: "dynamodb:Query".to_owned(),
        on: "VaultTable".to_owned(),
        family: "S#".to_owned(),
    });
    assert_eq!(differences(&granted, &strays, &apart).len(), 1);
}
