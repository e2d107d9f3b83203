//! All pages of a folder: complete, or an error.

use std::collections::HashSet;

use super::api::list::{APS_MAX, Order, PAGE_SIZE, Page, corrupt, is_key};
use super::{Client, ErrorKind, Host, Pan115Error};
use crate::model::{FileId, Meter, Node};

/// How often a folder that changes while it is listed is listed anew.
pub(super) const MAX_RESTARTS: u32 = 2;

/// Why a listing must begin anew.
pub(super) enum Turn {
    /// The folder changed meanwhile, or 115 changed the order.
    Restart(&'static str),
    /// 115 insists on another order.
    Order(Order, Host),
    Error(Pan115Error),
}

impl From<Pan115Error> for Turn {
    fn from(error: Pan115Error) -> Self {
        match &error.wanted_order {
            Some((key, ascending)) if error.kind == ErrorKind::OtherOrder && is_key(key) => {
                // An order by name is only to be had from the other host.
                let host = if key == "file_name" { Host::Aps } else { Host::Web };
                Self::Order(Order { key: key.clone().into(), ascending: *ascending }, host)
            }
            _ => Self::Error(error),
        }
    }
}

impl Client {
    /// All entries of `folder`, in 115's order.
    ///
    /// **Cost**: one call for the first 1150 entries and one per 1149 further ones; one more if 115's two counts disagree or its last page comes too early.
    /// **Errors**: `NotFound` if the folder does not exist; `Corrupt` if the entries do not add up,
    /// because a short listing would make a sync client delete files.
    /// **Source**: protocol notes, reading part, §3.5 and §3.6.
    pub async fn list(&self, meter: &Meter, folder: FileId) -> Result<Vec<Node>, Pan115Error> {
        let (mut order, mut host) = (Order::STABLE, Host::Web);
        let mut reason = "";
        for _ in 0..=MAX_RESTARTS {
            match self.list_once(meter, host, folder, &order).await {
                Ok(nodes) => return Ok(nodes),
                Err(Turn::Error(error)) => return Err(error),
                Err(Turn::Order(wanted, from)) => {
                    (order, host, reason) = (wanted, from, "in another order than asked for");
                }
                Err(Turn::Restart(why)) => reason = why,
            }
            tracing::debug!(folder = folder.0, reason, "listing a folder anew");
        }
        Err(corrupt(&format!("was different every time: {reason}")))
    }

    /// Whether `folder` exists.
    ///
    /// **Cost**: one call.
    /// **Errors**: `NotFound` if it does not.
    pub async fn look_at(&self, meter: &Meter, folder: FileId) -> Result<(), Pan115Error> {
        match self.page(meter, Host::Web, folder, 0, &Order::STABLE).await {
            Err(error) if error.kind != ErrorKind::OtherOrder => Err(error),
            _ => Ok(()),
        }
    }

    async fn list_once(
        &self,
        meter: &Meter,
        host: Host,
        folder: FileId,
        asked: &Order,
    ) -> Result<Vec<Node>, Turn> {
        let mut pages = Pages::default();
        loop {
            let offset = pages.next_offset();
            let order = pages.order.as_ref().unwrap_or(asked);
            let page = self.page(meter, host, folder, offset, order).await?;
            if host == Host::Aps && page.count > APS_MAX {
                return Err(Turn::Error(corrupt(
                    "can only be had by name, which 115 does for no more than 1200 entries",
                )));
            }
            if pages.add(page, offset)? {
                return Ok(pages.nodes);
            }
        }
    }
}

/// What has come so far.
#[derive(Default)]
pub(super) struct Pages {
    pub(super) nodes: Vec<Node>,
    seen: HashSet<FileId>,
    order: Option<Order>,
    count: Option<u64>,
    /// The page before brought nothing new although entries are missing; whether it held the last entry at least.
    stalled: Option<bool>,
}

impl Pages {
    /// Where the next page begins: with the last entry that came, so that both pages are seen to fit together.
    ///
    /// If one entry is deleted and another added meanwhile, the count stays the same but all others move up,
    /// and without this the one at the border would be missing from a listing that looks complete.
    ///
    /// A page that brought nothing new is not asked for again in the same way.
    pub(super) fn next_offset(&self) -> u64 {
        let have = self.nodes.len() as u64;
        if self.stalled.is_some() { have } else { have.saturating_sub(1) }
    }

