//! The parts of an upload: putting and listing them (protocol notes, writing part, §2.6.3 and §2.6.4).

use std::fmt::Write as _;
use std::sync::Arc;

use bytes::Bytes;
use http::StatusCode;
use http::header::HeaderName;

use super::error::Refusal;
use super::hash_context::HashContext;
use super::multipart::{Mode, Part};
use super::object::{announced, describe, verified};
use super::receive::Intake;
use super::xml::xml_reply;
use super::{Answered, BUCKET, Visit};
use crate::clock::utc_seconds;
use crate::num::index;
use crate::reply::reply;
use crate::service::Hangup;

/// The most parts one answer lists.
const LISTED: u64 = 1000;

/// What a part to be put has to fit to, before and after its bytes have come.
struct Announced {
    number: u64,
    context: Option<HashContext>,
}

/// `PUT` of a part; one of the same number is replaced.
pub(super) async fn put(visit: &Visit<'_>, intake: Intake<'_>) -> Result<Answered, Hangup> {
    let length = match announced(visit.call) {
        Ok(length) => length,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let upload_id = visit.call.param("uploadId");
    let place = announce(visit).and_then(|announced| {
        visit.shared.uploads.store.with(upload_id, &visit.object, |upload| {
            upload.takes(announced.number)?;
            if matches!(upload.mode, Mode::Contexts) && announced.number > 1 && announced.context.is_none() {
                return Err(Refusal::invalid_argument("x-oss-hash-ctx is missing or malformed."));
            }
            Ok((announced, Arc::clone(&upload.blob)))
        })
    });
    let (announced, blob) = match place {
        Ok(place) => place,
        Err(refusal) => {
            intake.drain().await?;
            return Ok(Err(refusal));
        }
    };
    let at = blob.reserve(length);
    let sums = intake.store(&blob, at).await?;
    let now = visit.shared.clock.unix();
    Ok(verified(visit.call, &sums).and_then(|()| {
        // Asked again: another part may have come, or the end of the upload.
        visit.shared.uploads.store.with(upload_id, &visit.object, |upload| {
            upload.takes(announced.number)?;
            let (sums, context) = (sums.clone(), announced.context);
            upload
                .parts
                .insert(announced.number, Part { place: at..at + sums.size, sums, context, modified: now });
            Ok(())
        })?;
        let mut reply = reply(StatusCode::OK, "application/xml", Bytes::new());
        describe(reply.headers_mut(), &sums);
        Ok(reply)
    }))
}

fn announce(visit: &Visit<'_>) -> Result<Announced, Refusal> {
    let number = visit.call.number("partNumber", 0);
    let most = visit.behaviours.upload.oss_maximum_parts;
    if !(1..=most).contains(&number) {
        return Err(Refusal::invalid_argument(format!(
            "Part number must be an integer between 1 and {most}."
        )));
    }
    let context = HashContext::read(visit.call.header(HeaderName::from_static("x-oss-hash-ctx")));
    Ok(Announced { number, context })
}

/// `GET` of the parts there are.
pub(super) async fn list(visit: &Visit<'_>, intake: Intake<'_>) -> Result<Answered, Hangup> {
    intake.drain().await?;
    let call = visit.call;
    let marker = call.number("part-number-marker", 0);
    let most = call.number("max-parts", LISTED).clamp(1, LISTED);
    let upload_id = call.param("uploadId");
    Ok(visit.shared.uploads.store.with(upload_id, &visit.object, |upload| {
        let beyond: Vec<_> = upload.parts.range(marker.saturating_add(1)..).collect();
        let page = &beyond[..beyond.len().min(index(most))];
        let next = page.last().map_or(marker, |(number, _)| **number);
        let mut text = format!(
            "<ListPartsResult>\n  <Bucket>{BUCKET}</Bucket>\n  <Key>{}</Key>\n  <UploadId>{upload_id}</UploadId>\n  \
             <PartNumberMarker>{marker}</PartNumberMarker>\n  <NextPartNumberMarker>{next}</NextPartNumberMarker>\n  \
             <MaxParts>{most}</MaxParts>\n  <IsTruncated>{}</IsTruncated>\n",
            visit.object,
            page.len() < beyond.len(),
        );
        for (number, part) in page {
            let modified = utc_seconds(part.modified).replace('Z', ".000Z");
            // Writing to a text does not fail.
            let _ = writeln!(
                text,
                "  <Part><PartNumber>{number}</PartNumber><LastModified>{modified}</LastModified>\
                 <ETag>\"{}\"</ETag><HashCrc64ecma>{}</HashCrc64ecma><Size>{}</Size></Part>",
                part.sums.tag(),
                part.sums.crc64,
                part.sums.size,
            );
        }
        Ok(xml_reply(&(text + "</ListPartsResult>")))
    }))
}
