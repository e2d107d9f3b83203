//! Shares: trees of other users that the account, or anybody, can look into by a share code and a receive code.
//!
//! A share is added by a test, by an option of the program or by the control API, and can be changed at any time. What
//! its calls answer is decided in `api::share`; this module only keeps the shares (protocol notes, reading part, §5).

use std::collections::HashMap;
use std::str::FromStr;

use crate::tree::{ROOT, Tree, TreeState};

/// The state of a share that can be used.
pub(crate) const NORMAL: u8 = 1;

/// The state of a share whose time is over.
const EXPIRED: u8 = 7;

/// The states a share can be in: 0 auditing, 1 normal, 2, 3, 6 and 11 rejected, 4 cancelled, 5 deleted, 7 expired,
/// 8 being generated, 9 failed.
const STATES: [u8; 11] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11];

/// The user whose shares these are, unless they are of one of the simulator's users.
const SHARER: u64 = 987_654_321;

/// The longest share code taken; real ones have eleven characters.
const CODE_CHARS: usize = 32;

/// A share to add.
///
/// As text, for the option `--share`: `[USER@]CODE:RECEIVE:TREE[:STATE]`, where `USER` is the name of the user who
/// shares, if it is one of the simulator's, and where `RECEIVE` may be empty and `TREE` is a name of
/// [`Tree`], such as `sw3abc12xyz:a1b2:demo-small` or `sw3abc12xyz:a1b2:flat:2500:7`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShareSpec {
    /// The name of the user who shares; without one it is somebody who has no login here.
    pub sharer: Option<String>,
    /// The share code: lower-case letters and digits.
    pub code: String,
    /// The receive code: lower-case letters and digits; empty when none is needed.
    pub receive_code: String,
    /// What is shared: everything at the root of this tree.
    pub tree: Tree,
    /// The state: 0 auditing, 1 normal, 2, 3, 6 and 11 rejected, 4 cancelled, 5 deleted, 7 expired, 8 being generated,
    /// 9 failed.
    pub state: u8,
}

impl ShareSpec {
    /// A share in the normal state.
    pub fn new(code: &str, receive_code: &str, tree: Tree) -> Self {
        let (code, receive_code) = (code.to_owned(), receive_code.to_owned());
        Self { sharer: None, code, receive_code, tree, state: NORMAL }
    }

    /// The same, shared by one of the simulator's users.
    #[must_use]
    pub fn by(mut self, user: &str) -> Self {
        self.sharer = Some(user.to_owned());
        self
    }

    /// The same in another state.
    #[must_use]
    pub fn in_state(mut self, state: u8) -> Self {
        self.state = state;
        self
    }

    /// What is wrong with it, if anything is.
    pub(crate) fn fault(&self) -> Option<String> {
        if !is_code(&self.code) {
            return Some(format!("`{}` is no share code: expected lower-case letters and digits", self.code));
        }
        if !self.receive_code.is_empty() && !is_code(&self.receive_code) {
            let code = &self.receive_code;
            return Some(format!("`{code}` is no receive code: expected lower-case letters and digits"));
        }
        let known = STATES.contains(&self.state);
        (!known).then(|| format!("{} is no state of a share: expected one of {STATES:?}", self.state))
    }
}

impl FromStr for ShareSpec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (sharer, text) = match text.split_once('@') {
            Some((sharer, text)) => (Some(sharer.to_owned()), text),
            None => (None, text),
        };
        let mut parts = text.splitn(3, ':');
        let (Some(code), Some(receive_code), Some(rest)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(format!("`{text}`: expected [USER@]CODE:RECEIVE:TREE[:STATE]"));
        };
        // The name of a tree may hold a colon, so the state is split off only where the whole is no tree.
        let (tree, state) = match (rest.parse::<Tree>(), rest.rsplit_once(':')) {
            (Ok(tree), _) => (tree, NORMAL),
            (Err(_), Some((tree, state))) => {
                let state = state.parse().map_err(|error| format!("state `{state}`: {error}"))?;
                (tree.parse()?, state)
            }
            (Err(error), None) => return Err(error),
        };
        let spec = Self { sharer, ..Self::new(code, receive_code, tree).in_state(state) };
        spec.fault().map_or(Ok(spec), Err)
    }
}

/// Whether a text has the form of a share code.
pub(crate) fn is_code(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    !text.is_empty() && text.len() <= CODE_CHARS && text.bytes().all(fits)
}

