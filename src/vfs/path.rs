//! Paths of the tree.

use std::borrow::Borrow;
use std::fmt;
use std::str;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// Everything but the unreserved characters of RFC 3986 and the sub-delimiters no client trips over.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'(')
    .remove(b')')
    .remove(b'!')
    .remove(b'/');

/// An absolute, normalised path.
///
/// Invariants: begins with `/`; no segment is empty, `.` or `..`;
/// no ASCII control character and no backslash; at most [`VPath::MAX_BYTES`] long.
/// A trailing slash is not part of it: `/a/` and `/a` are the same path.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VPath(Box<str>);

/// Why a text is not a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPath {
    /// Longer than [`VPath::MAX_BYTES`].
    #[error("the path is longer than {} bytes", VPath::MAX_BYTES)]
    TooLong,
    /// It does not begin with a slash.
    #[error("the path does not begin with a slash")]
    NotAbsolute,
    /// A `%` that is not followed by two hexadecimal digits.
    #[error("the path holds a % that is not followed by two hexadecimal digits")]
    BadEscape,
    /// The bytes are not UTF-8.
    #[error("the path is not UTF-8")]
    NotUtf8,
    /// A segment `..`, escaped or not, or an escaped `.`.
    #[error("the path holds a segment . or ..")]
    DotSegment,
    /// A control character, a backslash or an escaped slash.
    #[error("the path holds a control character, a backslash or an escaped slash")]
    ForbiddenCharacter,
}

impl VPath {
    /// Longest path, in bytes after decoding.
    /// 25 levels (115's limit) of 255 Chinese characters would be more, but no client sends such.
    pub const MAX_BYTES: usize = 8192;

    /// The top of the tree.
    pub fn root() -> Self {
        Self("/".into())
    }

    /// Reads a plain (not percent-encoded) path.
    pub fn parse(path: &str) -> Result<Self, BadPath> {
        if path.len() > Self::MAX_BYTES {
            return Err(BadPath::TooLong);
        }
        if !path.starts_with('/') {
            return Err(BadPath::NotAbsolute);
        }
        let mut normal = String::with_capacity(path.len());
        for segment in path.split('/').filter(|segment| !segment.is_empty()) {
            if segment == "." || segment == ".." {
                return Err(BadPath::DotSegment);
            }
            if segment.bytes().any(|b| b.is_ascii_control() || b == b'\\') {
                return Err(BadPath::ForbiddenCharacter);
            }
            normal.push('/');
            normal.push_str(segment);
        }
        if normal.is_empty() {
            normal.push('/');
        }
        Ok(Self(normal.into_boxed_str()))
    }

    /// Reads the path of a request target: percent-encoded, without query.
    ///
    /// A segment `.` that is not escaped is left out, as RFC 3986, §6.2.2.3 has it: rclone writes `/./a:b` for `/a:b`.
    pub fn from_uri(path: &str) -> Result<Self, BadPath> {
        if path.len() > 3 * Self::MAX_BYTES {
            return Err(BadPath::TooLong);
        }
        let mut rest = path;
        while let Some(at) = rest.find('%') {
            let digits = rest.as_bytes().get(at + 1..at + 3).ok_or(BadPath::BadEscape)?;
            if !digits.iter().all(u8::is_ascii_hexdigit) {
                return Err(BadPath::BadEscape);
            }
            if digits.eq_ignore_ascii_case(b"2f") {
                return Err(BadPath::ForbiddenCharacter);
            }
            rest = &rest[at + 3..];
        }
        if path.starts_with('/') && path.split('/').any(|segment| segment == ".") {
            let segments: Vec<_> = path.split('/').filter(|&segment| segment != ".").collect();
            return Self::from_uri(&format!("/{}", segments.join("/")));
        }
        let decoded = percent_decode_str(path).decode_utf8().map_err(|_| BadPath::NotUtf8)?;
        Self::parse(&decoded)
    }

