//! The switches of uploads.

use serde::{Deserialize, Serialize};

/// How uploads behave. The defaults are the service as the strictest source describes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "independent switches, not a state")]
pub struct UploadBehaviours {
    /// The largest file, as `uploadinfo` tells it and `initupload` enforces it.
    pub size_limit: u64,
    /// What `uploadinfo` says of `upload_allowed`.
    pub allowed: bool,
    /// `getuploadinfo` gives the endpoint without a scheme, and the bucket beside it.
    pub bare_endpoint: bool,
    /// How long the credentials of `gettoken` live, in seconds of simulated time.
    pub token_lifetime_secs: u64,

    /// `t` has to be in seconds, and the same in `k_ec`; when off, milliseconds do as well.
    pub time_in_seconds: bool,
    /// How far `t` may be off, in seconds.
    pub time_tolerance_secs: u64,
    /// The keys of the form have to be sorted.
    pub sorted_form: bool,
    /// The form may hold no value that is empty or 0.
    pub no_empty_values: bool,
    /// The form has to hold `userkey`.
    pub userkey_required: bool,
    /// The User-Agent has to name the version in `appversion`, and that has to be recent.
    pub version_gate: bool,
    /// The oldest version that counts as recent.
    pub minimum_version: String,

    /// Files of at least this many bytes are asked for the hash of a range.
    pub range_check_at_least: u64,
    /// How many bytes the range has.
    pub range_check_bytes: u64,
    /// Where the first range begins, the next one right behind it, and so on; without it anywhere. Beyond the end of a
    /// file is its very end.
    pub range_check_at: Option<u64>,
    /// How many ranges are asked for, one after the other.
    pub range_check_rounds: u32,
    /// Files that are not known are asked as well.
    pub range_check_unknown: bool,
    /// How long the answer may take, in seconds of simulated time; beyond it is "sig invalid".
    pub range_check_secs: u64,
    /// What a wrong hash of a range is answered with.
    pub range_failure: RangeFailure,

    /// Known contents are taken over without their bytes.
    pub rapid: bool,
    /// Empty files can be begun by `initupload`.
    pub empty_files: bool,
    /// The pick code of a begun upload is the one the file will have; when off, it is a word of its own.
    pub final_pick_code: bool,
    /// Refusals of `initupload` are plain JSON.
    pub plain_failures: bool,
    /// Answers of `initupload` are made longer by this many bytes, so that they need several blocks.
    pub answer_filler: usize,
    /// How many `initupload` calls of a user within the window make further ones "token invalid"; 0 is never.
    pub init_calls: u32,
    /// That window, in seconds of simulated time.
    pub init_window_secs: u64,
    /// For how long they are refused then, in seconds of simulated time.
    pub init_block_secs: u64,

    /// For how long listings miss a new file, in seconds of simulated time.
    pub listing_lag_secs: u64,
    /// How many listings of its folder miss a new file.
    pub listing_lag_listings: u32,

    /// The smallest part the object store takes but for the last one, in bytes.
    pub oss_minimum_part: u64,
    /// The most parts of one upload.
    pub oss_maximum_parts: u64,
    /// How many bytes of a body the object store takes per second; 0 is without limit.
    pub oss_bytes_per_sec: u64,
}

impl Default for UploadBehaviours {
    fn default() -> Self {
        Self {
            size_limit: 115 << 30,
            allowed: true,
            bare_endpoint: false,
            token_lifetime_secs: 3600,
            time_in_seconds: true,
            time_tolerance_secs: 600,
            sorted_form: true,
            no_empty_values: true,
            userkey_required: true,
            version_gate: true,
            minimum_version: "36.0.0".to_owned(),
            range_check_at_least: 1 << 20,
            range_check_bytes: 128,
            range_check_at: None,
            range_check_rounds: 1,
            range_check_unknown: true,
            range_check_secs: 300,
            range_failure: RangeFailure::default(),
            rapid: true,
            empty_files: true,
            final_pick_code: true,
            plain_failures: false,
            answer_filler: 0,
            init_calls: 0,
            init_window_secs: 60,
            init_block_secs: 600,
            listing_lag_secs: 0,
            listing_lag_listings: 0,
            oss_minimum_part: 100 << 10,
            oss_maximum_parts: 10_000,
            oss_bytes_per_sec: 0,
        }
    }
}

/// What a wrong hash of a range is answered with (protocol notes, writing part, §2.3.6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RangeFailure {
    /// Status 8 with code 702.
    #[default]
    Status8,
    /// Status 6 with code 700.
    Status6,
    /// Another range is asked for.
    Again,
}
