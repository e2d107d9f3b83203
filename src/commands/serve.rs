//! `dav115 serve`: the gateway until a stop signal; SIGHUP reads the configuration again.

use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use super::load;
use crate::app::App;
use crate::cli::Serve;
use crate::telemetry;

/// Serves until a stop signal.
pub(super) async fn run(serve: &Serve) -> anyhow::Result<ExitCode> {
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
