//! The form of files: their length, their opening, where they lie, and what no file contains.

use std::collections::BTreeSet;

use super::lex::{Kind, Token, is_word_char};
use super::source::{Source, attribute};
use super::{Finding, SOURCES, check, report, report_all};

/// Longest file, in lines.
const LINES: usize = 400;

fn finding(source: &Source, line: usize, rule: &'static str, advice: impl Into<String>) -> Finding {
    Finding { path: source.path.clone(), line, rule, advice: advice.into() }
}

fn length(source: &Source) -> Vec<Finding> {
    let lines = source.text.lines().count();
    let advice = format!("{lines} lines, and {LINES} are the limit; split it by what its parts know");
    if lines > LINES { vec![finding(source, LINES + 1, "length", advice)] } else { Vec::new() }
}

fn opening(source: &Source) -> Vec<Finding> {
    let first = source.text.lines().next().unwrap_or_default();
    if first.strip_prefix("//! ").is_some_and(|words| !words.trim().is_empty()) {
        return Vec::new();
    }
    vec![finding(source, 1, "opening", "begin with `//! ` and what this module knows, for whom")]
}

/// `foo.rs` beside `foo/`: the cover page of a folder is `foo/mod.rs`.
fn cover_pages(paths: &BTreeSet<&str>) -> Vec<Finding> {
    let beside = |path: &str| {
        let folder = format!("{}/", path.strip_suffix(".rs")?);
        paths.range(folder.as_str()..).next().filter(|next| next.starts_with(&folder))?;
        Some(Finding {
            path: path.to_owned(),
            line: 1,
            rule: "cover page",
            advice: format!("there is a folder of the same name; move this to {folder}mod.rs"),
        })
    };
    paths.iter().filter_map(|path| beside(path)).collect()
}

fn attributes(source: &Source) -> Vec<Finding> {
    let tokens = source.uncommented();
    let mut found = Vec::new();
    for at in 0..tokens.len() {
        let Some(end) = attribute(&tokens, at) else { continue };
        let inside = &tokens[at..end];
        let called = |name: &str| inside.windows(2).any(|pair| pair[0].is_word(name) && pair[1].is_sign('('));
        let has = |name: &str| inside.iter().any(|token| token.is_word(name));
        let line = tokens[at].line;
        // The arguments of other attributes may be named like these.
        let first = inside.iter().find_map(Token::word).unwrap_or_default();
        let conditional = first == "cfg_attr";
        if first == "ignore" || (conditional && has("ignore")) {
            found.push(finding(source, line, "ignored test", "make the test run, or take it out"));
        }
        if first == "should_panic" || (conditional && has("should_panic")) {
            let advice = "assert on the value that says what went wrong, or catch the panic and look at it";
            found.push(finding(source, line, "expected panic", advice));
        }
        if first == "allow" || (conditional && called("allow")) {
            let advice =
                "use `#[expect(lint, reason = \"…\")]`, which says why and complains once it is useless";
            found.push(finding(source, line, "bare allow", advice));
        }
    }
    found
}

fn unfinished(source: &Source) -> Vec<Finding> {
    let tokens = &source.tokens;
    let mut found = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let marks = match &token.kind {
            Kind::Comment(comment) => words(comment).any(|word| matches!(word, "FIXME" | "XXX")),
            Kind::Word(word) => {
                matches!(word.as_str(), "todo" | "unimplemented")
                    && tokens.get(at + 1).is_some_and(|next| next.is_sign('!'))
            }
            _ => false,
        };
        if marks {
            let advice = "finish it, or write it down where work is planned, not in the code";
            found.push(finding(source, token.line, "unfinished", advice));
        }
    }
    found
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c| !is_word_char(c))
}

#[test]
fn no_file_is_too_long() {
    report_all(length);
}

#[test]
fn every_file_says_what_it_is() {
    report_all(opening);
}

#[test]
fn folders_have_their_cover_page_inside() {
    report(&cover_pages(&SOURCES.iter().map(|source| source.path.as_str()).collect()));
}

#[test]
fn no_test_is_ignored_or_panics_and_no_lint_is_allowed() {
    report_all(attributes);
}

#[test]
fn nothing_is_left_unfinished() {
    report_all(unfinished);
}

#[test]
fn long_files_are_caught() {
    check(length, "tests/it/a.rs", &"\n".repeat(401), &[401]);
    check(length, "src/a.rs", &"\n".repeat(400), &[]);
    check(length, "src/a.rs", &"\n".repeat(400).replace('\n', "a\n"), &[]);
}

#[test]
fn files_that_do_not_say_what_they_are_are_caught() {
    for text in ["", "use a;", "\n//! Late.", "//!", "//! ", "// No.", "/// Not the file."] {
        check(opening, "src/a.rs", text, &[1]);
    }
    check(opening, "src/a.rs", "//! A.", &[]);
}

#[test]
fn folders_beside_their_cover_page_are_caught() {
    let paths = BTreeSet::from(["src/a.rs", "src/a/b.rs", "src/b/mod.rs", "src/c.rs", "src/c2/mod.rs"]);
    let found: Vec<String> = cover_pages(&paths).into_iter().map(|finding| finding.path).collect();
    assert_eq!(found, ["src/a.rs"]);
}

#[test]
fn forbidden_attributes_are_caught() {
    let bad = [
        "#[ignore]",
        "#[ ignore = \"slow\" ]",
        "#[should_panic(expected = \"x\")]",
        "#[allow(dead_code)]",
        "#![allow(clippy::all)]",
        "#[cfg_attr(unix, allow(unused))]",
        "#[cfg_attr(unix, ignore)]",
        "#[cfg(test)] mod tests { #[test] #[should_panic] fn f() {} }",
    ];
    for text in bad {
        check(attributes, "src/a.rs", &format!("a\n{text}"), &[2]);
        check(attributes, "tests/it/a.rs", &format!("a\n{text}"), &[2]);
    }
    let fine = [
        "#[expect(dead_code, reason = \"x\")]",
        "// #[ignore]",
        "const A: &str = \"#[ignore]\";",
        "#[arg(ignore_case = true, allow_hyphen_values = true)]",
        "methods.allow(Method::GET)",
    ];
    for text in fine {
        check(attributes, "src/a.rs", text, &[]);
    }
}

#[test]
fn unfinished_work_is_caught() {
    for text in ["todo!()", "unimplemented!(\"x\")", "// FIXME: x", "/* XXX */", "//! XXX", "todo ! []"] {
        check(unfinished, "src/a.rs", &format!("a\n{text}"), &[2]);
    }
    for text in ["let todo = \"FIXME\";", "// XXXL, todo", "todo(1)", "if todo != 1 {}"] {
        let lines: &[usize] = if text.contains("!=") { &[1] } else { &[] };
        check(unfinished, "src/a.rs", text, lines);
    }
}
