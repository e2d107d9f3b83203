//! The firewall in front of the service: too many calls of one cookie, or share calls of one address, in a
//! window, and it is blocked for a while (protocol notes, reading part, §6.2 and §6.3).

use std::collections::{HashMap, VecDeque};

use parking_lot::Mutex;

/// Who is counted and blocked together: the cookie's `UID`, and the host unless all hosts count together; or for
/// share calls the address they come from, and the word `share`.
pub(crate) type Subject = (String, String);

/// The firewall's limits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// How many calls are too many; 0 is no limit.
    pub(crate) calls: u32,
    pub(crate) window_secs: u64,
    pub(crate) block_secs: u64,
}

/// The recent calls and the blocks of each subject.
#[derive(Debug, Default)]
pub(crate) struct Firewall {
    visitors: Mutex<HashMap<Subject, Visitor>>,
}

#[derive(Debug, Default)]
struct Visitor {
    recent: VecDeque<u64>,
    blocked_until: u64,
}

impl Firewall {
    /// Counts a call and says whether it is blocked. A blocked call neither counts nor prolongs the block.
    pub(crate) fn blocks(&self, subject: Subject, now: u64, limits: Limits) -> bool {
        let mut visitors = self.visitors.lock();
        let visitor = visitors.entry(subject).or_default();
        if now < visitor.blocked_until {
            return true;
        }
        if limits.calls == 0 {
            return false;
        }
        while visitor.recent.front().is_some_and(|then| then + limits.window_secs <= now) {
            visitor.recent.pop_front();
        }
        visitor.recent.push_back(now);
        if crate::num::long(visitor.recent.len()) <= u64::from(limits.calls) {
            return false;
        }
        visitor.recent.clear();
        visitor.blocked_until = now + limits.block_secs;
        true
    }

    /// Blocks a subject for a while.
    pub(crate) fn block(&self, subject: Subject, until: u64) {
        self.visitors.lock().entry(subject).or_default().blocked_until = until;
    }

    /// Lifts all blocks and forgets all calls.
    pub(crate) fn clear(&self) {
        self.visitors.lock().clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_call_too_many_blocks_for_a_while() {
        let firewall = Firewall::default();
        let limits = Limits { calls: 2, window_secs: 10, block_secs: 100 };
        let at = |now| firewall.blocks(("uid".to_owned(), "host".to_owned()), now, limits);
        assert!(!at(0) && !at(5));
        assert!(!at(10), "the first call has left the window");
        assert!(at(11));
        assert!(at(110));
        assert!(!at(111));
        assert!(!firewall.blocks(("uid".to_owned(), "other".to_owned()), 12, limits));
    }
}
