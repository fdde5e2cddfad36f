//! What the command line prints: lines, complaints, long texts page by page, and the
//! logs of what runs in this process.

use std::{
    io::{IsTerminal, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use tracing_subscriber::{
    Layer,
    filter::{LevelFilter, Targets},
    fmt::MakeWriter,
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

/// The file in the data folder that keeps the signed heads and the day roots of the audit
/// log, one line of JSON each.
pub const HEADS_FILE: &str = "audit-heads.jsonl";

/// Prints a line.
pub fn line(line: &str) {
    print(&format!("{line}\n"));
}

/// Says what is wrong.
#[expect(clippy::print_stderr, reason = "the command line speaks here")]
pub fn complaint(text: &str) {
    eprintln!("{text}");
}

/// Prints what other programs read, as it is.
pub fn data(text: &str) {
    print(text);
}

/// Prints a text, through a pager if somebody is reading and it may be longer than
/// their screen.
pub fn text(text: &str) {
    const SCREEN: usize = 20;
    // Names and keys of rows may have been planted, too.
    let text = &text.lines().map(|line| harmless(line) + "\n").collect::<String>();
    let long = text.lines().count() > SCREEN;
    if !(long && std::io::stdout().is_terminal() && page(text)) {
        print(text);
    }
}

fn print(text: &str) {
    // A reader that has closed its end, such as `head`, has seen enough.
    let _ = std::io::stdout().write_all(text.as_bytes());
}

/// Whether a pager took the text. It is asked to keep no history of it.
fn page(text: &str) -> bool {
    let pager = std::env::var("PAGER").ok().filter(|pager| !pager.trim().is_empty());
    let pager = pager.unwrap_or_else(|| "less -FRX".to_owned());
    let mut words = pager.split_whitespace();
    let Some(program) = words.next() else { return false };
    let started =
        Command::new(program).args(words).env("LESSHISTFILE", "-").env("LESSSECURE", "1").stdin(Stdio::piped()).spawn();
    let Ok(mut child) = started else { return false };
    if let Some(mut input) = child.stdin.take() {
        let _ = input.write_all(text.as_bytes());
    }
    child.wait().is_ok()
}

/// A text of somebody else's, made safe for a terminal: a message must not move the
/// cursor or colour the screen.
pub fn harmless(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' => '⏎',
            // Marks that turn the direction of writing could show one text as another.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '�',
            c if c.is_control() => '�',
            c => c,
        })
        .collect()
}

/// Writes the log to standard output, and heads and day roots of the audit log to their file.
pub fn log_everything(data_dir: &Path) {
    let lines = tracing_subscriber::fmt::layer().json().flatten_event(true).with_current_span(false);
    let lines = lines.with_filter(azukari::host::log::filter());
    tracing_subscriber::registry().with(lines).with(heads(data_dir)).init();
}

/// Writes errors to standard error, and heads and day roots of the audit log to their file.
pub fn log_errors(data_dir: &Path) {
    let lines = tracing_subscriber::fmt::layer().json().flatten_event(true).with_writer(std::io::stderr);
    let errors = azukari::host::log::filter().with_default(LevelFilter::OFF);
    let lines = lines.with_filter(errors).with_filter(LevelFilter::ERROR);
    tracing_subscriber::registry().with(lines).with(heads(data_dir)).init();
}

fn heads<S>(data_dir: &Path) -> impl Layer<S>
where
    S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
{
    let file = Appended(data_dir.join(HEADS_FILE));
    let lines = tracing_subscriber::fmt::layer().json().flatten_event(true).with_writer(file);
    let targets = ["azukari::host::ledger", "azukari_sweeper::roots"].map(|target| (target, LevelFilter::INFO));
    lines.with_filter(targets.into_iter().collect::<Targets>())
}

/// A file that is opened for each line: it may not be there yet.
struct Appended(PathBuf);

impl<'a> MakeWriter<'a> for Appended {
    type Writer = Box<dyn Write>;

    fn make_writer(&'a self) -> Self::Writer {
        match std::fs::OpenOptions::new().append(true).create(true).open(&self.0) {
            Ok(file) => Box::new(file),
            Err(_) => Box::new(std::io::sink()),
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_message_does_not_command_the_terminal() {
        assert_eq!(super::harmless("赤\u{1b}[31m\n二行\u{202e}目"), "赤�[31m⏎二行�目");
    }
}
