//! The words every layer shares: ids, names, nodes, listings, links.
//!
//! Knows no I/O, no wire format and no other module of this crate.
//! Everyone may import it.

mod health;
mod ids;
mod intent;
mod link;
mod listing;
mod login_app;
mod meter;
mod name;
mod node;
mod secret;
mod share;
mod upload;

pub use health::{AccountHealth, Health, SessionState, ShareHealth, ShareState};
pub use ids::{FileId, ParseSha1Error, PickCode, Sha1};
pub use intent::{ClientTraits, CookieUse, DownloadPolicy, Junk, LinkBinding};
pub use link::{HeaderDemand, Link, LinkTerms};
pub use listing::{Change, Listing};
pub use login_app::LoginApp;
pub use meter::Meter;
pub use name::{NameFold, stored_name, visible_name};
pub use node::{Kind, Node};
pub use secret::Secret;
pub use share::ShareLink;
pub use upload::{Challenge, Proof, UploadSession, UploadStep, UploadTarget};