    /// Takes a page that was asked for at `offset`; `true` if it was the last.
    pub(super) fn add(&mut self, page: Page, offset: u64) -> Result<bool, Turn> {
        if page.offset != offset {
            return Err(Turn::Restart("a page from another place"));
        }
        // 115 may use the order it remembers for the folder. That does no harm as long as it is the same for all pages.
        if offset > 0 && page.order != self.order {
            return Err(Turn::Restart("pages in different orders"));
        }
        self.order.clone_from(&page.order);
        // Something was deleted meanwhile: what follows has moved up, and an entry was skipped.
        if self.count.is_some_and(|before| page.count < before) && offset > 0 {
            return Err(Turn::Restart("entries that disappear"));
        }
        self.count = Some(page.count);

        let (came, limit) = (page.nodes.len() as u64, page.limit.clamp(1, PAGE_SIZE));
        let before = self.nodes.len();
        self.append(page.nodes, offset < before as u64)?;
        let have = self.nodes.len() as u64;
        if self.nodes.len() == before {
            return if have >= page.count { Ok(true) } else { self.too_few(came > 0, page.count) };
        }
        self.stalled = None;
        // Either count may be too low, and believing it would cut the listing short.
        // So a full page is taken for the last one only if both say so.
        let count = page.count.max(page.second_count.unwrap_or(0));
        Ok(have >= count && (came < limit || page.second_count == Some(page.count)))
    }

    /// Appends a page; if it `overlaps`, without its first entry, which must be the last one of the page before.
    fn append(&mut self, nodes: Vec<Node>, overlaps: bool) -> Result<(), Turn> {
        let mut nodes = nodes.into_iter();
        if let (true, Some(last)) = (overlaps, self.nodes.last())
            && nodes.next().is_some_and(|first| first.id != last.id)
        {
            return Err(Turn::Restart("entries that move"));
        }
        for node in nodes {
            if !self.seen.insert(node.id) {
                return Err(Turn::Restart("the same entry twice"));
            }
            self.nodes.push(node);
        }
        Ok(())
    }

