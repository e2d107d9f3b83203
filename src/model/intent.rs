//! What a client wants and can do, in words free of HTTP.

use std::fmt;
use std::sync::Arc;

/// What the cookie of an account is used for, if the account has several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum CookieUse {
    /// Everything.
    #[default]
    All,
    /// Looking at folders and space.
    Listing,
    /// Getting links.
    Download,
}

/// How a mount hands out file content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DownloadPolicy {
    /// Redirect where the link and the client allow it, else stream.
    Redirect,
    /// Redirect even a client known not to follow.
    RedirectForced,
    /// Stream through the gateway.
    Proxy,
    /// Redirect to a download proxy that asks the gateway for the link.
    ProxyUrl,
}

/// What becomes of `._*`, `.DS_Store`, `Thumbs.db` and `desktop.ini` when a client writes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Junk {
    /// They are stored like any other file.
    Keep,
    /// They are refused.
    Refuse,
    /// They are kept in memory until the gateway ends, and never sent to 115.
    Swallow,
}

/// Whose User-Agent a link is asked for with. Opaque to the layers below `server`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum LinkBinding {
    /// Nobody's, in the hope of a link without demands.
    Unbound,
    /// One client's: the exact text of its header.
    Agent(Arc<str>),
}

impl LinkBinding {
    /// The binding to `agent`; an empty text is [`LinkBinding::Unbound`].
    pub fn to_agent(agent: &str) -> Self {
        if agent.is_empty() { Self::Unbound } else { Self::Agent(agent.into()) }
    }

    /// The header text a link with this binding is asked for and fetched with.
    pub fn agent(&self) -> &str {
        match self {
            Self::Unbound => "",
            Self::Agent(agent) => agent,
        }
    }
}

impl fmt::Debug for LinkBinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unbound => f.write_str("Unbound"),
            Self::Agent(agent) => write!(f, "Agent({agent:?})"),
        }
    }
}

/// What is known of a client from its User-Agent, decided once per request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct ClientTraits {
    /// It follows a 302 to another host on GET, with its own User-Agent and without its password.
    pub follows_redirect: bool,
    /// It hangs when quota properties are reported (macOS from 15.4).
    pub quota_hangs: bool,
    /// It cannot open a folder that holds names Windows forbids.
    pub windows_names: bool,
    /// It writes names decomposed (NFD), whatever they are.
    pub decomposes_names: bool,
}

impl ClientTraits {
    /// Whether it cannot spell every name as it is.
    pub fn spells_leniently(self) -> bool {
        self.windows_names || self.decomposes_names
    }
}
