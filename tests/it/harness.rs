//! A whole gateway in front of a simulated 115, both in this process, and a client for it.

use std::net::SocketAddr;
use std::time::Duration;

use dav115::app::App;
use dav115::config::{Account, Config, Credential, Mount, PublicKey, Sources, User};
use dav115::model::{DownloadPolicy, FileId, Secret};
use http::{HeaderMap, Method, StatusCode};
use sim115::{Options, Sim, Tree};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub const USER: &str = "tester";
pub const PASSWORD: &str = "secret";
/// A client that follows redirects.
pub const AGENT: &str = "rclone/v1.60.1";

/// A running gateway with one mount at `/`, and the simulator behind it.
pub struct Gateway {
    pub sim: Sim,
    pub address: SocketAddr,
    http: reqwest::Client,
    stop: Option<oneshot::Sender<()>>,
    served: Option<JoinHandle<()>>,
}

/// An answer with its whole body.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

impl Gateway {
    /// A gateway over `tree` that hands out content by `policy`.
    pub async fn start(tree: Tree, policy: DownloadPolicy) -> Self {
        Self::with(tree, |config| config.mounts[0].download = policy).await
    }

    /// A gateway over `tree` whose configuration `change` has been over.
    pub async fn with(tree: Tree, change: impl FnOnce(&mut Config)) -> Self {
        let sim = Sim::start(Options { tree, ..Options::default() }).await.unwrap();
        Self::over(sim, change).await
    }

    /// A gateway over a simulator that was prepared before the first call.
    pub async fn over(sim: Sim, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = configuration(&sim);
        change(&mut config);
        let app = App::build(&config).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let served = tokio::spawn(app.run(listener, async {
            let _ = stopped.await;
        }));
        let gateway = Self { sim, address, http: client(), stop: Some(stop), served: Some(served) };
        gateway.wait_for_first_look().await;
        gateway.sim.clear_ledger();
        gateway
    }

    /// The gateway looks at its accounts once at the start; tests count calls from after that.
    async fn wait_for_first_look(&self) {
        for _ in 0..500 {
            let ready = self.send(Method::GET, "/readyz", &[], "").await;
            if !ready.text().contains("unknown") {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the gateway did not look at its accounts");
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Sends a request with the right password and, unless `headers` has one, the User-Agent [`AGENT`].
    pub async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let response = self.open(method, path, headers, body).await;
        let (status, headers) = (response.status(), response.headers().clone());
        Answer { status, headers, body: response.bytes().await.unwrap().to_vec() }
    }

    /// Like [`Gateway::send`], with the body still to come.
    pub async fn open(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> reqwest::Response {
        let mut request = self.http.request(method, self.url(path)).basic_auth(USER, Some(PASSWORD));
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("user-agent")) {
            request = request.header("user-agent", AGENT);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(body.to_owned()).send().await.unwrap()
    }

    pub async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send(Method::GET, path, headers, "").await
    }

    pub async fn propfind(&self, path: &str, depth: &str) -> Answer {
        self.send(Method::from_bytes(b"PROPFIND").unwrap(), path, &[("depth", depth)], "").await
    }

    /// Stops the gateway as SIGTERM would and waits for its end.
    pub async fn stop(&mut self) {
        drop(self.stop.take());
        if let Some(served) = self.served.take() {
            served.await.unwrap();
        }
    }
}

/// A configuration for `sim` with one user, one account and one mount at `/`, and a pace that does not slow tests down.
pub fn configuration(sim: &Sim) -> Config {
    let mut config = Config::load_without_mounts(&Sources::default()).unwrap();
    config.server.listen = "127.0.0.1:0".parse().unwrap();
    config.limits.requests_per_second = 10_000.0;
    config.limits.open_wait = Duration::from_millis(500);
    config.users.push(User {
        name: USER.to_owned(),
        password_hash: Secret::new(dav115::server::hash_password(PASSWORD).unwrap()),
    });
    config
        .accounts
        .push(Account { name: "main".to_owned(), credential: Credential::Cookie(Secret::new(sim.cookie())) });
    config.mounts.push(Mount {
        path: "/".to_owned(),
        account: "main".to_owned(),
        root: FileId::ROOT,
        download: DownloadPolicy::Redirect,
    });
    config.upstream.base_url = Some(sim.base_url());
    config.upstream.m115_public_key =
        Some(PublicKey { modulus_hex: sim.modulus_hex(), exponent: sim.exponent() });
    config
}

#[expect(clippy::disallowed_methods, reason = "a client of the gateway, not of 115")]
fn client() -> reqwest::Client {
    // The gateway's own set-up installs the TLS provider that building any client asks for.
    reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap()
}