    /// A page with nothing new although entries are missing.
    ///
    /// It has been reported that 115 counts entries it never lists.
    /// Then it still lists the last one, nothing comes after it, and fewer than a page are missing.
    /// Everything else looks like a failure in disguise.
    fn too_few(&mut self, came: bool, count: u64) -> Result<bool, Turn> {
        let Some(held_the_last) = self.stalled else {
            self.stalled = Some(came);
            return Ok(false);
        };
        let have = self.nodes.len() as u64;
        if !held_the_last || count - have >= PAGE_SIZE {
            return Err(Turn::Error(corrupt(&format!(
                "ends after {have} of {count} entries, so it is not used"
            ))));
        }
        tracing::warn!(have, count, "115 counts more entries of a folder than it lists, twice in a row");
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    fn entry(id: u64) -> Node {
        Node { id: FileId(id), ..Node::virtual_folder("x", SystemTime::UNIX_EPOCH) }
    }

    /// A page that goes on from `pages` with the entries `ids`.
    fn page(pages: &Pages, ids: std::ops::Range<u64>, count: u64, second_count: Option<u64>) -> Page {
        let overlap = pages.nodes.last().cloned().filter(|_| pages.stalled.is_none());
        Page {
            nodes: overlap.into_iter().chain(ids.map(entry)).collect(),
            count,
            second_count,
            limit: PAGE_SIZE,
            offset: pages.next_offset(),
            order: Some(Order::STABLE),
        }
    }

    fn add(
        pages: &mut Pages,
        ids: std::ops::Range<u64>,
        count: u64,
        second: Option<u64>,
    ) -> Result<bool, Turn> {
        let page = page(pages, ids, count, second);
        let offset = page.offset;
        pages.add(page, offset)
    }

    #[track_caller]
    fn done(outcome: Result<bool, Turn>, expected: bool) {
        assert_eq!(outcome.ok(), Some(expected));
    }

    #[test]
    fn the_next_page_begins_after_what_came() {
        let mut pages = Pages::default();
        done(add(&mut pages, 0..700, 1000, None), false);
        done(add(&mut pages, 700..1000, 1000, None), true);
    }

    #[test]
    fn an_empty_folder_is_one_page() {
        done(add(&mut Pages::default(), 0..0, 0, None), true);
    }

    #[test]
    fn a_count_that_is_too_low_does_not_cut_a_listing_short() {
        let mut pages = Pages::default();
        done(add(&mut pages, 0..1150, 1140, Some(1150)), false);
        done(add(&mut pages, 1150..1160, 1140, Some(1150)), true);
        done(add(&mut Pages::default(), 0..1150, 1150, Some(1150)), true);
        done(add(&mut Pages::default(), 0..1150, 1150, None), false);
    }

    #[test]
    fn a_short_page_is_not_the_last_if_the_second_count_says_so() {
        let mut pages = Pages::default();
        done(add(&mut pages, 0..950, 500, Some(2000)), false);
        done(add(&mut pages, 950..2000, 500, Some(2000)), true);
    }

    #[test]
    fn pages_of_a_single_entry_get_there_too() {
        let mut pages = Pages::default();
        done(add(&mut pages, 0..1, 3, None), false);
        for id in 1..3 {
            let alone = Page { nodes: vec![entry(id - 1)], ..page(&pages, 0..0, 3, None) };
            done(pages.add(alone, id - 1), false);
            done(add(&mut pages, id..id + 1, 3, None), id == 2);
        }
    }

    #[test]
    fn a_count_that_is_too_high_ends_the_listing_only_if_115_insists() {
        let mut pages = Pages::default();
        done(add(&mut pages, 0..10, 12, None), false);
        done(add(&mut pages, 10..10, 12, None), false);
        done(add(&mut pages, 10..10, 12, None), true);
    }

    #[test]
    fn a_listing_that_ends_far_too_early_is_an_error_and_so_is_one_without_any_entry() {
        for (came, count) in [(0, 3), (1150, 9000)] {
            let mut pages = Pages::default();
            if came > 0 {
                done(add(&mut pages, 0..came, count, None), false);
            }
            done(add(&mut pages, came..came, count, None), false);
            assert!(matches!(add(&mut pages, came..came, count, None), Err(Turn::Error(_))));
        }
    }

    #[test]
    fn a_page_that_does_not_even_hold_the_last_entry_is_no_end() {
        let mut pages = Pages::default();
        done(add(&mut pages, 0..10, 12, None), false);
        let empty = |pages: &Pages| Page { nodes: Vec::new(), ..page(pages, 0..0, 12, None) };
        let first = empty(&pages);
        done(pages.add(first, 9), false);
        let second = empty(&pages);
        assert!(matches!(pages.add(second, 10), Err(Turn::Error(_))));
    }

    #[test]
    fn a_deletion_that_an_addition_hides_is_noticed() {
        let mut pages = Pages::default();
        done(add(&mut pages, 0..1150, 3000, None), false);
        let moved = Page { nodes: (1150..2300).map(entry).collect(), ..page(&pages, 0..0, 3000, None) };
        assert!(matches!(pages.add(moved, 1149), Err(Turn::Restart(_))));
    }

    #[test]
    fn a_folder_that_changes_meanwhile_is_listed_anew() {
        let begun = || {
            let mut pages = Pages::default();
            done(add(&mut pages, 0..1150, 3000, None), false);
            pages
        };
        assert!(matches!(add(&mut begun(), 1148..2000, 3000, None), Err(Turn::Restart(_))));
        assert!(matches!(add(&mut begun(), 1150..2000, 2999, None), Err(Turn::Restart(_))));
        let (mut pages, other) = (begun(), Order { key: "file_name".into(), ascending: true });
        let page = Page { order: Some(other), ..page(&pages, 1150..2000, 3000, None) };
        assert!(matches!(pages.add(page, 1149), Err(Turn::Restart(_))));
        let elsewhere = self::page(&Pages::default(), 0..1150, 3000, None);
        assert!(matches!(begun().add(elsewhere, 1149), Err(Turn::Restart(_))));
        done(add(&mut begun(), 1150..2300, 3001, None), false);
    }
}
