//! Download links: their terms, their signature, and how many bodies each has open.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use parking_lot::Mutex;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha1::{Digest, Sha1};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use crate::account::cookie_value;
use crate::behaviours::{Behaviours, Binding, EmptyAgent};
use crate::call::{Call, decoded};
use crate::content::{Content, content};
use crate::m115::random_hex;
use crate::num::hex;
use crate::state::Shared;
use crate::tree::SimNode;

/// The host links point to.
const CDN_HOST: &str = "cdnfhnfile.115cdn.net";

/// Everything but the unreserved characters of a URL is encoded in a link.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The parameters the signature covers, in its order.
const SIGNED: [&str; 9] = ["t", "u", "s", "d", "c", "f", "us", "uc", "v"];

/// How many links are remembered before those out of date are dropped.
const PRUNE_AT: usize = 20_000;

/// A reason to refuse a link.
type Refusal = (StatusCode, &'static str);

/// What a link is bound to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms {
    pub(crate) binding: Binding,
    /// The CDN will not honour it, although its terms ask for nothing.
    rejected: bool,
    /// A cookie is set with it whether or not its terms ask for one.
    with_cookie: bool,
}

impl Terms {
    /// The terms of a link of the client-application API.
    pub(crate) fn of_downurl(behaviours: &Behaviours, agent: &str) -> Self {
        let plain =
            |binding| Self { binding, rejected: false, with_cookie: binding == Binding::AgentAndCookie };
        if !agent.is_empty() {
            return plain(behaviours.link_binding);
        }
        match behaviours.empty_agent {
            EmptyAgent::Granted => plain(Binding::Free),
            EmptyAgent::Refused => plain(Binding::Agent),
            EmptyAgent::RefusedWithCookie => plain(Binding::AgentAndCookie),
            EmptyAgent::CdnRejects => Self { rejected: true, ..plain(Binding::Free) },
        }
    }

    /// The terms of a link of `webapi files/download`, whose answer always sets a cookie.
    pub(crate) fn of_download(behaviours: &Behaviours) -> Self {
        Self { binding: behaviours.download_binding, rejected: false, with_cookie: true }
    }
}

/// A link just made.
#[derive(Debug)]
pub(crate) struct Minted {
    pub(crate) url: String,
    /// The `Set-Cookie` value that goes with it.
    pub(crate) set_cookie: Option<String>,
}

/// A link on record, found by its signature.
#[derive(Debug)]
pub(crate) struct Link {
    signature: String,
    /// The user whose open bodies it counts among.
    user: u64,
    pub(super) content: Content,
    pub(super) sha1: String,
    pub(super) modified: u64,
    agent: String,
    terms: Terms,
    cookie: (String, String),
    connections: u32,
    expires: u64,
}

impl Link {
    /// Where its open bodies are counted.
    fn place(&self) -> (u64, String) {
        (self.user, self.signature.clone())
    }
}

/// Makes a link to a file for the client `agent`, on the account of `user`.
pub(crate) fn mint(
    shared: &Shared,
    user: u64,
    node: &SimNode,
    agent: &str,
    terms: Terms,
    behaviours: &Behaviours,
) -> Minted {
    let expires = shared.clock.unix() + behaviours.link_lifetime_secs;
    let object = random_hex(20);
    let flag = match terms.binding {
        Binding::Free => "",
        Binding::Agent => "1",
        Binding::AgentAndCookie => "3",
    };
    // A client would resolve these two as path segments and never ask for them.
    let name = if matches!(node.name.as_str(), "." | "..") { "_" } else { node.name.as_str() };
    let values = [
        expires.to_string(),
        user.to_string(),
        "524288000".to_owned(),
        format!("vip-{user}-{}-1-0", node.pick_code()),
        behaviours.link_connections.to_string(),
        flag.to_owned(),
        "5242880000".to_owned(),
        behaviours.user_connections.to_string(),
        "1".to_owned(),
    ];
    let signature = shared.links.sign(&object, name, &values);
    let mut url =
        format!("{}/{CDN_HOST}/{object}/{}", shared.public_base, utf8_percent_encode(name, ENCODED));
    for (at, (parameter, value)) in SIGNED.iter().zip(&values).enumerate() {
        let separator = if at == 0 { '?' } else { '&' };
        url.extend([separator.to_string().as_str(), parameter, "=", value]);
        if *parameter == "f" {
            url.extend(["&k=", signature.as_str()]);
        }
    }
    let cookie = (random_hex(16), random_hex(16));
    let set_cookie =
        terms.with_cookie.then(|| format!("{}={}; path=/; domain=.115cdn.net", cookie.0, cookie.1));
    let link = Link {
        signature,
        user,
        content: content(node),
        sha1: node.sha1().to_owned(),
        modified: node.modified,
        agent: agent.to_owned(),
        terms,
        cookie,
        connections: behaviours.link_connections,
        expires,
    };
    shared.links.record(link, shared.clock.unix());
    Minted { url, set_cookie }
}

