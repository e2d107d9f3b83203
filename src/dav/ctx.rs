//! What travels with one request through `dav_server` and back.
//!
//! `dav_server` hands it to every call, also from inside streaming bodies, where task-locals are gone.
//! Made by the caller of the handler; read by `fs`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use dav_server::fs::FsError;
use parking_lot::Mutex;

use super::Patch;
use super::error::{says_it_all, to_fs_error};
use crate::model::{ClientTraits, Meter};
use crate::vfs::{At, Depth, UploadIntent, VPath, VfsError, View};

/// One request's context. Clones share the slot, the meter and the sign of having enough.
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
    /// What is to be done, which `dav_server` does not tell either.
    pub task: Task,
    slot: Arc<Mutex<Option<VfsError>>>,
    enough: Arc<AtomicBool>,
}

/// What a request is to do, as far as the adapter has to know.
#[derive(Clone, Debug, Default)]
pub enum Task {
    /// Something for which the methods called say everything.
    #[default]
    Plain,
    /// Storing a file with a body of which this is known.
    Put(UploadIntent),
    /// Locking a name, which makes an empty file if nothing is there.
    Lock,
    /// Setting and removing properties.
    Patch(Arc<Patch>),
    /// Removing, moving or copying. These paths are each one thing, whatever is in it: `dav_server` must not walk it.
    Whole {
        /// The path of the request.
        source: VPath,
        /// That of its `Destination`.
        destination: Option<VPath>,
        /// How much of a folder is copied.
        depth: Depth,
    },
}

impl RequestCtx {
    /// For a request for `path` by a user of `view`.
    pub fn new(path: VPath, view: View, traits: ClientTraits, meter: Meter) -> Self {
        Self { meter, traits, path, view, task: Task::Plain, slot: Arc::default(), enough: Arc::default() }
    }

    /// The same for a request that is to do `task`.
    #[must_use]
    pub fn with_task(self, task: Task) -> Self {
        Self { task, ..self }
    }

    /// The path as the tree wants it.
    pub(super) fn at(&self, path: VPath) -> At {
        self.view.at(path).spelled_leniently(self.traits.spells_leniently())
    }

    /// Whether `path` is to be taken as one thing.
    pub(super) fn is_whole(&self, path: &VPath) -> bool {
        match &self.task {
            Task::Whole { source, destination, .. } => path == source || Some(path) == destination.as_ref(),
            _ => false,
        }
    }

    /// Whether `path` is about to be replaced, which is done by what replaces it.
    pub(super) fn is_replaced(&self, path: &VPath) -> bool {
        matches!(&self.task, Task::Whole { destination: Some(destination), .. } if path == destination)
    }

    /// Says that the rest of the body is not needed.
    pub(super) fn say_enough(&self) {
        self.enough.store(true, Ordering::Release);
    }

    /// Whether the rest of the body is needed no more.
    pub(super) fn has_enough(&self) -> bool {
        self.enough.load(Ordering::Acquire)
    }

    /// The tree's error behind an answer of `dav_server`, if there was one that it has no word for.
    ///
    /// Whoever ran the handler asks this before it believes the answer, since `dav_server` may even have made a success of it.
    pub fn take_error(&self) -> Option<VfsError> {
        self.slot.lock().take()
    }

    /// Makes sure that no look-up of this request has failed.
    ///
    /// `dav_server` takes what it cannot look up for what is not there, and would overwrite what must not be overwritten.
    pub(super) fn check(&self) -> Result<(), FsError> {
        if self.slot.lock().is_some() { Err(FsError::IsRemote) } else { Ok(()) }
    }

    /// Translates `error` and keeps it. The first one stays: later ones follow from it.
    pub(super) fn fail(&self, error: VfsError) -> FsError {
        let word = to_fs_error(&error);
        if !says_it_all(&error) {
            self.slot.lock().get_or_insert(error);
        }
        word
    }
}
