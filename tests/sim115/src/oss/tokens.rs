//! The temporary credentials uploads are signed with (protocol notes, writing part, §2.2).

use std::collections::HashMap;

use parking_lot::Mutex;

use crate::m115::random_hex;

/// Credentials.
#[derive(Debug, Clone)]
pub(crate) struct Grant {
    pub(crate) id: String,
    pub(crate) secret: String,
    pub(crate) token: String,
    /// In unix seconds of the simulated clock.
    pub(crate) expires: u64,
}

/// All credentials given out, by their ids.
#[derive(Default)]
pub(crate) struct Tokens(Mutex<HashMap<String, Grant>>);

impl Tokens {
    /// Gives out new credentials with an id that begins like this; the old ones stay good until they expire.
    pub(crate) fn issue(&self, beginning: &str, expires: u64) -> Grant {
        let grant = Grant {
            id: format!("{beginning}{}", random_hex(12)),
            secret: random_hex(22),
            token: format!("CAIS{}", random_hex(60)),
            expires,
        };
        self.0.lock().insert(grant.id.clone(), grant.clone());
        grant
    }

    /// The credentials of an id.
    pub(crate) fn find(&self, id: &str) -> Option<Grant> {
        self.0.lock().get(id).cloned()
    }

    /// Ends the life of all credentials given out so far.
    pub(crate) fn expire(&self) {
        for grant in self.0.lock().values_mut() {
            grant.expires = 0;
        }
    }
}
