//! Tests that drive the running server over HTTP.

mod client;
mod listing;
mod lookup;
