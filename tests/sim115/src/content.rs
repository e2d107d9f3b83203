//! What files contain: literal bytes, bytes that follow a rule, or bytes that were uploaded.
//!
//! A ruled content is a pure function of its seed and the offset, so a file of several GiB costs no memory and any
//! byte of it can be checked. The rule copies blocks of 4 KiB out of one shared table of noise, each block from a
//! place chosen by seed and block number, and stamps the block's first eight bytes with the choice itself. That runs
//! at the speed of a memory copy even without optimisation, while a block that is lost, repeated or shifted still
//! shows.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, LazyLock};

use bytes::{Bytes, BytesMut};
use parking_lot::Mutex;
use sha1::{Digest, Sha1};

use crate::num::{hex, index, long, mix};
use crate::stored::Stored;
use crate::tree::{NodeKind, SimNode};

/// The largest ruled content whose SHA-1 is computed from its bytes; above it the hash is a stand-in.
pub const TRUE_SHA1_LIMIT: u64 = 64 << 20;

const TABLE_BYTES: u64 = 1 << 20;
const BLOCK_BYTES: u64 = 4096;
const STAMP_BYTES: u64 = 8;
const TABLE_SEED: u64 = 0x0115_0115_0115_0115;

/// The noise every ruled content is cut from.
static TABLE: LazyLock<Vec<u8>> =
    LazyLock::new(|| (0..TABLE_BYTES / 8).flat_map(|word| mix(TABLE_SEED, word).to_le_bytes()).collect());

/// Hashes of ruled contents already computed, because trees let many files share few contents.
static HASHES: LazyLock<Mutex<HashMap<(u64, u64), String>>> = LazyLock::new(Mutex::default);

/// The bytes of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// These very bytes.
    Bytes(Bytes),
    /// `size` bytes made by rule from `seed`.
    Rule {
        /// What tells one ruled content from another.
        seed: u64,
        /// How many bytes there are.
        size: u64,
    },
    /// Bytes made by rule whose true hash is known, whatever their size; see [`Content::hashed`].
    Hashed {
        /// What tells one ruled content from another.
        seed: u64,
        /// How many bytes there are.
        size: u64,
        /// The SHA-1 in upper case.
        sha1: Arc<str>,
    },
    /// Bytes a client has uploaded.
    Stored(Stored),
}

/// The content of a file; a folder has none, which reads as empty.
pub fn content(node: &SimNode) -> Content {
    match &node.kind {
        NodeKind::File(content) => content.clone(),
        NodeKind::Folder => Content::Bytes(Bytes::new()),
    }
}

impl Content {
    /// The number of bytes.
    pub fn size(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => long(bytes.len()),
            Self::Rule { size, .. } | Self::Hashed { size, .. } => *size,
            Self::Stored(stored) => stored.size(),
        }
    }

    /// The bytes of `range`, cut at the end of the content.
    pub fn read(&self, range: Range<u64>) -> Bytes {
        let end = range.end.min(self.size());
        let start = range.start.min(end);
        match self {
            Self::Bytes(bytes) => bytes.slice(index(start)..index(end)),
            Self::Rule { seed, .. } | Self::Hashed { seed, .. } => ruled(*seed, start, end),
            Self::Stored(stored) => stored.read(start, end),
        }
    }

    /// The SHA-1 as 115 writes it, in upper case.
    ///
    /// It is the true hash of the bytes, except for a ruled content larger than [`TRUE_SHA1_LIMIT`]: that one gets
    /// the SHA-1 of a short description of the content, which is stable and unique but not the hash of the bytes.
    pub fn sha1_hex(&self) -> String {
        match self {
            Self::Bytes(bytes) => hex(&Sha1::digest(bytes)).to_uppercase(),
            Self::Hashed { sha1, .. } => sha1.to_string(),
            Self::Stored(stored) => stored.sha1_hex().to_owned(),
            Self::Rule { seed, size } => {
                if let Some(known) = HASHES.lock().get(&(*seed, *size)) {
                    return known.clone();
                }
                let text = self.ruled_sha1(*seed, *size);
                HASHES.lock().insert((*seed, *size), text.clone());
                text
            }
        }
    }

    /// Whether [`Content::sha1_hex`] is the hash of the bytes.
    pub fn sha1_is_true(&self) -> bool {
        match self {
            Self::Bytes(_) | Self::Hashed { .. } | Self::Stored(_) => true,
            Self::Rule { size, .. } => *size <= TRUE_SHA1_LIMIT,
        }
    }

    /// The same content with the hash of its very bytes, as clients know it that have the bytes. Reads all of it once.
    #[must_use]
    pub fn hashed(&self) -> Self {
        match self {
            Self::Rule { seed, size } => {
                Self::Hashed { seed: *seed, size: *size, sha1: self.hash_of_bytes().into() }
            }
            other => other.clone(),
        }
    }

    fn ruled_sha1(&self, seed: u64, size: u64) -> String {
        if self.sha1_is_true() {
            return self.hash_of_bytes();
        }
        hex(&Sha1::digest(format!("ruled content {seed} of {size} bytes"))).to_uppercase()
    }

    fn hash_of_bytes(&self) -> String {
        let mut hash = Sha1::new();
        let step = 256 << 10;
        let mut offset = 0;
        while offset < self.size() {
            hash.update(self.read(offset..offset + step));
            offset += step;
        }
        hex(&hash.finalize()).to_uppercase()
    }
}

