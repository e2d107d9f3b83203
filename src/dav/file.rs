//! Open files as `dav_server` wants to see them.
//!
//! Content is handed out by `server`, which can still answer with an error after the link was refused.
//! So nothing can be read here, and as an empty read would be padded with zeros, a read is an error.

use std::fmt;
use std::io::SeekFrom;

use bytes::{Buf, Bytes};
use dav_server::fs::{DavFile, DavMetaData, FsError, FsFuture};
use futures_util::FutureExt as _;
use futures_util::future;

use super::RequestCtx;
use super::meta::Meta;
use crate::vfs::{NodeRef, Upload};

/// A file opened to look at it.
#[derive(Debug)]
pub(super) struct OpenFile(pub(super) Meta);

/// A file that is being stored. Dropped without a flush, nothing comes of it.
pub(super) struct NewFile {
    pub(super) upload: Upload,
    pub(super) stored: Option<NodeRef>,
    pub(super) ctx: RequestCtx,
}

impl fmt::Debug for NewFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewFile").field("stored", &self.stored.is_some()).finish_non_exhaustive()
    }
}

fn refuse<T: Send + 'static>(error: FsError) -> FsFuture<'static, T> {
    future::ready(Err(error)).boxed()
}

impl DavFile for OpenFile {
    fn metadata(&'_ mut self) -> FsFuture<'_, Box<dyn DavMetaData>> {
        future::ready(Ok(Box::new(self.0.clone()) as Box<dyn DavMetaData>)).boxed()
    }

    fn write_buf(&'_ mut self, _: Box<dyn Buf + Send>) -> FsFuture<'_, ()> {
        refuse(FsError::Forbidden)
    }

    fn write_bytes(&'_ mut self, _: Bytes) -> FsFuture<'_, ()> {
        refuse(FsError::Forbidden)
    }

    fn read_bytes(&'_ mut self, _: usize) -> FsFuture<'_, Bytes> {
        refuse(FsError::GeneralFailure)
    }

    fn seek(&'_ mut self, _: SeekFrom) -> FsFuture<'_, u64> {
        refuse(FsError::GeneralFailure)
    }

    fn flush(&'_ mut self) -> FsFuture<'_, ()> {
        refuse(FsError::Forbidden)
    }
}

impl NewFile {
    /// Takes note of whether any more of the body is wanted.
    pub(super) fn note_enough(&self) {
        if self.upload.is_stored() {
            self.ctx.say_enough();
        }
    }
}

impl DavFile for NewFile {
    fn metadata(&'_ mut self) -> FsFuture<'_, Box<dyn DavMetaData>> {
        let stored = self.stored.clone().ok_or(FsError::GeneralFailure);
        future::ready(stored.map(|node| Box::new(Meta::of(node)) as Box<dyn DavMetaData>)).boxed()
    }

    fn write_buf(&'_ mut self, mut buffer: Box<dyn Buf + Send>) -> FsFuture<'_, ()> {
        let bytes = buffer.copy_to_bytes(buffer.remaining());
        self.write_bytes(bytes)
    }

    fn write_bytes(&'_ mut self, bytes: Bytes) -> FsFuture<'_, ()> {
        async move {
            self.upload.write(bytes).await.map_err(|error| self.ctx.fail(error))?;
            self.note_enough();
            Ok(())
        }
        .boxed()
    }

    fn read_bytes(&'_ mut self, _: usize) -> FsFuture<'_, Bytes> {
        refuse(FsError::GeneralFailure)
    }

    fn seek(&'_ mut self, _: SeekFrom) -> FsFuture<'_, u64> {
        refuse(FsError::GeneralFailure)
    }

    /// `dav_server` calls it once, when the body has ended, and checks the length only afterwards: so it is checked here.
    fn flush(&'_ mut self) -> FsFuture<'_, ()> {
        async move {
            self.stored = Some(self.upload.commit().await.map_err(|error| self.ctx.fail(error))?);
            Ok(())
        }
        .boxed()
    }
}
