//! Tests that drive the running server over HTTP.

mod cdn;
mod client;
mod control;
mod cookies;
mod faults;
mod links;
mod listing;
mod login;
mod lookup;
mod receiving;
mod scale;
mod share_links;
mod shares;
