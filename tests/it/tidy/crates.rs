//! Which module may mention which external crate.

use std::fs;

use super::paths::{own_names, paths};
use super::source::Source;
use super::{Finding, check, report, report_all, root};

/// Crates and the modules that own them. What has one owner can be replaced in one place.
const OWNERS: &[(&str, &[&str])] = &[
    ("aes", &["crypto"]),
    ("anyhow", &["main", "app", "commands", "demo", "telemetry"]),
    ("argon2", &["server"]),
    ("async_trait", &["drive"]),
    ("axum", &["server"]),
    ("bytesize", &["config"]),
    ("cbc", &["crypto"]),
    ("clap", &["main", "cli", "commands"]),
    ("clap_complete", &["main", "cli", "commands"]),
    ("config", &["config"]),
    ("crc32fast", &["crypto"]),
    ("dav_server", &["dav"]),
    ("headers", &["server"]),
    ("hmac", &["server", "crypto"]),
    ("http", HTTP),
    ("http_body", HTTP),
    ("http_body_util", HTTP),
    ("httpdate", &["server", "dav", "pan115"]),
    ("humantime", &["config", "pan115"]),
    ("hyper", &["server"]),
    ("hyper_util", &["server"]),
    ("ipnet", &["config", "server"]),
    ("lz4_flex", &["crypto"]),
    ("md5", &["crypto"]),
    ("mime_guess", &["dav"]),
    ("moka", &["cache"]),
    ("num_bigint", &["crypto"]),
    ("p224", &["crypto"]),
    ("png", &["commands"]),
    ("qrcode", &["commands"]),
    ("quick_xml", &["dav", "pan115"]),
    ("reqwest", &["transport"]),
    ("rpassword", &["commands"]),
    ("rustls", &["transport"]),
    ("serde", &["pan115", "server"]),
    ("serde_json", &["pan115", "server"]),
    ("sim115", &["demo"]),
    ("strsim", &["config"]),
    ("subtle", &["server"]),
    ("tempfile", &["commands", "dav", "vfs"]),
    ("terminal_size", &["commands"]),
    ("tracing_subscriber", &["telemetry"]),
    ("toml", &["config"]),
    ("unicode_normalization", &["vfs"]),
    ("xmltree", &["dav"]),
];

/// The modules that speak HTTP.
const HTTP: &[&str] = &["server", "dav", "pan115", "transport"];

/// Crates that every module may use.
const COMMON: &[&str] = &[
    "base64",
    "bytes",
    "futures_util",
    "parking_lot",
    "percent_encoding",
    "rand",
    "sha1",
    "sha2",
    "thiserror",
    "tokio",
    "tokio_util",
    "tracing",
    "url",
];

fn findings(source: &Source) -> Vec<Finding> {
    let top = source.top();
    let used = paths(source);
    let own = own_names(source, &used);
    let mut found = Vec::new();
    for path in &used {
        let name = path.segments[0].as_str();
        let Some((_, owners)) = OWNERS.iter().find(|(owned, _)| *owned == name) else { continue };
        if owners.contains(&top.as_str()) || (own.contains(name) && !path.external) {
            continue;
        }
        found.push(Finding {
            path: source.path.clone(),
            line: path.line,
            rule: "owner of a crate",
            advice: format!(
                "`{}` is of the crate `{name}`, which is for {} only; let the owner offer what `{top}` needs, \
                 in words of its own",
                path.segments.join("::"),
                owners.join(", ")
            ),
        });
    }
    found
}

/// HTTP's vocabulary by name, whichever crate it was taken from.
fn status_codes(source: &Source) -> Vec<Finding> {
    if HTTP.contains(&source.top().as_str()) {
        return Vec::new();
    }
    let words = source.code.iter().filter(|token| token.is_word("StatusCode"));
    words
        .map(|token| Finding {
            path: source.path.clone(),
            line: token.line,
            rule: "http below server",
            advice: "`StatusCode` says nothing to this module; use an error kind of its own".to_owned(),
        })
        .collect()
}

/// The dependencies that a manifest names for the crate itself, with their lines.
fn dependencies(manifest: &str, of_tests: bool) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut inside = false;
    let wanted = |section: &str| {
        let section = section
            .rsplit_once('.')
            .filter(|(target, _)| target.starts_with("target"))
            .map_or(section, |(_, kind)| kind);
        matches!(section, "dependencies" | "build-dependencies")
            || (of_tests && section == "dev-dependencies")
    };
    for (number, line) in (1..).zip(manifest.lines()) {
        let line = line.trim();
        if let Some(section) = line.strip_prefix('[') {
            let section = section.trim_end_matches(']');
            inside = wanted(section);
            if let Some((_, name)) = section.rsplit_once('.').filter(|(kind, _)| wanted(kind)) {
                found.push((number, name.replace('-', "_")));
            }
        } else if inside && !line.is_empty() && !line.starts_with('#') {
            let name = line.split(['=', '.', ' ']).next().unwrap_or_default().trim_matches('"');
            // The further lines of a list begin with no name.
            if name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_') && line.contains('=') {
                found.push((number, name.replace('-', "_")));
            }
        }
    }
    found
}

