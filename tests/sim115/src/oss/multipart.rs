//! Uploads in parts: beginning, ending and giving them up (protocol notes, writing part, §2.6.3).

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use md5::{Digest as _, Md5};
use parking_lot::Mutex;

use super::callback::{self, Finished};
use super::error::Refusal;
use super::hash_context::{BLOCK, HashContext};
use super::object::stored;
use super::receive::{Intake, Sums};
use super::xml::{listed_parts, xml_reply};
use super::{Answered, BUCKET, ENDPOINT, Visit};
use crate::m115::random_hex;
use crate::num::{hex, long};
use crate::reply::reply;
use crate::service::Hangup;
use crate::stored::{Blob, Stored};

/// The longest list of parts taken.
const COMPLETION_BYTES: usize = 4 << 20;

/// Bytes read at a time to check contexts.
const STEP_BYTES: u64 = 256 << 10;

/// How the store comes to know the hash of the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// The parts come in order.
    Sequential,
    /// Each part brings the state of the hash before it.
    Contexts,
    /// Not at all.
    Unordered,
}

/// One part.
#[derive(Debug, Clone)]
pub(super) struct Part {
    /// Where it lies in the blob.
    pub(super) place: Range<u64>,
    pub(super) sums: Sums,
    pub(super) context: Option<HashContext>,
    /// In unix seconds.
    pub(super) modified: u64,
}

/// An upload that has not ended.
pub(super) struct Upload {
    object: String,
    pub(super) mode: Mode,
    pub(super) blob: Arc<Blob>,
    pub(super) parts: BTreeMap<u64, Part>,
}

impl Upload {
    /// Whether a part of this number may come now.
    pub(super) fn takes(&self, number: u64) -> Result<(), Refusal> {
        let last = self.parts.last_key_value().map_or(0, |(number, _)| *number);
        if self.mode == Mode::Sequential && number != last + 1 && (number == 0 || number != last) {
            let message = format!("Part {number} does not follow part {last}.");
            return Err(Refusal::new(400, "PartNotSequential", message));
        }
        Ok(())
    }
}

/// All uploads that have not ended.
#[derive(Default)]
pub(crate) struct Store(Mutex<HashMap<String, Upload>>);

impl Store {
    /// How many there are.
    pub(crate) fn unfinished(&self) -> usize {
        self.0.lock().len()
    }

    /// Does something with the upload of an id, which has to be of this object.
    pub(super) fn with<R>(
        &self,
        id: &str,
        object: &str,
        act: impl FnOnce(&mut Upload) -> Result<R, Refusal>,
    ) -> Result<R, Refusal> {
        let mut uploads = self.0.lock();
        let upload = uploads.get_mut(id).filter(|upload| upload.object == object);
        act(upload.ok_or_else(Refusal::no_such_upload)?)
    }

    /// Takes an upload away.
    fn end(&self, id: &str, object: &str) -> Result<(), Refusal> {
        self.with(id, object, |_| Ok(()))?;
        self.0.lock().remove(id).map(|_| ()).ok_or_else(Refusal::no_such_upload)
    }
}

/// `POST` with `uploads`: begins an upload.
pub(super) async fn initiate(visit: &Visit<'_>, intake: Intake<'_>) -> Result<Answered, Hangup> {
    intake.drain().await?;
    let call = visit.call;
    let mode = if call.has("sequential") {
        Mode::Sequential
    } else if call.has("withHashContext") && call.has("x-oss-enable-sha1") {
        Mode::Contexts
    } else {
        Mode::Unordered
    };
    let id = random_hex(16).to_uppercase();
    let object = visit.object.clone();
    let body = format!(
        "<InitiateMultipartUploadResult>\n  <Bucket>{BUCKET}</Bucket>\n  <Key>{object}</Key>\n  \
         <UploadId>{id}</UploadId>\n</InitiateMultipartUploadResult>"
    );
    let upload = Upload { object, mode, blob: Blob::new(), parts: BTreeMap::new() };
    visit.shared.uploads.store.0.lock().insert(id, upload);
    Ok(Ok(xml_reply(&body)))
}

/// `DELETE` with `uploadId`: gives an upload up.
pub(super) async fn abort(visit: &Visit<'_>, intake: Intake<'_>) -> Result<Answered, Hangup> {
    intake.drain().await?;
    let ended = visit.shared.uploads.store.end(visit.call.param("uploadId"), &visit.object);
    Ok(ended.map(|()| {
        let mut reply = reply(StatusCode::OK, "application/xml", Bytes::new());
        *reply.status_mut() = StatusCode::NO_CONTENT;
        reply
    }))
}

