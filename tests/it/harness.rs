//! A whole gateway in front of a simulated 115, both in this process, and a client for it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::Duration;

use argon2::password_hash::SaltString;
use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, Version};
use dav115::app::App;
use dav115::config::{Account, Config, Credential, Mount, PublicKey, Sources, User};
use dav115::model::{CookieUse, DownloadPolicy, Secret};
use http::{HeaderMap, Method, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use sim115::{Options, Sim, Tree};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub(crate) const USER: &str = "tester";
pub(crate) const PASSWORD: &str = "secret";
/// A client that follows redirects.
pub(crate) const AGENT: &str = "rclone/v1.60.1";
/// A client that is known not to follow them, so that content is streamed to it.
pub(crate) const STAYING_AGENT: &str = "davfs2/1.6.1 neon/0.32.5";

/// The hash of [`PASSWORD`], made and checked in no time.
static HASH: LazyLock<String> = LazyLock::new(|| {
    let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(8, 1, 1, None).unwrap());
    let salt = SaltString::from_b64("c2FsdHNhbHRzYWx0").unwrap();
    hasher.hash_password(PASSWORD.as_bytes(), &salt).unwrap().to_string()
});

/// A running gateway with one mount at `/`, and the simulator behind it.
pub(crate) struct Gateway {
    pub(crate) sim: Sim,
    pub(crate) address: SocketAddr,
    pub(crate) app: App,
    http: reqwest::Client,
    stop: Option<oneshot::Sender<()>>,
    served: Option<JoinHandle<()>>,
}

/// An answer with its whole body.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// `Retry-After` in seconds.
    pub(crate) fn retry_after(&self) -> Option<u64> {
        self.header("retry-after").map(|seconds| seconds.parse().unwrap())
    }
}

impl Gateway {
    /// A gateway over `tree` that hands out content by `policy`.
    pub(crate) async fn start(tree: Tree, policy: DownloadPolicy) -> Self {
        Self::with(tree, |config| config.mounts[0].download = policy).await
    }

    /// A gateway over `tree` whose configuration `change` has been over.
    pub(crate) async fn with(tree: Tree, change: impl FnOnce(&mut Config)) -> Self {
        Self::over(simulator(tree).await, change).await
    }

    /// A gateway over a simulator that was prepared before the first call.
    ///
    /// The gateway looks at its accounts once at the start; what tests count begins after that.
    pub(crate) async fn over(sim: Sim, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = configuration(&sim);
        change(&mut config);
        let gateway = Self::launch(sim, &config).await;
        gateway.wait_for_first_look().await;
        gateway.sim.clear_ledger();
        gateway
    }

    /// A gateway that has only just been started.
    pub(crate) async fn launch(sim: Sim, config: &Config) -> Self {
        let app = App::build(config).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let served = background(app.clone().run(listener, async {
            let _ = stopped.await;
        }));
        Self { sim, address, app, http: client(), stop: Some(stop), served: Some(served) }
    }

    pub(crate) async fn wait_for_first_look(&self) {
        eventually("the gateway has looked at its accounts", || async {
            !self.get("/readyz", &[]).await.text().contains("unknown")
        })
        .await;
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Sends a request with the right password and, unless `headers` has one, the User-Agent [`AGENT`].
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        whole(self.open(method, path, headers, body).await).await
    }

