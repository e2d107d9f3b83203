//! Reads a tree of values key by key, and knows every key because it was asked for.
//!
//! A key a reader asks for is a known key; one it leaves over is unknown.
//! So the readers of the sections are the only table of keys there is.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use ::config::{Map, Value, ValueKind};

use super::error::{ConfigError, ConfigErrors};
use super::lines::line_of;
use super::parse::{Refusal, describe};
use super::sources::{is_variable, variable_name};

/// How alike two keys must be, from 0 to 1, for one to be suggested for the other.
const MIN_LIKENESS: f64 = 0.5;

/// The value could not be read, and the report says why.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reported(());

/// What a reader gives.
pub(super) type Read<T> = Result<T, Reported>;

/// What is found while a configuration is read.
#[derive(Debug, Default)]
pub(super) struct Report {
    fallback_origin: String,
    file: Option<PathBuf>,
    problems: RefCell<Vec<ConfigError>>,
    /// Patterns such as `accounts[].name`, in the order asked for.
    known: RefCell<Vec<String>>,
    unknown: RefCell<Vec<Unknown>>,
}

#[derive(Debug)]
struct Unknown {
    origin: String,
    parent: String,
    parent_pattern: String,
    key: String,
}

impl Report {
    /// An empty report; `fallback_origin` is named for what has no origin of its own.
    pub(super) fn new(fallback_origin: String, file: Option<PathBuf>) -> Self {
        Self { fallback_origin, file, ..Self::default() }
    }

    /// Every key asked for, as patterns such as `accounts[].name`.
    #[cfg(test)]
    pub(super) fn known(&self) -> Vec<String> {
        self.known.borrow().clone()
    }

    /// `value`, if nothing was reported.
    pub(super) fn conclude<T>(self, value: Read<T>) -> Result<T, ConfigErrors> {
        let unknown = self.unknown.borrow();
        let mut problems: Vec<_> = unknown.iter().map(|unknown| self.unknown_key(unknown)).collect();
        problems.extend(self.problems.take());
        match value {
            Ok(value) if problems.is_empty() => Ok(value),
            _ => Err(ConfigErrors(problems)),
        }
    }

    fn ask(&self, pattern: String) {
        let mut known = self.known.borrow_mut();
        if !known.contains(&pattern) {
            known.push(pattern);
        }
    }

    fn refuse(&self, origin: &str, key: String, refusal: Refusal) -> Reported {
        self.problems.borrow_mut().push(ConfigError {
            origin: origin.to_owned(),
            key: Some(key),
            expected: refusal.expected,
            found: refusal.found.unwrap_or_else(|| "something else".to_owned()),
            remedy: refusal.remedy,
        });
        Reported(())
    }

    fn unknown_key(&self, unknown: &Unknown) -> ConfigError {
        let Unknown { origin, parent, parent_pattern, key } = unknown;
        let known = self.known.borrow();
        let spell = |key: &str, pattern: &str| match is_variable(origin) {
            true if known.iter().any(|other| split(other).0.trim_end_matches("[]") == pattern) => {
                format!("{}__…", variable_name(key))
            }
            true => variable_name(key),
            false => key.to_owned(),
        };
        let siblings: Vec<_> = known.iter().filter(|pattern| split(pattern).0 == parent_pattern).collect();
        let remedy = match (nearest(key, &siblings), nearest(key, &known.iter().collect::<Vec<_>>())) {
            (Some(pattern), _) => {
                format!("did you mean {}?", spell(&join(parent, split(pattern).1), pattern))
            }
            (None, Some(pattern)) => {
                format!("did you mean {}?", spell(&pattern.replace("[]", "[0]"), pattern))
            }
            (None, None) => {
                let names: Vec<_> = siblings.iter().map(|pattern| split(pattern).1).collect();
                format!("the keys known here are {}", names.join(", "))
            }
        };
        ConfigError {
            origin: origin.clone(),
            key: Some(join(parent, key)),
            expected: "a known key".to_owned(),
            found: "an unknown one".to_owned(),
            remedy: Some(remedy),
        }
    }
}

/// One table of the configuration while it is read.
pub(super) struct Table<'r> {
    report: &'r Report,
    origin: String,
    path: String,
    pattern: String,
    entries: Map<String, Value>,
    asked: Vec<&'static str>,
}

