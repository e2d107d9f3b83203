//! `dav115 demo`: the gateway in front of a simulated 115, with nothing to configure.

use std::io::{self, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;

use anyhow::Context as _;
use rand::RngExt as _;
use sim115::{Options, Sim};

use crate::app::App;
use crate::cli::Demo;
use crate::commands::{listen, stop_signal};
use crate::config::{Account, Config, Credential, Mount, PublicKey, Sources, User};
use crate::model::{CookieUse, DownloadPolicy, Secret};
use crate::{server, telemetry};

const USER: &str = "demo";

/// The simulated 115 bans nobody, so the demo need not be as slow as 115 wants it.
const REQUESTS_PER_SECOND: f64 = 50.0;

/// Serves the demo until a stop signal.
pub(crate) async fn run(demo: &Demo) -> anyhow::Result<ExitCode> {
    let tree = demo.tree.parse().map_err(|error| anyhow::anyhow!("--tree {}: {error}", demo.tree))?;
    let options = Options { tree, ..Options::default() };
    let simulator = Sim::start(options).await.context("cannot start the simulated 115")?;
    let password: String =
        rand::rng().sample_iter(rand::distr::Alphanumeric).take(12).map(char::from).collect();
    let config = config(demo, &simulator, &password)?;
    telemetry::start(&config.log)?;
    let app = App::build(&config)?;
    let listener = listen(demo.listen).await?;
    io::stdout().write_all(welcome(listener.local_addr()?, &password).as_bytes())?;
    app.run(listener, stop_signal()?).await;
    simulator.stop().await;
    Ok(ExitCode::SUCCESS)
}

fn config(demo: &Demo, simulator: &Sim, password: &str) -> anyhow::Result<Config> {
    let mut config = Config::load_without_mounts(&Sources::default())?;
    config.server.listen = demo.listen;
    // The demo leaves nothing behind, and must not touch what a real gateway keeps.
    config.server.properties_file = None;
    "warn".clone_into(&mut config.log.level);
    config.limits.requests_per_second = REQUESTS_PER_SECOND;
    config.users.push(User {
        name: USER.to_owned(),
        password_hash: Secret::new(server::hash_password(password)?),
        home: "/".to_owned(),
        access: None,
    });
    config.accounts.push(Account {
        name: USER.to_owned(),
        credential: Credential::Cookie(Secret::new(simulator.cookie())),
        same_as: None,
        purpose: CookieUse::All,
    });
    // The simulated download servers are on this machine alone, so nobody else could follow a redirect to them.
    let download = demo.download.unwrap_or(if demo.listen.ip().is_loopback() {
        DownloadPolicy::Redirect
    } else {
        DownloadPolicy::Proxy
    });
    config.mounts.push(Mount { download, ..Mount::of_account("/", USER) });
    config.upstream.base_url = Some(simulator.base_url());
    config.upstream.m115_public_key =
        Some(PublicKey { modulus_hex: simulator.modulus_hex(), exponent: simulator.exponent() });
    config.upstream.ec_public_key = Some(simulator.ec_public_key());
    Ok(config)
}

/// What a person needs to try it. Every command stands on a line of its own and works as it is.
fn welcome(address: SocketAddr, password: &str) -> String {
    let (here, note) = match address.ip() {
        ip if ip.is_unspecified() => (
            SocketAddr::new(Ipv4Addr::LOCALHOST.into(), address.port()),
            format!(
                "From another device, put this machine's name or address in its place, with port {}.\n\n",
                address.port()
            ),
        ),
        _ => (address, String::new()),
    };
    let url = format!("http://{here}/");
    format!(
        "\
dav115 shows an invented 115 drive until you press Ctrl-C. It can be written to; what is written is gone then.

Address:  {url}
User:     {USER}
Password: {password}

{note}A browser shows it at that address. Or paste one of these into another terminal:

curl -u {USER}:{password} {url}
curl -u {USER}:{password} -X PROPFIND -H 'Depth: 1' {url}
rclone lsf -R --webdav-url {url} --webdav-user {USER} --webdav-pass \"$(rclone obscure {password})\" :webdav:
mkdir -p /mnt/dav115 && printf 'buf_size 64\\n' > /tmp/dav115-davfs2.conf && echo {password} | mount -t davfs -o username={USER},conf=/tmp/dav115-davfs2.conf {url} /mnt/dav115

"
    )
}
