//! A node as HTTP describes it: entity tag, media type, dates.
//!
//! Knows nodes and formats. Does not know requests.
//! Called by `propfind`, the adapter and, for GET and HEAD, `server`.

use std::borrow::Cow;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use httpdate::HttpDate;

use crate::model::Node;

/// The quoted strong entity tag of `node`.
///
/// **Shape**: `"DA39A3EE5E6B4B0D3255BFEF95601890AFD80709"`, the SHA-1 of the content;
/// where 115 states none, `"id-size-seconds"` of the last change.
pub fn etag(node: &Node) -> String {
    format!("\"{}\"", bare_etag(node))
}

/// The tag without its quotes, as `dav_server` wants it.
pub(super) fn bare_etag(node: &Node) -> String {
    match node.sha1 {
        Some(sha1) => sha1.to_string(),
        None => format!("{}-{}-{}", node.id, node.size, unix_seconds(node.modified)),
    }
}

/// The media type a name stands for.
///
/// Text is said to be UTF-8, because a browser would otherwise guess, and for Chinese subtitles and notes it guesses wrong.
/// An unknown extension is `application/octet-stream`.
pub fn content_type(name: &str) -> Cow<'static, str> {
    let media_type = name
        .rsplit_once('.')
        .and_then(|(_, extension)| mime_guess::from_ext(extension).first_raw())
        .unwrap_or("application/octet-stream");
    if media_type.starts_with("text/") {
        Cow::Owned(format!("{media_type}; charset=utf-8"))
    } else {
        Cow::Borrowed(media_type)
    }
}

/// Seconds since 1970, at most the end of the year 9999 (formats have four digits for it), at least 0.
pub(super) fn unix_seconds(time: SystemTime) -> u64 {
    const LAST: u64 = 253_402_300_799;
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs().min(LAST))
}

/// `time` in HTTP's form. Times outside the years 1970 to 9999 are brought inside: `httpdate` panics on them.
///
/// **Shape**: `Tue, 14 Nov 2023 22:13:21 GMT`
pub(super) fn http_date(time: SystemTime) -> HttpDate {
    HttpDate::from(UNIX_EPOCH + Duration::from_secs(unix_seconds(time)))
}

/// Appends `time` as RFC 3339 says, in UTC and without a fraction: Windows cannot read one.
///
/// **Shape**: `2023-11-14T22:13:21Z`
pub(super) fn push_rfc3339(buffer: &mut String, time: SystemTime) {
    let seconds = unix_seconds(time);
    let (year, month, day) = civil(seconds / 86_400);
    // By hand, because a large listing has one for every entry and `format!`'s padding is slow.
    for (number, after) in [
        (year / 100, None),
        (year % 100, Some('-')),
        (month, Some('-')),
        (day, Some('T')),
        (seconds / 3600 % 24, Some(':')),
        (seconds / 60 % 60, Some(':')),
        (seconds % 60, Some('Z')),
    ] {
        for digit in [number / 10, number % 10] {
            buffer
                .push(u32::try_from(digit).ok().and_then(|digit| char::from_digit(digit, 10)).unwrap_or('0'));
        }
        buffer.extend(after);
    }
}

/// Year, month and day of a day counted from 1970-01-01, in the Gregorian calendar.
///
/// **Source**: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`;
/// years begin in March there, so that the leap day is the last.
fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::{FileId, Kind};

    #[test]
    fn the_tag_is_the_hash_or_else_what_changes_with_the_content() {
        let time = UNIX_EPOCH + Duration::from_secs(1_700_000_001);
        let mut node = Node { id: FileId(7), kind: Kind::File, size: 3, ..Node::virtual_folder("a", time) };
        assert_eq!(etag(&node), "\"7-3-1700000001\"");
        node.sha1 = "da39a3ee5e6b4b0d3255bfef95601890afd80709".parse().ok();
        assert_eq!(etag(&node), "\"DA39A3EE5E6B4B0D3255BFEF95601890AFD80709\"");
    }

    #[test]
    fn media_types_go_by_extension() {
        assert_eq!(content_type("a.MKV"), "video/x-matroska");
        assert_eq!(content_type("电影.txt"), "text/plain; charset=utf-8");
        assert_eq!(content_type("page.html"), "text/html; charset=utf-8");
        for unknown in ["a", "a.", "a.zzz9", ""] {
            assert_eq!(content_type(unknown), "application/octet-stream", "{unknown:?}");
        }
    }

    #[track_caller]
    fn check(seconds: u64, expected: &str) {
        let mut text = String::new();
        push_rfc3339(&mut text, UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(text, expected);
    }

    #[test]
    fn dates_have_no_fraction_and_stay_within_four_digits() {
        check(0, "1970-01-01T00:00:00Z");
        check(951_782_400, "2000-02-29T00:00:00Z");
        check(1_700_000_001, "2023-11-14T22:13:21Z");
        check(4_107_542_400, "2100-03-01T00:00:00Z");
        check(u64::from(u32::MAX) * 1000, "9999-12-31T23:59:59Z");
        let before = UNIX_EPOCH - Duration::from_secs(1);
        assert_eq!(http_date(before).to_string(), "Thu, 01 Jan 1970 00:00:00 GMT");
    }

    proptest! {
        #[test]
        fn both_date_formats_name_the_same_day(seconds in 0u64..253_402_300_800) {
            let time = UNIX_EPOCH + Duration::from_secs(seconds);
            let mut ours = String::new();
            push_rfc3339(&mut ours, time);
            let theirs = http_date(time).to_string();
            prop_assert_eq!(&ours[..4], &theirs[12..16]);
            prop_assert_eq!(&ours[8..10], &theirs[5..7]);
            prop_assert_eq!(&ours[11..19], &theirs[17..25]);
        }
    }
}
