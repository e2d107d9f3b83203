//! Every path that a file mentions: imports taken apart, and paths in the middle of code.

use std::collections::BTreeSet;

use super::lex::{Kind, Token};
use super::source::Source;

/// A path as written, with the groups of an import multiplied out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct UsedPath {
    pub(super) line: usize,
    /// A glob is the segment `*`. A group's `self` is left out.
    pub(super) segments: Vec<String>,
    pub(super) alias: Option<String>,
    pub(super) imported: bool,
    /// Written with `::` before it: certainly an external crate.
    pub(super) external: bool,
    /// The module that it stands in.
    pub(super) module: Vec<String>,
}

impl UsedPath {
    /// The path below the crate, if it begins with `crate`, `self` or `super`.
    pub(super) fn in_crate(&self) -> Option<Vec<String>> {
        let mut rest = self.segments.as_slice();
        let mut base = match rest.first()?.as_str() {
            "crate" => Vec::new(),
            "self" | "super" => self.module.clone(),
            _ => return None,
        };
        while let Some((first, after)) = rest.split_first() {
            match first.as_str() {
                "crate" | "self" => {}
                "super" => {
                    base.pop();
                }
                _ => break,
            }
            rest = after;
        }
        base.extend_from_slice(rest);
        Some(base)
    }

    /// The name that an import makes known.
    fn bound(&self) -> Option<&str> {
        let name = self.alias.as_ref().or(self.segments.last()).filter(|_| self.imported)?;
        let same = self.segments.len() == 1 && self.segments[0] == *name;
        (!same).then_some(name.as_str())
    }
}

/// The paths in the code of `source`.
pub(super) fn paths(source: &Source) -> Vec<UsedPath> {
    let top = source.module();
    let mut reader =
        Reader { tokens: &source.code, at: 0, module: top, inline: Vec::new(), found: Vec::new() };
    let mut depth = 0_usize;
    while let Some(token) = reader.tokens.get(reader.at) {
        match &token.kind {
            Kind::Sign('{') => depth += 1,
            Kind::Sign('}') => {
                depth = depth.saturating_sub(1);
                if reader.inline.last() == Some(&depth) {
                    reader.inline.pop();
                    reader.module.pop();
                }
            }
            Kind::Word(word) if word == "mod" => {
                let name = reader.tokens.get(reader.at + 1).and_then(Token::word);
                if let (Some(name), Some(Kind::Sign('{'))) = (name, reader.kind(2)) {
                    reader.inline.push(depth);
                    reader.module.push(name.to_owned());
                    reader.at += 1;
                }
            }
            Kind::Word(word) if word == "use" && reader.kind(1) != Some(&Kind::Sign('<')) => {
                reader.at += 1;
                reader.import();
                continue;
            }
            Kind::Word(word) if word == "crate" && reader.before_is_extern() => {
                let name = reader.kind(1).cloned();
                reader.at += 1;
                if let Some(Kind::Word(name)) = name {
                    reader.push(vec![name], None, true, true);
                }
            }
            Kind::Word(_) | Kind::Sep => {
                reader.path();
                continue;
            }
            _ => {}
        }
        reader.at += 1;
    }
    reader.found
}

/// The names that the file gives a meaning of its own, so that they are no external crates.
pub(super) fn own_names(source: &Source, paths: &[UsedPath]) -> BTreeSet<String> {
    let modules = source.code.windows(2).filter(|pair| pair[0].is_word("mod"));
    let modules = modules.filter_map(|pair| pair[1].word());
    paths.iter().filter_map(UsedPath::bound).chain(modules).map(str::to_owned).collect()
}

struct Reader<'a> {
    tokens: &'a [Token],
    at: usize,
    module: Vec<String>,
    /// How deep the blocks of the inline modules around are.
    inline: Vec<usize>,
    found: Vec<UsedPath>,
}

