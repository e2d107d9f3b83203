//! The tree as a file system of `dav_server`.
//!
//! Knows `vfs` and `dav_server`'s traits. Does not know requests, except for what [`RequestCtx`] carries.
//! Called by `dav_server`'s handler alone. Content is not read through it.

#[cfg(test)]
mod tests;

use std::pin::Pin;
use std::sync::Arc;

use dav_server::davpath::DavPath;
use dav_server::fs::{
    DavDirEntry, DavFile, DavMetaData, DavProp, FsError, FsFuture, FsStream, GuardedFileSystem, OpenOptions,
    ReadDirMeta,
};
use futures_util::{FutureExt as _, StreamExt as _, future, stream};
use http::StatusCode;

use crate::dav::ctx::Task;
use crate::dav::file::{NewFile, OpenFile};
use crate::dav::meta::{Entry, Meta};
use crate::dav::properties::Dead;
use crate::dav::{Properties, RequestCtx, props, space};
use crate::model::Meter;
use crate::vfs::{Op, UploadIntent, VPath, Vfs, VfsError, VfsErrorKind};

/// A file system over a tree. `dav_server` clones it for every request.
#[derive(Clone)]
pub struct DavFs {
    vfs: Arc<Vfs>,
    properties: Arc<Properties>,
}

impl DavFs {
    /// Over `vfs`, with dead `properties`.
    pub fn new(vfs: Arc<Vfs>, properties: Arc<Properties>) -> Self {
        Self { vfs, properties }
    }

    async fn stat(&self, path: &DavPath, ctx: &RequestCtx) -> Result<Meta, FsError> {
        let path = to_vpath(path)?;
        let whole = ctx.is_whole(&path);
        let node = self.vfs.stat(&ctx.meter, &ctx.at(path)).await.map_err(|error| ctx.fail(error))?;
        Ok(Meta { node: node.into_node(), whole })
    }

    /// Makes a change to its end, also if the client goes away: half of one would be worse than one that nobody waits for.
    async fn finish<F>(
        &self,
        ctx: &RequestCtx,
        change: impl FnOnce(Arc<Vfs>, Meter) -> F,
    ) -> Result<(), FsError>
    where
        F: Future<Output = Result<(), VfsError>> + Send + 'static,
    {
        let change = change(Arc::clone(&self.vfs), ctx.meter.clone());
        self.vfs.finish(change).await.map_err(|error| ctx.fail(error))
    }

    /// Makes a file of the name, or of the body that follows.
    async fn open_new(
        &self,
        path: &DavPath,
        options: &OpenOptions,
        ctx: &RequestCtx,
    ) -> Result<Box<dyn DavFile>, FsError> {
        ctx.check()?;
        let at = ctx.at(to_vpath(path)?);
        let intent = match &ctx.task {
            Task::Put(intent) => *intent,
            Task::Lock => UploadIntent { size: Some(0), sha1: None },
            Task::Plain | Task::Patch(_) | Task::Whole { .. } => return Err(FsError::Forbidden),
        };
        if options.create_new || !options.create {
            match (self.vfs.stat(&ctx.meter, &at).await.map_err(|error| ctx.fail(error)), options.create_new)
            {
                (Ok(_), true) => return Err(FsError::Exists),
                (Err(error), false) => return Err(error),
                _ => {}
            }
        }
        let upload = self.vfs.begin_upload(&ctx.meter, &at, intent).await.map_err(|error| ctx.fail(error))?;
        let mut file = NewFile { upload, stored: None, ctx: ctx.clone() };
        if matches!(ctx.task, Task::Lock) {
            // `dav_server` drops it without a flush, and expects the file to be there.
            file.flush().await?;
        }
        file.note_enough();
        Ok(Box::new(file))
    }
}

/// `dav_server` lets through what no path of the tree can be; nothing is there.
/// It writes the parent of a top-level entry as the empty path.
fn to_vpath(path: &DavPath) -> Result<VPath, FsError> {
    match std::str::from_utf8(path.as_bytes()) {
        Ok("") => Ok(VPath::root()),
        Ok(text) => VPath::parse(text).map_err(|_| FsError::NotFound),
        Err(_) => Err(FsError::NotFound),
    }
}

