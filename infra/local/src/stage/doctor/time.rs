//! The clock of this machine: what operators sign is good for minutes only.

use azukari::domain::time::SECOND_MS;

use crate::stage::{
    doctor::{Report, Stage, said},
    http::{self, Body},
};

/// How far apart the clocks may be: what the opener allows.
const APART_MS: i64 = 30 * SECOND_MS;

/// Compares it with that of AWS: DynamoDB answers a bare request with its health, and with
/// the time.
pub(super) async fn examine(stage: &Stage<'_>, report: &mut Report) {
    let url = format!("https://dynamodb.{}.amazonaws.com/", stage.cloud.region);
    let answer = http::call(&stage.cloud.http, "GET", &url, None, Body::Empty).await;
    let Some(theirs) = answer.ok().and_then(|answer| answer.date) else {
        let what = said("AWSの時刻を読めません。", "the time at AWS could not be read.");
        let fix = said("このマシンの時計をNTPで合わせておく", "keep the clock of this machine right with NTP");
        return report.unsure("clock", what, fix);
    };
    let apart = stage.cloud.clock.now().since(theirs);
    let seconds = apart / SECOND_MS;
    report.holds(
        apart.abs() <= APART_MS,
        "clock",
        said(
            format!("このマシンの時計とAWSの差: {seconds}秒"),
            format!("this machine's clock and AWS': {seconds} s apart"),
        ),
        said("このマシンの時計をNTPで合わせる", "set the clock of this machine by NTP"),
    );
}
