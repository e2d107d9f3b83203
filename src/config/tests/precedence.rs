//! Default < file < environment < flags.

use std::net::SocketAddr;
use std::time::Duration;

use super::{Given, MINIMAL};
use crate::config::{Config, Credential, LogFormat, Overrides, Sources};
use crate::model::{DownloadPolicy, FileId, Secret};

fn port(config: &Config) -> u16 {
    config.server.listen.port()
}

fn listen_flag(port: u16) -> Overrides {
    Overrides { listen: Some(SocketAddr::from(([127, 0, 0, 1], port))), ..Overrides::default() }
}

#[test]
fn each_source_wins_over_those_before_it() {
    let file = "[server]\nlisten = \"127.0.0.1:2\"";
    let variable = ("DAV115__SERVER__LISTEN", "127.0.0.1:3");
    assert_eq!(port(&Given::file(MINIMAL).load()), 8115);
    assert_eq!(port(&Given::minimal_and(file).load()), 2);
    assert_eq!(port(&Given::minimal_and(file).variable(variable.0, variable.1).load()), 3);
    let all = Given::minimal_and(file).variable(variable.0, variable.1).flags(listen_flag(4));
    assert_eq!(port(&all.load()), 4);
}

#[test]
fn setting_one_key_of_a_section_keeps_the_others() {
    let config = Given::minimal_and("[cache]\nlinks = 5").variable("DAV115__CACHE__LISTING_TTL", "1m").load();
    assert_eq!(config.cache.links, 5);
    assert_eq!(config.cache.listing_ttl, Duration::from_secs(60));
    assert_eq!(config.cache.listing_entries, 500_000);
}

#[test]
fn the_file_of_properties_is_relative_to_the_file_that_names_it() {
    let given = Given::minimal_and("[server]\nproperties_file = \"kept/properties\"");
    assert_eq!(given.load().server.properties_file, Some(given.path("kept/properties")));
    let by_variable = given.variable("DAV115__SERVER__PROPERTIES_FILE", "x").load();
    assert_eq!(by_variable.server.properties_file, Some("x".into()));
    let default = Given::file(MINIMAL).load().server.properties_file;
    assert_eq!(default, Some("/var/tmp/dav115/properties".into()));
}

#[test]
fn flags_set_the_log() {
    let overrides = Overrides {
        log_format: Some(LogFormat::Json),
        log_level: Some("warn".to_owned()),
        ..Overrides::default()
    };
    let log = Given::file(MINIMAL).flags(overrides).load().log;
    assert_eq!((log.level.as_str(), log.format), ("warn", LogFormat::Json));
}

