//! Keeps the small pool of one machine from running dry: it is filled again as soon
//! as half of it has been claimed.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use tokio::sync::RwLock;

use crate::installation::{Installation, POOL_TARGET};

#[derive(Debug, Clone)]
pub(super) struct Keeper(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    installation: Arc<Installation>,
    claimed_at_fill: AtomicU64,
    filling: RwLock<()>,
}

impl Keeper {
    pub(super) fn new(installation: Arc<Installation>) -> Self {
        Self(Arc::new(Inner { installation, claimed_at_fill: AtomicU64::new(0), filling: RwLock::new(()) }))
    }

    fn claimed(&self) -> u64 {
        let metrics = self.0.installation.metrics();
        metrics.get("webhook_person", "new") + metrics.get("form_person", "new")
    }

    fn low(&self) -> bool {
        let half = u64::try_from(POOL_TARGET / 2).unwrap_or(u64::MAX);
        self.claimed().saturating_sub(self.0.claimed_at_fill.load(Ordering::SeqCst)) >= half
    }

    async fn fill_if_low(&self) {
        if !self.low() {
            return;
        }
        let _alone = self.0.filling.write().await;
        if self.low() {
            let claimed = self.claimed();
            match self.0.installation.refill().await {
                Ok(_) => self.0.claimed_at_fill.store(claimed, Ordering::SeqCst),
                Err(error) => tracing::error!(event = "pool_not_filled", %error, "the pool could not be filled"),
            }
        }
    }
}

pub(super) async fn keep_full(State(keeper): State<Keeper>, request: Request, next: Next) -> Response {
    keeper.fill_if_low().await;
    let _with_others = keeper.0.filling.read().await;
    next.run(request).await
}
