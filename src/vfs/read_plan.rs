//! How a file's content gets to a client.

use std::sync::Arc;

use super::resolve::{Located, Resource, Walk};
use super::{At, Op, Source, Vfs, VfsError, VfsErrorKind};
use crate::drive::{DriveError, DriveErrorKind};
use crate::model::{DownloadPolicy, HeaderDemand, Link, LinkBinding, Meter};

/// What the client can do.
#[derive(Clone, Debug)]
pub struct ReadIntent {
    /// Its User-Agent.
    pub agent: LinkBinding,
    /// Whether it follows a redirect to another host.
    pub follows_redirect: bool,
}

/// The decision.
pub enum ReadPlan {
    /// Send the client to this link.
    Redirect(Arc<Link>),
    /// Send the client to the configured download proxy.
    ProxyUrl,
    /// Stream it through the gateway.
    Proxy(Source),
}

impl Vfs {
    /// Decides how the file `found` at `at` is handed out.
    ///
    /// **Cost**: for a redirect, one call if no fitting link is in the cache (two if 115 stopped granting unbound ones);
    /// for the others none before the first byte is asked for.
    pub async fn read_plan(
        &self,
        meter: &Meter,
        at: &At,
        found: Resource,
        intent: &ReadIntent,
    ) -> Result<ReadPlan, VfsError> {
        let fail =
            |error| VfsError { op: Op::Read, path: at.path().clone(), kind: VfsErrorKind::Drive(error) };
        let mut file = readable(at, found)?;
        if self.memory.locals.contains(file.node.id) {
            return Ok(ReadPlan::Proxy(Source::new(file, at.clone())));
        }
        match file.mount.download {
            DownloadPolicy::Proxy => return Ok(ReadPlan::Proxy(Source::new(file, at.clone()))),
            DownloadPolicy::Redirect | DownloadPolicy::ProxyUrl if !intent.follows_redirect => {
                return Ok(ReadPlan::Proxy(Source::new(file, at.clone())));
            }
            DownloadPolicy::ProxyUrl => return Ok(ReadPlan::ProxyUrl),
            DownloadPolicy::Redirect | DownloadPolicy::RedirectForced => {}
        }
        let listed = file.clone();
        let link = self.link_at(meter, at, &mut file, Some(&intent.agent)).await.map_err(fail)?;
        match link.terms.demand {
            HeaderDemand::None => Ok(ReadPlan::Redirect(link)),
            HeaderDemand::SameAgent if link.binding == intent.agent => Ok(ReadPlan::Redirect(link)),
            // The client has no way to send the cookie that came with the link, or the User-Agent it is bound to.
            HeaderDemand::SameAgent | HeaderDemand::SameAgentAndCookie => {
                listed.check_successor(&file).map_err(fail)?;
                Ok(ReadPlan::Proxy(Source::new(file, at.clone()).starting_with(link)))
            }
        }
    }

    /// A link for a download proxy, which fetches it with the User-Agent of the link's binding and its cookie.
    ///
    /// **Cost**: one call if no fitting link is in the cache.
    pub async fn proxy_link(&self, meter: &Meter, at: &At) -> Result<Arc<Link>, VfsError> {
        let mut file = self.file_at(meter, at).await?;
        self.link_at(meter, at, &mut file, None).await.map_err(|error| VfsError {
            op: Op::Read,
            path: at.path().clone(),
            kind: VfsErrorKind::Drive(error),
        })
    }

    /// The file at `at`, if its content may be had.
    pub(super) async fn file_at(&self, meter: &Meter, at: &At) -> Result<Located, VfsError> {
        let found = self.resolve(meter, at, Walk::Load).await;
        readable(at, found.map_err(|kind| VfsError { op: Op::Read, path: at.path().clone(), kind })?)
    }
}

fn readable(at: &At, found: Resource) -> Result<Located, VfsError> {
    let fail = |kind| Err(VfsError { op: Op::Read, path: at.path().clone(), kind });
    match found {
        Resource::Mounted(located) if located.node.censored => fail(VfsErrorKind::Drive(censored())),
        Resource::Mounted(located) if !located.node.is_folder() => Ok(located),
        Resource::Mounted(_) | Resource::Virtual(..) => fail(VfsErrorKind::IsAFolder),
    }
}

impl Located {
    /// Whether `next`, which has taken the place of this file, may be sent for it:
    /// what the client is told of the content has been read from this one's listing.
    pub(super) fn check_successor(&self, next: &Self) -> Result<(), DriveError> {
        let (old, new) = (&self.node, &next.node);
        if old.id == new.id || (old.size == new.size && old.sha1.is_some() && old.sha1 == new.sha1) {
            return Ok(());
        }
        Err(DriveError::new(
            DriveErrorKind::Unavailable,
            "another file has taken its place at 115 in the meantime; try again",
        ))
    }
}

fn censored() -> DriveError {
    DriveError::new(
        DriveErrorKind::Denied,
        "115 has marked this file as violating its rules and does not hand it out",
    )
}
