//! The server's side of the cipher around `initupload.php`: key agreement and the token `k_ec`
//! (protocol notes, writing part, §2.3.4 and §2.9).
//!
//! This is the simulator's own reading of the scheme. Two ways of agreeing on a key are known: with the simulator's key
//! pair, whose public half a client is configured with, and with the fixed client key that one real client always
//! uses, whose secret shared with 115 is public.

mod container;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use p224::ecdh::diffie_hellman;
use p224::elliptic_curve::sec1::ToEncodedPoint as _;
use p224::{PublicKey, SecretKey};

use crate::num::{hex, unhex};

/// The private key of the simulator; it protects nothing.
const PRIVATE_KEY: &str = "4142434445464748494a4b4c4d4e4f505152535455565758595a5b5c";

/// The public key of the client that never makes another, and what it shares with the real 115.
const FIXED_PUBLIC: &str = "1d030e80a178dceececda377de128d8ed9ddcf55ae61ed46ea121a1cfc81";
const FIXED_KEY: &str = "fb1a19d652f5aaf7bc651d0f69bf422f";
const FIXED_IV: &str = "69bf422f49960550a0ad44ec3446cb4c";

/// What checksums of this scheme begin with.
const SALT: &[u8] = b"^j>WD3Kr?J2gLFjD4W2y@";

/// Bytes of a token, and of one half of it without its checksum.
const TOKEN_BYTES: usize = 48;
const HALF_BYTES: usize = 24;
/// Bytes of a public key within the token: a length, the sign, and the X coordinate.
const PUBLIC_BYTES: usize = 30;

/// The simulator's key pair on the curve P-224.
pub(crate) struct ServerKey(SecretKey);

/// What a token led to: the cipher key of the call and its answer, and the time in the token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Agreed {
    key: [u8; 16],
    iv: [u8; 16],
    /// The low 32 bits of the client's time.
    pub(crate) time: u32,
}

impl ServerKey {
    /// The fixed pair of the simulator, or `None` if its constant was damaged.
    pub(crate) fn fixed() -> Option<Self> {
        SecretKey::from_slice(&unhex(PRIVATE_KEY)?).ok().map(Self)
    }

    /// The public key in 112 hexadecimal digits, X then Y.
    pub(crate) fn public_hex(&self) -> String {
        hex(&self.0.public_key().to_encoded_point(false).as_bytes()[1..])
    }

    /// Opens a token; `None` when it is damaged or holds no key.
    pub(crate) fn open_token(&self, text: &str) -> Option<Agreed> {
        let mut token: [u8; TOKEN_BYTES] = STANDARD.decode(text).ok()?.try_into().ok()?;
        let (body, sum) = token.split_at_mut(TOKEN_BYTES - 4);
        if checksum(body).to_le_bytes() != *sum {
            return None;
        }
        let masks = (body[15], body[39]);
        for (at, byte) in body.iter_mut().enumerate() {
            *byte ^= if at < HALF_BYTES { masks.0 } else { masks.1 };
        }
        let public = [&body[..15], &body[24..39]].concat();
        let time = u32::from_le_bytes(body[20..24].try_into().ok()?);
        let (key, iv) = self.agree(&public)?;
        Some(Agreed { key, iv, time })
    }

    /// Key and initialisation vector shared with the holder of a public key.
    fn agree(&self, public: &[u8]) -> Option<([u8; 16], [u8; 16])> {
        if public == unhex(FIXED_PUBLIC)? {
            return Some((unhex(FIXED_KEY)?.try_into().ok()?, unhex(FIXED_IV)?.try_into().ok()?));
        }
        let (length, point) = public.split_first()?;
        if usize::from(*length) + 1 != PUBLIC_BYTES {
            return None;
        }
        let client = PublicKey::from_sec1_bytes(point).ok()?;
        let shared = diffie_hellman(self.0.to_nonzero_scalar(), client.as_affine());
        let shared = shared.raw_secret_bytes();
        Some((shared[..16].try_into().ok()?, shared[12..].try_into().ok()?))
    }
}

