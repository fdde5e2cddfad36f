//! Lives through bad days: `--seeds A..B`, or `--minutes N` from a seed on. A seed that
//! breaks a promise is made as short as it gets and printed as one line that lives
//! through it again.

use std::{
    ops::Range,
    process::ExitCode,
    sync::{Mutex, PoisonError},
};

use azukari_tests::bad_days::{self, Plan, Tally};
use clap::Parser;

/// The simulator of bad days.
#[derive(Parser)]
struct Cli {
    /// Seeds, as A..B.
    #[arg(long, value_parser = seeds)]
    seeds: Option<Range<u64>>,
    /// Go on for so many minutes, from the first of the seeds (or 0).
    #[arg(long)]
    minutes: Option<u64>,
    /// Only these actions of the plan.
    #[arg(long, value_delimiter = ',')]
    keep: Option<Vec<usize>>,
    /// Do not look for a shorter plan that breaks the same promise.
    #[arg(long)]
    no_shrink: bool,
    /// Print the plan before it is lived through.
    #[arg(long)]
    show: bool,
}

/// The plan that is being lived through: printed should the product panic.
static NOW: Mutex<String> = Mutex::new(String::new());

/// A panic of the product is a broken promise, too, and ends the program.
#[expect(clippy::print_stdout, reason = "a program that reports")]
fn name_the_seed_of_a_panic() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        before(panic);
        println!("{}", NOW.lock().unwrap_or_else(PoisonError::into_inner));
    }));
}

fn seeds(text: &str) -> Result<Range<u64>, String> {
    let parse = |text: &str| text.parse::<u64>().map_err(|_| "seeds are written as 0..100".to_owned());
    let (from, to) = text.split_once("..").ok_or("seeds are written as 0..100")?;
    Ok(parse(from)?..parse(to)?)
}

#[expect(clippy::print_stdout, reason = "a program that reports")]
#[expect(clippy::disallowed_methods, reason = "how long it may go on is a matter of the wall clock")]
fn main() -> ExitCode {
    let cli = Cli::parse();
    name_the_seed_of_a_panic();
    let begun = std::time::Instant::now();
    let seeds = match (&cli.seeds, cli.minutes) {
        (Some(seeds), None) => seeds.clone(),
        (seeds, Some(_)) => seeds.as_ref().map_or(0, |seeds| seeds.start)..u64::MAX,
        (None, None) => 0..20,
    };
    let mut all = Tally::default();
    let mut lived = 0_u64;
    for seed in seeds {
        if cli.minutes.is_some_and(|minutes| begun.elapsed().as_secs() >= minutes * 60) {
            break;
        }
        let mut plan = Plan::of(seed);
        if let Some(keep) = &cli.keep {
            plan = plan.keep(keep);
        }
        if cli.show {
            println!("{:?}", plan.rule);
            plan.actions.iter().for_each(|(n, action)| println!("{n:>3} {action:?}"));
        }
        azukari_tests::witness::forget();
        plan.reproduction().clone_into(&mut NOW.lock().unwrap_or_else(PoisonError::into_inner));
        match bad_days::live(&plan) {
            Ok(tally) => all.add(&tally),
            Err(broken) => {
                println!("seed {seed}: after action {}: {}", broken.action, broken.what);
                if cli.no_shrink {
                    println!("{}", plan.reproduction());
                    return ExitCode::FAILURE;
                }
                let short = bad_days::shrink(&plan);
                if let Err(broken) = bad_days::live(&short) {
                    println!("shortest: after action {}: {}", broken.action, broken.what);
                    short.actions.iter().for_each(|(n, action)| println!("{n:>3} {action:?}"));
                }
                println!("{}", short.reproduction());
                return ExitCode::FAILURE;
            }
        }
        lived += 1;
    }
    println!("{lived} seeds in {} s, no promise was broken", begun.elapsed().as_secs());
    for (what, n) in &all.0 {
        println!("{n:>9} {what}");
    }
    ExitCode::SUCCESS
}
