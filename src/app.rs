//! The composition root: the only file that names every layer.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, bail};
use tokio::net::TcpListener;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::cache::DriveKey;
use crate::config::{self, Config};
use crate::crypto::m115::PublicKey;
use crate::dav::{self, Dav};
use crate::drive::{CloudDrive, Drive};
use crate::model::Meter;
use crate::pan115::{self, Client, Cookie, Endpoints};
use crate::server::{self, DownloadProxy};
use crate::transport::{Http, Route, Timeouts};
use crate::vfs::{self, Access, Mount, Rule, VPath, Vfs, View};

/// How often an account that is not known to be signed in is looked at.
const WATCH_INTERVAL: Duration = Duration::from_secs(60);

/// The gateway, put together from a configuration. Nothing has been opened or asked yet.
pub struct App {
    server: server::State,
    accounts: Accounts,
    tracker: TaskTracker,
}

/// The clients of all accounts.
pub struct Accounts {
    clients: Vec<Arc<Client>>,
}

impl Accounts {
    /// One client for each account of `config`.
    pub fn new(config: &Config) -> anyhow::Result<Self> {
        let limits = &config.limits;
        let timeouts = Timeouts {
            connect: limits.connect_timeout,
            attempt: limits.attempt_timeout,
            read: limits.read_timeout,
        };
        let route = config.upstream.base_url.as_deref().map_or(Route::System, Route::to);
        let http = Http::new(&timeouts, route).map_err(|error| anyhow::anyhow!("{error}: {}", error.detail));
        let http = http.context("cannot set up TLS; is a certificate store (ca-certificates) installed?")?;
        let public_key = match &config.upstream.m115_public_key {
            Some(key) => PublicKey::from_hex(&key.modulus_hex, key.exponent)
                .context("upstream.m115_public_key: expected a modulus of at least 512 bits")?,
            None => PublicKey::official(),
        };
        let client = |account: &config::Account| -> anyhow::Result<Arc<Client>> {
            let credential = match &account.credential {
                config::Credential::Cookie(cookie) => {
                    // A file can be corrected while the gateway runs, this cannot.
                    Cookie::parse(cookie.expose())
                        .with_context(|| format!("the cookie of the account {:?}", account.name))?;
                    pan115::Credential::Cookie(cookie.clone())
                }
                config::Credential::CookieFile(path) => pan115::Credential::CookieFile(path.clone()),
            };
            let options = pan115::Options {
                requests_per_second: limits.requests_per_second,
                burst: limits.burst,
                deadline: limits.deadline,
                retries: limits.retries,
                block_pause: limits.block_pause,
                open_bodies: limits.open_bodies,
                open_wait: limits.open_wait,
                user_agent: config.download.user_agent.clone(),
            };
            let endpoints = Endpoints::new(config.upstream.base_url.as_deref());
            Ok(Arc::new(Client::new(
                &account.name,
                http.clone(),
                endpoints,
                public_key.clone(),
                credential,
                options,
            )))
        };
        Ok(Self { clients: config.accounts.iter().map(client).collect::<Result<_, _>>()? })
    }

    /// The clients, in the order of the configuration.
    pub fn clients(&self) -> &[Arc<Client>] {
        &self.clients
    }

    /// Asks 115 about every account that is not known to be signed in: at the start, and then now and then.
    ///
    /// So the log and `/readyz` tell of a dead cookie before a client meets it, and of a recovery without one.
    /// An account that is signed out costs no call until its cookie changes; a blocked one, none until the block is over,
    /// and none at all if it was signed in before, since a block says nothing of the cookie.
    async fn watch(clients: Vec<Arc<Client>>, stop: CancellationToken) {
        let mut ticks = interval(WATCH_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => {}
            }
            for client in &clients {
                if client.is_signed_in() {
                    continue;
                }
                let meter = Meter::default();
                tokio::select! {
                    () = stop.cancelled() => return,
                    outcome = client.space(&meter) => match outcome {
                        Ok(_) => tracing::info!(account = %client.name(), "signed in at 115"),
                        Err(error) => tracing::debug!(account = %client.name(), "not signed in: {error}"),
                    },
                }
            }
        }
    }
}

impl App {
    /// Puts the gateway together.
    ///
    /// **Errors**: what the configuration could not know to be wrong.
    pub fn build(config: &Config) -> anyhow::Result<Self> {
        let listen = config.server.listen;
        if config.users.is_empty() && !listen.ip().is_loopback() {
            bail!(
                "server.listen is {listen}, which others can reach, but there are no [[users]]: \
                 add one (dav115 hash-password makes its password_hash) or listen on 127.0.0.1"
            );
        }
        let tracker = TaskTracker::new();
        let accounts = Accounts::new(config)?;
        let vfs = Arc::new(tree(config, &accounts, &tracker)?);
        let prefix = config.server.prefix.trim_end_matches('/').to_owned();
        let dav_options = dav::Options { prefix: href_prefix(&prefix)?, report_quota: config.quota.report };
        let watched = accounts.clients.clone();
        let parts = server::Parts {
            dav: Dav::new(Arc::clone(&vfs), dav_options),
            vfs,
            health: Arc::new(move || watched.iter().map(|client| client.health()).collect()),
            tracker: tracker.clone(),
        };
        let server = server::State::new(server_options(config, prefix)?, parts)?;
        Ok(Self { server, accounts, tracker })
    }

    /// Serves `listener` until `shutdown` is ready and requests in progress have had their time.
    pub async fn run(self, listener: TcpListener, shutdown: impl Future<Output = ()>) {
        let stop = CancellationToken::new();
        self.tracker.spawn(Accounts::watch(self.accounts.clients, stop.clone()));
        server::run(listener, self.server, shutdown).await;
        stop.cancel();
        self.tracker.close();
    }
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

fn tree(config: &Config, accounts: &Accounts, tracker: &TaskTracker) -> anyhow::Result<Vfs> {
    let mut drives: HashMap<&str, (DriveKey, Arc<dyn Drive>)> = HashMap::new();
    for (key, (account, client)) in (0..).zip(config.accounts.iter().zip(&accounts.clients)) {
        let drive = Arc::new(CloudDrive::new(Arc::clone(client)));
        drives.insert(&account.name, (DriveKey(key), drive));
    }
    let mut mounts = Vec::with_capacity(config.mounts.len());
    for mount in &config.mounts {
        let (drive_key, drive) = drives.get(mount.account.as_str()).with_context(|| {
            format!("the mount {} names the unknown account {}", mount.path, mount.account)
        })?;
        mounts.push(Mount {
            path: VPath::parse(&mount.path).with_context(|| format!("the mount path {:?}", mount.path))?,
            drive: Arc::clone(drive),
            drive_key: *drive_key,
            root: mount.root,
            download: mount.download,
        });
    }
    let options = vfs::Options {
        listing_ttl: config.cache.listing_ttl,
        listing_entries: config.cache.listing_entries,
        links: config.cache.links,
        link_margin: config.cache.link_margin,
        quota_ttl: config.quota.ttl,
        unbound_links: config.download.unbound_links,
    };
    Ok(Vfs::new(mounts, &options, tracker, SystemTime::now()))
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
