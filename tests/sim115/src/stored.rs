//! Bytes that clients have uploaded: few in memory, many in a temporary file without a name.
//!
//! A blob is one growing store; an upload in parts writes each part to a place of its own in it. A stored content is a
//! series of places of one blob, so that finishing an upload copies nothing.

use std::fmt;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use sha1::{Digest as _, Sha1};
use tempfile::SpooledTempFile;

use crate::num::{hex, index};

/// Up to this size a blob lies in memory.
const MEMORY_BYTES: usize = 1 << 20;

/// Bytes read at a time to compute a hash.
const STEP_BYTES: u64 = 256 << 10;

/// A store that parts are written to.
pub(crate) struct Blob(Mutex<Spool>);

struct Spool {
    file: SpooledTempFile,
    /// Where the next part goes.
    end: u64,
}

impl Blob {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(Spool { file: SpooledTempFile::new(MEMORY_BYTES), end: 0 })))
    }

    /// Sets a place of this size aside and says where it begins.
    pub(crate) fn reserve(&self, size: u64) -> u64 {
        let mut spool = self.0.lock();
        let at = spool.end;
        spool.end += size;
        at
    }

    /// Writes bytes to a place.
    ///
    /// # Panics
    /// When the temporary file cannot be written.
    pub(crate) fn write(&self, at: u64, bytes: &[u8]) {
        self.at(at, |file| file.write_all(bytes));
    }

    fn read(&self, at: u64, into: &mut [u8]) {
        self.at(at, |file| file.read_exact(into));
    }

    fn at(&self, place: u64, act: impl FnOnce(&mut SpooledTempFile) -> io::Result<()>) {
        let file = &mut self.0.lock().file;
        let done = file.seek(SeekFrom::Start(place)).and_then(|_| act(file));
        assert!(done.is_ok(), "the temporary file of an upload fails: {done:?}");
    }
}

/// The bytes of an uploaded file.
#[derive(Clone)]
pub struct Stored {
    blob: Arc<Blob>,
    /// Where each piece begins in the file, and its place in the blob.
    pieces: Arc<[(u64, Range<u64>)]>,
    size: u64,
    sha1: Arc<str>,
}

impl Stored {
    /// The content of these places of a blob, one after the other. Reads all of it to compute its hash.
    pub(crate) fn new(blob: Arc<Blob>, places: &[Range<u64>]) -> Self {
        let mut size = 0;
        let mut pieces = Vec::with_capacity(places.len());
        for place in places.iter().filter(|place| !place.is_empty()) {
            pieces.push((size, place.clone()));
            size += place.end - place.start;
        }
        let mut stored = Self { blob, pieces: pieces.into(), size, sha1: "".into() };
        let mut hash = Sha1::new();
        let mut at = 0;
        while at < size {
            hash.update(stored.read(at, (at + STEP_BYTES).min(size)));
            at += STEP_BYTES;
        }
        stored.sha1 = hex(&hash.finalize()).to_uppercase().into();
        stored
    }

    /// The number of bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The SHA-1 in upper case.
    pub fn sha1_hex(&self) -> &str {
        &self.sha1
    }

    /// The bytes `start..end`, which lie within the content.
    ///
    /// # Panics
    /// When the temporary file cannot be read.
    pub(crate) fn read(&self, start: u64, end: u64) -> Bytes {
        let mut bytes = vec![0; index(end - start)];
        let first = self.pieces.partition_point(|(begin, _)| *begin <= start).saturating_sub(1);
        let mut done = 0;
        for (begin, place) in &self.pieces[first.min(self.pieces.len())..] {
            if done == bytes.len() {
                break;
            }
            let within = start.max(*begin) - begin;
            let length = index(place.end - place.start - within).min(bytes.len() - done);
            self.blob.read(place.start + within, &mut bytes[done..done + length]);
            done += length;
        }
        bytes.into()
    }
}

impl PartialEq for Stored {
    fn eq(&self, other: &Self) -> bool {
        self.size == other.size && self.sha1 == other.sha1
    }
}

impl Eq for Stored {}

impl fmt::Debug for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Stored({} bytes, {})", self.size, self.sha1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::Content;

    #[test]
    fn pieces_read_as_one_file_in_memory_and_on_disk() {
        for size in [1000_u64, 2 << 20] {
            let whole = Content::Rule { seed: 5, size }.read(0..size);
            let blob = Blob::new();
            let cut = size / 3;
            let junk = blob.reserve(10);
            blob.write(junk, &[0xaa; 10]);
            // The second piece comes first.
            let second = blob.reserve(size - cut);
            let first = blob.reserve(cut);
            blob.write(second, &whole[index(cut)..]);
            blob.write(first, &whole[..index(cut)]);
            let places = [first..first + cut, 5..5, second..second + size - cut];
            let stored = Stored::new(Arc::clone(&blob), &places);
            assert_eq!((stored.size(), stored.read(0, size)), (size, whole.clone()));
            assert_eq!(stored.sha1_hex(), Content::Bytes(whole.clone()).sha1_hex());
            for (start, end) in [(0, 1), (cut - 1, cut + 1), (cut, size), (size - 1, size), (size, size)] {
                assert_eq!(stored.read(start, end), whole[index(start)..index(end)], "{start}..{end}");
            }
        }
        let empty = Stored::new(Blob::new(), &[]);
        assert_eq!((empty.size(), empty.read(0, 0).len()), (0, 0));
        assert_eq!(empty.sha1_hex(), "DA39A3EE5E6B4B0D3255BFEF95601890AFD80709");
    }
}
