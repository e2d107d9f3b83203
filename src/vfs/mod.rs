//! The tree of mounts, free of any protocol.
//!
//! Knows drives, caches and paths. Does not know WebDAV, HTTP or 115.
//! Called by `dav` and `server`.

mod access;
mod at;
mod change;
mod error;
mod links;
mod locals;
mod mounts;
mod path;
mod read_plan;
mod reader;
mod resolve;
mod target;
mod transfer;
mod turns;
mod upload;
mod view;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio_util::task::TaskTracker;

pub use crate::drive::{DriveError, DriveErrorKind, Quota};
pub use at::At;
pub use change::Depth;
pub use error::{Op, VfsError, VfsErrorKind};
pub use mounts::Mount;
pub use path::{BadPath, VPath};
pub use read_plan::{ReadIntent, ReadPlan};
pub use reader::{Content, Source};
pub use resolve::{Located, NodeRef, Resource};
pub use upload::{Upload, UploadIntent};
pub use view::{Access, Rule, Standing, View};

use crate::cache::{LinkCache, ListingCache, Missing, QuotaCache, finish};
use crate::model::{Listing, Meter};
use links::UnboundGrants;
use locals::Locals;
use mounts::Mounts;
use resolve::Walk;
use turns::Turns;
use upload::{Sessions, Spool};

/// How much is remembered, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Life of a listing.
    pub listing_ttl: Duration,
    /// Entries in all listings kept.
    pub listing_entries: u64,
    /// Links kept.
    pub links: u64,
    /// A link is not handed out in the last part of its life of this length.
    pub link_margin: Duration,
    /// Life of an account's space.
    pub quota_ttl: Duration,
    /// Whether to ask for links that any client may fetch.
    pub unbound_links: bool,
    /// Where bodies are kept that are on their way to 115.
    pub spool_directory: PathBuf,
    /// Bytes of all of them together.
    pub spool_limit: u64,
}

impl Default for Options {
    fn default() -> Self {
        let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
        Self {
            listing_ttl: minutes(5),
            listing_entries: 500_000,
            links: 10_000,
            link_margin: minutes(5),
            quota_ttl: minutes(10),
            unbound_links: true,
            spool_directory: PathBuf::from("/var/tmp/dav115"),
            spool_limit: 64 << 30,
        }
    }
}

/// The whole tree.
pub struct Vfs {
    mounts: Mounts,
    memory: Arc<Memory>,
    started: SystemTime,
}

/// What is remembered of all drives.
struct Memory {
    options: Options,
    listings: ListingCache,
    links: LinkCache,
    quotas: QuotaCache<Quota, DriveError>,
    unbound_grants: UnboundGrants,
    locals: Arc<Locals>,
    turns: Turns,
    spool: Spool,
    sessions: Sessions,
    tracker: TaskTracker,
}

/// A folder and its children.
#[derive(Clone, Debug)]
pub struct Folder {
    /// The folder itself.
    pub node: NodeRef,
    /// Its children, all of them; those the user may see are [`Folder::shown`].
    pub listing: Arc<Listing>,
    /// What the user may see of them.
    standing: Standing,
}

impl Memory {
    /// An empty one, but for what is nowhere else than in the one before.
    fn new(options: &Options, tracker: &TaskTracker, before: Option<&Self>) -> Self {
        let listings = ListingCache::new(options.listing_entries, options.listing_ttl, tracker.clone());
        Self {
            listings: before.map_or(listings, |before| {
                before.listings.sized(options.listing_entries, options.listing_ttl)
            }),
            links: LinkCache::new(options.links, options.link_margin, tracker.clone()),
            quotas: QuotaCache::new(options.quota_ttl, tracker.clone()),
            unbound_grants: UnboundGrants::new(options.unbound_links),
            locals: before.map(|before| Arc::clone(&before.locals)).unwrap_or_default(),
            turns: Turns::default(),
            spool: Spool::new(options.spool_directory.clone(), options.spool_limit),
            sessions: Sessions::new(&options.spool_directory),
            tracker: tracker.clone(),
            options: options.clone(),
        }
    }
}

impl Vfs {
    /// Builds the tree. Loads run on `tracker`; `started` is shown as the date of folders that have none.
    pub fn new(mounts: Vec<Mount>, options: &Options, tracker: &TaskTracker, started: SystemTime) -> Self {
        let memory = Arc::new(Memory::new(options, tracker, None));
        Self { mounts: Mounts::new(mounts, started), memory, started }
    }

