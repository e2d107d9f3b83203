//! Byte ranges.

/// What part of a body a `Range` header asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// All of it: there is no header, or one this server does not honour.
    Whole,
    /// The bytes from the first up to but without the second.
    Part(u64, u64),
    /// Nothing that exists.
    Beyond,
}

/// Reads a `Range` header. As object stores do, a header that is malformed or names several ranges is disregarded.
pub(super) fn parse(header: &str, size: u64) -> Asked {
    let Some((first, last)) = header.trim().strip_prefix("bytes=").and_then(|ranges| ranges.split_once('-'))
    else {
        return Asked::Whole;
    };
    let number = |text: &str| text.trim().parse::<u64>().ok();
    match (first.trim(), last.trim()) {
        ("", suffix) => match number(suffix) {
            Some(length) if length > 0 && size > 0 => Asked::Part(size - length.min(size), size),
            Some(_) => Asked::Beyond,
            None => Asked::Whole,
        },
        (first, last) => match (number(first), number(last)) {
            (Some(first), _)
                if (last.is_empty() || number(last).is_some_and(|last| last >= first)) && first >= size =>
            {
                Asked::Beyond
            }
            (Some(first), None) if last.is_empty() => Asked::Part(first, size),
            (Some(first), Some(last)) if last >= first => {
                Asked::Part(first, last.saturating_add(1).min(size))
            }
            _ => Asked::Whole,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read() {
        for (header, expected) in [
            ("", Asked::Whole),
            ("bytes=0-0", Asked::Part(0, 1)),
            ("bytes=10-19", Asked::Part(10, 20)),
            ("bytes=10-", Asked::Part(10, 100)),
            ("bytes=90-200", Asked::Part(90, 100)),
            ("bytes=-5", Asked::Part(95, 100)),
            ("bytes=-500", Asked::Part(0, 100)),
            ("bytes=100-", Asked::Beyond),
            ("bytes=100-200", Asked::Beyond),
            ("bytes=-0", Asked::Beyond),
            ("bytes=5-2", Asked::Whole),
            ("bytes=500-2", Asked::Whole),
            ("bytes=a-b", Asked::Whole),
            ("bytes=0-1,3-4", Asked::Whole),
            ("items=0-1", Asked::Whole),
        ] {
            assert_eq!(parse(header, 100), expected, "{header}");
        }
        assert_eq!(parse("bytes=0-", 0), Asked::Beyond);
        assert_eq!(parse("bytes=-5", 0), Asked::Beyond);
    }
}
