//! The users of the simulated service: who each is, its logins, and its drive.
//!
//! Everything a user has is kept here, so nothing of one is reached with the cookie of another. What a share holds is no
//! part of anyone's drive; `share` keeps it, and only notes whose it is.

use std::sync::Arc;

use parking_lot::Mutex;
use sha1::{Digest as _, Sha1};

use crate::account::{Account, cookie_value};
use crate::behaviours::Behaviours;
use crate::clock::Clock;
use crate::num::hex;
use crate::tree::{Tree, TreeState};

/// The name of the first user, whom a simulator always has.
pub(crate) const FIRST_NAME: &str = "main";

/// The id of the first user.
pub(crate) const FIRST_ID: u64 = 123_456_789;

/// How far the ids of two users lie apart.
const ID_STEP: u64 = 111_111_101;

/// One user.
#[derive(Debug)]
pub(crate) struct User {
    /// What tests and scripts call it; 115 knows its id only.
    pub(crate) name: String,
    pub(crate) id: u64,
    /// What the user's upload calls are signed with; the same for life.
    pub(crate) userkey: String,
    pub(crate) account: Account,
    pub(crate) tree: Mutex<TreeState>,
    /// The bytes its drive can hold, if they are not those of the switch.
    pub(crate) space: Mutex<Option<u64>>,
}

impl User {
    fn new(name: &str, number: u64, tree: &Tree, clock: &Arc<Clock>) -> Self {
        let id = FIRST_ID + number * ID_STEP;
        let mut tree = TreeState::build_of_user(tree, number);
        tree.follow(Arc::clone(clock));
        Self {
            name: name.to_owned(),
            id,
            userkey: hex(&Sha1::digest(format!("userkey of {id}"))).to_uppercase(),
            account: Account::new(id, clock.unix()),
            tree: Mutex::new(tree),
            space: Mutex::default(),
        }
    }

    /// The bytes its drive can hold.
    pub(crate) fn space_bytes(&self, behaviours: &Behaviours) -> u64 {
        self.space.lock().unwrap_or(behaviours.space_bytes)
    }
}

/// All users. There is always a first one.
#[derive(Debug)]
pub(crate) struct Users {
    first: Arc<User>,
    others: Mutex<Vec<Arc<User>>>,
}

impl Users {
    /// The first user alone.
    pub(crate) fn new(tree: &Tree, clock: &Arc<Clock>) -> Self {
        Self { first: Arc::new(User::new(FIRST_NAME, 0, tree, clock)), others: Mutex::default() }
    }

    /// Adds a user; `None` when there is one of that name.
    pub(crate) fn add(&self, name: &str, tree: &Tree, clock: &Arc<Clock>) -> Option<Arc<User>> {
        let mut others = self.others.lock();
        if name == self.first.name || others.iter().any(|user| user.name == name) {
            return None;
        }
        let number = crate::num::long(others.len()) + 1;
        let user = Arc::new(User::new(name, number, tree, clock));
        others.push(Arc::clone(&user));
        Some(user)
    }

    pub(crate) fn first(&self) -> &Arc<User> {
        &self.first
    }

    /// The user of a name.
    pub(crate) fn named(&self, name: &str) -> Option<Arc<User>> {
        self.all().into_iter().find(|user| user.name == name)
    }

    /// The user whose id stands in a `Cookie` header, whether or not the cookie is good.
    pub(crate) fn of_cookie(&self, header: &str) -> Option<Arc<User>> {
        let id = user_of(cookie_value(header, "UID")?)?;
        self.all().into_iter().find(|user| user.id == id)
    }

    /// All of them, the first one first.
    pub(crate) fn all(&self) -> Vec<Arc<User>> {
        let mut all = vec![Arc::clone(&self.first)];
        all.extend(self.others.lock().iter().cloned());
        all
    }
}

/// The user's id in the value of a cookie `UID`.
pub(crate) fn user_of(uid: &str) -> Option<u64> {
    uid.split('_').next()?.parse().ok()
}
