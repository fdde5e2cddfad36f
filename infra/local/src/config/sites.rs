//! `sites.toml`: the member sites of the business, which take part in linking. The file
//! may be missing.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::Ipv6Addr,
    path::Path,
};

use azukari::domain::{
    id::ChannelName,
    key::PUBLIC_KEY_LEN,
    site::{Site, SiteName, USUAL_CALLS_PER_HOUR},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use http::{Uri, uri::Authority};

use crate::config::{
    Channel, Problems,
    forms::{TITLE, texts},
    operators::on_curve,
    section::{At, Section, read_toml},
};

/// The name of the file.
pub(super) const FILE: &str = "sites.toml";

/// Longest address, in bytes.
const LONGEST_ADDRESS: usize = 500;
/// Hosts of this machine: the only ones to which people may be sent without encryption.
const LOOPBACK: [&str; 3] = ["127.0.0.1", "localhost", "[::1]"];
/// What is added to the query of an address, or would be taken for it.
const ADDED: [&str; 5] = ["code", "state", "error", "linked", "lang"];
/// What is said of an address, behind its key.
const SCHEME: (&str, &str) = (
    "は、https://で始めてください（http://は、127.0.0.1、localhost、[::1]だけです）",
    "must begin with https:// (http:// is for 127.0.0.1, localhost and [::1])",
);
const NO_HOST: (&str, &str) = ("のホスト名かポート番号が正しくありません", "has no host, or a wrong host or port");
/// What stands before an uncompressed point of P-256 in a SubjectPublicKeyInfo in DER
/// (RFC 5480 §2).
const SPKI_HEAD: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// Reads all sites.
pub(super) fn read(folder: &Path, channels: &BTreeMap<String, Option<Channel>>, problems: &mut Problems) -> Vec<Site> {
    if !folder.join(FILE).exists() {
        return Vec::new();
    }
    let read = read_toml(folder, FILE, problems, |top| {
        let mut seen = BTreeSet::new();
        let sections = top.any_sections("site");
        let sites: Vec<Site> = sections.iter().filter_map(|section| site(section, channels, &mut seen)).collect();
        top.finish();
        sites
    });
    read.unwrap_or_default()
}

fn site(
    section: &Section<'_>,
    channels: &BTreeMap<String, Option<Channel>>,
    seen: &mut BTreeSet<String>,
) -> Option<Site> {
    let name = section.text("name").and_then(|name| site_name(section, name, seen));
    let channel = section.text("channel").and_then(|channel| linking_channel(section, channel, channels));
    let title = texts(section, "title", &TITLE);
    let mut known = BTreeSet::new();
    let login_url = section.text("login_url").and_then(|url| address(section, "login_url", url, &mut known));
    let listed = section.any_words("return_addresses").unwrap_or_default();
    let returns = listed.into_iter().filter_map(|url| address(section, "return_addresses", url, &mut known));
    let return_addresses = returns.collect();
    let public_key = section.text("public_key").and_then(|key| point(section, &key));
    let calls = section.integer("calls_per_hour", 1..=1_000_000).and_then(|n| u32::try_from(n.value).ok());
    section.finish();
    Some(Site {
        name: name?,
        channel: channel?,
        title: title?,
        login_url: login_url?,
        return_addresses,
        public_key: public_key?,
        calls_per_hour: calls.unwrap_or(USUAL_CALLS_PER_HOUR),
    })
}

fn site_name(section: &Section<'_>, name: At<String>, seen: &mut BTreeSet<String>) -> Option<SiteName> {
    let At { value, at } = name;
    let Ok(parsed) = SiteName::parse(&value) else {
        let en = "name must be 1 to 32 of a-z, 0-9 and -";
        section.problem(at, "nameは半角のa-z、0-9、-で32文字までです", en);
        return None;
    };
    if !seen.insert(value.clone()) {
        let en = format!("the site \"{value}\" is there twice");
        section.problem(at, &format!("サイト「{value}」が重複しています"), &en);
        return None;
    }
    Some(parsed)
}

/// The channel whose people are the members of a site: it links.
fn linking_channel(
    section: &Section<'_>,
    name: At<String>,
    channels: &BTreeMap<String, Option<Channel>>,
) -> Option<ChannelName> {
    let At { value, at } = name;
    let Some(channel) = channels.get(&value) else {
        let en = format!("there is no channel \"{value}\"");
        section.problem(at, &format!("チャネル「{value}」がありません"), &en);
        return None;
    };
    if channel.as_ref().is_some_and(|channel| channel.link.is_none()) {
        let en = format!("the channel \"{value}\" has no [link]");
        section.problem(at, &format!("チャネル「{value}」に[link]がありません"), &en);
        return None;
    }
    ChannelName::parse(&value).ok()
}

/// An address to which people are sent. Each is there once in a site.
fn address(
    section: &Section<'_>,
    key: &'static str,
    address: At<String>,
    known: &mut BTreeSet<String>,
) -> Option<String> {
    let At { value, at } = address;
    if value.len() > LONGEST_ADDRESS {
        let en = format!("{key} is longer than {LONGEST_ADDRESS} characters");
        section.problem(at, &format!("{key}は{LONGEST_ADDRESS}文字までです"), &en);
        return None;
    }
    if let Some((ja, en)) = fault(&value) {
        section.problem(at, &format!("{key}{ja}"), &format!("{key} {en}"));
        return None;
    }
    if !known.insert(value.clone()) {
        let en = format!("{key}: the address \"{value}\" is there twice in this site");
        section.problem(at, &format!("{key}: アドレス「{value}」がこのサイトで重複しています"), &en);
        return None;
    }
    Some(value)
}

/// What is wrong with an address, in Japanese and English, to stand behind its key.
///
/// What two programs could read in two ways is refused here: people are sent to it, with
/// a one-time secret in the query.
fn fault(address: &str) -> Option<(&'static str, &'static str)> {
    if !address.bytes().all(|b| b.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&b)) {
        let ja = "に書けるのは、半角の英数字とURLの記号だけです（空白や「\\」は書けません）";
        return Some((ja, "must be ASCII, without white space, \\ and other signs that no address has"));
    }
    if address.contains('#') {
        return Some(("に、フラグメント（#から後ろ）は書けません", "must have no fragment (# and what is behind it)"));
    }
    let encrypted = address.strip_prefix("https://");
    let Some(rest) = encrypted.or_else(|| address.strip_prefix("http://")) else { return Some(SCHEME) };
    if rest.split(['/', '?']).next().is_some_and(|authority| authority.contains('@')) {
        return Some(("に、ユーザー名は書けません", "must have no user name"));
    }
    let Ok(uri) = address.parse::<Uri>() else { return Some(NO_HOST) };
    let Some(host) = uri.authority().and_then(host) else { return Some(NO_HOST) };
    if encrypted.is_none() && !LOOPBACK.contains(&host) {
        return Some(SCHEME);
    }
    if form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).any(|(name, _)| ADDED.contains(&&*name)) {
        return Some((
            "のクエリに、code、state、error、linked、langは書けません（連携のときに付きます）",
            "must not have code, state, error, linked or lang in its query: linking adds them",
        ));
    }
    None
}

