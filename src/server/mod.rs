//! Everything that knows axum and HTTP: connections, authentication, downloads, statuses.
//!
//! Knows nothing of 115 beyond what `vfs` says.
//! Called by the composition root, which hands in plain data ([`Options`]), the parts below ([`Parts`]),
//! a listener and the sign to stop.

mod auth;
mod client;
mod conditional;
mod download;
mod forwarded;
mod health;
mod index;
mod link_api;
mod multipart;
mod proxy;
mod proxy_url;
mod range;
mod request_log;
mod router;
mod serve;
mod status;
mod target;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use ipnet::IpNet;
use tokio_util::task::TaskTracker;

pub use auth::{PasswordError, User, hash_password};
pub use health::HealthReport;
pub use proxy_url::DownloadProxy;
pub use serve::{Server, run};

use crate::dav::Dav;
use crate::vfs::{BadPath, Vfs, View};
use auth::{Authenticator, Throttle};
use target::Prefix;

/// What the owner of the gateway can set.
#[derive(Clone, Debug)]
pub struct Options {
    /// Path in front of all others, such as `/dav`; empty or `/` for none. The health checks stay at the top.
    pub prefix: String,
    /// Who may come in. Without users everyone may; the composition root listens on loopback alone then.
    pub users: Vec<User>,
    /// What those see who show no password, if there are users.
    pub anonymous: Option<View>,
    /// Reverse proxies that are believed when they say whom a request is from.
    pub trusted_proxies: Vec<IpNet>,
    /// The download proxy that mounts of that policy send clients to, and that may ask for links.
    pub download_proxy: Option<DownloadProxy>,
    /// Connections held at a time; further ones wait in the backlog of the system.
    pub max_connections: u32,
    /// How long a connection may take to send the head of a request, the wait between two requests included.
    pub header_timeout: Duration,
    /// How long requests in progress may go on after the sign to stop.
    pub grace: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            prefix: String::new(),
            users: Vec::new(),
            anonymous: None,
            trusted_proxies: Vec::new(),
            download_proxy: None,
            max_connections: 1024,
            header_timeout: Duration::from_secs(60),
            // Docker kills after 10 seconds.
            grace: Duration::from_secs(10),
        }
    }
}

/// What the server stands on.
pub struct Parts {
    /// The tree, for downloads and the index.
    pub vfs: Arc<Vfs>,
    /// WebDAV over the same tree.
    pub dav: Dav,
    /// How the accounts are doing.
    pub health: HealthReport,
    /// Connections run on it, so that the program can wait for them.
    pub tracker: TaskTracker,
}

/// Everything an answer is made with.
pub struct State {
    parts: Parts,
    auth: Option<Arc<Authenticator>>,
    prefix: Prefix,
    trusted_proxies: Vec<IpNet>,
    download_proxy: Option<DownloadProxy>,
    /// Of its own, so that wrong tokens do not keep out those who come from the same address with a password.
    link_throttle: Throttle,
    limits: serve::Limits,
    started: SystemTime,
}

/// Why [`Options`] were not accepted.
#[derive(Debug, thiserror::Error)]
pub enum BadOptions {
    /// The prefix is no path.
    #[error("the prefix {prefix:?} cannot be used: {source}")]
    Prefix {
        /// The text.
        prefix: String,
        /// Why not.
        source: BadPath,
    },
    /// The password hash of a user cannot be used.
    #[error("the password hash of the user {name:?} cannot be used: {source}")]
    User {
        /// Whose.
        name: String,
        /// Why not.
        source: PasswordError,
    },
}

impl State {
    /// Checks `options` and puts everything together. Opens nothing.
    pub fn new(options: Options, parts: Parts) -> Result<Self, BadOptions> {
        let prefix = Prefix::new(&options.prefix)
            .map_err(|source| BadOptions::Prefix { prefix: options.prefix.clone(), source })?;
        let auth = if options.users.is_empty() {
            None
        } else {
            Some(Arc::new(Authenticator::new(options.users, options.anonymous, parts.tracker.clone())?))
        };
        Ok(Self {
            parts,
            auth,
            prefix,
            trusted_proxies: options.trusted_proxies,
            download_proxy: options.download_proxy,
            link_throttle: Throttle::default(),
            limits: serve::Limits {
                max_connections: options.max_connections,
                header_timeout: options.header_timeout,
                grace: options.grace,
            },
            started: SystemTime::now(),
        })
    }
}
