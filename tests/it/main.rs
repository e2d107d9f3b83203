//! The one integration test binary: the whole gateway against the simulated 115.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a helper of tests fails by panicking, as a test does"
)]

mod bad_input;
mod budget;
mod cookies;
mod davserver_edges;
mod download;
mod drive;
mod faults;
mod harness;
mod login;
mod multistatus;
mod prefix;
mod reload;
mod rights;
mod saved;
mod shares;
mod shutdown;
mod tidy;
mod trees;
mod two_accounts;
mod write;
