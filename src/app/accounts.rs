//! One client for each account.
//!
//! Knows what of the configuration a client is made of, and so when one may go on after that changed.
//! Called by the rest of `app` and, to look at accounts, by `commands`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::cache::DriveKey;
use crate::config::{self, Config};
use crate::crypto::ec115::{Agreement, ServerKey};
use crate::crypto::m115::PublicKey;
use crate::drive::CloudDrive;
use crate::model::{CookieUse, Meter};
use crate::pan115::{self, Client, Cookie, Endpoints};
use crate::transport::{Http, Route, Timeouts};

/// How often an account that is not known to be signed in is looked at.
const WATCH_INTERVAL: Duration = Duration::from_secs(60);

/// The clients of all accounts, in the order of the configuration.
pub struct Accounts {
    all: Vec<Account>,
}

/// A client, and what it was made of.
#[derive(Clone)]
struct Account {
    client: Arc<Client>,
    /// What is remembered of its drive is kept under this.
    key: DriveKey,
    made_of: config::Account,
}

impl Accounts {
    /// One client for each account of `config`.
    pub fn new(config: &Config) -> anyhow::Result<Self> {
        Self::after(config, None)
    }

    /// Those of `config`, which follows another. An account that has not changed keeps its client,
    /// and with it its pace, its session, and what is remembered of its drive.
    pub(super) fn after(config: &Config, before: Option<(&Config, &Self)>) -> anyhow::Result<Self> {
        let before = before.filter(|(before, _)| treatment(before) == treatment(config));
        let mut http = None;
        let mut make = |account: &config::Account| -> anyhow::Result<Account> {
            let mut kept = before.iter().flat_map(|(_, accounts)| &accounts.all);
            if let Some(kept) = kept.find(|kept| kept.made_of == *account) {
                return Ok(kept.clone());
            }
            let http = match &http {
                Some(http) => Http::clone(http),
                None => http.insert(connect(config)?).clone(),
            };
            let client = Arc::new(client(config, account, http)?);
            Ok(Account { client, key: next_key(), made_of: account.clone() })
        };
        Ok(Self { all: config.accounts.iter().map(&mut make).collect::<Result<_, _>>()? })
    }

    /// The clients, in the order of the configuration.
    pub fn clients(&self) -> impl Iterator<Item = &Arc<Client>> {
        self.all.iter().map(|account| &account.client)
    }

    /// The client of the account called `name`.
    pub fn client(&self, name: &str) -> Option<&Arc<Client>> {
        self.find(name).map(|account| &account.client)
    }

    fn find(&self, name: &str) -> Option<&Account> {
        self.all.iter().find(|account| account.made_of.name == name)
    }

    /// The account called `name`, and the others that are further cookies of it.
    fn cookies_of(&self, name: &str) -> impl Iterator<Item = &Account> {
        self.all.iter().filter(move |account| account.made_of.main() == name)
    }

    /// A client of the account called `name` that gets links, and a key that no other client has had.
    pub(super) fn of(&self, name: &str) -> Option<(&Arc<Client>, DriveKey)> {
        let main = self.find(name)?;
        let getter = self.cookies_of(name).find(|account| account.made_of.purpose != CookieUse::Listing);
        let getter = getter.unwrap_or(main);
        Some((&getter.client, getter.key))
    }

    /// The keys of all cookies of the account called `name`.
    pub(super) fn keys(&self, name: &str) -> Vec<DriveKey> {
        self.cookies_of(name).map(|account| account.key).collect()
    }

    /// The drive of the account called `name`, with all its cookies, and what it is remembered under.
    pub(super) fn drive(&self, name: &str) -> Option<(DriveKey, CloudDrive)> {
        let main = self.find(name)?;
        let cookies = self.cookies_of(name);
        let clients: Vec<_> = cookies.map(|of| (Arc::clone(&of.client), of.made_of.purpose)).collect();
        Some((main.key, CloudDrive::new(Arc::clone(&main.client), &clients)))
    }
}

