//! One drive for each share, and the client that looks at them without an account.
//!
//! Knows what of the configuration such a drive is made of, and so when one may go on after that changed.
//! Called by the rest of `app` and, to look at shares, by `commands`.

use std::sync::Arc;
use std::time::SystemTime;

use super::accounts::{Accounts, connect, next_key, treatment, visitor};
use crate::cache::DriveKey;
use crate::config::{Config, Mount, MountKind};
use crate::drive::{Drive, SaveFolder, ShareDrive, SharesDrive};
use crate::model::{FileId, ShareHealth};
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
    made_of: Parts,
    save: Option<Arc<SaveFolder>>,
}

/// What of the configuration a drive is made of.
#[derive(Clone, PartialEq, Eq)]
struct Parts {
    kind: MountKind,
    account: Option<DriveKey>,
    save_to: Option<SavePlace>,
}

/// A folder of an account, with all its cookies.
#[derive(Clone, PartialEq, Eq)]
struct SavePlace {
    folder: FileId,
    cookies: Vec<DriveKey>,
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
            let parts = Parts::of(mount, accounts);
            if next.find(&parts).is_some() {
                continue;
            }
            if let Some(kept) = before.and_then(|before| before.find(&parts)) {
                next.all.push(kept.clone());
                continue;
            }
            let save = parts.save_to.as_ref().and_then(|place| {
                let made = next.save_folder(place).or_else(|| before?.save_folder(place));
                let (_, account) = accounts.drive(mount.account.as_deref()?)?;
                Some(made.unwrap_or_else(|| Arc::new(SaveFolder::new(account, place.folder))))
            });
            let visitor = if let Some(visitor) = &next.visitor {
                Arc::clone(visitor)
            } else {
                let made = Arc::new(visitor(config, connect(config)?)?);
                Arc::clone(next.visitor.insert(made))
            };
            let client =
                mount.account.as_deref().and_then(|name| accounts.of(name)).map(|(client, _)| client);
            next.all.extend(Entry::new(parts, &visitor, client, save));
        }
        Ok(next)
    }

    fn find(&self, parts: &Parts) -> Option<&Entry> {
        self.all.iter().find(|entry| entry.made_of == *parts)
    }

    /// The folder at `place`, if a drive saves there already: all that do must know of each other's copies.
    fn save_folder(&self, place: &SavePlace) -> Option<Arc<SaveFolder>> {
        let entry = self.all.iter().find(|entry| entry.made_of.save_to.as_ref() == Some(place))?;
        entry.save.clone()
    }

    fn entry(&self, mount: &Mount, accounts: &Accounts) -> Option<&Entry> {
        self.find(&Parts::of(mount, accounts))
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

impl Parts {
    fn of(mount: &Mount, accounts: &Accounts) -> Self {
        let name = mount.account.as_deref();
        let account = name.and_then(|name| accounts.of(name)).map(|(_, key)| key);
        let place = |(folder, name)| SavePlace { folder, cookies: accounts.keys(name) };
        Self { kind: mount.kind.clone(), account, save_to: mount.save_to.zip(name).map(place) }
    }
}

/// How `shares` are doing.
pub(super) fn health(shares: &[Arc<ShareDrive>]) -> Vec<ShareHealth> {
    shares.iter().map(|share| share.health()).collect()
}

impl Entry {
    /// The drive made of `made_of`, if it shows shares.
    fn new(
        made_of: Parts,
        visitor: &Arc<Client>,
        client: Option<&Arc<Client>>,
        save: Option<Arc<SaveFolder>>,
    ) -> Option<Self> {
        let drive = |link: &_| {
            let (link, visitor) = (Clone::clone(link), Arc::clone(visitor));
            Arc::new(ShareDrive::new(link, visitor, client.cloned(), save.clone()))
        };
        let (shares, drive): (Vec<Arc<ShareDrive>>, Arc<dyn Drive>) = match &made_of.kind {
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
        Some(Self { drive, shares, key: next_key(), made_of, save })
    }
}
