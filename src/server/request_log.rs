//! One line and one number per request.
//!
//! Knows what a line holds: no password, no token, no signed URL, no query string, and user-supplied text escaped.
//! Called by `router`; the layers below leave what the line should tell among the extensions of the response.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll, ready};

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, StatusCode};
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::Instant;
use tracing::{Instrument as _, Span};

use super::client;
use super::serve::Peer;
use super::status::Source;
use crate::model::Meter;

/// Longest path and User-Agent in a line, in characters.
const MAX_TEXT: usize = 512;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Who came in. Left by `auth`.
#[derive(Clone)]
pub(super) struct User(pub(super) Arc<str>);

/// How content is handed out. Left by `download`.
#[derive(Clone, Copy)]
pub(super) struct Plan(pub(super) &'static str);

/// Why it failed, and on whose side. Left by `status`.
#[derive(Clone)]
pub(super) struct Reason {
    pub(super) source: Source,
    pub(super) text: Arc<str>,
}

/// Writes a line when the last byte of the answer is out, or when the client is gone.
pub(super) async fn one_line<F>(mut request: Request, next: impl FnOnce(Request) -> F) -> Response
where
    F: Future<Output = Response>,
{
    // Boxed, because it is moved about with whatever it is part of.
    let mut line = Box::new(Line::new(&request));
    request.extensions_mut().insert(line.meter.clone());
    let span = tracing::info_span!("request", id = %line.id);
    let mut response = next(request).instrument(span.clone()).await;
    if let Ok(id) = HeaderValue::from_str(&line.id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    line.learn(&response);
    response.map(|body| Body::new(Logged { body, line, span }))
}

struct Line {
    id: String,
    started: Instant,
    meter: Meter,
    peer: Option<Peer>,
    method: Method,
    path: String,
    agent: String,
    answer: Option<Answer>,
}

/// What is known once there is an answer.
struct Answer {
    status: StatusCode,
    user: Option<User>,
    plan: Option<Plan>,
    reason: Option<Reason>,
    /// Bytes that should go out; unknown for an answer of unknown length.
    expected: Option<u64>,
    bytes: u64,
    ended: bool,
    broken: Option<String>,
}

impl Line {
    fn new(request: &Request) -> Self {
        Self {
            id: next_id(),
            started: Instant::now(),
            meter: Meter::default(),
            peer: request.extensions().get().copied(),
            method: request.method().clone(),
            path: shortened(request.uri().path()),
            agent: shortened(client::agent(request.headers())),
            answer: None,
        }
    }

    fn learn(&mut self, response: &Response) {
        let extensions = response.extensions();
        let status = response.status();
        let bodiless = self.method == Method::HEAD || status == StatusCode::NOT_MODIFIED;
        let stated = response.headers().get(http::header::CONTENT_LENGTH);
        let stated = stated.and_then(|length| length.to_str().ok()?.parse().ok());
        self.answer = Some(Answer {
            status,
            user: extensions.get().cloned(),
            plan: extensions.get().copied(),
            reason: extensions.get().cloned(),
            expected: if bodiless { Some(0) } else { stated.or(response.body().size_hint().exact()) },
            bytes: 0,
            ended: false,
            broken: None,
        });
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let peer = self.peer.map(|peer| tracing::field::display(peer.0));
        let calls = self.meter.calls();
        let elapsed_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let Self { id, method, path, agent, answer, .. } = self;
        // Texts, which the formats of the log escape by themselves.
        let (path, agent) = (path.as_str(), agent.as_str());
        let Some(answer) = answer else {
            tracing::info!(
                %id, peer, %method, path, agent, calls, elapsed_ms, "the client gave up before the answer"
            );
            return;
        };
        let Answer { status, user, plan, reason, expected, bytes, ended, broken } = answer;
        let status = status.as_u16();
        let user = user.as_ref().map(|user| &*user.0);
        let plan = plan.map(|plan| plan.0);
        let source = match (broken.as_ref(), reason.as_ref()) {
            (Some(_), _) => Some(Source::Drive.as_str()),
            (None, reason) => reason.map(|reason| reason.source.as_str()),
        };
        let why = broken.as_deref().or(reason.as_ref().map(|reason| &*reason.text));
        let outcome = match broken {
            Some(_) => "cut off",
            None if *ended || expected.is_some_and(|expected| *bytes >= expected) => "done",
            None => "closed before the end",
        };
        macro_rules! write_line {
            ($level:ident) => {
                tracing::$level!(
                    %id, peer, user, %method, path, agent, status, source, plan, calls, bytes, elapsed_ms, why,
                    "{outcome}"
                )
            };
        }
        if status >= 500 || broken.is_some() { write_line!(warn) } else { write_line!(info) }
    }
}

/// A body that tells its line what became of it.
struct Logged {
    body: Body,
    line: Box<Line>,
    span: Span,
}

impl HttpBody for Logged {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.get_mut();
        let _entered = this.span.enter();
        let frame = ready!(Pin::new(&mut this.body).poll_frame(context));
        if let Some(answer) = &mut this.line.answer {
            match &frame {
                Some(Ok(frame)) => answer.bytes += frame.data_ref().map_or(0, |data| data.len() as u64),
                Some(Err(error)) => answer.broken = Some(error.to_string()),
                None => answer.ended = true,
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A number no other request of this process has, behind one that the last process did not have.
fn next_id() -> String {
    static PROCESS: LazyLock<u32> = LazyLock::new(|| {
        // Seeded by the system; enough to tell two runs apart.
        (RandomState::new().build_hasher().finish() & 0xffff) as u32
    });
    static LAST: AtomicU32 = AtomicU32::new(0);
    format!("{:04x}-{}", *PROCESS, LAST.fetch_add(1, Ordering::Relaxed) + 1)
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(MAX_TEXT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
