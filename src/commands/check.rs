//! `dav115 check`: what a configuration comes to, and what 115 says to it.

use std::io::{self, Write};
use std::process::ExitCode;

use super::{load, readable};
use crate::app::{Accounts, App, Shares};
use crate::cli::Check;
use crate::config::{Config, MountKind, Overrides};
use crate::model::{FileId, Meter};
use crate::telemetry;

/// Prints the configuration, and asks 115 about all that it names.
pub(super) async fn run(check: &Check) -> anyhow::Result<ExitCode> {
    let config = load(&check.config, Overrides::default())?;
    let mut out = io::stdout();
    writeln!(out, "{}", config.describe())?;
    // Puts the parts together as serving would, so that what only then shows up is found here.
    telemetry::filter(&config.log)?;
    App::build(&config)?;
    let accounts = Accounts::new(&config)?;
    let well = [
        compare_users(&mut out, &config, &accounts).await?,
        probe_accounts(&mut out, &accounts).await?,
        probe_mounts(&mut out, &config, &accounts).await?,
        probe_shares(&mut out, &config, &accounts).await?,
    ];
    Ok(if well == [true; 4] { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Says of each further cookie of an account whether it is one of another user; `false` if there is one. No call.
async fn compare_users(out: &mut impl Write, config: &Config, accounts: &Accounts) -> anyhow::Result<bool> {
    let mut all_well = true;
    for account in config.accounts.iter().filter(|account| account.same_as.is_some()) {
        let (name, main) = (&account.name, account.main());
        let Some((client, main_client)) = accounts.client(name).zip(accounts.client(main)) else { continue };
        if client.is_of_another_user_than(main_client).await {
            all_well = false;
            writeln!(
                out,
                "# account {name}: its cookie is of another 115 user than that of {main}, so it is not used; \
                 sign in as the same user by `dav115 login --account {name}`"
            )?;
        }
    }
    Ok(all_well)
}

/// Says of each account whether 115 takes its cookie; `false` if one is not well. One call for each.
async fn probe_accounts(out: &mut impl Write, accounts: &Accounts) -> anyhow::Result<bool> {
    let mut all_well = true;
    for client in accounts.clients() {
        let name = client.name();
        match client.space(&Meter::default()).await {
            Ok(space) => {
                let (used, free) = (readable(space.used), readable(space.left));
                writeln!(out, "# account {name}: signed in; {used} used, {free} free")?;
            }
            Err(error) => {
                all_well = false;
                let opening = format!("the account {name} is ");
                let what = error.message.strip_prefix(&opening).unwrap_or(&error.message);
                writeln!(out, "# account {name}: {what}")?;
            }
        }
    }
    Ok(all_well)
}

/// Says of each mount whose folder, or the one it saves to, cannot be looked at why; `false` if there is one.
/// One call for each that shows a part only, and for each that saves.
async fn probe_mounts(out: &mut impl Write, config: &Config, accounts: &Accounts) -> anyhow::Result<bool> {
    let mut all_well = true;
    for mount in &config.mounts {
        let part = Some(mount.root).filter(|root| mount.kind == MountKind::Cloud && *root != FileId::ROOT);
        let folders = part.map(|folder| ("root_id", folder)).into_iter();
        let Some(client) = mount.account.as_deref().and_then(|name| accounts.client(name)) else { continue };
        for (key, folder) in folders.chain(mount.save_to.map(|folder| ("save_to", folder))) {
            if let Err(error) = client.look_at(&Meter::default(), folder).await {
                all_well = false;
                writeln!(out, "# mount {}: {key} {folder}: {}", mount.path, error.message)?;
            }
        }
    }
    Ok(all_well)
}

/// Says of each share whether it can be used; `false` if one cannot. One call for each, and one more for a part of a share.
async fn probe_shares(out: &mut impl Write, config: &Config, accounts: &Accounts) -> anyhow::Result<bool> {
    let shares = Shares::new(config, accounts)?;
    let mut all_well = true;
    for mount in &config.mounts {
        for share in shares.shown_by(mount, accounts) {
            let (path, code) = (&mount.path, share.code());
            let outcome = match share.info(&Meter::default()).await {
                Ok(info) if mount.root != FileId::ROOT => {
                    share.look_at(&Meter::default(), mount.root).await.map(|()| info)
                }
                outcome => outcome,
            };
            match outcome {
                Ok(info) => {
                    let title = info.title.unwrap_or_default();
                    writeln!(out, "# mount {path}: share {code}: {title:?}, {} at its top", info.entries)?;
                }
                Err(error) => {
                    all_well = false;
                    writeln!(out, "# mount {path}: {error}")?;
                }
            }
        }
    }
    Ok(all_well)
}
