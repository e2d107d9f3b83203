//! What is said of each value that cannot be used.

use super::{Given, MINIMAL};

/// Sets `key` of `[section]` to `value`, which must be refused with `rest`.
#[track_caller]
fn check(section: &str, key: &str, value: &str, rest: &str) {
    let expected = format!("dav115.toml: {section}.{key}: expected {rest}");
    Given::minimal_and(&format!("[{section}]\n{key} = {value}")).is_refused(&[&expected]);
}

const DURATION: &str = r#"a duration above zero such as "90s", "5m" or "1h 30m", at most 10 years"#;
const DURATION_OR_ZERO: &str = r#"a duration such as "90s", "5m" or "1h 30m", at most 10 years"#;
const ADDRESS: &str = r#"an address and port such as "127.0.0.1:8115" or "[::]:8115""#;
const PATH: &str = r#"a path such as "/" or "/films", without "..", "%", backslashes and empty segments"#;
const WEB_ADDRESS: &str = "an http or https URL without user name, query and fragment";

#[test]
fn addresses() {
    check("server", "listen", r#""8115""#, &format!(r#"{ADDRESS}, found "8115""#));
    check("server", "listen", "8115", &format!("{ADDRESS}, found 8115"));
}

#[test]
fn paths() {
    for path in ["//", "/a//b", "/../a", "/a%20b", "/a/./b", "a\\\\b", "/a?", ""] {
        let found = path.replace("\\\\", "\\");
        check("server", "prefix", &format!("\"{path}\""), &format!("{PATH}, found {found:?}"));
    }
    for (given, normal) in [("/", "/"), ("dav", "/dav"), ("/dav/", "/dav"), ("/a/电影", "/a/电影")] {
        let config = Given::minimal_and(&format!("[server]\nprefix = \"{given}\"")).load();
        assert_eq!(config.server.prefix, normal);
    }
}

#[test]
fn durations() {
    check("cache", "listing_ttl", r#""5 parsecs""#, &format!(r#"{DURATION}, found "5 parsecs""#));
    check("cache", "listing_ttl", "300", &format!("{DURATION}, found 300"));
    check("cache", "link_margin", r#""20years""#, &format!(r#"{DURATION_OR_ZERO}, found "20years""#));
    for (section, key) in [
        ("server", "request_header_timeout"),
        ("cache", "listing_ttl_floor"),
        ("limits", "attempt_timeout"),
        ("limits", "deadline"),
        ("limits", "connect_timeout"),
        ("limits", "read_timeout"),
        ("limits", "block_pause"),
        ("quota", "ttl"),
    ] {
        check(section, key, r#""0s""#, &format!(r#"{DURATION}, found "0s""#));
    }
}

#[test]
fn numbers_out_of_range() {
    for (section, key, value, range) in [
        ("server", "max_connections", "0", "1 to 1000000"),
        ("cache", "listing_entries", "0", "1 to 1000000000"),
        ("cache", "links", "-1", "1 to 100000000"),
        ("limits", "burst", "0", "1 to 1000"),
        ("limits", "retries", "11", "0 to 10"),
        ("limits", "open_bodies", "1.5", "1 to 1000"),
        ("limits", "open_bodies", "\"many\"", "1 to 1000"),
    ] {
        check(section, key, value, &format!("a whole number from {range}, found {value}"));
    }
    for value in ["0.0", "-1", "1000", "nan", "true"] {
        let found = if value == "0.0" { "0" } else { &value.replace("nan", "NaN") };
        check("limits", "requests_per_second", value, &format!("a number from 0.01 to 100, found {found}"));
    }
}

#[test]
fn switches_choices_and_texts() {
    check("quota", "report", r#""maybe""#, r#"true or false, found "maybe""#);
    check("download", "unbound_links", "1", "true or false, found 1");
    check("log", "format", r#""xml""#, r#""text" or "json", found "xml""#);
    check("log", "level", "3", "a text in quotes, found 3");
    check("server", "properties_file", "3", "a text in quotes, found 3");
    check("server", "properties_file", r#""""#, r#"a text in quotes, found """#);
    check(
        "download",
        "user_agent",
        r#""a\nb""#,
        r#"a User-Agent of printable ASCII characters, found "a\nb""#,
    );
}

#[test]
fn web_addresses() {
    check("download", "proxy_url", r#""ftp://x""#, &format!(r#"{WEB_ADDRESS}, found "ftp://x""#));
    check("download", "proxy_url", r#""http://x/?q""#, &format!(r#"{WEB_ADDRESS}, found "http://x/?q""#));
    check(
        "upstream",
        "base_url",
        r#""x""#,
        &format!(r#"{WEB_ADDRESS}, found "x" (relative URL without a base)"#),
    );
    let config = Given::minimal_and("[upstream]\nbase_url = \"http://127.0.0.1:1/\"").load();
    assert_eq!(config.upstream.base_url.as_deref(), Some("http://127.0.0.1:1"));
}

#[test]
fn values_that_do_not_go_together() {
    check(
        "cache",
        "listing_ttl",
        r#""5s""#,
        r#"at least cache.listing_ttl_floor, 10s by the built-in defaults, found "5s""#,
    );
    check(
        "limits",
        "attempt_timeout",
        r#""2m""#,
        r#"at most limits.deadline, 1m by the built-in defaults, found "2m""#,
    );
    Given::minimal_and("[limits]\ndeadline = \"10s\"").is_refused(&[
        "the built-in defaults: limits.attempt_timeout: \
         expected at most limits.deadline, 10s by dav115.toml, \
         found \"20s\"",
    ]);
}

#[test]
fn the_public_key() {
    let check = |key: &str, expected: &[&str]| {
        let expected: Vec<_> =
            expected.iter().map(|rest| format!("dav115.toml: upstream.m115_public_key.{rest}")).collect();
        let expected: Vec<_> = expected.iter().map(String::as_str).collect();
        Given::minimal_and(&format!("[upstream]\nm115_public_key = {key}")).is_refused(&expected);
    };
    check(
        "{ modulus = \"xyz\", exponent = 4 }",
        &[
            "modulus: expected 1 to 256 hexadecimal digits, found a text of 3 characters",
            "exponent: expected an odd number such as 65537, found 4",
        ],
    );
    check(
        "{ modulus = \"0\" }",
        &[
            "modulus: expected 1 to 256 hexadecimal digits, found a text of 1 characters",
            "exponent: expected an odd number such as 65537, found nothing",
        ],
    );
    Given::minimal_and("[upstream]\nec_public_key = \"57a2\"").is_refused(&[
        "dav115.toml: upstream.ec_public_key: expected 112 hexadecimal digits, X and then Y, \
         found a text of 4 characters",
    ]);
    for version in ["", "36.", "36.2.x", "36 2"] {
        let expected = format!(
            "dav115.toml: upstream.client_version: expected a version in quotes, such as 36.2.28, found {version:?}"
        );
        Given::minimal_and(&format!("[upstream]\nclient_version = {version:?}")).is_refused(&[&expected]);
    }
    let digits = format!("00{}", "A".repeat(256));
    let key = format!("[upstream]\nm115_public_key = {{ modulus = \"{digits}\", exponent = 65537 }}");
    let key = Given::minimal_and(&key).load().upstream.m115_public_key.unwrap();
    assert_eq!((key.modulus_hex.as_str(), key.exponent), (&*"a".repeat(256), 65537));
}

#[test]
fn users() {
    Given::minimal_and(
        "[[users]]\nname = \"a:b\"\npassword_hash = \"$argon2\"\n\
         [[users]]\nname = \"\"\npassword_hash = \"$argon2\"\n\
         [[users]]\nname = \"a\"\npassword_hash = \"$argon2\"\n\
         [[users]]\nname = \"a\"\npassword_hash = \"$argon2\"\n",
    )
    .is_refused(&[
        "dav115.toml: users[0].name: expected a user name that is not empty and holds no colon, \
         found \"a:b\"",
        "dav115.toml: users[1].name: expected a user name that is not empty and holds no colon, \
         found \"\"",
        "dav115.toml: users[3].name: expected a name of its own, \
         since users[2].name has this one, found \"a\"",
    ]);
}

#[test]
fn accounts() {
    Given::minimal_and("[[accounts]]\nname = \"main\"\ncookie = \"\"\n[[accounts]]\ncookie = \"x\"")
        .is_refused(&[
            "dav115.toml: accounts[1].name: expected a name of its own, \
         since accounts[0].name has this one, found \"main\"",
            "dav115.toml: accounts[1].cookie: expected a text in quotes that is not empty, \
         found an empty text",
            "dav115.toml: accounts[2].name: expected a text in quotes, found nothing",
        ]);
}

#[test]
fn further_cookies_of_an_account() {
    let other = "[[accounts]]\nname = \"other\"\ncookie = \"c\"\nsame_as = \"nobody\"";
    Given::minimal_and(other).is_refused(&[
        "dav115.toml: accounts[1].same_as: expected the name of an account further up that has no same_as itself, \
         \"main\", found \"nobody\"",
    ]);
    let both = "[[accounts]]\nname = \"a\"\ncookie = \"c\"\nuse = \"listing\"\n\
                [[accounts]]\nname = \"b\"\ncookie = \"c\"\nsame_as = \"a\"\nuse = \"listing\"\n\
                [[mounts]]\npath = \"/\"";
    Given::file(both).is_refused(&[
        "dav115.toml: accounts: expected a cookie of the account \"a\" for download, found none; \
         set use = \"all\" or \"download\" for one of its cookies",
    ]);
}

#[test]
fn the_account_of_a_mount() {
    let mounts = "[[mounts]]\npath = \"/a\"\naccount = \"c\"\n[[mounts]]\npath = \"/b\"\n";
    let two = "[[accounts]]\nname = \"a\"\ncookie = \"x\"\n[[accounts]]\nname = \"b\"\ncookie = \"x\"\n";
    Given::file(&format!("{mounts}{two}")).is_refused(&[
        "dav115.toml: mounts[0].account: expected the name of an account, \"a\" or \"b\", found \"c\"",
        "dav115.toml: mounts[1].account: expected the name of an account, \"a\" or \"b\", found nothing; \
         it may only be left out when there is one account",
    ]);
    Given::file(mounts).is_refused(&[
        "dav115.toml: mounts[0].account: expected an account, found \"c\"; \
         add an [[accounts]] entry with name and cookie",
        "dav115.toml: mounts[1].account: expected an account, found nothing; \
         add an [[accounts]] entry with name and cookie",
    ]);
}

#[test]
fn the_values_of_a_mount() {
    Given::file(&format!("{MINIMAL}kind = \"disk\"\nroot_id = -1\ndownload = \"prxy\"")).is_refused(&[
        "dav115.toml: mounts[0].kind: expected \"cloud\", \"share\" or \"shares\", found \"disk\"",
        "dav115.toml: mounts[0].root_id: \
         expected the id of a folder in digits, or \"0\" for everything, found -1",
        "dav115.toml: mounts[0].download: expected \"redirect\", \"redirect!\", \"proxy\" or \"proxy_url\", \
         found \"prxy\"",
    ]);
}

#[test]
fn the_share_of_a_mount() {
    let mount = |keys: &str| Given::file(&format!("[[mounts]]\npath = \"/\"\n{keys}"));
    mount("kind = \"share\"").is_refused(&[
        "dav115.toml: mounts[0].link: expected link, or share_code and receive_code, found neither",
    ]);
    mount("kind = \"share\"\nlink = \"https://example.com/a1b2\"").is_refused(&[
        "dav115.toml: mounts[0].link: expected the link of a share, such as https://115cdn.com/s/sw…?password=…, \
         found a text without one (not shown)",
    ]);
    mount("kind = \"shares\"\nlinks = [\"sw3abc12xyz-a1b2\"]\nroot_id = 7").is_refused(&[
        "dav115.toml: mounts[0].root_id: expected \"0\", since the folders shown are those of the shares, found 7; \
         kind = \"share\" shows a folder of one share",
    ]);
    let share = "kind = \"share\"\nlink = \"sw3abc12xyz-a1b2\"\nsave_to = \"7\"";
    mount(share)
        .is_refused(&["dav115.toml: mounts[0].save_to: expected an account to save to, found none; \
         name one of the accounts in account"]);
    let account = "[[accounts]]\nname = \"a\"\ncookie = \"c\"\n";
    Given::file(&format!("{account}[[mounts]]\npath = \"/\"\n{}", share.replace('7', "0"))).is_refused(&[
        "dav115.toml: mounts[0].save_to: expected the id of a folder made for this, found \"0\", which is everything; \
         make a folder at 115 and give its id",
    ]);
    Given::file(&format!("{MINIMAL}save_to = 7")).is_refused(&[
        "dav115.toml: mounts[0].save_to: expected kind = \"share\" or \"shares\" with this key, found kind = \"cloud\"; \
         only files of shares are saved",
    ]);
    Given::file(&format!("{MINIMAL}link = \"sw3abc12xyz-a1b2\"")).is_refused(&[
        "dav115.toml: mounts[0].link: expected kind = \"share\" or \"shares\" with this key, found kind = \"cloud\"; \
         set the kind",
    ]);
}

#[test]
fn mounts_inside_each_other() {
    let mounts = |paths: &[&str]| {
        let mounts: Vec<_> = paths.iter().map(|path| format!("[[mounts]]\npath = \"{path}\"\n")).collect();
        let mounts = mounts.concat();
        Given::file(&format!("[[accounts]]\nname = \"a\"\ncookie = \"x\"\n{mounts}"))
    };
    for (first, second) in [("/a", "/a/"), ("/a", "/a/b"), ("/a/b", "/a"), ("/", "/a")] {
        let second_normal = second.trim_end_matches('/');
        mounts(&[first, second]).is_refused(&[&format!(
            "dav115.toml: mounts[1].path: expected a path apart from that of mounts[0].path (line 5), \"{first}\", \
             found \"{second_normal}\" (line 7); one mount may not lie inside another"
        )]);
    }
    assert_eq!(mounts(&["/a", "/ab", "/b/a"]).load().mounts.len(), 3);
}

#[test]
fn a_download_proxy_that_is_not_set() {
    let expected = "dav115.toml: mounts[0].download: expected download.proxy_url and download.proxy_token \
                    to be set for this, found \"proxy_url\"; set both, or use \"redirect\" or \"proxy\"";
    let file = format!("{MINIMAL}download = \"proxy_url\"\n[download]\nproxy_url = \"https://p.example/\"\n");
    Given::file(&file).is_refused(&[expected]);
    let config = Given::file(&format!("{file}proxy_token = \"t\"")).load();
    assert_eq!(config.download.proxy_url.as_deref(), Some("https://p.example"));
}

#[test]
fn all_problems_of_all_sources_are_said_at_once() {
    let given = Given::file(
        "mode = 1\n[server]\nlisten = 1\n[[accounts]]\nname = \"a\"\n[[mounts]]\npath = \"/\"\naccount = \"b\"\n",
    )
    .variable("DAV115__LIMITS__BURST", "0")
    .variable("DAV115__CACHE__LINK", "1");
    given.is_refused(&[
        "environment variable DAV115__CACHE__LINK: cache.link: expected a known key, found an unknown one; \
         did you mean DAV115__CACHE__LINKS?",
        "dav115.toml: mode: expected a known key, found an unknown one; did you mean anonymous.access[0].mode?",
        &format!("dav115.toml: server.listen: expected {ADDRESS}, found 1"),
        "dav115.toml: accounts[0].cookie: expected cookie or cookie_file, found neither",
        "dav115.toml: mounts[0].account: expected the name of an account, \"a\", found \"b\"",
        "environment variable DAV115__LIMITS__BURST: limits.burst: expected a whole number from 1 to 1000, \
         found \"0\"",
    ]);
    let text = crate::config::Config::load(&given.sources).unwrap_err().to_string();
    assert!(text.starts_with("the configuration has 6 problems:\n  - environment variable "), "{text}");
}

const USER: &str = "[[users]]\nname = \"a\"\npassword_hash = \"$argon2id\"\n";

#[track_caller]
fn check_rights(text: &str, expected: &str) {
    let problems = Given::minimal_and(&format!("{USER}{text}")).problems();
    assert!(
        problems.len() == 1 && problems[0].starts_with(&format!("dav115.toml: {expected}")),
        "{problems:?}"
    );
}

#[test]
fn rights_that_show_nothing_or_mean_nothing_are_refused() {
    check_rights("access = []", "users[0].access: expected at least one rule that lets something be read");
    check_rights(
        "access = [{ path = \"/x\", mode = \"hide\" }]",
        "users[0].access: expected at least one rule that lets something be read, found none; what no rule covers is hidden",
    );
    check_rights(
        "home = \"/kids\"\naccess = [{ path = \"/\", mode = \"read\" }, { path = \"/kids\", mode = \"hide\" }]",
        "users[0].access: expected at least one rule",
    );
    check_rights(
        "home = \"/kids\"\naccess = [{ path = \"/\", mode = \"read\" }, { path = \"/films\", mode = \"hide\" }]",
        "users[0].access[1].path: expected a path at, below or above the home, \"/kids\", found \"/films\"",
    );
    check_rights(
        "access = [{ path = \"/\", mode = \"read\" }, { path = \"/\", mode = \"hide\" }]",
        "users[0].access: expected one rule for each path, found two for \"/\"",
    );
    check_rights(
        "access = [{ path = \"/a/../b\", mode = \"read\" }]",
        "users[0].access[0].path: expected a path",
    );
    check_rights(
        "access = [{ path = \"/\", mode = \"look\" }]",
        "users[0].access[0].mode: expected \"hide\", \"read\"",
    );
    check_rights(
        "[anonymous]\naccess = [{ path = \"/\", mode = \"write\" }]",
        "anonymous.access[0].mode: expected \"hide\" or \"read\", found \"write\"",
    );
    check_rights("[anonymous]\n", "anonymous.access: expected at least one rule");
    check_rights(
        "[server]\ntrusted_proxies = [\"10.0.0.0/99\"]",
        "server.trusted_proxies: expected a list of addresses",
    );
    let without_users =
        Given::minimal_and("[anonymous]\naccess = [{ path = \"/\", mode = \"read\" }]").problems();
    assert!(
        without_users[0].contains("anonymous: expected [[users]] beside [anonymous]"),
        "{without_users:?}"
    );
}

#[test]
fn a_right_to_what_is_not_mounted_is_refused_as_a_slip() {
    let file = format!(
        "[[accounts]]\nname = \"m\"\ncookie = \"UID=1; CID=2; SEID=3\"\n[[mounts]]\npath = \"/films\"\n{USER}\
         access = [{{ path = \"/\", mode = \"read\" }}, {{ path = \"/flims/x\", mode = \"hide\" }}]"
    );
    let problems = Given::file(&file).problems();
    assert!(
        problems[0].contains("users[0].access[1].path: expected a path in a mount or above one"),
        "{problems:?}"
    );
    let mistaken_home = file.replace("/flims/x", "/films/x").replace("access", "home = \"/kids\"\naccess");
    assert!(!Given::file(&mistaken_home).problems().is_empty());
}
