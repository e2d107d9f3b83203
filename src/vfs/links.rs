//! Getting hold of links: unbound first, and no call more than needed.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use super::mounts::Mount;
use super::{NodeRef, Vfs};
use crate::cache::{DriveKey, LinkKey};
use crate::drive::DriveError;
use crate::model::{Link, LinkBinding, Meter};

/// How long a drive that answered the wish for an unbound link with a bound one is not asked again.
const REFUSAL_HOLDS: Duration = Duration::from_secs(3600);

/// Which drives do not grant unbound links at present.
///
/// Sources disagree whether 115 grants them (protocol notes, reading part, §4.4), so its answers decide.
/// Without this, every file would cost a call for a link that cannot be used.
pub(super) struct UnboundRefusals {
    wanted: bool,
    until: Mutex<HashMap<DriveKey, Instant>>,
}

impl UnboundRefusals {
    pub(super) fn new(wanted: bool) -> Self {
        Self { wanted, until: Mutex::default() }
    }

    fn worth_asking(&self, drive: DriveKey) -> bool {
        self.wanted && self.until.lock().get(&drive).is_none_or(|until| *until <= Instant::now())
    }

    fn note(&self, drive: DriveKey) {
        self.until.lock().insert(drive, Instant::now() + REFUSAL_HOLDS);
    }
}

impl Vfs {
    /// A link that a client with the header `agent` may be sent to: unbound, or bound to this client.
    pub(super) async fn link_for_client(
        &self,
        meter: &Meter,
        mount: &Mount,
        file: &NodeRef,
        agent: &LinkBinding,
    ) -> Result<Arc<Link>, DriveError> {
        match self.unbound_link(meter, mount, file).await? {
            Some(link) => Ok(link),
            None => self.link(meter, mount, file, agent.clone()).await,
        }
    }

    /// A link for the gateway's own use.
    pub(super) async fn link_for_proxy(
        &self,
        meter: &Meter,
        mount: &Mount,
        file: &NodeRef,
    ) -> Result<Arc<Link>, DriveError> {
        match self.unbound_link(meter, mount, file).await? {
            Some(link) => Ok(link),
            None => self.link(meter, mount, file, LinkBinding::to_agent(mount.drive.own_agent())).await,
        }
    }

    async fn unbound_link(
        &self,
        meter: &Meter,
        mount: &Mount,
        file: &NodeRef,
    ) -> Result<Option<Arc<Link>>, DriveError> {
        if !self.unbound_refusals.worth_asking(mount.drive_key) {
            let key = link_key(mount, file, LinkBinding::Unbound);
            return Ok(self.links.get(&key).await.filter(|link| link.is_unbound()));
        }
        let link = self.link(meter, mount, file, LinkBinding::Unbound).await?;
        if link.is_unbound() {
            return Ok(Some(link));
        }
        tracing::info!(
            "115 did not grant a link without conditions; links are asked for per client for an hour"
        );
        self.unbound_refusals.note(mount.drive_key);
        Ok(None)
    }

    async fn link(
        &self,
        meter: &Meter,
        mount: &Mount,
        file: &NodeRef,
        binding: LinkBinding,
    ) -> Result<Arc<Link>, DriveError> {
        let key = link_key(mount, file, binding.clone());
        let load = || {
            let (drive, meter, file) = (Arc::clone(&mount.drive), meter.clone(), file.clone());
            async move { drive.link(&meter, &file, &binding).await.map(Arc::new) }
        };
        self.links.get_or_load(key, load).await
    }

    /// A new link in place of one that the download server refused.
    ///
    /// The new one is bound to the gateway: the one report of refused links is of unbound ones.
    pub(super) async fn renew_link(
        &self,
        meter: &Meter,
        mount: &Mount,
        file: &NodeRef,
        refused: &Arc<Link>,
    ) -> Result<Arc<Link>, DriveError> {
        self.links.forget(&link_key(mount, file, refused.binding.clone()), refused).await;
        self.link(meter, mount, file, LinkBinding::to_agent(mount.drive.own_agent())).await
    }
}

fn link_key(mount: &Mount, file: &NodeRef, binding: LinkBinding) -> LinkKey {
    LinkKey { drive: mount.drive_key, pick_code: file.pick_code, binding }
}
