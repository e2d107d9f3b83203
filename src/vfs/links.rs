//! Getting hold of links: unbound first, and no call more than needed.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;
use tokio::time::Instant;

use super::mounts::Mount;
use super::resolve::Located;
use super::{At, Vfs};
use crate::cache::{DriveKey, KeptLink, LinkKey};
use crate::drive::{DriveError, DriveErrorKind};
use crate::model::{Link, LinkBinding, Meter};

/// How long it is believed what a drive did last with the wish for an unbound link.
const BELIEVED_FOR: Duration = Duration::from_secs(3600);
/// How long it is believed that links are unbound if only they themselves say so.
const BELIEVED_UNTRIED_FOR: Duration = Duration::from_secs(60);
/// How long a redirect waits for the first link to be tried.
const TRIAL_TIMEOUT: Duration = Duration::from_secs(3);

/// Whether 115 grants unbound links, by drive.
///
/// Sources disagree (protocol notes, reading part, §4.4): some get links that any client may fetch,
/// some get bound ones, and some get links that look unbound and are refused with "no cookie value".
/// So its answers decide: what a link says of itself, and for the first one also what the download server does.
/// Without this memory, every file would cost a call for a link that cannot be used.
pub(super) struct UnboundGrants {
    wanted: bool,
    by_drive: Mutex<HashMap<DriveKey, Grant>>,
}

#[derive(Clone, Copy)]
struct Grant {
    given: bool,
    until: Instant,
}

impl UnboundGrants {
    pub(super) fn new(wanted: bool) -> Self {
        Self { wanted, by_drive: Mutex::default() }
    }

    /// What is believed at present, if anything.
    fn of(&self, drive: DriveKey) -> Option<bool> {
        believed(&self.by_drive.lock(), drive, Instant::now())
    }

    /// What is believed; who finds nothing is to try a link, and until that is done the others believe what links say.
    fn of_or_try(&self, drive: DriveKey) -> Option<bool> {
        let mut by_drive = self.by_drive.lock();
        let now = Instant::now();
        let believed = believed(&by_drive, drive, now);
        if believed.is_none() {
            // It ends by itself, for whoever tries may give up.
            by_drive.insert(drive, Grant { given: true, until: now + TRIAL_TIMEOUT });
        }
        believed
    }

    fn believe(&self, drive: DriveKey, given: bool, how_long: Duration) {
        let grant = Grant { given, until: Instant::now() + how_long };
        self.by_drive.lock().insert(drive, grant);
    }

    fn refuse(&self, drive: DriveKey) {
        if self.of(drive) != Some(false) {
            tracing::info!(
                "115 does not grant links without conditions; for an hour each client gets its own"
            );
        }
        self.believe(drive, false, BELIEVED_FOR);
    }
}

fn believed(by_drive: &HashMap<DriveKey, Grant>, drive: DriveKey, now: Instant) -> Option<bool> {
    by_drive.get(&drive).filter(|grant| grant.until > now).map(|grant| grant.given)
}

impl Vfs {
    /// A link that a client with the header `agent` may be sent to: unbound, or bound to this client.
    ///
    /// An unbound one that as many other clients share as may have it open at once is none for this client.
    async fn link_for_client(
        &self,
        meter: &Meter,
        file: &Located,
        agent: &LinkBinding,
    ) -> Result<Arc<Link>, DriveError> {
        if let Some(kept) = self.unbound_link(meter, file).await?
            && kept.admit(agent)
        {
            return Ok(kept.link);
        }
        let drive = &file.mount.drive;
        let binding = if drive.is_share() { LinkBinding::to_agent(drive.own_agent()) } else { agent.clone() };
        Ok(self.link(meter, file, binding).await?.link)
    }

    /// A link for the gateway's own use.
    async fn link_for_proxy(&self, meter: &Meter, file: &Located) -> Result<Arc<Link>, DriveError> {
        let own = LinkBinding::to_agent(file.mount.drive.own_agent());
        // It has been paid for, and leaves the other one to the clients.
        if let Some(kept) = self.memory.links.get(&link_key(file, own.clone())).await {
            return Ok(kept);
        }
        match self.unbound_link(meter, file).await? {
            Some(kept) => Ok(kept.link),
            None => Ok(self.link(meter, file, own).await?.link),
        }
    }

