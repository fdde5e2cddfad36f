//! `secrets.toml`: the secrets of local mode, made at first start, missing entries
//! added, readable by its owner only. What is in it is never printed.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use azukari::host::mint::Mint;
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};

/// The secrets file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SecretsFileError {
    /// It cannot be read or written.
    #[error(
        "{0:?}を読み書きできません（{1}）。場所と、ファイルの権限を確かめてください。 / {0:?} cannot be read or written ({1}): check the path, and who may use the file."
    )]
    Io(PathBuf, io::Error),
    /// It is not TOML, or holds something else than texts. The line is not shown: it
    /// may be a secret.
    #[error(
        "{0:?}は[channel.名前]と[keys]に文字列を並べたファイルではありません。直すか、別の場所に移してください。 / {0:?}: not a file of [channel.<name>] and [keys] with texts; mend it, or move it away."
    )]
    Malformed(PathBuf),
}

/// Members of a channel, and how a fresh one is made.
const CHANNEL: [(&str, Fresh); 5] = [
    ("channel_secret", Fresh::Hex(16)),
    ("access_token", Fresh::Base64(48)),
    ("bot_user_id", Fresh::BotUserId),
    ("login_channel_id", Fresh::Digits),
    ("login_channel_secret", Fresh::Hex(16)),
];

/// Keys, and how a fresh one is made.
const KEYS: [(&str, Fresh); 5] = [
    ("user_index", Fresh::Base64(32)),
    ("origin", Fresh::Base64(32)),
    ("notice_mac", Fresh::Base64(32)),
    ("note", Fresh::Base64(32)),
    ("pairwise", Fresh::Base64(32)),
];

#[derive(Clone, Copy)]
enum Fresh {
    Hex(usize),
    Base64(usize),
    BotUserId,
    Digits,
}

/// Reads the file, adds what is missing for these channels, and gives all of it in
/// the form of `azukari::host::secrets`.
///
/// # Errors
/// See [`SecretsFileError`].
pub fn complete(path: &Path, channels: &[String], mint: &dyn Mint) -> Result<Value, SecretsFileError> {
    let malformed = || SecretsFileError::Malformed(path.to_owned());
    let mut all: toml::Table = match std::fs::read_to_string(path) {
        Ok(text) => text.parse().map_err(|_| malformed())?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => toml::Table::new(),
        Err(error) => return Err(SecretsFileError::Io(path.to_owned(), error)),
    };
    let mut added = false;
    for channel in channels {
        let section = sub(&mut all, "channel").and_then(|all| sub(all, channel)).ok_or_else(malformed)?;
        added |= fill(section, &CHANNEL, mint);
    }
    added |= fill(sub(&mut all, "keys").ok_or_else(malformed)?, &KEYS, mint);
    if added {
        let text = toml::to_string(&all).map_err(|_| malformed())?;
        write_private(path, &text).map_err(|error| SecretsFileError::Io(path.to_owned(), error))?;
    }
    let texts = |section: &toml::Table| -> Option<Map<String, Value>> {
        section.iter().map(|(name, value)| Some((name.clone(), json!(value.as_str()?)))).collect()
    };
    let mut known = Map::new();
    for (name, section) in sub(&mut all, "channel").ok_or_else(malformed)?.iter() {
        let section = section.as_table().and_then(texts).ok_or_else(malformed)?;
        if channels.contains(name) {
            known.insert(name.clone(), Value::Object(section));
        }
    }
    let keys = sub(&mut all, "keys").and_then(|keys| texts(keys)).ok_or_else(malformed)?;
    Ok(json!({ "channel": known, "keys": keys }))
}

fn sub<'a>(table: &'a mut toml::Table, name: &str) -> Option<&'a mut toml::Table> {
    table.entry(name).or_insert_with(|| toml::Value::Table(toml::Table::new())).as_table_mut()
}

fn fill(section: &mut toml::Table, members: &[(&str, Fresh)], mint: &dyn Mint) -> bool {
    let mut added = false;
    for (name, fresh) in members {
        if !section.contains_key(*name) {
            section.insert((*name).to_owned(), toml::Value::String(fresh.make(mint)));
            added = true;
        }
    }
    added
}

impl Fresh {
    fn make(self, mint: &dyn Mint) -> String {
        let bytes = |n: usize| {
            let mut bytes = vec![0; n];
            mint.fill(&mut bytes);
            bytes
        };
        let hex = |n: usize| bytes(n).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        match self {
            Self::Hex(n) => hex(n),
            Self::Base64(n) => STANDARD.encode(bytes(n)),
            Self::BotUserId => format!("U{}", hex(16)),
            Self::Digits => {
                format!("1{}", bytes(9).iter().map(|byte| char::from(b'0' + byte % 10)).collect::<String>())
            }
        }
    }
}

/// Writes a file that only its owner can read (0600), whole or not at all.
///
/// # Errors
/// It cannot be written.
pub fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let unfinished = path.with_extension("new");
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&unfinished)?;
    // One that was left over keeps the mode that it had.
    #[cfg(unix)]
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&unfinished, path)
}

/// Whether nobody but its owner can read a file.
///
/// # Errors
/// It is not there, or cannot be looked at.
#[cfg(unix)]
pub fn is_for_its_owner_alone(path: &Path) -> io::Result<bool> {
    let about = std::fs::metadata(path)?;
    Ok(std::os::unix::fs::PermissionsExt::mode(&about.permissions()) & 0o077 == 0)
}

/// Elsewhere files have no such mode.
///
/// # Errors
/// It is not there, or cannot be looked at.
#[cfg(not(unix))]
pub fn is_for_its_owner_alone(path: &Path) -> io::Result<bool> {
    std::fs::metadata(path).map(|_| true)
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_file_is_for_its_owner_alone_even_after_one_that_was_left_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("officer.pem");
        let left = path.with_extension("new");
        std::fs::write(&left, "left over").unwrap();
        std::fs::set_permissions(&left, std::fs::Permissions::from_mode(0o644)).unwrap();
        write_private(&path, "secret").unwrap();
        assert!(is_for_its_owner_alone(&path).unwrap());
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(!is_for_its_owner_alone(&path).unwrap());
    }
}
