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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Sources;

    /// The place of the account `main`, whose file holds `before`, in a configuration with more accounts.
    fn place(before: Option<&str>, more: &str) -> anyhow::Result<Place> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("dav115.toml");
        fs::write(&file, format!("[[accounts]]\nname = \"main\"\ncookie_file = \"c\"\n{more}")).unwrap();
        if let Some(before) = before {
            fs::write(folder.path().join("c"), before).unwrap();
        }
        let sources = Sources { file: Some(file.clone()), ..Sources::default() };
        Place::of_account("main", &Config::load_to_sign_in(&sources).unwrap(), Some(&file))
    }

    fn cookie(user: u32, slot: &str) -> String {
        format!("UID={user}_{slot}_1; CID=c; SEID=s")
    }

    fn account(name: &str, cookie: &str, more: &str) -> String {
        format!("[[accounts]]\nname = \"{name}\"\ncookie = \"{cookie}\"\n{more}\n")
    }

    #[test]
    fn the_user_is_known_from_the_other_cookies_of_the_account_else_from_the_one_before() {
        let user = |before: Option<&str>, more: &str| {
            place(before, more).unwrap().user().map(|(user, _)| user.to_owned())
        };
        let old = cookie(1, "R2");
        let of_another = account("other", &cookie(3, "R2"), "");
        let of_the_same = account("tv", &cookie(2, "I1"), "same_as = \"main\"");
        assert_eq!(user(None, &of_another), None);
        assert_eq!(user(Some(&old), &of_another).as_deref(), Some("1"));
        assert_eq!(user(Some(&old), &format!("{of_another}{of_the_same}")).as_deref(), Some("2"));
        assert_eq!(user(Some("UID=1_R2_1; SEID=s"), ""), None, "a part of a cookie may be replaced");
    }

    #[test]
    fn cookies_end_that_are_of_the_same_user_and_slot() {
        let more = [
            account("same", &cookie(1, "R2"), ""),
            account("other slot", &cookie(1, "I1"), ""),
            account("other user", &cookie(2, "R2"), ""),
        ];
        let place = place(Some(&cookie(1, "R2")), &more.concat()).unwrap();
        let ended = place.ended_by(LoginApp::AlipayMini, "1");
        assert!(ended.len() == 2 && ended[0].ends_with("/c") && ended[1].contains("\"same\""), "{ended:?}");
        assert_eq!(place.ended_by(LoginApp::Tv, "1"), ["that of the account \"other slot\""]);
        assert_eq!(place.ended_by(LoginApp::Web, "1"), [""; 0]);
        assert_eq!(
            (place.other_slot(LoginApp::AlipayMini), place.other_slot(LoginApp::Web)),
            (None, Some("R2"))
        );
    }

    #[test]
    fn a_file_of_something_else_is_not_lost() {
        for content in ["[server]\nlisten = \"x\"", "\u{0}\u{1}", "no cookie"] {
            let error = place(Some(content), "").err().unwrap().to_string();
            assert!(error.contains("something else than a cookie"), "{error}");
        }
        assert!(place(Some(" \n"), "").is_ok());
    }
}
