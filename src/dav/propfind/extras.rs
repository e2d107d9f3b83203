//! What the gateway keeps beside the tree and an answer tells: dead properties and locks.
//!
//! Obtained once for a request. Mostly there is none of either, and then nothing is done for an entry.
//! Called by `propfind`, which looks, and `writer`, which asks for each entry.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

use super::properties::Subject;
use crate::dav::Dav;
use crate::dav::locks::{LocksAround, SeenLock};
use crate::dav::properties::DeadSet;
use crate::dav::xml::{escape, push_content};
use crate::model::Node;
use crate::vfs::{At, Folder, VPath, Vfs};

/// What is kept of one path.
#[derive(Debug, Default)]
struct Kept {
    dead: Option<DeadSet>,
    /// The content of `lockdiscovery`.
    locks: String,
}

/// What is kept of the target and its children.
pub(super) struct Extras {
    at: At,
    target: Kept,
    /// Children of which something is kept, by their keys.
    children: HashMap<String, Kept>,
    /// The content of `lockdiscovery` of all other children: deep locks from above.
    inherited: String,
    can_lock: bool,
    /// Keys of children for which it is the other way round.
    can_lock_otherwise: HashSet<String>,
}

impl Extras {
    /// Looks once. `folder` is the target with its children, if they belong into the answer;
    /// whether it is one of the gateway's own, in which mounts are, tells `is_own`.
    pub(super) fn find(dav: &Dav, at: &At, folder: Option<&Folder>, is_own: bool) -> Self {
        let can_lock = dav.vfs.may_lock(at);
        let looks_at_each = |folder: &&Folder| is_own || !folder.shows_all();
        let looked_at = folder.filter(looks_at_each);
        let mut extras = Self {
            at: at.clone(),
            target: Kept::default(),
            children: HashMap::new(),
            inherited: String::new(),
            can_lock,
            can_lock_otherwise: looked_at
                .map(|folder| otherwise(&dav.vfs, at, folder, can_lock))
                .unwrap_or_default(),
        };
        if !dav.properties.is_empty() {
            let key = at.key();
            extras.target.dead = dav.properties.of(&key);
            for (key, dead) in folder.map(|_| dav.properties.of_children(&key)).into_iter().flatten() {
                extras.children.entry(key).or_default().dead = Some(dead);
            }
        }
        if !dav.locks.is_empty() {
            extras.add_locks(&dav.locks.around(&at.key()), folder.is_some(), &dav.options.prefix);
        }
        extras
    }

    fn add_locks(&mut self, around: &LocksAround, with_children: bool, prefix: &str) {
        let home = self.at.view().at(VPath::root());
        let push = |to: &mut String, lock: &SeenLock| push_active_lock(to, lock, home.tree_path(), prefix);
        around.on_it.iter().for_each(|lock| push(&mut self.target.locks, lock));
        if !with_children {
            return;
        }
        around.on_it.iter().filter(|lock| lock.deep).for_each(|lock| push(&mut self.inherited, lock));
        for child in self.children.values_mut() {
            child.locks.clone_from(&self.inherited);
        }
        for (key, lock) in &around.on_children {
            let inherited = &self.inherited;
            let child = self.children.entry(key.clone());
            let child = child.or_insert_with(|| Kept { dead: None, locks: inherited.clone() });
            push(&mut child.locks, lock);
        }
    }

    /// The target under the name its href ends with.
    pub(super) fn target<'a>(&'a self, node: &'a Node, name: Option<&'a str>) -> Subject<'a> {
        subject(node, name, Some(&self.target), "", self.can_lock)
    }

    /// A child under the name its href ends with.
    pub(super) fn child<'a>(&'a self, node: &'a Node, name: &'a str) -> Subject<'a> {
        if self.children.is_empty() && self.can_lock_otherwise.is_empty() {
            return subject(node, Some(name), None, &self.inherited, self.can_lock);
        }
        // A child whose path would be too long is one of which nothing can be kept.
        let key = self.at.join(&node.name).map(|child| child.key()).unwrap_or_default();
        let can_lock = self.can_lock != self.can_lock_otherwise.contains(&key);
        subject(node, Some(name), self.children.get(&key), &self.inherited, can_lock)
    }
}

fn subject<'a>(
    node: &'a Node,
    name: Option<&'a str>,
    kept: Option<&'a Kept>,
    locks: &'a str,
    can_lock: bool,
) -> Subject<'a> {
    Subject {
        node,
        name,
        dead: kept.and_then(|kept| kept.dead.as_deref()).map_or(&[], Vec::as_slice),
        locks: kept.map_or(locks, |kept| &kept.locks),
        can_lock,
    }
}

/// The keys of the children that can be locked although `folder` cannot, or the other way round.
///
/// Nobody has to look at each child where no rule is about any of them.
fn otherwise(vfs: &Vfs, at: &At, folder: &Folder, can_lock: bool) -> HashSet<String> {
    let children = folder.shown().filter_map(|node| at.join(&node.name).ok());
    children.filter(|child| vfs.may_lock(child) != can_lock).map(|child| child.key()).collect()
}

/// Appends an `activelock` element as a user reads it whose paths begin at `home`.
fn push_active_lock(xml: &mut String, lock: &SeenLock, home: &VPath, prefix: &str) {
    let scope = if lock.shared { "shared" } else { "exclusive" };
    let depth = if lock.deep { "infinity" } else { "0" };
    let _ = write!(
        xml,
        "<D:activelock><D:locktype><D:write/></D:locktype><D:lockscope><D:{scope}/></D:lockscope><D:depth>{depth}</D:depth>"
    );
    if let Some(owner) = &lock.owner {
        xml.push_str("<D:owner>");
        push_content(xml, owner);
        xml.push_str("</D:owner>");
    }
    let _ = write!(xml, "<D:timeout>Second-{}</D:timeout><D:locktoken><D:href>", lock.remaining.as_secs());
    escape(xml, &lock.token);
    xml.push_str("</D:href></D:locktoken><D:lockroot><D:href>");
    escape(xml, prefix);
    // A lock from above the home holds for all of it, which is as far as its user can see.
    let mut names = lock.root.segments().skip(home.segments().count()).peekable();
    let is_home = names.peek().is_none();
    for name in names {
        let _ = write!(xml, "/{}", VPath::escape_name(name));
    }
    if is_home || lock.on_folder {
        xml.push('/');
    }
    xml.push_str("</D:href></D:lockroot></D:activelock>");
}
