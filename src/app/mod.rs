//! The composition root: the only module that names every layer.

mod accounts;
mod shares;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, bail};
use parking_lot::Mutex;
use tokio::net::TcpListener;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use accounts::Accounts;
pub use shares::Shares;

use crate::cache::DriveKey;
use crate::config::{self, Config, MountKind};
use crate::dav::{self, Dav, Locks, Properties};
use crate::drive::Drive;
use crate::model::{Health, Meter};
use crate::server::{self, DownloadProxy};
use crate::vfs::{self, Access, Mount, Rule, VPath, Vfs, View};

/// How often it is looked whether an empty file has waited long enough to be filled.
const SETTLE_INTERVAL: Duration = Duration::from_secs(10);
/// How long what clients were told is stored has to reach 115 when the gateway stops. It takes a moment, unless 115 is
/// out of reach; and whoever stops a service waits for minutes at most.
const LAST_WRITES: Duration = Duration::from_secs(20);

/// The gateway, put together from a configuration. Clones are the same gateway.
#[derive(Clone)]
pub struct App {
    server: Arc<server::Server>,
    tracker: TaskTracker,
    /// What a new configuration is compared with and takes over from.
    current: Arc<Mutex<Assembled>>,
}

/// What has been made of a configuration.
struct Assembled {
    config: Config,
    accounts: Accounts,
    shares: Shares,
    vfs: Arc<Vfs>,
    locks: Arc<Locks>,
    properties: Arc<Properties>,
    /// Ends the watch over the accounts, and over files that wait to be filled.
    stop_watch: CancellationToken,
}

impl App {
    /// Puts the gateway together. Nothing is opened or asked yet.
    ///
    /// **Errors**: what the configuration could not know to be wrong.
    pub fn build(config: &Config) -> anyhow::Result<Self> {
        let tracker = TaskTracker::new();
        let (assembled, state) = Assembled::new(config, None, &tracker)?;
        let server = Arc::new(server::Server::new(state));
        Ok(Self { server, tracker, current: Arc::new(Mutex::new(assembled)) })
    }

    /// Serves `listener` until `shutdown` is ready, requests in progress have had their time, and files that are only in the
    /// gateway have been made at 115.
    pub async fn run(self, listener: TcpListener, shutdown: impl Future<Output = ()>) {
        self.current.lock().start_watch(&self.tracker);
        server::run(listener, self.server, shutdown).await;
        self.current.lock().stop_watch.cancel();
        self.tracker.close();
        if tokio::time::timeout(LAST_WRITES, self.tracker.wait()).await.is_err() {
            tracing::error!(
                "stopping before all was done: uploads and empty files of the last minute may be missing at 115"
            );
        }
    }

    /// Goes on with another configuration: requests that come from now on are answered by it.
    ///
    /// No connection is closed, and requests in progress end as they began. Accounts that have not changed keep their pace,
    /// their session and what is remembered of their drives; one that is signed out is looked at once more. What only a new start can change stays as it was;
    /// the names of these keys are returned.
    ///
    /// **Errors**: those of [`App::build`]. Nothing has changed then.
    pub fn reload(&self, config: &Config) -> anyhow::Result<Vec<&'static str>> {
        let mut current = self.current.lock();
        let mut config = config.clone();
        let unchanged = keep_fixed(&current.config, &mut config);
        let (next, state) = Assembled::new(&config, Some(&current), &self.tracker)?;
        next.accounts.clients().for_each(|client| client.look_again());
        self.server.replace(state);
        current.stop_watch.cancel();
        *current = next;
        current.start_watch(&self.tracker);
        Ok(unchanged)
    }
}

