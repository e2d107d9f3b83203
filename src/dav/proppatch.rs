//! PROPPATCH: what is to be set and removed, what may be, and the answer.
//!
//! `dav_server` looks after locks and `If` headers; what is asked for it hears only as one change that stands for all.
//! It would lose the prefixes of attributes, send values back, and call a part of a request done when the rest is refused.
//! Called by `write`, and by `fs` once `dav_server` agrees.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use parking_lot::Mutex;

use super::document::{Document, Step};
use super::properties::{Change, Dead, MAX_VALUE, Properties, Unkept};
use super::xml::{DAV, Name, escape};
use super::{Body, Error, propfind};
use crate::vfs::{At, VPath};

/// What `dav_server` is shown instead: one property that it knows nothing of.
pub(super) const STAND_IN: &str = r#"<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><x xmlns="urn:x"/></D:prop></D:set></D:propertyupdate>"#;
/// The namespace of what Explorer sets after every upload.
const MICROSOFT: &str = "urn:schemas-microsoft-com:";
/// How deep the elements of properties are.
const LEVEL: usize = 4;

/// A request, and what has become of it.
#[derive(Debug)]
pub struct Patch {
    properties: Arc<Properties>,
    changes: Vec<Change>,
    outcome: Mutex<Option<Outcome>>,
}

#[derive(Debug)]
struct Outcome {
    is_folder: bool,
    /// One for each change.
    fates: Vec<Fate>,
}

/// What has become of one change.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Fate {
    Done,
    /// The gateway computes the property.
    Protected,
    /// There is no room for it, for this reason.
    NoRoom(String),
    /// Others could not be done.
    Dependent,
}

/// What kind of property it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Live,
    /// Windows takes it for a failure of the upload if these cannot be set. It never asks for them, and 115 could not keep them.
    Windows,
    Dead,
}

impl Patch {
    /// Reads `body`.
    ///
    /// **Errors**: 400 if it is not a `propertyupdate` element as RFC 4918, §14.19 has it, or changes nothing; what [`Document`] says of bad XML.
    pub(super) fn parse(properties: Arc<Properties>, body: &Bytes) -> Result<Self, Error> {
        let mut document = Document::open(body)?.recording(LEVEL, MAX_VALUE);
        match document.step()? {
            Some(Step::Start(root)) if root.is_dav("propertyupdate") => {}
            _ => {
                return Err(Error::bad_request(
                    "the root element of the body is not propertyupdate in the namespace DAV:",
                ));
            }
        }
        let mut changes = Vec::new();
        while let Some(Step::Start(action)) = document.step()? {
            let sets = action.is_dav("set");
            if !sets && !action.is_dav("remove") {
                // RFC 4918, §17: what is not understood counts as not there.
                document.skip()?;
                continue;
            }
            while let Some(Step::Start(list)) = document.step()? {
                if !list.is_dav("prop") {
                    document.skip()?;
                    continue;
                }
                while let Some(Step::Start(name)) = document.step()? {
                    document.skip()?;
                    let xml = document.recorded().into();
                    changes.push(if sets { Change::Set(Dead { name, xml }) } else { Change::Remove(name) });
                }
            }
        }
        // Until the document has ended it may still turn out to be ill-formed.
        document.step()?;
        if changes.is_empty() {
            return Err(Error::bad_request("the body names no property that is to be set or removed"));
        }
        Ok(Self { properties, changes, outcome: Mutex::new(None) })
    }

    /// Does it, all or nothing.
    ///
    /// **Errors**: why it cannot be kept for good, for a person; nothing has been changed then.
    pub(super) async fn apply(&self, at: &At, is_folder: bool) -> Result<(), String> {
        let kinds: Vec<Kind> = self.changes.iter().map(|change| kind(change.name())).collect();
        let fates = if kinds.contains(&Kind::Live) {
            let fate = |kind: &Kind| if *kind == Kind::Live { Fate::Protected } else { Fate::Dependent };
            kinds.iter().map(fate).collect()
        } else {
            let dead = |index: &usize| kinds[*index] == Kind::Dead;
            let kept: Vec<usize> = (0..kinds.len()).filter(dead).collect();
            let changes: Vec<Change> = kept.iter().map(|&index| self.changes[index].clone()).collect();
            let outcome =
                if changes.is_empty() { Ok(()) } else { self.properties.change(at.key(), changes).await };
            match outcome {
                Ok(()) => vec![Fate::Done; kinds.len()],
                Err(Unkept::TooMuch(index, reason)) => {
                    let mut fates = vec![Fate::Dependent; kinds.len()];
                    fates[kept[index]] = Fate::NoRoom(reason);
                    fates
                }
                Err(Unkept::NotWritten(reason)) => return Err(reason),
            }
        };
        *self.outcome.lock() = Some(Outcome { is_folder, fates });
        Ok(())
    }

