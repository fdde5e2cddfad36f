//! What every function has at hand.

use std::sync::Arc;

use crate::domain::time::UnixMs;
use crate::host::{
    clock::{Clock, SystemClock},
    metrics::Metrics,
    mint::{Mint, SystemMint},
};

/// Clock, mint and metrics.
#[derive(Clone)]
pub struct Ctx {
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
        Self { clock, mint, metrics }
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
