//! A few bad days in every test run. Many more: `cargo run -p azukari-tests --release --
//! --seeds 0..1000`.

use azukari_tests::bad_days::{self, Plan};

#[test]
fn a_few_bad_days_break_no_promise() {
    for seed in 0..4 {
        let plan = Plan::of(seed);
        let lived = bad_days::live(&plan);
        assert!(lived.is_ok(), "{}\n{:?}", plan.reproduction(), lived.err());
    }
}

#[test]
fn a_seed_gives_the_same_day_again() {
    let tally = || bad_days::live(&Plan::of(7)).expect("no promise is broken").0;
    assert_eq!(tally(), tally());
}
