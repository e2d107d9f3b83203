//! dav115: a WebDAV gateway for the 115 cloud drive.

pub mod config;
pub mod model;
