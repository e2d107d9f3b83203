//! 115's own ciphers and signatures, as pure functions. No I/O, no import from the rest of the crate.

pub mod announce;
pub mod digest;
pub mod ec115;
pub mod m115;
