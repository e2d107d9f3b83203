//! The way of one request through the simulator: ledger, delays, firewall, faults, answer, transport.

use std::convert::Infallible;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http::header::{RANGE, REFERER};
use http::{Method, Request};
use hyper::body::Incoming;
use tokio::time::sleep;

use crate::account::cookie_value;
use crate::api::{self, Endpoint, Turn};
use crate::behaviours::{Behaviours, WafScope};
use crate::call::{Call, Host};
use crate::faults::Fault;
use crate::ledger::LedgerEntry;
use crate::num::long;
use crate::reply::{Reply, no_such_host, of_fault, shape};
use crate::state::Shared;
use crate::waf::{Limits, Subject};
use crate::{cdn, control, oss};

/// The connection is to close without an answer.
#[derive(Debug)]
pub(crate) struct Hangup;

impl fmt::Display for Hangup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection closes without an answer")
    }
}

impl std::error::Error for Hangup {}

impl From<Infallible> for Hangup {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

/// Serves one request.
pub(crate) async fn serve(
    shared: Arc<Shared>,
    request: Request<Incoming>,
    peer: IpAddr,
) -> Result<Reply, Hangup> {
    if let Some(path) = request.uri().path().strip_prefix("/__sim") {
        let path = path.to_owned();
        return Ok(control::answer(&shared, &path, request).await);
    }
    let Some((call, body)) = Call::read(request, peer).await else { return Ok(no_such_host()) };
    let endpoint = Endpoint::of(&call);
    let faults = shared.faults.strike(endpoint.label(), offset(&call));
    let number = shared.ledger.open(entry(&call, endpoint, &faults), shared.clock.since_epoch());
    let reply = answer(&shared, &call, endpoint, &faults, (number, body)).await;
    let reply = afterwards(reply, &faults).await;
    shared.ledger.close(number, reply.as_ref().map_or(0, |reply| reply.status().as_u16()));
    reply
}

async fn answer(
    shared: &Arc<Shared>,
    call: &Call,
    endpoint: Endpoint,
    faults: &[Fault],
    (number, body): (u64, Option<Incoming>),
) -> Result<Reply, Hangup> {
    let behaviours = shared.behaviours();
    let place = shared.queue.enter(call, endpoint, &behaviours);
    delay(&behaviours, endpoint, faults).await;
    if faults.contains(&Fault::Reset) {
        return Err(Hangup);
    }
    let rate = if call.host == Host::Cdn { behaviours.cdn_bytes_per_sec } else { 0 };
    let head_only = call.method == Method::HEAD;
    if let (Endpoint::Oss(asked), Some(body)) = (endpoint, body) {
        let reply = oss::answer(shared, (call, asked), &behaviours, faults, number, body).await?;
        return Ok(shape(reply, faults, 0, head_only));
    }
    if call.host != Host::Cdn && blocked(shared, call, endpoint, &behaviours, faults) {
        let page = of_fault(&behaviours.waf_answer, call).or_else(|| of_fault(&Fault::Waf405, call));
        return Ok(page.unwrap_or_else(no_such_host));
    }
    let reply = match faults.iter().find_map(|fault| of_fault(fault, call)) {
        Some(reply) => reply,
        None if call.host == Host::Cdn => cdn::answer(shared, call, &behaviours, faults).await,
        None => {
            if endpoint == Endpoint::LoginStatus {
                api::login::hold(shared, call, &behaviours).await;
            }
            let of_cookie = shared.users.of_cookie(&call.cookies());
            let user = of_cookie.as_ref().unwrap_or_else(|| shared.users.first());
            let place = place.as_ref();
            api::answer(&Turn {
                shared,
                user,
                call,
                endpoint,
                behaviours: &behaviours,
                faults,
                number,
                place,
            })
        }
    };
    Ok(shape(reply, faults, rate, head_only))
}

async fn delay(behaviours: &Behaviours, endpoint: Endpoint, faults: &[Fault]) {
    let latency = behaviours.latency_ms.get(endpoint.label()).or_else(|| behaviours.latency_ms.get("*"));
    let mut total = Duration::from_millis(latency.copied().unwrap_or_default());
    for fault in faults {
        if let Fault::Delay(more) = fault {
            total += *more;
        }
    }
    if !total.is_zero() {
        sleep(total).await;
    }
}

/// What a fault makes of an answer once the call is carried out.
async fn afterwards(reply: Result<Reply, Hangup>, faults: &[Fault]) -> Result<Reply, Hangup> {
    for fault in faults {
        match fault {
            Fault::Unanswered => return Err(Hangup),
            Fault::AnswerLate(delay) => sleep(*delay).await,
            _ => {}
        }
    }
    reply
}

/// Counts the call at the firewall; a fault can also raise a block that outlives the call.
fn blocked(
    shared: &Shared,
    call: &Call,
    endpoint: Endpoint,
    behaviours: &Behaviours,
    faults: &[Fault],
) -> bool {
    let now = shared.clock.unix();
    let limits = Limits {
        calls: behaviours.waf_calls,
        window_secs: behaviours.waf_window_secs,
        block_secs: behaviours.waf_block_secs,
    };
    let by_cookie = subject(call, behaviours.waf_scope);
    let mut blocked = false;
    // A call that needs no cookie is judged by its address alone.
    if endpoint.needs_login() || !by_cookie.0.is_empty() {
        let cookieless = behaviours.waf_blocks_cookieless && by_cookie.0.is_empty();
        blocked = shared.firewall.blocks(by_cookie.clone(), now, limits) || cookieless;
    }
    let by_address = (call.peer.to_string(), "share".to_owned());
    if endpoint.is_of_shares() {
        let limits = Limits { calls: behaviours.share_waf_calls, ..limits };
        blocked |= shared.firewall.blocks(by_address.clone(), now, limits);
    }
    let subject = if endpoint.is_of_shares() { by_address } else { by_cookie };
    for fault in faults {
        if let Fault::Waf405For(time) = fault {
            shared.firewall.block(subject.clone(), now + time.as_secs());
        }
    }
    blocked
}

fn subject(call: &Call, scope: WafScope) -> Subject {
    let uid = cookie_value(&call.cookies(), "UID").unwrap_or_default().to_owned();
    match scope {
        WafScope::Host => (uid, format!("{:?}", call.host)),
        WafScope::Cookie => (uid, String::new()),
    }
}

/// What a rule's `offset_at_least` looks at.
fn offset(call: &Call) -> u64 {
    if call.host == Host::Cdn {
        let digits = call.header(RANGE).trim_start_matches("bytes=");
        digits.split('-').next().and_then(|start| start.parse().ok()).unwrap_or_default()
    } else if call.host == Host::Oss {
        call.number("partNumber", 0)
    } else {
        call.number("offset", 0)
    }
}

/// What the ledger shows of what was asked: the query, or of a share call that is posted in plain the share it is for,
/// or of a write all parameters.
fn query(call: &Call, endpoint: Endpoint) -> String {
    if call.method == Method::POST && endpoint.is_of_names() {
        return call.shown_params();
    }
    if call.method != Method::POST || !endpoint.is_of_shares() || endpoint.is_sealed() {
        return call.query.clone();
    }
    ["share_code", "receive_code", "file_id"].map(|name| format!("{name}={}", call.param(name))).join("&")
}

fn entry(call: &Call, endpoint: Endpoint, faults: &[Fault]) -> LedgerEntry {
    LedgerEntry {
        number: 0,
        endpoint: endpoint.label().to_owned(),
        host: call.host_name.clone(),
        method: call.method.to_string(),
        query: query(call, endpoint),
        uid: cookie_value(&call.cookies(), "UID").unwrap_or_default().to_owned(),
        user_agent: call.user_agent(),
        referer: call.header(REFERER).to_owned(),
        range: call.header(RANGE).to_owned(),
        received: long(call.body.len()),
        part: if endpoint.is_of_oss() { call.number("partNumber", 0) } else { 0 },
        simulated_secs: 0.0,
        wall_ms: 0,
        took_ms: 0,
        status: 0,
        faults: faults.iter().map(|fault| format!("{fault:?}")).collect(),
    }
}
