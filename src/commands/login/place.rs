//! Where a new cookie goes, and what is known of the cookies that are there already.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use crate::config::{Account, Config, Credential};
use crate::model::LoginApp;
use crate::pan115::Cookie;

/// No cookie is longer; what is, need not be read to its end.
const MOST_BYTES: u64 = 64 << 10;

/// Where a cookie goes.
pub(super) struct Place {
    /// The file.
    pub(super) path: PathBuf,
    /// The account whose `cookie_file` it is.
    pub(super) account: Option<String>,
    /// What it holds now.
    before: Option<Cookie>,
    /// Those of the other accounts that can be read.
    others: Vec<Other>,
}

/// The cookie of another account.
struct Other {
    account: String,
    cookie: Cookie,
    /// Whether both are cookies of one account, and so must be of one user.
    is_same: bool,
}

impl Place {
    /// The `cookie_file` of the account called `name`; `file` is where the configuration comes from.
    ///
    /// **Errors**: there is no such account or file, or what is there is no cookie.
    pub(super) fn of_account(name: &str, config: &Config, file: Option<&Path>) -> anyhow::Result<Self> {
        let Some(account) = config.accounts.iter().find(|account| account.name == name) else {
            bail!("{}", no_account(name, &config.accounts, file));
        };
        let Credential::CookieFile(path) = &account.credential else {
            bail!(
                "the account {name:?} has its cookie in the configuration itself, which is not written to: put \
                 cookie_file = \"cookie.txt\" in the place of its cookie, and run this again"
            );
        };
        let others = config.accounts.iter().filter(|other| other.name != name);
        let others = others.filter_map(|other| {
            let cookie = cookie_of(other)?;
            Some(Other { account: other.name.clone(), cookie, is_same: other.main() == account.main() })
        });
        Ok(Self {
            path: path.clone(),
            account: Some(name.to_owned()),
            before: before(path)?,
            others: others.collect(),
        })
    }

    /// A file that belongs to no account (yet).
    ///
    /// **Errors**: what is there is no cookie.
    pub(super) fn of_file(path: &Path) -> anyhow::Result<Self> {
        Ok(Self { path: path.to_owned(), account: None, before: before(path)?, others: Vec::new() })
    }

    /// The user it should be, and where that is known from.
    pub(super) fn user(&self) -> Option<(&str, String)> {
        match self.others.iter().find(|other| other.is_same) {
            Some(other) => Some((
                other.cookie.user(),
                format!("the cookie of {:?}, which is of the same account,", other.account),
            )),
            None => self.before.as_ref().map(|before| (before.user(), "the cookie it replaces".to_owned())),
        }
    }

    /// Which cookies known here end when `user` signs in as `app`.
    pub(super) fn ended_by(&self, app: LoginApp, user: &str) -> Vec<String> {
        let ends = |cookie: &Cookie| cookie.app() == app.slot() && cookie.user() == user;
        let before = self.before.iter().filter(|before| ends(before));
        let others = self.others.iter().filter(|other| ends(&other.cookie));
        before
            .map(|_| format!("the one now in {}", self.path.display()))
            .chain(others.map(|other| format!("that of the account {:?}", other.account)))
            .collect()
    }

    /// The app slot of the cookie it holds now, if that is another one than that of `app`.
    pub(super) fn other_slot(&self, app: LoginApp) -> Option<&str> {
        self.before.as_ref().map(Cookie::app).filter(|slot| *slot != app.slot())
    }
}

fn no_account(name: &str, accounts: &[Account], file: Option<&Path>) -> String {
    let without = "sign in without one by --output cookie.txt";
    match (file, accounts) {
        (None, []) => format!(
            "there is no configuration, and so no account {name:?}: name its file with --config (./dav115.toml and \
             /config/dav115.toml are looked for), or {without}"
        ),
        (Some(file), []) => format!(
            "{} has no account {name:?}: add an [[accounts]] entry with name = {name:?} and cookie_file = \
             \"cookie.txt\", or {without}",
            file.display()
        ),
        (_, accounts) => {
            let names: Vec<_> = accounts.iter().map(|account| format!("{:?}", account.name)).collect();
            let place = file.map_or("the environment".to_owned(), |file| file.display().to_string());
            format!("there is no account {name:?} in {place}; those there are {}", names.join(", "))
        }
    }
}

fn cookie_of(account: &Account) -> Option<Cookie> {
    match &account.credential {
        Credential::Cookie(cookie) => Cookie::parse(cookie.expose()).ok(),
        Credential::CookieFile(path) => Cookie::parse(&fs::read_to_string(path).ok()?).ok(),
    }
}

/// The cookie in a file; none if it is missing or empty, or holds a part of a cookie only.
fn before(path: &Path) -> anyhow::Result<Option<Cookie>> {
    let content = File::open(path).and_then(|file| {
        let mut content = Vec::new();
        file.take(MOST_BYTES).read_to_end(&mut content).map(|_| content)
    });
    let text = match content {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    let cookie = Cookie::parse(&text).ok();
    let looks_like_one =
        ["uid=", "cid=", "seid="].iter().any(|name| text.to_ascii_lowercase().contains(name));
    if cookie.is_none() && !looks_like_one && !text.trim().is_empty() {
        bail!(
            "{} holds something else than a cookie, which would be lost: name another file, or move that one away",
            path.display()
        );
    }
    Ok(cookie)
}
