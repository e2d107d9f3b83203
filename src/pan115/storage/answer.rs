//! The answers of the object storage: XML, and at the end of an upload what 115 answered it.
//!
//! **Source**: protocol notes, writing part, §2.6.3 to §2.6.6.

use quick_xml::Reader;
use quick_xml::events::Event;
use serde::Deserialize;

use super::LABEL;
use crate::model::{FileId, PickCode, Sha1, UploadTarget};
use crate::pan115::envelope;
use crate::pan115::error::quoted;
use crate::pan115::wire::Scalar;
use crate::pan115::{ErrorKind, Pan115Error};

/// A part that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Counted from 1.
    pub number: u32,
    /// What the storage calls its content.
    pub etag: String,
    /// In bytes.
    pub size: u64,
}

/// A file that has come of an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finished {
    /// Its id.
    pub id: FileId,
    /// Its pick code.
    pub pick_code: PickCode,
}

/// The texts of all elements that hold one, in order, by the names of the elements.
///
/// **Errors**: if it is not XML.
pub(super) fn texts(body: &[u8]) -> Option<Vec<(String, String)>> {
    let mut reader = Reader::from_str(std::str::from_utf8(body).ok()?);
    let (mut open, mut found, mut depth) = (None, Vec::new(), 0_usize);
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) => {
                depth += 1;
                open = Some((start.local_name().as_ref().to_owned(), String::new()));
            }
            Event::Text(text) => {
                if let Some((_, content)) = &mut open {
                    content.push_str(&text);
                }
            }
            // `&quot;` around a hash, of all references the only one that is seen here.
            Event::GeneralRef(reference) => {
                if let Some((_, content)) = &mut open {
                    content.push_str(if &*reference == "quot" { "\"" } else { "?" });
                }
            }
            Event::End(_) => {
                depth = depth.checked_sub(1)?;
                found.extend(open.take());
            }
            Event::Eof => return (depth == 0 && !found.is_empty()).then_some(found),
            _ => {}
        }
    }
}

/// The text of the first element called `name`.
pub(super) fn text(body: &[u8], name: &str) -> Option<String> {
    texts(body)?.into_iter().find(|(found, _)| found == name).map(|(_, text)| text)
}

/// One page of a list of parts, and where the next one begins.
pub(super) fn parts(body: &[u8]) -> Option<(Vec<Part>, Option<u32>)> {
    let mut parts: Vec<Part> = Vec::new();
    let (mut is_cut, mut next) = (false, None);
    for (name, text) in texts(body)? {
        match name.as_str() {
            "IsTruncated" => is_cut = text == "true",
            "NextPartNumberMarker" => next = text.parse().ok(),
            "PartNumber" => parts.push(Part { number: text.parse().ok()?, etag: String::new(), size: 0 }),
            "ETag" => parts.last_mut()?.etag = text,
            "Size" => parts.last_mut()?.size = text.parse().ok()?,
            _ => {}
        }
    }
    let next = if is_cut { Some(next?) } else { None };
    Some((parts, next))
}

#[derive(Deserialize)]
struct FinishedWire<'a> {
    #[serde(borrow)]
    data: FileWire<'a>,
}

#[derive(Deserialize)]
struct FileWire<'a> {
    #[serde(default, borrow)]
    file_id: Scalar<'a>,
    #[serde(default, borrow)]
    pick_code: Scalar<'a>,
    #[serde(default, borrow)]
    file_size: Scalar<'a>,
    #[serde(default, borrow)]
    sha1: Scalar<'a>,
}

