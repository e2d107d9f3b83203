//! Nodes and entries as `dav_server` wants to see them. No I/O: everything is in the listing already.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use dav_server::fs::{DavDirEntry, DavMetaData, FsFuture, FsResult};
use futures_util::FutureExt as _;
use futures_util::future;

use super::entity::bare_etag;
use crate::model::Listing;
use crate::vfs::NodeRef;

/// The metadata of a node. A clone costs one counter.
#[derive(Clone)]
pub(super) struct Meta {
    pub(super) node: NodeRef,
    /// A folder that `dav_server` is to take for a file, since it would else do to each of its children what is to be done to it.
    pub(super) whole: bool,
}

impl Meta {
    pub(super) fn of(node: NodeRef) -> Self {
        Self { node, whole: false }
    }
}

impl fmt::Debug for Meta {
    /// The node alone: the reference keeps a whole listing.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Meta").field(&*self.node).finish()
    }
}

impl DavMetaData for Meta {
    fn len(&self) -> u64 {
        self.node.size
    }

    fn modified(&self) -> FsResult<SystemTime> {
        Ok(self.node.modified)
    }

    fn created(&self) -> FsResult<SystemTime> {
        Ok(self.node.created)
    }

    fn is_dir(&self) -> bool {
        self.node.is_folder() && !self.whole
    }

    /// Folders have none, as in our own PROPFIND.
    fn etag(&self) -> Option<String> {
        (!self.node.is_folder()).then(|| bare_etag(&self.node))
    }
}

/// One child of a complete listing.
pub(super) struct Entry {
    pub(super) listing: Arc<Listing>,
    pub(super) index: usize,
    pub(super) windows_names: bool,
}

impl DavDirEntry for Entry {
    fn name(&self) -> Vec<u8> {
        let name = if self.windows_names {
            self.listing.windows_name(self.index)
        } else {
            &self.listing.nodes()[self.index].name
        };
        name.as_bytes().to_vec()
    }

    fn metadata(&'_ self) -> FsFuture<'_, Box<dyn DavMetaData>> {
        let meta = Meta::of(NodeRef::Listed(Arc::clone(&self.listing), self.index));
        future::ready(Ok(Box::new(meta) as Box<dyn DavMetaData>)).boxed()
    }
}
