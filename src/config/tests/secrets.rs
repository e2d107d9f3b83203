//! Secrets given in place, by a file, and never shown.

use std::io;

use super::{Given, MINIMAL};
use crate::config::secret::read_remedy;
use crate::config::{Config, Credential};
use crate::model::Secret;

const SECRET: &str = "SEID=d41d8cd98f00b204";
const ACCOUNT_BY_FILE: &str =
    "[[accounts]]\nname = \"main\"\ncookie_file = \"cookie.txt\"\n[[mounts]]\npath = \"/\"\n";

#[test]
fn the_path_of_a_cookie_file_is_kept_and_relative_to_the_file_that_names_it() {
    let given = Given::file(ACCOUNT_BY_FILE).beside("cookie.txt", "UID=1\n");
    assert_eq!(given.load().accounts[0].credential, Credential::CookieFile(given.path("cookie.txt")));
}

#[test]
fn a_path_given_by_a_variable_is_used_as_it_is() {
    let given = Given::file(ACCOUNT_BY_FILE).beside("other.txt", "UID=1");
    let path = given.path("other.txt");
    let given = given.variable("DAV115__ACCOUNTS__0__COOKIE_FILE", &path.display().to_string());
    assert_eq!(given.load().accounts[0].credential, Credential::CookieFile(path));
}

#[test]
fn the_other_files_are_read_without_the_newline_at_their_end() {
    let given = Given::minimal_and(
        "[[users]]\nname = \"a\"\npassword_hash_file = \"hash\"\n[download]\nproxy_token_file = \"token\"",
    );
    let config = given.beside("hash", "$argon2id$x\r\n").beside("token", " t \n\n").load();
    assert_eq!(config.users[0].password_hash, Secret::new("$argon2id$x"));
    assert_eq!(config.download.proxy_token, Some(Secret::new(" t ")));
}

#[test]
fn both_forms_or_neither_are_refused() {
    Given::minimal_and(
        "[[users]]\nname = \"a\"\npassword_hash = \"$argon2\"\npassword_hash_file = \"h\"\n\
         [[users]]\nname = \"b\"\n\
         [download]\nproxy_token = \"t\"\nproxy_token_file = \"t\"",
    )
    .variable("DAV115__ACCOUNTS__0__COOKIE_FILE", "c")
    .is_refused(&[
        "dav115.toml: users[0].password_hash: expected only one of password_hash and password_hash_file, \
         found both; remove one of them",
        "dav115.toml: users[1].password_hash: expected password_hash or password_hash_file, \
         found neither",
        "dav115.toml: accounts[0].cookie: expected only one of cookie and cookie_file, \
         found both; remove one of them",
        "dav115.toml: download.proxy_token: \
         expected only one of proxy_token and proxy_token_file, found both; \
         remove one of them",
    ]);
}

#[test]
fn a_file_that_cannot_be_used_is_named_with_reason_and_remedy() {
    Given::file(ACCOUNT_BY_FILE).is_refused(&[
        "dav115.toml: accounts[0].cookie_file: expected a readable file, \
         found that cookie.txt cannot be read: No such file or directory (os error 2); \
         make it with `dav115 login --account main`, or correct its path; in a container, check that its folder is mounted",
    ]);
    Given::file(ACCOUNT_BY_FILE)
        .beside("cookie.txt", "\n")
        .is_refused(&["dav115.toml: accounts[0].cookie_file: expected a file that holds the secret, \
         found that cookie.txt is empty; make it with `dav115 login --account main`, or correct its path"]);
    let hash = "[[users]]\nname = \"a\"\npassword_hash_file = \"hash\"";
    Given::minimal_and(hash).is_refused(&[
        "dav115.toml: users[0].password_hash_file: expected a readable file, \
         found that hash cannot be read: No such file or directory (os error 2); \
         create the file or correct its path; in a container, check that it is mounted",
    ]);
    let folder = Given::file(ACCOUNT_BY_FILE);
    std::fs::create_dir(folder.path("cookie.txt")).unwrap();
    folder.is_refused(&["dav115.toml: accounts[0].cookie_file: expected a readable file, \
         found that cookie.txt cannot be read: Is a directory (os error 21); \
         name a file; Docker makes a folder of a mounted file that does not exist on the host"]);
    assert_eq!(
        read_remedy(io::ErrorKind::PermissionDenied),
        "let the user this program runs as read it (chown or chmod), and enter the folders above it"
    );
}

