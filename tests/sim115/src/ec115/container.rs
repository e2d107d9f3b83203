//! Request and answer bodies under an agreed key: AES-128-CBC around a form, and around LZ4 blocks with a trailer
//! (protocol notes, writing part, §2.3.4 and §2.3.5).

use aes::Aes128;
use aes::cipher::generic_array::GenericArray;
use aes::cipher::{BlockDecryptMut as _, BlockEncryptMut as _, KeyIvInit as _};

use super::{Agreed, checksum};

/// Bytes of a cipher block.
const BLOCK: usize = 16;

/// The most bytes one LZ4 block of an answer unpacks to; all but the last unpack to exactly as many.
const PIECE: usize = 8192;

impl Agreed {
    /// Opens a request body in any of the three paddings in use; `None` when it is no whole number of blocks.
    pub(crate) fn open_request(&self, body: &[u8]) -> Option<Vec<u8>> {
        if body.is_empty() || !body.len().is_multiple_of(BLOCK) {
            return None;
        }
        let mut plain = body.to_vec();
        let mut cipher = cbc::Decryptor::<Aes128>::new(&self.key.into(), &self.iv.into());
        for block in plain.chunks_exact_mut(BLOCK) {
            cipher.decrypt_block_mut(GenericArray::from_mut_slice(block));
        }
        plain.truncate(plain.len() - padding(&plain));
        Some(plain)
    }

    /// Seals an answer. Of the four bytes of `free` any value will do; the last one masks the length.
    pub(crate) fn seal_response(&self, json: &[u8], free: [u8; 4]) -> Vec<u8> {
        let mut sealed = Vec::with_capacity(json.len() + 64);
        for piece in json.chunks(PIECE) {
            let packed = literal(piece);
            sealed.extend_from_slice(&u16::try_from(packed.len()).unwrap_or_default().to_le_bytes());
            sealed.extend(packed);
        }
        sealed.resize(sealed.len().next_multiple_of(BLOCK), 0);
        let mut cipher = cbc::Encryptor::<Aes128>::new(&self.key.into(), &self.iv.into());
        for block in sealed.chunks_exact_mut(BLOCK) {
            cipher.encrypt_block_mut(GenericArray::from_mut_slice(block));
        }
        let length = u32::try_from(json.len()).unwrap_or_default().to_le_bytes();
        let mut trailer: Vec<u8> = length.iter().map(|byte| byte ^ free[3]).collect();
        trailer.extend(free);
        let sum = checksum(&trailer).to_le_bytes();
        trailer.extend(sum);
        sealed.extend(trailer);
        sealed
    }
}

/// How many bytes of padding a form ends with: as many equal bytes as their value says, or zeros. A form never ends
/// with any of these bytes.
fn padding(plain: &[u8]) -> usize {
    let last = plain.last().copied().unwrap_or_default();
    let same = plain.iter().rev().take_while(|byte| **byte == last).count();
    match usize::from(last) {
        0 => same,
        count if count <= BLOCK && same >= count => count,
        _ => 0,
    }
}

/// An LZ4 block of one sequence: these bytes as they are.
fn literal(bytes: &[u8]) -> Vec<u8> {
    let mut block = Vec::with_capacity(bytes.len() + bytes.len() / 255 + 2);
    match bytes.len().checked_sub(15) {
        None => block.push(u8::try_from(bytes.len()).unwrap_or_default() << 4),
        Some(mut more) => {
            block.push(0xf0);
            while more >= 255 {
                block.push(255);
                more -= 255;
            }
            block.push(u8::try_from(more).unwrap_or_default());
        }
    }
    block.extend_from_slice(bytes);
    block
}

#[cfg(test)]
mod tests {
    use sha1::{Digest as _, Sha1};

    use super::super::{FIXED_IV, FIXED_KEY};
    use super::*;
    use crate::num::{hex, unhex};

    fn agreed(key: &str, iv: &str) -> Agreed {
        let bytes = |text: &str| unhex(text).unwrap().try_into().unwrap();
        Agreed { key: bytes(key), iv: bytes(iv), time: 0 }
    }

    fn simulator() -> Agreed {
        agreed("d8e63bc62b093ee1391ad9413ea7ac70", "3ea7ac702a77c56ff6c3dd1383f4d265")
    }

