//! The XML of an answer, written by hand and piece by piece.
//!
//! Knows what has been asked and what is there; does no I/O and cannot fail.
//! An answer for a large folder is made while it is being sent, in frames,
//! so it never lies in memory as a whole and never holds up other requests.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::Frame;
use tokio::task::yield_now;

use super::extras::Extras;
use super::properties::{Outcome, Property, Space, Subject};
use super::request::{Query, Wish};
use crate::dav::properties::Dead;
use crate::dav::xml::{Name, escape};
use crate::model::Listing;
use crate::vfs::{Folder, NodeRef, VPath};

/// A frame is sent as soon as it is at least this long, in bytes.
const FRAME: usize = 32 * 1024;
/// Room for the entry that goes beyond [`FRAME`].
const SLACK: usize = 4 * 1024;

const OK: &str = "</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat>";
const NOT_FOUND: &str = "</D:prop><D:status>HTTP/1.1 404 Not Found</D:status></D:propstat>";
const UNAVAILABLE: &str = "</D:prop><D:status>HTTP/1.1 503 Service Unavailable</D:status>";

/// All that goes into an answer.
pub(super) struct Answer<'a> {
    pub(super) query: Query,
    /// The target, as the client calls it.
    pub(super) path: &'a VPath,
    pub(super) prefix: &'a str,
    pub(super) node: NodeRef,
    /// The target's children, if they belong into the answer.
    pub(super) folder: Option<Folder>,
    pub(super) space: Space,
    pub(super) extras: Extras,
    pub(super) windows_names: bool,
}

/// Makes an answer, frame by frame.
pub(super) struct Writer {
    wish: Wish,
    named: Vec<Property>,
    node: NodeRef,
    name: Option<String>,
    listing: Option<Arc<Listing>>,
    /// The folder, if some of its children must not be shown.
    hiding: Option<Folder>,
    space: Space,
    extras: Arc<Extras>,
    windows_names: bool,
    /// The href of the target; with a trailing slash if it is a folder. Safe in XML.
    base: String,
    /// Properties that are not computed.
    uncomputed: Vec<Name>,
    /// The elements of all of them, for the many nodes that have none.
    unknown: String,
    /// What closes the propstat of properties that cannot be had now.
    unavailable: String,
    next: Next,
    buffer: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Target,
    Child(usize),
    Done,
}

impl Writer {
    pub(super) fn new(answer: Answer<'_>) -> Self {
        let mut base = String::new();
        escape(&mut base, answer.prefix);
        for segment in answer.path.segments() {
            let _ = write!(base, "/{}", VPath::escape_name(segment));
        }
        if answer.node.is_folder() || answer.path.is_root() {
            base.push('/');
        }
        let mut unknown = String::new();
        for name in &answer.query.unknown {
            name.push_empty_element(&mut unknown);
        }
        let mut unavailable = String::from(UNAVAILABLE);
        if let Space::Failed(reason) = &answer.space {
            unavailable.push_str("<D:responsedescription>");
            escape(&mut unavailable, reason);
            unavailable.push_str("</D:responsedescription>");
        }
        unavailable.push_str("</D:propstat>");
        let listing = answer.folder.as_ref().map(|folder| Arc::clone(&folder.listing));
        Self {
            wish: answer.query.wish,
            named: answer.query.named,
            // The name in the request, not the node's, which may be in the other Unicode normal form:
            // Finder shows an entry twice if its name and its href disagree.
            // Nor is it folded for Windows, which sends back what it was shown: the folded name may be a sibling's.
            name: answer.path.name().map(str::to_owned),
            node: answer.node,
            listing,
            hiding: answer.folder.filter(|folder| !folder.shows_all()),
            space: answer.space,
            extras: Arc::new(answer.extras),
            windows_names: answer.windows_names,
            base,
            uncomputed: answer.query.unknown,
            unknown,
            unavailable,
            next: Next::Target,
            buffer: String::new(),
        }
    }

    /// Whether everything has been written.
    pub(super) fn is_done(&self) -> bool {
        self.next == Next::Done
    }

    /// The next frame, unless everything has been written.
    pub(super) fn next_frame(&mut self) -> Option<Bytes> {
        if self.is_done() {
            return None;
        }
        let (listing, extras) = (self.listing.clone(), Arc::clone(&self.extras));
        if self.next == Next::Target {
            self.push_head();
            let node = self.node.clone();
            let name = self.name.take();
            self.push_response("", extras.target(&node, name.as_deref()));
            self.next = Next::Child(0);
        } else {
            self.buffer.reserve(FRAME + SLACK);
        }
        while let Next::Child(index) = self.next
            && self.buffer.len() < FRAME
        {
            if let Some(listing) = listing.as_ref().filter(|listing| index < listing.nodes().len()) {
                self.push_child(listing, &extras, index);
                self.next = Next::Child(index + 1);
            } else {
                self.buffer.push_str("</D:multistatus>");
                self.next = Next::Done;
            }
        }
        Some(Bytes::from(std::mem::take(&mut self.buffer)))
    }

