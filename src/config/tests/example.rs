//! The files in `config/`, and the description of a configuration.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Given, MINIMAL};
use crate::config::table::{Report, Table};
use crate::config::{Config, MountKind, Needs, Sources};

const EXAMPLE: &str = include_str!("../../../config/example.toml");

/// Every key there is, as patterns such as `accounts[].name`.
fn known_keys() -> BTreeSet<String> {
    let report = Report::new(String::new(), None);
    let defaults = Sources::default().merge().unwrap();
    assert!(
        Table::read_root(&report, defaults, |root| Config::read(
            root,
            Needs { mounts: false, cookie_files: true }
        ))
        .is_ok()
    );
    report.known().into_iter().collect()
}

/// Every key in the text, commented out or not, as patterns.
fn keys_of(text: &str) -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    let mut table = String::new();
    for line in text.lines() {
        let line = line.strip_prefix('#').unwrap_or(line);
        if let Some(header) = line.strip_prefix("[[").and_then(|line| line.strip_suffix("]]")) {
            keys.insert(header.to_owned());
            table = format!("{header}[]");
        } else if let Some(header) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            keys.insert(header.to_owned());
            header.clone_into(&mut table);
        } else if let Some((key, value)) = line.split_once(" = ").filter(|(key, _)| !key.contains(' ')) {
            keys.insert(format!("{table}.{key}"));
            // A table, or a list of tables of which one shows all keys.
            let (value, list) = match value.strip_prefix('[').and_then(|value| value.strip_suffix(']')) {
                Some(items) => (items.split_inclusive('}').next().unwrap_or_default(), "[]"),
                None => (value, ""),
            };
            let inner = value.strip_prefix("{ ").and_then(|value| value.strip_suffix(" }"));
            let inner = inner.into_iter().flat_map(|inner| inner.split(", "));
            keys.extend(
                inner.filter_map(|pair| Some(format!("{table}.{key}{list}.{}", pair.split_once(" = ")?.0))),
            );
        }
    }
    keys
}

#[test]
fn the_example_is_accepted_as_it_is() {
    let config = Given::file(EXAMPLE).load();
    assert_eq!(config.mounts.len(), 1);
    assert_eq!(config.users[0].name, "alice");
}

#[test]
fn the_example_shows_every_key_there_is_and_no_other() {
    assert_eq!(keys_of(EXAMPLE), known_keys());
}

#[test]
fn the_example_shows_the_defaults() {
    let mut config = Given::file(EXAMPLE).load();
    let defaults = Config::load_without_mounts(&Sources::default()).unwrap();
    config.users.clear();
    config.accounts.clear();
    config.mounts.clear();
    // These have no default, and the example shows what they look like.
    config.download.proxy_url = None;
    config.download.proxy_token = None;
    assert_eq!(config, defaults);
}

