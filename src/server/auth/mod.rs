//! Who may come in: HTTP Basic, checked before anything else of a request is looked at.
//!
//! Knows names, password hashes, peers and which view of the tree belongs to whom; does not know WebDAV.
//! Called by `router` and, for its throttle, by `link_api`.

mod password;
#[cfg(test)]
mod tests;
mod throttle;
mod verdicts;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use headers::authorization::{Authorization, Basic};
use headers::{HeaderMap, HeaderMapExt as _};
use http::{Extensions, HeaderValue, StatusCode, header};
use tokio_util::task::TaskTracker;

pub use password::{PasswordError, User, hash_password};
pub(super) use throttle::Throttle;

use super::serve::Peer;
use super::status::{Failure, Source};
use super::{BadOptions, State, request_log, router, target};
use crate::dav;
use crate::model::Secret;
use crate::vfs::View;
use password::Passwords;
use verdicts::{Key, Verdicts};

const CHALLENGE: HeaderValue = HeaderValue::from_static("Basic realm=\"dav115\", charset=\"UTF-8\"");

/// Checks passwords: each pair of name and password once in a while, however often it is shown.
pub(super) struct Authenticator {
    passwords: Passwords,
    verdicts: Verdicts,
    throttle: Throttle,
    tracker: TaskTracker,
    /// By name; all the others see everything.
    views: HashMap<String, View>,
    /// What is seen without a name, if anything.
    anonymous: Option<View>,
}

/// Why someone is kept out.
#[derive(Debug, PartialEq, Eq)]
enum Refusal {
    /// No name and password were shown.
    Missing,
    /// They are not right.
    Wrong,
    /// Too many wrong ones came from this peer.
    Throttled(Duration),
    /// They could not be checked.
    Unchecked,
}

impl Authenticator {
    pub(super) fn new(
        users: Vec<User>,
        anonymous: Option<View>,
        tracker: TaskTracker,
    ) -> Result<Self, BadOptions> {
        let limited = users.iter().filter(|user| !user.view.is_whole());
        Ok(Self {
            views: limited.map(|user| (user.name.clone(), user.view.clone())).collect(),
            anonymous,
            passwords: Passwords::new(users, tracker.clone())?,
            verdicts: Verdicts::new(),
            throttle: Throttle::default(),
            tracker,
        })
    }

    /// What the user called `name` sees.
    fn view(&self, name: &str) -> View {
        self.views.get(name).cloned().unwrap_or_default()
    }

    /// What someone without a password sees, if they may come in for the target of `request`.
    fn view_without_password(&self, state: &State, request: &Request) -> Option<View> {
        let view = self.anonymous.as_ref()?;
        // Whoever shows something wants to be told that it is wrong.
        let is_silent = !request.headers().contains_key(header::AUTHORIZATION);
        let path = target::path_inside(state, request.uri()).filter(|_| is_silent)?;
        view.opens(&path).then(|| view.clone())
    }

    async fn check(self: &Arc<Self>, headers: &HeaderMap, peer: IpAddr) -> Result<Arc<str>, Refusal> {
        let Some(shown) = headers.typed_get::<Authorization<Basic>>() else { return Err(Refusal::Missing) };
        let key = self.verdicts.key(shown.username(), shown.password());
        let known = self.verdicts.known(&key);
        // Someone who has come in before is not kept out by the failures of a neighbour behind the same address.
        if let Some(Some(user)) = known {
            return Ok(user);
        }
        // A client with an outdated password repeats it with every request. That is one guess, not many,
        // and must not keep out the others behind the same address, which in a container is everybody's.
        if known.is_some() {
            return Err(Refusal::Wrong);
        }
        if let Some(pause) = self.throttle.pause(peer) {
            return Err(Refusal::Throttled(pause));
        }
        let this = Arc::clone(self);
        let (name, password) = (shown.username().to_owned(), Secret::new(shown.password()));
        // On a task of its own, since a client may hang up meanwhile: the failure that was counted for it
        // must be taken back if its password is right, or impatience locks it out.
        let reached = self.tracker.spawn(async move { this.reach(key, &name, &password, peer).await });
        reached.await.unwrap_or_else(|error| {
            tracing::error!(%error, "a password could not be checked");
            Err(Refusal::Unchecked)
        })
    }

