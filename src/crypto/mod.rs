//! 115's own ciphers, as pure functions. No I/O, no import from the rest of the crate.

pub mod m115;
