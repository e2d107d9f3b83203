//! Vectors of the protocol notes, reading part, §4.7 (V1–V7).
//! V1–V6 use 115's own key, so its constants are covered; V7 has a key of its own and covers both directions.

use num_bigint::BigUint;

use super::*;

const ZERO: Key = [0; 16];
const COUNTING: Key = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

#[track_caller]
fn check(key: Key, plain: &str, expected: &str) {
    assert_eq!(encode_with_padding(&PublicKey::official(), &key, plain.as_bytes(), || 2), expected);
}

#[test]
fn v1_one_block() {
    check(
        ZERO,
        r#"{"pickcode":"abcdefgh1234567x"}"#,
        "bqiDVhux966zhCwQ9IKCCoSdtfolaWM+Go7DtXtkXgO9ltTFL4NLqxAySGZ04GR3Gjljlg/nQMl30rbd6PywES8DHxFA8rzgBEBgB6+dk1ioBWBsnkhbgU+XMuXXzXgac8AzEE8tMyuRO4BQDqWeyzOHMtOPngWzbKNTgBuiCko=",
    );
}

#[test]
fn v2_two_fields() {
    check(
        ZERO,
        r#"{"pickcode":"dtctprlmfkl4exiok","user_id":123456789}"#,
        "blnaDvQTTbet9ZHvs/qqKyUy52/W/6Gj/WH+aBPL1M4xY77r06uCw+IwpEzS1/NpvyU5/YwpBrKpEOYY80qqWfnlR8huhc2HJAbbOu7yQe2Yk4n7oUk4/g/AYXEZSRSrBtiE4+Ql5FE1AbjuJx0xNOshfLDfrpJ0goFT538fcH8=",
    );
}

#[test]
fn v3_a_key_that_is_not_zero() {
    check(
        COUNTING,
        r#"{"share_code":"sw3abc12xyz","receive_code":"a1b2","file_id":"2580033742990999218"}"#,
        "F3g+wfH5A4OwMS/H1e80HTPsh+JYA0wMCs/nQVA+T65S4/Azl4QvgqGicuSlQ6l5oUNrUEWwbZ4GpkDJ6ZjUGi+OHc1WCY+VKr75e68NM4Js5jHxk6N0jHlxe63LLqrIQkG4iSRLvq0HXRxqPYohgT1u2Ca4HpdSPJUoS2wrUqo=",
    );
}

#[test]
fn v4_a_single_byte() {
    check(
        ZERO,
        "a",
        "arvLb/gbbY43VBnvmBHDktaMiPln3A4656p7tpBZEJubC1i1sB2XN7MAE07R1Kezkb6dCCQvIFA1NkURxXkv4X15ml4EWMrxJq4KOU+vo/AqMJsdQ/t+ugD90jt8+gOJjcyy3GGSSa9GZfWZ1YFf+6zmqceSBzr305HH5e/kQsM=",
    );
}