    /// Like [`Gateway::send`], with the body still to come.
    pub(crate) async fn open(
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

    /// Sends a request with any name and password, or none.
    pub(crate) async fn send_as(
        &self,
        user: Option<(&str, &str)>,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Answer {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self.http.request(method, self.url(path));
        if !headers.iter().any(|(name, _)| *name == "user-agent") {
            request = request.header("user-agent", STAYING_AGENT);
        }
        if let Some((name, password)) = user {
            request = request.basic_auth(name, Some(password));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        whole(request.send().await.unwrap()).await
    }

    /// The client itself, for a body that [`Gateway::send`] cannot send.
    pub(crate) fn client(&self) -> &reqwest::Client {
        &self.http
    }

    pub(crate) async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send(Method::GET, path, headers, "").await
    }

    pub(crate) async fn head(&self, path: &str) -> Answer {
        self.send(Method::HEAD, path, &[], "").await
    }

    pub(crate) async fn propfind(&self, path: &str, depth: &str) -> Answer {
        self.send(propfind(), path, &[("depth", depth)], "").await
    }

    /// Follows a redirect as a client of the name `agent` does: to another host, without its password.
    pub(crate) async fn follow(&self, location: &str, agent: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = self.http.get(location).header("user-agent", agent);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        whole(request.send().await.unwrap()).await
    }

    /// What 115 has been asked since the last look, by the labels of the calls in `src/pan115`.
    pub(crate) fn take_calls(&self) -> BTreeMap<String, usize> {
        let mut calls = BTreeMap::new();
        for entry in self.sim.ledger() {
            let label = if entry.endpoint == "cdn" { "download server".to_owned() } else { entry.endpoint };
            *calls.entry(label).or_default() += 1;
        }
        self.sim.clear_ledger();
        calls
    }

    /// Checks that since the last look 115 has been asked exactly this, and nothing else.
    #[track_caller]
    pub(crate) fn assert_calls(&self, expected: &[(&str, usize)]) {
        let expected: BTreeMap<String, usize> =
            expected.iter().map(|(label, count)| ((*label).to_owned(), *count)).collect();
        assert_eq!(self.take_calls(), expected);
    }

    /// Stops the gateway as SIGTERM would and waits for its end.
    pub(crate) async fn stop(&mut self) {
        self.sign_to_stop();
        self.wait_for_end().await;
    }

    pub(crate) fn sign_to_stop(&mut self) {
        drop(self.stop.take());
    }

    pub(crate) async fn wait_for_end(&mut self) {
        if let Some(served) = self.served.take() {
            served.await.unwrap();
        }
    }
}

pub(crate) async fn simulator(tree: Tree) -> Sim {
    Sim::start(Options { tree, ..Options::default() }).await.unwrap()
}

/// A configuration for `sim` with one user, one account and one mount at `/`, and a pace that does not slow tests down.
pub(crate) fn configuration(sim: &Sim) -> Config {
    let mut config = Config::load_without_mounts(&Sources::default()).unwrap();
    config.server.listen = "127.0.0.1:0".parse().unwrap();
    // All tests would share it, and with the gateway of this machine if there is one.
    config.server.properties_file = None;
    config.limits.requests_per_second = 10_000.0;
    config.limits.open_wait = Duration::from_millis(500);
    config.users.push(user(USER));
    config.accounts.push(Account {
        name: "main".to_owned(),
        credential: Credential::Cookie(Secret::new(sim.cookie())),
        same_as: None,
        purpose: CookieUse::All,
    });
    config.mounts.push(Mount::of_account("/", "main"));
    config.upstream.base_url = Some(sim.base_url());
    config.upstream.m115_public_key =
        Some(PublicKey { modulus_hex: sim.modulus_hex(), exponent: sim.exponent() });
    config.upstream.ec_public_key = Some(sim.ec_public_key());
    config.upload.spool_dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("spool");
    config
}

/// A user with [`PASSWORD`] who may do everything.
pub(crate) fn user(name: &str) -> User {
    let password_hash = Secret::new(HASH.as_str());
    User { name: name.to_owned(), password_hash, home: "/".to_owned(), access: None }
}

/// The method.
pub(crate) fn propfind() -> Method {
    Method::from_bytes(b"PROPFIND").unwrap()
}

/// The path of `names` in a request line, with every character escaped that can be.
pub(crate) fn path_of(names: &[&str]) -> String {
    names
        .iter()
        .flat_map(|name| ["/".into(), Cow::from(utf8_percent_encode(name, NON_ALPHANUMERIC))])
        .collect()
}

/// Waits until `holds`; fails if that takes unreasonably long.
pub(crate) async fn eventually<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    for _ in 0..1500 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it never came to pass that {what}");
}

#[expect(clippy::disallowed_methods, reason = "tests have no task tracker")]
pub(crate) fn background<T: Send + 'static>(task: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
    tokio::spawn(task)
}

async fn whole(response: reqwest::Response) -> Answer {
    let (status, headers) = (response.status(), response.headers().clone());
    Answer { status, headers, body: response.bytes().await.unwrap().to_vec() }
}

#[expect(clippy::disallowed_methods, reason = "a client of the gateway, not of 115")]
fn client() -> reqwest::Client {
    // The gateway's own set-up installs the TLS provider that building any client asks for.
    reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap()
}
