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
pub(super) struct Meta(pub(super) NodeRef);

impl fmt::Debug for Meta {
    /// The node alone: the reference keeps a whole listing.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Meta").field(&*self.0).finish()
    }
}

impl DavMetaData for Meta {
    fn len(&self) -> u64 {
        self.0.size
    }

    fn modified(&self) -> FsResult<SystemTime> {
        Ok(self.0.modified)
    }

    fn created(&self) -> FsResult<SystemTime> {
        Ok(self.0.created)
    }

    fn is_dir(&self) -> bool {
        self.0.is_folder()
    }

    /// Folders have none, as in our own PROPFIND.
    fn etag(&self) -> Option<String> {
        (!self.0.is_folder()).then(|| bare_etag(&self.0))
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
        let meta = Meta(NodeRef::Listed(Arc::clone(&self.listing), self.index));
        future::ready(Ok(Box::new(meta) as Box<dyn DavMetaData>)).boxed()
    }
}
