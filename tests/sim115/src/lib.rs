//! A simulated 115 cloud drive: a real HTTP server for tests and demonstrations.
//!
//! It serves what a client needs — signing in, listings, look-ups, download links, shares, the writing of names, the download
//! network itself, uploads with the object store they go to — from a tree in memory, keeps a ledger of every call, and
//! can be told to misbehave in each way the real service is known to. Its README lists every endpoint and behaviour
//! with its source and how sure it is.
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
mod ec115;
mod faults;
mod ledger;
mod login;
mod m115;
mod num;
mod oss;
mod pickcode;
mod reply;
mod server;
mod service;
mod share;
mod sim_user;
mod state;
mod stored;
mod tree;
mod upload;
mod user;
mod waf;
mod writes;

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
pub use sim_user::SimUser;
pub use stored::Stored;
pub use tree::{BinEntry, NodeKind, ROOT, SimNode, Tree, TreeState};
pub use upload::{RangeFailure, UploadBehaviours};
pub use writes::{MkdirForm, Writes};

#[cfg(test)]
mod tests;
