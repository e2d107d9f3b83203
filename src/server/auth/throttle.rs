//! A pause for peers that keep showing wrong passwords.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// Failures after which a peer has to pause: a second, and twice as long after each further one.
const FREE_FAILURES: u32 = 5;
/// Failures after which a peer is kept out for [`WINDOW`].
const MAX_FAILURES: u32 = 10;
/// How long the last failure is remembered, and so the length of the longest pause.
const WINDOW: Duration = Duration::from_secs(300);
/// Peers remembered. Beyond it the one whose last failure is longest ago is forgotten.
const MAX_PEERS: usize = 4096;

/// Counts failures by peer.
///
/// Only wrong passwords count: a client that asks without one, or for files that are not there, does what clients do.
#[derive(Debug, Default)]
pub(in super::super) struct Throttle {
    failures: Mutex<HashMap<IpAddr, Failures>>,
}

#[derive(Clone, Copy, Debug)]
struct Failures {
    count: u32,
    last: Instant,
}

impl Throttle {
    /// How long `peer` has to wait; nothing if it need not.
    pub(in super::super) fn pause(&self, peer: IpAddr) -> Option<Duration> {
        let failures = *self.failures.lock().get(&network(peer))?;
        let whole = match failures.count {
            ..FREE_FAILURES => return None,
            count @ FREE_FAILURES..MAX_FAILURES => Duration::from_secs(1 << (count - FREE_FAILURES)),
            _ => WINDOW,
        };
        whole.checked_sub(failures.last.elapsed()).filter(|pause| !pause.is_zero())
    }

    pub(in super::super) fn count_failure(&self, peer: IpAddr) {
        let now = Instant::now();
        let mut failures = self.failures.lock();
        let peer = network(peer);
        if failures.len() >= MAX_PEERS && !failures.contains_key(&peer) {
            make_room(&mut failures);
        }
        let entry = failures.entry(peer).or_insert(Failures { count: 0, last: now });
        if entry.last.elapsed() >= WINDOW {
            entry.count = 0;
        }
        *entry = Failures { count: entry.count + 1, last: now };
    }

    /// Forgets the failures of a peer that has shown a right password.
    pub(in super::super) fn forget(&self, peer: IpAddr) {
        self.failures.lock().remove(&network(peer));
    }
}

fn make_room(failures: &mut HashMap<IpAddr, Failures>) {
    failures.retain(|_, failures| failures.last.elapsed() < WINDOW);
    if failures.len() >= MAX_PEERS
        && let Some((&oldest, _)) = failures.iter().min_by_key(|(_, failures)| failures.last)
    {
        failures.remove(&oldest);
    }
}

/// One customer of an IPv6 provider has a whole /64.
fn network(peer: IpAddr) -> IpAddr {
    match peer {
        IpAddr::V4(_) => peer,
        IpAddr::V6(peer) => {
            let [a, b, c, d, ..] = peer.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    }
}
