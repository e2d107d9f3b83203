//! What travels with one request through `dav_server` and back.
//!
//! `dav_server` hands it to every call, also from inside streaming bodies, where task-locals are gone.
//! Made by the caller of the handler; read by `fs`.

use std::sync::Arc;

use dav_server::fs::FsError;
use parking_lot::Mutex;

use super::error::{says_it_all, to_fs_error};
use crate::model::{ClientTraits, Meter};
use crate::vfs::{At, VPath, VfsError, View};

/// One request's context. Clones share the slot and the meter.
#[derive(Clone, Debug)]
pub struct RequestCtx {
    /// Counts the calls to 115.
    pub meter: Meter,
    /// What is known of the client.
    pub traits: ClientTraits,
    /// The path of the request, which `dav_server` does not tell when it asks for quota.
    pub path: VPath,
    /// What its user may see.
    pub view: View,
    slot: Arc<Mutex<Option<VfsError>>>,
}

impl RequestCtx {
    /// For a request for `path` by a user of `view`.
    pub fn new(path: VPath, view: View, traits: ClientTraits, meter: Meter) -> Self {
        Self { meter, traits, path, view, slot: Arc::default() }
    }

    /// The path as the tree wants it.
    pub(super) fn at(&self, path: VPath) -> At {
        self.view.at(path)
    }

    /// The tree's error behind an answer of `dav_server`, if there was one that it has no word for.
    ///
    /// Whoever ran the handler asks this before it believes the answer, since `dav_server` may even have made a success of it.
    pub fn take_error(&self) -> Option<VfsError> {
        self.slot.lock().take()
    }

    /// Translates `error` and keeps it. The first one stays: later ones follow from it.
    pub(super) fn fail(&self, error: VfsError) -> FsError {
        let word = to_fs_error(&error);
        if !says_it_all(word) {
            self.slot.lock().get_or_insert(error);
        }
        word
    }
}
