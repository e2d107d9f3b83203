//! Nothing of a developer's machine in any file of the repository.

use super::lex::is_word_char;
use super::source::walk;
use super::{Finding, report, root};

/// Taken apart, so that this file contains none of them.
const ANYWHERE: [[&str; 2]; 2] = [["/wo", "rk/"], ["shared/", "protocol"]];
/// At the beginning of a path; behind a variable or a folder they are no absolute paths.
const AT_THE_BEGINNING: [[&str; 2]; 4] =
    [["/ho", "me/"], ["/Us", "ers/"], ["/ro", "ot/"], [":\\Us", "ers\\"]];

fn findings(path: &str, text: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let anywhere = ANYWHERE.iter().map(|parts| parts.concat()).find(|needle| line.contains(needle));
        let beginning = AT_THE_BEGINNING.iter().map(|parts| parts.concat());
        let mut beginning = beginning.filter(|needle| begins_a_path(line, needle));
        if let Some(needle) = anywhere.or_else(|| beginning.next()) {
            found.push(Finding {
                path: path.to_owned(),
                line: number,
                rule: "path of a machine",
                advice: format!("`{needle}` is there on one machine only; find the file from the repository"),
            });
        }
    }
    found
}

fn begins_a_path(line: &str, needle: &str) -> bool {
    let before = line.match_indices(needle).map(|(at, _)| line[..at].chars().next_back());
    let inside = |c: char| is_word_char(c) || matches!(c, '.' | '}' | '-' | '~' | '*' | '/');
    before.into_iter().any(|c| needle.starts_with(':') || c.is_none_or(|c| !inside(c)))
}

#[test]
fn no_file_knows_the_machine_it_was_written_on() {
    let mut found = Vec::new();
    let mut files = 0;
    walk(root(), &mut |path, bytes| {
        files += 1;
        if let Ok(text) = std::str::from_utf8(bytes) {
            found.extend(findings(path, text));
        }
    });
    assert!(files > 50, "the files of the repository are not where they are looked for");
    report(&found);
}

#[test]
fn paths_of_a_machine_are_caught() {
    for parts in ANYWHERE.iter().chain(&AT_THE_BEGINNING) {
        let needle = parts.concat();
        let texts = [format!("a\n{needle}x"), format!("a\n(see `{needle}x`)"), format!("a\n\"C{needle}")];
        for text in texts.iter().take(if needle.starts_with(':') { 3 } else { 2 }) {
            let lines: Vec<usize> = findings("a.md", text).iter().map(|finding| finding.line).collect();
            assert_eq!(lines, [2], "{text}");
        }
    }
    assert_eq!(findings("a.sh", &format!("$A{}", ANYWHERE[0].concat())).len(), 1);
}

#[test]
fn other_paths_are_not() {
    let home = AT_THE_BEGINNING[0].concat();
    for text in
        [format!("$DIR{home}x"), format!("${{DIR}}{home}x"), format!("/srv{home}"), "/homes/x".to_owned()]
    {
        assert_eq!(findings("a.sh", &text).len(), 0, "{text}");
    }
}
