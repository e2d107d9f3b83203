//! Who may wait: the pacer and the pause between two attempts. Whoever else waits hides a delay from both.

use super::lex::Token;
use super::source::Source;
use super::{Finding, check, report_all};

/// The last two have no call to 115 behind them: one waits after the system refused a connection, so as not to spin,
/// the other gives up on a body that does not come.
const ALLOWED: [&str; 4] =
    ["src/transport/pacer.rs", "src/transport/retry.rs", "src/server/serve.rs", "src/dav/body.rs"];

fn findings(source: &Source) -> Vec<Finding> {
    if ALLOWED.contains(&source.path.as_str()) {
        return Vec::new();
    }
    let words = source.code.iter().filter_map(|token| Some((token.line, Token::word(token)?)));
    let sleeps = words.filter(|(_, word)| matches!(*word, "sleep" | "sleep_until" | "sleep_ms"));
    sleeps
        .map(|(line, word)| Finding {
            path: source.path.clone(),
            line,
            rule: "sleep",
            advice: format!(
                "`{word}` belongs to src/transport/{{retry,pacer}}.rs alone; go through these, \
                 or bound the wait with a timeout on what is waited for"
            ),
        })
        .collect()
}

#[test]
fn only_those_who_may_sleep() {
    report_all(findings);
}

#[test]
fn other_sleeps_are_caught() {
    check(findings, "src/server/mod.rs", "async fn f() {\n    tokio::time::sleep(SECOND).await;\n}", &[2]);
    check(
        findings,
        "src/pan115/call.rs",
        "use tokio::time::{\n    Instant,\n    sleep_until as wait,\n};",
        &[3],
    );
    check(findings, "src/transport/gate.rs", "use tokio::time;\nfn f() { time::sleep(SECOND) }", &[2]);
    check(findings, "src/app.rs", "fn f() { std::thread::sleep(SECOND) }", &[1]);
}

#[test]
fn sleeps_of_retry_pacer_and_tests_are_not() {
    check(findings, "src/transport/retry.rs", "tokio::time::sleep(SECOND)", &[]);
    check(findings, "src/vfs/mod.rs", "#[cfg(test)] mod tests { fn f() { sleep(SECOND) } }", &[]);
    check(findings, "src/server/mod.rs", "// sleep\nfn f() { timeout(SECOND, \"sleep\") }", &[]);
    check(findings, "tests/it/harness.rs", "tokio::time::sleep(SECOND)", &[]);
}
