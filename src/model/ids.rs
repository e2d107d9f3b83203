//! Identifiers 115 gives to things. Constructors validate; there are no setters.

use std::fmt;
use std::str::FromStr;

/// The id of a file or folder, unique within one account (or one share).
///
/// Up to 19 decimal digits, so it fits `u64` but not `f64`.
/// Source: protocol notes, reading part, §0.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId(pub u64);

impl FileId {
    /// The root folder of an account.
    pub const ROOT: Self = Self(0);
}

impl fmt::Display for FileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The code 115 wants instead of the id when a file is downloaded.
///
/// Invariant: at most [`PickCode::MAX`] ASCII letters and digits; empty for the root folder.
/// Nodes of a share have none, and bear their id in its place.
/// Kept inline, because a listing holds one per entry.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PickCode {
    text: [u8; Self::MAX],
    len: u8,
}

impl PickCode {
    /// Longest accepted code. Real ones have 17 (files) or 18 (folders) characters.
    pub const MAX: usize = 31;
    /// The code of something that has none.
    pub const NONE: Self = Self { text: [0; Self::MAX], len: 0 };

    /// Accepts `text` if the invariant holds.
    pub fn new(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if bytes.len() > Self::MAX || !bytes.iter().all(u8::is_ascii_alphanumeric) {
            return None;
        }
        let mut code = Self::NONE;
        code.text[..bytes.len()].copy_from_slice(bytes);
        code.len = u8::try_from(bytes.len()).ok()?;
        Some(code)
    }

    /// The code as 115 writes it.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.text[..usize::from(self.len)]).unwrap_or_default()
    }
}

impl fmt::Debug for PickCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PickCode").field(&self.as_str()).finish()
    }
}

impl fmt::Display for PickCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A SHA-1 as 115 keeps it for every file. Shown upper-case, as 115 does.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sha1(pub [u8; 20]);

/// The text was not 40 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseSha1Error;

impl FromStr for Sha1 {
    type Err = ParseSha1Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.as_bytes();
        if digits.len() != 40 {
            return Err(ParseSha1Error);
        }
        let mut bytes = [0; 20];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = hex_digit(pair[0])? << 4 | hex_digit(pair[1])?;
        }
        Ok(Self(bytes))
    }
}

fn hex_digit(digit: u8) -> Result<u8, ParseSha1Error> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        b'A'..=b'F' => Ok(digit - b'A' + 10),
        _ => Err(ParseSha1Error),
    }
}

impl fmt::Display for Sha1 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
        let mut text = [0; 40];
        for (pair, byte) in text.chunks_exact_mut(2).zip(self.0) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        f.write_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}

impl fmt::Debug for Sha1 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sha1({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sha1_reads_either_case_and_shows_upper_case() {
        let lower: Sha1 = "da39a3ee5e6b4b0d3255bfef95601890afd80709".parse().unwrap();
        assert_eq!(lower.to_string(), "DA39A3EE5E6B4B0D3255BFEF95601890AFD80709");
        assert_eq!("DA39".parse::<Sha1>(), Err(ParseSha1Error));
        assert_eq!("zz39a3ee5e6b4b0d3255bfef95601890afd80709".parse::<Sha1>(), Err(ParseSha1Error));
    }

    #[test]
    fn a_pick_code_is_short_and_alphanumeric() {
        assert_eq!(PickCode::new("a82z4bk5m30arhgqn").unwrap().as_str(), "a82z4bk5m30arhgqn");
        assert_eq!(PickCode::new("").unwrap(), PickCode::NONE);
        assert!(PickCode::new("a/b").is_none());
        assert!(PickCode::new(&"a".repeat(32)).is_none());
    }
}
