//! Statements of policies, taken apart: one rule for each principal, action and resource.

use serde_json::Value;

use super::document::{items, members, resources, strings};

/// Whom a rule is for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Who {
    /// A role of the template, by its logical id.
    Role(String),
    /// The account: everybody in it whose own policies say the same.
    Account,
    /// Everybody.
    Everybody,
    /// A service of AWS.
    Service(String),
}

/// One principal, one action, one resource.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    /// Where it stands, for people: `WebhookPolicy/FindPairs`.
    pub(super) place: String,
    /// Whether it allows, and does not deny.
    pub(super) allows: bool,
    /// For whom.
    pub(super) who: Who,
    /// `service:Action`, as it is written.
    pub(super) action: String,
    /// The logical id of the resource, an index behind it: `VaultTable/index/due`.
    pub(super) on: String,
    /// When it applies.
    pub(super) condition: Value,
}

impl Rule {
    /// Whether an action is meant. IAM does not look at upper and lower case, and knows
    /// `*` and `?`.
    pub(super) fn is_about(&self, action: &str) -> bool {
        fits(self.action.to_ascii_lowercase().as_bytes(), action.to_ascii_lowercase().as_bytes())
    }

    /// Beginnings of the partition keys it is limited to; `None` if it reaches all rows.
    ///
    /// A limit is one only if it stands under `ForAllValues:StringLike` with `Null` beside
    /// it: `ForAllValues` alone is also true of a request that names no key at all, and a
    /// Scan names none.
    pub(super) fn key_limits(&self) -> Option<Vec<String>> {
        const KEYS: &str = "dynamodb:LeadingKeys";
        let limits = strings(&self.condition["ForAllValues:StringLike"][KEYS]);
        let present = self.condition["Null"][KEYS] == "false";
        let literal = |limit: String| limit.split(['*', '?']).next().unwrap_or_default().to_owned();
        (present && !limits.is_empty()).then(|| limits.into_iter().map(literal).collect())
    }

    /// Whether it reaches a row whose partition key begins like this.
    pub(super) fn reaches(&self, beginning: &str) -> bool {
        self.key_limits().is_none_or(|limits| {
            limits.iter().any(|limit| limit.starts_with(beginning) || beginning.starts_with(limit.as_str()))
        })
    }

    /// Whether nothing of a row comes back.
    pub(super) fn returns_nothing(&self) -> bool {
        self.condition["StringEqualsIfExists"]["dynamodb:ReturnValues"] == "NONE"
    }

    /// Services through which a call must come, in the region of the stack; none if it may
    /// come directly. What is no such service is `?`: nobody knows it.
    pub(super) fn services(&self) -> Vec<String> {
        let through = items(&self.condition["StringEquals"]["kms:ViaService"]);
        let service = |one: &Value| {
            let name = one["Sub"].as_str().and_then(|text| text.strip_suffix(".${AWS::Region}.amazonaws.com"));
            name.unwrap_or("?").to_owned()
        };
        through.into_iter().map(service).collect()
    }

    /// Whether it is for the functions of one of these roles, by logical id.
    pub(super) fn is_of(&self, roles: &[&str]) -> bool {
        matches!(&self.who, Who::Role(role) if roles.contains(&role.as_str()))
    }
}

fn fits(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), _) => fits(rest, text) || text.split_first().is_some_and(|(_, text)| fits(pattern, text)),
        (Some((b'?', pattern)), Some((_, text))) => fits(pattern, text),
        (Some((one, pattern)), Some((other, text))) => one == other && fits(pattern, text),
        _ => false,
    }
}

/// All rules of a template, and what of its statements is not understood: nothing that is
/// not understood can be called safe.
#[derive(Debug, Default)]
pub(super) struct Rules {
    /// The rules.
    pub(super) all: Vec<Rule>,
    /// What is not understood.
    pub(super) problems: Vec<String>,
}

