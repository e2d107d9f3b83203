//! Turns default < file < environment < flags into checked plain data.
//!
//! Two steps. [`Sources`] merges what was given into one tree of values, each of which knows its origin.
//! Then every section reads its table of that tree, and every problem met on the way is reported:
//! a start that fails says all that is wrong, and where.
//!
//! Knows the words of `model` and nothing else of this crate. The environment is read here only.

mod sources;
mod table;

mod describe;
mod error;
mod lines;
mod parse;
mod secret;

mod access;
mod accounts;
mod cache;
mod download;
mod limits;
mod mounts;
mod screen;
mod server;
mod shares;
mod upload;
mod upstream;
mod users;

#[cfg(test)]
mod tests;

pub use access::{Access, Anonymous, Mode};
pub use accounts::{Account, Credential};
pub use cache::Cache;
pub use download::{Download, Quota};
pub use error::{ConfigError, ConfigErrors};
pub use limits::Limits;
pub use mounts::{Mount, MountKind, download_policy_names, parse_download_policy};
pub use screen::Screen;
pub use server::{Log, LogFormat, Server, UnknownName};
pub use shares::NamedShare;
pub use sources::{Overrides, Sources};
pub use upload::Upload;
pub use upstream::{PublicKey, Upstream};
pub use users::User;

use describe::Page;
use parse::Refusal;
use table::{Read, Report, Table};

/// A checked configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Where and how to serve.
    pub server: Server,
    /// What to write to the log.
    pub log: Log,
    /// Who may sign in; their names differ. None means that nobody has to.
    pub users: Vec<User>,
    /// What may be read without a password; nothing if it is left out.
    pub anonymous: Option<Anonymous>,
    /// The 115 accounts; their names differ.
    pub accounts: Vec<Account>,
    /// What is shown where.
    pub mounts: Vec<Mount>,
    /// How much is remembered, and how long.
    pub cache: Cache,
    /// How gently 115 is treated.
    pub limits: Limits,
    /// How content reaches clients.
    pub download: Download,
    /// What clients are told of used and free space.
    pub quota: Quota,
    /// Where files wait on their way to 115.
    pub upload: Upload,
    /// What stands in the place of 115.
    pub upstream: Upstream,
}

impl Config {
    /// Merges and checks what `sources` gives. There is at least one mount.
    ///
    /// # Errors
    /// Everything that is wrong, unless a file or variable cannot be read at all: then only that.
    pub fn load(sources: &Sources) -> Result<Self, ConfigErrors> {
        Self::load_by(sources, Needs { mounts: true, cookie_files: true })
    }

    /// Like [`Config::load`], for the demo: there may be no mounts.
    ///
    /// # Errors
    /// Those of [`Config::load`].
    pub fn load_without_mounts(sources: &Sources) -> Result<Self, ConfigErrors> {
        Self::load_by(sources, Needs { mounts: false, cookie_files: true })
    }

    /// Like [`Config::load`], for signing in: there may be no mounts, and a `cookie_file` may be missing or empty.
    ///
    /// # Errors
    /// Those of [`Config::load`].
    pub fn load_to_sign_in(sources: &Sources) -> Result<Self, ConfigErrors> {
        Self::load_by(sources, Needs { mounts: false, cookie_files: false })
    }

    /// The configuration as commented TOML, with secrets masked.
    pub fn describe(&self) -> String {
        let mut page = Page::default();
        self.server.describe(&mut page);
        self.log.describe(&mut page);
        self.users.iter().for_each(|user| user.describe(&mut page));
        self.anonymous.iter().for_each(|anonymous| anonymous.describe(&mut page));
        self.accounts.iter().for_each(|account| account.describe(&mut page));
        self.mounts.iter().for_each(|mount| mount.describe(&mut page));
        self.cache.describe(&mut page);
        self.limits.describe(&mut page);
        self.download.describe(&mut page);
        self.quota.describe(&mut page);
        self.upload.describe(&mut page);
        self.upstream.describe(&mut page);
        page.finish()
    }

    fn load_by(sources: &Sources, needs: Needs) -> Result<Self, ConfigErrors> {
        let report = Report::new(sources.fallback_origin(), sources.file.clone());
        let config = Table::read_root(&report, sources.merge()?, |root| Self::read(root, needs));
        report.conclude(config)
    }

    fn read(root: &mut Table<'_>, needs: Needs) -> Read<Self> {
        let server = root.section("server", Server::read);
        let log = root.section("log", Log::read);
        let users = User::read_all(root);
        // Users that cannot be read have been reported, and need not be missed as well.
        let has_users = users.as_ref().map_or(true, |users| !users.is_empty());
        let anonymous = Anonymous::read(root, has_users);
        let (accounts, account_names) = Account::read_all(root, needs.cookie_files);
        let download = root.section("download", Download::read);
        // A proxy that cannot be read has been reported, and need not be missed as well.
        let has_proxy = download.as_ref().map_or(true, Download::has_proxy);
        let mounts = Mount::read_all(root, account_names.as_ref(), has_proxy);
        let mounts = match mounts {
            Ok(mounts) if mounts.is_empty() && needs.mounts => Err(root.refuse("mounts", no_mounts())),
            mounts => mounts,
        };
        // Only where all of these could be read; what could not has been reported.
        let within = match (&mounts, &users, &anonymous) {
            (Ok(mounts), Ok(users), Ok(anonymous)) if needs.mounts => {
                access::check_mounted(root, mounts, users, anonymous.as_ref())
            }
            _ => Ok(()),
        };
        let cache = root.section("cache", Cache::read);
        let limits = root.section("limits", Limits::read);
        let quota = root.section("quota", Quota::read);
        let upload = root.section("upload", Upload::read);
        let upstream = root.section("upstream", Upstream::read);
        within?;
        Ok(Self {
            server: server?,
            log: log?,
            users: users?,
            anonymous: anonymous?,
            accounts: accounts?,
            mounts: mounts?,
            cache: cache?,
            limits: limits?,
            download: download?,
            quota: quota?,
            upload: upload?,
            upstream: upstream?,
        })
    }
}

/// What must be there.
#[derive(Clone, Copy)]
struct Needs {
    /// At least one mount.
    mounts: bool,
    /// Every `cookie_file`.
    cookie_files: bool,
}

fn no_mounts() -> Refusal {
    Refusal::new("at least one [[mounts]] entry").remedy(
        "name a file with --config (./dav115.toml and /config/dav115.toml are looked for), start from \
             config/example.toml, or try the gateway without an account by `dav115 demo`",
    )
}