impl GuardedFileSystem<RequestCtx> for DavFs {
    fn open<'a>(
        &'a self,
        path: &'a DavPath,
        options: OpenOptions,
        ctx: &'a RequestCtx,
    ) -> FsFuture<'a, Box<dyn DavFile>> {
        async move {
            if options.write || options.append || options.truncate || options.create || options.create_new {
                return self.open_new(path, &options, ctx).await;
            }
            let meta = self.stat(path, ctx).await?;
            if meta.is_dir() {
                return Err(FsError::Forbidden);
            }
            Ok(Box::new(OpenFile(meta)) as Box<dyn DavFile>)
        }
        .boxed()
    }

    /// Fails before the stream exists or not at all: `dav_server` would leave out what fails in the middle.
    fn read_dir<'a>(
        &'a self,
        path: &'a DavPath,
        _: ReadDirMeta,
        ctx: &'a RequestCtx,
    ) -> FsFuture<'a, FsStream<Box<dyn DavDirEntry>>> {
        async move {
            let at = ctx.at(to_vpath(path)?);
            let folder = self.vfs.list(&ctx.meter, &at).await.map_err(|error| ctx.fail(error))?;
            let windows_names = ctx.traits.windows_names;
            let shown = |index: &usize| folder.shows(&folder.listing.nodes()[*index]);
            let shown: Vec<_> = (0..folder.listing.nodes().len()).filter(shown).collect();
            let entries = shown.into_iter().map(move |index| {
                let entry = Entry { listing: Arc::clone(&folder.listing), index, windows_names };
                Ok(Box::new(entry) as Box<dyn DavDirEntry>)
            });
            Ok(stream::iter(entries).boxed())
        }
        .boxed()
    }

    fn metadata<'a>(&'a self, path: &'a DavPath, ctx: &'a RequestCtx) -> FsFuture<'a, Box<dyn DavMetaData>> {
        async move { Ok(Box::new(self.stat(path, ctx).await?) as Box<dyn DavMetaData>) }.boxed()
    }

    fn create_dir<'a>(&'a self, path: &'a DavPath, ctx: &'a RequestCtx) -> FsFuture<'a, ()> {
        async move {
            ctx.check()?;
            let at = ctx.at(to_vpath(path)?);
            self.finish(ctx, |vfs, meter| async move { vfs.create_folder(&meter, &at).await }).await
        }
        .boxed()
    }

    fn remove_dir<'a>(&'a self, path: &'a DavPath, ctx: &'a RequestCtx) -> FsFuture<'a, ()> {
        self.remove_file(path, ctx)
    }

    /// Removes whatever it is, whole. What is about to be replaced is left to what replaces it:
    /// nothing may be removed before that stands.
    fn remove_file<'a>(&'a self, path: &'a DavPath, ctx: &'a RequestCtx) -> FsFuture<'a, ()> {
        async move {
            ctx.check()?;
            let path = to_vpath(path)?;
            if ctx.is_replaced(&path) {
                return Ok(());
            }
            let at = ctx.at(path);
            self.finish(ctx, |vfs, meter| async move { vfs.remove(&meter, &at).await }).await
        }
        .boxed()
    }

    fn rename<'a>(&'a self, from: &'a DavPath, to: &'a DavPath, ctx: &'a RequestCtx) -> FsFuture<'a, ()> {
        async move {
            ctx.check()?;
            let (from, to) = (ctx.at(to_vpath(from)?), ctx.at(to_vpath(to)?));
            self.finish(ctx, |vfs, meter| async move { vfs.relocate(&meter, &from, &to).await }).await
        }
        .boxed()
    }

    fn copy<'a>(&'a self, from: &'a DavPath, to: &'a DavPath, ctx: &'a RequestCtx) -> FsFuture<'a, ()> {
        async move {
            ctx.check()?;
            let Task::Whole { depth, .. } = ctx.task else { return Err(FsError::Forbidden) };
            let (from, to) = (ctx.at(to_vpath(from)?), ctx.at(to_vpath(to)?));
            self.finish(ctx, |vfs, meter| async move { vfs.copy(&meter, &from, &to, depth).await }).await
        }
        .boxed()
    }

    fn have_props<'a>(
        &'a self,
        _: &'a DavPath,
        _: &'a RequestCtx,
    ) -> Pin<Box<dyn Future<Output = bool> + Send + 'a>> {
        future::ready(true).boxed()
    }

    /// Does what [`Task::Patch`] says; the changes that `dav_server` has understood only stand for it.
    fn patch_props<'a>(
        &'a self,
        path: &'a DavPath,
        _: Vec<(bool, DavProp)>,
        ctx: &'a RequestCtx,
    ) -> FsFuture<'a, Vec<(StatusCode, DavProp)>> {
        async move {
            let Task::Patch(wanted) = &ctx.task else { return Err(FsError::Forbidden) };
            let at = ctx.at(to_vpath(path)?);
            let found = self.vfs.changeable(&ctx.meter, &at).await.map_err(|error| ctx.fail(error))?;
            let kept = wanted.apply(&at, found.is_folder()).await;
            kept.map_err(|reason| {
                let kind = VfsErrorKind::NoRoom(reason.into());
                ctx.fail(VfsError { op: Op::SetProperties, path: at.path().clone(), kind })
            })?;
            Ok(Vec::new())
        }
        .boxed()
    }

    /// None: these would go into every answer, asked for or not.
    fn get_props<'a>(&'a self, _: &'a DavPath, _: bool, _: &'a RequestCtx) -> FsFuture<'a, Vec<DavProp>> {
        future::ready(Ok(Vec::new())).boxed()
    }

    fn get_prop<'a>(
        &'a self,
        path: &'a DavPath,
        property: DavProp,
        ctx: &'a RequestCtx,
    ) -> FsFuture<'a, Vec<u8>> {
        async move {
            let Meta { node, .. } = self.stat(path, ctx).await?;
            let dead = self.properties.of(&ctx.at(to_vpath(path)?).key()).unwrap_or_default();
            let is_it = |dead: &&Dead| {
                dead.name.namespace.as_deref() == property.namespace.as_deref()
                    && *dead.name.local == property.name
            };
            if let Some(dead) = dead.iter().find(is_it) {
                return Ok(dead.xml.as_bytes().to_vec());
            }
            props::element(&node, path.file_name(), &property)
                .map(String::into_bytes)
                .ok_or(FsError::NotFound)
        }
        .boxed()
    }

    /// Used and total space. An unlimited total would be `None`, which does not occur at 115.
    fn get_quota<'a>(&'a self, ctx: &'a RequestCtx) -> FsFuture<'a, (u64, Option<u64>)> {
        async move {
            let quota = space::of(&self.vfs, &ctx.meter, &ctx.at(ctx.path.clone()))
                .await
                .map_err(|error| ctx.fail(error))?;
            let quota = quota.ok_or(FsError::NotFound)?;
            Ok((quota.used, Some(quota.used.saturating_add(quota.available))))
        }
        .boxed()
    }
}