/// Puts back into `next` what only a new start can change, and tells which keys that were.
fn keep_fixed(current: &Config, next: &mut Config) -> Vec<&'static str> {
    fn keep<T: PartialEq + Clone>(kept: &mut Vec<&'static str>, key: &'static str, old: &T, new: &mut T) {
        if old != new {
            new.clone_from(old);
            kept.push(key);
        }
    }
    let mut kept = Vec::new();
    let (old, new) = (&current.server, &mut next.server);
    keep(&mut kept, "server.listen", &old.listen, &mut new.listen);
    keep(&mut kept, "server.max_connections", &old.max_connections, &mut new.max_connections);
    let (was, is) = (&old.request_header_timeout, &mut new.request_header_timeout);
    keep(&mut kept, "server.request_header_timeout", was, is);
    keep(&mut kept, "server.shutdown_grace", &old.shutdown_grace, &mut new.shutdown_grace);
    keep(&mut kept, "server.properties_file", &old.properties_file, &mut new.properties_file);
    keep(&mut kept, "log", &current.log, &mut next.log);
    kept
}

impl Assembled {
    /// Makes everything of `config`, taking over from `before` what has not changed.
    fn new(
        config: &Config,
        before: Option<&Self>,
        tracker: &TaskTracker,
    ) -> anyhow::Result<(Self, server::State)> {
        let listen = config.server.listen;
        if config.users.is_empty() && !listen.ip().is_loopback() {
            bail!(
                "server.listen is {listen}, which others can reach, but there are no [[users]]: \
                 add one (dav115 hash-password makes its password_hash) or listen on 127.0.0.1"
            );
        }
        let accounts = Accounts::after(config, before.map(|before| (&before.config, &before.accounts)))?;
        let shares = Shares::after(config, &accounts, before.map(|before| (&before.config, &before.shares)))?;
        let (mounts, options) = (mounts(config, &accounts, &shares)?, vfs_options(config));
        let vfs = Arc::new(match before {
            Some(before) => before.vfs.with_mounts(mounts, &options, tracker),
            None => Vfs::new(mounts, &options, tracker, SystemTime::now()),
        });
        let locks = before.map(|before| Arc::clone(&before.locks)).unwrap_or_default();
        let properties = before.map(|before| Arc::clone(&before.properties));
        let properties = properties.unwrap_or_else(|| {
            let file = config.server.properties_file.clone();
            Arc::new(file.map(Properties::open).unwrap_or_default())
        });
        let prefix = config.server.prefix.trim_end_matches('/').to_owned();
        let dav_options = dav::Options { prefix: href_prefix(&prefix)?, report_quota: config.quota.report };
        let (watched, shown): (Vec<_>, _) = (accounts.clients().cloned().collect(), shares.all());
        let parts = server::Parts {
            dav: Dav::new(Arc::clone(&vfs), Arc::clone(&locks), Arc::clone(&properties), dav_options),
            vfs: Arc::clone(&vfs),
            health: Arc::new(move || Health {
                accounts: watched.iter().map(|client| client.health()).collect(),
                shares: shares::health(&shown),
            }),
            tracker: tracker.clone(),
        };
        let state = server::State::new(server_options(config, prefix)?, parts)?;
        let stop_watch = CancellationToken::new();
        Ok((Self { config: config.clone(), accounts, shares, vfs, locks, properties, stop_watch }, state))
    }

    fn start_watch(&self, tracker: &TaskTracker) {
        let clients = self.accounts.clients().cloned().collect();
        tracker.spawn(accounts::watch(clients, self.stop_watch.clone()));
        tracker.spawn(settle(Arc::clone(&self.vfs), self.stop_watch.clone()));
    }
}

/// Makes empty files at 115 that nobody has filled: now and then, and all of them before the end.
async fn settle(vfs: Arc<Vfs>, stop: CancellationToken) {
    let mut ticks = interval(SETTLE_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            _ = ticks.tick() => vfs.settle_all(&Meter::default(), false).await,
        }
    }
    vfs.settle_all(&Meter::default(), true).await;
}

/// The prefix as it stands in an `href`.
fn href_prefix(prefix: &str) -> anyhow::Result<String> {
    if prefix.is_empty() {
        return Ok(String::new());
    }
    let path = VPath::parse(prefix).with_context(|| format!("server.prefix {prefix:?}"))?;
    Ok(path.to_uri().to_string())
}

