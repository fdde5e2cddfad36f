//! Alarms: each watches something that is really measured, all of them tell the same topic,
//! and whatever the code calls an alarm is one.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use azukari::host::{
    embedded::{self, DIMENSIONS, NAMESPACE},
    roles::Role,
};
use serde_json::{Value, json};

use super::document::{FUNCTIONS, file, members, resources, template};

/// How a metric is written by the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    /// It grows: `count`, `add`. What an alarm looks at is a sum.
    Counter,
    /// It stands: `level`. A sum of it means nothing.
    Level,
}

/// A place in the code at which something is measured. A word that the code works out is
/// not known here; whatever it comes to stands in quotes somewhere in the same function.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Measures {
    way: Way,
    what: Option<String>,
    kind: Option<String>,
    /// The first argument as it is written.
    written: String,
}

/// The code of a folder, without comments and unit tests.
fn code(folder: &Path) -> String {
    let mut paths: Vec<_> = std::fs::read_dir(folder).expect("the folder is there").flatten().collect();
    paths.sort_by_key(std::fs::DirEntry::path);
    let mut all = String::new();
    for path in paths.iter().map(std::fs::DirEntry::path) {
        if path.is_dir() {
            all.push_str(&code(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).expect("the source is there");
            let text = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
            for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
                all.push_str(line);
                all.push('\n');
            }
        }
    }
    all
}

/// The code that runs in a function, and what it measures.
struct Code {
    text: String,
    measures: Vec<Measures>,
}

impl Code {
    fn new(text: String) -> Self {
        Self { measures: measured(&text), text }
    }

    fn of(role: Role) -> Self {
        Self::new(code(&file(&format!("functions/{}/src", role.as_str()))) + &code(&file("shared/src/host")))
    }

    /// Of every function, by its name.
    fn of_all() -> BTreeMap<&'static str, Self> {
        FUNCTIONS.into_iter().map(|(role, _)| (role.as_str(), Self::of(role))).collect()
    }

    /// How a metric is written, if it is.
    fn way(&self, what: &str, kind: &str) -> Option<Way> {
        let stands = |word: &str| self.text.contains(&format!("\"{word}\""));
        let is = |known: &Option<String>, word: &str| match known {
            Some(known) => known == word,
            None => stands(word),
        };
        let fits = |it: &&Measures| {
            let one_is_written = it.what.is_some() || it.kind.is_some();
            one_is_written && is(&it.what, what) && is(&it.kind, kind)
        };
        self.measures.iter().find(fits).map(|it| it.way)
    }
}

/// Every call of `count`, `add` and `level` with two words in it.
fn measured(code: &str) -> Vec<Measures> {
    let mut found = Vec::new();
    for (call, way) in [(".count(", Way::Counter), (".add(", Way::Counter), (".level(", Way::Level)] {
        for behind in code.split(call).skip(1) {
            let arguments = arguments(behind);
            let [what, kind, ..] = &arguments[..] else { continue };
            found.push(Measures { way, what: quoted(what), kind: quoted(kind), written: what.clone() });
        }
    }
    found
}

