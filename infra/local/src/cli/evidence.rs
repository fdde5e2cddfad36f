//! What the commands have in common that check what was signed with the `evidence` key,
//! without the system: its public half, and how a check ends that could not be made.

use std::{fmt::Display, io, path::Path};

use azukari::keys::evidence::EvidenceKey;

use crate::{
    cli::{Failed, Places, say},
    installation::EVIDENCE_FILE,
    operator_key,
};

/// Exit code of a check that could not be made.
const NOT_CHECKED: u8 = 2;

/// That nothing could be checked is not the same as that something is wrong: says why, and
/// ends with an exit code of its own. What has said everything already keeps its code.
pub(super) fn not_checked(failed: Failed) -> Failed {
    match failed {
        Failed::Quiet(code) => Failed::Quiet(code),
        other => {
            say::complaint(&other.to_string());
            Failed::Quiet(NOT_CHECKED)
        }
    }
}

/// The public key to check with: of the file that was given, or of this machine.
pub(super) fn key(given: Option<&Path>, places: &Places) -> Result<EvidenceKey, Failed> {
    let usual = places.data_dir.join(EVIDENCE_FILE);
    let path = given.unwrap_or(&usual);
    let key = operator_key::read_public(&text(path)?).and_then(|spki| EvidenceKey::new(&spki).ok());
    key.ok_or_else(|| {
        let path = path.display();
        Failed::Said(format!("{path}はP-256の公開鍵（PEM）ではありません。 / {path} is not a P-256 public key in PEM."))
    })
}

/// A file as text.
pub(super) fn text(path: &Path) -> Result<String, Failed> {
    std::fs::read_to_string(path).map_err(|error| unreadable(path.display(), &error))
}

/// What cannot be read, and why.
pub(super) fn unreadable(what: impl Display, error: &io::Error) -> Failed {
    Failed::Said(format!("{what}を読めません: {error} / {what} cannot be read: {error}"))
}