#[test]
fn a_flag_is_named_by_its_problem() {
    let overrides = Overrides { log_level: Some(String::new()), ..Overrides::default() };
    Given::file(MINIMAL)
        .flags(overrides)
        .is_refused(&[r#"flag --log-level: log.level: expected a text in quotes, found """#]);
}

#[test]
fn the_environment_alone_is_enough() {
    let config = Given::nothing()
        .variable("DAV115__MOUNTS__1__PATH", "/b")
        .variable("DAV115__MOUNTS__1__ROOT_ID", "123")
        .variable("DAV115__MOUNTS__0__PATH", "/a")
        .variable("DAV115__MOUNTS__0__DOWNLOAD", "redirect!")
        .variable("DAV115__ACCOUNTS__0__NAME", "main")
        .variable("DAV115__ACCOUNTS__0__COOKIE", "UID=1")
        .variable("DAV115__USERS__0__NAME", "alice")
        .variable("DAV115__USERS__0__PASSWORD_HASH", "$argon2id$x")
        .variable("DAV115__LIMITS__REQUESTS_PER_SECOND", "1.5")
        .variable("DAV115__QUOTA__REPORT", "false")
        .variable("DAV115__UPSTREAM__M115_PUBLIC_KEY__MODULUS", "00AB")
        .variable("DAV115__UPSTREAM__M115_PUBLIC_KEY__EXPONENT", "3")
        .load();
    let mounts: Vec<_> = config.mounts.iter().map(|mount| (mount.path.as_str(), mount.root)).collect();
    assert_eq!(mounts, [("/a", FileId::ROOT), ("/b", FileId(123))]);
    assert_eq!(config.mounts[0].download, DownloadPolicy::RedirectForced);
    assert_eq!(config.mounts[1].account.as_deref(), Some("main"));
    assert_eq!(config.accounts[0].credential, Credential::Cookie(Secret::new("UID=1")));
    assert_eq!(config.users[0].password_hash, Secret::new("$argon2id$x"));
    assert_eq!(config.limits.requests_per_second.to_bits(), 1.5_f64.to_bits());
    assert!(!config.quota.report);
    assert_eq!(config.upstream.m115_public_key.unwrap().modulus_hex, "ab");
}

#[test]
fn a_variable_can_change_one_key_of_an_entry_of_the_file() {
    let config = Given::file(MINIMAL).variable("DAV115__ACCOUNTS__0__COOKIE", "other").load();
    assert_eq!(config.accounts[0].name, "main");
    assert_eq!(config.accounts[0].credential, Credential::Cookie(Secret::new("other")));
}

#[test]
fn an_empty_variable_and_one_without_the_prefix_are_ignored() {
    let given = Given::file(MINIMAL)
        .variable("DAV115__SERVER__LISTEN", "")
        .variable("DAV115_CONFIG", "x")
        .variable("DAV115_PORT", "tcp://10.0.0.1:8115");
    assert_eq!(port(&given.load()), 8115);
}

#[test]
fn gaps_and_absurd_numbers_in_lists_are_refused() {
    let gap = Given::file(MINIMAL).variable("DAV115__ACCOUNTS__2__NAME", "x");
    gap.variable("DAV115__ACCOUNTS__2__COOKIE", "x")
        .is_refused(&["dav115.toml: accounts[1]: expected a table, headed [[accounts]], found nothing; \
         count entries from 0, without gaps"]);
    Given::file(MINIMAL).variable("DAV115__ACCOUNTS__99999999999__NAME", "x").is_refused(&[
        "environment variable DAV115__ACCOUNTS__99999999999__NAME: \
         expected a number from 0 to 999 for the place in the list, found 99999999999; \
         count entries from 0, without gaps",
    ]);
}

#[test]
fn a_list_or_section_of_another_kind_is_refused() {
    Given::file("accounts = \"main\"\n[[mounts]]\npath = \"/\"").is_refused(&[
        "dav115.toml: accounts: expected a list of tables, each headed [[accounts]], found \"main\"; \
         in the environment number the entries: DAV115__ACCOUNTS__0__…",
    ]);
    Given::file("[mounts]\npath = \"/\"").is_refused(&[
        "dav115.toml: mounts: expected a list of tables, each headed [[mounts]], found a table; \
         in the environment number the entries: DAV115__MOUNTS__0__…",
    ]);
    Given::file(MINIMAL)
        .variable("DAV115__CACHE", "big")
        .is_refused(&["environment variable DAV115__CACHE: cache: expected a table, [cache], found \"big\""]);
}

#[test]
fn a_missing_file_and_a_syntax_error_are_named() {
    let mut given = Given::nothing();
    given.sources.file = Some(given.path("absent.toml"));
    given.is_refused(&["absent.toml: expected a readable configuration file, \
                        found No such file or directory (os error 2); \
                        create the file or correct its path; in a container, check that it is mounted"]);
    let problems = Given::file("[[accounts]]\ncookie = \"SEID=secret\n").problems();
    assert!(
        problems[0].starts_with("dav115.toml: expected TOML, found TOML parse error at line 2, column "),
        "{problems:?}"
    );
    assert!(!problems[0].contains("secret"), "{problems:?}");
}

#[test]
fn without_mounts_the_start_says_how_to_begin() {
    let found = "mounts: expected at least one [[mounts]] entry, found nothing; \
                 name a file with --config (./dav115.toml and /config/dav115.toml are looked for), \
                 start from config/example.toml, or try the gateway without an account by `dav115 demo`";
    Given::nothing().is_refused(&[&format!("the environment (there is no configuration file): {found}")]);
    Given::file("[[accounts]]\nname = \"a\"\ncookie = \"b\"").is_refused(&[&format!("dav115.toml: {found}")]);
}

#[test]
fn the_demo_needs_no_mounts() {
    let config = Config::load_without_mounts(&Sources::default()).unwrap();
    assert_eq!(config.mounts, []);
    assert_eq!(config.download.user_agent, "Mozilla/5.0 115Browser/27.0.5.7");
}

#[test]
fn the_process_environment_is_a_source() {
    let sources = Sources::from_process(Some("a.toml".into()), Overrides::default()).unwrap();
    assert_eq!(sources.file, Some("a.toml".into()));
    assert!(sources.environment.iter().all(|(name, _)| name.starts_with("DAV115__")));
}