/// The arguments of a call, up to its closing parenthesis.
fn arguments(text: &str) -> Vec<String> {
    let (mut all, mut depth, mut within) = (vec![String::new()], 0, false);
    for letter in text.chars() {
        match letter {
            '"' => within = !within,
            '(' | '[' | '{' if !within => depth += 1,
            ')' | ']' | '}' if !within && depth == 0 => break,
            ')' | ']' | '}' if !within => depth -= 1,
            ',' if !within && depth == 0 => {
                all.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(argument) = all.last_mut() {
            argument.push(letter);
        }
    }
    all.iter().map(|argument| argument.trim().to_owned()).filter(|argument| !argument.is_empty()).collect()
}

/// A word in quotes, without them.
fn quoted(argument: &str) -> Option<String> {
    let word = argument.strip_prefix('"')?.strip_suffix('"')?;
    (!word.contains('"')).then(|| word.to_owned())
}

/// The dimensions of an alarm.
fn dimensions(alarm: &Value) -> BTreeMap<String, Value> {
    let all = alarm["Dimensions"].as_array().into_iter().flatten();
    all.map(|one| (one["Name"].as_str().unwrap_or_default().to_owned(), one["Value"].clone())).collect()
}

/// What of an alarm is looked at here. Among what is not: `ActionsEnabled`, which silences it,
/// and `DatapointsToAlarm`.
const LOOKED_AT: [&str; 12] = [
    "AlarmName",
    "AlarmDescription",
    "AlarmActions",
    "Namespace",
    "MetricName",
    "Dimensions",
    "Statistic",
    "Period",
    "EvaluationPeriods",
    "ComparisonOperator",
    "Threshold",
    "TreatMissingData",
];

/// When an alarm is raised: more than nothing in five minutes, if nothing else is written here.
fn limits(name: &str) -> Value {
    let (operator, threshold, period, periods, missing) = match name {
        // Run every minute: what the next run makes up for is no alarm.
        "AuditNotSealedAlarm" | "LocksmithErrorsAlarm" | "SweeperErrorsAlarm" => {
            ("GreaterThanOrEqualToThreshold", json!(3), 300, 1, "notBreaching")
        }
        // Silence is the alarm.
        "AuditGapAlarm" => ("LessThanThreshold", json!(1), 86_400, 2, "breaching"),
        "LocksmithSilentAlarm" | "SweeperSilentAlarm" => ("LessThanThreshold", json!(1), 900, 1, "breaching"),
        "PoolLowAlarm" => ("LessThanThreshold", json!({"Ref": "PoolLow"}), 60, 3, "notBreaching"),
        _ => ("GreaterThanThreshold", json!(0), 300, 1, "notBreaching"),
    };
    json!({
        "ComparisonOperator": operator,
        "Threshold": threshold,
        "Period": period,
        "EvaluationPeriods": periods,
        "TreatMissingData": missing,
    })
}

/// Everything that is wrong with the alarms of a template.
fn problems(template: &Value, codes: &BTreeMap<&'static str, Code>) -> Vec<String> {
    let mut problems = Vec::new();
    let mut watched: BTreeSet<(String, String)> = BTreeSet::new();
    for (name, alarm) in resources(template, "AWS::CloudWatch::Alarm") {
        let mut say = |what: &str| problems.push(format!("{name} {what}"));
        if alarm["AlarmActions"] != json!([{"Ref": "AlarmTopic"}]) {
            say("tells nobody");
        }
        // The topic takes what is named like this, and nothing else.
        if !alarm["AlarmName"]["Sub"].as_str().is_some_and(|name| name.starts_with("${AWS::StackName}-")) {
            say("has another name");
        }
        if alarm["AlarmDescription"].as_str().is_none_or(str::is_empty) {
            say("does not say what it means");
        }
        for (member, wanted) in members(&limits(&name)) {
            if alarm[member] != *wanted {
                say(&format!("is raised at another {member}"));
            }
        }
        for (member, _) in members(&alarm).filter(|(member, _)| !LOOKED_AT.contains(&member.as_str())) {
            say(&format!("has {member}, which is not looked at here"));
        }
        if template["Resources"][&name].get("Condition").is_some() {
            say("is not always there");
        }
        let metric = alarm["MetricName"].as_str().unwrap_or_default();
        let (mut own, statistic) = (dimensions(&alarm), alarm["Statistic"].as_str().unwrap_or_default());
        match alarm["Namespace"].as_str().unwrap_or_default() {
            NAMESPACE => {
                let stage = own.remove(DIMENSIONS[0]);
                let function = own.remove(DIMENSIONS[1]);
                let function = function.as_ref().and_then(Value::as_str).unwrap_or_default();
                if stage != Some(json!({"Ref": "AWS::StackName"})) || !own.is_empty() {
                    say("looks at other dimensions");
                }
                let Some((what, kind)) = metric.split_once('/') else {
                    say("looks at a metric that is not named like one");
                    continue;
                };
                match codes.get(function).and_then(|code| code.way(what, kind)) {
                    None => say("looks at a metric that the function does not write"),
                    Some(Way::Counter) if statistic != "Sum" => say("looks at single counts"),
                    Some(Way::Level) if !["Maximum", "Minimum"].contains(&statistic) => say("adds levels up"),
                    Some(_) => {}
                }
                watched.insert((function.to_owned(), metric.to_owned()));
            }
            "AWS/Lambda" => {
                let function = own.remove("FunctionName").and_then(|it| it["Ref"].as_str().map(str::to_owned));
                let function = function.unwrap_or_default();
                if template["Resources"][&function]["Type"] != "AWS::Serverless::Function" || !own.is_empty() {
                    say("looks at no function");
                }
                if !["Errors", "Throttles", "Invocations"].contains(&metric) || statistic != "Sum" {
                    say("looks at something that Lambda does not count");
                }
                // Silence is the alarm.
                if (metric == "Invocations") != (alarm["TreatMissingData"] == "breaching") {
                    say("takes silence for something else");
                }
                watched.insert((function, metric.to_owned()));
            }
            "AWS/ApiGateway" => {
                let expected = json!([{"Ref": "HttpApi"}, "$default"]);
                let stage = (own.remove("ApiId"), own.remove("Stage"));
                if json!([stage.0, stage.1]) != expected || !own.is_empty() || metric != "5xx" {
                    say("looks at no API");
                }
                watched.insert(("HttpApi".to_owned(), metric.to_owned()));
            }
            "AWS/SQS" => {
                let queue = json!({"GetAtt": "ScheduleDeadLetters.QueueName"});
                if own.remove("QueueName") != Some(queue) || metric != "ApproximateNumberOfMessagesVisible" {
                    say("looks at no queue");
                }
                watched.insert(("ScheduleDeadLetters".to_owned(), metric.to_owned()));
            }
            _ => say("looks at a namespace that nobody writes to"),
        }
    }
    problems.extend(wanted(codes).difference(&watched).map(|(who, metric)| format!("{who} {metric} raises no alarm")));
    problems
}

/// What somebody is to be told of.
fn wanted(codes: &BTreeMap<&'static str, Code>) -> BTreeSet<(String, String)> {
    let named = [
        ("webhook", "webhook_answer/500"),
        ("sweeper", "sweeper_overdue/rows"),
        ("sweeper", "sweeper_aside/rows"),
        ("sweeper", "sweeper_restored/vault"),
        ("sweeper", "day_root/broken"),
        ("sweeper", "day_root/failed"),
        ("sweeper", "day_root/sealed"),
        ("sweeper", "erasure_list/stranger"),
        ("locksmith", "locksmith_pool/level"),
        ("HttpApi", "5xx"),
        ("ScheduleDeadLetters", "ApproximateNumberOfMessagesVisible"),
        ("LocksmithFunction", "Invocations"),
        ("SweeperFunction", "Invocations"),
    ];
    let mut wanted: BTreeSet<(String, String)> =
        named.iter().map(|(who, metric)| ((*who).to_owned(), (*metric).to_owned())).collect();
    for (role, name) in FUNCTIONS {
        for metric in ["Errors", "Throttles"] {
            wanted.insert((format!("{name}Function"), metric.to_owned()));
        }
        wanted.extend(called_alarms(role, &codes[role.as_str()]).into_iter().map(|it| (role.as_str().to_owned(), it)));
    }
    wanted
}

/// What the code itself calls an alarm, or a fault that no repetition mends.
fn called_alarms(role: Role, code: &Code) -> BTreeSet<String> {
    let mut alarms = BTreeSet::new();
    for it in &code.measures {
        let Some(kind) = &it.kind else { continue };
        // `metrics.count(names.alarm, …)` of the rooms that all of intake shares.
        let shared = it.written.ends_with(".alarm").then(|| format!("{}_alarm", role.as_str()));
        let shared = shared.filter(|what| code.text.contains(&format!("alarm: \"{what}\"")));
        let Some(what) = it.what.clone().or(shared) else { continue };
        let says_so = what.ends_with("_alarm") || what.ends_with("_permanent_fault");
        // An empty pool has an alarm before it is empty, and answers 500 when it is.
        if says_so && kind != "pool_empty" {
            alarms.insert(embedded::name(&what, kind));
        }
    }
    alarms
}

#[test]
fn every_alarm_watches_what_is_measured_and_whatever_is_to_be_known_raises_one() {
    assert_eq!(problems(&template(), &Code::of_all()), Vec::<String>::new());
}

#[test]
fn what_the_code_calls_an_alarm_is_known_here() {
    let of = |role: Role| called_alarms(role, &Code::of(role));
    assert!(of(Role::Webhook).contains("webhook_alarm/access_token"));
    assert!(of(Role::Webhook).contains("webhook_permanent_fault/malformed"));
    for (role, alarm) in [
        (Role::Webhook, "webhook_alarm/key_not_vouched"),
        (Role::Form, "form_alarm/key_not_vouched"),
        (Role::Link, "link_alarm/key_not_vouched"),
    ] {
        assert!(of(role).contains(alarm), "{role:?}");
    }
    assert!(of(Role::Locksmith).is_empty());
}

#[test]
fn a_call_is_read_as_it_is_written() {
    let code = "m.count(\"a\", \"b\"); m\n.add(\n\"c\",\n word(x, \"y\"),\n n(1, 2));\n\
                m.level(\"d\", \"e\", u64::try_from(n).unwrap()); bytes.iter().count(); m.count(names.alarm, \"f\");";
    let code = Code::new(code.to_owned());
    let told: Vec<_> = code.measures.iter().map(|it| (it.way, it.what.as_deref(), it.kind.as_deref())).collect();
    assert_eq!(
        told,
        [
            (Way::Counter, Some("a"), Some("b")),
            (Way::Counter, None, Some("f")),
            (Way::Counter, Some("c"), None),
            (Way::Level, Some("d"), Some("e")),
        ]
    );
    assert_eq!((code.way("a", "b"), code.way("d", "e")), (Some(Way::Counter), Some(Way::Level)));
    assert_eq!((code.way("c", "y"), code.way("c", "z")), (Some(Way::Counter), None));
    assert_eq!((code.way("a", "f"), code.way("d", "b")), (Some(Way::Counter), None));
}

#[test]
fn an_alarm_that_watches_nothing_is_found() {
    type Mistake = (&'static str, fn(&mut Value));
    let mistakes: [Mistake; 20] = [
        ("a metric with another name", |alarms| alarms["OverdueAlarm"]["Properties"]["MetricName"] = json!("overdue")),
        ("a metric of another function", |alarms| {
            alarms["PoolLowAlarm"]["Properties"]["Dimensions"][1]["Value"] = json!("opener");
        }),
        ("a dimension that is not written", |alarms| {
            alarms["PoolLowAlarm"]["Properties"]["Dimensions"][1]["Name"] = json!("FunctionName");
        }),
        ("another stage", |alarms| {
            alarms["PoolLowAlarm"]["Properties"]["Dimensions"][0]["Value"] = json!({"Ref": "Stage"});
        }),
        ("the sum of a level", |alarms| alarms["SetAsideAlarm"]["Properties"]["Statistic"] = json!("Sum")),
        ("a namespace of nobody", |alarms| alarms["OverdueAlarm"]["Properties"]["Namespace"] = json!("AWS/Azukari")),
        ("nobody is told", |alarms| alarms["AuditGapAlarm"]["Properties"]["AlarmActions"] = json!([])),
        ("silence is fine", |alarms| {
            alarms["SweeperSilentAlarm"]["Properties"]["TreatMissingData"] = json!("notBreaching");
        }),
        ("one is missing", |alarms| alarms["DeadLettersAlarm"] = Value::Null),
        ("a threshold that is never reached", |alarms| {
            alarms["WebhookRefusedAlarm"]["Properties"]["Threshold"] = json!(1_000_000);
        }),
        ("the other way round", |alarms| {
            alarms["OverdueAlarm"]["Properties"]["ComparisonOperator"] = json!("LessThanThreshold");
        }),
        ("silence is left out", |alarms| {
            alarms["LocksmithSilentAlarm"]["Properties"]["TreatMissingData"] = json!("missing");
        }),
        ("a gap is ignored", |alarms| alarms["AuditGapAlarm"]["Properties"]["TreatMissingData"] = json!("ignore")),
        ("no word about silence", |alarms| {
            alarms["DeadLettersAlarm"]["Properties"]["TreatMissingData"] = Value::Null;
        }),
        ("no action", |alarms| {
            alarms["RestoredAlarm"]["Properties"].as_object_mut().expect("an alarm").remove("AlarmActions");
        }),
        ("actions that are off", |alarms| alarms["RestoredAlarm"]["Properties"]["ActionsEnabled"] = json!(false)),
        ("a longer period", |alarms| alarms["SetAsideAlarm"]["Properties"]["Period"] = json!(86_400)),
        ("more periods", |alarms| alarms["HttpApiAlarm"]["Properties"]["EvaluationPeriods"] = json!(12)),
        ("more points", |alarms| alarms["PoolLowAlarm"]["Properties"]["DatapointsToAlarm"] = json!(1)),
        ("at times", |alarms| alarms["AuditBrokenAlarm"]["Condition"] = json!("HasDomain")),
    ];
    let (original, codes) = (template(), Code::of_all());
    for (mistake, make) in mistakes {
        let mut copy = original.clone();
        make(&mut copy["Resources"]);
        assert!(!problems(&copy, &codes).is_empty(), "{mistake}");
    }
}

#[test]
fn the_topic_lets_cloudwatch_in_and_tells_whoever_is_named() {
    let template = template();
    let topic = &resources(&template, "AWS::SNS::TopicPolicy")["AlarmTopicPolicy"];
    let statement = &topic["PolicyDocument"]["Statement"][0];
    assert_eq!(statement["Principal"], json!({"Service": "cloudwatch.amazonaws.com"}));
    assert_eq!((&statement["Action"], &statement["Resource"]), (&json!("sns:Publish"), &json!({"Ref": "AlarmTopic"})));
    // Under the key that AWS manages for SNS, CloudWatch could not publish at all.
    let topic = &resources(&template, "AWS::SNS::Topic")["AlarmTopic"];
    assert!(members(topic).all(|(name, _)| name != "KmsMasterKeyId"));
    let subscription = &template["Resources"]["AlarmSubscription"];
    assert_eq!(subscription["Condition"], "HasAlarmAddress");
    assert_eq!(subscription["Properties"]["Endpoint"], json!({"Ref": "AlarmAddress"}));
}
