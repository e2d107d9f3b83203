//! Keys nobody knows stop the start and get the nearest one suggested.

use super::{Given, MINIMAL};

const UNKNOWN: &str = "expected a known key, found an unknown one";

#[track_caller]
fn check_file(text: &str, key_and_remedy: (&str, &str)) {
    let (key, remedy) = key_and_remedy;
    Given::minimal_and(text).is_refused(&[&format!("dav115.toml: {key}: {UNKNOWN}; {remedy}")]);
}

#[track_caller]
fn check_variable(name: &str, key_and_remedy: (&str, &str)) {
    let (key, remedy) = key_and_remedy;
    let expected = format!("environment variable {name}: {key}: {UNKNOWN}; {remedy}");
    Given::file(MINIMAL).variable(name, "1").is_refused(&[&expected]);
}

#[test]
fn in_the_file_at_every_depth() {
    check_file("[servr]\nlisten = 1", ("servr", "did you mean server?"));
    check_file("[cache]\nlisting_tll = \"5m\"", ("cache.listing_tll", "did you mean cache.listing_ttl?"));
    check_file("root = \"0\"", ("mounts[0].root", "did you mean mounts[0].root_id?"));
    check_file(
        "[upstream]\nm115_public_key = { modulus = \"ab\", exponent = 3, modulo = 1 }",
        ("upstream.m115_public_key.modulo", "did you mean upstream.m115_public_key.modulus?"),
    );
}

#[test]
fn in_the_environment_at_every_depth() {
    check_variable("DAV115__SERVR__LISTEN", ("servr", "did you mean DAV115__SERVER__…?"));
    check_variable("DAV115__SERVER__LISTN", ("server.listn", "did you mean DAV115__SERVER__LISTEN?"));
    check_variable("DAV115__MOUNT__0__PATH", ("mount", "did you mean DAV115__MOUNTS__…?"));
    check_variable("DAV115__MOUNTS__0__PAHT", ("mounts[0].paht", "did you mean DAV115__MOUNTS__0__PATH?"));
    check_variable(
        "DAV115__UPSTREAM__M115_PUBLIC__MODULUS",
        ("upstream.m115_public", "did you mean DAV115__UPSTREAM__M115_PUBLIC_KEY__…?"),
    );
}

#[test]
fn a_key_of_another_section_is_found_there() {
    check_variable("DAV115__LISTEN", ("listen", "did you mean DAV115__SERVER__LISTEN?"));
    check_file("[server]\nlisting_ttl = \"5m\"", ("server.listing_ttl", "did you mean cache.listing_ttl?"));
    check_file(
        "[server]\npassword_hash = \"x\"",
        ("server.password_hash", "did you mean users[0].password_hash?"),
    );
}

#[test]
fn a_key_like_no_other_gets_the_known_ones_listed() {
    check_file("[quota]\nzzzzzzzz = 1", ("quota.zzzzzzzz", "the keys known here are report, ttl"));
    check_file(
        "[[users]]\nname = \"a\"\npassword_hash = \"$argon2\"\nqqqq = 1",
        ("users[0].qqqq", "the keys known here are name, password_hash, password_hash_file, home, access"),
    );
}

#[test]
fn names_are_written_in_small_letters_in_the_file() {
    check_file("[server]\nListen = \"127.0.0.1:1\"", ("server.Listen", "did you mean server.listen?"));
}

#[test]
fn malformed_variables_are_unknown_keys() {
    check_variable("DAV115__SERVER__", ("server.", "did you mean DAV115__SERVER__…?"));
}

#[test]
fn each_variable_below_an_unknown_section_is_named() {
    let given =
        Given::file(MINIMAL).variable("DAV115__SERVR__LISTEN", "1").variable("DAV115__SERVR__PREFIX", "2");
    assert_eq!(given.problems().len(), 2);
}
