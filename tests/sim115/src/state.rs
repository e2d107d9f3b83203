//! Everything one running simulator knows.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use parking_lot::Mutex;

use crate::api::Queue;
use crate::behaviours::Behaviours;
use crate::cdn::Links;
use crate::clock::Clock;
use crate::ec115::ServerKey;
use crate::faults::Faults;
use crate::ledger::Ledger;
use crate::login::Logins;
use crate::m115::KeyPair;
use crate::share::Shares;
use crate::tree::Tree;
use crate::upload::Uploads;
use crate::user::Users;
use crate::waf::Firewall;

/// The state shared by all connections, the control API and the handle.
///
/// Each lock is held for the length of one statement or one page of a listing, and never across an await.
pub(crate) struct Shared {
    pub(crate) users: Users,
    /// The writes that are not answered yet.
    pub(crate) queue: Arc<Queue>,
    /// Locked before a user's tree where both are needed.
    pub(crate) shares: Mutex<Shares>,
    pub(crate) behaviours: Mutex<Behaviours>,
    pub(crate) ledger: Ledger,
    pub(crate) faults: Faults,
    pub(crate) firewall: Firewall,
    pub(crate) logins: Logins,
    pub(crate) links: Arc<Links>,
    pub(crate) clock: Arc<Clock>,
    pub(crate) key: KeyPair,
    pub(crate) upload_key: ServerKey,
    pub(crate) uploads: Uploads,
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
        let key = KeyPair::fixed().ok_or_else(|| io::Error::other("the m115 key pair is damaged"))?;
        let upload_key =
            ServerKey::fixed().ok_or_else(|| io::Error::other("the key pair of uploads is damaged"))?;
        Ok(Self {
            users: Users::new(tree, &clock),
            queue: Arc::default(),
            shares: Mutex::default(),
            behaviours: Mutex::default(),
            ledger: Ledger::new(),
            faults: Faults::default(),
            firewall: Firewall::default(),
            logins: Logins::default(),
            links: Arc::new(Links::new()),
            clock,
            key,
            upload_key,
            uploads: Uploads::default(),
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