impl<'r> Table<'r> {
    /// Reads the whole tree by `read`.
    pub(super) fn read_root<T>(
        report: &'r Report,
        entries: Map<String, Value>,
        read: impl FnOnce(&mut Table<'_>) -> T,
    ) -> T {
        let origin = report.fallback_origin.clone();
        let root =
            Table { report, origin, path: String::new(), pattern: String::new(), entries, asked: Vec::new() };
        root.read(read)
    }

    /// The value of `key`, which must be there.
    pub(super) fn required<T>(
        &mut self,
        key: &'static str,
        parse: impl FnOnce(&Value) -> Result<T, Refusal>,
    ) -> Read<T> {
        let value = self.ask(key).unwrap_or_else(|| Value::new(None, ValueKind::Nil));
        parse(&value).map_err(|refusal| self.refuse(key, refusal.unless_found(|| describe(&value))))
    }

    /// The value of `key`, if it is there.
    pub(super) fn optional<T>(
        &mut self,
        key: &'static str,
        parse: impl FnOnce(&Value) -> Result<T, Refusal>,
    ) -> Read<Option<T>> {
        match self.ask(key) {
            Some(_) => self.required(key, parse).map(Some),
            None => Ok(None),
        }
    }

    /// The table at `key`; one that is left out is read as an empty one.
    pub(super) fn section<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&mut Table<'_>) -> Read<T>,
    ) -> Read<T> {
        let entries = match self.ask(key).map(|value| value.kind) {
            None => Map::new(),
            Some(ValueKind::Table(entries)) => entries,
            Some(kind) => {
                let refusal = Refusal::new(format!("a table, [{}]", self.key(key)));
                return Err(self.refuse(key, refusal.unless_found(|| describe(&Value::new(None, kind)))));
            }
        };
        self.child(key, entries).read(read)
    }

    /// The table at `key`, if it is there.
    pub(super) fn optional_section<T>(
        &mut self,
        key: &'static str,
        read: impl Fn(&mut Table<'_>) -> Read<T>,
    ) -> Read<Option<T>> {
        if self.ask(key).is_some() {
            return self.section(key, read).map(Some);
        }
        self.learn(key, |table| drop(read(table)));
        Ok(None)
    }

    /// Every table of the list at `key`; none when it is left out.
    pub(super) fn list<T>(
        &mut self,
        key: &'static str,
        mut read: impl FnMut(&mut Table<'_>) -> T,
    ) -> Read<Vec<T>> {
        let listed = self.ask(key);
        self.learn(&format!("{key}[]"), |table| drop(read(table)));
        let items = match listed.map(|value| value.kind) {
            None => return Ok(Vec::new()),
            Some(ValueKind::Array(items)) => items,
            Some(kind) => {
                let first = variable_name(&format!("{}[0]", self.key(key)));
                let refusal = Refusal::new(format!("a list of tables, each headed [[{key}]]"))
                    .remedy(format!("in the environment number the entries: {first}__…"))
                    .unless_found(|| describe(&Value::new(None, kind)));
                return Err(self.refuse(key, refusal));
            }
        };
        let mut read_items = Vec::new();
        let mut result = Ok(());
        for (index, item) in items.into_iter().enumerate() {
            let name = format!("{key}[{index}]");
            let origin = origin_of(&item).unwrap_or(&self.origin).to_owned();
            match item.kind {
                ValueKind::Table(entries) => {
                    let mut table = self.child(&name, entries);
                    table.origin = origin;
                    table.pattern = join(&self.pattern, &format!("{key}[]"));
                    read_items.push(table.read(&mut read));
                }
                kind => {
                    let refusal = Refusal::new(format!("a table, headed [[{key}]]"))
                        .remedy("count entries from 0, without gaps")
                        .unless_found(|| describe(&Value::new(None, kind)));
                    result = Err(self.report.refuse(&origin, self.key(&name), refusal));
                }
            }
        }
        result.map(|()| read_items)
    }

    /// Reports that the value of `key` cannot be used.
    pub(super) fn refuse(&self, key: &str, refusal: Refusal) -> Reported {
        let found = || self.entries.get(key).map_or_else(|| "nothing".to_owned(), describe);
        self.report.refuse(self.origin(key), self.key(key), refusal.unless_found(found))
    }

    /// Where the value of `key` was given.
    pub(super) fn origin(&self, key: &str) -> &str {
        self.entries.get(key).and_then(origin_of).unwrap_or(&self.origin)
    }

    /// The duration `key` and where it was given, for a message about another key.
    pub(super) fn stated(&self, key: &str, value: Duration) -> String {
        format!("{}, {} by {}", self.key(key), humantime::format_duration(value), self.origin(key))
    }

    /// ` (line 7)` for the full name `key` of something that the file holds, else nothing.
    pub(super) fn line(&self, key: &str) -> String {
        let text = self.report.file.as_ref().and_then(|file| std::fs::read_to_string(file).ok());
        let line = text.and_then(|text| line_of(&text, key));
        line.map(|line| format!(" (line {line})")).unwrap_or_default()
    }

    /// The full name of `key`, such as `accounts[0].cookie`.
    pub(super) fn key(&self, key: &str) -> String {
        join(&self.path, key)
    }

    /// `path` as the value of `key`: one given by the file is relative to the folder of the file.
    pub(super) fn resolve(&self, key: &str, path: &str) -> PathBuf {
        let origin = self.entries.get(key).and_then(Value::origin);
        match &self.report.file {
            Some(file) if origin == Some(&*file.display().to_string()) => file.with_file_name(path),
            _ => PathBuf::from(path),
        }
    }

    fn ask(&mut self, key: &'static str) -> Option<Value> {
        self.asked.push(key);
        self.report.ask(join(&self.pattern, key));
        self.entries.get(key).filter(|value| value.kind != ValueKind::Nil).cloned()
    }

    fn child<'t>(&'t self, name: &str, entries: Map<String, Value>) -> Table<'t> {
        let origin = origins_of(entries.values())
            .first()
            .map_or_else(|| self.origin.clone(), |&first| first.to_owned());
        let (path, pattern) = (join(&self.path, name), join(&self.pattern, name));
        Table { report: self.report, origin, path, pattern, entries, asked: Vec::new() }
    }