impl Rules {
    /// Takes apart the policies of roles, keys, queues and topics.
    pub(super) fn of(template: &Value) -> Self {
        let mut rules = Self::default();
        for (name, policy) in resources(template, "AWS::IAM::RolePolicy") {
            let Some(role) = policy["RoleName"]["Ref"].as_str() else {
                rules.problems.push(format!("{name}: whose policy is it?"));
                continue;
            };
            let who = Who::Role(role.to_owned());
            rules.take(&name, &policy["PolicyDocument"], Some(&who), None);
        }
        for (name, key) in resources(template, "AWS::KMS::Key") {
            // In a key policy "*" is the key itself.
            rules.take(&name, &key["KeyPolicy"], None, Some(&name));
        }
        for kind in ["AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy"] {
            for (name, policy) in resources(template, kind) {
                rules.take(&name, &policy["PolicyDocument"], None, None);
            }
        }
        rules
    }

    fn take(&mut self, name: &str, document: &Value, owner: Option<&Who>, itself: Option<&str>) {
        for statement in items(&document["Statement"]) {
            let place = format!("{name}/{}", statement["Sid"].as_str().unwrap_or("?"));
            for (word, _) in members(statement) {
                let known = ["Sid", "Effect", "Principal", "Action", "Resource", "Condition"].contains(&word.as_str());
                if !known {
                    // NotAction, NotResource, NotPrincipal: everything but. Never.
                    self.problems.push(format!("{place}: {word} has no place in a statement"));
                }
            }
            let allows = statement["Effect"] == "Allow";
            if !allows && statement["Effect"] != "Deny" {
                self.problems.push(format!("{place}: neither allows nor denies"));
            }
            let whom = match owner {
                Some(role) if statement.get("Principal").is_none() => vec![role.clone()],
                Some(_) => Vec::new(),
                None => principals(&statement["Principal"]),
            };
            let on: Vec<String> = items(&statement["Resource"])
                .into_iter()
                .filter_map(|resource| match itself {
                    Some(key) => (resource == "*").then(|| key.to_owned()),
                    None => named(resource),
                })
                .collect();
            let actions = strings(&statement["Action"]);
            let complete =
                on.len() == items(&statement["Resource"]).len() && actions.len() == items(&statement["Action"]).len();
            if whom.is_empty() || on.is_empty() || actions.is_empty() || !complete {
                self.problems.push(format!("{place}: for whom, what and where is not written out"));
            }
            for who in &whom {
                for action in &actions {
                    for on in &on {
                        self.all.push(Rule {
                            place: place.clone(),
                            allows,
                            who: who.clone(),
                            action: action.clone(),
                            on: on.clone(),
                            condition: statement["Condition"].clone(),
                        });
                    }
                }
            }
        }
    }

    /// Rules that allow.
    pub(super) fn allowing(&self) -> impl Iterator<Item = &Rule> {
        self.all.iter().filter(|rule| rule.allows)
    }
}

/// Whom a `Principal` names; nobody if it is not understood.
fn principals(principal: &Value) -> Vec<Who> {
    if principal == "*" {
        return vec![Who::Everybody];
    }
    let mut whom = Vec::new();
    for (kind, named) in members(principal) {
        for one in items(named) {
            whom.push(match (kind.as_str(), one) {
                ("Service", Value::String(service)) => Who::Service(service.clone()),
                ("AWS", Value::String(all)) if all == "*" => Who::Everybody,
                ("AWS", one) if one["Sub"] == "arn:${AWS::Partition}:iam::${AWS::AccountId}:root" => Who::Account,
                ("AWS", one) => match one["GetAtt"].as_str().and_then(|name| name.strip_suffix(".Arn")) {
                    Some(role) => Who::Role(role.to_owned()),
                    None => return Vec::new(),
                },
                _ => return Vec::new(),
            });
        }
    }
    whom
}

