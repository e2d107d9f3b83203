//! A file system in memory that writes down what `dav-server` asks of it, and fails when told to.

use std::collections::BTreeMap;
use std::io::SeekFrom;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::{Buf, Bytes};
use dav_server::davpath::DavPath;
use dav_server::fs::{
    DavDirEntry, DavFile, DavFileSystem, DavMetaData, FsError, FsFuture, FsResult, FsStream, OpenOptions,
    ReadDirMeta,
};
use dav_server::ls::DavLockSystem;
use dav_server::{DavConfig, DavHandler};
use futures_util::{FutureExt as _, StreamExt as _, future, stream};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use parking_lot::Mutex;

/// What goes wrong, or differs, below `dav-server`.
#[derive(Clone, Copy, Default)]
pub(super) struct Trouble {
    pub(super) listing: bool,
    /// The second entry of every listing.
    pub(super) entry: bool,
    /// Content ends after so many bytes.
    pub(super) content_ends: Option<usize>,
    /// Files are to be had elsewhere.
    pub(super) elsewhere: bool,
    /// Of every look at a path.
    pub(super) look: Option<FsError>,
}

/// Clones show the same files and write into the same log.
#[derive(Clone)]
pub(super) struct Fake {
    /// Folders have no content.
    nodes: Arc<Mutex<BTreeMap<String, Option<Bytes>>>>,
    log: Arc<Mutex<Vec<String>>>,
    trouble: Trouble,
}

/// An answer with its whole body.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The paths that a multistatus speaks of, in order.
    pub(super) fn hrefs(&self) -> Vec<&str> {
        let parts = self.body.split("<D:href>").skip(1);
        parts.map(|part| part.split('<').next().unwrap()).collect()
    }
}

/// Has `handler` answer a request.
pub(super) async fn ask(
    handler: &DavHandler,
    request: &str,
    headers: &[(&str, &str)],
    body: impl Into<Bytes>,
) -> Answer {
    let (method, path) = request.split_once(' ').unwrap();
    let builder = Request::builder().method(method).uri(path);
    let builder = headers.iter().fold(builder, |builder, (name, value)| builder.header(*name, *value));
    let (head, body) = handler.handle(builder.body(Full::new(body.into())).unwrap()).await.into_parts();
    let body = BodyExt::collect(body).await.unwrap().to_bytes();
    Answer { status: head.status, headers: head.headers, body: String::from_utf8_lossy(&body).into_owned() }
}

impl Fake {
    /// Paths that end in a slash are folders; the others are files that contain their path.
    pub(super) fn new(paths: &[&str]) -> Self {
        let node = |path: &&str| match path.strip_suffix('/') {
            Some(folder) => (folder.to_owned(), None),
            None => ((*path).to_owned(), Some(Bytes::from((*path).to_owned()))),
        };
        Self {
            nodes: Arc::new(Mutex::new(paths.iter().map(node).chain([(String::new(), None)]).collect())),
            log: Arc::default(),
            trouble: Trouble::default(),
        }
    }

    pub(super) fn with(self, trouble: Trouble) -> Self {
        Self { trouble, ..self }
    }

    pub(super) fn config(&self) -> DavConfig {
        DavHandler::builder().filesystem(Box::new(self.clone()))
    }

    pub(super) fn handler(&self) -> DavHandler {
        self.config().build_handler()
    }

    pub(super) fn locked_by(&self, locks: Box<dyn DavLockSystem>) -> DavHandler {
        self.config().locksystem(locks).build_handler()
    }

    /// What was asked since the last time.
    pub(super) fn take_log(&self) -> Vec<String> {
        std::mem::take(&mut self.log.lock())
    }

    /// The same without the questions that change nothing.
    pub(super) fn take_changes(&self) -> Vec<String> {
        let mut log = self.take_log();
        log.retain(|line| !["metadata", "read_dir", "open r"].iter().any(|verb| line.starts_with(verb)));
        log
    }

    /// Writes the call down, and returns how the path is kept.
    fn called(&self, verb: &str, path: &DavPath) -> String {
        let text = String::from_utf8_lossy(path.as_bytes()).into_owned();
        self.log.lock().push(format!("{verb} {text}"));
        text.trim_end_matches('/').to_owned()
    }

    fn meta(&self, path: &str) -> FsResult<Meta> {
        self.nodes
            .lock()
            .get(path)
            .map(|content| Meta(content.as_ref().map(Bytes::len)))
            .ok_or(FsError::NotFound)
    }

    fn below(&self, path: &str) -> Vec<Entry> {
        let prefix = format!("{path}/");
        let nodes = self.nodes.lock();
        let below = nodes.iter().filter_map(|(other, content)| Some((other.strip_prefix(&prefix)?, content)));
        let children = below.filter(|(name, _)| !name.contains('/'));
        children
            .map(|(name, content)| Entry(name.to_owned(), Meta(content.as_ref().map(Bytes::len))))
            .collect()
    }

    fn put(&self, path: String, content: Option<Bytes>) {
        self.nodes.lock().insert(path, content);
    }

    fn log(&self, line: String) {
        self.log.lock().push(line);
    }
}

fn done<T: Send + 'static>(result: FsResult<T>) -> FsFuture<'static, T> {
    future::ready(result).boxed()
}