impl Reader<'_> {
    fn kind(&self, ahead: usize) -> Option<&Kind> {
        self.tokens.get(self.at + ahead).map(|token| &token.kind)
    }

    fn before(&self, back: usize) -> Option<&Kind> {
        self.tokens.get(self.at.checked_sub(back)?).map(|token| &token.kind)
    }

    fn before_is_extern(&self) -> bool {
        self.before(1) == Some(&Kind::Word("extern".to_owned()))
    }

    fn push(&mut self, mut segments: Vec<String>, alias: Option<String>, imported: bool, external: bool) {
        if segments.len() > 1 && segments.last().is_some_and(|last| last == "self") {
            segments.pop();
        }
        let line = self.tokens.get(self.at.min(self.tokens.len() - 1)).map_or(0, |token| token.line);
        let module = self.module.clone();
        self.found.push(UsedPath { line, segments, alias, imported, external, module });
    }

    /// An import, behind its `use`.
    fn import(&mut self) {
        let external = self.kind(0) == Some(&Kind::Sep);
        self.import_below(&[], external);
    }

    fn import_below(&mut self, prefix: &[String], external: bool) {
        let mut segments = prefix.to_vec();
        loop {
            match self.kind(0).cloned() {
                Some(Kind::Word(word)) if word == "as" => {
                    let alias = self.kind(1).cloned();
                    self.at += 2;
                    let Some(Kind::Word(alias)) = alias else { continue };
                    self.at -= 1;
                    self.push(segments, Some(alias), true, external);
                    self.at += 1;
                    return;
                }
                Some(Kind::Word(word)) => segments.push(word),
                Some(Kind::Sign('*')) => segments.push("*".to_owned()),
                Some(Kind::Sep) => {}
                Some(Kind::Sign('{')) => {
                    self.at += 1;
                    while !matches!(self.kind(0), None | Some(Kind::Sign('}'))) {
                        let before = self.at;
                        self.import_below(&segments, external);
                        if self.kind(0) == Some(&Kind::Sign(',')) || self.at == before {
                            self.at += 1;
                        }
                    }
                    self.at += 1;
                    return;
                }
                _ => {
                    self.at -= 1;
                    self.push(segments, None, true, external);
                    self.at += 1;
                    return;
                }
            }
            self.at += 1;
        }
    }

    /// A path that is no import, unless it goes on from a method, a field or a generic type.
    fn path(&mut self) {
        let goes_on = match self.before(1) {
            Some(Kind::Sign('.')) => self.before(2) != Some(&Kind::Sign('.')),
            Some(Kind::Sign('>')) => self.kind(0) == Some(&Kind::Sep),
            _ => false,
        };
        let external = self.kind(0) == Some(&Kind::Sep);
        let mut segments = Vec::new();
        if external {
            self.at += 1;
        }
        while let Some(Kind::Word(word)) = self.kind(0) {
            segments.push(word.clone());
            if self.kind(1) != Some(&Kind::Sep) || !matches!(self.kind(2), Some(Kind::Word(_))) {
                self.at += 1;
                break;
            }
            self.at += 2;
        }
        if segments.len() > usize::from(!external) && !goes_on {
            self.at -= 1;
            self.push(segments, None, false, external);
            self.at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(source: &str, expected: &[&str]) {
        let source = Source::new("src/server/auth/mod.rs", source);
        let shown: Vec<String> = paths(&source)
            .into_iter()
            .map(|path| {
                let alias = path.alias.as_ref().map(|alias| format!(" as {alias}"));
                let place = if path.external { "::" } else { "" };
                let below = path.in_crate().map(|below| format!(" = {}", below.join(".")));
                let written = path.segments.join("::");
                format!("{place}{written}{}{}", alias.unwrap_or_default(), below.unwrap_or_default())
            })
            .collect();
        assert_eq!(shown, expected);
    }

    #[test]
    fn imports_are_multiplied_out() {
        check("use a::b;", &["a::b"]);
        check(
            "pub use crate::{\n  x::{self, y as z},\n  w::*,\n};",
            &["crate::x = x", "crate::x::y as z = x.y", "crate::w::* = w.*"],
        );
        check("use ::config::{File, Map}; use http;", &["::config::File", "::config::Map", "http"]);
        check("use {a, b::{c}};", &["a", "b::c"]);
        check("use crate as root; use crate::{self as top};", &["crate as root = ", "crate as top = "]);
        check("extern crate serde;", &["::serde"]);
        check("fn f() -> impl Sized + use<'a> { x::y() }", &["x::y"]);
    }

    #[test]
    fn paths_in_code_are_found() {
        check(
            "let a = crate::dav::f(1..super::super::LEN);",
            &["crate::dav::f = dav.f", "super::super::LEN = LEN"],
        );
        check("#[derive(clap::Parser)] struct A<T: b::C>(::d::E);", &["clap::Parser", "b::C", "::d::E"]);
        check("<T as crate::x::Y>::z::w()", &["crate::x::Y = x.Y"]);
        check("a.b::<c::D>().e; Vec::<u8>::new()", &["c::D"]);
        check("\"x::y\" /* x::y */ 'x' x", &[]);
        check("$crate::x::y", &["crate::x::y = x.y"]);
    }

    #[test]
    fn relative_paths_are_followed() {
        check(
            "use super::serve; use self::b::c;",
            &["super::serve = server.serve", "self::b::c = server.auth.b.c"],
        );
        check(
            "mod a { use super::super::b; } use super::super::c;",
            &["super::super::b = server.b", "super::super::c = c"],
        );
    }

    #[test]
    fn lines_are_those_of_the_last_segment() {
        let source = Source::new("src/a.rs", "use crate::{\n b::c,\n d::{\n e as f}};\n\ncrate::\ng::h()");
        let lines: Vec<usize> = paths(&source).iter().map(|path| path.line).collect();
        assert_eq!(lines, [2, 4, 7]);
    }

    #[test]
    fn a_name_of_the_file_is_no_crate() {
        let source =
            Source::new("src/a.rs", "use crate::config; use x as http; use moka; mod url; use url::Url;");
        let names = own_names(&source, &paths(&source));
        assert_eq!(names.iter().map(String::as_str).collect::<Vec<_>>(), ["Url", "config", "http", "url"]);
    }
}
