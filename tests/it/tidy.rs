//! The structure of the crate, as tests.
