//! Number helpers: conversions that saturate, and the mixing function every pseudo-random choice is built on.

/// A length or an index as `usize`, saturating where the platform is narrower.
pub(crate) fn index(value: u64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

/// A length as `u64`, saturating.
pub(crate) fn long(value: usize) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}

/// A well mixed word from two words (the `SplitMix64` finaliser), the same on every machine and in every run.
pub(crate) fn mix(seed: u64, position: u64) -> u64 {
    let mut word = seed ^ position.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(17);
    word = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

/// Lower-case hexadecimal text.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

/// The bytes of a hexadecimal text; `None` when it is none.
pub(crate) fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|digit| digit.to_digit(16).and_then(|value| u8::try_from(value).ok())).collect();
    Some(digits?.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}