/// The bytes `start..end` of the ruled content of `seed`.
fn ruled(seed: u64, start: u64, end: u64) -> Bytes {
    let table = TABLE.as_slice();
    let mut bytes = BytesMut::with_capacity(index(end - start));
    let mut at = start;
    while at < end {
        let within = at % BLOCK_BYTES;
        let upto = BLOCK_BYTES.min(within + (end - at));
        let stamp = mix(seed, at / BLOCK_BYTES);
        let base = stamp % (TABLE_BYTES - BLOCK_BYTES);
        if within < STAMP_BYTES {
            let stamped = stamp.to_le_bytes();
            bytes.extend_from_slice(&stamped[index(within)..index(upto.min(STAMP_BYTES))]);
        }
        let body = within.max(STAMP_BYTES);
        if body < upto {
            bytes.extend_from_slice(&table[index(base + body)..index(base + upto)]);
        }
        at += upto - within;
    }
    bytes.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_range_agrees_with_the_whole() {
        let content = Content::Rule { seed: 7, size: 20_000 };
        let whole = content.read(0..u64::MAX);
        assert_eq!(whole.len(), 20_000);
        for (start, end) in
            [(0, 1), (3, 9), (4090, 4110), (4096, 8192), (8191, 8195), (19_990, 30_000), (5, 5)]
        {
            let part = content.read(start..end);
            assert_eq!(part, whole.slice(index(start)..index(end.min(20_000))), "{start}..{end}");
        }
    }

    #[test]
    fn seeds_and_blocks_differ() {
        let one = Content::Rule { seed: 1, size: 8192 };
        let two = Content::Rule { seed: 2, size: 8192 };
        assert_ne!(one.read(0..8192), two.read(0..8192));
        assert_ne!(one.read(0..4096), one.read(4096..8192));
    }

    #[test]
    fn hashes_are_those_of_the_bytes() {
        assert_eq!(Content::Bytes(Bytes::new()).sha1_hex(), "DA39A3EE5E6B4B0D3255BFEF95601890AFD80709");
        let ruled = Content::Rule { seed: 3, size: 600_000 };
        assert_eq!(ruled.sha1_hex(), Content::Bytes(ruled.read(0..600_000)).sha1_hex());
        let giant = Content::Rule { seed: 3, size: 5 << 30 };
        assert!(!giant.sha1_is_true());
        assert_eq!(giant.read((5 << 30) - 3..u64::MAX).len(), 3);
        let known = ruled.hashed();
        assert_eq!((known.sha1_hex(), known.read(5..9)), (ruled.sha1_hex(), ruled.read(5..9)));
        assert!(known.sha1_is_true());
    }
}
