//! Everything one running simulator knows.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use parking_lot::Mutex;

use crate::account::Account;
use crate::behaviours::Behaviours;
use crate::cdn::Links;
use crate::clock::Clock;
use crate::faults::Faults;
use crate::ledger::Ledger;
use crate::login::Logins;
use crate::m115::KeyPair;
use crate::share::Shares;
use crate::tree::{Tree, TreeState};
use crate::waf::Firewall;

/// The state shared by all connections, the control API and the handle.
///
/// Each lock is held for the length of one statement or one page of a listing, and never across an await.
pub(crate) struct Shared {
    pub(crate) tree: Mutex<TreeState>,
    /// Locked before the tree where both are needed.
    pub(crate) shares: Mutex<Shares>,
    pub(crate) behaviours: Mutex<Behaviours>,
    pub(crate) ledger: Ledger,
    pub(crate) faults: Faults,
    pub(crate) firewall: Firewall,
    pub(crate) account: Account,
    pub(crate) logins: Logins,
    pub(crate) links: Arc<Links>,
    pub(crate) clock: Arc<Clock>,
    pub(crate) key: KeyPair,
    /// Where minted links point: scheme and authority.
    pub(crate) public_base: String,
    /// Download bytes sent.
    pub(crate) sent: Arc<AtomicU64>,
    /// Counts answers, so that each jitters differently.
    pub(crate) answers: AtomicU64,
}

impl Shared {
    pub(crate) fn new(tree: &Tree, public_base: String) -> io::Result<Self> {
        let clock = Arc::new(Clock::default());
        let mut tree = TreeState::build(tree);
        tree.follow(Arc::clone(&clock));
        let key = KeyPair::fixed().ok_or_else(|| io::Error::other("the m115 key pair is damaged"))?;
        Ok(Self {
            tree: Mutex::new(tree),
            shares: Mutex::default(),
            behaviours: Mutex::default(),
            ledger: Ledger::new(),
            faults: Faults::default(),
            firewall: Firewall::default(),
            account: Account::new(clock.unix()),
            logins: Logins::default(),
            links: Arc::new(Links::new()),
            clock,
            key,
            public_base,
            sent: Arc::default(),
            answers: AtomicU64::new(0),
        })
    }

    /// The switches as they are now.
    pub(crate) fn behaviours(&self) -> Behaviours {
        self.behaviours.lock().clone()
    }
}
