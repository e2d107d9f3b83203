//! `[[accounts]]`: the 115 accounts.

use std::path::PathBuf;

use super::describe::Page;
use super::parse::text;
use super::secret::{self, Given};
use super::table::{Read, Table};
use super::users::Names;
use crate::model::Secret;

/// A 115 account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The name mounts refer to it by.
    pub name: String,
    /// How it signs in.
    pub credential: Credential,
}

/// How an account signs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// By this cookie.
    Cookie(Secret),
    /// By the cookie in this file, which was readable when the configuration was loaded and may change.
    CookieFile(PathBuf),
}

impl Account {
    /// Reads all accounts.
    ///
    /// Also gives the name of each, even of those that cannot be read otherwise; `None` when a name is missing.
    pub(super) fn read_all(root: &mut Table<'_>) -> (Read<Vec<Self>>, Option<Names>) {
        let mut names = Names::default();
        match root.list("accounts", |table| Self::read(table, &mut names)) {
            Ok(accounts) => {
                let has_all = names.n_read() == accounts.len();
                (accounts.into_iter().collect(), has_all.then_some(names))
            }
            Err(reported) => (Err(reported), None),
        }
    }

    fn read(table: &mut Table<'_>, names: &mut Names) -> Read<Self> {
        let name = names.read(table, text);
        let credential = secret::required(table, "cookie", "cookie_file").map(|given| match given {
            Given::Inline(cookie) => Credential::Cookie(cookie),
            Given::File { path, .. } => Credential::CookieFile(path),
        });
        Ok(Self { name: name?, credential: credential? })
    }

    pub(super) fn describe(&self, page: &mut Page) {
        page.table("[[accounts]]");
        page.text("name", &self.name);
        match &self.credential {
            Credential::Cookie(_) => page.secret("cookie"),
            Credential::CookieFile(path) => page.text("cookie_file", path.display()),
        }
    }
}
