//! The frame around the parts of a `multipart/byteranges` answer.
//!
//! Knows RFC 2046 as far as RFC 9110, section 14.6 needs it; does not know where the bytes come from.
//! Called by `proxy`.

use std::fmt::Write as _;
use std::ops::Range;

use argon2::password_hash::rand_core::{OsRng, RngCore as _};

use super::range::content_range;

/// Heads of all parts and the closing line, ready to be sent.
pub(super) struct Frame {
    /// `Content-Type` of the whole answer.
    pub(super) content_type: String,
    /// What goes before each part.
    pub(super) heads: Vec<String>,
    /// What goes after the last one.
    pub(super) tail: String,
    /// Length of the whole answer in bytes.
    pub(super) len: u64,
}

impl Frame {
    /// Frames `parts` of a file of `len` bytes and of the type `content_type`.
    pub(super) fn new(parts: &[Range<u64>], len: u64, content_type: &str) -> Self {
        Self::with_boundary(parts, len, content_type, &random_boundary())
    }

    fn with_boundary(parts: &[Range<u64>], len: u64, content_type: &str, boundary: &str) -> Self {
        let head = |(index, part)| {
            let line_break = if index == 0 { "" } else { "\r\n" };
            let content_range = content_range(part, len);
            format!(
                "{line_break}--{boundary}\r\nContent-Type: {content_type}\r\nContent-Range: {content_range}\r\n\r\n"
            )
        };
        let heads: Vec<String> = parts.iter().enumerate().map(head).collect();
        let tail = format!("\r\n--{boundary}--\r\n");
        let frame = heads.iter().map(String::len).sum::<usize>() + tail.len();
        let content: u64 = parts.iter().map(|part| part.end - part.start).sum();
        Self {
            content_type: format!("multipart/byteranges; boundary={boundary}"),
            heads,
            tail,
            len: content + frame as u64,
        }
    }
}

/// A line that is not in the content: 128 random bits.
fn random_boundary() -> String {
    let mut bytes = [0; 16];
    OsRng.fill_bytes(&mut bytes);
    bytes.iter().fold(String::with_capacity(32), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_frame_is_proper_mime_and_its_length_exact() {
        let frame = Frame::with_boundary(&[0..2, 8..10], 10, "text/plain", "XX");
        assert_eq!(frame.content_type, "multipart/byteranges; boundary=XX");
        let body = format!("{}ab{}cd{}", frame.heads[0], frame.heads[1], frame.tail);
        assert_eq!(
            body,
            "--XX\r\nContent-Type: text/plain\r\nContent-Range: bytes 0-1/10\r\n\r\nab\
             \r\n--XX\r\nContent-Type: text/plain\r\nContent-Range: bytes 8-9/10\r\n\r\ncd\r\n--XX--\r\n"
        );
        assert_eq!(frame.len, body.len() as u64);
        assert_ne!(random_boundary(), random_boundary());
        assert_eq!(random_boundary().len(), 32);
    }
}
