//! A body of nested elements ends the process: shown in a process of its own.

use std::process::{Command, Stdio};

use super::D2;
use super::fake::{Fake, ask};

/// Set in the child, to the depth that it is to try.
const DEPTH: &str = "DAV115_TEST_XML_DEPTH";

/// A body nested `depth` elements deep.
fn nested(depth: usize) -> String {
    format!(r#"<p xmlns="DAV:">{}{}</p>"#, "<a>".repeat(depth), "</a>".repeat(depth))
}

/// In the child: answers the request, as a server does, on a thread with the stack of a tokio worker.
fn answer(depth: usize) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let handler = Fake::new(&["/x"]).handler();
    let task = async move { ask(&handler, "PROPFIND /x", &[("depth", "0")], nested(depth)).await.status };
    let status = runtime.block_on(runtime.spawn(task)).unwrap();
    assert_eq!(status, http::StatusCode::BAD_REQUEST);
}

/// Runs the test below in a process of its own; whether that lives to the end, and what it said.
fn child(depth: usize) -> (bool, String) {
    let (_, module) = module_path!().split_once("::").unwrap();
    let test = format!("{module}::deeply_nested_elements_end_the_process");
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &test, "--nocapture", "--test-threads=1"])
        .env(DEPTH, depth.to_string())
        .env_remove("RUST_MIN_STACK")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn deeply_nested_elements_end_the_process() {
    if let Ok(depth) = std::env::var(DEPTH) {
        return answer(depth.parse().unwrap());
    }
    let (lives, said) = child(32);
    assert!(said.contains("running 1 test"), "the child does not find the test\n{said}");
    assert!(lives, "the depth that the guard lets through is too much as well: {D2}\n{said}");
    // As deep as the 64 KiB allow that are read.
    let (lives, said) = child(9000);
    assert!(!lives, "{D2}\n{said}");
    assert!(said.contains("overflowed its stack"), "{D2}\n{said}");
}
