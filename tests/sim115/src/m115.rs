//! The server's side of m115, the cipher of 115's download calls (protocol notes, reading part, §4.5 and §4.6).
//!
//! This is the simulator's own reading of the scheme: it decrypts with the private exponent what a client encrypted
//! with the public one, and signs its answers so that the client can open them with the public key alone. It must not
//! share code with any client, or both would be wrong together.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use num_bigint::BigUint;

use crate::num::{hex, unhex};

/// Bytes of one RSA block.
const BLOCK: usize = 128;
/// Bytes of text carried by one block.
const PIECE: usize = 117;
/// The key a client mixes in beside the one it sends.
const FIXED_KEY: [u8; 12] = [0x78, 0x06, 0xad, 0x4c, 0x33, 0x86, 0x5d, 0x18, 0x4c, 0x01, 0x3f, 0x46];
/// The table keys are derived from.
const KEY_TABLE: &str = "f0e569aebfdcbf8a1a45e8be7da673b8de8fe7c445da86c49b648b146ab4f1aa3801359e26692c86006b4fa5363462a6\
2a966818f24afdbd6b978f4d8f8913b76c8e93ed0e0d483ed72f88d8fefe7e8650954fd1eb832634db667b9c7e9d7a81\
32eab633de3aa95934663baaba816048b9d5819cf86c8477ff5478265fbee81e369f34805c452c9b76d51b8fccc3b8f5";

/// The primes of the key pair that is used unless a test brings its own; they protect nothing.
const TEST_P: &str = "cf05f0a8d266d720d751ccf24211d0e08e78ed5c18cd722bce32c0c4f10dac79\
aa512f92529fd22cbbebd4591150a51a75b1c72a871f1c7e10000a13eca51237";
const TEST_Q: &str = "dc8ce2ee8c8f350e19d94e5b539762e807010966a1b282d2101b4bc6708cf68d\
b2ad0aafc4b790fe798ee6877d9cb9a4a3256fd024eb78b74f6018b417dd2e5b";
const EXPONENT: u32 = 65_537;

/// The sixteen bytes a client chooses for one call and its answer.
pub(crate) type ClientKey = [u8; 16];

/// An RSA pair in the form that makes private operations cheap (Chinese remainders).
pub(crate) struct KeyPair {
    p: BigUint,
    q: BigUint,
    n: BigUint,
    d_p: BigUint,
    d_q: BigUint,
    q_inverse: BigUint,
    key_table: Vec<u8>,
}

impl KeyPair {
    /// The fixed pair of the simulator, or `None` if its constants were damaged.
    pub(crate) fn fixed() -> Option<Self> {
        Self::from_primes(TEST_P, TEST_Q)
    }

    fn from_primes(p: &str, q: &str) -> Option<Self> {
        let p = BigUint::parse_bytes(p.as_bytes(), 16)?;
        let q = BigUint::parse_bytes(q.as_bytes(), 16)?;
        let exponent = BigUint::from(EXPONENT);
        let (p_less, q_less) = (&p - 1_u32, &q - 1_u32);
        Some(Self {
            n: &p * &q,
            d_p: exponent.modinv(&p_less)?,
            d_q: exponent.modinv(&q_less)?,
            q_inverse: q.modinv(&p)?,
            p,
            q,
            key_table: unhex(KEY_TABLE)?,
        })
    }

    /// The public modulus in lower-case hexadecimal.
    pub(crate) fn modulus_hex(&self) -> String {
        self.n.to_str_radix(16)
    }

    /// The public exponent.
    pub(crate) fn exponent() -> u32 {
        EXPONENT
    }

    /// `block` raised to the private exponent.
    fn private(&self, block: &BigUint) -> BigUint {
        let from_p = block.modpow(&self.d_p, &self.p);
        let from_q = block.modpow(&self.d_q, &self.q);
        // from_p - from_q may be negative; adding a multiple of p that exceeds q keeps it in the naturals.
        let difference = (&from_p + &self.p * 2_u32) - (&from_q % &self.p);
        let factor = (difference * &self.q_inverse) % &self.p;
        from_q + factor * &self.q
    }

    /// Opens a request: the client's key and the JSON it asked with. `None` when the text is not of this cipher.
    pub(crate) fn open_request(&self, text: &str) -> Option<(ClientKey, Vec<u8>)> {
        let sealed = STANDARD.decode(text.trim()).ok()?;
        if sealed.is_empty() || sealed.len() % BLOCK != 0 {
            return None;
        }
        let mut plain = Vec::with_capacity(sealed.len());
        for block in sealed.chunks(BLOCK) {
            let number = BigUint::from_bytes_be(block);
            if number >= self.n {
                return None;
            }
            // Written without leading zeros, a block of type 2 starts with its type byte.
            let opened = self.private(&number).to_bytes_be();
            if opened.first() != Some(&2) {
                return None;
            }
            let end = opened.iter().skip(1).position(|byte| *byte == 0)? + 1;
            plain.extend_from_slice(&opened[end + 1..]);
        }
        let (key, body) = plain.split_first_chunk::<16>()?;
        let mut body = body.to_vec();
        xor(&mut body, &FIXED_KEY);
        body.reverse();
        xor(&mut body, &self.derive(key, 4));
        Some((*key, body))
    }

