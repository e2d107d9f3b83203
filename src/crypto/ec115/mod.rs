//! ec115, the cipher around the announcement of an upload: a key agreement, AES, and a container for answers.
//!
//! TLS protects the calls already; this only has to be spoken.
//! Called by `pan115`.
//!
//! **Source**: protocol notes, writing part, §2.3.4, §2.3.5 and §2.9.

mod container;

use std::fmt;

use aes::cipher::block_padding::ZeroPadding;
use aes::cipher::{BlockDecryptMut as _, BlockEncryptMut as _, KeyIvInit as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use p224::elliptic_curve::sec1::ToEncodedPoint as _;
use p224::{PublicKey, SecretKey};

pub use container::OpenError;

/// 115's public point, X and then Y.
const OFFICIAL: &str = "57a29257cd2320e5d6d143322fa4bb8a3cf9d3cc623ef5edac62b767\
                        8a89c91a83ba800d6129f522d034c895dd2465243addc250953beeba";

/// Goes into every checksum.
const SALT: &[u8] = b"^j>WD3Kr?J2gLFjD4W2y@";

/// Length of a coordinate.
const COORDINATE: usize = 28;
const BLOCK: usize = 16;

/// The public key of the other side.
#[derive(Clone, Debug)]
pub struct ServerKey(PublicKey);

impl ServerKey {
    /// Such as a simulator's: 112 hexadecimal digits, X and then Y.
    /// `None` if they are not a point of the curve P-224.
    pub fn from_hex(digits: &str) -> Option<Self> {
        let mut point = vec![4];
        if digits.len() != 4 * COORDINATE || !digits.is_ascii() {
            return None;
        }
        for at in (0..digits.len()).step_by(2) {
            point.push(u8::from_str_radix(&digits[at..at + 2], 16).ok()?);
        }
        PublicKey::from_sec1_bytes(&point).ok().map(Self)
    }
}

/// What both sides have agreed on: a key, and how the other side can find it too.
#[derive(Clone)]
pub struct Agreement {
    /// The length of a compressed point, and one.
    public: [u8; 30],
    key: [u8; BLOCK],
    iv: [u8; BLOCK],
}

impl fmt::Debug for Agreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Agreement(…)")
    }
}

impl Agreement {
    /// An agreement with 115 by a key pair of one's own.
    pub fn with_official() -> Self {
        ServerKey::from_hex(OFFICIAL).map_or_else(Self::well_known, |server| Self::with(&server))
    }

    /// An agreement by a key pair of one's own, made for this.
    ///
    /// It holds with any server, and tells nobody which program is calling.
    pub fn with(server: &ServerKey) -> Self {
        loop {
            // All but one in 2^112 of such numbers are keys.
            let secret: [u8; COORDINATE] = rand::random();
            if let Ok(secret) = SecretKey::from_slice(&secret) {
                return Self::by(&secret, server);
            }
        }
    }

    /// The agreement by the pair that a known client library ships, which holds with 115 itself only,
    /// and with a server that knows this pair.
    pub fn well_known() -> Self {
        Self {
            public: [
                0x1d, 0x03, 0x0e, 0x80, 0xa1, 0x78, 0xdc, 0xee, 0xce, 0xcd, 0xa3, 0x77, 0xde, 0x12, 0x8d,
                0x8e, 0xd9, 0xdd, 0xcf, 0x55, 0xae, 0x61, 0xed, 0x46, 0xea, 0x12, 0x1a, 0x1c, 0xfc, 0x81,
            ],
            key: 0xfb1a_19d6_52f5_aaf7_bc65_1d0f_69bf_422f_u128.to_be_bytes(),
            iv: 0x69bf_422f_4996_0550_a0ad_44ec_3446_cb4c_u128.to_be_bytes(),
        }
    }

    fn by(secret: &SecretKey, server: &ServerKey) -> Self {
        let mut public = [0x1d; 30];
        // A compressed point of this curve always has 29 bytes, and so has the place for it.
        for (byte, of_point) in
            public[1..].iter_mut().zip(secret.public_key().to_encoded_point(true).as_bytes())
        {
            *byte = *of_point;
        }
        let shared = p224::ecdh::diffie_hellman(secret.to_nonzero_scalar(), server.0.as_affine());
        let shared = shared.raw_secret_bytes();
        let (mut key, mut iv) = ([0; BLOCK], [0; BLOCK]);
        key.copy_from_slice(&shared[..BLOCK]);
        iv.copy_from_slice(&shared[COORDINATE - BLOCK..]);
        Self { public, key, iv }
    }

    /// The query parameter `k_ec` at `time`, in seconds since 1970: base64, still to be percent-encoded.
    pub fn token(&self, time: u64) -> String {
        self.masked_token(time, rand::random(), rand::random())
    }

    #[expect(clippy::cast_possible_truncation, reason = "115 wants the lower 32 bits")]
    fn masked_token(&self, time: u64, first: u8, second: u8) -> String {
        let (left, right) = self.public.split_at(15);
        let head = [left, &[0], &115_u32.to_le_bytes(), &(time as u32).to_le_bytes()].concat().into_iter();
        let tail = [right, &[0], &1_u32.to_le_bytes()].concat().into_iter();
        let mut token: Vec<u8> =
            head.map(|byte| byte ^ first).chain(tail.map(|byte| byte ^ second)).collect();
        token.extend(checksum(&token).to_le_bytes());
        STANDARD.encode(token)
    }

    /// The body of a request.
    ///
    /// Padded with zeros, and not at all if it fits: the way that all readers known take off.
    pub fn seal(&self, plain: &[u8]) -> Vec<u8> {
        cbc::Encryptor::<aes::Aes128>::new(&self.key.into(), &self.iv.into())
            .encrypt_padded_vec_mut::<ZeroPadding>(plain)
    }

    /// The content of an answer.
    ///
    /// **Errors**: if it is no container, was made by another key, or is damaged.
    pub fn open(&self, answer: &[u8]) -> Result<Vec<u8>, OpenError> {
        container::open(self, answer)
    }

    /// Deciphers whole blocks; what is padding is for the reader to know.
    fn decipher(&self, blocks: &[u8]) -> Option<Vec<u8>> {
        cbc::Decryptor::<aes::Aes128>::new(&self.key.into(), &self.iv.into())
            .decrypt_padded_vec_mut::<aes::cipher::block_padding::NoPadding>(blocks)
            .ok()
    }
}

fn checksum(data: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(SALT);
    hasher.update(data);
    hasher.finalize()
}

#[cfg(test)]
mod tests;
