//! How a file's content gets to a client.

use std::sync::Arc;

use super::resolve::{Found, Walk};
use super::{Op, Source, VPath, Vfs, VfsError, VfsErrorKind};
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
    /// Decides how the file at `path` is handed out.
    ///
    /// **Cost**: for a redirect, one call if no fitting link is in the cache (two if 115 stopped granting unbound ones);
    /// for the others none before the first byte is asked for.
    pub async fn read_plan(
        &self,
        meter: &Meter,
        path: &VPath,
        intent: &ReadIntent,
    ) -> Result<ReadPlan, VfsError> {
        let fail = |kind| VfsError { op: Op::Read, path: path.clone(), kind };
        let (mount, file) = match self.resolve(meter, path, Walk::Load).await.map_err(fail)? {
            Found::Mounted(mount, node, _) if !node.is_folder() => (mount, node),
            Found::Mounted(..) | Found::Virtual(..) => return Err(fail(VfsErrorKind::IsAFolder)),
        };
        if file.censored {
            return Err(fail(VfsErrorKind::Drive(censored())));
        }
        let source = || Source::new(mount.clone(), file.clone(), path.clone());
        match mount.download {
            DownloadPolicy::Proxy => return Ok(ReadPlan::Proxy(source())),
            DownloadPolicy::Redirect | DownloadPolicy::ProxyUrl if !intent.follows_redirect => {
                return Ok(ReadPlan::Proxy(source()));
            }
            DownloadPolicy::ProxyUrl => return Ok(ReadPlan::ProxyUrl),
            DownloadPolicy::Redirect | DownloadPolicy::RedirectForced => {}
        }
        let link = self
            .link_for_client(meter, mount, &file, &intent.agent)
            .await
            .map_err(|error| fail(VfsErrorKind::Drive(error)))?;
        Ok(match link.terms.demand {
            HeaderDemand::None | HeaderDemand::SameAgent => ReadPlan::Redirect(link),
            // The client has no way to send the cookie that came with the link.
            HeaderDemand::SameAgentAndCookie => ReadPlan::Proxy(source().starting_with(link)),
        })
    }

    /// A link for a download proxy, which fetches it with the User-Agent of the link's binding and its cookie.
    ///
    /// **Cost**: one call if no fitting link is in the cache.
    pub async fn proxy_link(&self, meter: &Meter, path: &VPath) -> Result<Arc<Link>, VfsError> {
        let fail = |kind| VfsError { op: Op::Read, path: path.clone(), kind };
        match self.resolve(meter, path, Walk::Load).await.map_err(fail)? {
            Found::Mounted(mount, file, _) if !file.is_folder() => self
                .link_for_proxy(meter, mount, &file)
                .await
                .map_err(|error| fail(VfsErrorKind::Drive(error))),
            Found::Mounted(..) | Found::Virtual(..) => Err(fail(VfsErrorKind::IsAFolder)),
        }
    }
}

fn censored() -> DriveError {
    DriveError::new(
        DriveErrorKind::Denied,
        "115 has marked this file as violating its rules and does not hand it out",
    )
}