/// The host, if it is one, and what stands behind it is a port or nothing.
fn host(authority: &Authority) -> Option<&str> {
    let host = authority.host();
    let named = !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'));
    let numbered = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let numbered = numbered.is_some_and(|host| host.parse::<Ipv6Addr>().is_ok());
    let behind = authority.as_str().strip_prefix(host)?;
    let port = behind.strip_prefix(':').filter(|port| port.bytes().all(|b| b.is_ascii_digit()));
    let port = port.and_then(|port| port.parse::<u16>().ok()).is_some_and(|port| port > 0);
    ((named || numbered) && (behind.is_empty() || port)).then_some(host)
}

/// The key of a site: a point as it is, or the SubjectPublicKeyInfo that holds it.
fn point(section: &Section<'_>, key: &At<String>) -> Option<[u8; PUBLIC_KEY_LEN]> {
    let point = STANDARD.decode(key.value.trim()).ok().and_then(|bytes| {
        let bytes = bytes.strip_prefix(&SPKI_HEAD).unwrap_or(&bytes);
        on_curve(bytes)
    });
    if point.is_none() {
        let en = "public_key is not a P-256 key in base64: the point (65 bytes) or the key in DER (91 bytes)";
        section.problem(key.at, "public_keyは、P-256の公開鍵のbase64です（点の65バイト、またはDERの91バイト）", en);
    }
    point
}