/// The checksum of token and answer.
fn checksum(bytes: &[u8]) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    sum.update(SALT);
    sum.update(bytes);
    sum.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIENT_PUBLIC: &str = "1d03627b7c0b3a2fb7a478ac5670e9973194a5fda0bc0791b07506a73ddd";
    const SIMULATOR_KEY: &str = "d8e63bc62b093ee1391ad9413ea7ac70";
    const SIMULATOR_IV: &str = "3ea7ac702a77c56ff6c3dd1383f4d265";

    fn agreed(key: &str, iv: &str, time: u32) -> Agreed {
        let bytes = |text: &str| unhex(text).unwrap().try_into().unwrap();
        Agreed { key: bytes(key), iv: bytes(iv), time }
    }

    #[test]
    fn the_public_key_is_the_known_one() {
        assert_eq!(
            ServerKey::fixed().unwrap().public_hex(),
            "ca7d9d95c63d59bed8bce41d56812b7e1f767e6287c6d62b1909f320\
             d299d2b725c451ba36abdd0faaf468c4a9e103bc57d0d8d13e982199"
        );
        assert_eq!(checksum(b""), 0x107a_d3ab);
    }

    #[test]
    fn known_tokens_open() {
        let server = ServerKey::fixed().unwrap();
        let fixed = |time| agreed(FIXED_KEY, FIXED_IV, time);
        let client = |time| agreed(SIMULATOR_KEY, SIMULATOR_IV, time);
        for (token, expected) in [
            ("HQMOgKF43O7OzaN33hKNAHMAAAAA8VNljtndz1WuYe1G6hIaHPyBAAEAAACWHoRq", fixed(1_700_000_000)),
            ("HQMOgKF43O7OzaN33hKNAHMAAAAAAAAAjtndz1WuYe1G6hIaHPyBAAEAAAAMfvVI", fixed(0)),
            ("HQNie3wLOi+3pHisVnDpAHMAAAAA8VNllzGUpf2gvAeRsHUGpz3dAAEAAAA4S+yh", client(1_700_000_000)),
            ("R1k4ISZRYHXt/iL2DCqzWilaWlpaqwk/MpQxAFgFGaI0FdCjAph4paSlpaW2xdoF", client(1_700_000_000)),
            ("HQNie3wLOi+3pHisVnDpAHMAAAB7aOXPlzGUpf2gvAeRsHUGpz3dAAEAAAA/y4tl", client(0xcfe5_687b)),
            ("R1k4ISZRYHXt/iL2DCqzWk+XAV1aqwk/MpQxAFgFGaI0FdCjAph4paWlpaU6FWYV", client(1_700_000_000)),
        ] {
            assert_eq!(server.open_token(token), Some(expected), "{token}");
        }
    }

    #[test]
    fn damaged_tokens_do_not_open() {
        let server = ServerKey::fixed().unwrap();
        let good = "HQNie3wLOi+3pHisVnDpAHMAAAAA8VNllzGUpf2gvAeRsHUGpz3dAAEAAAA4S+yh";
        let flipped = good.replacen("HQNi", "HQNj", 1);
        for token in ["", "AAAA", "not base64!", flipped.as_str(), &good[..60]] {
            assert!(server.open_token(token).is_none(), "{token}");
        }
        // A right checksum over a point that is not on the curve.
        let mut bytes = [0_u8; TOKEN_BYTES];
        bytes[0] = 29;
        bytes[1] = 2;
        let mut x = unhex(CLIENT_PUBLIC).unwrap();
        let at = (2..30).find(|at| {
            x[*at] ^= 1;
            let off = PublicKey::from_sec1_bytes(&x[1..]).is_err();
            x[*at] ^= 1;
            off
        });
        x[at.unwrap()] ^= 1;
        bytes[..15].copy_from_slice(&x[..15]);
        bytes[24..39].copy_from_slice(&x[15..]);
        let sum = checksum(&bytes[..44]).to_le_bytes();
        bytes[44..].copy_from_slice(&sum);
        assert!(server.open_token(&STANDARD.encode(bytes)).is_none());
    }
}