    /// What a client sends whose padding is the bytes given.
    fn encrypted(agreed: &Agreed, plain: &[u8], padding: &[u8]) -> Vec<u8> {
        let mut sealed = [plain, padding].concat();
        let mut cipher = cbc::Encryptor::<Aes128>::new(&agreed.key.into(), &agreed.iv.into());
        for block in sealed.chunks_exact_mut(BLOCK) {
            cipher.encrypt_block_mut(GenericArray::from_mut_slice(block));
        }
        sealed
    }

    #[test]
    fn all_paddings_of_known_requests_are_stripped() {
        for (sealed, plain) in [
            ("9a7c337441ae41d9c4db328cce2cef9d", "a=1&b=2"),
            ("03b2fddcf3b9fe2c435e618978beb552", "a=1&b=2"),
            ("0a481f6dc6574ccff720545102c1a93e", "0123456789abcdef"),
            ("0a481f6dc6574ccff720545102c1a93e1d2a057b068c2bb5deb2f301424bea51", "0123456789abcdef"),
        ] {
            let opened = simulator().open_request(&unhex(sealed).unwrap()).unwrap();
            assert_eq!(String::from_utf8(opened).unwrap(), plain);
        }
        assert!(simulator().open_request(b"").is_none());
        assert!(simulator().open_request(&[0; 17]).is_none());
    }

    #[test]
    fn a_known_request_under_the_fixed_key_opens() {
        let form = "appversion=36.2.28&fileid=4536FC09EC125D8873F729A7B38810ACC98B519C&filename=%E6%B5%8B%E8%AF%95+a%26b.txt&filesize=200000&sig=A8665DC4F4E0C68684E4DFCB0906FD3373C0FAC1&t=1700000000&target=U_1_0&token=64948461a8f11bb3f0cacae00874673b&topupload=true&userid=123456789&userkey=0123456789ABCDEF0123456789ABCDEF01234567";
        let fixed = agreed(FIXED_KEY, FIXED_IV);
        let sealed = encrypted(&fixed, form.as_bytes(), &[9; 9]);
        assert_eq!(hex(&sealed[304..]), "11d07f95f903b63cc57e2a3ea987c71e");
        assert_eq!(hex(&Sha1::digest(&sealed)), "b05fe8244d034a5d4a4923b52bc31bb590728d55");
        assert_eq!(fixed.open_request(&sealed).unwrap(), form.as_bytes());
    }

    #[test]
    fn a_known_answer_is_sealed() {
        let json = br#"{"request":"upload","status":2,"statuscode":0,"pickcode":"abc"}"#;
        let sealed = simulator().seal_response(json, [0x11, 0x22, 0x33, 0x37]);
        assert_eq!(
            hex(&sealed),
            "9f5745a34b0d25a3eacbdb036cccdfa67d70077cede35626f966173b6346c4c8140adeb444b10277482d1cd820ff2902\
             c32c2c16d30737b592638e1ef8fb91ae20cd14a9b2c0f8901fdc18128b78c9490837373711223337ef3592e9"
        );
    }

    #[test]
    fn long_answers_are_cut_into_full_blocks() {
        let json = vec![b'x'; 2 * PIECE + 5];
        let sealed = simulator().seal_response(&json, [0; 4]);
        let body = &sealed[..sealed.len() - 12];
        assert_eq!(&sealed[sealed.len() - 12..][..4], u32::try_from(json.len()).unwrap().to_le_bytes());
        let mut plain = body.to_vec();
        let mut cipher = cbc::Decryptor::<Aes128>::new(&simulator().key.into(), &simulator().iv.into());
        for block in plain.chunks_exact_mut(BLOCK) {
            cipher.decrypt_block_mut(GenericArray::from_mut_slice(block));
        }
        let (mut at, mut lengths) = (0, Vec::new());
        while let Some(head) = plain.get(at..at + 2) {
            let length = usize::from(u16::from_le_bytes([head[0], head[1]]));
            if length == 0 {
                break;
            }
            lengths.push(length);
            at += 2 + length;
        }
        // Token, run of 255s, remainder, literals.
        let packed = |bytes: usize| 1 + (bytes - 15) / 255 + 1 + bytes;
        assert_eq!(lengths, [packed(PIECE), packed(PIECE), 6]);
    }
}
