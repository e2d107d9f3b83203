//! The `Range` header: the only place where ranges have inclusive ends.
//!
//! Knows RFC 9110, section 14; below it ranges are half-open.
//! Called by `download`, `multipart` and `proxy`.
//!
//! The header is read here and not by `headers::Range`, which takes a suffix longer than the file for unsatisfiable
//! and cannot tell a malformed header (to be ignored) from an unsatisfiable one (416).

use std::ops::Range;

use http::{HeaderMap, header};

/// Parts one answer may have. Video players ask for one, PDF viewers for a handful; more is an attack.
const MAX_PARTS: usize = 8;

/// Which bytes of a file are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// All of them.
    Whole,
    /// One part, not empty.
    Part(Range<u64>),
    /// Several parts, none empty, none overlapping, in the order asked for.
    Parts(Vec<Range<u64>>),
    /// Only such as do not exist.
    Unsatisfiable,
}

/// Which bytes of a file of `len` bytes `headers` ask for.
///
/// A header that is malformed, in other units, repeated or greedy is ignored, as section 14.2 allows.
/// So is any for an empty file: some clients add a range to every request, and there is nothing to leave out.
pub(super) fn wanted(headers: &HeaderMap, len: u64) -> Wanted {
    let mut values = headers.get_all(header::RANGE).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return Wanted::Whole };
    let specs = value.to_str().ok().and_then(specs_of_bytes).filter(|_| len > 0);
    let Some(parts) = specs.and_then(|specs| parts(specs, len)) else { return Wanted::Whole };
    match <[Range<u64>; 1]>::try_from(parts) {
        Ok([part]) => Wanted::Part(part),
        Err(parts) if parts.is_empty() => Wanted::Unsatisfiable,
        Err(parts) if overlap(&parts) => Wanted::Whole,
        Err(parts) => Wanted::Parts(parts),
    }
}

fn specs_of_bytes(value: &str) -> Option<&str> {
    let (unit, specs) = value.split_once('=')?;
    unit.trim().eq_ignore_ascii_case("bytes").then_some(specs)
}

/// The satisfiable parts; `None` if anything is malformed or there are too many.
fn parts(specs: &str, len: u64) -> Option<Vec<Range<u64>>> {
    if specs.matches(',').count() >= MAX_PARTS {
        return None;
    }
    let mut parts = Vec::new();
    let mut is_empty = true;
    for spec in specs.split(',').map(|spec| spec.trim_matches([' ', '\t'])).filter(|spec| !spec.is_empty()) {
        is_empty = false;
        let part = part(spec, len)?;
        if !part.is_empty() {
            parts.push(part);
        }
    }
    (!is_empty).then_some(parts)
}

/// `first-last`, `first-` or `-suffix`, cut to the file; an empty range if it lies beyond.
fn part(spec: &str, len: u64) -> Option<Range<u64>> {
    let (first, last) = spec.split_once('-')?;
    if first.is_empty() {
        return Some(len.saturating_sub(number(last)?)..len);
    }
    let first = number(first)?;
    let end = match last {
        "" => len,
        last => {
            let last = number(last)?;
            if last < first {
                return None;
            }
            last.saturating_add(1).min(len)
        }
    };
    Some(first.min(end)..end)
}

/// A number of any length; one that does not fit is beyond every file anyway.
fn number(digits: &str) -> Option<u64> {
    let is_number = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    is_number.then(|| digits.parse().unwrap_or(u64::MAX))
}

fn overlap(parts: &[Range<u64>]) -> bool {
    let mut sorted: Vec<_> = parts.iter().collect();
    sorted.sort_unstable_by_key(|part| part.start);
    sorted.windows(2).any(|pair| pair[1].start < pair[0].end)
}

/// `Content-Range` of a part that is not empty.
pub(super) fn content_range(part: &Range<u64>, len: u64) -> String {
    format!("bytes {}-{}/{len}", part.start, part.end.saturating_sub(1))
}