#[test]
fn a_cookie_that_is_yet_to_be_made_does_not_keep_anybody_from_signing_in() {
    let without_mounts = ACCOUNT_BY_FILE.replace("[[mounts]]\npath = \"/\"\n", "");
    let given = Given::file(&without_mounts);
    let path = given.path("cookie.txt");
    let expected = Ok(Credential::CookieFile(path.clone()));
    let credential = || {
        let config = Config::load_to_sign_in(&given.sources);
        config.map(|config| config.accounts[0].credential.clone())
    };
    assert_eq!(credential(), expected);
    for content in ["\n", "UID=1"] {
        std::fs::write(&path, content).unwrap();
        assert_eq!(credential(), expected, "{content:?}");
    }
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    assert!(credential().unwrap_err().to_string().contains("name a file"));
    let given = Given::file(&without_mounts.replace("cookie.txt", SECRET));
    let refusal = Config::load_to_sign_in(&given.sources).unwrap_err().to_string();
    assert!(refusal.contains("a secret itself goes in the key without _file"), "{refusal}");
}

#[test]
fn a_wrong_hash_is_refused_by_the_key_it_came_from() {
    let users = "[[users]]\nname = \"a\"\npassword_hash = \"hunter2\"\n\
                 [[users]]\nname = \"b\"\npassword_hash_file = \"hash\"";
    let rest = "expected an argon2 hash, which begins with $argon2, found another text (not shown); \
                make one with `dav115 hash-password`; in a Compose file write every $ of it as $$";
    Given::minimal_and(users).beside("hash", "hunter3").is_refused(&[
        &format!("dav115.toml: users[0].password_hash: {rest}"),
        &format!("dav115.toml: users[1].password_hash_file: {rest}"),
    ]);
}

#[test]
fn no_problem_shows_a_secret() {
    let given = Given::file(&format!(
        "cokie = \"{SECRET}\"\n\
         [[users]]\nname = \"a\"\npassword_hash = \"{SECRET}\"\n\
         [[accounts]]\nname = \"x\"\ncookie_file = \"{SECRET}\"\n\
         [[accounts]]\nname = \"y\"\ncookie = [\"{SECRET}\"]\n\
         [[mounts]]\npath = \"/\"\naccount = \"x\"\n\
         [download]\nproxy_url = \"http://u:{SECRET}@host/\"\nproxy_token = {{ value = \"{SECRET}\" }}\n\
         [upstream]\nm115_public_key = {{ modulus = \"{SECRET}\", exponent = 3 }}"
    ));
    let problems = given.problems();
    assert_eq!(problems.len(), 7, "{problems:#?}");
    assert!(!problems.concat().contains(SECRET), "{problems:#?}");
    assert!(!format!("{:?}", Config::load(&given.sources)).contains(SECRET));
}

#[test]
fn neither_debug_nor_describe_shows_a_secret() {
    let config = Given::file(&MINIMAL.replace("UID=1; CID=2; SEID=3", SECRET))
        .variable("DAV115__DOWNLOAD__PROXY_TOKEN", SECRET)
        .variable("DAV115__USERS__0__NAME", "alice")
        .variable("DAV115__USERS__0__PASSWORD_HASH", &format!("$argon2{SECRET}"))
        .load();
    assert!(!format!("{config:?}").contains(SECRET));
    let described = config.describe();
    assert!(!described.contains(SECRET), "{described}");
    for key in ["cookie", "proxy_token", "password_hash"] {
        assert!(described.contains(&format!("{key} = \"********\"\n")), "{described}");
    }
}
