//! On which line of the file a key stands, for messages about two places of it.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The line, counted from 1, of the value of `key`, such as `mounts[1].path`; none if the file does not hold it.
pub(super) fn line_of(file: &str, key: &str) -> Option<usize> {
    let root = DeTable::parse(file).ok()?;
    let mut at: Option<&Spanned<DeValue<'_>>> = None;
    for step in key.split(['.', '[']) {
        at = match (step.strip_suffix(']'), at.map(Spanned::get_ref)) {
            (Some(index), Some(DeValue::Array(items))) => items.get(index.parse::<usize>().ok()?),
            (None, None) => root.get_ref().get(step),
            (None, Some(DeValue::Table(entries))) => entries.get(step),
            _ => None,
        };
        at?;
    }
    let before = file.get(..at?.span().start)?;
    Some(before.matches('\n').count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_found_on_its_line() {
        let file = "[server]\nlisten = 1\n\n[[mounts]]\npath = \"/a\"\n[[mounts]]\n# second\npath = \"/b\"\n";
        assert_eq!(line_of(file, "server.listen"), Some(2));
        assert_eq!(line_of(file, "mounts[0].path"), Some(5));
        assert_eq!(line_of(file, "mounts[1].path"), Some(8));
        for missing in ["mounts[2].path", "mounts.path", "server[0]", "none", "mounts[x]"] {
            assert_eq!(line_of(file, missing), None, "{missing}");
        }
        assert_eq!(line_of("mounts = [{ path = \"/a\" },\n  { path = \"/b\" }]", "mounts[1].path"), Some(2));
        assert_eq!(line_of("not toml", "a"), None);
    }
}
