//! A drive in memory: for tests of the layers above that need no 115.

mod write;

use std::collections::HashMap;
use std::ops::Range;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use parking_lot::Mutex;

use super::{Body, Drive, DriveError, DriveErrorKind, Quota, UploadSource};
use crate::model::{
    FileId, HeaderDemand, Kind, Link, LinkBinding, LinkTerms, Listing, Meter, Node, PickCode, Proof, Secret,
    Sha1, UploadSession, UploadStep, UploadTarget, visible_name,
};
use write::Uploads;

/// Folders and files held in memory. Links point at `http://memory.invalid/{id}`.
#[derive(Default)]
pub struct MemoryDrive {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    last_id: u64,
    children: HashMap<FileId, Vec<Node>>,
    contents: HashMap<FileId, Bytes>,
    failing: Option<DriveError>,
    uploads: Uploads,
}

impl MemoryDrive {
    /// An empty drive.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a folder and returns its id.
    pub fn add_folder(&self, parent: FileId, name: &str) -> FileId {
        self.add(parent, name, Kind::Folder, Bytes::new(), None)
    }

    /// Adds a file and returns its id.
    pub fn add_file(
        &self,
        parent: FileId,
        name: &str,
        content: impl Into<Bytes>,
        sha1: Option<Sha1>,
    ) -> FileId {
        self.add(parent, name, Kind::File, content.into(), sha1)
    }

    fn add(&self, parent: FileId, name: &str, kind: Kind, content: Bytes, sha1: Option<Sha1>) -> FileId {
        let mut state = self.state.lock();
        state.last_id += 1;
        let id = FileId(state.last_id);
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000 + id.0);
        state.children.entry(parent).or_default().push(Node {
            id,
            kind,
            size: content.len() as u64,
            sha1,
            pick_code: PickCode::new(&format!("a{id}")).unwrap_or(PickCode::NONE),
            ..Node::virtual_folder(&visible_name(name), time)
        });
        if kind == Kind::Folder {
            state.children.entry(id).or_default();
        } else {
            state.contents.insert(id, content);
        }
        id
    }

    /// Makes every method fail with `error`, or work again.
    pub fn fail_with(&self, error: Option<DriveError>) {
        self.state.lock().failing = error;
    }

    fn check(&self, meter: &Meter) -> Result<(), DriveError> {
        meter.count();
        self.state.lock().failing.clone().map_or(Ok(()), Err)
    }
}

#[async_trait]
impl Drive for MemoryDrive {
    async fn list(&self, meter: &Meter, folder: FileId) -> Result<Listing, DriveError> {
        self.check(meter)?;
        let state = self.state.lock();
        match state.children.get(&folder) {
            Some(children) => Ok(Listing::new(children.clone())),
            None if folder == FileId::ROOT => Ok(Listing::new(Vec::new())),
            None => Err(DriveError::new(DriveErrorKind::NotFound, format!("there is no folder {folder}"))),
        }
    }

    async fn link(&self, meter: &Meter, file: &Node, binding: &LinkBinding) -> Result<Link, DriveError> {
        self.check(meter)?;
        Ok(Link {
            url: Secret::new(format!("http://memory.invalid/{}", file.id)),
            terms: LinkTerms { expires: None, max_open: None, demand: HeaderDemand::None },
            binding: binding.clone(),
            cookie: None,
        })
    }

    async fn open(&self, link: &Link, range: Range<u64>) -> Result<Body, DriveError> {
        let gone = || DriveError::new(DriveErrorKind::LinkRefused, "the link leads nowhere");
        let id = link.url.expose().rsplit('/').next().and_then(|id| id.parse().ok()).ok_or_else(gone)?;
        let content = self.state.lock().contents.get(&FileId(id)).cloned().ok_or_else(gone)?;
        let total = content.len() as u64;
        let start = usize::try_from(range.start).unwrap_or(usize::MAX).min(content.len());
        let end = usize::try_from(range.end).unwrap_or(usize::MAX).clamp(start, content.len());
        let part = content.slice(start..end);
        Ok(Body { total, validator: None, stream: stream::once(async { Ok(part) }).boxed() })
    }

    async fn quota(&self, meter: &Meter) -> Result<Quota, DriveError> {
        self.check(meter)?;
        let used = self.state.lock().contents.values().map(|content| content.len() as u64).sum();
        Ok(Quota { used, available: 1 << 40 })
    }

    async fn create_folder(&self, meter: &Meter, parent: FileId, name: &str) -> Result<Node, DriveError> {
        self.check(meter)?;
        self.make_folder(parent, name)
    }

    async fn rename(
        &self,
        meter: &Meter,
        node: &Node,
        parent: FileId,
        name: &str,
    ) -> Result<Node, DriveError> {
        self.check(meter)?;
        self.give_name(node.id, parent, name)
    }

    async fn relocate(&self, meter: &Meter, node: &Node, from: FileId, to: FileId) -> Result<(), DriveError> {
        self.check(meter)?;
        self.give_place(node.id, from, to)
    }

    async fn copy(&self, meter: &Meter, node: &Node, to: FileId, name: &str) -> Result<Node, DriveError> {
        self.check(meter)?;
        Ok(self.make_copy(node, to, name))
    }

    async fn trash(&self, meter: &Meter, nodes: &[FileId], parent: FileId) -> Result<(), DriveError> {
        self.check(meter)?;
        self.throw_away(nodes, parent)
    }

    async fn purge(&self, meter: &Meter, nodes: &[FileId]) -> Result<(), DriveError> {
        self.check(meter)?;
        self.state.lock().uploads.bin.retain(|id| !nodes.contains(id));
        Ok(())
    }

    async fn upload_limit(&self, _: &Meter) -> Result<u64, DriveError> {
        Ok(1 << 30)
    }

    async fn begin_upload(
        &self,
        meter: &Meter,
        target: &UploadTarget,
        proof: Option<&Proof>,
    ) -> Result<UploadStep, DriveError> {
        self.check(meter)?;
        self.announce(target, proof)
    }

    async fn prepare_upload(
        &self,
        _: &Meter,
        _: &UploadTarget,
        _: &mut UploadSession,
    ) -> Result<(), DriveError> {
        Ok(())
    }

    async fn upload(
        &self,
        meter: &Meter,
        target: &UploadTarget,
        session: &UploadSession,
        source: &mut dyn UploadSource,
    ) -> Result<Node, DriveError> {
        self.check(meter)?;
        self.receive(target, session, source).await
    }

    async fn abort_upload(&self, _: &Meter, _: &UploadSession) -> Result<(), DriveError> {
        Ok(())
    }

    fn own_agent(&self) -> &'static str {
        "memory"
    }
}