fn unowned(manifest: &str) -> Vec<Finding> {
    let known = |name: &str| COMMON.contains(&name) || OWNERS.iter().any(|(owned, _)| *owned == name);
    let unknown = dependencies(manifest, false).into_iter().filter(|(_, name)| !known(name));
    unknown
        .map(|(line, name)| Finding {
            path: "Cargo.toml".to_owned(),
            line,
            rule: "owner of a crate",
            advice: format!(
                "`{name}` is nobody's; give it an owner in OWNERS of tests/it/tidy/crates.rs, \
                 or put it into COMMON if every module may use it"
            ),
        })
        .collect()
}

/// The simulator must make its own mistakes, not the gateway's.
fn shared_with_simulator(manifest: &str) -> Vec<Finding> {
    let gateway = dependencies(manifest, true).into_iter().filter(|(_, name)| name == "dav115");
    gateway
        .map(|(line, _)| Finding {
            path: "tests/sim115/Cargo.toml".to_owned(),
            line,
            rule: "independent simulator",
            advice: "the simulator depends on the gateway; write what it needs a second time".to_owned(),
        })
        .collect()
}

fn mentions_of_gateway(source: &Source) -> Vec<Finding> {
    if !source.path.starts_with("tests/sim115/") {
        return Vec::new();
    }
    let lines = (1..).zip(source.text.lines()).filter(|(_, line)| line.contains("dav115"));
    lines
        .map(|(line, _)| Finding {
            path: source.path.clone(),
            line,
            rule: "independent simulator",
            advice: "the simulator knows of 115 only; say it without the gateway".to_owned(),
        })
        .collect()
}

#[test]
fn crates_are_used_by_their_owners_only() {
    report_all(findings);
}

#[test]
fn every_dependency_has_an_owner() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    assert!(dependencies(&manifest, false).len() > 20, "the dependencies are not found");
    report(&unowned(&manifest));
}

#[test]
fn only_http_modules_know_status_codes() {
    report_all(status_codes);
}

#[test]
fn the_simulator_knows_nothing_of_the_gateway() {
    report_all(mentions_of_gateway);
    report(&shared_with_simulator(&fs::read_to_string(root().join("tests/sim115/Cargo.toml")).unwrap()));
}

#[test]
fn foreign_uses_are_caught() {
    let caught = |path, text, lines: &[usize]| check(findings, path, text, lines);
    caught("src/vfs/mod.rs", "use http::{\n    HeaderMap,\n    Method,\n};", &[2, 3]);
    caught("src/drive/mod.rs", "fn f() -> http::Method { loop {} }", &[1]);
    caught("src/vfs/mod.rs", "use axum as web;\nuse ::reqwest;\nextern crate moka;", &[1, 2, 3]);
    caught("src/app.rs", "use crate::config;\nuse ::config::File;\nfn f() { config::g() }", &[2]);
    caught("src/app.rs", "use clap;\nuse http;\nfn f() { http::g() }", &[1, 2, 3]);
    caught("src/cli.rs", "use sim115::Sim;", &[1]);
    caught("src/model/mod.rs", "#[derive(serde::Serialize)]\nstruct A;", &[1]);
    check(status_codes, "src/vfs/mod.rs", "use crate::drive::StatusCode;", &[1]);
    check(status_codes, "src/drive/mod.rs", "let a =\n StatusCode::OK;", &[2]);
}

#[test]
fn uses_of_owners_and_of_tests_are_not() {
    let passed = |path, text| check(findings, path, text, &[]);
    passed("src/server/mod.rs", "use axum::{Router, http::StatusCode}; use http::Method;");
    passed("src/main.rs", "use dav115::{config, server}; use anyhow::Result; fn f() { config::load() }");
    passed("src/app.rs", "use crate::{config, demo}; fn f(headers: u8) { config::g(headers) }");
    passed("src/vfs/mod.rs", "#[cfg(test)] mod tests { use tempfile::TempDir; use serde_json::json; }");
    passed("src/transport/mod.rs", "// axum::Router\nuse reqwest::Client; const A: &str = \"axum::Router\";");
    check(status_codes, "src/pan115/call.rs", "use http::StatusCode;", &[]);
}

#[test]
fn dependencies_without_owner_are_caught() {
    let manifest = "[package]\nname = \"x\"\n[dependencies]\n# note\nserde.workspace = true\nnew-one = \"1\"\n\
        [dependencies.other]\nversion = \"1\"\n[target.'cfg(unix)'.dependencies]\nthird = \"1\"\n\
        [dev-dependencies]\nfourth = \"1\"\n[build-dependencies]\nfifth = { features = [\n  \"a\",\n] }\n";
    let lines: Vec<usize> = unowned(manifest).iter().map(|finding| finding.line).collect();
    assert_eq!(lines, [6, 7, 10, 14]);
}

#[test]
fn a_simulator_that_knows_the_gateway_is_caught() {
    check(mentions_of_gateway, "tests/sim115/src/api.rs", "use a;\nuse dav115::crypto;", &[2]);
    check(mentions_of_gateway, "tests/sim115/src/api.rs", "// as dav115 does it", &[1]);
    check(mentions_of_gateway, "tests/it/harness.rs", "use dav115::app::App;", &[]);
    for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
        let manifest = format!("[{section}]\ndav115 = {{ path = \"../..\" }}\n");
        assert_eq!(shared_with_simulator(&manifest).len(), 1, "{section}");
    }
}
