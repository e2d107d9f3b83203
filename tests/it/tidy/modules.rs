//! Which module may import which: downwards only.

use super::paths::paths;
use super::source::Source;
use super::{Finding, SOURCES, check, report_all};

/// Every module directly below the crate, and the others that it may mention. `*` is all of them.
const TABLE: &[(&str, &[&str])] = &[
    ("main", &["*"]),
    ("lib", &["*"]),
    ("cli", &["config", "model"]),
    ("commands", &["*"]),
    ("app", &["*"]),
    ("demo", &["*"]),
    ("telemetry", &["config"]),
    ("config", &["model"]),
    ("server", &["dav", "vfs", "model"]),
    ("dav", &["vfs", "model"]),
    ("vfs", &["drive", "cache", "model"]),
    ("cache", &["model"]),
    ("drive", &["pan115", "model"]),
    ("pan115", &["transport", "crypto", "model"]),
    ("transport", &[]),
    ("crypto", &[]),
    ("model", &[]),
];

fn findings(source: &Source) -> Vec<Finding> {
    let top = source.top();
    let finding = |line, advice| Finding { path: source.path.clone(), line, rule: "module order", advice };
    if !source.path.starts_with("src/") {
        return Vec::new();
    }
    let Some((_, allowed)) = TABLE.iter().find(|(module, _)| *module == top) else {
        let advice =
            format!("`{top}` has no row in TABLE of tests/it/tidy/modules.rs; say what it may import");
        return vec![finding(1, advice)];
    };
    let mut found = Vec::new();
    for path in paths(source) {
        let Some(below) = path.in_crate() else { continue };
        let written = path.segments.join("::");
        let Some(module) = below.first().filter(|&first| first != "*") else {
            if !allowed.contains(&"*") {
                let advice = format!("`{written}` is the whole crate; name the module that is meant");
                found.push(finding(path.line, advice));
            }
            continue;
        };
        if *module != top && !allowed.contains(&"*") && !allowed.contains(&module.as_str()) {
            let list = if allowed.is_empty() { "nothing".to_owned() } else { allowed.join(", ") };
            let advice = format!(
                "`{written}` reaches `{module}`, but `{top}` may import {list} only; \
                 move what both need below them, or pass it in from `app`"
            );
            found.push(finding(path.line, advice));
        }
    }
    found
}

#[test]
fn modules_import_downwards_only() {
    report_all(findings);
}

/// Without this, a reader that finds nothing would find nothing wrong.
#[test]
fn the_imports_of_the_crate_are_found() {
    for (top, name) in [("vfs", "crate::drive"), ("drive", "crate::pan115"), ("transport", "reqwest")] {
        let files = SOURCES.iter().filter(|source| source.path.starts_with("src/") && source.top() == top);
        let mut written = files.flat_map(paths).map(|path| path.segments.join("::"));
        assert!(written.any(|path| path.starts_with(name)), "`{top}` does not seem to use `{name}`");
    }
}

#[test]
fn imports_upwards_are_caught() {
    let caught = |path, text, lines: &[usize]| check(findings, path, text, lines);
    caught("src/vfs/path.rs", "use crate::model::Name;\nuse crate::dav::Dav;", &[2]);
    caught("src/vfs/path.rs", "use crate::{\n    cache::{Cache, self},\n    server::{self},\n};", &[3]);
    caught("src/model/ids.rs", "fn f() -> crate::config::Config { loop {} }", &[1]);
    caught("src/drive/cloud.rs", "impl super::super::vfs::Vfs {}", &[1]);
    caught("src/transport/mod.rs", "use super::model;", &[1]);
    caught("src/cache/mod.rs", "mod a { use super::super::super::drive; use super::super::drive; }", &[1, 1]);
    caught("src/crypto/m115/mod.rs", "use crate as root;\nuse crate::*;\nuse super::super::*;", &[1, 2, 3]);
    caught("src/telemetry.rs", "use crate::app::App;", &[1]);
    caught("src/cli.rs", "use crate::app::App;\nuse crate::config::Config;", &[1]);
    caught("src/server/mod.rs", "macro_rules! m { () => { $crate::drive::f() } }", &[1]);
    caught("src/other/mod.rs", "", &[1]);
}

#[test]
fn imports_downwards_and_of_tests_are_not() {
    let passed = |path, text| check(findings, path, text, &[]);
    passed("src/app.rs", "use crate::{config, server::Parts, transport};");
    passed("src/main.rs", "use dav115::{cli::Cli, app};");
    passed("src/server/auth/password.rs", "use super::super::BadOptions; pub(in super::super) fn f() {}");
    passed("src/vfs/mod.rs", "// crate::dav\nconst A: &str = \"crate::dav\";");
    passed("src/vfs/mod.rs", "#[cfg(test)]\nmod tests { use crate::server::State; }");
    passed("tests/it/harness.rs", "use crate::server::State;");
}