#[test]
fn what_is_commented_out_in_the_example_is_accepted_as_well() {
    let commented: Vec<_> = EXAMPLE.lines().filter_map(|line| line.strip_prefix('#')).collect();
    let uncommented: Vec<_> =
        commented.iter().filter(|line| !line.starts_with(' ') && line.contains(" = ")).collect();
    let forms = [
        "password_hash_file",
        "access",
        "cookie_file",
        "name",
        "same_as",
        "cookie_file",
        "use",
        "link",
        "share_code",
        "receive_code",
        "links",
        "links_file",
        "save_to",
        "proxy_token_file",
        "base_url",
        "m115_public_key",
        "ec_public_key",
        "client_version",
    ];
    assert_eq!(uncommented.iter().filter_map(|line| line.split(' ').next()).collect::<Vec<_>>(), forms);
    let line = |key: &str| uncommented.iter().rfind(|line| line.starts_with(key)).unwrap();
    for (kind, keys) in
        [("share", &["link "][..]), ("share", &["share_code", "receive_code"]), ("shares", &["links "])]
    {
        let keys: Vec<_> = keys.iter().map(|key| line(key).to_string()).collect();
        let text = format!("[[mounts]]\npath = \"/\"\nkind = \"{kind}\"\n{}", keys.join("\n"));
        let config = Given::file(&text).load();
        assert!(config.mounts[0].kind != MountKind::Cloud && config.mounts[0].account.is_none());
        assert!(!config.describe().contains("a1b2"), "{}", config.describe());
    }
    let saving = format!(
        "[[accounts]]\nname = \"main\"\ncookie = \"c\"\n[[mounts]]\npath = \"/\"\nkind = \"share\"\n{}\n{}",
        line("link "),
        line("save_to")
    );
    let config = Given::file(&saving).load();
    assert!(config.mounts[0].save_to.is_some() && config.describe().contains("save_to = \"258"));
    let upstream =
        ["base_url", "m115_public_key", "ec_public_key", "client_version"].map(line).map(ToString::to_string);
    let upstream = format!("[upstream]\n{}", upstream.join("\n"));
    let upstream = Given::minimal_and(&upstream).load().upstream;
    assert!(upstream.base_url.is_some() && upstream.m115_public_key.is_some());
    assert!(upstream.ec_public_key.is_some() && upstream.client_version.is_some());
    let another =
        format!("[[accounts]]\n{}\ncookie = \"c\"\n{}\n{}", line("name"), line("same_as"), line("use"));
    let accounts = Given::minimal_and(&another).load().accounts;
    assert_eq!(accounts[1].same_as.as_deref(), Some("main"));
    let anonymous = format!("{EXAMPLE}\n[anonymous]\n{}", line("access"));
    assert_eq!(Given::file(&anonymous).load().anonymous.unwrap().access[0].path, "/public");
}

#[test]
fn the_description_reads_back_as_the_same_configuration() {
    let config = Given::minimal_and(
        "root_id = 12\ndownload = \"redirect!\"\n\
         [server]\nprefix = \"/a\\\"b\"\ntrusted_proxies = [\"10.0.0.0/8\", \"::1\"]\nshutdown_grace = \"1m 30s\"\n\
         [limits]\nrequests_per_second = 1\n\
         [download]\nproxy_url = \"https://p/\"\nproxy_token = \"t\"\n\
         [upstream]\nbase_url = \"http://u/\"\nm115_public_key = { modulus = \"ab\", exponent = 3 }\n\
         client_version = \"37.0\"\n\
         ec_public_key = \"57a29257cd2320e5d6d143322fa4bb8a3cf9d3cc623ef5edac62b7678a89c91a83ba800d6129f522d034c895dd2465243addc250953beeba\"\n\
         [[users]]\nname = \"a\"\npassword_hash = \"$argon2id\"\nhome = \"/a\"\n\
         access = [{ path = \"/a/b?\", mode = \"read\" }]\n\
         [anonymous]\naccess = [{ path = \"/\", mode = \"hide\" }, { path = \"/x\", mode = \"read\" }]",
    )
    .load();
    // A mask is no hash, which is noticed.
    let described =
        config.describe().replace("password_hash = \"********\"", "password_hash = \"$argon2id\"");
    let mut again = Given::file(&described).load();
    again.accounts.clone_from(&config.accounts);
    again.download.proxy_token.clone_from(&config.download.proxy_token);
    assert_eq!(again, config);
}

#[test]
fn the_description_looks_like_the_file() {
    let described = Given::file(MINIMAL).load().describe();
    let start = "[server]\nlisten = \"0.0.0.0:8115\"\nprefix = \"/\"\ntrusted_proxies = []\nrequest_header_timeout = \"30s\"\n";
    assert!(described.starts_with(start), "{described}");
    assert!(described.contains("\n[[accounts]]\nname = \"main\"\ncookie = \"********\"\n"), "{described}");
    assert!(described.contains("\n# no m115_public_key: 115's own\n# no ec_public_key"), "{described}");
}

#[test]
fn the_defaults_are_the_documented_ones() {
    let config = Config::load_without_mounts(&Sources::default()).unwrap();
    assert_eq!(config.limits.block_pause, Duration::from_secs(11 * 60));
    assert_eq!(config.download.link_expiration, Duration::ZERO);
    assert_eq!(config.server.prefix, "/");
}
