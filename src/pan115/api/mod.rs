//! One file per call: its wire form, the call, and the way into the model.

pub(super) mod download;
pub(super) mod list;
pub(super) mod share;
pub(super) mod space;
