//! The running server and its handle.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::behaviours::Behaviours;
use crate::content::Content;
use crate::faults::FaultRule;
use crate::ledger::LedgerEntry;
use crate::m115::KeyPair;
use crate::service;
use crate::share::{Share, ShareSpec};
use crate::state::Shared;
use crate::tree::{Tree, TreeState};

/// How to start a simulator.
#[derive(Clone, Debug)]
pub struct Options {
    /// The address to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The tree to start with.
    pub tree: Tree,
    /// Scheme and authority that download links point to, if clients reach the server under another name.
    pub public_url: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self { listen: SocketAddr::from(([127, 0, 0, 1], 0)), tree: Tree::default(), public_url: None }
    }
}

/// A running simulator. Dropping it stops it.
pub struct Sim {
    shared: Arc<Shared>,
    address: SocketAddr,
    stopping: CancellationToken,
    tasks: TaskTracker,
}

impl Sim {
    /// Starts a simulator on the address of the options.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn start(options: Options) -> io::Result<Self> {
        let listener = TcpListener::bind(options.listen).await?;
        Self::serve(listener, options).await
    }

    /// Starts a simulator on a listener that is bound already; `options.listen` is not looked at.
    ///
    /// # Errors
    /// When the listener has no address.
    #[expect(clippy::unused_async, reason = "it must run inside a runtime, which an async signature says")]
    pub async fn serve(listener: TcpListener, options: Options) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let public_base = options.public_url.unwrap_or_else(|| format!("http://{address}"));
        let shared = Arc::new(Shared::new(&options.tree, public_base.trim_end_matches('/').to_owned())?);
        let (stopping, tasks) = (CancellationToken::new(), TaskTracker::new());
        tasks.spawn(accept(listener, Arc::clone(&shared), stopping.clone(), tasks.clone()));
        Ok(Self { shared, address, stopping, tasks })
    }

    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its URL without a trailing slash: what a gateway takes for the base of its upstream.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The cookie of the account, `UID=…; CID=…; SEID=…; KID=…`, whatever its state.
    pub fn cookie(&self) -> String {
        self.shared.account.cookie()
    }

    /// The modulus of the m115 key pair in hexadecimal.
    pub fn modulus_hex(&self) -> String {
        self.shared.key.modulus_hex()
    }

    /// The public exponent of the m115 key pair.
    pub fn exponent(&self) -> u32 {
        KeyPair::exponent()
    }

    /// The public key of the cipher around `initupload.php`: 112 hexadecimal digits, X then Y.
    pub fn ec_public_key(&self) -> String {
        self.shared.upload_key.public_hex()
    }

    /// Lets a content lie somewhere at 115, in nobody's tree, so that it can be taken over without its bytes. Returns
    /// its SHA-1, the true one of its bytes, whatever their number.
    pub fn know(&self, content: &Content) -> String {
        let content = content.hashed();
        let sha1 = content.sha1_hex();
        self.shared.uploads.know(content);
        sha1
    }

    /// How many uploads in parts have neither ended nor been given up.
    pub fn unfinished_uploads(&self) -> usize {
        self.shared.uploads.store.unfinished()
    }

    /// The bytes of bodies the object store has read since the ledger was cleared, those of broken uploads too.
    pub fn bytes_received(&self) -> u64 {
        let of_oss = |entry: &LedgerEntry| entry.endpoint.starts_with("oss_");
        self.ledger().iter().filter(|entry| of_oss(entry)).map(|entry| entry.received).sum()
    }

    /// Ends the life of all credentials for the object store given out so far.
    pub fn expire_upload_tokens(&self) {
        self.shared.uploads.tokens.expire();
    }

    /// Reads or changes the switches.
    pub fn behave<R>(&self, change: impl FnOnce(&mut Behaviours) -> R) -> R {
        change(&mut self.shared.behaviours.lock())
    }

    /// Reads or edits the tree as it is now. No call is answered meanwhile.
    pub fn tree<R>(&self, edit: impl FnOnce(&mut TreeState) -> R) -> R {
        let mut tree = self.shared.tree.lock();
        tree.settle();
        edit(&mut tree)
    }

    /// Brings the operation under way, if there is one, to its end at once.
    pub fn finish_work(&self) {
        self.shared.tree.lock().finish();
    }

    /// Adds a share. One of the same share code is replaced.
    ///
    /// # Panics
    /// When the share code or the receive code has other characters than lower-case letters and digits, or the state
    /// is none that is known.
    pub fn add_share(&self, spec: &ShareSpec) {
        self.shared.shares.lock().add(spec, self.shared.clock.unix());
    }

    /// Reads or changes a share: its state, its tree, how it refuses. No share call is answered meanwhile.
    ///
    /// # Panics
    /// When there is no share of that code.
    pub fn share<R>(&self, code: &str, change: impl FnOnce(&mut Share) -> R) -> R {
        let mut shares = self.shared.shares.lock();
        let Some(share) = shares.find(code) else { panic!("there is no share {code}") };
        change(share)
    }

    /// How many calls an endpoint has had, by its label in the ledger.
    pub fn calls(&self, endpoint: &str) -> usize {
        self.shared.ledger.counts().get(endpoint).copied().unwrap_or_default()
    }

    /// How many calls the API hosts have had: all calls but those of the CDN and of the object store.
    pub fn api_calls(&self) -> usize {
        let of_api = |label: &str| label != "cdn" && !label.starts_with("oss_");
        self.shared.ledger.counts().iter().filter(|(label, _)| of_api(label)).map(|(_, count)| count).sum()
    }

    /// The most recent calls, oldest first.
    pub fn ledger(&self) -> Vec<LedgerEntry> {
        self.shared.ledger.entries()
    }

    /// Forgets all calls and counts.
    pub fn clear_ledger(&self) {
        self.shared.ledger.clear();
    }

    /// Sets a fault rule beside those already set.
    pub fn fault(&self, rule: FaultRule) {
        self.shared.faults.add(rule);
    }

    /// Drops all fault rules; a block of the firewall they raised stays.
    pub fn clear_faults(&self) {
        self.shared.faults.clear();
    }

    /// Lifts all blocks of the firewall and forgets what it counted.
    pub fn clear_firewall(&self) {
        self.shared.firewall.clear();
    }

    /// Moves the simulated clock forward.
    pub fn advance(&self, by: Duration) {
        self.shared.clock.advance(by);
    }

    /// The simulated time.
    pub fn now(&self) -> SystemTime {
        self.shared.clock.now()
    }

    /// The number of download bodies now open.
    pub fn open_bodies(&self) -> usize {
        self.shared.links.open_bodies()
    }

    /// The download bytes handed to connections so far.
    ///
    /// Bytes count when they leave the generator; up to about half a megabyte per connection may still wait in buffers.
    pub fn bytes_sent(&self) -> u64 {
        self.shared.sent.load(Ordering::Relaxed)
    }

    /// Ends the life of the cookie.
    pub fn expire_cookie(&self) {
        self.shared.account.expire();
    }

    /// Lets another login of the same application end the cookie: at once on proapi, a minute later elsewhere.
    pub fn kick_cookie(&self) {
        self.shared.account.kick(self.shared.clock.unix());
    }

    /// Logs in anew and returns the new cookie; the old one is wrong from now on.
    pub fn renew_cookie(&self) -> String {
        self.shared.account.renew(self.shared.clock.unix())
    }

    /// Logs in with another application, such as `A1`, and returns its cookie; the others stay good.
    pub fn sign_in(&self, application: &str) -> String {
        self.shared.account.sign_in(application, self.shared.clock.unix())
    }

    /// Stops the server, closes its connections and waits until all is closed.
    pub async fn stop(self) {
        self.stopping.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        self.stopping.cancel();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, stopping: CancellationToken, tasks: TaskTracker) {
    loop {
        let accepted = tokio::select! {
            () = stopping.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                tasks.spawn(connection(stream, peer.ip(), Arc::clone(&shared), stopping.clone()));
            }
            // Out of file descriptors, or a peer gone before it was taken: nothing a pause would not mend.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn connection(stream: TcpStream, peer: IpAddr, shared: Arc<Shared>, stopping: CancellationToken) {
    // A refusal only costs latency.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| service::serve(Arc::clone(&shared), request, peer));
    // Without a timer idle connections stay open, so that no client meets one closing under its next request.
    let serving = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    first(stopping.cancelled(), serving).await;
}

/// Waits for whichever ends first. How a connection ends is of no interest: broken ones are part of the game.
async fn first(stop: impl Future<Output = ()>, serving: impl Future<Output = Result<(), hyper::Error>>) {
    tokio::select! {
        () = stop => {}
        _ = serving => {}
    }
}
