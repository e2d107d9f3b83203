//! The 115 client, in 115's words.
//!
//! Knows hosts, cookies, codes and wire forms. Does not know paths, mounts or WebDAV.
//! Called by `drive`, and by `app` to make clients and to sign in.

mod api;
mod call;
mod cookie;
mod endpoints;
mod envelope;
mod error;
mod fetch;
mod history;
mod listing;
mod manner;
pub mod pick;
mod session;
mod share;
mod storage;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{MutexGuard, Semaphore};
use tokio::time::timeout;

pub use api::download::read_link;
pub use api::info::{Found, Wanted};
pub use api::list::read_page;
pub use api::login::{Login, QrCode, QrState, qr_uid};
pub use api::share::snap::ShareInfo;
pub use api::share::{Receipt, ShareWay};
pub use api::space::Space;
pub use api::upload::Announcement;
pub use cookie::{Cookie, CookieError};
pub use endpoints::{Endpoints, Host};
pub use error::{ErrorKind, Pan115Error};
pub use fetch::Fetched;
pub use session::Credential;
pub use storage::{Finished, Part};

use crate::crypto::ec115::Agreement;
use crate::crypto::m115::PublicKey;
use crate::model::{AccountHealth, SessionState};
use crate::transport::{Cause, Gate, Http, Pacer};
use api::upload::Uploader;
use fetch::LinkSlots;
use session::Session;
use storage::Storage;

/// How an account is to be treated.
#[derive(Clone, Debug)]
pub struct Options {
    /// Calls per second and host.
    pub requests_per_second: f64,
    /// Calls that may come at once after a rest.
    pub burst: u32,
    /// For one call with all its attempts and waits.
    pub deadline: Duration,
    /// Attempts after the first.
    pub retries: u32,
    /// How long to keep away after a firewall page.
    pub block_pause: Duration,
    /// Bodies open at once.
    pub open_bodies: usize,
    /// How long to wait for one of them to end.
    pub open_wait: Duration,
    /// The `User-Agent` of API calls.
    pub user_agent: String,
}

/// One account.
pub struct Client {
    name: String,
    http: Http,
    endpoints: Endpoints,
    public_key: PublicKey,
    session: Session,
    lanes: [Lane; 6],
    /// What goes around announcements of uploads.
    agreement: Agreement,
    uploader: Uploader,
    storage: Storage,
    /// Held by whoever changes folders: 115 does one such thing at a time.
    turn: tokio::sync::Mutex<()>,
    bodies: Arc<Semaphore>,
    link_slots: LinkSlots,
    options: Options,
}

/// Pace and breaker of one host.
struct Lane {
    pacer: Pacer,
    gate: Gate,
}

impl Client {
    /// A client of the account called `name`. Makes no call.
    pub fn new(
        name: &str,
        http: Http,
        endpoints: Endpoints,
        public_key: PublicKey,
        credential: Credential,
        options: Options,
    ) -> Self {
        let lane =
            |_| Lane { pacer: Pacer::new(options.requests_per_second, options.burst), gate: Gate::default() };
        Self {
            name: name.to_owned(),
            http,
            endpoints,
            public_key,
            session: Session::new(name, credential),
            lanes: Host::ALL.map(lane),
            agreement: Agreement::with_official(),
            uploader: Uploader::default(),
            storage: Storage::default(),
            turn: tokio::sync::Mutex::default(),
            bodies: Arc::new(Semaphore::new(options.open_bodies)),
            link_slots: LinkSlots::default(),
            options,
        }
    }

    fn lane(&self, host: Host) -> &Lane {
        match host {
            Host::Web => &self.lanes[0],
            Host::Aps => &self.lanes[1],
            Host::App => &self.lanes[2],
            Host::Upload => &self.lanes[3],
            Host::QrCode => &self.lanes[4],
            Host::Passport => &self.lanes[5],
        }
    }

    /// The same client with `agreement` around announcements of uploads, for a server with another key than 115's.
    #[must_use]
    pub fn with_agreement(self, agreement: Agreement) -> Self {
        Self { agreement, ..self }
    }

