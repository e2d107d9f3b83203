//! Text that must never be printed.

use std::fmt;

/// A cookie, token, password hash or signed URL.
///
/// Neither `Debug` nor `Display` shows the content; only [`Secret::expose`] does, and every call of it can be searched for.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Secret(String);

impl Secret {
    /// Wraps `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The content, to be put on the wire and nowhere else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_does_not_show_the_content() {
        assert!(!format!("{:?}", Secret::new("SEID=abc")).contains("abc"));
    }
}
