//! The handle of one user of a running simulator.

use std::sync::Arc;

use crate::state::Shared;
use crate::tree::TreeState;
use crate::user::{User, user_of};

/// One user: its cookies, its drive, and what its cookies have asked for.
///
/// Of [`Sim`](crate::Sim), the methods of the same names are about the first user.
#[derive(Clone)]
pub struct SimUser {
    shared: Arc<Shared>,
    user: Arc<User>,
}

impl SimUser {
    pub(crate) fn new(shared: &Arc<Shared>, user: Arc<User>) -> Self {
        Self { shared: Arc::clone(shared), user }
    }

    /// The user's id.
    pub fn id(&self) -> u64 {
        self.user.id
    }

    /// The user's key, which upload calls are signed with: 40 upper-case hexadecimal digits.
    pub fn userkey(&self) -> &str {
        &self.user.userkey
    }

    /// The cookie, `UID=…; CID=…; SEID=…; KID=…`, whatever its state.
    pub fn cookie(&self) -> String {
        self.user.account.cookie()
    }

    /// Reads or edits the user's tree as it is now. No call that looks into it is answered meanwhile.
    pub fn tree<R>(&self, edit: impl FnOnce(&mut TreeState) -> R) -> R {
        let mut tree = self.user.tree.lock();
        tree.settle();
        edit(&mut tree)
    }

    /// Brings the operation under way, if there is one, to its end at once.
    pub fn finish_work(&self) {
        self.user.tree.lock().finish();
    }

    /// Sets how many bytes the drive can hold; `None` for what the switch `space_bytes` says.
    pub fn set_space(&self, bytes: Option<u64>) {
        *self.user.space.lock() = bytes;
    }

    /// Ends the life of the cookie.
    pub fn expire_cookie(&self) {
        self.user.account.expire();
    }

    /// Lets another login of the same application end the cookie: at once on proapi, a minute later elsewhere.
    pub fn kick_cookie(&self) {
        self.user.account.kick(self.shared.clock.unix());
    }

    /// Logs in anew and returns the new cookie; the old one is wrong from now on.
    pub fn renew_cookie(&self) -> String {
        self.user.account.renew(self.shared.clock.unix())
    }

    /// Logs in with another application, such as `A1`, and returns its cookie; the others stay good.
    pub fn sign_in(&self, application: &str) -> String {
        self.user.account.sign_in(application, self.shared.clock.unix())
    }

    /// How many calls an endpoint has had with a cookie of this user, good or not, by its label in the ledger.
    pub fn calls(&self, endpoint: &str) -> usize {
        let of_user = |uid: &str| user_of(uid) == Some(self.user.id);
        let entries = self.shared.ledger.entries();
        entries.iter().filter(|entry| entry.endpoint == endpoint && of_user(&entry.uid)).count()
    }
}