#[test]
fn v5_three_blocks() {
    let codes: Vec<String> = (0..12).map(|i| format!("e{i:016}")).collect();
    check(
        ZERO,
        &format!(r#"{{"pickcode":"{}"}}"#, codes.join(",")),
        "S8E1D3VyzaW9vlwMM0AMrnv6hhymGe2Fa2pmbZIzajZuUxzVDMM2QD521dF3egdYKJJKkF8yoOs6yqgoCywW9WllVQ1eeYAjX2xhblTjFkPD0eyj41dIJ4U1XvUV5Bbzyki6ZqSE8IrJBBvLThL8g6jUsRs577/23XLPNuMO0Opk0mSFrdQKnd9iE0fLBb8xGk9BilFxbvtLlnp0VBCqL4YRydAX8rwY5j0XMN5JcLKCCFw7VtcoKb55DIKuLNx+L+ZH/k+8n3TKHozbkZjs5zpKf7XIkDa+3W8TcE3i1Mbnn+vY1smHZE7iW6qMHxlghSc7XJMgX+9WdOsCRhzUClLoC97PoyI0grqrsn67U/61tsunyCM79rTXPex+Wsra/gZj0Yo9nshlm9cnXvBahBmqNuFNEskVzlV2BvMuE6HjGOpgmRXARp0h4mX9gcZj6zIOKQo84AKItsEi/hLRlcKzXKq4a5fMl6c22BuWJKhpZgtkrzNTTnDyrae05BOr",
    );
}

const TEST_MODULUS: &str = "b25b0994d8c946a5a7f23d44bd3025c252806f8d2347bdf8a7386d307a5af67b449362b146549227e985d1d2f124d69609043f26c27847abfc3e4f5b9e62b188b4b59d93635ad2203272954a1ca7096dccf7a08a5da6f5d8430a6dfe2dd60e07d83d19a528e2e6f7974ccb58d90504810ee16206b8f108a8daaf3f6a726e5b8d";

#[test]
fn v7_both_directions_with_another_key() {
    let public = PublicKey::from_hex(TEST_MODULUS, 65537).unwrap();
    assert_eq!(
        encode_with_padding(&public, &COUNTING, br#"{"pickcode":"dtctprlmfkl4exiok"}"#, || 2),
        "cKQql/Va1COr5ynqCCf0jbZa0Sl+nhStADHAwaukJqVtb/ddJsCjn2HngY9asllyRIGUGmPVrWz/aOrbof3otFHUz17hPSn92jIGqfEShIars/Ea4Wvp+qltuP9hQUxNc4wvdJo0mDoc5V7I8oTNnkoWuKOoQrkRjAEfWcdvH1Q=",
    );
    let answer = "ouqDqovVVSJe4OoydrQXaMNYqFo43viq0gIwPwiCAnZo9PZ1tsKTyTxXKs8TURg14KYxhrVK2wcHUNGrMnh+cEym8egv5dbIHz1Kn3U7bDraMlYfwSYANZLvTirtd/nTWy0TIiZm8JtFxERz9+Se/OzLDBUdAJC9ME38IDQLsOw=";
    assert_eq!(
        decode(&public, &COUNTING, answer).unwrap(),
        br#"{"2580033742990999218":{"url":{"url":"http://127.0.0.1/x"}}}"#,
    );
}

/// No private key is needed to make an answer that decodes: blocks are found whose public power ends in `00 b`.
/// Source: protocol notes, reading part, §4.8.
#[test]
fn v6_an_answer_under_115s_own_key() {
    let public = PublicKey::official();
    let message =
        [ZERO.as_slice(), &[0x5c, 0x05, 0xf1, 0x03, 0x35, 0xa6, 0xdd, 0x3e, 0x88, 0xdf, 0x37]].concat();
    let mut blocks: [Option<BigUint>; 256] = std::array::from_fn(|_| None);
    let mut wanted: Vec<u8> = message.clone();
    wanted.sort_unstable();
    wanted.dedup();
    let (mut block, mut power) = (BigUint::from(1u32), BigUint::from(1u32));
    let step = BigUint::from(3u32).modpow(&public.exponent, &public.modulus);
    while !wanted.is_empty() {
        block = block * 3u32 % &public.modulus;
        power = power * &step % &public.modulus;
        if (&power >> 8u32) % 256u32 != BigUint::ZERO {
            continue;
        }
        let bytes = power.to_bytes_be();
        let byte = bytes[bytes.len() - 1];
        if bytes.len() == 128 && bytes[1..126].iter().all(|&b| b != 0) && blocks[usize::from(byte)].is_none()
        {
            blocks[usize::from(byte)] = Some(block.clone());
            wanted.retain(|&want| want != byte);
        }
    }
    let mut encrypted = Vec::new();
    for byte in message {
        let bytes = blocks[usize::from(byte)].as_ref().unwrap().to_bytes_be();
        encrypted.resize(encrypted.len() + 128 - bytes.len(), 0);
        encrypted.extend_from_slice(&bytes);
    }
    let answer = STANDARD.encode(encrypted);
    assert_eq!(answer.len(), 4608);
    assert_eq!(decode(&public, &ZERO, &answer).unwrap(), br#"{"url":"u"}"#);
}

#[test]
fn nonsense_is_an_error() {
    let public = PublicKey::official();
    assert_eq!(decode(&public, &ZERO, "***"), Err(DecodeError::NotBase64));
    assert_eq!(decode(&public, &ZERO, ""), Err(DecodeError::BadLength));
    assert_eq!(decode(&public, &ZERO, "YWJj"), Err(DecodeError::BadLength));
    assert!(PublicKey::from_hex("xyz", 3).is_none() && PublicKey::from_hex("ff", 3).is_none());
}

#[test]
fn every_key_and_padding_is_random() {
    let public = PublicKey::official();
    assert_ne!(random_key(), random_key());
    assert_ne!(encode(&public, &ZERO, b"a"), encode(&public, &ZERO, b"a"));
}