impl DavFileSystem for Fake {
    fn open<'a>(&'a self, path: &'a DavPath, options: OpenOptions) -> FsFuture<'a, Box<dyn DavFile>> {
        let (path, content) = if options.write {
            (self.called(&format!("open w {:?}", options.size), path), Vec::new())
        } else {
            let path = self.called("open r", path);
            let content = self.nodes.lock().get(&path).cloned().flatten();
            let Some(content) = content else { return done(Err(FsError::NotFound)) };
            (path, content.to_vec())
        };
        done(Ok(Box::new(Open { fake: self.clone(), path, content, at: 0, write: options.write })))
    }

    fn read_dir<'a>(
        &'a self,
        path: &'a DavPath,
        _: ReadDirMeta,
    ) -> FsFuture<'a, FsStream<Box<dyn DavDirEntry>>> {
        let path = self.called("read_dir", path);
        if self.trouble.listing {
            return done(Err(FsError::GeneralFailure));
        }
        let broken = self.trouble.entry;
        let entries = self.below(&path).into_iter().enumerate().map(move |(index, entry)| {
            if broken && index == 1 { Err(FsError::GeneralFailure) } else { Ok(Box::new(entry) as _) }
        });
        done(Ok(stream::iter(entries.collect::<Vec<_>>()).boxed()))
    }

    fn metadata<'a>(&'a self, path: &'a DavPath) -> FsFuture<'a, Box<dyn DavMetaData>> {
        let path = self.called("metadata", path);
        if let Some(error) = self.trouble.look {
            return done(Err(error));
        }
        done(self.meta(&path).map(|meta| Box::new(meta) as _))
    }

    fn create_dir<'a>(&'a self, path: &'a DavPath) -> FsFuture<'a, ()> {
        let path = self.called("create_dir", path);
        self.put(path, None);
        done(Ok(()))
    }

    fn remove_dir<'a>(&'a self, path: &'a DavPath) -> FsFuture<'a, ()> {
        let path = self.called("remove_dir", path);
        self.nodes.lock().retain(|other, _| *other != path && !other.starts_with(&format!("{path}/")));
        done(Ok(()))
    }

    fn remove_file<'a>(&'a self, path: &'a DavPath) -> FsFuture<'a, ()> {
        let path = self.called("remove_file", path);
        self.nodes.lock().remove(&path);
        done(Ok(()))
    }

    fn rename<'a>(&'a self, from: &'a DavPath, to: &'a DavPath) -> FsFuture<'a, ()> {
        self.called(&format!("rename {}", String::from_utf8_lossy(from.as_bytes())), to);
        done(Ok(()))
    }

    fn copy<'a>(&'a self, from: &'a DavPath, to: &'a DavPath) -> FsFuture<'a, ()> {
        self.called(&format!("copy {}", String::from_utf8_lossy(from.as_bytes())), to);
        done(Ok(()))
    }
}

/// The length of a file.
#[derive(Clone, Debug)]
struct Meta(Option<usize>);

impl DavMetaData for Meta {
    fn len(&self) -> u64 {
        self.0.unwrap_or(0) as u64
    }

    fn modified(&self) -> FsResult<SystemTime> {
        Ok(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000))
    }

    fn is_dir(&self) -> bool {
        self.0.is_none()
    }

    fn etag(&self) -> Option<String> {
        Some("tag".to_owned())
    }
}

#[derive(Clone)]
struct Entry(String, Meta);

impl DavDirEntry for Entry {
    fn name(&self) -> Vec<u8> {
        self.0.clone().into_bytes()
    }

    fn metadata(&self) -> FsFuture<'_, Box<dyn DavMetaData>> {
        done(Ok(Box::new(self.1.clone())))
    }
}

struct Open {
    fake: Fake,
    path: String,
    content: Vec<u8>,
    at: usize,
    write: bool,
}

impl std::fmt::Debug for Open {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Open").field("path", &self.path).finish_non_exhaustive()
    }
}

impl DavFile for Open {
    fn metadata(&mut self) -> FsFuture<'_, Box<dyn DavMetaData>> {
        done(Ok(Box::new(Meta(Some(self.content.len())))))
    }

    fn write_buf(&mut self, mut buffer: Box<dyn Buf + Send>) -> FsFuture<'_, ()> {
        let bytes = buffer.copy_to_bytes(buffer.remaining());
        self.write_bytes(bytes)
    }

    fn write_bytes(&mut self, bytes: Bytes) -> FsFuture<'_, ()> {
        self.content.extend_from_slice(&bytes);
        done(Ok(()))
    }

    fn read_bytes(&mut self, count: usize) -> FsFuture<'_, Bytes> {
        let end = self.fake.trouble.content_ends.unwrap_or(usize::MAX).min(self.content.len());
        let start = self.at.min(end);
        self.at = start.saturating_add(count).min(end);
        done(Ok(Bytes::copy_from_slice(&self.content[start..self.at])))
    }

    fn seek(&mut self, to: SeekFrom) -> FsFuture<'_, u64> {
        if let SeekFrom::Start(at) = to {
            self.at = usize::try_from(at).unwrap_or(usize::MAX);
        }
        done(Ok(self.at as u64))
    }

    fn flush(&mut self) -> FsFuture<'_, ()> {
        self.fake.log(format!("flush {} bytes", self.content.len()));
        self.fake.put(self.path.clone(), Some(Bytes::from(std::mem::take(&mut self.content))));
        done(Ok(()))
    }

    fn redirect_url(&mut self) -> FsFuture<'_, Option<String>> {
        let elsewhere = self.fake.trouble.elsewhere && !self.write;
        if elsewhere {
            self.fake.log(format!("redirect_url {}", self.path));
        }
        done(Ok(elsewhere.then(|| "http://elsewhere.example/x".to_owned())))
    }
}
