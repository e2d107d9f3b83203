//! The part of the control API that shows and edits the tree, from outside of any gateway.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Failure, bin, param, parsed};
use crate::body::SimBody;
use crate::content::{Content, content};
use crate::reply::{Reply, json_reply, reply};
use crate::state::Shared;
use crate::tree::{BinEntry, ROOT, SimNode, TreeState};

/// A node, by its id or by a path of raw names such as `/a/b`.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum NodeRef {
    Id(u64),
    Path(String),
}

impl NodeRef {
    fn resolve(&self, tree: &TreeState) -> Result<u64, Failure> {
        let found = match self {
            Self::Id(id) => tree.node(*id).map(|node| node.id),
            Self::Path(path) => {
                let names: Vec<&str> = path.split('/').filter(|name| !name.is_empty()).collect();
                tree.find(&names)
                    .or_else(|| path.parse().ok().and_then(|id| tree.node(id)).map(|node| node.id))
            }
        };
        found.ok_or_else(|| (StatusCode::NOT_FOUND, format!("no such node: {self:?}")))
    }

    /// An entry of the recycle bin, by its id or, the last deleted first, by its name.
    fn binned(&self, tree: &TreeState) -> Result<u64, Failure> {
        let fits = |top: &SimNode| match self {
            Self::Id(id) => top.id == *id,
            Self::Path(text) => top.name == *text || top.id.to_string() == *text,
        };
        let mut tops = tree.bin().iter().rev().map(BinEntry::top);
        let found = tops.find(|top| fits(top)).map(|top| top.id);
        found.ok_or_else(|| (StatusCode::NOT_FOUND, format!("not in the recycle bin: {self:?}")))
    }

    fn folder(&self, tree: &TreeState) -> Result<u64, Failure> {
        let id = self.resolve(tree)?;
        let is_folder = tree.node(id).is_some_and(SimNode::is_folder);
        if is_folder { Ok(id) } else { Err((StatusCode::CONFLICT, format!("not a folder: {self:?}"))) }
    }
}

/// What a file is to contain: at most one of these, or nothing.
#[derive(Debug, Deserialize, Default)]
pub(super) struct Filling {
    size: Option<u64>,
    seed: Option<u64>,
    text: Option<String>,
    base64: Option<String>,
}

impl Filling {
    pub(super) fn content(self, id_hint: u64) -> Result<Content, Failure> {
        Ok(match (self.size, self.text, self.base64) {
            (Some(size), _, _) => Content::Rule { seed: self.seed.unwrap_or(id_hint), size },
            (None, Some(text), _) => Content::Bytes(text.into()),
            (None, None, Some(encoded)) => {
                let bytes =
                    STANDARD.decode(encoded).map_err(|error| (StatusCode::BAD_REQUEST, error.to_string()))?;
                Content::Bytes(bytes.into())
            }
            (None, None, None) => Content::Bytes(Bytes::new()),
        })
    }
}

/// One edit.
#[derive(Debug, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
enum Edit {
    AddFolder {
        parent: NodeRef,
        name: String,
    },
    AddFile {
        parent: NodeRef,
        name: String,
        #[serde(flatten)]
        filling: Filling,
    },
    SetContent {
        node: NodeRef,
        #[serde(flatten)]
        filling: Filling,
    },
    Rename {
        node: NodeRef,
        name: String,
    },
    Move {
        node: NodeRef,
        parent: NodeRef,
    },
    Delete {
        node: NodeRef,
    },
    Discard {
        node: NodeRef,
    },
    Restore {
        node: NodeRef,
    },
    Purge {
        node: NodeRef,
    },
    Pin {
        node: NodeRef,
        pinned: bool,
    },
    Violate {
        node: NodeRef,
        violating: bool,
    },
}

/// Makes one edit and shows the node it was about.
pub(super) fn edit(shared: &Shared, query: &str, body: &Bytes) -> Result<Value, Failure> {
    let edit: Edit = parsed(body)?;
    within(shared, query, |tree| {
        let id = apply(tree, edit)?;
        Ok(tree.node(id).map_or_else(|| json!({"id": id}), |node| described(node, None)))
    })
}

/// Does something with the tree of the first user, or of the user or the share that the query names.
pub(super) fn within<R>(
    shared: &Shared,
    query: &str,
    act: impl FnOnce(&mut TreeState) -> Result<R, Failure>,
) -> Result<R, Failure> {
    let Some(code) = param(query, "share") else {
        let user = super::user(shared, param(query, "user").as_deref())?;
        let mut tree = user.tree.lock();
        tree.settle();
        return act(&mut tree);
    };
    let mut known = shared.shares.lock();
    let share = known.find(&code).ok_or_else(|| (StatusCode::NOT_FOUND, format!("no such share: {code}")))?;
    act(&mut share.tree)
}

