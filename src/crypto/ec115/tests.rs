//! Vectors of the protocol notes, writing part, Appendix B, and reading part, §4.9.

use super::*;
use crate::crypto::digest;

const SIMULATED: &str = "ca7d9d95c63d59bed8bce41d56812b7e1f767e6287c6d62b1909f320\
                         d299d2b725c451ba36abdd0faaf468c4a9e103bc57d0d8d13e982199";
const ANSWER: &str = "9f5745a34b0d25a3eacbdb036cccdfa67d70077cede35626f966173b6346c4c8140adeb444b10277482d1cd820ff2902c32c2c16d30737b592638e1ef8fb91ae20cd14a9b2c0f8901fdc18128b78c9490837373711223337ef3592e9";
const CONTENT: &str = r#"{"request":"upload","status":2,"statuscode":0,"pickcode":"abc"}"#;

fn unhex(digits: &str) -> Vec<u8> {
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

/// The client's key `0102…1c`.
fn counting(server: &ServerKey) -> Agreement {
    let secret: Vec<u8> = (1..=28).collect();
    Agreement::by(&SecretKey::from_slice(&secret).unwrap(), server)
}

fn official() -> ServerKey {
    ServerKey::from_hex(OFFICIAL).unwrap()
}

fn simulated() -> Agreement {
    counting(&ServerKey::from_hex(SIMULATED).unwrap())
}

#[test]
fn both_sides_find_the_same_key() {
    let with_115 = counting(&official());
    assert_eq!(digest::hex(&with_115.public), "1d03627b7c0b3a2fb7a478ac5670e9973194a5fda0bc0791b07506a73ddd");
    assert_eq!(digest::hex(&with_115.key), "3f7ab721f3b9abc9841da5bebc6d1624");
    assert_eq!(digest::hex(&with_115.iv), "bc6d1624bcaab3c16f7ab7d19e758fc8");
    assert_eq!(digest::hex(&simulated().key), "d8e63bc62b093ee1391ad9413ea7ac70");
    assert_eq!(digest::hex(&simulated().iv), "3ea7ac702a77c56ff6c3dd1383f4d265");
    // The same the other way round, by the server's own key.
    let secret: Vec<u8> = (0x41..=0x5c).collect();
    let secret = SecretKey::from_slice(&secret).unwrap();
    let mut point = vec![];
    point.extend_from_slice(&simulated().public[1..]);
    let other_side = Agreement::by(&secret, &ServerKey(PublicKey::from_sec1_bytes(&point).unwrap()));
    assert_eq!((other_side.key, other_side.iv), (simulated().key, simulated().iv));
}

#[test]
fn every_agreement_by_an_own_pair_is_another_one() {
    assert_ne!(Agreement::with_official().public, Agreement::with_official().public);
    assert_ne!(Agreement::with_official().public, Agreement::well_known().public);
}

#[test]
fn what_is_no_point_is_no_key() {
    for digits in ["", "57", &OFFICIAL.replace('5', "6"), &format!("{OFFICIAL}00"), &"é".repeat(56)] {
        assert!(ServerKey::from_hex(digits).is_none(), "{digits}");
    }
}

#[test]
fn the_token_names_the_public_point_the_time_and_its_own_checksum() {
    let known = Agreement::well_known();
    assert_eq!(
        known.masked_token(1_700_000_000, 0, 0),
        "HQMOgKF43O7OzaN33hKNAHMAAAAA8VNljtndz1WuYe1G6hIaHPyBAAEAAACWHoRq"
    );
    assert_eq!(
        known.masked_token(0, 0, 0),
        "HQMOgKF43O7OzaN33hKNAHMAAAAAAAAAjtndz1WuYe1G6hIaHPyBAAEAAAAMfvVI"
    );
    let own = counting(&official());
    for (time, masks, expected) in [
        (1_700_000_000, (0, 0), "HQNie3wLOi+3pHisVnDpAHMAAAAA8VNllzGUpf2gvAeRsHUGpz3dAAEAAAA4S+yh"),
        (1_700_000_000, (0x5a, 0xa5), "R1k4ISZRYHXt/iL2DCqzWilaWlpaqwk/MpQxAFgFGaI0FdCjAph4paSlpaW2xdoF"),
        (1_700_000_000_123, (0, 0), "HQNie3wLOi+3pHisVnDpAHMAAAB7aOXPlzGUpf2gvAeRsHUGpz3dAAEAAAA/y4tl"),
    ] {
        assert_eq!(own.masked_token(time, masks.0, masks.1), expected);
    }
    assert_eq!(checksum(b""), 0x107a_d3ab);
}

#[test]
fn a_request_is_padded_with_zeros_unless_it_fits() {
    let sealed = |plain: &str| digest::hex(&simulated().seal(plain.as_bytes()));
    assert_eq!(sealed("a=1&b=2"), "9a7c337441ae41d9c4db328cce2cef9d");
    assert_eq!(sealed("0123456789abcdef"), "0a481f6dc6574ccff720545102c1a93e");
}

#[test]
fn a_request_under_the_known_pair_begins_as_it_does_elsewhere() {
    let form = "appversion=36.2.28&fileid=4536FC09EC125D8873F729A7B38810ACC98B519C&filename=%E6%B5%8B%E8%AF%95+a%26b.txt&filesize=200000&sig=A8665DC4F4E0C68684E4DFCB0906FD3373C0FAC1&t=1700000000&target=U_1_0&token=64948461a8f11bb3f0cacae00874673b&topupload=true&userid=123456789&userkey=0123456789ABCDEF0123456789ABCDEF01234567";
    let sealed = Agreement::well_known().seal(form.as_bytes());
    assert_eq!(sealed.len(), 320);
    assert_eq!(
        digest::hex(&sealed[..32]),
        "f21faffbdcc764300fa6e316f0eca561b58fdbb3a1393b56e1bee2ce69e95792"
    );
    // That client fills the last block with nines.
    let padded = Agreement::well_known().seal(&[form.as_bytes(), &[9; 9]].concat());
    assert_eq!(digest::hex(&digest::sha1(&padded)), "b05fe8244d034a5d4a4923b52bc31bb590728d55");
}

#[test]
fn an_answer_is_opened() {
    assert_eq!(simulated().open(&unhex(ANSWER)).unwrap(), CONTENT.as_bytes());
    // One more, without its trailer, from the other part of the notes.
    let packed = unhex("1d08fe93e4e3f6fa25d24e1dfcdc464b69f71054a2f67ed64bb19dea6c3dfa9d");
    let sealed = with_trailer(&packed, 25);
    assert_eq!(Agreement::well_known().open(&sealed).unwrap(), br#"{"state":true,"data":"x"}"#);
}

#[test]
fn a_long_answer_has_several_blocks() {
    let content: Vec<u8> = (0..20_000_u32).map(|n| u8::try_from(n * n % 251).unwrap()).collect();
    let mut packed = Vec::new();
    for part in content.chunks(8192) {
        let block = literal_block(part);
        packed.extend(u16::try_from(block.len()).unwrap().to_le_bytes());
        packed.extend(block);
    }
    let sealed = with_trailer(&simulated().seal(&packed), 20_000);
    assert_eq!(simulated().open(&sealed).unwrap(), content);
}

#[test]
fn what_is_damaged_or_of_another_key_is_not_opened() {
    let answer = unhex(ANSWER);
    assert_eq!(simulated().open(CONTENT.as_bytes()), Err(OpenError::BadLength));
    assert_eq!(simulated().open(b""), Err(OpenError::BadLength));
    assert_eq!(simulated().open(&answer[..answer.len() - 1]), Err(OpenError::BadLength));
    let mut damaged = answer.clone();
    damaged[80] ^= 1;
    assert_eq!(simulated().open(&damaged), Err(OpenError::BadChecksum));
    assert_eq!(Agreement::well_known().open(&answer), Err(OpenError::NotPacked));
    let too_long = with_trailer(&answer[..80], 64);
    assert_eq!(simulated().open(&too_long), Err(OpenError::NotPacked));
    let without_end = with_trailer(&answer[..80], u32::MAX);
    assert_eq!(simulated().open(&without_end), Err(OpenError::NotPacked));
}

fn with_trailer(blocks: &[u8], length: u32) -> Vec<u8> {
    let mut trailer: Vec<u8> = length.to_le_bytes().iter().map(|byte| byte ^ 0x37).collect();
    trailer.extend([1, 2, 3, 0x37]);
    trailer.extend(checksum(&trailer).to_le_bytes());
    [blocks, &trailer].concat()
}

fn literal_block(part: &[u8]) -> Vec<u8> {
    let mut block = vec![0xf0];
    let mut rest = part.len() - 15;
    while rest >= 255 {
        block.push(255);
        rest -= 255;
    }
    block.push(u8::try_from(rest).unwrap());
    block.extend_from_slice(part);
    block
}