    /// The path as it stands in a request target or an `href`, with upper-case escapes and without trailing slash.
    pub fn to_uri(&self) -> impl fmt::Display + '_ {
        utf8_percent_encode(&self.0, ESCAPED)
    }

    /// One name as it stands in an `href`.
    pub fn escape_name(name: &str) -> impl fmt::Display + '_ {
        utf8_percent_encode(name, ESCAPED)
    }

    /// The plain text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the top of the tree.
    pub fn is_root(&self) -> bool {
        &*self.0 == "/"
    }

    /// The names from the top down.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.0.split('/').filter(|segment| !segment.is_empty())
    }

    /// The last name; the root has none.
    pub fn name(&self) -> Option<&str> {
        self.segments().last()
    }

    /// The path of the folder above; the root has none.
    pub(super) fn parent(&self) -> Option<Self> {
        let (above, _) = self.0.rsplit_once('/').filter(|_| !self.is_root())?;
        Some(if above.is_empty() { Self::root() } else { Self(above.into()) })
    }

    /// The same path below `home` instead of below the top. The home comes on top of [`VPath::MAX_BYTES`].
    pub(super) fn below(&self, home: &Self) -> Self {
        match (home.is_root(), self.is_root()) {
            (true, _) => self.clone(),
            (_, true) => home.clone(),
            _ => Self(format!("{home}{self}").into_boxed_str()),
        }
    }

    /// The path of the child called `name`.
    pub fn join(&self, name: &str) -> Result<Self, BadPath> {
        Self::parse(&format!("{}/{name}", self.0))
    }
}

/// A path hashes and compares like its text, so a table by path can be asked for a part of one.
impl Borrow<str> for VPath {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for VPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for VPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(uri: &str, expected: Result<&str, BadPath>) {
        assert_eq!(VPath::from_uri(uri).as_ref().map(VPath::as_str), expected.as_ref().map(|path| *path));
    }

    #[test]
    fn slashes_are_normalised() {
        check("/", Ok("/"));
        check("//a///b/", Ok("/a/b"));
        check("/%E7%94%B5%E5%BD%B1/a%20%23%2B.mkv", Ok("/电影/a #+.mkv"));
        check("/a+b", Ok("/a+b"));
    }

    #[test]
    fn segments_of_one_dot_are_left_out_as_rclone_writes_them() {
        check("/./what%3F%20a:b", Ok("/what? a:b"));
        check("/a/././b/.", Ok("/a/b"));
        check("/.", Ok("/"));
        check("/.a/b./...", Ok("/.a/b./..."));
    }

    #[test]
    fn tricks_are_refused_by_name() {
        check("/a/../b", Err(BadPath::DotSegment));
        check("/a/%2e%2E/b", Err(BadPath::DotSegment));
        check("/a/%2e/b", Err(BadPath::DotSegment));
        check("/./../b", Err(BadPath::DotSegment));
        check("a/./b", Err(BadPath::NotAbsolute));
        check("/a%2Fb", Err(BadPath::ForbiddenCharacter));
        check("/a%5cb", Err(BadPath::ForbiddenCharacter));
        check("/a\\b", Err(BadPath::ForbiddenCharacter));
        check("/a%00b", Err(BadPath::ForbiddenCharacter));
        check("/a%0d%0ab", Err(BadPath::ForbiddenCharacter));
        check("/a%zz", Err(BadPath::BadEscape));
        check("/a%4", Err(BadPath::BadEscape));
        check("/%ff%fe", Err(BadPath::NotUtf8));
        check("a", Err(BadPath::NotAbsolute));
        check(&format!("/{}", "a".repeat(VPath::MAX_BYTES)), Err(BadPath::TooLong));
    }

    proptest! {
        #[test]
        fn a_path_survives_the_way_through_a_uri(path in "(/[^/\\\\\\x00-\\x1f\\x7f]{1,8}){0,4}") {
            if let Ok(path) = VPath::parse(&format!("/{path}")) {
                prop_assert_eq!(VPath::from_uri(&path.to_uri().to_string()), Ok(path));
            }
        }

        #[test]
        fn any_text_is_a_path_or_an_error(text in any::<String>()) {
            let _ = VPath::from_uri(&text);
        }
    }
}