/// The parts of a completion, and what is to be made of them.
struct Whole {
    mode: Mode,
    blob: Arc<Blob>,
    parts: Vec<Part>,
}

/// `POST` with `uploadId`: makes one object of the parts listed, and calls 115 back.
pub(super) async fn complete(visit: &Visit<'_>, intake: Intake<'_>) -> Result<Answered, Hangup> {
    let text = intake.text(COMPLETION_BYTES).await?;
    let id = visit.call.param("uploadId");
    let store = &visit.shared.uploads.store;
    let minimum = visit.behaviours.upload.oss_minimum_part;
    let whole = match store.with(id, &visit.object, |upload| listed(upload, &text, minimum)) {
        Ok(whole) => whole,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let places = whole.parts.iter().map(|part| part.place.clone()).collect();
    let content = stored(Arc::clone(&whole.blob), places).await?;
    let checked = if whole.mode == Mode::Contexts { continuous(&content, &whole.parts) } else { Ok(()) };
    // Of two completions at once, the second finds the upload gone.
    if let Err(refusal) = checked.and_then(|()| store.end(id, &visit.object)) {
        return Ok(Err(refusal));
    }
    let etag = tag_of(&whole.parts);
    let Some(texts) = callback::asked(visit) else {
        return Ok(Ok(xml_reply(&format!(
            "<CompleteMultipartUploadResult>\n  <Location>http://{BUCKET}.{ENDPOINT}/{object}</Location>\n  \
             <Bucket>{BUCKET}</Bucket>\n  <Key>{object}</Key>\n  <ETag>\"{etag}\"</ETag>\n\
             </CompleteMultipartUploadResult>",
            object = visit.object,
        ))));
    };
    let finished = Finished {
        object: &visit.object,
        content: &content,
        sha1_known: whole.mode != Mode::Unordered,
        etag,
        media_type: visit.call.header(CONTENT_TYPE),
    };
    Ok(callback::perform(visit, texts, &finished))
}

/// The parts a completion lists, if all of them are there as listed.
fn listed(upload: &Upload, text: &str, minimum: u64) -> Result<Whole, Refusal> {
    let listed = listed_parts(text)
        .filter(|parts| !parts.is_empty())
        .ok_or_else(|| Refusal::new(400, "MalformedXML", "The XML you provided was not well-formed."))?;
    if !listed.is_sorted_by(|one, next| one.0 < next.0) {
        let message = "The list of parts was not in ascending order.";
        return Err(Refusal::new(400, "InvalidPartOrder", message));
    }
    let mut parts = Vec::with_capacity(listed.len());
    for (number, tag) in listed {
        let part = upload.parts.get(&number).filter(|part| part.sums.tag() == tag);
        let Some(part) = part else {
            let message = format!("Part {number} could not be found, or its ETag did not match.");
            return Err(Refusal::new(400, "InvalidPart", message));
        };
        parts.push(part.clone());
    }
    if let Some((_, others)) = parts.split_last()
        && others.iter().any(|part| part.sums.size < minimum)
    {
        let message = format!("A part that is not the last is smaller than {minimum} bytes.");
        return Err(Refusal::new(400, "EntityTooSmall", message));
    }
    Ok(Whole { mode: upload.mode, blob: Arc::clone(&upload.blob), parts })
}

/// Whether each announced state of the hash is that of the bytes before its part.
fn continuous(content: &Stored, parts: &[Part]) -> Result<(), Refusal> {
    let mut state = HashContext::start();
    let mut at = 0;
    for (place, part) in parts.iter().enumerate() {
        if place > 0 && part.context != Some(state) {
            let message = format!("The x-oss-hash-ctx of part {} in the list does not fit.", place + 1);
            return Err(Refusal::invalid_argument(message));
        }
        let end = at + part.sums.size;
        if place + 1 < parts.len() && part.sums.size % BLOCK != 0 {
            return Err(Refusal::invalid_argument(format!("Parts have to be multiples of {BLOCK} bytes.")));
        }
        while at < end {
            let upto = (at + STEP_BYTES).min(end);
            state.advance(&content.read(at, upto));
            at = upto;
        }
    }
    Ok(())
}

/// The `ETag` of an object of several parts.
fn tag_of(parts: &[Part]) -> String {
    let mut hash = Md5::new();
    for part in parts {
        hash.update(part.sums.md5);
    }
    format!("{}-{}", hex(&hash.finalize()).to_uppercase(), long(parts.len()))
}
