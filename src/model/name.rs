//! From 115's names to names a path can hold, and back in a reader's mind.
//!
//! 115 lets a name hold `/` and control characters and be `.` or `..`; a path cannot.
//! Each such character is shown as its full-width or control-picture twin, as rclone does, so that users of both see the same names.
//! A name that already holds such a twin gets the quote `‛` (U+201B) in front of it, which keeps the mapping reversible:
//! two different names at 115 are never shown alike.
//!
//! The other way round, 115 refuses `"`, `<` and `>` in the names of folders and in new names.
//! These are written as the quote and their full-width twin, and read back as what was meant.

use std::borrow::Cow;

const QUOTE: char = '\u{201B}';

/// The name of a node in a path.
///
/// Never empty, never `.` or `..`, and free of `/`, `\` and ASCII control characters.
pub fn visible_name(name: &str) -> Cow<'_, str> {
    match name {
        "" => return Cow::Borrowed("‛"),
        "." => return Cow::Borrowed("．"),
        ".." => return Cow::Borrowed("．．"),
        "．" => return Cow::Owned(format!("{QUOTE}．")),
        "．．" => return Cow::Owned(format!("{QUOTE}．．")),
        _ => {}
    }
    if !name.chars().any(|c| twin(c).is_some() || is_twin(c)) {
        return Cow::Borrowed(name);
    }
    let mut visible = String::with_capacity(name.len() + 8);
    let mut rest = name.chars().peekable();
    while let Some(c) = rest.next() {
        if c == QUOTE
            && let Some(refused) = rest.peek().and_then(|&wide| refused_of(wide))
        {
            visible.push(refused);
            rest.next();
            continue;
        }
        if is_twin(c) {
            visible.push(QUOTE);
        }
        visible.push(twin(c).unwrap_or(c));
    }
    Cow::Owned(visible)
}

/// The name at 115 that [`visible_name`] shows as `name`, or `None` if it shows none so.
///
/// Only some names that hold the quote `‛` have no such name.
pub fn stored_name(name: &str) -> Option<Cow<'_, str>> {
    match name {
        "．" => return Some(Cow::Borrowed(".")),
        "．．" => return Some(Cow::Borrowed("..")),
        "‛．" => return Some(Cow::Borrowed("．")),
        "‛．．" => return Some(Cow::Borrowed("．．")),
        _ => {}
    }
    if !name.chars().any(|c| is_twin(c) || wide_of(c).is_some()) {
        return Some(Cow::Borrowed(name));
    }
    let mut stored = String::with_capacity(name.len() + 8);
    let mut rest = name.chars();
    while let Some(c) = rest.next() {
        if c == QUOTE {
            stored.push(rest.next().filter(|&quoted| is_twin(quoted))?);
        } else if let Some(wide) = wide_of(c) {
            stored.extend([QUOTE, wide]);
        } else if refused_of(c).is_some() && stored.ends_with(QUOTE) {
            // It would be taken for what 115 refuses.
            return None;
        } else {
            stored.push(plain(c).unwrap_or(c));
        }
    }
    Some(Cow::Owned(stored))
}

/// What 115 refuses in new names, and the twins.
///
/// Source: protocol notes, writing part, §1.1 (20003).
const REFUSED: [(char, char); 3] = [('"', '＂'), ('<', '＜'), ('>', '＞')];

fn wide_of(c: char) -> Option<char> {
    REFUSED.iter().find_map(|&(refused, wide)| (refused == c).then_some(wide))
}

fn refused_of(c: char) -> Option<char> {
    REFUSED.iter().find_map(|&(refused, wide)| (wide == c).then_some(refused))
}

fn plain(c: char) -> Option<char> {
    match c {
        '／' => Some('/'),
        '＼' => Some('\\'),
        '␡' => Some('\u{7F}'),
        '\u{2400}'..='\u{241F}' => char::from_u32(u32::from(c) - 0x2400),
        _ => None,
    }
}

fn twin(c: char) -> Option<char> {
    match c {
        '/' => Some('／'),
        '\\' => Some('＼'),
        '\u{7F}' => Some('␡'),
        '\0'..='\u{1F}' => char::from_u32(0x2400 + u32::from(c)),
        _ => None,
    }
}

fn is_twin(c: char) -> bool {
    matches!(c, '／' | '＼' | '␡' | '\u{2400}'..='\u{241F}' | QUOTE)
}

/// Characters Windows cannot hold in a name, folded to their full-width twins.
///
/// Explorer refuses to open a whole folder because of one such name, so its listings show the twins.
/// There is no way back from the folded name alone: the twins are ordinary characters in Chinese names,
/// so one that is read may have stood in the name from the start.
/// [`Listing::position_windows`](super::Listing::position_windows) knows which names have been folded.
pub struct NameFold;

