//! An open file as `dav_server` wants to see it.
//!
//! Content is handed out by `server`, which can still answer with an error after the link was refused.
//! So nothing can be read here, and as an empty read would be padded with zeros, a read is an error.

use std::io::SeekFrom;

use bytes::{Buf, Bytes};
use dav_server::fs::{DavFile, DavMetaData, FsError, FsFuture};
use futures_util::FutureExt as _;
use futures_util::future;

use super::meta::Meta;

/// A file opened to look at it.
#[derive(Debug)]
pub(super) struct OpenFile(pub(super) Meta);

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