/// What 115 made of the upload of `target`. It says so with a good status even if it is a failure.
///
/// **Errors**: what 115 states; `Corrupt` if it has made something else of it.
pub(super) fn finished(body: &[u8], target: &UploadTarget) -> Result<Finished, Pan115Error> {
    envelope::check(body).map_err(|failure| Pan115Error {
        code: failure.code,
        ..Pan115Error::new(
            LABEL,
            failure.kind,
            format!("115 takes the uploaded file for no good one and says {}", quoted(&failure.message)),
        )
    })?;
    let corrupt = |what: &str| Pan115Error::new(LABEL, ErrorKind::Corrupt, format!("115 {what}"));
    let wire: FinishedWire<'_> =
        serde_json::from_slice(body).map_err(|_| corrupt("did not say what has come of an upload"))?;
    let data = wire.data;
    let id = data.file_id.as_u64().filter(|&id| id != 0);
    let pick_code = data.pick_code.as_text().and_then(PickCode::new);
    let (Some(id), Some(pick_code)) = (id, pick_code) else {
        return Err(corrupt("did not say which file has come of an upload"));
    };
    let sha1: Option<Sha1> = data.sha1.as_text().and_then(|text| text.parse().ok());
    if sha1 != Some(target.sha1) || data.file_size.as_u64() != Some(target.size) {
        return Err(corrupt("has another content than the one that was uploaded"));
    }
    Ok(Finished { id: FileId(id), pick_code })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_read_page_by_page() {
        let page = br#"<?xml version="1.0" encoding="UTF-8"?>
            <ListPartsResult><Bucket>b</Bucket><NextPartNumberMarker>2</NextPartNumberMarker><IsTruncated>true</IsTruncated>
            <Part><PartNumber>1</PartNumber><ETag>"33"</ETag><Size>20</Size></Part>
            <Part><PartNumber>2</PartNumber><ETag>&quot;44&quot;</ETag><HashCrc64ecma>1</HashCrc64ecma><Size>7</Size></Part>
            </ListPartsResult>"#;
        let part = |number, etag: &str, size| Part { number, etag: etag.to_owned(), size };
        assert_eq!(parts(page), Some((vec![part(1, "\"33\"", 20), part(2, "\"44\"", 7)], Some(2))));
        let last = String::from_utf8_lossy(page).replace("true", "false");
        assert_eq!(parts(last.as_bytes()).unwrap().1, None);
        let none = b"<ListPartsResult><IsTruncated>false</IsTruncated></ListPartsResult>";
        assert_eq!(parts(none), Some((vec![], None)));
        for wrong in ["", "{}", "<a><b>", "<a><PartNumber>x</PartNumber></a>", "<a><Size>1</Size></a>"] {
            assert_eq!(parts(wrong.as_bytes()), None, "{wrong}");
        }
    }

    #[test]
    fn an_element_is_found_by_its_name() {
        let body = b"<Error><Code>NoSuchUpload</Code><Message>gone</Message></Error>";
        assert_eq!(text(body, "Code").as_deref(), Some("NoSuchUpload"));
        assert_eq!(text(body, "UploadId"), None);
        assert_eq!(text(b"not xml at all", "Code"), None);
    }

    #[test]
    fn a_file_has_come_of_it_only_if_115_says_which_and_that_it_is_the_same() {
        let target = UploadTarget {
            parent: FileId::ROOT,
            name: "a".into(),
            size: 11,
            sha1: "2AAE6C35C94FCFB415DBE95F408B9CE91EE846ED".parse().unwrap(),
        };
        let good = r#"{"state":true,"data":{"file_id":"34","pick_code":"e5","file_size":"11","sha1":"2aae6c35c94fcfb415dbe95f408b9ce91ee846ed"}}"#;
        assert_eq!(finished(good.as_bytes(), &target).unwrap().id, FileId(34));
        for (wrong, kind) in [
            (good.replace("\"11\"", "12"), ErrorKind::Corrupt),
            (good.replace("2aae", "2aaf"), ErrorKind::Corrupt),
            (good.replace("\"34\"", "0"), ErrorKind::Corrupt),
            (good.replace("\"e5\"", "\"\""), ErrorKind::Corrupt),
            (r#"{"state":false,"code":10002,"message":"校验失败","data":[]}"#.to_owned(), ErrorKind::Unknown),
            (r#"{"state":false,"code":10014,"message":"x"}"#.to_owned(), ErrorKind::NotFound),
            ("<a>b</a>".to_owned(), ErrorKind::Corrupt),
        ] {
            assert_eq!(finished(wrong.as_bytes(), &target).unwrap_err().kind, kind, "{wrong}");
        }
    }
}
