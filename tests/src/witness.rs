//! What the process says: log lines and panics, collected for the canary search.

use std::sync::{Mutex, Once, OnceLock, PoisonError};

use tracing_subscriber::{fmt::MakeWriter, layer::SubscriberExt, util::SubscriberInitExt};

use crate::logging;

static SAID: OnceLock<Mutex<Vec<u8>>> = OnceLock::new();
static LISTENING: Once = Once::new();

#[derive(Debug, Clone, Copy)]
struct Ear;

impl std::io::Write for Ear {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        hear(bytes);
        // A line is written in one piece.
        logging::hear(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Ear {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        *self
    }
}

fn hear(bytes: &[u8]) {
    SAID.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
}

/// Listens to log lines (as production writes them) and to panics, once a process.
pub fn listen() {
    LISTENING.call_once(|| {
        let lines = tracing_subscriber::fmt::layer().json().flatten_event(true);
        let lines = lines.with_current_span(true).with_span_list(false).with_writer(Ear);
        tracing_subscriber::registry().with(azukari::host::log::filter()).with(lines).init();
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            hear(panic.to_string().as_bytes());
            before(panic);
        }));
    });
}

/// Everything that was said so far.
pub fn said() -> Vec<u8> {
    SAID.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Forgets what was said so far: for programs that tell many stories one by one.
pub fn forget() {
    SAID.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner).clear();
}
