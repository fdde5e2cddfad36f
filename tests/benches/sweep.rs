//! `cargo bench -p azukari-tests --bench sweep`: calls and capacity units per erased item beside 10³, 10⁵ and
//! 10⁶ rows of others, for single values, for values that are counted, and for a person. What
//! counts is the ratio to the smallest table: it is to be 1, give or take one in twenty.

use std::process::ExitCode;

use azukari_tests::cost::{Cost, Way, cost};
use tokio::runtime::Runtime;

/// Rows of others.
const OTHERS: [usize; 3] = [1_000, 100_000, 1_000_000];
/// Values that are erased.
const VALUES: u64 = 200;

#[expect(clippy::print_stdout, reason = "a benchmark prints its table")]
fn main() -> ExitCode {
    let runtime = Runtime::new().expect("a runtime");
    machine();
    println!(
        "{:<32} {:>9} {:>11} {:>11} {:>8} {:>8}",
        "erased", "others", "units each", "calls each", "units", "calls"
    );
    let mut all_same = true;
    for way in Way::ALL {
        let mut smallest: Option<Cost> = None;
        for others in OTHERS {
            let cost = runtime.block_on(cost(way, VALUES, others));
            let base = *smallest.get_or_insert(cost);
            let units = cost.units_each() / base.units_each();
            let calls = cost.calls_each() / base.calls_each();
            all_same &= (units - 1.0).abs() <= 0.05 && (calls - 1.0).abs() <= 0.05;
            println!(
                "{:<32} {others:>9} {:>11.2} {:>11.2} {units:>7.2}× {calls:>7.2}×",
                way.words(),
                cost.units_each(),
                cost.calls_each(),
            );
        }
    }
    println!("{}", if all_same { "the same beside any number of others" } else { "NOT the same: see above" });
    if all_same { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[expect(clippy::print_stdout, reason = "a benchmark prints what it ran on")]
fn machine() {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find(|line| line.starts_with("model name")).unwrap_or("model name: unknown");
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    println!("{model}; {cores} cores; the embedded database in a scratch folder; {VALUES} values each");
}
