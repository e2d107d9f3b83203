//! The one passage of an API call.
//!
//! From the outside in: deadline, retry, gate, pacer, session, send, envelope.
//! The deadline bounds all waiting. Each attempt asks the gate anew and pays for its own slot.
//! The session is asked per attempt, so a cookie replaced meanwhile serves the next one.
//! The envelope is innermost, so that all the others see one verdict.
//! Only this file knows the order.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use parking_lot::Mutex;
use tokio::time::{Instant, timeout_at};

use super::envelope::{self, Failure};
use super::error::{ADDRESS_BLOCKED, ErrorKind, Pan115Error, quoted, sign_in_advice};
use super::history::History;
use super::manner::Manner;
use super::{Client, Host, Lane};
use crate::model::{Meter, Secret};
use crate::transport::{Answer, Backoff, Cause, Refused, Request, Step, TransportErrorKind, retry};

const BACKOFF: Backoff = Backoff { first: Duration::from_millis(500), max: Duration::from_secs(8) };

/// A throttled account is asked again within the same call only if 115 wants it this soon.
const WORTH_WAITING: Duration = Duration::from_secs(5);

/// What is called. Every call has a label, and every label a row in the budget tests.
pub(super) struct Call<'a> {
    /// Its name in logs and errors.
    pub(super) label: &'static str,
    /// Which host serves it.
    pub(super) host: Host,
    /// Path and query, percent-encoded.
    pub(super) path: String,
    /// Form fields; present means POST.
    pub(super) form: Option<&'a [(&'static str, String)]>,
    /// The `User-Agent`.
    pub(super) agent: &'a str,
    /// Further headers, where 115's own clients send some.
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
}

/// A successful answer.
pub(super) struct Reply {
    /// JSON whose `state` is good.
    pub(super) body: Bytes,
    /// HTTP headers.
    pub(super) headers: HeaderMap,
    /// An attempt before this one had done it already, although its answer was lost; then there is no body.
    pub(super) was_done_before: bool,
}

impl Client {
    /// Makes a call that may be repeated without harm.
    pub(super) async fn call(&self, meter: &Meter, call: &Call<'_>) -> Result<Reply, Pan115Error> {
        self.call_in(meter, call, &Manner::QUESTION).await
    }

    /// Makes a call in its own manner.
    pub(super) async fn call_in(
        &self,
        meter: &Meter,
        call: &Call<'_>,
        manner: &Manner<'_>,
    ) -> Result<Reply, Pan115Error> {
        let end = Instant::now() + self.options.deadline;
        // What the last attempt came to, for the case that time runs out during the next.
        let last = Mutex::new(None);
        let history = Mutex::new(History::default());
        let attempts = retry(u32::MAX, BACKOFF, |_| async {
            let step = self.attempt(meter, call, manner, end).await;
            let step = history.lock().weigh(step, manner, self.options.retries);
            if let Step::Again(error, _) = &step {
                *last.lock() = Some(error.clone());
            }
            step
        });
        let outcome = match timeout_at(end, attempts).await {
            Ok(outcome) => outcome,
            Err(_) => Err(last.lock().take().unwrap_or_else(|| self.unanswered(call))),
        };
        match &outcome {
            Ok(_) => self.session.note_success(),
            Err(error) => {
                // What the gateway itself refuses while it keeps away is not news.
                let is_news = !matches!(error.kind, ErrorKind::Blocked { .. } | ErrorKind::SignedOut);
                if is_news {
                    self.session.note_error(error.to_string());
                }
                if let ErrorKind::Transport(_) = error.kind {
                    self.session.note_unreachable(error.message.clone());
                }
            }
        }
        outcome
    }

    async fn attempt(
        &self,
        meter: &Meter,
        call: &Call<'_>,
        manner: &Manner<'_>,
        end: Instant,
    ) -> Step<Reply, Pan115Error> {
        let lane = self.lane(call.host);
        // Before the pacer, so that a shut gate answers at once; and after it, because it may have shut meanwhile.
        if let Err(refused) = lane.gate.enter() {
            return Step::Fail(self.kept_away(call, &refused));
        }
        if let Err(wait) = lane.pacer.pass(end.saturating_duration_since(Instant::now())).await {
            return Step::Fail(self.too_many(call, wait));
        }
        let pass = match lane.gate.enter() {
            Ok(pass) => pass,
            Err(refused) => return Step::Fail(self.kept_away(call, &refused)),
        };
        let cookie = match self.session.cookie().await {
            Ok(cookie) => cookie,
            Err(reason) => return Step::Fail(self.signed_out(call, 0, &reason)),
        };
        let url = self.endpoints.url(call.host, &call.path);
        let request = Request {
            url: &url,
            form: call.form,
            encoded: manner.encoded.clone(),
            agent: call.agent,
            cookie: Some(cookie.expose()).filter(|cookie| !cookie.is_empty()),
            range: None,
            headers: &call.headers,
        };
        meter.count();
        let answer = match self.http.send(&request).await {
            Ok(answer) => answer,
            Err(error) => {
                let message = format!("cannot reach {}: {error} ({})", call.host.domain(), error.detail);
                return Step::Again(fail(call, 0, ErrorKind::Transport(error.kind), || message), None);
            }
        };
        match judge(&answer, manner) {
            Ok(body) => {
                pass.succeed();
                Step::Done(Reply { body, headers: answer.headers, was_done_before: false })
            }
            Err(failure) => self.verdict(call, lane, &cookie, &failure),
        }
    }

