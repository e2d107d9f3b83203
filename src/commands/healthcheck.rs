//! `dav115 healthcheck`: whether a running gateway is well.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::bail;

use super::load;
use crate::cli::Healthcheck;
use crate::config::Overrides;
use crate::transport::{Http, Request, Route, Timeouts};

/// Asks the health page.
pub(super) async fn run(check: &Healthcheck) -> anyhow::Result<ExitCode> {
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
}
