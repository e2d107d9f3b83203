//! What each command of the command line does.

use std::io::{self, BufRead as _, IsTerminal as _, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::CommandFactory as _;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::app::{Accounts, App, Shares};
use crate::cli::{Check, Cli, Command, ConfigFile, Healthcheck, Serve};
use crate::config::{Config, MountKind, Overrides, Sources};
use crate::model::{FileId, Meter};
use crate::transport::{Http, Request, Route, Timeouts};
use crate::{demo, server, telemetry};

/// Runs a command to its end.
pub async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Serve(serve) => self::serve(&serve).await,
        Command::Demo(demo) => demo::run(&demo).await,
        Command::Check(check) => self::check(&check).await,
        Command::HashPassword => hash_password(),
        Command::Healthcheck(check) => healthcheck(&check).await,
        Command::Completions(completions) => {
            clap_complete::generate(completions.shell, &mut Cli::command(), "dav115", &mut io::stdout());
            Ok(ExitCode::SUCCESS)
        }
    }
}

async fn serve(serve: &Serve) -> anyhow::Result<ExitCode> {
    let config = load(&serve.config, serve.overrides())?;
    telemetry::start(&config.log)?;
    let app = App::build(&config)?;
    let listener = listen(config.server.listen).await?;
    tracing::info!(address = %listener.local_addr()?, mounts = config.mounts.len(), "serving");
    let mut hangup = signal(SignalKind::hangup()).context("cannot listen for SIGHUP")?;
    let reloads = async {
        while hangup.recv().await.is_some() {
            reload(&app, serve);
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = app.clone().run(listener, stop_signal()?) => {}
        () = reloads => {}
    }
    tracing::info!("stopped");
    Ok(ExitCode::SUCCESS)
}

/// Goes on with what the configuration says now, or with what it said before if that is no good.
fn reload(app: &App, serve: &Serve) {
    match load(&serve.config, serve.overrides()).and_then(|config| app.reload(&config)) {
        Ok(unchanged) if unchanged.is_empty() => tracing::info!("the configuration has been read again"),
        Ok(unchanged) => tracing::warn!(
            "the configuration has been read again; changes of {} wait for the next start",
            unchanged.join(", ")
        ),
        Err(error) => {
            // Several problems stand in lines of their own, and a line of the log is one.
            let reason = format!("{error:#}").replace("\n  - ", " ");
            tracing::error!("the configuration is refused, the one in use stays in force: {reason}");
        }
    }
}

fn load(file: &ConfigFile, overrides: Overrides) -> anyhow::Result<Config> {
    Ok(Config::load(&Sources::from_process(file.path.clone(), overrides)?)?)
}

/// Binds `address`.
pub(crate) async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        let advice = match error.kind() {
            io::ErrorKind::AddrInUse => {
                "; another program listens there: stop it, or choose another port with --listen"
            }
            io::ErrorKind::PermissionDenied => "; choose a port above 1023 with --listen",
            io::ErrorKind::AddrNotAvailable => {
                "; this machine does not have that address: choose another with --listen"
            }
            _ => "",
        };
        anyhow::anyhow!("cannot listen on {address}: {error}{advice}")
    })
}

/// Ready at the first SIGTERM or SIGINT.
pub(crate) fn stop_signal() -> anyhow::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping: requests in progress may end");
    })
}

async fn check(check: &Check) -> anyhow::Result<ExitCode> {
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
                "# account {name}: its cookie is of another 115 user than that of {main}, so it is not used"
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

fn readable(bytes: u64) -> String {
    let (unit, shift) = if bytes >> 40 > 0 { ("TiB", 40) } else { ("GiB", 30) };
    format!("{}.{} {unit}", bytes >> shift, (bytes % (1 << shift) * 10) >> shift)
}

fn hash_password() -> anyhow::Result<ExitCode> {
    let password = if io::stdin().is_terminal() {
        let first = rpassword::prompt_password("Password: ")?;
        if first != rpassword::prompt_password("Again: ")? {
            bail!("the two passwords differ; nothing was made");
        }
        first
    } else {
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line)?;
        line.trim_end_matches(['\r', '\n']).to_owned()
    };
    if password.is_empty() {
        bail!("the password is empty; type one, or send one line to standard input");
    }
    writeln!(io::stdout(), "{}", server::hash_password(&password)?)?;
    Ok(ExitCode::SUCCESS)
}

async fn healthcheck(check: &Healthcheck) -> anyhow::Result<ExitCode> {
    let url = match &check.url {
        Some(url) => url.clone(),
        None => health_url(load(&check.config, Overrides::default())?.server.listen),
    };
    let wait = Duration::from_secs(5);
    let http = Http::new(&Timeouts { connect: wait, attempt: wait, read: wait }, Route::Direct)?;
    let request = Request {
        url: &url,
        form: None,
        encoded: None,
        agent: "dav115 healthcheck",
        cookie: None,
        range: None,
        headers: &[],
    };
    match http.send(&request).await {
        Ok(answer) if answer.status.is_success() => Ok(ExitCode::SUCCESS),
        Ok(answer) => bail!("{url} answered with status {}", answer.status.as_u16()),
        Err(error) => bail!("{url}: {error} ({})", error.detail),
    }
}

/// The health page of a gateway that listens on `address`, as seen from the same machine.
fn health_url(address: SocketAddr) -> String {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    format!("http://{}/healthz", SocketAddr::new(ip, address.port()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_health_page_is_asked_for_on_this_machine() {
        assert_eq!(health_url("0.0.0.0:8115".parse().unwrap()), "http://127.0.0.1:8115/healthz");
        assert_eq!(health_url("[::]:80".parse().unwrap()), "http://[::1]:80/healthz");
        assert_eq!(health_url("192.0.2.1:80".parse().unwrap()), "http://192.0.2.1:80/healthz");
    }

    #[test]
    fn sizes_are_shown_with_one_decimal() {
        assert_eq!(readable(0), "0.0 GiB");
        assert_eq!(readable((3 << 30) + (1 << 29)), "3.5 GiB");
        assert_eq!(readable(15_356 << 30), "14.9 TiB");
    }
}
