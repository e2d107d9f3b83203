//! The switches of the calls that write names: making folders, renaming, moving, copying, deleting, the recycle bin
//! (protocol notes, writing part, §1).
//!
//! They are the field `writes` of [`crate::Behaviours`]; the names below are the JSON keys.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::tree::{Lag, Spell};

/// The calls the service runs one at a time for an account.
const SERIALISED: [&str; 6] = ["move", "copy", "rb_delete", "rb_revert", "rb_clean", "rb_secret_del"];

/// The switches. The defaults are the service on a good day: everything is done when the answer comes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "independent switches, not a state")]
pub struct Writes {
    /// For how many milliseconds of the simulated clock, which goes on by itself, listings show what was before a write.
    pub listing_lag_ms: u64,
    /// For how many further listings of a folder they do; of both spells the longer one counts.
    pub listing_lag_listings: u32,
    /// For how long the counts of a listing (`count`, `file_count`, `folder_count`) are those before a write, although
    /// its rows are true. While the rows lag, the counts do too.
    pub count_lag_ms: u64,
    /// For how many further listings of a folder its counts are those before a write.
    pub count_lag_listings: u32,
    /// A listing that lags says so, by `use_cache`.
    pub lag_says_cached: bool,
    /// The calls whose effect lags, as the ledger names them; empty for all.
    pub lag_after: BTreeSet<String>,
    /// How many milliseconds of simulated time a move, copy, deletion or restoration of a folder takes; it is answered
    /// at once. Files alone take no time.
    pub folder_work_ms: u64,
    /// A copy of a folder appears entry by entry while it takes its time; when off, all at its end.
    pub copy_gradual: bool,
    /// The calls that are refused while an operation is under way, as the ledger names them.
    pub serialised: BTreeSet<String>,
    /// Whether one of those calls is refused also while the answer to another one is still awaited.
    pub concurrent_refused: bool,
    /// The code of those refusals; 0 for the one that belongs to the operation under way.
    pub busy_code: i64,
    /// How many nodes, with all below them, one move or copy takes.
    pub node_limit: u64,
    /// Where the answer to a new folder names its id.
    pub mkdir_form: MkdirForm,
    /// The code a new name with another extension than the file's is refused with: 20020 or 20021. 0 for none: the
    /// extension of the file is put in its place.
    pub suffix_code: i64,
    /// A rename to the name a node already has is refused, without a code.
    pub same_name_refused: bool,
    /// A move below an id that is no folder is refused with 800001; when off, what is moved dangles.
    pub move_checks_target: bool,
    /// A move into the folder a node is in already is refused, without a code.
    pub move_to_parent_refused: bool,
    /// A copy whose name is taken gets a number behind its name; when off, there are two of one name.
    pub copy_numbered: bool,
    /// A deletion without `ignore_warn=1` is refused with 800007.
    pub delete_asks: bool,
    /// For how many milliseconds of simulated time a deleted folder, and each below it, can still be listed by its id.
    pub deleted_folder_lists_ms: u64,
    /// The security key of the recycle bin; empty when there is none.
    pub bin_key: String,
    /// `rb/secret_del` with a wrong key is answered with success and empties the whole bin, `folder_work_ms` later.
    pub wrong_key_empties_bin: bool,
}

impl Default for Writes {
    fn default() -> Self {
        Self {
            listing_lag_ms: 0,
            listing_lag_listings: 0,
            count_lag_ms: 0,
            count_lag_listings: 0,
            lag_says_cached: false,
            lag_after: BTreeSet::new(),
            folder_work_ms: 0,
            copy_gradual: true,
            serialised: SERIALISED.map(str::to_owned).into(),
            concurrent_refused: true,
            busy_code: 0,
            node_limit: 50_000,
            mkdir_form: MkdirForm::default(),
            suffix_code: 0,
            same_name_refused: false,
            move_checks_target: false,
            move_to_parent_refused: false,
            copy_numbered: false,
            delete_asks: false,
            deleted_folder_lists_ms: 0,
            bin_key: String::new(),
            wrong_key_empties_bin: false,
        }
    }
}

impl Writes {
    /// How far listings lag behind a call.
    pub(crate) fn lag(&self, label: &str) -> Lag {
        if !self.lag_after.is_empty() && !self.lag_after.contains(label) {
            return Lag::default();
        }
        let spell = |ms, listings| Spell { time: Duration::from_millis(ms), listings };
        let (rows, counts) =
            ((self.listing_lag_ms, self.listing_lag_listings), (self.count_lag_ms, self.count_lag_listings));
        Lag { rows: spell(rows.0, rows.1), counts: spell(rows.0.max(counts.0), rows.1.max(counts.1)) }
    }
}

/// Where the answer to a new folder names its id; the sources disagree (protocol notes, writing part, §1.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MkdirForm {
    /// `cid` and `file_id` beside `state`.
    #[default]
    Flat,
    /// `file_id` in `data`.
    DataFileId,
    /// `category_id` in `data`.
    DataCategoryId,
}
