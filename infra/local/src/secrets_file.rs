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
    #[error("{0:?}: {1}")]
    Io(PathBuf, io::Error),
    /// It is not TOML, or holds something else than texts. The line is not shown: it
    /// may be a secret.
    #[error("{0:?}: not a file of [channel.<name>] and [keys] with texts")]
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
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&unfinished, path)
}