/// `Content-Range` of a 416.
pub(super) fn unsatisfied(len: u64) -> String {
    format!("bytes */{len}")
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn ask(value: &str, len: u64) -> Wanted {
        wanted(&HeaderMap::from_iter([(header::RANGE, HeaderValue::from_str(value).unwrap())]), len)
    }

    #[track_caller]
    fn check(value: &str, expected: &Wanted) {
        assert_eq!(ask(value, 1000), *expected, "{value}");
    }

    #[test]
    fn one_part() {
        check("bytes=0-0", &Wanted::Part(0..1));
        check("bytes=0-499", &Wanted::Part(0..500));
        check("bytes=500-", &Wanted::Part(500..1000));
        check("bytes=999-5000", &Wanted::Part(999..1000));
        check("bytes=-1", &Wanted::Part(999..1000));
        check("bytes=-5000", &Wanted::Part(0..1000));
        check("Bytes=0-9", &Wanted::Part(0..10));
        check("bytes=0-18446744073709551615", &Wanted::Part(0..1000));
        check("bytes=0-99999999999999999999999", &Wanted::Part(0..1000));
        check("bytes=-18446744073709551615", &Wanted::Part(0..1000));
    }

    #[test]
    fn nothing_that_exists() {
        check("bytes=1000-", &Wanted::Unsatisfiable);
        check("bytes=1000-1000", &Wanted::Unsatisfiable);
        check("bytes=-0", &Wanted::Unsatisfiable);
        check("bytes=18446744073709551615-", &Wanted::Unsatisfiable);
        check("bytes=18446744073709551615-18446744073709551615", &Wanted::Unsatisfiable);
        check("bytes=2000-,3000-4000", &Wanted::Unsatisfiable);
    }

    #[test]
    fn several_parts() {
        check("bytes=0-9,20-29", &Wanted::Parts(vec![0..10, 20..30]));
        check("bytes=20-29, 0-9 ,-5", &Wanted::Parts(vec![20..30, 0..10, 995..1000]));
        check("bytes=0-9,5000-", &Wanted::Part(0..10));
        check("bytes=,0-9,", &Wanted::Part(0..10));
        check("bytes=0-9,10-19", &Wanted::Parts(vec![0..10, 10..20]));
    }

    #[test]
    fn what_is_malformed_or_greedy_is_ignored() {
        for value in [
            "bytes=",
            "bytes=-",
            "bytes=,",
            "bytes=a-b",
            "bytes=5-2",
            "bytes=+1-2",
            "bytes=1-2-3",
            "bytes=0x1-2",
            "bytes 0-1",
            "seconds=0-1",
            "0-1",
            "bytes=0-9,x",
            "bytes=0-9,5-14",
            "bytes=0-,0-",
        ] {
            check(value, &Wanted::Whole);
        }
        check(&format!("bytes={}", vec!["0-"; 20_000].join(",")), &Wanted::Whole);
        check("bytes=0-0,2-2,4-4,6-6,8-8,10-10,12-12,14-14,16-16", &Wanted::Whole);
        let twice = HeaderMap::from_iter([
            (header::RANGE, HeaderValue::from_static("bytes=0-1")),
            (header::RANGE, HeaderValue::from_static("bytes=3-4")),
        ]);
        assert_eq!(wanted(&HeaderMap::new(), 1000), Wanted::Whole);
        // A map built from pairs keeps the last; appending keeps both.
        let mut both = twice;
        both.append(header::RANGE, HeaderValue::from_static("bytes=0-1"));
        assert_eq!(wanted(&both, 1000), Wanted::Whole);
    }

    #[test]
    fn an_empty_file_is_always_whole() {
        assert_eq!(ask("bytes=0-", 0), Wanted::Whole);
        assert_eq!(ask("bytes=-1", 0), Wanted::Whole);
    }

    #[test]
    fn ends_are_inclusive_outside() {
        assert_eq!(content_range(&(0..10), 1000), "bytes 0-9/1000");
        assert_eq!(unsatisfied(1000), "bytes */1000");
    }

    proptest! {
        #[test]
        fn every_part_lies_in_the_file(value in "bytes=[0-9, -]{0,30}", len in 1u64..50) {
            match ask(&value, len) {
                Wanted::Part(part) => prop_assert!(part.start < part.end && part.end <= len),
                Wanted::Parts(parts) => {
                    prop_assert!(parts.iter().map(|part| part.end - part.start).sum::<u64>() <= len);
                    prop_assert!(parts.iter().all(|part| part.start < part.end && part.end <= len));
                }
                Wanted::Whole | Wanted::Unsatisfiable => {}
            }
        }
    }
}