    /// A link that any client may fetch, if 115 grants such links at present.
    ///
    /// Nobody waits for another's call, unless it is for the same file.
    async fn unbound_link(&self, meter: &Meter, file: &Located) -> Result<Option<KeptLink>, DriveError> {
        let (grants, drive) = (&self.memory.unbound_grants, file.mount.drive_key);
        if !grants.wanted || file.mount.drive.is_share() || grants.of(drive) == Some(false) {
            return Ok(None);
        }
        let kept = self.link(meter, file, LinkBinding::Unbound).await?;
        if !kept.link.is_unbound() {
            grants.refuse(drive);
            return Ok(None);
        }
        let given = match grants.of_or_try(drive) {
            Some(believed) => believed,
            None => self.try_link(&file.mount, &kept.link).await,
        };
        Ok(given.then_some(kept))
    }

    /// Asks the download server for the first byte. Only a clear refusal counts, but nothing else is believed for long.
    async fn try_link(&self, mount: &Mount, link: &Link) -> bool {
        let (grants, drive) = (&self.memory.unbound_grants, mount.drive_key);
        let how_long = match tokio::time::timeout(TRIAL_TIMEOUT, mount.drive.open(link, 0..1)).await {
            Ok(Err(error)) if error.kind == DriveErrorKind::LinkRefused => {
                grants.refuse(drive);
                return false;
            }
            Ok(Ok(_)) => BELIEVED_FOR,
            Ok(Err(_)) | Err(_) => BELIEVED_UNTRIED_FOR,
        };
        grants.believe(drive, true, how_long);
        true
    }

    async fn link(
        &self,
        meter: &Meter,
        file: &Located,
        binding: LinkBinding,
    ) -> Result<KeptLink, DriveError> {
        let key = link_key(file, binding.clone());
        let load = || {
            let (drive, meter, node) = (Arc::clone(&file.mount.drive), meter.clone(), file.node.clone());
            async move { drive.link(&meter, &node, &binding).await.map(Arc::new) }
        };
        let outcome = self.memory.links.get_or_load(key, load).await;
        if let (Err(DriveError { kind: DriveErrorKind::NotFound, .. }), Some(parent)) =
            (&outcome, file.parent)
        {
            self.forget_listing(&file.mount, parent).await;
        }
        outcome
    }

    /// A link for the client `agent`, or for the gateway's own use, as [`Vfs::link_for_client`] and
    /// [`Vfs::link_for_proxy`] get it.
    ///
    /// If 115 says that `file` is gone and the path leads to another by now, that one takes its place.
    pub(super) async fn link_at(
        &self,
        meter: &Meter,
        at: &At,
        file: &mut Located,
        agent: Option<&LinkBinding>,
    ) -> Result<Arc<Link>, DriveError> {
        let gone = match self.link_for(meter, file, agent).await {
            Err(error) if error.kind == DriveErrorKind::NotFound => error,
            outcome => return outcome,
        };
        // The listing that showed it has been forgotten.
        match self.file_at(meter, at).await {
            Ok(next) if next.node.id != file.node.id => *file = next,
            _ => return Err(gone),
        }
        self.link_for(meter, file, agent).await
    }

    async fn link_for(
        &self,
        meter: &Meter,
        file: &Located,
        agent: Option<&LinkBinding>,
    ) -> Result<Arc<Link>, DriveError> {
        match agent {
            Some(agent) => self.link_for_client(meter, file, agent).await,
            None => self.link_for_proxy(meter, file).await,
        }
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
        self.memory.links.forget(&link_key(file, refused.binding.clone()), refused).await;
        Ok(self.link(meter, file, LinkBinding::to_agent(file.mount.drive.own_agent())).await?.link)
    }

    /// Takes note that `refused` was refused where a bound link is not, and not because it had ended.
    pub(super) fn note_refusal(&self, file: &Located, refused: &Link) {
        let is_asked_unbound = refused.binding == LinkBinding::Unbound && refused.is_unbound();
        if is_asked_unbound && !refused.has_ended(SystemTime::now()) {
            self.memory.unbound_grants.refuse(file.mount.drive_key);
        }
    }
}

fn link_key(file: &Located, binding: LinkBinding) -> LinkKey {
    LinkKey { drive: file.mount.drive_key, pick_code: file.node.pick_code, binding }
}
