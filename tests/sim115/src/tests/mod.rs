//! Tests that drive the running server over HTTP.

mod cdn;
mod client;
mod control;
mod cookies;
mod faults;
mod links;
mod listing;
mod lookup;
mod oss;
mod oss_parts;
mod rapid;
mod receiving;
mod scale;
mod share_links;
mod shares;
mod upload_client;
mod upload_faults;
mod upload_init;
mod upload_users;
mod uploads;
mod users;
