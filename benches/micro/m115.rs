//! The cipher of download calls.

use dav115::crypto::m115::{self, PublicKey};
use divan::{Bencher, black_box};

/// Vector V7 of the protocol notes: an answer can only be made with a private key, and 115's own is not known.
const KEY: m115::Key = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
const MODULUS: &str = "b25b0994d8c946a5a7f23d44bd3025c252806f8d2347bdf8a7386d307a5af67b449362b146549227e985d1d2f124d69609043f26c27847abfc3e4f5b9e62b188b4b59d93635ad2203272954a1ca7096dccf7a08a5da6f5d8430a6dfe2dd60e07d83d19a528e2e6f7974ccb58d90504810ee16206b8f108a8daaf3f6a726e5b8d";
const ANSWER: &str = "ouqDqovVVSJe4OoydrQXaMNYqFo43viq0gIwPwiCAnZo9PZ1tsKTyTxXKs8TURg14KYxhrVK2wcHUNGrMnh+cEym8egv5dbIHz1Kn3U7bDraMlYfwSYANZLvTirtd/nTWy0TIiZm8JtFxERz9+Se/OzLDBUdAJC9ME38IDQLsOw=";

/// A request for one file, which is one block.
#[divan::bench]
fn encode(bencher: Bencher<'_, '_>) {
    let public = PublicKey::official();
    let plain = br#"{"pickcode":"a82z4bk5m30arhgqn"}"#;
    bencher.bench(|| m115::encode(&public, black_box(&KEY), black_box(plain)));
}

/// One block of an answer; real ones have about eight.
#[divan::bench]
fn decode(bencher: Bencher<'_, '_>) {
    let public = PublicKey::from_hex(MODULUS, 65537);
    bencher.bench(|| {
        public.as_ref().map(|public| m115::decode(public, black_box(&KEY), black_box(ANSWER)).is_ok())
    });
}
