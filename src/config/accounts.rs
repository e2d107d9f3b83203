//! `[[accounts]]`: the 115 accounts.

use std::path::PathBuf;

use super::describe::Page;
use super::parse::{Refusal, choice, one_of, text};
use super::secret::{self, Absent, Given};
use super::table::{Read, Table};
use super::users::Names;
use crate::model::{CookieUse, Secret};

/// A 115 account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The name mounts refer to it by.
    pub name: String,
    /// How it signs in.
    pub credential: Credential,
    /// The account it is another cookie of, which exists and is not such a one itself.
    pub same_as: Option<String>,
    /// What the cookie is used for.
    pub purpose: CookieUse,
}

/// The name of each use.
const USES: [(&str, CookieUse); 3] =
    [("all", CookieUse::All), ("listing", CookieUse::Listing), ("download", CookieUse::Download)];

/// How an account signs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// By this cookie.
    Cookie(Secret),
    /// By the cookie in this file, which may change. It was readable when the configuration was loaded, unless that was to sign in.
    CookieFile(PathBuf),
}

impl Account {
    /// Reads all accounts.
    ///
    /// With `needs_files`, every `cookie_file` must hold something. Also gives the name of each, even of those that cannot be read otherwise; `None` when a name is missing.
    pub(super) fn read_all(root: &mut Table<'_>, needs_files: bool) -> (Read<Vec<Self>>, Option<Names>) {
        let mut names = Names::default();
        let mut mains = Names::default();
        match root.list("accounts", |table| Self::read(table, needs_files, &mut names, &mut mains)) {
            Ok(accounts) => {
                let has_all = names.n_read() == accounts.len();
                let accounts: Read<Vec<Self>> = accounts.into_iter().collect();
                (accounts.and_then(|accounts| covered(root, accounts)), has_all.then_some(mains))
            }
            Err(reported) => (Err(reported), None),
        }
    }

    fn read(table: &mut Table<'_>, needs_files: bool, names: &mut Names, mains: &mut Names) -> Read<Self> {
        let name = names.read(table, text);
        let same_as = same_as(table, mains);
        if let (Ok(name), Ok(None)) = (&name, &same_as) {
            mains.add(table, name);
        }
        let purpose = table.optional("use", choice(USES)).map(Option::unwrap_or_default);
        let credential = credential(table, needs_files, name.as_deref().unwrap_or("NAME"));
        Ok(Self { name: name?, credential: credential?, same_as: same_as?, purpose: purpose? })
    }

    /// The name of the account whose files it shows: its own, or that of the account it is another cookie of.
    pub fn main(&self) -> &str {
        self.same_as.as_deref().unwrap_or(&self.name)
    }

    pub(super) fn describe(&self, page: &mut Page) {
        page.table("[[accounts]]");
        page.text("name", &self.name);
        match &self.credential {
            Credential::Cookie(_) => page.secret("cookie"),
            Credential::CookieFile(path) => page.text("cookie_file", path.display()),
        }
        if let Some(main) = &self.same_as {
            page.text("same_as", main);
        }
        if let Some((name, _)) = USES.iter().find(|(_, purpose)| *purpose == self.purpose) {
            page.text("use", name);
        }
    }
}

fn credential(table: &mut Table<'_>, needs_files: bool, name: &str) -> Read<Credential> {
    let remedy = format!("make it with `dav115 login --account {name}`, or correct its path");
    let absent = if needs_files { Absent::Refused { remedy: Some(&remedy) } } else { Absent::Fine };
    let given = secret::required_unless(table, "cookie", "cookie_file", absent)?;
    Ok(match given {
        Given::Inline(cookie) => Credential::Cookie(cookie),
        Given::File { path, .. } => Credential::CookieFile(path),
    })
}

/// Makes sure that no account lacks a cookie for anything.
fn covered(root: &Table<'_>, accounts: Vec<Account>) -> Read<Vec<Account>> {
    for (other, lacking) in [(CookieUse::Listing, "download"), (CookieUse::Download, "listing")] {
        let does = |main: &str| accounts.iter().any(|of| of.main() == main && of.purpose != other);
        if let Some(without) = accounts.iter().map(Account::main).find(|main| !does(main)) {
            let refusal = Refusal::new(format!("a cookie of the account {without:?} for {lacking}"))
                .found("none")
                .remedy(format!("set use = \"all\" or \"{lacking}\" for one of its cookies"));
            return Err(root.refuse("accounts", refusal));
        }
    }
    Ok(accounts)
}

/// The account this is another cookie of. It stands further up.
fn same_as(table: &mut Table<'_>, mains: &Names) -> Read<Option<String>> {
    let Some(main) = table.optional("same_as", text)? else { return Ok(None) };
    let known = mains.all();
    if known.contains(&main.as_str()) {
        return Ok(Some(main));
    }
    let expected = match &*known {
        [] => "no same_as, since no account stands further up".to_owned(),
        known => format!("the name of an account further up that has no same_as itself, {}", one_of(known)),
    };
    Err(table.refuse("same_as", Refusal::new(expected).found(format!("{main:?}"))))
}
