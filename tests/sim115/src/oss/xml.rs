//! The little XML the object store speaks.

use http::StatusCode;

use crate::reply::{Reply, reply};

/// An answer with an XML body.
pub(super) fn xml_reply(body: &str) -> Reply {
    reply(StatusCode::OK, "application/xml", format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{body}\n"))
}

/// A text as it is written between tags.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// The text between the first pair of these tags.
fn between<'text>(text: &'text str, tag: &str) -> Option<&'text str> {
    let (_, rest) = text.split_once(&format!("<{tag}>"))?;
    rest.split_once(&format!("</{tag}>")).map(|(inside, _)| inside.trim())
}

/// The parts a completion lists, with the `ETag` of each without its quotes; `None` when it is malformed.
pub(super) fn listed_parts(text: &str) -> Option<Vec<(u64, String)>> {
    let mut rest = between(text, "CompleteMultipartUpload")?;
    let mut parts = Vec::new();
    while !rest.is_empty() {
        let (part, after) = rest.strip_prefix("<Part>")?.split_once("</Part>")?;
        let tag = between(part, "ETag")?.replace("&quot;", "\"").replace("&#34;", "\"");
        parts.push((between(part, "PartNumber")?.parse().ok()?, tag.trim_matches('"').to_uppercase()));
        rest = after.trim_start();
    }
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn completions_are_read() {
        let text = "<?xml version=\"1.0\"?>\n<CompleteMultipartUpload>\n <Part><PartNumber>1</PartNumber>\
                    <ETag>\"ab\"</ETag></Part>\n<Part><ETag>&quot;CD&quot;</ETag><PartNumber>2</PartNumber></Part>\n\
                    </CompleteMultipartUpload>";
        assert_eq!(listed_parts(text), Some(vec![(1, "AB".to_owned()), (2, "CD".to_owned())]));
        for wrong in [
            "",
            "<CompleteMultipartUpload>x</CompleteMultipartUpload>",
            "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber></Part></CompleteMultipartUpload>",
        ] {
            assert_eq!(listed_parts(wrong), None, "{wrong}");
        }
    }
}
