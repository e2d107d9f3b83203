//! The part of the control API that shows and adds users, and counts what each has asked for.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Failure, parsed};
use crate::state::Shared;
use crate::user::{User, user_of};

/// A user to add.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Add {
    name: String,
    tree: String,
}

/// Adds a user and shows it.
pub(super) fn add(shared: &Shared, body: &Bytes) -> Result<Value, Failure> {
    let add: Add = parsed(body)?;
    let tree = add.tree.parse().map_err(|message: String| (StatusCode::BAD_REQUEST, message))?;
    let added = shared.users.add(&add.name, &tree, &shared.clock);
    let user =
        added.ok_or_else(|| (StatusCode::CONFLICT, format!("there is a user {} already", add.name)))?;
    Ok(described(&user))
}

/// All users.
pub(super) fn list(shared: &Shared) -> Value {
    json!({"users": shared.users.all().iter().map(|user| described(user)).collect::<Vec<_>>()})
}

/// How many calls each endpoint has had with a cookie of the user, good or not.
pub(super) fn counts(shared: &Shared, id: u64) -> Value {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for entry in shared.ledger.entries().into_iter().filter(|entry| user_of(&entry.uid) == Some(id)) {
        *counts.entry(entry.endpoint).or_default() += 1;
    }
    json!(counts)
}

fn described(user: &User) -> Value {
    let tree = user.tree.lock();
    json!({
        "name": user.name, "id": user.id, "userkey": user.userkey, "cookie": user.account.cookie(),
        "nodes": tree.len(), "bytes": tree.total_bytes(),
    })
}