    /// A tree of other mounts that remembers what this one does, unless it is to do so by other options.
    #[must_use]
    pub fn with_mounts(&self, mounts: Vec<Mount>, options: &Options, tracker: &TaskTracker) -> Self {
        let memory = if self.memory.options == *options {
            Arc::clone(&self.memory)
        } else {
            Arc::new(Memory::new(options, tracker, Some(&self.memory)))
        };
        Self { mounts: Mounts::new(mounts, self.started), memory, started: self.started }
    }

    /// Runs `work` to its end, also if who waits for it goes away.
    pub async fn finish<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> T {
        finish(&self.memory.tracker, work).await
    }

    /// Whether anything can be changed at or below `at`, going by the text alone.
    ///
    /// **Cost**: none.
    pub fn may_change(&self, at: &At) -> bool {
        match self.mounts.find(at.tree_path()) {
            mounts::Place::Mounted(mount, ..) => {
                let standing = Standing::top(at.view()).along(at.tree_path());
                !mount.read_only && !mount.drive.is_share() && standing.may_write_somewhere()
            }
            mounts::Place::Virtual(..) | mounts::Place::Nothing => true,
        }
    }

    /// What is at `at`. What its view hides is answered exactly like what is not there, here and in all the others.
    ///
    /// **Cost**: one call for each folder above it that is not in the cache.
    pub async fn stat(&self, meter: &Meter, at: &At) -> Result<Resource, VfsError> {
        self.resource_at(meter, at, Walk::Load).await
    }

    /// What is at `at`, if a client only wants to know whether it exists.
    ///
    /// **Cost**: as [`Vfs::stat`]; none for names that systems look for everywhere (`.DS_Store`, `desktop.ini` …),
    /// which are not there unless the cache holds them.
    pub async fn probe(&self, meter: &Meter, at: &At) -> Result<Resource, VfsError> {
        let is_probe = at.path().name().is_some_and(access::is_probe_name);
        self.resource_at(meter, at, if is_probe { Walk::CacheOnly } else { Walk::Load }).await
    }

    async fn resource_at(&self, meter: &Meter, at: &At, walk: Walk) -> Result<Resource, VfsError> {
        let fail = |kind| VfsError { op: Op::Stat, path: at.path().clone(), kind };
        self.resolve(meter, at, walk).await.map_err(fail)
    }

    /// The folder at `at` with all its children.
    ///
    /// **Cost**: as [`Vfs::stat`], and one call for each of its pages if it is not in the cache.
    pub async fn list(&self, meter: &Meter, at: &At) -> Result<Folder, VfsError> {
        let found = self.resolve(meter, at, Walk::Load).await;
        let fail = |kind| VfsError { op: Op::List, path: at.path().clone(), kind };
        self.list_found(meter, at, found.map_err(fail)?).await
    }

    /// The folder `found` at `at` with all its children.
    ///
    /// **Cost**: one call for each of its pages if it is not in the cache.
    pub async fn list_found(&self, meter: &Meter, at: &At, found: Resource) -> Result<Folder, VfsError> {
        let fail = |kind| VfsError { op: Op::List, path: at.path().clone(), kind };
        match found {
            Resource::Virtual(node, listing, standing) => {
                Ok(Folder { node: NodeRef::Own(node), listing, standing })
            }
            Resource::Mounted(Located { node, .. }) if !node.is_folder() => {
                Err(fail(VfsErrorKind::NotAFolder))
            }
            Resource::Mounted(Located { mount, node, parent, standing }) => {
                let listing = self.children(meter, &mount, node.id, parent).await.map_err(fail)?;
                Ok(Folder { node, listing, standing })
            }
        }
    }

    /// The space of the account that serves `at`; a folder of the gateway's own has none.
    ///
    /// **Errors**: `Unavailable` if it takes long; it is there a little later.
    /// **Cost**: one call if it is not in the cache, and none for a while after a failure,
    /// in which the last known space is told. The path itself is not looked up.
    pub async fn quota(&self, meter: &Meter, at: &At) -> Result<Option<Arc<Quota>>, VfsError> {
        let mounts::Place::Mounted(mount, _, _) = self.mounts.find(at.tree_path()) else { return Ok(None) };
        let load = || {
            let (drive, meter) = (Arc::clone(&mount.drive), meter.clone());
            async move { drive.quota(&meter).await.map(Arc::new) }
        };
        let error = match self.memory.quotas.get_or_load(mount.drive_key, load).await {
            Ok(quota) => return Ok(Some(quota)),
            Err(Missing::Failed(error)) => error,
            Err(Missing::Late) => {
                let reason = "115 has not told it yet; ask again in a moment";
                DriveError::new(DriveErrorKind::Unavailable, reason)
            }
        };
        Err(VfsError { op: Op::Quota, path: at.path().clone(), kind: VfsErrorKind::Drive(error) })
    }
}

#[cfg(test)]
mod tests;
