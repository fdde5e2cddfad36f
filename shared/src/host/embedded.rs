//! CloudWatch's embedded metric format: numbers as a line of the log, which CloudWatch reads
//! into metrics. No call, no agent, no client.
//!
//! Every value is a count. What a metric is about is its name, `<what>/<kind>` of
//! [`Metrics`](crate::host::metrics::Metrics), and both are fixed words of the program. The
//! request id stands in the line as a member, to be searched for, and is no dimension.

use serde_json::{Map, Value, json};

use crate::domain::time::UnixMs;
use crate::host::metrics::Measured;

/// The namespace of every metric.
pub const NAMESPACE: &str = "Azukari";

/// The one set of dimensions: the name of the stack, and the function's name in it.
pub const DIMENSIONS: [&str; 2] = ["stage", "function"];

/// The member with the request id.
pub const REQUEST_ID: &str = "request_id";

/// Metrics that one line may carry at most.
pub const MOST_METRICS: usize = 100;

/// What the numbers are of.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    /// The name of the stack.
    pub stage: &'a str,
    /// The function.
    pub function: &'a str,
    /// The invocation.
    pub request_id: &'a str,
    /// When it ended.
    pub at: UnixMs,
}

/// The name of a metric.
pub fn name(what: &str, kind: &str) -> String {
    format!("{what}/{kind}")
}

/// The lines of one invocation, without line breaks: one, or several if there are more
/// metrics than a line may carry. Where nothing was measured, the line says so.
pub fn lines(about: &About<'_>, measured: &[Measured]) -> Vec<String> {
    let mut parts: Vec<&[Measured]> = measured.chunks(MOST_METRICS).collect();
    if parts.is_empty() {
        parts.push(&[]);
    }
    parts.into_iter().map(|part| line(about, part)).collect()
}

fn line(about: &About<'_>, measured: &[Measured]) -> String {
    let mut members = Map::new();
    let mut metrics = Vec::with_capacity(measured.len());
    for Measured { what, kind, value } in measured {
        let name = name(what, kind);
        metrics.push(json!({"Name": name, "Unit": "Count"}));
        members.insert(name, json!(value));
    }
    let directives: Vec<Value> = match metrics.is_empty() {
        true => Vec::new(),
        false => vec![json!({"Namespace": NAMESPACE, "Dimensions": [DIMENSIONS], "Metrics": metrics})],
    };
    members.insert("_aws".to_owned(), json!({"Timestamp": about.at.get(), "CloudWatchMetrics": directives}));
    members.insert(DIMENSIONS[0].to_owned(), json!(about.stage));
    members.insert(DIMENSIONS[1].to_owned(), json!(about.function));
    members.insert(REQUEST_ID.to_owned(), json!(about.request_id));
    Value::Object(members).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABOUT: About<'_> =
        About { stage: "azukari-dev", function: "webhook", request_id: "8476a536", at: UnixMs::new(1_795_230_000_000) };

    #[test]
    fn a_line_names_each_metric_and_carries_its_value() {
        let measured = [Measured { what: "webhook_answer", kind: "200", value: 3 }];
        let lines = lines(&ABOUT, &measured);
        let [line] = lines.as_slice() else { panic!("{lines:?}") };
        let line: Value = serde_json::from_str(line).unwrap();
        assert_eq!(
            line,
            json!({
                "_aws": {"Timestamp": 1_795_230_000_000_i64, "CloudWatchMetrics": [{
                    "Namespace": "Azukari", "Dimensions": [["stage", "function"]],
                    "Metrics": [{"Name": "webhook_answer/200", "Unit": "Count"}]
                }]},
                "stage": "azukari-dev", "function": "webhook", "request_id": "8476a536", "webhook_answer/200": 3
            })
        );
    }

    #[test]
    fn nothing_measured_is_a_line_without_metrics() {
        let lines = lines(&ABOUT, &[]);
        assert_eq!(lines.len(), 1);
        let line: Value = serde_json::from_str(&lines[0]).unwrap();
        assert_eq!((&line["_aws"]["CloudWatchMetrics"], &line["request_id"]), (&json!([]), &json!("8476a536")));
    }
}
