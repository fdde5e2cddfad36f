//! Reading TOML so that every problem is found, with its line: a reader over a
//! parsed table that notes what is missing, of a wrong type, or not known.

use std::{
    cell::RefCell,
    collections::BTreeSet,
    fmt::Display,
    ops::{Range, RangeInclusive},
    path::Path,
    str::FromStr,
};

use azukari::domain::definition::Text;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use crate::config::Problems;

/// A file that is being read.
pub(super) struct File<'a> {
    name: String,
    text: &'a str,
    problems: &'a RefCell<&'a mut Problems>,
}

/// Reads a TOML file and hands its top table to `read`.
pub(super) fn read_toml<T>(
    folder: &Path,
    name: &str,
    problems: &mut Problems,
    read: impl FnOnce(Section<'_>) -> T,
) -> Option<T> {
    let text = read_text(folder, name, problems)?;
    parse(&text, name, problems, read)
}

/// The same for a text that is shipped within the program: what is wrong with it is found
/// by the tests.
pub(super) fn parse_toml<T>(text: &str, read: impl FnOnce(Section<'_>) -> T) -> Option<T> {
    parse(text, "shipped", &mut Problems::default(), read)
}

fn parse<T>(text: &str, name: &str, problems: &mut Problems, read: impl FnOnce(Section<'_>) -> T) -> Option<T> {
    let (table, errors) = DeTable::parse_recoverable(text);
    let problems = RefCell::new(problems);
    let file = File { name: name.to_owned(), text, problems: &problems };
    for error in &errors {
        let at = error.span().map_or(0, |span| span.start);
        let en = error.message().lines().next().unwrap_or("not TOML").to_owned();
        file.problem(at, "TOMLとして読めません", &format!("not TOML: {en}"));
    }
    if !errors.is_empty() {
        return None;
    }
    let section =
        Section { file: &file, table: table.get_ref(), span: 0..0, path: String::new(), seen: RefCell::default() };
    Some(read(section))
}

/// Reads a text file.
pub(super) fn read_text(folder: &Path, name: &str, problems: &mut Problems) -> Option<String> {
    match std::fs::read_to_string(folder.join(name)) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            problems.add(name, 0, "ファイルがありません", "the file is missing");
            None
        }
        Err(error) => {
            problems.add(name, 0, "ファイルを読めません", format!("the file cannot be read: {error}"));
            None
        }
    }
}

/// Names TOML files that belong to nothing, wherever they are: a misspelt folder, one
/// level too deep or `.TOML` must not go unnoticed.
pub(super) fn refuse_strangers(folder: &Path, belongs: &dyn Fn(&[&str]) -> bool, problems: &mut Problems) {
    walk(folder, &mut Vec::new(), belongs, problems);
}

fn walk(folder: &Path, above: &mut Vec<String>, belongs: &dyn Fn(&[&str]) -> bool, problems: &mut Problems) {
    const DEEPEST: usize = 4;
    for entry in sorted_entries(folder) {
        let path = entry.path();
        above.push(entry.file_name().to_string_lossy().into_owned());
        let parts: Vec<&str> = above.iter().map(String::as_str).collect();
        let toml = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("toml"));
        if path.is_dir() && above.len() < DEEPEST {
            walk(&path, above, belongs, problems);
        } else if toml && !path.is_dir() && !belongs(&parts) {
            stranger(&parts.join("/"), problems);
        }
        above.pop();
    }
}

fn stranger(name: &str, problems: &mut Problems) {
    problems.add(name, 0, "この版では使われないファイルです", "this version does not know the file");
}

/// The entries of a folder by name; none if it is not there.
pub(super) fn sorted_entries(folder: &Path) -> Vec<std::fs::DirEntry> {
    let mut entries: Vec<_> = std::fs::read_dir(folder).into_iter().flatten().flatten().collect();
    entries.sort_by_key(std::fs::DirEntry::file_name);
    entries
}

pub(super) fn is_toml(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "toml")
}

impl File<'_> {
    fn problem(&self, at: usize, ja: &str, en: &str) {
        self.problems.borrow_mut().add(&self.name, self.line(at), ja, en);
    }

    fn line(&self, at: usize) -> usize {
        self.text.get(..at).unwrap_or(self.text).matches('\n').count() + 1
    }
}

/// A table of a file.
pub(super) struct Section<'a> {
    file: &'a File<'a>,
    table: &'a DeTable<'a>,
    span: Range<usize>,
    path: String,
    seen: RefCell<BTreeSet<&'static str>>,
}

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct At<T> {
    pub(super) value: T,
    pub(super) at: usize,
}

