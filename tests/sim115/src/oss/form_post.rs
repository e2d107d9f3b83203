//! Objects posted as a form (protocol notes, writing part, §2.5).
//!
//! The whole body is stored as it comes; the fields before the file are read from its beginning, and the file is the
//! rest without the closing boundary.

use std::sync::Arc;

use http::header::CONTENT_TYPE;
use md5::{Digest as _, Md5};

use super::callback::{self, Finished};
use super::error::Refusal;
use super::object::{LARGEST, stored};
use super::receive::Intake;
use super::signature::hmac_base64;
use super::{Answered, Visit};
use crate::num::{hex, long};
use crate::service::Hangup;
use crate::stored::{Blob, Stored};

/// The fields lie within this many bytes.
const HEAD_BYTES: u64 = 64 << 10;

/// Bytes hashed at a time.
const STEP_BYTES: u64 = 256 << 10;

/// A form before its file.
struct Form {
    fields: Vec<(String, String)>,
    media_type: String,
    /// Where the file begins.
    file: u64,
    boundary: String,
}

impl Form {
    /// Reads the beginning of a body; `None` when it is no form with a file.
    fn read(content_type: &str, head: &[u8]) -> Option<Self> {
        let (_, boundary) = content_type.split_once("boundary=")?;
        let boundary = boundary.split(';').next()?.trim().trim_matches('"').to_owned();
        let separator = format!("--{boundary}\r\n");
        let mut fields = Vec::new();
        let mut at = find(head, separator.as_bytes())? + separator.len();
        loop {
            let end = at + find(&head[at..], b"\r\n\r\n")?;
            let header = String::from_utf8_lossy(&head[at..end]).into_owned();
            let start = end + 4;
            let name = header.split_once("name=\"")?.1.split('"').next()?;
            if name == "file" {
                let mut lines = header.lines().filter_map(|line| line.split_once(':'));
                let kind = lines.find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
                let media_type =
                    kind.map_or("application/octet-stream", |(_, value)| value.trim()).to_owned();
                return Some(Self { fields, media_type, file: long(start), boundary });
            }
            let length = find(&head[start..], format!("\r\n{separator}").as_bytes())?;
            let value = String::from_utf8_lossy(&head[start..start + length]).into_owned();
            fields.push((name.to_owned(), value));
            at = start + length + 2 + separator.len();
        }
    }

    fn field(&self, name: &str) -> &str {
        self.fields.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str())
    }
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}

/// `POST` of a form with a file.
pub(super) async fn post(visit: &Visit<'_>, intake: Intake<'_>) -> Result<Answered, Hangup> {
    let blob = Blob::new();
    let sums = intake.store(&blob, 0).await?;
    let everything = 0..sums.size;
    let body = stored(Arc::clone(&blob), vec![everything]).await?;
    let (form, end) = match checked(visit, &body) {
        Ok(checked) => checked,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let file = form.file..end;
    let content = stored(blob, vec![file]).await?;
    let mut md5 = Md5::new();
    let mut at = 0;
    while at < content.size() {
        let upto = (at + STEP_BYTES).min(content.size());
        md5.update(content.read(at, upto));
        at = upto;
    }
    let finished = Finished {
        object: form.field("key"),
        content: &content,
        sha1_known: true,
        etag: hex(&md5.finalize()).to_uppercase(),
        media_type: &form.media_type,
    };
    Ok(callback::perform(visit, (form.field("callback"), ""), &finished))
}

/// The form in a body, and where its file ends; refused when it is malformed or has no permission.
fn checked(visit: &Visit<'_>, body: &Stored) -> Result<(Form, u64), Refusal> {
    let malformed = || {
        let message = "The body of your POST request is not well-formed multipart/form-data.";
        Refusal::new(400, "MalformedPOSTRequest", message)
    };
    let head = body.read(0, body.size().min(HEAD_BYTES));
    let form = Form::read(visit.call.header(CONTENT_TYPE), &head).ok_or_else(malformed)?;
    let closing = format!("\r\n--{}--", form.boundary);
    let tail_from = body.size().saturating_sub(long(closing.len()) + 2).max(form.file);
    let tail = body.read(tail_from, body.size());
    let end = tail_from + long(find(&tail, closing.as_bytes()).ok_or_else(malformed)?);
    let grant = visit.shared.uploads.tokens.find(form.field("OSSAccessKeyId"));
    let Some(grant) = grant else {
        return Err(Refusal::new(403, "InvalidAccessKeyId", "The OSS Access Key Id does not exist."));
    };
    if form.field("signature") != hmac_base64(&grant.secret, form.field("policy")) {
        return Err(Refusal::new(
            403,
            "SignatureDoesNotMatch",
            "The signature of the policy does not match.",
        ));
    }
    if visit.shared.clock.unix() >= grant.expires {
        return Err(Refusal::new(403, "AccessDenied", "Invalid according to Policy: Policy expired."));
    }
    if end - form.file > LARGEST {
        return Err(Refusal::new(
            400,
            "EntityTooLarge",
            "Your proposed upload exceeds the maximum allowed size.",
        ));
    }
    if form.field("key").is_empty() || form.field("callback").is_empty() {
        return Err(Refusal::invalid_argument("The form needs the fields key and callback."));
    }
    Ok((form, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_read_up_to_their_file() {
        let body = b"--XX\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\n6a3d\r\n--XX\r\n\
                     Content-Disposition: form-data; name=\"file\"; filename=\"a\"\r\nContent-Type: text/plain\r\n\r\nhello\r\n--XX--\r\n";
        let form = Form::read("multipart/form-data; boundary=XX", body).unwrap();
        assert_eq!((form.field("key"), form.media_type.as_str()), ("6a3d", "text/plain"));
        assert!(body[usize::try_from(form.file).unwrap()..].starts_with(b"hello"));
        assert!(Form::read("multipart/form-data; boundary=YY", body).is_none());
        assert!(Form::read("text/plain", body).is_none());
        assert!(Form::read("multipart/form-data; boundary=XX", &body[..40]).is_none());
    }
}