    /// The answer, once it has been done or refused.
    ///
    /// **Errors**: 500 if it has not come to that.
    pub(super) fn respond(&self, prefix: &str, path: &VPath) -> Result<Response<Body>, Error> {
        let Some(Outcome { is_folder, fates }) = self.outcome.lock().take() else {
            let reason = "the properties were neither set nor refused; please report this";
            return Err(Error::refused(StatusCode::INTERNAL_SERVER_ERROR, reason));
        };
        let mut xml = String::from(
            r#"<?xml version="1.0" encoding="utf-8"?><D:multistatus xmlns:D="DAV:"><D:response><D:href>"#,
        );
        escape(&mut xml, prefix);
        xml.push_str(&path.to_uri().to_string());
        if is_folder && !path.is_root() {
            xml.push('/');
        }
        xml.push_str("</D:href>");
        let mut told = Vec::new();
        for fate in &fates {
            if told.contains(&fate) {
                continue;
            }
            told.push(fate);
            self.push_propstat(&mut xml, fate, &fates);
        }
        xml.push_str("</D:response></D:multistatus>");
        let mut response = Response::new(Full::new(Bytes::from(xml.clone())).boxed_unsync());
        *response.status_mut() = StatusCode::MULTI_STATUS;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/xml; charset=utf-8"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(CONTENT_LENGTH, HeaderValue::from(xml.len()));
        Ok(response)
    }

    /// All properties that came to `fate`, each of them once.
    fn push_propstat(&self, xml: &mut String, fate: &Fate, fates: &[Fate]) {
        let start = xml.len();
        xml.push_str("<D:propstat><D:prop>");
        let of = |wanted: bool| {
            let of = self.changes.iter().zip(fates).filter(move |(_, other)| (*other == fate) == wanted);
            of.map(|(change, _)| change.name())
        };
        let mut names: Vec<&Name> = Vec::new();
        for name in of(true) {
            // Of one that is named several times, the reason is told and not what follows from it.
            let is_told =
                names.contains(&name) || (*fate == Fate::Dependent && of(false).any(|other| other == name));
            if !is_told {
                names.push(name);
                name.push_empty_element(xml);
            }
        }
        if names.is_empty() {
            xml.truncate(start);
            return;
        }
        let (status, reason) = fate.told();
        xml.push_str("</D:prop><D:status>HTTP/1.1 ");
        xml.push_str(status);
        xml.push_str("</D:status>");
        if *fate == Fate::Protected {
            xml.push_str("<D:error><D:cannot-modify-protected-property/></D:error>");
        }
        if !reason.is_empty() {
            xml.push_str("<D:responsedescription>");
            escape(xml, &reason);
            xml.push_str("</D:responsedescription>");
        }
        xml.push_str("</D:propstat>");
    }
}

impl Fate {
    /// The status and the reason.
    fn told(&self) -> (&'static str, Cow<'_, str>) {
        match self {
            Self::Done => ("200 OK", "".into()),
            Self::Protected => (
                "403 Forbidden",
                "this property is of the gateway's own making, so it cannot be set or removed".into(),
            ),
            Self::NoRoom(reason) => ("507 Insufficient Storage", reason.into()),
            Self::Dependent => (
                "424 Failed Dependency",
                "nothing was changed, because another property of the request cannot be".into(),
            ),
        }
    }
}

impl Change {
    fn name(&self) -> &Name {
        match self {
            Self::Set(dead) => &dead.name,
            Self::Remove(name) => name,
        }
    }
}

fn kind(name: &Name) -> Kind {
    const WINDOWS: [&str; 4] =
        ["Win32CreationTime", "Win32FileAttributes", "Win32LastAccessTime", "Win32LastModifiedTime"];
    match name.namespace.as_deref() {
        Some(MICROSOFT) if WINDOWS.contains(&&*name.local) => Kind::Windows,
        // The names in this namespace mean something, and only this one is nothing that the gateway would have to know.
        Some(DAV) if &*name.local != "getcontentlanguage" => Kind::Live,
        _ if propfind::is_live(name) => Kind::Live,
        _ => Kind::Dead,
    }
}
