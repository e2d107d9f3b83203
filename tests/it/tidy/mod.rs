//! The structure of the crate, as tests.
//!
//! Every rule is a function from files to findings, a test that the repository gives none,
//! and a test that snippets which break the rule do.

mod budget;
mod crates;
mod form;
mod lex;
mod modules;
mod paths;
mod secrecy;
mod sleep;
mod source;

use std::fmt;
use std::path::Path;
use std::sync::LazyLock;

use self::source::Source;

/// A place where a rule is broken.
#[derive(Debug)]
struct Finding {
    path: String,
    line: usize,
    rule: &'static str,
    /// What is there, and what to do.
    advice: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: [{}] {}", self.path, self.line, self.rule, self.advice)
    }
}

/// The Rust files of the repository, read once.
static SOURCES: LazyLock<Vec<Source>> = LazyLock::new(|| source::load(root()));

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Fails with all findings, one on a line.
#[track_caller]
fn report(findings: &[Finding]) {
    let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert!(findings.is_empty(), "\n{}\n", lines.join("\n"));
}

/// Asks `rule` about every Rust file.
#[track_caller]
fn report_all(rule: impl Fn(&Source) -> Vec<Finding>) {
    assert!(SOURCES.len() > 50, "the files of the crate are not where they are looked for");
    report(&SOURCES.iter().flat_map(rule).collect::<Vec<_>>());
}

/// Asks `rule` about one file, and expects findings in these lines.
#[track_caller]
fn check(rule: impl Fn(&Source) -> Vec<Finding>, path: &str, text: &str, lines: &[usize]) {
    let findings = rule(&Source::new(path, text));
    let found: Vec<usize> = findings.iter().map(|finding| finding.line).collect();
    assert_eq!(found, lines, "{path}: {text}\n{findings:#?}");
}
