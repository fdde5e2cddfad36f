//! One invocation, watched: its log lines carry its request id, and when it has ended what it
//! has measured is written. Lambda stops the process as soon as the answer has gone out, so
//! this comes before the answer.

use std::io::Write;

use tracing::Instrument;

use crate::domain::word::word;
use crate::host::{
    ctx::Ctx,
    embedded::{self, About},
    roles::Role,
};

/// Watches the invocations of one function.
#[derive(Debug, Clone)]
pub struct Watch {
    ctx: Ctx,
    role: Role,
}

impl Watch {
    /// Of the function with this role, which measures with this context.
    pub fn new(role: Role, ctx: Ctx) -> Self {
        Self { ctx, role }
    }

    /// Carries out one invocation, and writes what it has measured to standard output.
    pub async fn over<T>(&self, request_id: &str, work: impl Future<Output = T>) -> T {
        let request_id = word(request_id);
        let span = tracing::info_span!("invocation", request_id);
        let answer = work.instrument(span).await;
        self.tell(request_id);
        answer
    }

    /// What was measured since this was asked last, as lines of the embedded metric format.
    pub fn lines(&self, request_id: &str) -> Vec<String> {
        let measured = self.ctx.metrics().take();
        let about = About { stage: self.ctx.stage(), function: self.role.as_str(), request_id, at: self.ctx.now() };
        embedded::lines(&about, &measured)
    }

    fn tell(&self, request_id: &str) {
        let mut lines = self.lines(request_id).join("\n");
        lines.push('\n');
        // In one piece. Where there is nobody to read it, the answer matters more.
        let _ = std::io::stdout().lock().write_all(lines.as_bytes());
    }
}