    /// The same client, announcing uploads as 115's own of this `version`, such as `36.2.28`.
    #[must_use]
    pub fn with_version(self, version: &str) -> Self {
        Self { uploader: Uploader::of_version(version), ..self }
    }

    /// Waits until nobody else changes folders of the account, for as long as a call may take.
    ///
    /// **Errors**: `Busy` if that takes too long.
    /// **Source**: protocol notes, writing part, §1.3 to §1.5: one such operation at a time for each account.
    pub async fn take_turn(&self) -> Result<MutexGuard<'_, ()>, Pan115Error> {
        timeout(self.options.deadline, self.turn.lock()).await.map_err(|_| {
            Pan115Error::new(
                "turn",
                ErrorKind::Busy,
                format!(
                    "115 does one change at a time, and those before this one have taken more than {} for {}",
                    humantime::format_duration(self.options.deadline),
                    self.caller(),
                ),
            )
        })
    }

    /// A client without an account, for calls that need no login. Makes no call.
    pub fn visitor(http: Http, endpoints: Endpoints, public_key: PublicKey, options: Options) -> Self {
        Self::new("", http, endpoints, public_key, Credential::Nobody, options)
    }

    /// Who calls, in the midst of a sentence.
    fn caller(&self) -> String {
        if self.session.is_nobody() {
            "this network address".to_owned()
        } else {
            format!("the account {}", self.name)
        }
    }

    /// The account's name in the configuration.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether this client's cookie and that of `other` are known to be of two users. Makes no call.
    pub async fn is_of_another_user_than(&self, other: &Self) -> bool {
        let users = self.session.user().await.zip(other.session.user().await);
        users.is_some_and(|(user, other)| user != other)
    }

    /// The `User-Agent` of API calls.
    pub fn user_agent(&self) -> &str {
        &self.options.user_agent
    }

    /// Lets one call find out whether 115 takes a cookie again that it refused: its owner may have dealt with that.
    pub fn look_again(&self) {
        self.session.look_again();
    }

    /// Whether 115 took the cookie last time and none came to harm since, whatever else keeps calls away.
    pub fn is_signed_in(&self) -> bool {
        self.session.health().0 == SessionState::SignedIn
    }

    /// What is known of the account, without a call.
    pub fn health(&self) -> AccountHealth {
        let (mut session, last_error) = self.session.health();
        let shut =
            Host::ALL.iter().filter_map(|&host| self.lane(host).gate.refusal()).max_by_key(|r| r.until);
        if let (Some(refused), false) = (shut, matches!(session, SessionState::SignedOut { .. })) {
            let (until, reason) = (refused.until, refused.reason.to_string());
            session = match refused.cause {
                Cause::Throttle => SessionState::Throttled { until, reason },
                Cause::Block => SessionState::Blocked { until, reason },
            };
        }
        AccountHealth { name: self.name.clone(), session, last_error }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Secret;
    use crate::transport::{Route, Timeouts};

    #[tokio::test(start_paused = true)]
    async fn a_block_hides_a_good_session_only_while_it_lasts_and_does_not_end_it() {
        let second = Duration::from_secs(1);
        let options = Options {
            requests_per_second: 1.0,
            burst: 1,
            deadline: second,
            retries: 0,
            block_pause: second,
            open_bodies: 1,
            open_wait: second,
            user_agent: String::new(),
        };
        let timeouts = Timeouts { connect: second, attempt: second, read: second };
        let http = Http::new(&timeouts, Route::Direct).unwrap();
        let cookie = Credential::Cookie(Secret::new("UID=1_R2_1; CID=c; SEID=s"));
        let client = Client::new("main", http, Endpoints::new(None), PublicKey::official(), cookie, options);
        assert!(!client.is_signed_in());
        client.session.note_success();
        client.lane(Host::App).gate.shut(Cause::Block, second, "a firewall page");
        assert!(matches!(client.health().session, SessionState::Blocked { .. }) && client.is_signed_in());
        tokio::time::advance(second).await;
        assert_eq!(client.health().session, SessionState::SignedIn);
    }
}