impl<'a> Section<'a> {
    /// Notes a problem at a place of the file.
    pub(super) fn problem(&self, at: usize, ja: &str, en: &str) {
        self.file.problem(at, ja, en);
    }

    /// Where the section stands.
    pub(super) fn at(&self) -> usize {
        self.span.start
    }

    /// The line of a place of the file, from 1.
    pub(super) fn line(&self, at: usize) -> usize {
        self.file.line(at)
    }

    /// Where the value of a key stands, if it is there, right or wrong.
    pub(super) fn place(&self, key: &'static str) -> Option<usize> {
        self.seen.borrow_mut().insert(key);
        self.table.get(key).map(|value| value.span().start)
    }

    /// A text that must be there and not be blank.
    pub(super) fn text(&self, key: &'static str) -> Option<At<String>> {
        let value = self.required(key)?;
        match value.get_ref() {
            DeValue::String(text) if !text.trim().is_empty() => {
                Some(At { value: text.to_string(), at: value.span().start })
            }
            DeValue::String(_) => self.wrong(key, value, "空にできません", "must not be blank"),
            _ => self.wrong(key, value, "文字列で書いてください", "must be a text"),
        }
    }

    /// A text in Japanese and English.
    pub(super) fn texts(&self, key: &'static str) -> Option<Text> {
        let section = self.section(key)?;
        let (ja, en) = (section.text("ja"), section.text("en"));
        section.finish();
        Some(Text { ja: ja?.value, en: en?.value })
    }

    /// One of some words.
    pub(super) fn one_of<T>(&self, key: &'static str, names: &[&str], parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        let text = self.text(key)?;
        let parsed = parse(&text.value);
        if parsed.is_none() {
            let (path, names) = (self.path_of(key), names.join(", "));
            let value = &text.value;
            self.problem(
                text.at,
                &format!("{path}の「{value}」は使えません（{names}のどれか）"),
                &format!("{path} must be one of {names}, not \"{value}\""),
            );
        }
        parsed
    }

    /// A name that must be one of these, if it is there; `None` if nobody knows them.
    pub(super) fn known(
        &self,
        name: Option<At<String>>,
        among: Option<&BTreeSet<&str>>,
        ja: &str,
        en: &str,
    ) -> Option<String> {
        let At { value, at } = name?;
        if among.is_none_or(|among| among.contains(value.as_str())) {
            return Some(value);
        }
        self.problem(at, &format!("{ja}「{value}」がありません"), &format!("there is no {en} \"{value}\""));
        None
    }

    /// `true` or `false`, if it is there.
    pub(super) fn flag(&self, key: &'static str) -> Option<At<bool>> {
        self.seen.borrow_mut().insert(key);
        let value = self.table.get(key)?;
        match value.get_ref() {
            DeValue::Boolean(flag) => Some(At { value: *flag, at: value.span().start }),
            _ => self.wrong(key, value, "trueかfalseで書いてください", "must be true or false"),
        }
    }

    /// A whole number in a range, if it is there.
    pub(super) fn number(&self, key: &'static str, range: RangeInclusive<u16>) -> Option<At<u16>> {
        self.whole(key, range)
    }

    /// The same, and it may be negative.
    pub(super) fn integer(&self, key: &'static str, range: RangeInclusive<i64>) -> Option<At<i64>> {
        self.whole(key, range)
    }

    fn whole<T: FromStr + PartialOrd + Display>(&self, key: &'static str, range: RangeInclusive<T>) -> Option<At<T>> {
        self.seen.borrow_mut().insert(key);
        let value = self.table.get(key)?;
        let number: Option<T> = match value.get_ref() {
            DeValue::Integer(number) if number.radix() == 10 => number.as_str().parse().ok(),
            _ => None,
        };
        match number.filter(|number| range.contains(number)) {
            Some(number) => Some(At { value: number, at: value.span().start }),
            None => {
                let (from, to) = (range.start(), range.end());
                self.wrong(
                    key,
                    value,
                    &format!("{from}から{to}までの整数で書いてください"),
                    &format!("must be a whole number from {from} to {to}"),
                )
            }
        }
    }

    /// Whether a list is missing or holds fewer entries. What is no list is noted where it
    /// is read.
    pub(super) fn has_fewer(&self, key: &str, least: usize) -> bool {
        match self.table.get(key).map(|value| value.get_ref()) {
            None => true,
            Some(DeValue::Array(list)) => list.len() < least,
            Some(_) => false,
        }
    }

