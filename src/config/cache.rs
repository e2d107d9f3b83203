//! `[cache]`: how much is remembered, and how long.

use std::time::Duration;

use super::describe::Page;
use super::parse::{Refusal, duration, duration_or_zero, whole};
use super::table::{Read, Table};

/// How much is remembered, and how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cache {
    /// How long a listing is used; at least [`Cache::listing_ttl_floor`].
    pub listing_ttl: Duration,
    /// The least [`Cache::listing_ttl`] accepted.
    pub listing_ttl_floor: Duration,
    /// Entries in all cached listings together.
    pub listing_entries: u64,
    /// Cached links.
    pub links: u64,
    /// A link with less than this left to live is not handed out.
    pub link_margin: Duration,
}

impl Cache {
    pub(super) fn read(table: &mut Table<'_>) -> Read<Self> {
        let listing_ttl = table.required("listing_ttl", duration);
        let listing_ttl_floor = table.required("listing_ttl_floor", duration);
        let listing_entries = table.required("listing_entries", whole(1..=1_000_000_000));
        let links = table.required("links", whole(1..=100_000_000));
        let link_margin = table.required("link_margin", duration_or_zero);
        let (listing_ttl, listing_ttl_floor) = (listing_ttl?, listing_ttl_floor?);
        if listing_ttl < listing_ttl_floor {
            let floor = table.stated("listing_ttl_floor", listing_ttl_floor);
            let refusal = Refusal::new(format!("at least {floor}"));
            return Err(table.refuse("listing_ttl", refusal));
        }
        Ok(Self {
            listing_ttl,
            listing_ttl_floor,
            listing_entries: listing_entries?,
            links: links?,
            link_margin: link_margin?,
        })
    }

    pub(super) fn describe(&self, page: &mut Page) {
        page.table("[cache]");
        page.duration("listing_ttl", self.listing_ttl);
        page.duration("listing_ttl_floor", self.listing_ttl_floor);
        page.plain("listing_entries", self.listing_entries);
        page.plain("links", self.links);
        page.duration("link_margin", self.link_margin);
    }
}