/// All links, and the bodies they have open.
#[derive(Debug)]
pub(crate) struct Links {
    secret: String,
    records: Mutex<HashMap<String, Arc<Link>>>,
    open: Mutex<HashMap<(u64, String), u32>>,
    closed: Notify,
}

impl Links {
    pub(crate) fn new() -> Self {
        Self {
            secret: random_hex(20),
            records: Mutex::default(),
            open: Mutex::default(),
            closed: Notify::new(),
        }
    }

    /// The number of bodies now open.
    pub(crate) fn open_bodies(&self) -> usize {
        self.open.lock().values().map(|count| crate::num::index(u64::from(*count))).sum()
    }

    fn sign(&self, object: &str, name: &str, values: &[String]) -> String {
        let mut hash = Sha1::new();
        for part in [self.secret.as_str(), object, name].into_iter().chain(values.iter().map(String::as_str))
        {
            hash.update(part);
            hash.update([0]);
        }
        hex(&hash.finalize()[..16])
    }

    fn record(&self, link: Link, now: u64) {
        let mut records = self.records.lock();
        if records.len() >= PRUNE_AT {
            records.retain(|_, link| link.expires > now);
        }
        records.insert(link.signature.clone(), Arc::new(link));
    }

    /// Finds the link a call uses, if the call meets the link's terms.
    pub(super) fn check(&self, call: &Call, now: u64) -> Result<Arc<Link>, Refusal> {
        let forbidden = |message| Err((StatusCode::FORBIDDEN, message));
        let Some((object, name)) = call.path.trim_start_matches('/').split_once('/') else {
            return Err((StatusCode::NOT_FOUND, "no such object"));
        };
        let values = SIGNED.map(|parameter| call.param(parameter).to_owned());
        let signature = self.sign(object, &decoded(name), &values);
        if call.param("k") != signature {
            return forbidden("invalid signature");
        }
        let Some(link) = self.records.lock().get(&signature).map(Arc::clone) else {
            return forbidden("unknown link");
        };
        if now >= link.expires {
            return forbidden("link expired");
        }
        if link.terms.rejected {
            return forbidden("no cookie value");
        }
        if link.terms.binding != Binding::Free && call.user_agent() != link.agent {
            return forbidden("user agent mismatch");
        }
        if link.terms.binding == Binding::AgentAndCookie {
            match cookie_value(&call.cookies(), &link.cookie.0) {
                None => return forbidden("no cookie value"),
                Some(value) if value != link.cookie.1 => return forbidden("invalid cookie value"),
                Some(_) => {}
            }
        }
        Ok(link)
    }

    /// Counts one more open body, or `None` when the link or its user has too many already.
    pub(super) async fn open(
        links: &Arc<Self>,
        link: &Link,
        per_user: u32,
        grace: Duration,
    ) -> Option<OpenBody> {
        let deadline = Instant::now() + grace;
        loop {
            // Registered before the count is read, so that no closing between the two is missed.
            let closed = links.closed.notified();
            if links.enter(link, per_user) {
                return Some(OpenBody { links: Arc::clone(links), place: link.place() });
            }
            if timeout_at(deadline, closed).await.is_err() {
                return None;
            }
        }
    }

    fn enter(&self, link: &Link, per_user: u32) -> bool {
        let mut open = self.open.lock();
        let total: u32 =
            open.iter().filter(|((user, _), _)| *user == link.user).map(|(_, count)| count).sum();
        let of_link = open.entry(link.place()).or_default();
        let full = |count: u32, limit: u32| limit > 0 && count >= limit;
        if full(*of_link, link.connections) || full(total, per_user) {
            if *of_link == 0 {
                open.remove(&link.place());
            }
            return false;
        }
        *of_link += 1;
        true
    }

    fn leave(&self, place: &(u64, String)) {
        let mut open = self.open.lock();
        if let Some(count) = open.get_mut(place) {
            *count -= 1;
            if *count == 0 {
                open.remove(place);
            }
        }
        drop(open);
        self.closed.notify_waiters();
    }
}

/// One open body; dropping it closes it.
#[derive(Debug)]
pub(crate) struct OpenBody {
    links: Arc<Links>,
    place: (u64, String),
}

impl Drop for OpenBody {
    fn drop(&mut self) {
        self.links.leave(&self.place);
    }
}