/// The one resource that is meant; `None` if it may be several.
fn named(resource: &Value) -> Option<String> {
    let (kind, name) = members(resource).next()?;
    let name = name.as_str()?;
    let name = match kind.as_str() {
        "Ref" => name.to_owned(),
        "GetAtt" => name.strip_suffix(".Arn")?.to_owned(),
        "Sub" => name.strip_prefix("${")?.replacen(".Arn}", "", 1),
        _ => return None,
    };
    (!name.contains(['*', '?', '$', '{'])).then_some(name)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rule(action: &str, condition: Value) -> Rule {
        Rule {
            place: "here".to_owned(),
            allows: true,
            who: Who::Account,
            action: action.to_owned(),
            on: "VaultTable".to_owned(),
            condition,
        }
    }

    #[test]
    fn actions_are_meant_as_iam_means_them() {
        for pattern in ["kms:Decrypt", "KMS:decrypt", "kms:*", "*", "kms:De*t", "kms:Decryp?", "k*s:D*"] {
            assert!(rule(pattern, Value::Null).is_about("kms:Decrypt"), "{pattern}");
        }
        for pattern in ["kms:Encrypt", "kms:Decrypt?", "kms:", "kms:Dec", "dynamodb:*"] {
            assert!(!rule(pattern, Value::Null).is_about("kms:Decrypt"), "{pattern}");
        }
    }

    #[test]
    fn leading_keys_limit_nothing_by_themselves() {
        let limits = |condition: Value| rule("dynamodb:Scan", condition).key_limits();
        let keys = json!({"dynamodb:LeadingKeys": ["K#*", "P#*"]});
        // True of a Scan, which has no leading keys: all of none of them are like K#.
        assert_eq!(limits(json!({ "ForAllValues:StringLike": keys })), None);
        assert_eq!(limits(json!({"ForAllValues:StringLike": keys, "Null": {"dynamodb:LeadingKeys": "true"}})), None);
        // True if one of several keys fits.
        let absent = json!({"dynamodb:LeadingKeys": "false"});
        assert_eq!(limits(json!({"ForAnyValue:StringLike": keys, "Null": absent})), None);
        let limited = json!({"ForAllValues:StringLike": keys, "Null": absent});
        assert_eq!(limits(limited.clone()), Some(vec!["K#".to_owned(), "P#".to_owned()]));
        let limited = rule("dynamodb:Query", limited);
        assert!(limited.reaches("K#") && limited.reaches("K#7") && !limited.reaches("S#"));
        let wild = json!({"ForAllValues:StringLike": {"dynamodb:LeadingKeys": "*#x"}, "Null": absent});
        assert!(rule("dynamodb:Query", wild).reaches("S#"));
    }

    #[test]
    fn a_service_is_one_of_the_region_of_the_stack() {
        let through = |services: Value| {
            let condition = json!({"StringEquals": {"kms:ViaService": services}});
            rule("kms:Decrypt", condition).services()
        };
        assert_eq!(through(json!({"Sub": "dynamodb.${AWS::Region}.amazonaws.com"})), ["dynamodb"]);
        for elsewhere in ["dynamodb.us-east-1.amazonaws.com", "dynamodb.${AWS::Region}.example.com"] {
            assert_eq!(through(json!([{ "Sub": elsewhere }, elsewhere])), ["?", "?"], "{elsewhere}");
        }
        assert!(rule("kms:Decrypt", Value::Null).services().is_empty());
    }

    #[test]
    fn what_is_not_one_resource_or_one_principal_is_not_understood() {
        for several in [json!("*"), json!({"Sub": "${VaultTable.Arn}/*"}), json!({"Sub": "arn:aws:s3:::x"}), json!({})]
        {
            assert_eq!(named(&several), None, "{several}");
        }
        assert_eq!(named(&json!({"Sub": "${VaultTable.Arn}/index/due"})).as_deref(), Some("VaultTable/index/due"));
        assert_eq!(named(&json!({"GetAtt": "VaultTable.Arn"})).as_deref(), Some("VaultTable"));
        assert_eq!(principals(&json!({"AWS": "*"})), [Who::Everybody]);
        assert!(principals(&json!({"AWS": ["arn:aws:iam::111122223333:role/other"]})).is_empty());
        assert_eq!(principals(&json!({"AWS": {"GetAtt": "A.Arn"}})), [Who::Role("A".to_owned())]);
    }
}
