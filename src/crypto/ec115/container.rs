//! The container of an answer: ciphertext of LZ4 blocks, and a trailer with length and checksum.
//!
//! **Shape**: `AES-CBC([u16 length][LZ4 block]… zeros) ‖ length^x (4) ‖ any (3) ‖ x ‖ CRC-32 (4)`, all little-endian.

use super::{Agreement, BLOCK, checksum};

const TRAILER: usize = 12;

/// Longest content of a block.
const MAX_BLOCK_BYTES: usize = 8192;

/// The answer to an announcement has about 2 KiB.
const MAX_BYTES: usize = 1 << 20;

/// Why an answer cannot be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Its length is not that of a container.
    #[error("it has not the length of an enciphered answer")]
    BadLength,
    /// The trailer does not fit itself.
    #[error("its checksum is wrong")]
    BadChecksum,
    /// What was deciphered is no sequence of blocks: another key, or damage.
    #[error("what was deciphered cannot be unpacked")]
    NotPacked,
}

pub(super) fn open(agreement: &Agreement, answer: &[u8]) -> Result<Vec<u8>, OpenError> {
    let (blocks, trailer) = answer.split_last_chunk::<TRAILER>().ok_or(OpenError::BadLength)?;
    if blocks.is_empty() || blocks.len() % BLOCK != 0 {
        return Err(OpenError::BadLength);
    }
    let (signed, stated) = trailer.split_at(8);
    if checksum(signed).to_le_bytes() != stated {
        return Err(OpenError::BadChecksum);
    }
    let length = u32::from_le_bytes(std::array::from_fn(|at| signed[at] ^ signed[7]));
    let length =
        usize::try_from(length).ok().filter(|&length| length <= MAX_BYTES).ok_or(OpenError::NotPacked)?;
    let packed = agreement.decipher(blocks).ok_or(OpenError::BadLength)?;
    unpack(&packed, length).ok_or(OpenError::NotPacked)
}

/// Exactly `length` bytes, or nothing.
fn unpack(mut packed: &[u8], length: usize) -> Option<Vec<u8>> {
    let mut plain = Vec::with_capacity(length);
    while plain.len() < length {
        let (size, rest) = packed.split_first_chunk::<2>()?;
        let (block, rest) = rest.split_at_checked(u16::from_le_bytes(*size).into())?;
        if block.is_empty() {
            return None;
        }
        plain.extend(lz4_flex::block::decompress(block, MAX_BLOCK_BYTES).ok()?);
        packed = rest;
    }
    (plain.len() == length).then_some(plain)
}
