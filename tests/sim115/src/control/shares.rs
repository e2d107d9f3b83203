//! The part of the control API that shows, adds and changes shares.

use bytes::Bytes;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Failure, parsed};
use crate::share::{Share, ShareSpec};
use crate::state::Shared;

/// A share to add, if it says what is shared, or else one to change. What it leaves out stays as it is.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Put {
    code: String,
    receive_code: Option<String>,
    tree: Option<String>,
    state: Option<u8>,
    title: Option<String>,
    /// An error code; 0 ends the refusals.
    refusal: Option<i64>,
    skip_login: Option<bool>,
    expires: Option<i64>,
    /// The name of the user who shares.
    sharer: Option<String>,
}

impl Put {
    fn change(self, owner: Option<u64>, share: &mut Share) {
        share.state = self.state.unwrap_or(share.state);
        share.skip_login = self.skip_login.unwrap_or(share.skip_login);
        share.expires = self.expires.unwrap_or(share.expires);
        if let Some(receive_code) = self.receive_code {
            share.receive_code = receive_code;
        }
        if let Some(title) = self.title {
            share.title = title;
        }
        if let Some(code) = self.refusal {
            share.refusal = (code != 0).then_some(code);
        }
        share.owner = owner.unwrap_or(share.owner);
    }
}

/// Adds or changes a share and shows it.
pub(super) fn put(shared: &Shared, body: &Bytes) -> Result<Value, Failure> {
    let put: Put = parsed(body)?;
    let code = put.code.clone();
    let bad = |message: String| (StatusCode::BAD_REQUEST, message);
    let owner = put.sharer.as_deref().map(|name| super::user(shared, Some(name))).transpose()?;
    let owner = owner.map(|user| user.id);
    let mut known = shared.shares.lock();
    let tree = put.tree.as_deref();
    let before = known.find(&code).map(|share| (share.receive_code.clone(), share.state));
    let (receive_code, state) = match (&before, tree) {
        (Some((receive_code, state)), None) => (receive_code.clone(), *state),
        (_, Some(_)) => (String::new(), crate::share::NORMAL),
        (None, None) => return Err((StatusCode::NOT_FOUND, format!("no such share: {code}"))),
    };
    let spec = ShareSpec {
        sharer: None,
        code: code.clone(),
        receive_code: put.receive_code.clone().unwrap_or(receive_code),
        tree: tree.unwrap_or("empty").parse().map_err(bad)?,
        state: put.state.unwrap_or(state),
    };
    if let Some(fault) = spec.fault() {
        return Err(bad(fault));
    }
    if tree.is_some() {
        known.add(&spec, owner, shared.clock.unix());
    }
    let share = known.find(&code).ok_or((StatusCode::NOT_FOUND, code.clone()))?;
    put.change(owner, share);
    Ok(described(&code, share))
}

/// All shares.
pub(super) fn list(shared: &Shared) -> Value {
    let known = shared.shares.lock();
    json!({"shares": known.all().iter().map(|(code, share)| described(code, share)).collect::<Vec<_>>()})
}

fn described(code: &str, share: &Share) -> Value {
    json!({
        "code": code, "receive_code": share.receive_code, "title": share.shown_title(), "state": share.state,
        "refusal": share.refusal, "skip_login": share.skip_login, "expires": share.expires, "owner": share.owner,
        "nodes": share.tree.len(), "bytes": share.tree.total_bytes(), "receive_count": share.receive_count,
    })
}