    /// Seals an answer for the client that sent `key`; `random` is the server's share of the key.
    pub(crate) fn seal_response(&self, key: &ClientKey, random: &ClientKey, json: &[u8]) -> String {
        let mut body = json.to_vec();
        xor(&mut body, &self.derive(key, 4));
        body.reverse();
        xor(&mut body, &self.derive(random, 12));
        let mut plain = random.to_vec();
        plain.append(&mut body);
        let mut sealed = Vec::with_capacity(plain.len() / PIECE * BLOCK + BLOCK);
        for piece in plain.chunks(PIECE) {
            let mut block = vec![0xff_u8; BLOCK];
            block[0] = 0;
            block[1] = 1;
            let start = BLOCK - piece.len();
            block[start - 1] = 0;
            block[start..].copy_from_slice(piece);
            let number = self.private(&BigUint::from_bytes_be(&block)).to_bytes_be();
            sealed.resize(sealed.len() + (BLOCK - number.len()), 0);
            sealed.extend_from_slice(&number);
        }
        STANDARD.encode(sealed)
    }

    /// The masking key of `length` bytes (4 or 12) that belongs to a seed.
    fn derive(&self, seed: &ClientKey, length: usize) -> Vec<u8> {
        let table = &self.key_table;
        (0..length)
            .map(|at| seed[at].wrapping_add(table[length * at]) ^ table[length * (length - 1 - at)])
            .collect()
    }
}

/// Masks `data` with `key`; the key starts afresh after the odd bytes at the head.
fn xor(data: &mut [u8], key: &[u8]) {
    let head = data.len() % 4;
    let (odd, rest) = data.split_at_mut(head);
    for part in [odd, rest] {
        for (byte, mask) in part.iter_mut().zip(key.iter().cycle()) {
            *byte ^= mask;
        }
    }
}

/// A fresh server share of the key.
pub(crate) fn random_key() -> ClientKey {
    rand::random()
}

/// A random lower-case hexadecimal text of `bytes` bytes.
pub(crate) fn random_hex(bytes: usize) -> String {
    let mut raw = vec![0_u8; bytes];
    raw.fill_with(rand::random);
    hex(&raw)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The round trip made with an independent implementation (protocol notes, reading part, §4.7, V7).
    const REQUEST: &str = "cKQql/Va1COr5ynqCCf0jbZa0Sl+nhStADHAwaukJqVtb/ddJsCjn2HngY9asllyRIGUGmPVrWz/aOrbof3otFHUz17hPSn92jIGqfEShIars/Ea4Wvp+qltuP9hQUxNc4wvdJo0mDoc5V7I8oTNnkoWuKOoQrkRjAEfWcdvH1Q=";
    const RESPONSE: &str = "ouqDqovVVSJe4OoydrQXaMNYqFo43viq0gIwPwiCAnZo9PZ1tsKTyTxXKs8TURg14KYxhrVK2wcHUNGrMnh+cEym8egv5dbIHz1Kn3U7bDraMlYfwSYANZLvTirtd/nTWy0TIiZm8JtFxERz9+Se/OzLDBUdAJC9ME38IDQLsOw=";
    const MODULUS: &str = "b25b0994d8c946a5a7f23d44bd3025c252806f8d2347bdf8a7386d307a5af67b449362b146549227e985d1d2f124d69609043f26c27847abfc3e4f5b9e62b188b4b59d93635ad2203272954a1ca7096dccf7a08a5da6f5d8430a6dfe2dd60e07d83d19a528e2e6f7974ccb58d90504810ee16206b8f108a8daaf3f6a726e5b8d";

    fn ascending(from: u8) -> ClientKey {
        std::array::from_fn(|at| from + u8::try_from(at).unwrap())
    }

    #[test]
    fn keys_are_derived_as_known() {
        let pair = KeyPair::fixed().unwrap();
        assert_eq!(hex(&pair.derive(&[0; 16], 4)), "8da5a58d");
        assert_eq!(hex(&pair.derive(&[0; 16], 12)), "ac822114c15858c1142182ac");
        assert_eq!(hex(&pair.derive(&ascending(0), 4)), "8ddaa370");
        assert_eq!(hex(&pair.derive(&ascending(0), 12)), "ac81271bc54352d81c587497");
        assert_eq!(pair.modulus_hex(), MODULUS);
    }

    #[test]
    fn a_known_request_opens() {
        let (key, json) = KeyPair::fixed().unwrap().open_request(REQUEST).unwrap();
        assert_eq!(key, ascending(0));
        assert_eq!(json, br#"{"pickcode":"dtctprlmfkl4exiok"}"#);
    }

    #[test]
    fn a_known_response_is_sealed() {
        let json = br#"{"2580033742990999218":{"url":{"url":"http://127.0.0.1/x"}}}"#;
        let sealed = KeyPair::fixed().unwrap().seal_response(&ascending(0), &ascending(0x10), json);
        assert_eq!(sealed, RESPONSE);
    }

    #[test]
    fn damaged_requests_do_not_open() {
        let pair = KeyPair::fixed().unwrap();
        for text in ["", "AAAA", "not base64!", &STANDARD.encode([0xff; 128]), &STANDARD.encode([1; 128])] {
            assert!(pair.open_request(text).is_none(), "{text}");
        }
    }
}
