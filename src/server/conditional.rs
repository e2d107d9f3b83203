//! Preconditions: the `If-Match` family and `If-Range`.
//!
//! Knows RFC 9110, section 13; does not know what the tags are made of.
//! Called by `download`.

use std::time::SystemTime;

use headers::{
    ETag, HeaderMap, HeaderMapExt as _, IfMatch, IfModifiedSince, IfNoneMatch, IfRange, IfUnmodifiedSince,
    LastModified,
};

/// What a client's copy is compared with.
pub(super) struct Validators {
    pub(super) etag: ETag,
    pub(super) modified: SystemTime,
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is answered.
    Proceed,
    /// 304: the client has it already.
    NotModified,
    /// 412: it is not what the client thinks.
    Failed,
}

/// Decides on a GET or HEAD, in the order of section 13.2.2: the dates count only where there are no tags.
pub(super) fn check(headers: &HeaderMap, ours: &Validators) -> Verdict {
    let passes = match headers.typed_get::<IfMatch>() {
        Some(tags) => tags.precondition_passes(&ours.etag),
        None => headers
            .typed_get::<IfUnmodifiedSince>()
            .is_none_or(|since| since.precondition_passes(ours.modified)),
    };
    if !passes {
        return Verdict::Failed;
    }
    let is_new = match headers.typed_get::<IfNoneMatch>() {
        Some(tags) => tags.precondition_passes(&ours.etag),
        None => headers.typed_get::<IfModifiedSince>().is_none_or(|since| since.is_modified(ours.modified)),
    };
    if is_new { Verdict::Proceed } else { Verdict::NotModified }
}

/// Whether a `Range` is to be honoured: the client's part belongs to what there is now.
///
/// A date has to be the very one that was handed out (section 13.1.5).
pub(super) fn range_applies(headers: &HeaderMap, ours: &Validators) -> bool {
    if !headers.contains_key(http::header::IF_RANGE) {
        return true;
    }
    headers.typed_get::<IfRange>().is_some_and(|theirs| {
        theirs == IfRange::date(ours.modified) || !theirs.is_modified(Some(&ours.etag), None::<&LastModified>)
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::{HeaderName, HeaderValue};

    use super::*;

    const BEFORE: &str = "Tue, 14 Nov 2023 22:13:19 GMT";
    const SAME: &str = "Tue, 14 Nov 2023 22:13:20 GMT";
    const AFTER: &str = "Tue, 14 Nov 2023 22:13:21 GMT";

    fn ours() -> Validators {
        Validators {
            etag: "\"a\"".parse().unwrap(),
            modified: SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_700),
        }
    }

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let line = |&(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value));
        lines.iter().map(line).collect()
    }

    #[track_caller]
    fn verdict(lines: &[(&'static str, &'static str)], expected: Verdict) {
        assert_eq!(check(&headers(lines), &ours()), expected, "{lines:?}");
    }

    #[test]
    fn preconditions_are_taken_in_order() {
        use Verdict::{Failed, NotModified, Proceed};
        verdict(&[], Proceed);
        verdict(&[("if-match", "\"a\"")], Proceed);
        verdict(&[("if-match", "*")], Proceed);
        verdict(&[("if-match", "\"b\", \"a\"")], Proceed);
        verdict(&[("if-match", "\"b\"")], Failed);
        verdict(&[("if-match", "W/\"a\"")], Failed);
        verdict(&[("if-unmodified-since", SAME)], Proceed);
        verdict(&[("if-unmodified-since", BEFORE)], Failed);
        verdict(&[("if-match", "\"a\""), ("if-unmodified-since", BEFORE)], Proceed);
        verdict(&[("if-none-match", "\"a\"")], NotModified);
        verdict(&[("if-none-match", "W/\"a\"")], NotModified);
        verdict(&[("if-none-match", "\"b\", W/\"a\"")], NotModified);
        verdict(&[("if-none-match", "*")], NotModified);
        verdict(&[("if-none-match", "\"b\"")], Proceed);
        verdict(&[("if-modified-since", SAME)], NotModified);
        verdict(&[("if-modified-since", AFTER)], NotModified);
        verdict(&[("if-modified-since", BEFORE)], Proceed);
        verdict(&[("if-modified-since", "yesterday")], Proceed);
        verdict(&[("if-none-match", "\"b\""), ("if-modified-since", SAME)], Proceed);
        verdict(&[("if-match", "\"b\""), ("if-none-match", "\"a\"")], Failed);
        verdict(&[("if-match", "\"a\""), ("if-none-match", "\"a\"")], NotModified);
    }

    #[test]
    fn a_range_is_honoured_for_the_same_content_only() {
        for (value, expected) in [
            ("\"a\"", true),
            ("W/\"a\"", false),
            ("\"b\"", false),
            (SAME, true),
            (BEFORE, false),
            (AFTER, false),
            ("nonsense", false),
        ] {
            assert_eq!(range_applies(&headers(&[("if-range", value)]), &ours()), expected, "{value}");
        }
        assert!(range_applies(&headers(&[]), &ours()));
    }
}