impl NameFold {
    const PAIRS: [(char, char); 7] =
        [('<', '＜'), ('>', '＞'), (':', '：'), ('"', '＂'), ('|', '｜'), ('?', '？'), ('*', '＊')];

    /// The name as Windows can hold it; a trailing dot or blank counts as such a character too.
    ///
    /// Borrowed exactly if nothing had to be folded; else it holds a twin, and so is not ASCII.
    pub fn for_windows(name: &str) -> Cow<'_, str> {
        let last = name.chars().last().unwrap_or('_');
        if !name.contains(|c| Self::wide(c).is_some()) && !matches!(last, '.' | ' ') {
            return Cow::Borrowed(name);
        }
        let mut folded: String = name.chars().map(|c| Self::wide(c).unwrap_or(c)).collect();
        if matches!(last, '.' | ' ') {
            folded.pop();
            folded.push(if last == '.' { '．' } else { '␠' });
        }
        Cow::Owned(folded)
    }

    fn wide(c: char) -> Option<char> {
        Self::PAIRS.iter().find_map(|&(plain, wide)| (plain == c).then_some(wide))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn characters_a_path_cannot_hold_get_a_twin() {
        assert_eq!(visible_name("a/b\\c"), "a／b＼c");
        assert_eq!(visible_name(".."), "．．");
        assert_eq!(visible_name(""), "‛");
        assert_eq!(visible_name("a\nb\u{7f}"), "a␊b␡");
        assert!(matches!(visible_name(" 电影 #1%+&.mkv "), Cow::Borrowed(_)));
    }

    #[test]
    fn a_name_that_holds_a_twin_is_told_apart_from_the_one_that_got_it() {
        let names = ["a/b", "a／b", "a‛／b", "a‛/b", "..", "．．", "‛．．", "", "\u{2400}", "\0", "‛"];
        let mut seen = HashMap::new();
        for name in names {
            if let Some(other) = seen.insert(visible_name(name).into_owned(), name) {
                panic!("{name:?} and {other:?} look alike");
            }
        }
    }

    #[test]
    fn what_windows_cannot_hold_is_folded_and_nothing_else() {
        for (name, folded) in [
            ("what?.mkv", "what？.mkv"),
            ("a: b", "a： b"),
            ("<\"|*\">", "＜＂｜＊＂＞"),
            ("dot..", "dot.．"),
            ("blank ", "blank␠"),
            ("Re： 从零开始?.txt", "Re： 从零开始？.txt"),
        ] {
            assert_eq!(NameFold::for_windows(name), folded);
        }
        for name in ["plain.txt", ".env", "第一章：开始？", "twin．", ""] {
            assert!(matches!(NameFold::for_windows(name), Cow::Borrowed(_)), "{name}");
        }
    }

    #[test]
    fn what_115_refuses_is_written_otherwise_and_read_back() {
        assert_eq!(stored_name("say \"<hi>\"").unwrap(), "say ‛＂‛＜hi‛＞‛＂");
        assert_eq!(visible_name("say ‛＂‛＜hi‛＞‛＂"), "say \"<hi>\"");
        assert!(matches!(stored_name("＂wide＂ 电影.mkv"), Some(Cow::Borrowed(_))));
        assert_eq!(stored_name("a‛b"), None);
        assert_eq!(stored_name("a‛"), None);
    }

    proptest! {
        #[test]
        fn a_name_that_is_written_is_shown_as_it_was_asked_for(name in "[ab./／＼\"<>＂＜＞‛．␀␡]{1,5}") {
            prop_assume!(!name.contains('/') && name != "." && name != "..");
            if let Some(stored) = stored_name(&name) {
                prop_assert_eq!(visible_name(&stored), &*name);
            }
        }

        #[test]
        fn what_is_shown_can_be_written(name in "[ab/＂‛．.\x00-\x02␀-␂]{1,5}") {
            prop_assert!(stored_name(&visible_name(&name)).is_some());
        }

        #[test]
        fn a_visible_name_fits_in_a_path(name in any::<String>()) {
            let visible = visible_name(&name);
            prop_assert!(!visible.is_empty() && visible != "." && visible != "..");
            prop_assert!(!visible.chars().any(|c| c == '/' || c == '\\' || c.is_ascii_control()));
        }

        #[test]
        fn different_names_stay_different(a in "[a/\\\\‛／＼\\x00-\\x02␀-␂.．]{0,4}", b in "[a/\\\\‛／＼\\x00-\\x02␀-␂.．]{0,4}") {
            prop_assume!(a != b);
            prop_assert_ne!(visible_name(&a), visible_name(&b));
        }
    }
}
