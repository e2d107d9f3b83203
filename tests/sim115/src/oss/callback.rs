//! The call back to 115: the two texts of a request, filled in (protocol notes, writing part, §2.3.6 and §2.6.6).

use std::sync::atomic::Ordering;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use http::header::HeaderName;
use serde_json::{Map, Value};

use super::error::Refusal;
use super::{Answered, BUCKET, Visit};
use crate::api::jitter;
use crate::faults::Fault;
use crate::num::mix;
use crate::reply::json_reply;
use crate::stored::Stored;
use crate::upload::{Arrival, complete, complete_sample, refused};

/// What is filled in for a finished object.
pub(super) struct Finished<'call> {
    pub(super) object: &'call str,
    pub(super) content: &'call Stored,
    /// Whether the store knows the hash: not of parts that came in no order.
    pub(super) sha1_known: bool,
    pub(super) etag: String,
    pub(super) media_type: &'call str,
}

/// The texts of the headers of a call, still in base64; `None` when it asks for no callback.
pub(super) fn asked<'call>(visit: &Visit<'call>) -> Option<(&'call str, &'call str)> {
    let header = |name| visit.call.header(HeaderName::from_static(name));
    let callback = header("x-oss-callback");
    (!callback.is_empty()).then(|| (callback, header("x-oss-callback-var")))
}

/// Calls 115 back and answers as it answers.
pub(super) fn perform(
    visit: &Visit<'_>,
    (callback, vars): (&str, &str),
    finished: &Finished<'_>,
) -> Answered {
    let failed = || Refusal::new(203, "CallbackFailed", "Error status : 502.");
    if visit.faults.contains(&Fault::CallbackFailed) {
        return Err(failed());
    }
    let scripted = visit.faults.iter().find_map(|fault| match fault {
        Fault::Json { errno, message } => Some(refused(*errno, message)),
        _ => None,
    });
    if let Some(refusal) = scripted {
        return Ok(json_reply(StatusCode::OK, &refusal));
    }
    let text = |encoded: &str| String::from_utf8(STANDARD.decode(encoded).ok()?).ok();
    let malformed = || Refusal::invalid_argument("The callback configuration is not json format.");
    let callback = text(callback).ok_or_else(malformed)?;
    let vars = text(vars).ok_or_else(malformed)?;
    let parsed: Value = serde_json::from_str(&callback).map_err(|_| malformed())?;
    let values: Map<String, Value> =
        if vars.is_empty() { Map::new() } else { serde_json::from_str(&vars).map_err(|_| malformed())? };
    let (Some(url), Some(body)) = (parsed["callbackUrl"].as_str(), parsed["callbackBody"].as_str()) else {
        return Err(malformed());
    };
    let body = expanded(body, &values, finished);
    let fields = url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let arrival = Arrival { fields, content: finished.content, callback: &callback, callback_var: &vars };
    let mut answer = match url.trim_start_matches("http://uplb.115.com/3.0/") {
        "completeupload.php" => complete(visit.shared, visit.behaviours, &arrival),
        "samplecompleteupload.php" => complete_sample(visit.shared, visit.behaviours, &arrival),
        _ => return Err(failed()),
    };
    if visit.behaviours.type_jitter {
        let count = visit.shared.answers.fetch_add(1, Ordering::Relaxed);
        jitter(&mut answer, mix(0x0ca1_1bac, count));
    }
    Ok(json_reply(StatusCode::OK, &answer))
}

/// A body with its variables filled in, each encoded as a value of a form. Unknown variables are empty.
fn expanded(body: &str, values: &Map<String, Value>, finished: &Finished<'_>) -> String {
    let mut text = String::new();
    let mut rest = body;
    while let Some((before, after)) = rest.split_once("${") {
        text.push_str(before);
        let Some((name, after)) = after.split_once('}') else {
            rest = after;
            break;
        };
        let value = match name {
            "bucket" => BUCKET.to_owned(),
            "object" => finished.object.to_owned(),
            "size" => finished.content.size().to_string(),
            "sha1" if finished.sha1_known => finished.content.sha1_hex().to_owned(),
            "etag" => finished.etag.clone(),
            "mimeType" => finished.media_type.to_owned(),
            own => values.get(own).and_then(Value::as_str).unwrap_or_default().to_owned(),
        };
        text.extend(url::form_urlencoded::byte_serialize(value.as_bytes()));
        rest = after;
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stored::Blob;

    #[test]
    fn variables_are_filled_in() {
        let content = Stored::new(Blob::new(), &[]);
        let mut finished = Finished {
            object: "6a3d",
            content: &content,
            sha1_known: true,
            etag: "AB".to_owned(),
            media_type: "text/plain",
        };
        let values = serde_json::from_str(r#"{"x:a":"1&2","x:b":3}"#).unwrap();
        let body = "bucket=${bucket}&o=${object}&size=${size}&sha1=${sha1}&e=${etag}&m=${mimeType}\
                    &h=${imageInfo.height}&a=${x:a}&b=${x:b}&c=${x:c}";
        assert_eq!(
            expanded(body, &values, &finished),
            "bucket=fhnfile&o=6a3d&size=0&sha1=DA39A3EE5E6B4B0D3255BFEF95601890AFD80709&e=AB&m=text%2Fplain\
             &h=&a=1%262&b=&c="
        );
        finished.sha1_known = false;
        assert_eq!(expanded("sha1=${sha1}&x=1", &values, &finished), "sha1=&x=1");
    }
}
