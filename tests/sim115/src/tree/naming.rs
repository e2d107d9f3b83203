//! What names tell: the extension, and the text behind 115's character references.

/// The extension in lower case, empty when there is none.
pub(crate) fn extension(name: &str) -> String {
    match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => extension.to_lowercase(),
        _ => String::new(),
    }
}

/// A name with its character references (`[`, U+0002, code point in decimal, `]`) replaced by the characters they
/// stand for (protocol notes, reading part, §0.2).
pub(crate) fn shown(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    let mut rest = name;
    while let Some(start) = rest.find("[\u{2}") {
        let (before, reference) = rest.split_at(start);
        text.push_str(before);
        let digits = &reference["[\u{2}".len()..];
        let character = digits.split_once(']').and_then(|(number, after)| {
            number.parse().ok().and_then(char::from_u32).map(|character| (character, after))
        });
        if let Some((character, after)) = character {
            text.push(character);
            rest = after;
        } else {
            text.push_str("[\u{2}");
            rest = digits;
        }
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_become_characters() {
        assert_eq!(shown("a[\u{2}128074]b[\u{2}x]"), "a\u{1f44a}b[\u{2}x]");
        assert_eq!(shown("plain [x]"), "plain [x]");
    }

    #[test]
    fn extensions_are_lower_case() {
        assert_eq!(extension("Film.MKV"), "mkv");
        assert_eq!(extension(".hidden"), "");
        assert_eq!(extension("none"), "");
    }
}