fn server_options(config: &Config, prefix: String) -> anyhow::Result<server::Options> {
    let download = &config.download;
    let proxy = download.proxy_url.as_ref().zip(download.proxy_token.as_ref());
    let user = |user: &config::User| -> anyhow::Result<server::User> {
        let view =
            view(&user.home, user.access.as_deref()).with_context(|| format!("the user {:?}", user.name))?;
        Ok(server::User { name: user.name.clone(), password_hash: user.password_hash.clone(), view })
    };
    let anonymous = config.anonymous.as_ref().map(|anonymous| view("/", Some(&anonymous.access)));
    Ok(server::Options {
        prefix,
        users: config.users.iter().map(user).collect::<Result<_, _>>()?,
        anonymous: anonymous.transpose().context("[anonymous]")?,
        trusted_proxies: config.server.trusted_proxies.clone(),
        download_proxy: proxy.map(|(url, token)| DownloadProxy {
            url: url.clone(),
            token: token.clone(),
            link_life: download.link_expiration,
        }),
        max_connections: u32::try_from(config.server.max_connections).unwrap_or(u32::MAX),
        header_timeout: config.server.request_header_timeout,
        grace: config.server.shutdown_grace,
    })
}

/// What someone with this home and these rules sees.
fn view(home: &str, rules: Option<&[config::Access]>) -> anyhow::Result<View> {
    let parse = |path: &str| VPath::parse(path).with_context(|| format!("the path {path:?}"));
    let rule = |rule: &config::Access| {
        let access = match rule.mode {
            config::Mode::Hide => Access::Hide,
            config::Mode::Read => Access::Read,
            config::Mode::Write => Access::Write,
        };
        anyhow::Ok(Rule { path: parse(&rule.path)?, access })
    };
    let rules = rules.map(|rules| rules.iter().map(rule).collect::<Result<Vec<_>, _>>()).transpose()?;
    Ok(View::new(parse(home)?, rules.as_deref()))
}

fn mounts(config: &Config, accounts: &Accounts, shares: &Shares) -> anyhow::Result<Vec<Mount>> {
    let mut drives: HashMap<&str, (DriveKey, Arc<dyn Drive>)> = HashMap::new();
    let mut mounts = Vec::with_capacity(config.mounts.len());
    for mount in &config.mounts {
        let name = mount.account.as_deref().unwrap_or_default();
        let unknown = || format!("the mount {} names the unknown account {name}", mount.path);
        let (drive_key, drive) = if mount.kind == MountKind::Cloud {
            // Mounts of an account share its drive.
            if !drives.contains_key(name) {
                let (key, drive) = accounts.drive(name).with_context(unknown)?;
                drives.insert(name, (key, Arc::new(drive)));
            }
            let (key, drive) = &drives[name];
            (*key, Arc::clone(drive))
        } else {
            shares.of(mount, accounts).with_context(unknown)?
        };
        mounts.push(Mount {
            path: VPath::parse(&mount.path).with_context(|| format!("the mount path {:?}", mount.path))?,
            drive,
            drive_key,
            root: mount.root,
            download: mount.download,
            read_only: mount.read_only,
            trash: mount.trash,
            junk: mount.junk,
            hash_only: mount.upload_hash_only,
        });
    }
    Ok(mounts)
}

fn vfs_options(config: &Config) -> vfs::Options {
    vfs::Options {
        listing_ttl: config.cache.listing_ttl,
        listing_entries: config.cache.listing_entries,
        links: config.cache.links,
        link_margin: config.cache.link_margin,
        quota_ttl: config.quota.ttl,
        unbound_links: config.download.unbound_links,
        spool_directory: config.upload.spool_dir.clone(),
        spool_limit: config.upload.spool_limit,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_escaped_for_hrefs() {
        for (prefix, expected) in
            [("", ""), ("/dav", "/dav"), ("/我的 盘/x", "/%E6%88%91%E7%9A%84%20%E7%9B%98/x")]
        {
            assert_eq!(href_prefix(prefix).unwrap(), expected);
        }
    }
}
