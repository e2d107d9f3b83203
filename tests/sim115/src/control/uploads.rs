//! The part of the control API about uploads: contents that lie somewhere at 115, and the object store.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::tree::Filling;
use super::{Failure, parsed};
use crate::content::Content;
use crate::state::Shared;

/// A content to know of.
#[derive(Debug, Deserialize)]
struct Known {
    /// Its SHA-1, which spares reading all of a large one.
    sha1: Option<String>,
    #[serde(flatten)]
    filling: Filling,
}

/// Lets a content lie somewhere at 115, in nobody's tree.
pub(super) fn know(shared: &Shared, body: &Bytes) -> Result<Value, Failure> {
    let known: Known = parsed(body)?;
    let content = match (known.filling.content(0)?, known.sha1) {
        (Content::Rule { seed, size }, Some(sha1)) => {
            Content::Hashed { seed, size, sha1: sha1.to_uppercase().into() }
        }
        (content, _) => content.hashed(),
    };
    let shown = described(&content);
    shared.uploads.know(content);
    Ok(shown)
}

/// The contents that lie somewhere at 115, in nobody's tree.
pub(super) fn known(shared: &Shared) -> Value {
    json!({"known": shared.uploads.all_known().iter().map(described).collect::<Vec<_>>()})
}

fn described(content: &Content) -> Value {
    let mut shown = json!({"size": content.size(), "sha1": content.sha1_hex()});
    if let Content::Hashed { seed, .. } = content {
        shown["seed"] = json!(seed);
    }
    shown
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", tag = "action")]
enum Action {
    ExpireTokens,
}

/// The uploads in parts that have not ended.
pub(super) fn show(shared: &Shared) -> Value {
    json!({"unfinished": shared.uploads.store.unfinished()})
}

/// Does something to the uploads that are under way.
pub(super) fn act(shared: &Shared, body: &Bytes) -> Result<Value, Failure> {
    match parsed(body)? {
        Action::ExpireTokens => shared.uploads.tokens.expire(),
    }
    Ok(show(shared))
}
