//! m115, the cipher around the `data` field of download-link calls.
//!
//! It is textbook RSA with a public key in both directions over a keyed XOR.
//! It hides nothing from anyone who knows the constants below; it only has to be spoken.
//! Source: protocol notes, reading part, §4.5–4.7.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use num_bigint::BigUint;

/// 115's public modulus.
const MODULUS: &str = "8686980c0f5a24c4b9d43020cd2c22703ff3f450756529058b1cf88f09b86021\
                       36477198a6e2683149659bd122c33592fdb5ad47944ad1ea4d36c6b172aad633\
                       8c3bb6ac6227502d010993ac967d1aef00f0c8e038de2e4d3bc2ec368af2e9f1\
                       0a6f1eda4f7262f136420c07c331b871bf139f74f3010e3c4fe57df3afb71683";
const EXPONENT: u32 = 65537;

/// The table both short keys are derived from.
const TABLE: [u8; 144] = [
    0xf0, 0xe5, 0x69, 0xae, 0xbf, 0xdc, 0xbf, 0x8a, 0x1a, 0x45, 0xe8, 0xbe, 0x7d, 0xa6, 0x73, 0xb8, 0xde,
    0x8f, 0xe7, 0xc4, 0x45, 0xda, 0x86, 0xc4, 0x9b, 0x64, 0x8b, 0x14, 0x6a, 0xb4, 0xf1, 0xaa, 0x38, 0x01,
    0x35, 0x9e, 0x26, 0x69, 0x2c, 0x86, 0x00, 0x6b, 0x4f, 0xa5, 0x36, 0x34, 0x62, 0xa6, 0x2a, 0x96, 0x68,
    0x18, 0xf2, 0x4a, 0xfd, 0xbd, 0x6b, 0x97, 0x8f, 0x4d, 0x8f, 0x89, 0x13, 0xb7, 0x6c, 0x8e, 0x93, 0xed,
    0x0e, 0x0d, 0x48, 0x3e, 0xd7, 0x2f, 0x88, 0xd8, 0xfe, 0xfe, 0x7e, 0x86, 0x50, 0x95, 0x4f, 0xd1, 0xeb,
    0x83, 0x26, 0x34, 0xdb, 0x66, 0x7b, 0x9c, 0x7e, 0x9d, 0x7a, 0x81, 0x32, 0xea, 0xb6, 0x33, 0xde, 0x3a,
    0xa9, 0x59, 0x34, 0x66, 0x3b, 0xaa, 0xba, 0x81, 0x60, 0x48, 0xb9, 0xd5, 0x81, 0x9c, 0xf8, 0x6c, 0x84,
    0x77, 0xff, 0x54, 0x78, 0x26, 0x5f, 0xbe, 0xe8, 0x1e, 0x36, 0x9f, 0x34, 0x80, 0x5c, 0x45, 0x2c, 0x9b,
    0x76, 0xd5, 0x1b, 0x8f, 0xcc, 0xc3, 0xb8, 0xf5,
];

/// The key every client mixes in.
const CLIENT_KEY: [u8; 12] = [0x78, 0x06, 0xad, 0x4c, 0x33, 0x86, 0x5d, 0x18, 0x4c, 0x01, 0x3f, 0x46];

/// PKCS#1 padding takes at least this many bytes of a block.
const PADDING: usize = 11;

/// The key of one exchange: chosen for the request, needed again for the answer.
pub type Key = [u8; 16];

/// A public RSA key.
#[derive(Clone, Debug)]
pub struct PublicKey {
    modulus: BigUint,
    exponent: BigUint,
    block: usize,
}

impl PublicKey {
    /// 115's own.
    pub fn official() -> Self {
        let modulus = BigUint::parse_bytes(MODULUS.as_bytes(), 16).unwrap_or_default();
        Self::new(modulus, EXPONENT)
    }

    /// Another one, such as a simulator's. `None` if `modulus` is not the hexadecimal form of at least 512 bits.
    pub fn from_hex(modulus: &str, exponent: u32) -> Option<Self> {
        let modulus = BigUint::parse_bytes(modulus.as_bytes(), 16)?;
        (modulus.bits() >= 512).then(|| Self::new(modulus, exponent))
    }

