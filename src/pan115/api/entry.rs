//! What the entries of all listings have in common: those of one's own folders and those of shares.
//!
//! Knows which fields tell kind, id, name and size; does not know the rest of an answer.
//! Called by `list` and `share`.
//!
//! **Source**: protocol notes, reading part, §3.3 and §5.2.

use std::borrow::Cow;

use crate::model::{FileId, Kind};
use crate::pan115::wire::{Scalar, unescape_name};

/// The kind, by the category `fc`; where there is none, only a file has a `fid`.
pub(super) fn kind(fc: &Scalar<'_>, fid: &Scalar<'_>) -> Kind {
    let is_folder = match fc.as_u64() {
        Some(category) => category == 0,
        None => fid.as_u64().is_none(),
    };
    if is_folder { Kind::Folder } else { Kind::File }
}

/// The id. `cid` is the id of a folder, but of a file it is the folder it lies in.
pub(super) fn id(kind: Kind, fid: &Scalar<'_>, cid: &Scalar<'_>) -> Option<FileId> {
    match kind {
        Kind::Folder => cid.as_u64(),
        Kind::File => fid.as_u64(),
    }
    .map(FileId)
}

/// The name `n`. One of digits alone may come as a number.
pub(super) fn name<'n>(n: &'n Scalar<'_>) -> Option<Cow<'n, str>> {
    match n {
        Scalar::Text(name) => Some(unescape_name(name)),
        Scalar::Int(number) => Some(number.to_string().into()),
        Scalar::None | Scalar::Bool(_) | Scalar::Float(_) => None,
    }
}

/// The size `s` in bytes; a folder has none of its own, whatever 115 says there.
pub(super) fn size(kind: Kind, s: &Scalar<'_>) -> Option<u64> {
    match kind {
        Kind::File => s.as_u64(),
        Kind::Folder => Some(0),
    }
}
