//! Several shares as one drive: a folder for each.
//!
//! Ids are unique within a share only, so those of the drive are made of both.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use async_trait::async_trait;
use parking_lot::Mutex;

use super::share::ShareDrive;
use super::{Body, Drive, DriveError, DriveErrorKind, Quota};
use crate::model::{FileId, Link, LinkBinding, Listing, Meter, Node, PickCode, visible_name};

/// Several shares.
pub struct SharesDrive {
    shares: Vec<Entry>,
    /// The share of every folder that has been shown, by its id in this drive.
    folders: Mutex<HashMap<FileId, usize>>,
    started: SystemTime,
}

struct Entry {
    drive: Arc<ShareDrive>,
    /// The name its folder has, once it has been shown: it stays.
    name: OnceLock<String>,
}

impl SharesDrive {
    /// A drive of `shares`, each with its name if the configuration gives it one.
    /// `started` is shown as the date of their folders.
    pub fn new(shares: Vec<(Arc<ShareDrive>, Option<String>)>, started: SystemTime) -> Self {
        let entry = |(drive, name): (Arc<ShareDrive>, Option<String>)| Entry {
            drive,
            name: name.map_or_else(OnceLock::new, OnceLock::from),
        };
        let shares: Vec<_> = shares.into_iter().map(entry).collect();
        let folders = (0..shares.len()).map(|index| (disguise(index, FileId::ROOT), index)).collect();
        Self { shares, folders: Mutex::new(folders), started }
    }

    /// The folders of the shares.
    ///
    /// A share without a name is asked for its title, once. If it cannot be had then, the share code is its name
    /// from then on: a folder whose name changes looks to a sync client like one that was deleted.
    async fn tops(&self, meter: &Meter) -> Listing {
        let mut nodes: Vec<Node> = Vec::with_capacity(self.shares.len());
        for (index, entry) in self.shares.iter().enumerate() {
            let name = if let Some(name) = entry.name.get() {
                name
            } else {
                let title = entry.drive.info(meter).await.ok().and_then(|info| info.title);
                let title = title.filter(|title| !title.trim().is_empty());
                entry.name.get_or_init(|| title.unwrap_or_else(|| entry.drive.code().to_owned()))
            };
            let name = visible_name(name);
            let is_taken = nodes.iter().any(|node| *node.name == *name);
            let name = if is_taken { format!("{name} [{}]", entry.drive.code()) } else { name.into_owned() };
            let id = disguise(index, FileId::ROOT);
            nodes.push(Node { id, ..Node::virtual_folder(&name, self.started) });
        }
        Listing::new(nodes)
    }

    fn entry(&self, index: usize) -> Result<&Entry, DriveError> {
        let gone = || DriveError::new(DriveErrorKind::NotFound, "the configuration has no such share");
        self.shares.get(index).ok_or_else(gone)
    }
}

/// The id in this drive of what has `id` in the share at `index`; and the other way round.
///
/// Ids of 115 have 62 bits or so, spread by the time they were given out; those of another share meet none of them.
fn disguise(index: usize, id: FileId) -> FileId {
    let salt = (index as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    FileId(id.0 ^ salt)
}

#[async_trait]
impl Drive for SharesDrive {
    async fn list(&self, meter: &Meter, folder: FileId) -> Result<Listing, DriveError> {
        if folder == FileId::ROOT {
            return Ok(self.tops(meter).await);
        }
        let index = self.folders.lock().get(&folder).copied().unwrap_or(usize::MAX);
        let listing = self.entry(index)?.drive.list(meter, disguise(index, folder)).await?;
        let mut folders = self.folders.lock();
        let nodes = listing.nodes().iter().map(|node| {
            let id = disguise(index, node.id);
            if node.is_folder() {
                folders.insert(id, index);
            }
            // Links are remembered by this, so it must tell the shares apart.
            let code = PickCode::new(&format!("{}x{index}", node.id));
            Node { id, pick_code: code.unwrap_or(PickCode::NONE), ..node.clone() }
        });
        Ok(Listing::new(nodes.collect()))
    }

    async fn link(&self, meter: &Meter, file: &Node, binding: &LinkBinding) -> Result<Link, DriveError> {
        let parts = file.pick_code.as_str().split_once('x');
        let parts = parts.and_then(|(id, index)| Some((id, index.parse().ok()?)));
        let (id, index) = parts.unwrap_or(("", usize::MAX));
        let entry = self.entry(index)?;
        let code = PickCode::new(id).unwrap_or(PickCode::NONE);
        let file = Node { id: disguise(index, file.id), pick_code: code, ..file.clone() };
        entry.drive.link(meter, &file, binding).await
    }

    async fn open(&self, link: &Link, range: Range<u64>) -> Result<Body, DriveError> {
        // All of them fetch by the same client.
        self.entry(0)?.drive.open(link, range).await
    }

    async fn quota(&self, meter: &Meter) -> Result<Quota, DriveError> {
        self.entry(0)?.drive.quota(meter).await
    }

    fn own_agent(&self) -> &str {
        self.shares.first().map_or("", |entry| entry.drive.own_agent())
    }

    fn is_share(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_several_shares_are_told_apart_and_found_again() {
        let id = FileId(2_580_033_742_990_999_100);
        let disguised: Vec<_> = (0..100).map(|index| disguise(index, id)).collect();
        let distinct: std::collections::HashSet<_> = disguised.iter().collect();
        assert_eq!(distinct.len(), 100);
        assert!(disguised.iter().enumerate().all(|(index, &other)| disguise(index, other) == id));
        assert_ne!(disguise(0, FileId::ROOT), FileId::ROOT);
    }
}
