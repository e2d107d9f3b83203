//! One file per call: its wire form, the call, and the way into the model. `entry` holds what several have in common.

pub(super) mod change;
pub(super) mod download;
mod entry;
pub(super) mod info;
pub(super) mod list;
pub(super) mod login;
pub(super) mod share;
pub(super) mod space;
pub(super) mod upload;