    fn push_head(&mut self) {
        self.buffer.push_str(r#"<?xml version="1.0" encoding="utf-8"?><D:multistatus xmlns:D="DAV:""#);
        if self.wish == Wish::Names || self.named.contains(&Property::Checksums) {
            self.buffer.push_str(r#" xmlns:oc="http://owncloud.org/ns""#);
        }
        self.buffer.push('>');
    }

    fn push_child(&mut self, listing: &Listing, extras: &Extras, index: usize) {
        let node = &listing.nodes()[index];
        if self.hiding.as_ref().is_some_and(|folder| !folder.shows(node)) {
            return;
        }
        let name = if self.windows_names { listing.windows_name(index) } else { &node.name };
        self.push_response(name, extras.child(node, name));
    }

    /// `below` is the name of a child, or empty for the target itself.
    fn push_response(&mut self, below: &str, subject: Subject<'_>) {
        self.buffer.push_str("<D:response><D:href>");
        self.buffer.push_str(&self.base);
        if !below.is_empty() {
            let _ = write!(self.buffer, "{}", VPath::escape_name(below));
            if subject.node.is_folder() {
                self.buffer.push('/');
            }
        }
        self.buffer.push_str("</D:href><D:propstat><D:prop>");
        if self.wish == Wish::Names {
            for property in Property::named().filter(|property| property.is_of(subject)) {
                self.buffer.push_str(property.empty_element());
            }
            subject.dead.iter().for_each(|dead| dead.name.push_empty_element(&mut self.buffer));
            self.buffer.push_str(OK);
        } else {
            self.push_values(subject);
        }
        self.buffer.push_str("</D:response>");
    }

    /// The propstats, the first of which has been opened. One with status 200 comes first, because rclone looks only there.
    fn push_values(&mut self, subject: Subject<'_>) {
        let start = self.buffer.len();
        if self.wish == Wish::All {
            // `allprop` asks for what there is: what is not there is not missing.
            for property in Property::ALL {
                property.push(&mut self.buffer, subject, &self.space);
            }
            subject.dead.iter().for_each(|dead| self.buffer.push_str(&dead.xml));
        }
        let (mut missing, mut unavailable) = (0u16, 0u16);
        for (index, property) in self.named.iter().enumerate() {
            match property.push(&mut self.buffer, subject, &self.space) {
                Outcome::Written => {}
                Outcome::Missing => missing |= 1 << index,
                Outcome::Unavailable => unavailable |= 1 << index,
            }
        }
        let unset = self.push_dead(subject.dead);
        let unknown = unset.as_deref().unwrap_or(&self.unknown);
        let nothing_else = missing == 0 && unavailable == 0 && unknown.is_empty();
        let mut opened = true;
        if self.buffer.len() > start || nothing_else {
            self.buffer.push_str(OK);
            opened = false;
        }
        if missing != 0 || !unknown.is_empty() {
            self.open_propstat(&mut opened);
            self.push_empty_elements(missing);
            self.buffer.push_str(unset.as_deref().unwrap_or(&self.unknown));
            self.buffer.push_str(NOT_FOUND);
        }
        if unavailable != 0 {
            self.open_propstat(&mut opened);
            self.push_empty_elements(unavailable);
            self.buffer.push_str(&self.unavailable);
        }
    }

    /// Appends those of `dead` that have been named; the elements of the names that are not among them, if that is not all.
    fn push_dead(&mut self, dead: &[Dead]) -> Option<String> {
        if dead.is_empty() || self.uncomputed.is_empty() {
            return None;
        }
        let mut unset = String::new();
        for name in &self.uncomputed {
            match dead.iter().find(|dead| dead.name == *name) {
                // It has come with all the others.
                Some(_) if self.wish == Wish::All => {}
                Some(dead) => self.buffer.push_str(&dead.xml),
                None => name.push_empty_element(&mut unset),
            }
        }
        Some(unset)
    }

    fn open_propstat(&mut self, opened: &mut bool) {
        if !std::mem::take(opened) {
            self.buffer.push_str("<D:propstat><D:prop>");
        }
    }

    fn push_empty_elements(&mut self, indices: u16) {
        for (index, property) in self.named.iter().enumerate() {
            if indices & (1 << index) != 0 {
                self.buffer.push_str(property.empty_element());
            }
        }
    }

    /// The answer as a body that begins with the frame already made.
    pub(super) fn into_body(self, first: Bytes) -> Frames {
        Frames { writer: self, ready: Some(first), rest: false }
    }
}

/// A body whose frames are made when they are wanted.
pub(super) struct Frames {
    writer: Writer,
    ready: Option<Bytes>,
    /// Let others run before the next frame.
    rest: bool,
}

impl http_body::Body for Frames {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        // The socket of a fast client is always writable, so without a rest a large answer would be made in one go,
        // and every other request on this thread would wait for its end.
        // A wake alone would not do: the runtime looks for new input only after many turns of tasks that are ready.
        if std::mem::take(&mut self.rest) && pin!(yield_now()).poll(context).is_pending() {
            return Poll::Pending;
        }
        let frame = self.ready.take().or_else(|| self.writer.next_frame());
        self.rest = frame.is_some();
        Poll::Ready(frame.map(|frame| Ok(Frame::data(frame))))
    }

    fn is_end_stream(&self) -> bool {
        self.ready.is_none() && self.writer.is_done()
    }
}