fn apply(tree: &mut TreeState, edit: Edit) -> Result<u64, Failure> {
    let (id, done) = match edit {
        Edit::AddFolder { parent, name } => {
            let parent = parent.folder(tree)?;
            (tree.add_folder(parent, &name), true)
        }
        Edit::AddFile { parent, name, filling } => {
            let parent = parent.folder(tree)?;
            let content = filling.content(crate::num::long(tree.len()) + 0xf11e)?;
            (tree.add_file(parent, &name, content), true)
        }
        Edit::SetContent { node, filling } => {
            let id = node.resolve(tree)?;
            let content = filling.content(id)?;
            (id, tree.set_content(id, content))
        }
        Edit::Rename { node, name } => {
            let id = node.resolve(tree)?;
            (id, tree.rename(id, &name))
        }
        Edit::Move { node, parent } => {
            let (id, parent) = (node.resolve(tree)?, parent.folder(tree)?);
            (id, tree.relocate(id, parent))
        }
        Edit::Delete { node } => {
            let id = node.resolve(tree)?;
            (id, tree.delete(id))
        }
        Edit::Discard { node } => {
            let id = node.resolve(tree)?;
            (id, tree.discard(id))
        }
        Edit::Restore { node } => {
            let id = node.binned(tree)?;
            (id, tree.restore(id))
        }
        Edit::Purge { node } => {
            let id = node.binned(tree)?;
            (id, tree.purge(id))
        }
        Edit::Pin { node, pinned } => {
            let id = node.resolve(tree)?;
            (id, tree.set_pinned(id, pinned))
        }
        Edit::Violate { node, violating } => {
            let id = node.resolve(tree)?;
            (id, tree.set_violating(id, violating))
        }
    };
    if done { Ok(id) } else { Err((StatusCode::CONFLICT, format!("the edit is not possible for node {id}"))) }
}

/// The whole tree: as JSON, with what dangles and with the recycle bin, or as one line per node.
pub(super) fn show(shared: &Shared, query: &str) -> Result<Reply, Failure> {
    within(shared, query, |tree| Ok(shown(tree, query)))
}

fn shown(tree: &TreeState, query: &str) -> Reply {
    if param(query, "format").as_deref() == Some("paths") {
        let lines: String = tree.walk().iter().map(|(path, node)| line(path, node)).collect();
        return reply(StatusCode::OK, "text/plain; charset=utf-8", lines);
    }
    let nodes: Vec<Value> = tree.walk().iter().map(|(path, node)| described(node, Some(path))).collect();
    let dangling: Vec<Value> = tree.dangling().iter().map(|node| described(node, None)).collect();
    json_reply(StatusCode::OK, &json!({"nodes": nodes, "dangling": dangling, "bin": bin::entries(tree)}))
}

/// One node as a line: kind, size, SHA-1 (`-` for a folder), id, pick code, path, separated by tabs. In the path `\`,
/// `/`, tab and line feed of a name are escaped with a backslash.
pub(super) fn line(path: &[String], node: &SimNode) -> String {
    let names: Vec<String> = path
        .iter()
        .map(|name| name.replace('\\', "\\\\").replace('/', "\\/").replace('\t', "\\t").replace('\n', "\\n"))
        .collect();
    let (kind, sha1) = if node.is_folder() { ("folder", "-") } else { ("file", node.sha1()) };
    format!("{kind}\t{}\t{sha1}\t{}\t{}\t/{}\n", node.size(), node.id, node.pick_code(), names.join("/"))
}

pub(super) fn described(node: &SimNode, path: Option<&[String]>) -> Value {
    let mut shown = json!({
        "id": node.id.to_string(), "parent": node.parent.to_string(), "name": node.name,
        "kind": if node.is_folder() { "folder" } else { "file" }, "size": node.size(), "sha1": node.sha1(),
        "sha1_is_true": content(node).sha1_is_true(), "pick_code": node.pick_code(), "created": node.created,
        "modified": node.modified, "pinned": node.pinned, "system": node.system, "violating": node.violating,
    });
    if let Some(path) = path {
        shown["path"] = json!(path);
    }
    shown
}

/// The bytes of a file, to compare with what a client got; or those of a content made by rule, to upload them.
pub(super) fn content_of(shared: &Shared, query: &str) -> Result<Reply, Failure> {
    if let Some(size) = param(query, "size") {
        let number =
            |text: String| text.parse::<u64>().map_err(|error| (StatusCode::BAD_REQUEST, error.to_string()));
        let (seed, size) = (param(query, "seed").map_or(Ok(0), number)?, number(size)?);
        return Ok(bytes_of(Content::Rule { seed, size }));
    }
    let node = match (param(query, "id"), param(query, "path")) {
        (Some(id), _) => NodeRef::Id(id.parse().unwrap_or(u64::MAX)),
        (None, path) => NodeRef::Path(path.unwrap_or_default()),
    };
    let content = within(shared, query, |tree| {
        let id = node.resolve(tree)?;
        let content = tree.node(id).filter(|node| id != ROOT && !node.is_folder()).map(content);
        content.ok_or_else(|| (StatusCode::CONFLICT, format!("not a file: {node:?}")))
    })?;
    Ok(bytes_of(content))
}

fn bytes_of(content: Content) -> Reply {
    let size = content.size();
    let mut reply = reply(StatusCode::OK, "application/octet-stream", Bytes::new());
    *reply.body_mut() = SimBody::range(content, 0, size);
    reply
}