    /// Whether one of these keys is there, right or wrong.
    pub(super) fn has_any(&self, keys: &[&str]) -> bool {
        keys.iter().any(|key| self.table.get(*key).is_some())
    }

    /// A text that may be missing.
    pub(super) fn maybe_text(&self, key: &'static str) -> Option<At<String>> {
        self.seen.borrow_mut().insert(key);
        if self.has_any(&[key]) { self.text(key) } else { None }
    }

    /// A table that may be missing.
    pub(super) fn maybe_section(&self, key: &'static str) -> Option<Section<'a>> {
        self.seen.borrow_mut().insert(key);
        if self.has_any(&[key]) { self.section(key) } else { None }
    }

    /// The section's own name.
    pub(super) fn name(&self) -> &str {
        self.path.rsplit('.').next().unwrap_or_default()
    }

    /// A table that must be there.
    pub(super) fn section(&self, key: &'static str) -> Option<Section<'a>> {
        let value = self.required(key)?;
        match value.get_ref() {
            DeValue::Table(table) => Some(self.below(key, table, value.span())),
            _ => self.wrong(key, value, "表（テーブル）で書いてください", "must be a table"),
        }
    }

    /// A list of tables (`[[key]]`) with at least one.
    pub(super) fn sections(&self, key: &'static str) -> Vec<Section<'a>> {
        let Some(value) = self.required(key) else { return Vec::new() };
        let DeValue::Array(list) = value.get_ref() else {
            self.wrong::<()>(key, value, "[[…]]の並びで書いてください", "must be a list of tables");
            return Vec::new();
        };
        let mut sections = Vec::new();
        for entry in list.iter() {
            match entry.get_ref() {
                DeValue::Table(table) => sections.push(self.below(key, table, entry.span())),
                _ => drop(self.wrong::<()>(key, entry, "表（テーブル）で書いてください", "must be a table")),
            }
        }
        sections
    }

    /// The same, and there may be none.
    pub(super) fn any_sections(&self, key: &'static str) -> Vec<Section<'a>> {
        self.seen.borrow_mut().insert(key);
        if self.has_any(&[key]) { self.sections(key) } else { Vec::new() }
    }

    /// A list of texts with at least one, none of them blank.
    pub(super) fn words(&self, key: &'static str) -> Option<Vec<At<String>>> {
        let value = self.required(key)?;
        let words = match value.get_ref() {
            DeValue::Array(list) => list.iter().map(|entry| match entry.get_ref() {
                DeValue::String(text) if !text.trim().is_empty() => {
                    Some(At { value: text.to_string(), at: entry.span().start })
                }
                _ => None,
            }),
            _ => return self.wrong(key, value, "文字列の並びで書いてください", "must be a list of texts"),
        };
        match words.collect::<Option<Vec<_>>>() {
            Some(words) if !words.is_empty() => Some(words),
            _ => self.wrong(
                key,
                value,
                "空でない文字列を一つ以上書いてください",
                "must hold at least one text, none blank",
            ),
        }
    }

    /// The same, and there may be none.
    pub(super) fn any_words(&self, key: &'static str) -> Option<Vec<At<String>>> {
        self.seen.borrow_mut().insert(key);
        if self.has_fewer(key, 1) { Some(Vec::new()) } else { self.words(key) }
    }

    /// Notes every key that nobody asked for.
    pub(super) fn finish(&self) {
        let seen = self.seen.borrow();
        for (key, _) in self.table.iter().filter(|(key, _)| !seen.contains(key.get_ref().as_ref())) {
            let path = self.path_of(key.get_ref());
            self.problem(
                key.span().start,
                &format!("{path}という項目はありません"),
                &format!("{path} is not a known key"),
            );
        }
    }

    fn required(&self, key: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.seen.borrow_mut().insert(key);
        let value = self.table.get(key);
        if value.is_none() {
            let path = self.path_of(key);
            self.problem(self.span.start, &format!("{path}がありません"), &format!("{path} is missing"));
        }
        value
    }

    fn wrong<T>(&self, key: &str, value: &Spanned<DeValue<'_>>, ja: &str, en: &str) -> Option<T> {
        let path = self.path_of(key);
        self.problem(value.span().start, &format!("{path}は{ja}"), &format!("{path} {en}"));
        None
    }

    fn below(&self, key: &str, table: &'a DeTable<'a>, span: Range<usize>) -> Section<'a> {
        Section { file: self.file, table, span, path: self.path_of(key), seen: RefCell::default() }
    }

    /// The name of a key as problems tell it.
    pub(super) fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }
}