    fn new(modulus: BigUint, exponent: u32) -> Self {
        let block = usize::try_from(modulus.bits().div_ceil(8)).unwrap_or(usize::MAX);
        Self { modulus, exponent: exponent.into(), block }
    }

    fn apply(&self, block: &[u8]) -> Vec<u8> {
        BigUint::from_bytes_be(block).modpow(&self.exponent, &self.modulus).to_bytes_be()
    }
}

/// An answer that is not m115, or was made for another key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Not base64.
    #[error("the encrypted data is not base64")]
    NotBase64,
    /// The length does not fit the key.
    #[error("the encrypted data has a length that does not fit the key")]
    BadLength,
    /// A block without padding: it was made for another key.
    #[error("a block of the encrypted data has no padding; it was made for another key")]
    NoPadding,
}

/// A random key for one exchange.
pub fn random_key() -> Key {
    rand::random()
}

/// Encrypts a request.
///
/// **Shape**: any bytes, by custom JSON; the result is base64 and must be percent-encoded in a form.
pub fn encode(public: &PublicKey, key: &Key, plain: &[u8]) -> String {
    encode_with_padding(public, key, plain, || {
        loop {
            let byte: u8 = rand::random();
            if byte != 0 {
                return byte;
            }
        }
    })
}

fn encode_with_padding(
    public: &PublicKey,
    key: &Key,
    plain: &[u8],
    mut padding: impl FnMut() -> u8,
) -> String {
    let mut body = plain.to_vec();
    xor(&mut body, &derive::<4>(key));
    body.reverse();
    xor(&mut body, &CLIENT_KEY);
    let message = [key.as_slice(), &body].concat();

    let mut encrypted = Vec::with_capacity(message.len().div_ceil(public.block - PADDING) * public.block);
    for piece in message.chunks(public.block - PADDING) {
        let mut block = vec![0, 2];
        block.extend((0..public.block - 3 - piece.len()).map(|_| padding()));
        block.push(0);
        block.extend_from_slice(piece);
        let number = public.apply(&block);
        encrypted.resize(encrypted.len() + public.block - number.len(), 0);
        encrypted.extend_from_slice(&number);
    }
    STANDARD.encode(encrypted)
}

/// Decrypts the answer to a request that was encrypted with `key`.
///
/// The padding is read as laxly as every known client reads it,
/// because it is not known which padding 115 uses.
pub fn decode(public: &PublicKey, key: &Key, text: &str) -> Result<Vec<u8>, DecodeError> {
    let encrypted = STANDARD.decode(text.trim()).map_err(|_| DecodeError::NotBase64)?;
    if encrypted.is_empty() || encrypted.len() % public.block != 0 {
        return Err(DecodeError::BadLength);
    }
    let mut message = Vec::with_capacity(encrypted.len());
    for block in encrypted.chunks_exact(public.block) {
        let number = public.apply(block);
        let end = number.iter().skip(1).position(|&byte| byte == 0).ok_or(DecodeError::NoPadding)?;
        message.extend_from_slice(&number[end + 2..]);
    }
    let Some((seed, body)) = message.split_first_chunk::<16>() else { return Err(DecodeError::BadLength) };
    let mut plain = body.to_vec();
    xor(&mut plain, &derive::<12>(seed));
    plain.reverse();
    xor(&mut plain, &derive::<4>(key));
    Ok(plain)
}

fn derive<const N: usize>(seed: &Key) -> [u8; N] {
    std::array::from_fn(|i| seed[i].wrapping_add(TABLE[N * i]) ^ TABLE[N * (N - 1 - i)])
}

/// The key starts anew after the first `len % 4` bytes.
fn xor(data: &mut [u8], key: &[u8]) {
    let (head, tail) = data.split_at_mut(data.len() % 4);
    for part in [head, tail] {
        for (byte, mask) in part.iter_mut().zip(key.iter().cycle()) {
            *byte ^= mask;
        }
    }
}

#[cfg(test)]
mod tests;