/// What of a configuration all clients are made of.
pub(super) fn treatment(config: &Config) -> (&config::Limits, &config::Upstream, &str) {
    (&config.limits, &config.upstream, &config.download.user_agent)
}

/// Another key with each call, so that what is remembered of an account that is gone is never taken for that of another.
pub(super) fn next_key() -> DriveKey {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    DriveKey(NEXT.fetch_add(1, Ordering::Relaxed))
}

pub(super) fn connect(config: &Config) -> anyhow::Result<Http> {
    let limits = &config.limits;
    let timeouts = Timeouts {
        connect: limits.connect_timeout,
        attempt: limits.attempt_timeout,
        read: limits.read_timeout,
    };
    connect_within(config, &timeouts)
}

/// HTTP clients that wait as long as `timeouts` says.
pub(super) fn connect_within(config: &Config, timeouts: &Timeouts) -> anyhow::Result<Http> {
    let route = config.upstream.base_url.as_deref().map_or(Route::System, Route::to);
    let http = Http::new(timeouts, route).map_err(|error| anyhow::anyhow!("{error}: {}", error.detail));
    http.context("cannot set up TLS; is a certificate store (ca-certificates) installed?")
}

pub(super) fn client(config: &Config, account: &config::Account, http: Http) -> anyhow::Result<Client> {
    let credential = match &account.credential {
        config::Credential::Cookie(cookie) => {
            // A file can be corrected while the gateway runs, this cannot.
            Cookie::parse(cookie.expose())
                .with_context(|| format!("the cookie of the account {:?}", account.name))?;
            pan115::Credential::Cookie(cookie.clone())
        }
        config::Credential::CookieFile(path) => pan115::Credential::CookieFile(path.clone()),
    };
    let endpoints = Endpoints::new(config.upstream.base_url.as_deref());
    let client =
        Client::new(&account.name, http, endpoints, public_key(config)?, credential, options(config));
    let client = client.with_agreement(agreement(config)?);
    Ok(match &config.upstream.client_version {
        Some(version) => client.with_version(version),
        None => client,
    })
}

/// The client that makes the calls which need no account.
pub(super) fn visitor(config: &Config, http: Http) -> anyhow::Result<Client> {
    let endpoints = Endpoints::new(config.upstream.base_url.as_deref());
    Ok(Client::visitor(http, endpoints, public_key(config)?, options(config)))
}

fn public_key(config: &Config) -> anyhow::Result<PublicKey> {
    match &config.upstream.m115_public_key {
        Some(key) => PublicKey::from_hex(&key.modulus_hex, key.exponent)
            .context("upstream.m115_public_key: expected a modulus of at least 512 bits"),
        None => Ok(PublicKey::official()),
    }
}

/// Each client has a key pair of its own: one that everybody uses would tell 115 what is calling,
/// and would hold with no other key than 115's.
fn agreement(config: &Config) -> anyhow::Result<Agreement> {
    match &config.upstream.ec_public_key {
        Some(digits) => ServerKey::from_hex(digits)
            .map(|server| Agreement::with(&server))
            .context("upstream.ec_public_key: expected a point of the curve P-224, found digits of none"),
        None => Ok(Agreement::with_official()),
    }
}

fn options(config: &Config) -> pan115::Options {
    let limits = &config.limits;
    pan115::Options {
        requests_per_second: limits.requests_per_second,
        burst: limits.burst,
        deadline: limits.deadline,
        retries: limits.retries,
        block_pause: limits.block_pause,
        open_bodies: limits.open_bodies,
        open_wait: limits.open_wait,
        user_agent: config.download.user_agent.clone(),
    }
}

/// Asks 115 about every account that is not known to be signed in: at the start, and then now and then.
///
/// So the log and `/readyz` tell of a dead cookie before a client meets it, and of a recovery without one.
/// An account that is signed out costs no call until its cookie changes; a blocked one, none until the block is over,
/// and none at all if it was signed in before, since a block says nothing of the cookie.
pub(super) async fn watch(clients: Vec<Arc<Client>>, stop: CancellationToken) {
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
