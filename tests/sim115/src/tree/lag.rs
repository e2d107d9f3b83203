//! Listings that go on showing what was before a write (protocol notes, writing part, §1.8).
//!
//! A write leaves a shadow in each folder whose listing it changes: the node as the folder showed it, or that it showed
//! none. While the shadow lives, listings of the folder show it instead of the truth. Counts may lag longer
//! than rows.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::{Order, SimNode, TreeState, order};

/// For how long something lags: for a time, and for a number of listings; whichever is longer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Spell {
    /// Simulated time.
    pub(crate) time: Duration,
    /// Listings of the folder, however many pages each has.
    pub(crate) listings: u32,
}

/// How far listings lag behind a write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lag {
    pub(crate) rows: Spell,
    pub(crate) counts: Spell,
}

/// One spell, begun.
#[derive(Debug, Clone, Copy)]
struct Term {
    until: Duration,
    listings_left: u32,
    /// Whether the listing now being paged through still is one of them.
    listed: bool,
}

impl Term {
    fn begin(spell: Spell, now: Duration) -> Self {
        Self { until: now + spell.time, listings_left: spell.listings, listed: spell.listings > 0 }
    }

    fn turn_to_next_listing(&mut self) {
        self.listed = self.listings_left > 0;
        self.listings_left = self.listings_left.saturating_sub(1);
    }

    fn lives(&self, now: Duration) -> bool {
        now < self.until || self.listed
    }
}

#[derive(Debug)]
struct Shadow {
    id: u64,
    /// The node as the folder showed it; nothing if it did not.
    was: Option<SimNode>,
    rows: Term,
    counts: Term,
}

/// The shadows in each folder, oldest first.
#[derive(Debug, Default)]
pub(super) struct Shadows {
    of_folder: HashMap<u64, Vec<Shadow>>,
}

/// The rows of a listing, some of them perhaps nodes as they were.
#[derive(Debug, Clone)]
pub(crate) struct Overlay {
    /// All ids in order.
    pub(crate) rows: Arc<[u64]>,
    old: HashMap<u64, SimNode>,
}

impl Overlay {
    fn of(nodes: &[&SimNode], old: HashMap<u64, SimNode>, order: Order) -> Self {
        Self { rows: order::sorted(nodes.to_vec(), order), old }
    }

    /// The node of a row as the listing shows it.
    pub(crate) fn node<'tree>(&'tree self, tree: &'tree TreeState, id: u64) -> Option<&'tree SimNode> {
        self.old.get(&id).or_else(|| tree.node(id))
    }

    /// All nodes of the listing.
    pub(crate) fn nodes<'tree>(&'tree self, tree: &'tree TreeState) -> Vec<&'tree SimNode> {
        self.rows.iter().filter_map(|id| self.node(tree, *id)).collect()
    }
}

/// What a listing shows, and what it counts where that is something else.
#[derive(Debug)]
pub(crate) struct View {
    pub(crate) shown: Overlay,
    pub(crate) counted: Option<Overlay>,
}

impl TreeState {
    /// Notes how a node looks where it is, before a write changes it or takes it away.
    pub(crate) fn before(&mut self, id: u64, lag: Lag) {
        if let Some(node) = self.node(id).cloned() {
            self.cast(node.parent, id, Some(node), lag);
        }
    }

    /// Notes that a node was not where it is now, after a write put it there.
    pub(crate) fn appeared(&mut self, id: u64, lag: Lag) {
        if let Some(folder) = self.node(id).map(|node| node.parent) {
            self.cast(folder, id, None, lag);
        }
    }

    fn cast(&mut self, folder: u64, id: u64, was: Option<SimNode>, lag: Lag) {
        if lag == Lag::default() {
            return;
        }
        let now = self.time();
        let shadow =
            Shadow { id, was, rows: Term::begin(lag.rows, now), counts: Term::begin(lag.counts, now) };
        self.shadows.of_folder.entry(folder).or_default().push(shadow);
    }

    /// What a listing of a folder shows now. `first_page` tells whether a listing begins with it.
    ///
    /// Flat listings of whole trees (`deep`) do not lag. A folder in the recycle bin that lingers is shown as it was.
    pub(crate) fn view(&mut self, folder: u64, order: Order, deep: bool, first_page: bool) -> View {
        if let Some(children) = self.lingering_children(folder) {
            let old = children.iter().map(|node| (node.id, (*node).clone())).collect();
            let shown = Overlay::of(&children, old, order);
            return View { counted: Some(shown.clone()), shown };
        }
        let rows = self.listed(folder, order, deep);
        let now = self.time();
        let fresh = Overlay { rows, old: HashMap::new() };
        let Some(shadows) = self.shadows.of_folder.get_mut(&folder).filter(|_| !deep) else {
            return View { shown: fresh, counted: None };
        };
        if first_page {
            for shadow in shadows.iter_mut() {
                shadow.rows.turn_to_next_listing();
                shadow.counts.turn_to_next_listing();
            }
        }
        shadows.retain(|shadow| shadow.rows.lives(now) || shadow.counts.lives(now));
        if shadows.is_empty() {
            self.shadows.of_folder.remove(&folder);
            return View { shown: fresh, counted: None };
        }
        let overlay = |lives: &dyn Fn(&Shadow) -> bool| {
            let mut old: HashMap<u64, Option<SimNode>> = HashMap::new();
            for shadow in shadows.iter().filter(|shadow| lives(shadow)) {
                // Of several shadows of a node the oldest tells what was before all the writes.
                old.entry(shadow.id).or_insert_with(|| shadow.was.clone());
            }
            let true_rows = fresh.rows.iter().filter(|id| !old.contains_key(id));
            let mut nodes: Vec<&SimNode> = true_rows.filter_map(|id| self.nodes.get(id)).collect();
            nodes.extend(old.values().flatten());
            let rows = order::sorted(nodes, order);
            Overlay { rows, old: old.into_iter().filter_map(|(id, was)| Some((id, was?))).collect() }
        };
        View {
            shown: overlay(&|shadow| shadow.rows.lives(now)),
            counted: Some(overlay(&|shadow| shadow.counts.lives(now))),
        }
    }
}
