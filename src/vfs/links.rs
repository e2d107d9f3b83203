//! Getting hold of links: unbound first, and no call more than needed.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use super::Vfs;
use super::mounts::Mount;
use super::resolve::Located;
use crate::cache::{DriveKey, LinkKey};
use crate::drive::{DriveError, DriveErrorKind};
use crate::model::{Link, LinkBinding, Meter};

/// How long it is believed what a drive did last with the wish for an unbound link.
const BELIEVED_FOR: Duration = Duration::from_secs(3600);

/// Whether 115 grants unbound links, by drive.
///
/// Sources disagree (protocol notes, reading part, §4.4): some get links that any client may fetch,
/// some get bound ones, and some get links that look unbound and are refused with "no cookie value".
/// So its answers decide: what a link says of itself, and for the first one also what the download server does.
/// Without this memory, every file would cost a call for a link that cannot be used.
pub(super) struct UnboundGrants {
    wanted: bool,
    by_drive: Mutex<HashMap<DriveKey, Arc<tokio::sync::Mutex<Option<Grant>>>>>,
}

#[derive(Clone, Copy)]
struct Grant {
    given: bool,
    until: Instant,
}

impl Grant {
    fn given() -> Self {
        Self { given: true, until: Instant::now() + BELIEVED_FOR }
    }

    fn refused() -> Self {
        tracing::info!("115 does not grant links without conditions; for an hour each client gets its own");
        Self { given: false, ..Self::given() }
    }
}

impl UnboundGrants {
    pub(super) fn new(wanted: bool) -> Self {
        Self { wanted, by_drive: Mutex::default() }
    }

    fn of(&self, drive: DriveKey) -> Arc<tokio::sync::Mutex<Option<Grant>>> {
        Arc::clone(self.by_drive.lock().entry(drive).or_default())
    }
}

impl Vfs {
    /// A link that a client with the header `agent` may be sent to: unbound, or bound to this client.
    pub(super) async fn link_for_client(
        &self,
        meter: &Meter,
        file: &Located,
        agent: &LinkBinding,
    ) -> Result<Arc<Link>, DriveError> {
        match self.unbound_link(meter, file).await? {
            Some(link) => Ok(link),
            None => self.link(meter, file, agent.clone()).await,
        }
    }

    /// A link for the gateway's own use.
    pub(super) async fn link_for_proxy(
        &self,
        meter: &Meter,
        file: &Located,
    ) -> Result<Arc<Link>, DriveError> {
        match self.unbound_link(meter, file).await? {
            Some(link) => Ok(link),
            None => self.link(meter, file, LinkBinding::to_agent(file.mount.drive.own_agent())).await,
        }
    }

    /// A link that any client may fetch, if 115 grants such links at present.
    async fn unbound_link(&self, meter: &Meter, file: &Located) -> Result<Option<Arc<Link>>, DriveError> {
        if !self.unbound_grants.wanted {
            return Ok(None);
        }
        let grant = self.unbound_grants.of(file.mount.drive_key);
        // Held while 115 is asked for the first link, so that many requests at once find out only once.
        let mut held = grant.lock().await;
        let believed = held.filter(|grant| grant.until > Instant::now());
        if believed.is_some_and(|grant| !grant.given) {
            return Ok(None);
        }
        if believed.is_some() {
            drop(held);
            let link = self.link(meter, file, LinkBinding::Unbound).await?;
            if link.is_unbound() {
                return Ok(Some(link));
            }
            *grant.lock().await = Some(Grant::refused());
            return Ok(None);
        }
        let link = self.link(meter, file, LinkBinding::Unbound).await?;
        let given = link.is_unbound() && is_accepted(&file.mount, &link).await;
        *held = Some(if given { Grant::given() } else { Grant::refused() });
        Ok(given.then_some(link))
    }

    async fn link(
        &self,
        meter: &Meter,
        file: &Located,
        binding: LinkBinding,
    ) -> Result<Arc<Link>, DriveError> {
        let key = link_key(file, binding.clone());
        let load = || {
            let (drive, meter, node) = (Arc::clone(&file.mount.drive), meter.clone(), file.node.clone());
            async move { drive.link(&meter, &node, &binding).await.map(Arc::new) }
        };
        let outcome = self.links.get_or_load(key, load).await;
        if let (Err(DriveError { kind: DriveErrorKind::NotFound, .. }), Some(parent)) =
            (&outcome, file.parent)
        {
            self.forget_listing(&file.mount, parent).await;
        }
        outcome
    }

    /// A new link in place of one that the download server refused.
    ///
    /// The new one is bound to the gateway: the one report of refused links is of unbound ones.
    pub(super) async fn renew_link(
        &self,
        meter: &Meter,
        file: &Located,
        refused: &Arc<Link>,
    ) -> Result<Arc<Link>, DriveError> {
        self.links.forget(&link_key(file, refused.binding.clone()), refused).await;
        self.link(meter, file, LinkBinding::to_agent(file.mount.drive.own_agent())).await
    }
}

/// Whether the download server hands out the first byte. Only a clear refusal counts.
async fn is_accepted(mount: &Mount, link: &Link) -> bool {
    let opened = mount.drive.open(link, 0..1).await;
    opened.err().is_none_or(|error| error.kind != DriveErrorKind::LinkRefused)
}

fn link_key(file: &Located, binding: LinkBinding) -> LinkKey {
    LinkKey { drive: file.mount.drive_key, pick_code: file.node.pick_code, binding }
}