    /// What follows from a stated failure: for the pace, the gate, the session, and for this call.
    fn verdict(
        &self,
        call: &Call<'_>,
        lane: &Lane,
        cookie: &Secret,
        failure: &Failure,
    ) -> Step<Reply, Pan115Error> {
        let said = quoted(&failure.message);
        let error = |text: String| fail(call, failure.code, failure.kind, || text);
        match failure.kind {
            ErrorKind::Blocked { .. } if failure.code == ADDRESS_BLOCKED => {
                let reason = format!(
                    "115 takes no sign-in from this address before midnight in China, and says {said}"
                );
                let pause = until_midnight_in_china(SystemTime::now());
                tracing::warn!(account = %self.name, pause_s = pause.as_secs(), "{reason}");
                self.session.note_error(reason.clone());
                for lane in &self.lanes {
                    lane.gate.shut(Cause::Block, pause, reason.clone());
                }
                Step::Fail(self.kept_away(call, &lane.gate.shut(Cause::Block, pause, reason)))
            }
            ErrorKind::Blocked { .. } => {
                let pause = self.options.block_pause;
                let reason = format!("115's firewall blocks {} ({said})", self.caller());
                tracing::warn!(account = %self.name, host = call.host.domain(), pause_s = pause.as_secs(), "{reason}");
                self.session.note_error(reason.clone());
                Step::Fail(self.kept_away(call, &lane.gate.shut(Cause::Block, pause, reason)))
            }
            ErrorKind::Throttled { after: Some(after) } if after > WORTH_WAITING => {
                let reason = format!("115 throttles {} and says {said}", self.caller());
                tracing::warn!(account = %self.name, host = call.host.domain(), pause_s = after.as_secs(), "{reason}");
                lane.gate.shut(Cause::Throttle, after, reason.clone());
                Step::Fail(error(format!("{reason}; the next try is in {}s", after.as_secs())))
            }
            ErrorKind::Throttled { after } => {
                let pause = after.unwrap_or(Duration::from_secs(1));
                lane.pacer.hold(pause);
                Step::Again(error(format!("115 throttles {} and says {said}", self.caller())), after)
            }
            ErrorKind::SignedOut if self.session.is_nobody() => {
                Step::Fail(error(format!("115 wants a login for this and says {said}")))
            }
            ErrorKind::SignedOut => {
                let reason = format!(
                    "115 says {said}; {}",
                    sign_in_advice(failure.code, self.session.app().as_deref(), &self.name)
                );
                tracing::warn!(account = %self.name, code = failure.code, "signed out: {reason}");
                self.session.note_signed_out(cookie, reason.clone());
                self.session.note_error(reason.clone());
                Step::Fail(self.signed_out(call, failure.code, &reason))
            }
            ErrorKind::Busy => {
                Step::Again(error(format!("115 is busy with the account and says {said}")), None)
            }
            ErrorKind::Server | ErrorKind::Corrupt => Step::Again(error(failure.message.clone()), None),
            ErrorKind::OtherOrder => Step::Fail(Pan115Error {
                wanted_order: failure.wanted_order.clone(),
                ..error(format!("115 wants another order and says {said}"))
            }),
            ErrorKind::NotFound
            | ErrorKind::Gone
            | ErrorKind::Denied
            | ErrorKind::Exists
            | ErrorKind::BadName
            | ErrorKind::NoSpace
            | ErrorKind::TooLarge
            | ErrorKind::BadRequest
            | ErrorKind::LinkRefused
            | ErrorKind::NoLink
            | ErrorKind::Transport(_) => {
                Step::Fail(error(format!("115 says {said} (code {})", failure.code)))
            }
            ErrorKind::Unknown => {
                tracing::warn!(
                    endpoint = call.label,
                    code = failure.code,
                    "115 answered a code nobody has described: {said}"
                );
                Step::Fail(error(format!("115 says {said} (code {})", failure.code)))
            }
        }
    }

