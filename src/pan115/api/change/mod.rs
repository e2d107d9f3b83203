//! Calls that change folders: one file each.
//!
//! 115 runs one of them at a time for an account, and refuses others meanwhile; see `Client::take_turn`.

mod copy;
mod create;
mod purge;
mod relocate;
mod rename;
mod trash;

use crate::model::FileId;

/// An encoded form of `fields`, and of `ids` as 115's web pages send lists: `fid[0]=…&fid[1]=…`.
fn form(name: &str, ids: &[FileId], fields: &[(&str, &str)]) -> bytes::Bytes {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    for (at, id) in ids.iter().enumerate() {
        form.append_pair(&format!("{name}[{at}]"), &id.to_string());
    }
    form.extend_pairs(fields);
    form.finish().into()
}
