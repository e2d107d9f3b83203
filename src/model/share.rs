//! The link to a share, in every form people pass it around in.

use super::Secret;

/// The shortest share code taken for one in the midst of other text. Real ones have eleven characters.
const MIN_CODE: usize = 8;
/// How many characters a receive code has.
const RECEIVE_CODE_LEN: usize = 4;
/// What stands before the share code in a URL. The last but one are old domains that still stand in old posts.
const URL_FORMS: [&str; 4] = ["115.com/s/", "115cdn.com/s/", "anxia.com/s/", "share.115.com/"];
/// The names the receive code has in the query of a URL.
const QUERY_KEYS: [&str; 3] = ["password", "pwd", "receive_code"];
/// What people write before the receive code.
const LABELS: [&str; 7] = ["访问码", "提取码", "接收码", "密码", "password", "receive_code", "pwd"];

/// Which share, and the code that opens it.
///
/// Source: protocol notes, reading part, §5.1.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ShareLink {
    /// The share code: lower-case letters and digits, usually beginning with `sw`.
    pub code: String,
    /// The receive code. Whoever has both can see the share, so it is never shown.
    pub receive_code: Option<Secret>,
}

impl ShareLink {
    /// A link of its two parts, if both look right.
    pub fn new(code: &str, receive_code: Option<&str>) -> Option<Self> {
        let is_code = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let receive_code = receive_code.map(str::trim).filter(|code| !code.is_empty());
        (is_code(code) && receive_code.is_none_or(is_code))
            .then(|| Self { code: code.to_ascii_lowercase(), receive_code: receive_code.map(Secret::new) })
    }

    /// The first link in `text`, and what follows it apart from the receive code, such as a name.
    ///
    /// Takes URLs of all domains, the short form `CODE-RECEIVE` with or without `/` or `#` around it,
    /// and a share code with the receive code behind a label ("访问码：a1b2").
    pub fn find(text: &str) -> Option<(Self, String)> {
        let found = find_url(text).or_else(|| find_short(text))?;
        let after = &text[found.end..];
        let labelled = find_labelled(after);
        let (rest, labelled) = match labelled {
            Some((start, end)) => {
                let label = LABELS.iter().find(|label| after[start..].starts_with(**label));
                let code = after[start..end].trim_start_matches(*label.unwrap_or(&""));
                let code = code.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
                (format!("{} {}", &after[..start], &after[end..]), Some(code))
            }
            None => (after.to_owned(), None),
        };
        let link = Self::new(found.code, found.receive_code.or(labelled))?;
        let is_edge = |c: char| c.is_whitespace() || "#&/|,;:，；：()（）[]【】<>\"'".contains(c);
        Some((link, rest.trim_matches(is_edge).to_owned()))
    }
}

/// A link within a text.
struct Found<'t> {
    code: &'t str,
    receive_code: Option<&'t str>,
    /// Where what follows it begins.
    end: usize,
}

/// The leading letters and digits of `text`.
fn word(text: &str) -> &str {
    &text[..text.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(text.len())]
}

fn find_url(text: &str) -> Option<Found<'_>> {
    // Of the same length, so that a place in one is a place in the other.
    let lower = text.to_ascii_lowercase();
    let starts =
        URL_FORMS.iter().flat_map(|form| lower.match_indices(form).map(|(at, form)| (at, form.len())));
    let mut starts: Vec<_> = starts.collect();
    starts.sort_unstable();
    starts.into_iter().find_map(|(at, len)| {
        let host = lower[..at].trim_end_matches("www.");
        let is_whole_host = !host.ends_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.'));
        let code = word(&text[at + len..]);
        if !is_whole_host || code.is_empty() {
            return None;
        }
        let query_start = at + len + code.len();
        let query = &text[query_start..];
        let is_end = |c: char| c.is_whitespace() || !c.is_ascii() || "\"'<>()[],;".contains(c);
        let query = &query[..query.find(is_end).unwrap_or(query.len())];
        let receive_code = query.split(['?', '&', '#', '/']).find_map(|pair| {
            let (key, value) = pair.trim_start_matches("amp;").split_once('=')?;
            let value = word(value);
            (QUERY_KEYS.iter().any(|known| known.eq_ignore_ascii_case(key)) && !value.is_empty())
                .then_some(value)
        });
        Some(Found { code, receive_code, end: query_start + query.len() })
    })
}

