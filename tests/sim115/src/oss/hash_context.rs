//! Announced states of the hash: what a client that uploads parts side by side says of the bytes before a part
//! (protocol notes, writing part, §2.6.3 (b)).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::Value;
use sha1::digest::generic_array::GenericArray;

/// Bytes SHA-1 takes at a time.
pub(super) const BLOCK: u64 = 64;

/// The state of SHA-1 between two blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct HashContext {
    state: [u32; 5],
    bits: u64,
}

impl HashContext {
    /// The state before the first byte.
    pub(super) fn start() -> Self {
        Self { state: [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0], bits: 0 }
    }

    /// Reads the header of a part; `None` when it is malformed.
    pub(super) fn read(header: &str) -> Option<Self> {
        let context: Value = serde_json::from_slice(&STANDARD.decode(header).ok()?).ok()?;
        let number = |name: &str| context[name].as_str()?.parse::<u32>().ok();
        if context["hash_type"] != "sha1" || number("num")? != 0 || context["data"] != "" {
            return None;
        }
        let bits = u64::from(number("Nh")?) << 32 | u64::from(number("Nl")?);
        Some(Self {
            state: [number("h0")?, number("h1")?, number("h2")?, number("h3")?, number("h4")?],
            bits,
        })
    }

    /// The state after more whole blocks.
    pub(super) fn advance(&mut self, bytes: &Bytes) {
        for block in bytes.chunks_exact(64) {
            sha1::compress(&mut self.state, &[*GenericArray::from_slice(block)]);
            self.bits += 8 * BLOCK;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_known_context_is_that_of_its_bytes() {
        let known = "eyJOaCI6IjAiLCJObCI6IjEwNDg1NzYiLCJkYXRhIjoiIiwiaDAiOiIxMzc5MDU0MTkwIiwiaDEiOiIyMjc1MjQ5NTgyIiwi\
                     aDIiOiIzMDMwMzQxMDg3IiwiaDMiOiIxODg2MjY1MTgiLCJoNCI6IjE1Mzk4ODc5NjAiLCJoYXNoX3R5cGUiOiJzaGExIiwi\
                     bnVtIjoiMCJ9";
        let mut context = HashContext::start();
        let bytes: Vec<u8> = (0..131_072_u32).map(|at| (7 * at).to_le_bytes()[0]).collect();
        context.advance(&bytes.into());
        assert_eq!(HashContext::read(known), Some(context));
        assert_ne!(HashContext::read(known), Some(HashContext::start()));
        for wrong in ["", "AAAA", "e30="] {
            assert_eq!(HashContext::read(wrong), None, "{wrong}");
        }
    }
}
