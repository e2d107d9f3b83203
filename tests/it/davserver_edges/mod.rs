//! What we rely on in `dav-server`, pinned.
//!
//! Every test states how the pinned version behaves over a file system that logs its calls, and names the decision
//! that rests on it. One that fails after an upgrade is no bug: read the decision again, then state the new behaviour.

mod fake;
mod listing;
mod nesting;
mod reading;
mod requests;
mod writing;

/// The decisions, as messages for the tests.
const D1_PROPFIND: &str = "dav-server has changed. Decision D1 rests on this: PROPFIND never reaches it, but is answered over a complete \
     listing by src/dav. Look whether the adapter and the oracle of its property test must change";
const D1_DOWNLOAD: &str = "dav-server has changed. Decision D1 rests on this: GET and HEAD of files never reach it, but are answered by \
     src/server. Look whether that is still needed";
const D1_COLLECTIONS: &str = "dav-server has changed. Decision D1 rests on this: DELETE, COPY and MOVE of a collection must not be walked \
     node by node, and what is replaced must not be removed before its replacement exists";
const D1_ERRORS: &str = "dav-server has changed. Decision D1 rests on this: its errors cannot say `throttled` or when to try again, so \
     the adapter leaves the true error in a slot of the request, from which src/server makes the answer";
const D1_UPLOAD: &str = "dav-server has changed. Decision D1 rests on this: the adapter's `flush` compares what was written with what \
     was declared, because it is called before anyone else does";
const D2: &str = "dav-server has changed. Decision D2 rests on this: nothing unauthenticated and nothing unbounded \
     reaches it. Look which guard in src/dav/guard.rs and src/server is for this, and whether it still fits";
const D3: &str = "dav-server has changed. Decision D3 rests on this: its lock system in memory keeps a lock for \
     ever, so that ours is to check expiry and caps";