/// `CODE-RECEIVE`, or a code alone. In the midst of other text only what begins as most share codes do counts.
fn find_short(text: &str) -> Option<Found<'_>> {
    let whole = text.trim().trim_matches(['/', '#']);
    let mut start = 0;
    while start < text.len() {
        let token = &text[start..];
        let token =
            &token[..token.find(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).unwrap_or(token.len())];
        let (code, receive_code) = match token.split_once('-') {
            Some((code, receive)) => (code, Some(receive)),
            None => (token, None),
        };
        let is_alone = token == whole && receive_code.is_some();
        let looks_right = code.len() >= MIN_CODE
            && (is_alone || code.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("sw")))
            && code.bytes().any(|byte| byte.is_ascii_digit())
            && receive_code.is_none_or(|code| code.len() == RECEIVE_CODE_LEN && word(code) == code);
        if looks_right {
            return Some(Found { code, receive_code, end: start + token.len() });
        }
        start += token
            .len()
            .max(token.len() + text[start + token.len()..].chars().next().map_or(0, char::len_utf8));
    }
    None
}

/// Where in `text` a label with its receive code begins and ends.
fn find_labelled(text: &str) -> Option<(usize, usize)> {
    let mut places: Vec<_> = LABELS.iter().flat_map(|label| text.match_indices(label)).collect();
    places.sort_unstable();
    places.into_iter().find_map(|(start, label)| {
        let after = &text[start + label.len()..];
        let gap = after.find(|c: char| c.is_ascii_alphanumeric())?;
        let code = word(&after[gap..]);
        let is_separator = |c: char| c.is_whitespace() || ":：=是为".contains(c);
        (after[..gap].chars().all(is_separator) && code.len() == RECEIVE_CODE_LEN)
            .then_some((start, start + label.len() + gap + code.len()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, receive_code: Option<&str>, expected: &str) {
        let (link, name) = ShareLink::find(text).unwrap_or_else(|| panic!("no link in {text:?}"));
        let found = link.receive_code.as_ref().map(Secret::expose);
        assert_eq!((&*link.code, found, &*name), ("sw3abc12xyz", receive_code, expected), "{text:?}");
    }

    #[test]
    fn every_form_of_a_link_is_read() {
        for text in [
            "https://115.com/s/sw3abc12xyz?password=a1b2",
            "https://115cdn.com/s/sw3abc12xyz?password=a1b2#",
            "https://115cdn.com/s/sw3abc12xyz?password=a1b2&#",
            "https://share.115.com/sw3abc12xyz?password=a1b2",
            "http://anxia.com/s/sw3abc12xyz?pwd=a1b2",
            "https://www.115.com/s/sw3abc12xyz?from=x&receive_code=a1b2&y",
            "115cdn.com/s/sw3abc12xyz?password=a1b2&amp;",
            "HTTPS://115CDN.COM/s/SW3ABC12XYZ?password=a1b2",
            "sw3abc12xyz-a1b2",
            "/sw3abc12xyz-a1b2/",
            "#sw3abc12xyz-a1b2#",
            "  https://115cdn.com/s/sw3abc12xyz\n访问码：a1b2\n",
            "https://115.com/s/sw3abc12xyz 提取码: a1b2",
            "sw3abc12xyz 访问码 a1b2",
        ] {
            check(text, Some("a1b2"), "");
        }
        check("https://115.com/s/sw3abc12xyz", None, "");
        check("sw3abc12xyz", None, "");
    }

    #[test]
    fn what_follows_a_link_is_its_name() {
        check("https://115cdn.com/s/sw3abc12xyz?password=a1b2 电影 2024", Some("a1b2"), "电影 2024");
        check("sw3abc12xyz-a1b2 Films", Some("a1b2"), "Films");
        check(
            "https://115cdn.com/s/sw3abc12xyz?password=a1b2&#\nA film.mkv\n访问码：a1b2",
            Some("a1b2"),
            "A film.mkv",
        );
        check("看这个：https://115.com/s/sw3abc12xyz?password=a1b2，快", Some("a1b2"), "快");
    }

    #[test]
    fn other_text_is_no_link() {
        for text in [
            "",
            "hello",
            "some-text with-dashes",
            "https://evil115.com/s/sw3?password=a1b2",
            "https://115.com.evil.example/s/x",
            "https://115.com/",
            "访问码：a1b2",
        ] {
            assert!(ShareLink::find(text).is_none(), "{text:?}");
        }
        assert!(ShareLink::new("a b", None).is_none() && ShareLink::new("sw3", Some("a/b")).is_none());
    }
}
