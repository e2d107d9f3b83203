//! How accounts and shares are doing.

use std::time::SystemTime;

/// What the gateway knows of an account's session with 115.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionState {
    /// Nothing has been asked of 115 yet.
    Unknown,
    /// The last call went well.
    SignedIn,
    /// 115 asks for fewer calls, so the gateway keeps away for a while.
    Throttled {
        /// When the next try will be made.
        until: SystemTime,
        /// What 115 said.
        reason: String,
    },
    /// 115 has banned the account or this address for a while, so the gateway keeps away.
    Blocked {
        /// When the next try will be made.
        until: SystemTime,
        /// What 115 said.
        reason: String,
    },
    /// The cookie is missing, malformed, expired or was replaced by another login.
    SignedOut {
        /// Which of these, and what to do.
        reason: String,
    },
    /// 115 could not be reached.
    Unreachable {
        /// What happened.
        reason: String,
    },
}

/// An account and its state, for `/readyz` and `dav115 check`.
#[derive(Clone, Debug)]
pub struct AccountHealth {
    /// Its name in the configuration.
    pub name: String,
    /// Its session.
    pub session: SessionState,
    /// The last failure of any call, with its time, even if later calls went well. Holds no secret.
    pub last_error: Option<(SystemTime, String)>,
}

/// A share and its state, for `/readyz` and `dav115 check`.
#[derive(Clone, Debug)]
pub struct ShareHealth {
    /// Its share code.
    pub code: String,
    /// What the last call about it came to.
    pub state: ShareState,
}

/// What the gateway knows of a share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ShareState {
    /// Nothing has been asked about it yet.
    Unknown,
    /// The last call went well.
    Usable,
    /// The last call failed.
    Failed {
        /// Why, and what to do. Holds no secret.
        reason: String,
    },
}

/// How everything is doing that the gateway depends on.
#[derive(Clone, Debug, Default)]
pub struct Health {
    /// The accounts. The gateway is ready when all are signed in.
    pub accounts: Vec<AccountHealth>,
    /// The shares. A dead one is a matter of its own folder alone.
    pub shares: Vec<ShareHealth>,
}