    /// Lets `read` ask an empty table, so that the keys below `key` are known although they are not used.
    fn learn(&self, key: &str, read: impl FnOnce(&mut Table<'_>)) {
        let draft = Report::default();
        let mut table = self.child(key, Map::new());
        table.report = &draft;
        table.read(read);
        draft.known.take().into_iter().for_each(|pattern| self.report.ask(pattern));
    }

    fn read<T>(mut self, read: impl FnOnce(&mut Table<'_>) -> T) -> T {
        let result = read(&mut self);
        let mut left_over: Vec<_> =
            self.entries.iter().filter(|(key, _)| !self.asked.contains(&key.as_str())).collect();
        left_over.sort_by_key(|(key, _)| *key);
        for (key, value) in left_over {
            let mut origins = origins_of([value]);
            if origins.is_empty() {
                origins.insert(&self.origin);
            }
            self.report.unknown.borrow_mut().extend(origins.into_iter().map(|origin| Unknown {
                origin: origin.to_owned(),
                parent: self.path.clone(),
                parent_pattern: self.pattern.clone(),
                key: key.clone(),
            }));
        }
        result
    }
}

/// The origin of a value, or one of the values inside it.
fn origin_of(value: &Value) -> Option<&str> {
    value.origin().or_else(|| origins_of([value]).first().copied())
}

/// The origins of the values, and of those inside them.
fn origins_of<'v>(values: impl IntoIterator<Item = &'v Value>) -> BTreeSet<&'v str> {
    let mut origins = BTreeSet::new();
    for value in values {
        origins.extend(value.origin());
        match &value.kind {
            ValueKind::Table(entries) => origins.extend(origins_of(entries.values())),
            ValueKind::Array(items) => origins.extend(origins_of(items)),
            _ => {}
        }
    }
    origins
}

/// The pattern whose last word is most like `key`, if it is like it at all.
fn nearest<'k>(key: &str, patterns: &[&'k String]) -> Option<&'k str> {
    let likeness = |pattern: &str| strsim::normalized_damerau_levenshtein(split(pattern).1, key);
    let rated = patterns.iter().map(|pattern| (likeness(pattern), pattern.as_str()));
    let best = rated.max_by(|a, b| a.0.total_cmp(&b.0));
    best.filter(|(rate, _)| *rate >= MIN_LIKENESS).map(|(_, pattern)| pattern)
}

fn join(parent: &str, key: &str) -> String {
    if parent.is_empty() { key.to_owned() } else { format!("{parent}.{key}") }
}

fn split(pattern: &str) -> (&str, &str) {
    pattern.rsplit_once('.').unwrap_or(("", pattern))
}
