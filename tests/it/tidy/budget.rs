//! Every call to 115 has a label, and every label a row in the budget: no call without a known price.

use std::collections::BTreeSet;

use super::lex::{Kind, Token};
use super::source::{Source, group_end};
use super::{Finding, SOURCES, report};

/// The labels of the calls in a file of `src/pan115`, with their lines: texts that are given to `label`
/// or to a constant of that name.
fn labels(source: &Source) -> Vec<(usize, String)> {
    let code = &source.code;
    let mut found = Vec::new();
    if !source.path.starts_with("src/pan115/") {
        return found;
    }
    for (at, token) in code.iter().enumerate() {
        let next_is = |sign| code.get(at + 1).is_some_and(|next| next.is_sign(sign));
        let given = match token.word() {
            Some("label") if next_is(':') => code.get(at + 2..at + 3).unwrap_or_default(),
            Some("const" | "static" | "let") => {
                let (pattern, value) = statement(&code[at + 1..]);
                if pattern.iter().filter_map(Token::word).any(is_label) { value } else { &[] }
            }
            _ => &[],
        };
        let texts = given.iter().filter_map(|token| match &token.kind {
            // What is chosen together with a label may be a path.
            Kind::Text(text) if !text.contains('/') => Some((token.line, text.clone())),
            _ => None,
        });
        found.extend(texts);
    }
    found
}

fn is_label(word: &str) -> bool {
    word == "label" || word == "LABEL" || word.ends_with("_LABEL") || word.starts_with("LABEL_")
}

/// What stands before and after the `=` of a statement.
fn statement(tokens: &[Token]) -> (&[Token], &[Token]) {
    let mut equals = None;
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        match token.kind {
            Kind::Sign(';' | ')' | ']' | '}') => break,
            Kind::Sign('(' | '[' | '{') => at = group_end(tokens, at),
            Kind::Sign('=') if equals.is_none() => {
                equals = Some(at);
                at += 1;
            }
            _ => at += 1,
        }
    }
    equals.map_or((&[], &[]), |equals| (&tokens[..equals], &tokens[equals + 1..at]))
}

/// The texts in the budget, or `None` if there is no budget.
fn rows(sources: &[Source]) -> Option<BTreeSet<String>> {
    let is_budget = |path: &str| path == "tests/it/budget.rs" || path.starts_with("tests/it/budget/");
    let mut files = sources.iter().filter(|source| is_budget(&source.path)).peekable();
    files.peek()?;
    let texts = files.flat_map(Source::uncommented).filter_map(|token| match token.kind {
        Kind::Text(text) => Some(text),
        _ => None,
    });
    Some(texts.collect())
}

fn findings(source: &Source, rows: &BTreeSet<String>) -> Vec<Finding> {
    let without = labels(source).into_iter().filter(|(_, label)| !rows.contains(label));
    without
        .map(|(line, label)| Finding {
            path: source.path.clone(),
            line,
            rule: "budget",
            advice: format!("no test in tests/it/budget.rs counts calls of {label:?}; add one that does"),
        })
        .collect()
}

#[test]
fn every_label_has_a_row_in_the_budget() {
    let rows = rows(&SOURCES);
    assert!(
        rows.is_some(),
        "there is no tests/it/budget.rs; every call to 115 must be counted in a test there"
    );
    let rows = rows.unwrap_or_default();
    let labels = SOURCES.iter().flat_map(labels).count();
    assert!(labels >= 5, "only {labels} labels are found in src/pan115; how calls are labelled has changed");
    report(&SOURCES.iter().flat_map(|source| findings(source, &rows)).collect::<Vec<_>>());
}

#[test]
fn labels_are_found_however_they_are_given() {
    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let found = labels(&Source::new("src/pan115/api/a.rs", text));
        let found: Vec<&str> = found.iter().map(|(_, label)| label.as_str()).collect();
        assert_eq!(found, expected, "{text}");
    }
    check("const LABEL: &str = \"files\"; const OTHER: &str = \"x\";", &["files"]);
    check("let call = Call { label: \"space\", host: \"x\", label };", &["space"]);
    check(
        "let (label, path) = if a { (\"one\", \"/one\") } else { (LABEL, \"/files\") }; b(\"x\")",
        &["one"],
    );
    check("let label = match a { A => \"one\", B => \"two\" };", &["one", "two"]);
    check("struct Call { label: &'static str } let x = call.label == \"x\";", &[]);
    check("// label: \"x\"\n#[cfg(test)] mod tests { const LABEL: &str = \"x\"; }", &[]);
}

#[test]
fn labels_without_a_row_are_caught() {
    let budget =
        Source::new("tests/it/budget.rs", "// \"downurl\"\ngateway.assert_calls(&[(\"files\", 1)]);");
    let rows = rows(&[budget]).unwrap();
    let source =
        Source::new("src/pan115/a.rs", "const LABEL: &str = \"files\";\nconst B_LABEL: &str = \"downurl\";");
    let lines: Vec<usize> = findings(&source, &rows).iter().map(|finding| finding.line).collect();
    assert_eq!(lines, [2]);
}

#[test]
fn a_missing_budget_is_told_from_an_empty_one() {
    assert_eq!(rows(&[Source::new("tests/it/other.rs", "\"files\"")]), None);
    assert_eq!(rows(&[Source::new("tests/it/budget.rs", "")]), Some(BTreeSet::new()));
}