    fn too_many(&self, call: &Call<'_>, wait: Duration) -> Pan115Error {
        fail(call, 0, ErrorKind::Throttled { after: Some(wait) }, || {
            format!(
                "{} has so many calls waiting that this one would have to wait {}s for its turn; try again later",
                self.caller(),
                wait.as_secs()
            )
        })
    }

    /// Its time is up, and it was under way all the while: it did not wait for its turn, which is refused beforehand.
    fn unanswered(&self, call: &Call<'_>) -> Pan115Error {
        fail(call, 0, ErrorKind::Transport(TransportErrorKind::Timeout), || {
            let within = humantime::format_duration(self.options.deadline);
            format!("{} gave {} no answer within {within}", call.host.domain(), self.caller())
        })
    }

    fn kept_away(&self, call: &Call<'_>, refused: &Refused) -> Pan115Error {
        let wait = refused.until.duration_since(SystemTime::now()).unwrap_or_default();
        fail(call, 0, ErrorKind::Blocked { until: Some(refused.until) }, || {
            format!(
                "115 is throttling {} until {}, in {}s: {}",
                self.caller(),
                humantime::format_rfc3339_seconds(refused.until),
                wait.as_secs(),
                refused.reason
            )
        })
    }

    fn signed_out(&self, call: &Call<'_>, code: i64, reason: &str) -> Pan115Error {
        fail(call, code, ErrorKind::SignedOut, || {
            format!("the account {} is signed out: {reason}", self.name)
        })
    }
}

fn fail(call: &Call<'_>, code: i64, kind: ErrorKind, message: impl FnOnce() -> String) -> Pan115Error {
    Pan115Error { endpoint: call.label, kind, code, message: message(), wanted_order: None }
}

/// HTTP's part of the verdict, then the envelope's; and the body, as JSON.
///
/// **Source**: protocol notes, reading part, §6.3.
fn judge(answer: &Answer, manner: &Manner<'_>) -> Result<Bytes, Failure> {
    let content_type = answer.headers.get(http::header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let html = envelope::is_html(content_type, &answer.body);
    let failure = |kind, message: String| Err(Failure { kind, code: 0, message, wanted_order: None });
    match answer.status {
        StatusCode::METHOD_NOT_ALLOWED | StatusCode::IM_A_TEAPOT | StatusCode::FORBIDDEN => {
            failure(ErrorKind::Blocked { until: None }, format!("HTTP status {}", answer.status.as_u16()))
        }
        StatusCode::TOO_MANY_REQUESTS => {
            let after = Some(stated_delay(&answer.headers));
            failure(ErrorKind::Throttled { after }, "HTTP status 429".to_owned())
        }
        status if status.is_server_error() => {
            failure(ErrorKind::Server, format!("115's server failed with HTTP status {}", status.as_u16()))
        }
        status if status.is_success() && manner.read.is_some() => {
            let read = manner.read.map_or_else(|| Ok(answer.body.clone()), |read| read(&answer.body));
            // It says of itself what it is, so its type does not count.
            match read {
                Err(Failure { kind: ErrorKind::Corrupt, .. }) if html => {
                    failure(ErrorKind::Blocked { until: None }, "a web page instead of data".to_owned())
                }
                read => read,
            }
        }
        _ if html => failure(ErrorKind::Blocked { until: None }, "a web page instead of data".to_owned()),
        status if !status.is_success() => {
            failure(ErrorKind::Corrupt, format!("115 answered with HTTP status {}", status.as_u16()))
        }
        _ => envelope::check(&answer.body).map(|()| answer.body.clone()),
    }
}

/// What is left of the day in China, which is eight hours ahead the whole year.
fn until_midnight_in_china(now: SystemTime) -> Duration {
    const DAY: u64 = 24 * 3600;
    let seconds = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs() + 8 * 3600;
    Duration::from_secs(DAY - seconds % DAY)
}

/// How long a 429 asks to wait; a minute if it does not say.
fn stated_delay(headers: &HeaderMap) -> Duration {
    ["x-ratelimit-reset", "retry-after"]
        .iter()
        .find_map(|name| headers.get(*name)?.to_str().ok()?.trim().parse().ok())
        .map_or(Duration::from_secs(60), |seconds: u64| Duration::from_secs(seconds.clamp(1, 3600)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_in_china_ends_at_sixteen_hours_of_utc() {
        let at = |hours: f64| SystemTime::UNIX_EPOCH + Duration::from_secs_f64(hours * 3600.0);
        for (now, expected) in [(0.0, 16.0), (15.5, 0.5), (16.0, 24.0), (23.0, 17.0)] {
            let left = until_midnight_in_china(at(24.0 * 20_000.0 + now));
            assert_eq!(left, Duration::from_secs_f64(expected * 3600.0), "{now}");
        }
    }
}
