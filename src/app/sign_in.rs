//! What signs in: clients that belong to no account.
//!
//! Called by `commands`. The gateway itself never signs in.

use std::time::Duration;

use super::accounts::{self, connect, connect_within};
use crate::config::{self, Config, Credential};
use crate::model::{CookieUse, LoginApp, Meter, Secret};
use crate::pan115::{Client, Cookie, Login, Pan115Error, QrCode, QrState, Space};
use crate::transport::Timeouts;

/// How long a status call may take. 115 holds one for about half a minute, and no source tells the number.
const PATIENCE: Duration = Duration::from_secs(70);
/// The same with attempts that broke off early.
const PATIENCE_IN_ALL: Duration = Duration::from_secs(75);
/// Status calls per second, should 115 answer them at once.
const MOST_POLLS_PER_SECOND: f64 = 1.0;
/// Further attempts of a status call whose connection breaks.
const POLL_RETRIES: u32 = 3;

/// Signs in by QR code.
pub struct SignIn {
    calls: Client,
    /// Waits longer than calls may take otherwise.
    polls: Client,
}

impl SignIn {
    /// As `config` says where 115 is and how gently to treat it. Makes no call.
    pub fn new(config: &Config) -> anyhow::Result<Self> {
        let calls = accounts::visitor(config, connect(config)?)?;
        let mut patient = config.clone();
        let limits = &mut patient.limits;
        limits.requests_per_second = limits.requests_per_second.min(MOST_POLLS_PER_SECOND);
        limits.deadline = PATIENCE_IN_ALL;
        limits.retries = POLL_RETRIES;
        let timeouts = Timeouts { connect: limits.connect_timeout, attempt: PATIENCE, read: PATIENCE };
        let polls = accounts::visitor(&patient, connect_within(config, &timeouts)?)?;
        Ok(Self { calls, polls })
    }

    /// A new QR code to sign in as `app`. One call.
    pub async fn code(&self, app: LoginApp) -> Result<QrCode, Pan115Error> {
        self.calls.login_token(&Meter::default(), app).await
    }

    /// Waits until there is news of `code`, or for about half a minute. One call.
    pub async fn state(&self, code: &QrCode) -> Result<Option<QrState>, Pan115Error> {
        self.polls.login_status(&Meter::default(), code).await
    }

    /// Signs in as `app` by the QR code of `uid`, which was confirmed. One call, which is not repeated once it may have arrived.
    pub async fn redeem(&self, uid: &Secret, app: LoginApp) -> Result<Login, Pan115Error> {
        self.calls.login_redeem(&Meter::default(), uid, app).await
    }
}

/// Asks 115 whether it takes `cookie`, for the account called `name`. One call.
pub async fn probe(config: &Config, name: &str, cookie: &Cookie) -> anyhow::Result<Space> {
    let credential = Credential::Cookie(cookie.header().clone());
    let name = name.to_owned();
    let account = config::Account { name, credential, same_as: None, purpose: CookieUse::All };
    let client = accounts::client(config, &account, connect(config)?)?;
    client.space(&Meter::default()).await.map_err(|error| anyhow::anyhow!(error.message))
}
