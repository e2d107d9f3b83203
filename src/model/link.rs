//! A download link and the terms 115 attaches to it.

use std::time::SystemTime;

use super::{LinkBinding, Secret};

/// What the server behind a link demands of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HeaderDemand {
    /// Nothing: any client may fetch it. (`f` empty)
    None,
    /// The User-Agent the link was asked for with. (`f=1`)
    SameAgent,
    /// That User-Agent and the cookie that came with the link. (`f=3`)
    SameAgentAndCookie,
}

/// The terms a link states in its own query string.
///
/// Source: protocol notes, reading part, §4.4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkTerms {
    /// When the link ends (`t`); unknown if the link does not say.
    pub expires: Option<SystemTime>,
    /// How many bodies may be open on it at once (`c`); `None` means no limit.
    pub max_open: Option<u32>,
    /// Which headers a request must carry (`f`).
    pub demand: HeaderDemand,
}

/// A link to a file's content.
#[derive(Clone, Debug)]
pub struct Link {
    /// The signed URL, exactly as 115 gave it.
    pub url: Secret,
    /// Its terms.
    pub terms: LinkTerms,
    /// Whose User-Agent it was asked for with.
    pub binding: LinkBinding,
    /// The `Cookie` header a fetch must carry, if 115 set one.
    pub cookie: Option<Secret>,
}

impl Link {
    /// Whether any client may fetch it as it is.
    pub fn is_unbound(&self) -> bool {
        self.terms.demand == HeaderDemand::None
    }

    /// Whether it has ended by its own terms, as far as the clock of this machine can be trusted.
    pub fn has_ended(&self, now: SystemTime) -> bool {
        self.terms.expires.is_some_and(|end| end <= now)
    }
}