    /// Verifies the password, unless someone is at it already, and draws the conclusion for `peer`.
    async fn reach(
        &self,
        key: Key,
        name: &str,
        password: &Secret,
        peer: IpAddr,
    ) -> Result<Arc<str>, Refusal> {
        let verify = async || {
            // Guesses sent all at once have all come past the first look at the throttle.
            // So it is looked at again here, and the failure counted beforehand.
            if let Some(pause) = self.throttle.pause(peer) {
                return Err(Refusal::Throttled(pause));
            }
            self.throttle.count_failure(peer);
            self.passwords.verify(name, password.expose()).await.ok_or(Refusal::Unchecked)
        };
        match self.verdicts.get_or_reach(key, verify).await? {
            Some(user) => {
                self.throttle.forget(peer);
                Ok(user)
            }
            None => Err(Refusal::Wrong),
        }
    }
}

/// Lets a request pass with what its user sees, their name noted and the password taken off, or refuses it.
pub(super) async fn require<F>(
    state: &State,
    mut request: Request,
    next: impl FnOnce(View, Request) -> F,
) -> Response
where
    F: Future<Output = Response>,
{
    let outcome = match &state.auth {
        Some(authenticator) => {
            match authenticator.check(request.headers(), peer(request.extensions())).await {
                Ok(user) => Ok((authenticator.view(&user), Some(user))),
                Err(refusal) => match authenticator.view_without_password(state, &request) {
                    Some(view) if refusal == Refusal::Missing => Ok((view, None)),
                    _ => Err(refusal),
                },
            }
        }
        None => Ok((View::whole(), None)),
    };
    match outcome {
        Ok((view, user)) => {
            request.headers_mut().remove(header::AUTHORIZATION);
            if let Some(user) = user.as_ref().filter(|_| dav::guard::may_run(request.method())) {
                // Locks have owners.
                request.extensions_mut().insert(request_log::User(Arc::clone(user)));
            }
            let mut response = next(view, request).await;
            if let Some(user) = user {
                response.extensions_mut().insert(request_log::User(user));
            }
            response
        }
        Err(refusal) => {
            let (head, body) = request.into_parts();
            router::discard(&head.headers, body).await;
            refuse(&refusal)
        }
    }
}

/// Who is at the other end of the connection the request with `extensions` came by.
pub(super) fn peer(extensions: &Extensions) -> IpAddr {
    extensions.get().map_or(IpAddr::from([0, 0, 0, 0]), |&Peer(peer)| peer)
}

fn refuse(refusal: &Refusal) -> Response {
    let challenge = |text: &str| {
        let failure = Failure::new(StatusCode::UNAUTHORIZED, Source::Client, text);
        let mut response = failure.into_response();
        response.headers_mut().insert(header::WWW_AUTHENTICATE, CHALLENGE);
        response
    };
    match refusal {
        Refusal::Missing => challenge("a user name and a password are needed"),
        Refusal::Wrong => challenge("the user name or the password is wrong"),
        Refusal::Throttled(pause) => too_many_failures("password", *pause).into_response(),
        Refusal::Unchecked => Failure::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            Source::Us,
            "the password could not be checked; the log of the gateway tells more",
        )
        .into_response(),
    }
}

/// The answer to a peer that has shown a wrong `secret`, as a person calls it, too often.
pub(super) fn too_many_failures(secret: &str, pause: Duration) -> Failure {
    let text = format!(
        "too many wrong {secret}s came from this address; correct the {secret} and wait a few minutes"
    );
    Failure::new(StatusCode::TOO_MANY_REQUESTS, Source::Client, text).retry_after(pause)
}
