//! The one integration test binary: the whole gateway against the simulated 115.

mod bad_input;
mod davserver_edges;
mod harness;
mod tidy;
mod trees;
