//! `[limits]`: how gently 115 is treated, per account.

use std::time::Duration;

use super::describe::Page;
use super::parse::{Refusal, duration, duration_or_zero, number, whole};
use super::table::{Read, Table};

/// How gently 115 is treated, per account.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// Calls per second on average; above zero.
    pub requests_per_second: f64,
    /// Calls that may be made at once after a quiet time; at least one.
    pub burst: u32,
    /// Total time of one call with its retries.
    pub deadline: Duration,
    /// Time of one attempt; at most [`Limits::deadline`].
    pub attempt_timeout: Duration,
    /// Time to connect.
    pub connect_timeout: Duration,
    /// How long a body may be silent.
    pub read_timeout: Duration,
    /// Further attempts after a failed one; at most 10.
    pub retries: u32,
    /// How long to make no calls after 115 has blocked the account.
    pub block_pause: Duration,
    /// Bodies streamed at once; at least one.
    pub open_bodies: usize,
    /// How long to wait for a free place among [`Limits::open_bodies`].
    pub open_wait: Duration,
}

impl Limits {
    pub(super) fn read(table: &mut Table<'_>) -> Read<Self> {
        let requests_per_second = table.required("requests_per_second", number(0.01..=100.0));
        let burst = table.required("burst", whole(1..=1000));
        let deadline = table.required("deadline", duration);
        let attempt_timeout = table.required("attempt_timeout", duration);
        let connect_timeout = table.required("connect_timeout", duration);
        let read_timeout = table.required("read_timeout", duration);
        let retries = table.required("retries", whole(0..=10));
        let block_pause = table.required("block_pause", duration);
        let open_bodies = table.required("open_bodies", whole(1..=1000));
        let open_wait = table.required("open_wait", duration_or_zero);
        let (deadline, attempt_timeout) = (deadline?, attempt_timeout?);
        if attempt_timeout > deadline {
            let refusal = Refusal::new(format!("at most {}", table.stated("deadline", deadline)));
            return Err(table.refuse("attempt_timeout", refusal));
        }
        Ok(Self {
            requests_per_second: requests_per_second?,
            burst: burst?,
            deadline,
            attempt_timeout,
            connect_timeout: connect_timeout?,
            read_timeout: read_timeout?,
            retries: retries?,
            block_pause: block_pause?,
            open_bodies: open_bodies?,
            open_wait: open_wait?,
        })
    }

    pub(super) fn describe(&self, page: &mut Page) {
        page.table("[limits]");
        page.plain("requests_per_second", format_args!("{:?}", self.requests_per_second));
        page.plain("burst", self.burst);
        page.duration("deadline", self.deadline);
        page.duration("attempt_timeout", self.attempt_timeout);
        page.duration("connect_timeout", self.connect_timeout);
        page.duration("read_timeout", self.read_timeout);
        page.plain("retries", self.retries);
        page.duration("block_pause", self.block_pause);
        page.plain("open_bodies", self.open_bodies);
        page.duration("open_wait", self.open_wait);
    }
}
