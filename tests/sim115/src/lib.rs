//! A simulated 115 cloud drive: a real HTTP server for tests and demonstrations.
//!
//! It serves the calls a read-only client needs — signing in, listings, look-ups, download links, shares, the download
//! network itself — from a tree in memory, keeps a ledger of every call, and can be told to misbehave in each way the real service is
//! known to. Its README lists every endpoint and behaviour with its source and how sure it is.
//!
//! It is written from the protocol alone and shares neither wire types nor cipher code with any client, so that a
//! misreading on one side is not mirrored on the other.
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! use sim115::{Fault, FaultRule, Options, Sim};
//!
//! let sim = Sim::start(Options::default()).await?;
//! sim.fault(FaultRule::nth("files", 3, Fault::Waf405));
//! println!("{} with {}", sim.base_url(), sim.cookie());
//! # Ok(())
//! # }
//! ```

mod account;
mod api;
mod behaviours;
mod body;
mod call;
mod cdn;
mod clock;
mod content;
mod control;
mod faults;
mod ledger;
mod login;
mod m115;
mod num;
mod pickcode;
mod reply;
mod server;
mod service;
mod share;
mod state;
mod tree;
mod waf;

pub use behaviours::{
    BadShare, Behaviours, Binding, EmptyAgent, OrderMemory, QuietStatus, RefusedData, ShareStateForm,
    WafScope,
};
pub use content::{Content, TRUE_SHA1_LIMIT, content};
pub use faults::{Fault, FaultRule};
pub use ledger::LedgerEntry;
pub use login::LoginAction;
pub use server::{Options, Sim};
pub use share::{Share, ShareSpec};
pub use tree::{NodeKind, ROOT, SimNode, Tree, TreeState};

#[cfg(test)]
mod tests;
