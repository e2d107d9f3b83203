//! Tests that drive the running server over HTTP.

mod cdn;
mod client;
mod control;
mod cookies;
mod copying;
mod deleting;
mod faults;
mod folders;
mod lag;
mod links;
mod listing;
mod lookup;
mod moving;
mod queue;
mod receiving;
mod renaming;
mod scale;
mod share_links;
mod shares;
mod writing;
