//! What every function has at hand.

use std::sync::Arc;

use crate::domain::time::UnixMs;
use crate::host::{
    clock::{Clock, SystemClock},
    metrics::Metrics,
    mint::{Mint, SystemMint},
};

/// What an installation is called that is no stack.
const LOCAL: &str = "local";

/// Clock, mint and metrics.
#[derive(Clone)]
pub struct Ctx {
    stage: Arc<str>,
    clock: Arc<dyn Clock>,
    mint: Arc<dyn Mint>,
    metrics: Arc<Metrics>,
}

impl Ctx {
    /// The machine's own.
    pub fn system() -> Self {
        Self::new(Arc::new(SystemClock), Arc::new(SystemMint::new()), Arc::new(Metrics::default()))
    }

    /// Given ones.
    pub fn new(clock: Arc<dyn Clock>, mint: Arc<dyn Mint>, metrics: Arc<Metrics>) -> Self {
        Self { stage: Arc::from(LOCAL), clock, mint, metrics }
    }

    /// The same, of the installation with this name.
    #[must_use]
    pub fn of_stage(mut self, stage: &str) -> Self {
        self.stage = Arc::from(stage);
        self
    }

    /// What the installation is called: the name of its stack, or `local`.
    pub fn stage(&self) -> &str {
        &self.stage
    }

    /// Now.
    pub fn now(&self) -> UnixMs {
        self.clock.now()
    }

    /// New random values.
    pub fn mint(&self) -> &dyn Mint {
        &*self.mint
    }

    /// Counters.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }
}

impl std::fmt::Debug for Ctx {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ctx")
    }
}
