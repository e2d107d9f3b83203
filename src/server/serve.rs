//! Connections: accept, serve, drain.
//!
//! Knows sockets and hyper; does not know what a request means.
//! Called by the composition root.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use parking_lot::RwLock;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use super::{State, forwarded, router};

/// Longest head of a request. A path of 8 KiB is three times that when escaped; more than this is answered with 431.
const MAX_HEAD_BYTES: usize = 128 * 1024;

/// Pause after the system refused a connection for want of something, such as file handles, so as not to spin.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(200);

/// Bounds of the accept loop.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    pub(super) max_connections: u32,
    pub(super) header_timeout: Duration,
    pub(super) grace: Duration,
}

/// Who is at the other end of the connection, or behind the trusted proxies there; among the extensions of every request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub(super) IpAddr);

/// Serves `listener` until `shutdown` is ready and the connections are closed.
///
/// Requests in progress may end within the grace period; after it they are cut off.
pub async fn run(listener: TcpListener, server: Arc<Server>, shutdown: impl Future<Output = ()>) {
    let (limits, tracker) = {
        let state = server.state();
        (state.limits, state.parts.tracker.clone())
    };
    let Limits { max_connections, header_timeout, grace } = limits;
    let slots = Arc::new(Semaphore::new(max_connections as usize));
    let connections = Connections {
        server,
        header_timeout,
        drain: CancellationToken::new(),
        abort: CancellationToken::new(),
    };
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            accepted = accept(&listener, &slots) => match accepted {
                Ok((stream, peer, slot)) => {
                    tracker.spawn(connections.clone().serve(stream, peer, slot));
                }
                Err(error) => after_failure(&error).await,
            },
        }
    }
    drop(listener);
    connections.drain.cancel();
    let all_closed = slots.acquire_many(max_connections);
    if tokio::time::timeout(grace, all_closed).await.is_err() {
        let open = max_connections as usize - slots.available_permits();
        tracing::warn!(open, "cutting off the connections still open after the grace period");
        connections.abort.cancel();
        let _ = slots.acquire_many(max_connections).await;
    }
}

async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    // First the slot, so that connections beyond the limit wait in the backlog and cost nothing here.
    let slot = Arc::clone(slots).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    Ok((stream, peer, slot))
}

async fn after_failure(error: &io::Error) {
    match error.kind() {
        io::ErrorKind::ConnectionAborted
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionRefused => {}
        _ => {
            tracing::warn!(%error, "cannot accept a connection");
            tokio::time::sleep(PAUSE_AFTER_FAILURE).await;
        }
    }
}

/// A server ready to [`run`].
pub struct Server(RwLock<Arc<State>>);

impl Server {
    /// One that begins with `state`.
    pub fn new(state: State) -> Self {
        Self(RwLock::new(Arc::new(state)))
    }

    /// Answers by `state` from the next request on, on connections that are open already as well.
    ///
    /// The limits of connections stay those of the first state.
    pub fn replace(&self, state: State) {
        *self.0.write() = Arc::new(state);
    }

    fn state(&self) -> Arc<State> {
        Arc::clone(&self.0.read())
    }
}

/// What every connection shares.
#[derive(Clone)]
struct Connections {
    server: Arc<Server>,
    header_timeout: Duration,
    /// Finish the request in progress, then close.
    drain: CancellationToken,
    /// Close now.
    abort: CancellationToken,
}

impl Connections {
    /// Serves one connection to its end; `_slot` is held as long.
    async fn serve(self, stream: TcpStream, peer: SocketAddr, _slot: OwnedSemaphorePermit) {
        let Self { server, header_timeout, drain, abort } = self;
        // Heads and short answers must not wait for the acknowledgement of what went before.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "cannot set TCP_NODELAY");
        }
        let service = service_fn(move |mut request: hyper::Request<Incoming>| {
            let state = server.state();
            let client =
                forwarded::client(peer.ip().to_canonical(), request.headers(), &state.trusted_proxies);
            request.extensions_mut().insert(Peer(client));
            // Boxed, because hyper moves it to where it is driven, and it is large.
            Box::pin(async move { Ok::<_, Infallible>(router::answer(&state, request.map(Body::new)).await) })
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(header_timeout)
            .max_buf_size(MAX_HEAD_BYTES)
            .serve_connection(TokioIo::new(stream), service);
        let mut connection = pin!(connection);
        let outcome = tokio::select! {
            outcome = &mut connection => outcome,
            () = drain.cancelled() => {
                connection.as_mut().graceful_shutdown();
                tokio::select! {
                    outcome = &mut connection => outcome,
                    () = abort.cancelled() => return,
                }
            }
        };
        if let Err(error) = outcome {
            tracing::debug!(peer = %peer.ip(), %error, "a connection ended badly");
        }
    }
}
