//! Password hashes: making and verifying them.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use argon2::password_hash::rand_core::OsRng;
use argon2::password_hash::{PasswordHashString, SaltString};
use argon2::{Algorithm, Argon2, PasswordHasher as _, PasswordVerifier as _};
use subtle::ConstantTimeEq as _;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

use super::super::BadOptions;
use crate::model::Secret;
use crate::vfs::View;

/// Hashes in progress at a time. Each takes about 20 MiB and a whole core; a small NAS has two.
const CONCURRENT_HASHES: usize = 2;

/// Someone who may come in.
#[derive(Clone, Debug)]
pub struct User {
    /// The name; case matters.
    pub name: String,
    /// The hash of the password, as [`hash_password`] makes it.
    pub password_hash: Secret,
    /// What they see.
    pub view: View,
}

/// Why a password or its hash cannot be used. Shows neither.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// The text has not the form of a hash.
    #[error("it does not have the form $argon2id$…; make one with `dav115 hash-password`")]
    Malformed,
    /// It was made by another algorithm.
    #[error("it was not made by argon2; make one with `dav115 hash-password`")]
    Algorithm,
    /// The password cannot be hashed.
    #[error("the password cannot be hashed; it may be too long")]
    Unhashable,
}

/// Hashes `password` with a salt of its own: `$argon2id$v=19$…`.
pub fn hash_password(password: &str) -> Result<String, PasswordError> {
    let salt = SaltString::generate(&mut OsRng);
    let hash = Argon2::default().hash_password(password.as_bytes(), &salt);
    hash.map(|hash| hash.to_string()).map_err(|_| PasswordError::Unhashable)
}

/// The users and their hashes.
pub(super) struct Passwords {
    users: Arc<[Known]>,
    hashing: Arc<Semaphore>,
    hashed: AtomicU64,
    tracker: TaskTracker,
}

struct Known {
    name: Arc<str>,
    hash: PasswordHashString,
}

impl Passwords {
    pub(super) fn new(users: Vec<User>, tracker: TaskTracker) -> Result<Self, BadOptions> {
        let known = |user: User| match parse(user.password_hash.expose()) {
            Ok(hash) => Ok(Known { name: user.name.into(), hash }),
            Err(source) => Err(BadOptions::User { name: user.name, source }),
        };
        Ok(Self {
            users: users.into_iter().map(known).collect::<Result<_, _>>()?,
            hashing: Arc::new(Semaphore::new(CONCURRENT_HASHES)),
            hashed: AtomicU64::new(0),
            tracker,
        })
    }

    /// The user of that name, if the password is right: `Some(None)` if not, `None` if it could not be checked.
    ///
    /// An unknown name takes as long as a wrong password.
    pub(super) async fn verify(&self, name: &str, password: &str) -> Option<Option<Arc<str>>> {
        let permit = Arc::clone(&self.hashing).acquire_owned().await.ok()?;
        let hashed = self.hashed.fetch_add(1, Ordering::Relaxed) + 1;
        tracing::debug!(hashed, "verifying a password");
        let (users, name, password) = (Arc::clone(&self.users), name.to_owned(), Secret::new(password));
        let verify = move || {
            // Held here, so that a client that hangs up does not make room for more than there is.
            let _permit = permit;
            verify_one(&users, &name, password.expose())
        };
        match self.tracker.spawn_blocking(verify).await {
            Ok(verdict) => Some(verdict),
            Err(error) => {
                tracing::error!(%error, "a password could not be checked");
                None
            }
        }
    }

    /// How many passwords have been hashed so far.
    #[cfg(test)]
    pub(super) fn hashed(&self) -> u64 {
        self.hashed.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for Passwords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Passwords").field("users", &self.users.len()).finish_non_exhaustive()
    }
}

fn parse(hash: &str) -> Result<PasswordHashString, PasswordError> {
    let hash = PasswordHashString::new(hash).map_err(|_| PasswordError::Malformed)?;
    match Algorithm::try_from(hash.algorithm()) {
        // Without the hash itself nothing could ever be verified.
        Ok(_) if hash.hash().is_some() => Ok(hash),
        Ok(_) => Err(PasswordError::Malformed),
        Err(_) => Err(PasswordError::Algorithm),
    }
}

fn verify_one(users: &[Known], name: &str, password: &str) -> Option<Arc<str>> {
    // All names are compared, so that the time tells nothing about which of them begin alike.
    let is_named = |user: &Known| bool::from(user.name.as_bytes().ct_eq(name.as_bytes()));
    let named = users.iter().rev().fold(None, |named, user| if is_named(user) { Some(user) } else { named });
    // For an unknown name the first user's hash is worked on in vain.
    let hash = &named.or(users.first())?.hash;
    let verified = Argon2::default().verify_password(password.as_bytes(), &hash.password_hash()).is_ok();
    named.filter(|_| verified).map(|user| Arc::clone(&user.name))
}
