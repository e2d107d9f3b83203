//! dav115: a WebDAV gateway for the 115 cloud drive.
//!
//! From the top down, each module calling only those below it:
//!
//! - [`cli`], [`commands`], `demo`, [`app`], `telemetry`: the program around the gateway
//! - [`config`][]: settings, checked
//! - [`server`][]: HTTP
//! - [`dav`][]: WebDAV
//! - [`vfs`][]: the tree of mounts, with [`cache`] beside it
//! - [`drive`][]: what the tree needs of a cloud
//! - [`pan115`][]: the 115 client, with [`crypto`] beside it
//! - [`transport`][]: requests, pace, breaker, retries
//! - [`model`][]: the words all of them share
//!
//! `tests/it/tidy` holds the modules to this order.

pub mod app;
pub mod cache;
pub mod cli;
pub mod commands;
pub mod config;
pub mod crypto;
pub mod dav;
mod demo;
pub mod drive;
pub mod model;
pub mod pan115;
pub mod server;
mod telemetry;
pub mod transport;
pub mod vfs;