/// A share as it is now. All but its code can be changed while the simulator runs.
#[derive(Debug)]
#[non_exhaustive]
pub struct Share {
    /// The receive code; empty when none is needed.
    pub receive_code: String,
    /// The title; while it is empty, the name of the first node shared.
    pub title: String,
    /// The state; see [`ShareSpec::state`].
    pub state: u8,
    /// An error code every call about this share is refused with, whatever its state.
    pub refusal: Option<i64>,
    /// Whether the sharer lets files be downloaded without a login.
    pub skip_login: bool,
    /// When it expires, in unix seconds of the simulated clock; -1 for never. From then on a share in the normal state
    /// is in state 7.
    pub expires: i64,
    /// The user id of the sharer, who can list it without a receive code and while it is audited.
    pub owner: u64,
    /// What is shared: everything at the root of this tree, under ids of the sharer.
    pub tree: TreeState,
    /// How often something of it was received.
    pub(crate) receive_count: u64,
    /// When it was made, in unix seconds.
    pub(crate) created: u64,
    /// What was received of it: by which user, the id in the share, and the id of the copy in that user's tree.
    pub(crate) received: HashMap<(u64, u64), u64>,
}

impl Share {
    /// The title as it is shown.
    pub(crate) fn shown_title(&self) -> &str {
        let first = || self.tree.children(ROOT).first().map_or("", |node| node.name.as_str());
        if self.title.is_empty() { first() } else { &self.title }
    }

    /// The state at a time: a share that was good until then may have expired.
    pub(crate) fn state_at(&self, now: u64) -> u8 {
        let expired = u64::try_from(self.expires).is_ok_and(|expires| now >= expires);
        if expired && self.state == NORMAL { EXPIRED } else { self.state }
    }
}

/// All shares, by their codes.
#[derive(Debug, Default)]
pub(crate) struct Shares {
    known: HashMap<String, Share>,
    /// How many were ever added, so that each has ids of its own.
    added: u64,
}

impl Shares {
    /// Adds or replaces a share of the user of the id `sharer`.
    pub(crate) fn add(&mut self, spec: &ShareSpec, sharer: Option<u64>, now: u64) {
        assert!(spec.fault().is_none(), "{}", spec.fault().unwrap_or_default());
        let tree = TreeState::build_foreign(&spec.tree, self.added);
        self.added += 1;
        let share = Share {
            receive_code: spec.receive_code.clone(),
            title: String::new(),
            state: spec.state,
            refusal: None,
            skip_login: false,
            expires: -1,
            owner: sharer.unwrap_or(SHARER),
            tree,
            receive_count: 0,
            created: now,
            received: HashMap::new(),
        };
        self.known.insert(spec.code.clone(), share);
    }

    /// The share of a code.
    pub(crate) fn find(&mut self, code: &str) -> Option<&mut Share> {
        self.known.get_mut(code)
    }

    /// All of them in the order of their codes.
    pub(crate) fn all(&self) -> Vec<(&str, &Share)> {
        let mut all: Vec<(&str, &Share)> =
            self.known.iter().map(|(code, share)| (code.as_str(), share)).collect();
        all.sort_by_key(|(code, _)| *code);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_read_from_text() {
        let parsed = |text: &str| text.parse::<ShareSpec>();
        assert_eq!(parsed("sw3:a1b2:demo").unwrap(), ShareSpec::new("sw3", "a1b2", Tree::Demo));
        let of_bob = ShareSpec::new("sw3", "a1b2", Tree::Demo).by("bob");
        assert_eq!(parsed("bob@sw3:a1b2:demo").unwrap(), of_bob);
        assert_eq!(parsed("sw3::flat:2500").unwrap(), ShareSpec::new("sw3", "", Tree::Flat(2500)));
        let expired = ShareSpec::new("sw3", "a1b2", Tree::Flat(20)).in_state(7);
        assert_eq!(parsed("sw3:a1b2:flat:20:7").unwrap(), expired);
        for wrong in
            ["", "sw3", "sw3:a1b2", "sw3:a1b2:deml", "sw3:a1b2:demo:10", "SW3:a1b2:demo", ":a1b2:demo"]
        {
            assert!(parsed(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn each_share_has_ids_of_its_own() {
        let mut shares = Shares::default();
        shares.add(&ShareSpec::new("one", "", Tree::DemoSmall), None, 0);
        shares.add(&ShareSpec::new("two", "", Tree::DemoSmall), None, 0);
        let first: Vec<u64> =
            shares.find("one").unwrap().tree.walk().iter().map(|(_, node)| node.id).collect();
        let second = &shares.find("two").unwrap().tree;
        let own = TreeState::build(&Tree::DemoSmall);
        assert!(first.iter().all(|id| second.node(*id).is_none() && own.node(*id).is_none()));
    }
}
