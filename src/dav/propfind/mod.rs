//! PROPFIND by our own hand.
//!
//! `dav_server` answers a listing that failed with a listing that is empty, and clients delete files because of it.
//! Here everything is obtained first, completely; only then does an answer begin, and nothing in it can fail.
//! Knows the tree and HTTP's vocabulary. Called by [`Dav::handle`](super::Dav::handle).

mod extras;
mod properties;
mod request;
mod writer;

#[cfg(test)]
mod bodies;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod windows;

use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};
use http_body_util::{BodyExt as _, Full};

use super::xml::Name;
use super::{Body, Dav, Error, Options, Request, space};
use crate::vfs::{DriveErrorKind, Resource, Vfs, VfsError, VfsErrorKind};
use extras::Extras;
use properties::{Property, Space};
use request::{Depth, Query};
use writer::{Answer, Writer};

/// Answers with 207.
///
/// The request is read before the tree is asked, so a bad one costs no call.
/// With depth 0 the target is looked up as a probe: systems look for names like `.DS_Store` everywhere, which must not
/// list folders. Who wants to see inside has seen it, and a folder called `.trash` must not be gone for it now and then.
pub(super) async fn answer(dav: &Dav, request: &Request<'_>) -> Result<Response<Body>, Error> {
    let Dav { vfs, options, .. } = dav;
    let depth = Depth::of(request.headers)?;
    let query = Query::parse(&request.body)?;
    let found = match depth {
        Depth::Zero => vfs.probe(request.meter, request.at).await?,
        Depth::One => vfs.stat(request.meter, request.at).await?,
    };
    let is_own = matches!(found, Resource::Virtual(..));
    let (node, folder) = if depth == Depth::One && found.is_folder() {
        let folder = vfs.list_found(request.meter, request.at, found).await?;
        (folder.node.clone(), Some(folder))
    } else {
        (found.into_node(), None)
    };
    let space =
        if node.is_folder() { find_space(vfs, options, request, &query).await } else { Space::Unknown };
    let prefix = &options.prefix;
    let windows_names = request.traits.windows_names;
    let extras = Extras::find(dav, request.at, folder.as_ref(), is_own);
    Ok(respond(Writer::new(Answer {
        query,
        path: request.at.path(),
        prefix,
        node,
        folder,
        space,
        extras,
        windows_names,
    })))
}

/// Whether the gateway computes the property called `name` itself.
pub(super) fn is_live(name: &Name) -> bool {
    Property::by_name(name).is_some()
}

/// The space of the account behind the target, if the request names it and the client may hear of it.
///
/// Its failure is no failure of the request: everything else is known, and a client that lists files wants those.
async fn find_space(vfs: &Vfs, options: &Options, request: &Request<'_>, query: &Query) -> Space {
    let wanted = query.named.iter().any(|property| Property::is_quota(*property));
    if !wanted || !options.report_quota || request.traits.quota_hangs {
        return Space::Unknown;
    }
    match space::of(vfs, request.meter, request.at).await {
        Ok(Some(quota)) => Space::Known(quota),
        Ok(None) => Space::Unknown,
        // A share has none, which is no failure.
        Err(VfsError { kind: VfsErrorKind::Drive(error), .. }) if error.kind == DriveErrorKind::Denied => {
            Space::Unknown
        }
        Err(error) => Space::Failed(error.to_string()),
    }
}

fn respond(mut writer: Writer) -> Response<Body> {
    // Most answers fit in one frame, and then their length can be stated.
    let first = writer.next_frame().unwrap_or_default();
    let length = writer.is_done().then_some(first.len());
    let body = match length {
        Some(_) => Full::new(first).boxed_unsync(),
        None => writer.into_body(first).boxed_unsync(),
    };
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::MULTI_STATUS;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/xml; charset=utf-8"));
    // It has no tag and no date to check it against, it differs between users, and it is out of date with the next change.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(length) = length {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    response
}
