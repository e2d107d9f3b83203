//! dav115: a WebDAV gateway for the 115 cloud drive.

pub mod cache;
pub mod cli;
pub mod config;
pub mod crypto;
pub mod dav;
pub mod drive;
pub mod model;
pub mod pan115;
pub mod server;
pub mod transport;
pub mod vfs;
