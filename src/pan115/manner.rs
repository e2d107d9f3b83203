//! What a call is like beyond its words: what a lost answer means, whether it waits for its turn, how its answer is read.
//!
//! Data for `call`, given by the calls in `api`. Knows no endpoint.

use bytes::Bytes;

use super::envelope::Failure;
use super::error::ErrorKind;

/// Brings the body of an answer with a good status to JSON, and says whether it tells of a success.
pub(super) type Read<'a> = &'a (dyn Fn(&Bytes) -> Result<Bytes, Failure> + Sync);

/// The manner of a call.
pub(super) struct Manner<'a> {
    /// In place of the form fields, an encoded form.
    pub(super) encoded: Option<Bytes>,
    /// What follows if no answer comes although the call may have arrived.
    pub(super) lost: Lost,
    /// Whether it is asked again until the deadline while another operation of the account is under way.
    pub(super) waits_its_turn: bool,
    /// A refusal that passes by itself, so that it is asked again until the deadline.
    pub(super) passes: Option<ErrorKind>,
    /// For an answer that has not the usual envelope.
    pub(super) read: Option<Read<'a>>,
}

/// What a lost answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lost {
    /// The call is repeated: done twice is as good as done once.
    Repeat,
    /// The call is repeated, and if 115 then answers with this kind, the first one had been done.
    RepeatUntil(ErrorKind),
    /// The call is not repeated: done twice is something else, so who made it has to look.
    Final,
    /// The call is not repeated whatever became of it.
    Never,
}

impl Manner<'_> {
    /// A call that changes nothing.
    pub(super) const QUESTION: Self =
        Self { encoded: None, lost: Lost::Repeat, waits_its_turn: false, passes: None, read: None };

    /// A call that changes something and may be repeated.
    pub(super) const CHANGE: Self = Self { waits_its_turn: true, ..Self::QUESTION };
}
