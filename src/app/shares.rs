//! One drive for each share, and the client that looks at them without an account.
//!
//! Knows what of the configuration such a drive is made of, and so when one may go on after that changed.
//! Called by the rest of `app` and, to look at shares, by `commands`.

use std::sync::Arc;
use std::time::SystemTime;

use super::accounts::{Accounts, connect, next_key, treatment, visitor};
use crate::cache::DriveKey;
use crate::config::{Config, Mount, MountKind};
use crate::drive::{Drive, ShareDrive, SharesDrive};
use crate::model::ShareHealth;
use crate::pan115::Client;

/// The drives of all mounts that show shares. Mounts of the same share have the same drive.
pub struct Shares {
    visitor: Option<Arc<Client>>,
    all: Vec<Entry>,
}

#[derive(Clone)]
struct Entry {
    drive: Arc<dyn Drive>,
    shares: Vec<Arc<ShareDrive>>,
    key: DriveKey,
    made_of: MountKind,
    account: Option<DriveKey>,
}

impl Shares {
    /// The drives of `config`, whose accounts are `accounts`.
    pub fn new(config: &Config, accounts: &Accounts) -> anyhow::Result<Self> {
        Self::after(config, accounts, None)
    }

    /// Those of `config`, which follows another. A share that has not changed keeps its drive and what is remembered of it.
    pub(super) fn after(
        config: &Config,
        accounts: &Accounts,
        before: Option<(&Config, &Self)>,
    ) -> anyhow::Result<Self> {
        let before =
            before.filter(|(before, _)| treatment(before) == treatment(config)).map(|(_, shares)| shares);
        let mut next = Self { visitor: before.and_then(|before| before.visitor.clone()), all: Vec::new() };
        for mount in config.mounts.iter().filter(|mount| mount.kind != MountKind::Cloud) {
            let account = mount.account.as_deref().and_then(|name| accounts.of(name));
            let key = account.map(|(_, key)| key);
            if next.find(&mount.kind, key).is_some() {
                continue;
            }
            if let Some(kept) = before.and_then(|before| before.find(&mount.kind, key)) {
                next.all.push(kept.clone());
                continue;
            }
            let visitor = if let Some(visitor) = &next.visitor {
                Arc::clone(visitor)
            } else {
                let made = Arc::new(visitor(config, connect(config)?)?);
                Arc::clone(next.visitor.insert(made))
            };
            next.all.extend(Entry::new(&mount.kind, &visitor, account));
        }
        Ok(next)
    }

    fn find(&self, kind: &MountKind, account: Option<DriveKey>) -> Option<&Entry> {
        self.all.iter().find(|entry| entry.made_of == *kind && entry.account == account)
    }

    fn entry(&self, mount: &Mount, accounts: &Accounts) -> Option<&Entry> {
        let account = mount.account.as_deref().and_then(|name| accounts.of(name));
        self.find(&mount.kind, account.map(|(_, key)| key))
    }

    /// The drive of `mount`, and what it is remembered under.
    pub(super) fn of(&self, mount: &Mount, accounts: &Accounts) -> Option<(DriveKey, Arc<dyn Drive>)> {
        self.entry(mount, accounts).map(|entry| (entry.key, Arc::clone(&entry.drive)))
    }

    /// The shares that `mount` shows.
    pub fn shown_by(&self, mount: &Mount, accounts: &Accounts) -> &[Arc<ShareDrive>] {
        self.entry(mount, accounts).map_or(&[], |entry| &entry.shares)
    }

    /// Every share.
    pub(super) fn all(&self) -> Vec<Arc<ShareDrive>> {
        self.all.iter().flat_map(|entry| entry.shares.iter().cloned()).collect()
    }
}

/// How `shares` are doing.
pub(super) fn health(shares: &[Arc<ShareDrive>]) -> Vec<ShareHealth> {
    shares.iter().map(|share| share.health()).collect()
}

impl Entry {
    /// The drive of a mount of this kind, if it shows shares.
    fn new(
        kind: &MountKind,
        visitor: &Arc<Client>,
        account: Option<(&Arc<Client>, DriveKey)>,
    ) -> Option<Self> {
        let client = account.map(|(client, _)| client);
        let drive =
            |link: &_| Arc::new(ShareDrive::new(Clone::clone(link), Arc::clone(visitor), client.cloned()));
        let (shares, drive): (Vec<Arc<ShareDrive>>, Arc<dyn Drive>) = match kind {
            MountKind::Share(link) => {
                let one = drive(link);
                (vec![Arc::clone(&one)], one)
            }
            MountKind::Shares(named) => {
                let pairs: Vec<_> =
                    named.iter().map(|share| (drive(&share.link), share.name.clone())).collect();
                let shares = pairs.iter().map(|(drive, _)| Arc::clone(drive)).collect();
                (shares, Arc::new(SharesDrive::new(pairs, SystemTime::now())))
            }
            MountKind::Cloud => return None,
        };
        let account = account.map(|(_, key)| key);
        Some(Self { drive, shares, key: next_key(), made_of: kind.clone(), account })
    }
}
