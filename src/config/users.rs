//! `[[users]]`: who may sign in.

use ::config::Value;

use super::access::{self, Access};
use super::describe::Page;
use super::parse::{Refusal, text_of};
use super::secret;
use super::table::{Read, Table};
use crate::model::Secret;

/// Someone who may sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The name; it holds no colon.
    pub name: String,
    /// An argon2 hash of the password, in PHC form.
    pub password_hash: Secret,
    /// The path of the whole tree that is this user's `/`.
    pub home: String,
    /// What this user may do where; everything everywhere if it is not said.
    pub access: Option<Vec<Access>>,
}

impl User {
    pub(super) fn read_all(root: &mut Table<'_>) -> Read<Vec<Self>> {
        let mut names = Names::default();
        root.list("users", |table| Self::read(table, &mut names))?.into_iter().collect()
    }

    fn read(table: &mut Table<'_>, names: &mut Names) -> Read<Self> {
        let name = names.read(table, user_name);
        let password_hash = secret::required(table, "password_hash", "password_hash_file")
            .and_then(|given| password_hash(table, given));
        let rights = access::read_user(table);
        let (home, access) = rights?;
        Ok(Self { name: name?, password_hash: password_hash?, home, access })
    }

    pub(super) fn describe(&self, page: &mut Page) {
        page.table("[[users]]");
        page.text("name", &self.name);
        page.secret("password_hash");
        page.text("home", &self.home);
        if let Some(rules) = &self.access {
            access::describe_rules(rules, page);
        }
    }
}

/// The names given so far in a list, none of which may be given again.
#[derive(Default)]
pub(super) struct Names {
    given: Vec<(String, String)>,
    n_repeated: usize,
}

impl Names {
    /// Reads the name of one entry.
    pub(super) fn read(
        &mut self,
        table: &mut Table<'_>,
        parse: impl FnOnce(&Value) -> Result<String, Refusal>,
    ) -> Read<String> {
        let name = table.required("name", parse)?;
        if let Some((_, key)) = self.given.iter().find(|(other, _)| *other == name) {
            self.n_repeated += 1;
            let refusal = Refusal::new(format!("a name of its own, since {key} has this one"));
            return Err(table.refuse("name", refusal));
        }
        self.add(table, &name);
        Ok(name)
    }

    /// Notes a name that has been read.
    pub(super) fn add(&mut self, table: &Table<'_>, name: &str) {
        self.given.push((name.to_owned(), table.key("name")));
    }

    /// Every name read, each once.
    pub(super) fn all(&self) -> Vec<&str> {
        self.given.iter().map(|(name, _)| name.as_str()).collect()
    }

    /// The number of entries whose name could be read.
    pub(super) fn n_read(&self) -> usize {
        self.given.len() + self.n_repeated
    }
}

fn user_name(value: &Value) -> Result<String, Refusal> {
    let expected = "a user name that is not empty and holds no colon";
    let name = text_of(value, expected)?;
    // Basic authentication parts name and password at the first colon.
    if name.contains(|c: char| c == ':' || c.is_control()) {
        return Err(Refusal::new(expected));
    }
    Ok(name.to_owned())
}

fn password_hash(table: &Table<'_>, given: secret::Given) -> Read<Secret> {
    let key = given.key("password_hash", "password_hash_file");
    let hash = given.into_secret();
    if hash.expose().starts_with("$argon2") {
        return Ok(hash);
    }
    let refusal = Refusal::new("an argon2 hash, which begins with $argon2")
        .found("another text (not shown)")
        .remedy("make one with `dav115 hash-password`; in a Compose file write every $ of it as $$");
    Err(table.refuse(key, refusal))
}
