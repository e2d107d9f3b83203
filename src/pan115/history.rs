//! What the attempts of one call have come to, and so whether there may be another one.
//!
//! Called by `call`, and by `api::upload::init`, which looks for what a lost answer may have done.

use bytes::Bytes;
use http::HeaderMap;

use super::call::Reply;
use super::error::{ErrorKind, Pan115Error};
use super::manner::{Lost, Manner};
use crate::transport::{Step, TransportErrorKind};

/// What the attempts of one call have come to.
#[derive(Default)]
pub(super) struct History {
    failures: u32,
    was_lost: bool,
}

impl History {
    /// Decides whether what an attempt came to is worth another one, and whether there may be one.
    pub(super) fn weigh(
        &mut self,
        step: Step<Reply, Pan115Error>,
        manner: &Manner<'_>,
        retries: u32,
    ) -> Step<Reply, Pan115Error> {
        match step {
            Step::Fail(error) if self.was_lost && manner.lost == Lost::RepeatUntil(error.kind) => {
                Step::Done(Reply { body: Bytes::new(), headers: HeaderMap::new(), was_done_before: true })
            }
            Step::Again(error, _) if manner.lost == Lost::Final && may_be_done(&error) => Step::Fail(error),
            Step::Again(error, _) if manner.lost == Lost::Never => Step::Fail(error),
            Step::Fail(error) if manner.passes == Some(error.kind) => Step::Again(error, None),
            // It will be free before long, and asking again does no harm: only the deadline ends this.
            Step::Again(error, wait) if error.kind == ErrorKind::Busy && manner.waits_its_turn => {
                Step::Again(error, wait)
            }
            Step::Again(error, wait) => {
                self.was_lost |= may_be_done(&error);
                self.failures += 1;
                if self.failures > retries { Step::Fail(error) } else { Step::Again(error, wait) }
            }
            settled => settled,
        }
    }
}

/// Whether 115 may have done what it was asked to although it did not say so.
pub(super) fn may_be_done(error: &Pan115Error) -> bool {
    match error.kind {
        ErrorKind::Transport(kind) => {
            !matches!(kind, TransportErrorKind::Connect | TransportErrorKind::Invalid)
        }
        // With a code, it was 115 itself that said so.
        ErrorKind::Server | ErrorKind::Corrupt => error.code == 0,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn again(kind: ErrorKind) -> Step<Reply, Pan115Error> {
        Step::Again(Pan115Error::new("x", kind, ""), None)
    }

    const LOST: ErrorKind = ErrorKind::Transport(TransportErrorKind::Interrupted);
    const UNSENT: ErrorKind = ErrorKind::Transport(TransportErrorKind::Connect);

    #[test]
    fn what_must_not_be_done_twice_is_repeated_only_if_it_was_not_done() {
        let manner = Manner { lost: Lost::Final, ..Manner::CHANGE };
        for (kind, is_repeated) in [
            (LOST, false),
            (ErrorKind::Server, false),
            (ErrorKind::Corrupt, false),
            (UNSENT, true),
            (ErrorKind::Busy, true),
            (ErrorKind::Throttled { after: None }, true),
        ] {
            let step = History::default().weigh(again(kind), &manner, 3);
            assert_eq!(matches!(step, Step::Again(..)), is_repeated, "{kind:?}");
        }
    }

    #[test]
    fn a_repeat_that_finds_it_done_is_a_success_only_after_a_lost_answer() {
        let manner = Manner { lost: Lost::RepeatUntil(ErrorKind::Exists), ..Manner::CHANGE };
        let exists = || Step::Fail(Pan115Error::new("x", ErrorKind::Exists, ""));
        let mut history = History::default();
        assert!(matches!(history.weigh(exists(), &manner, 3), Step::Fail(_)));
        history.weigh(again(UNSENT), &manner, 3);
        assert!(matches!(history.weigh(exists(), &manner, 3), Step::Fail(_)));
        history.weigh(again(LOST), &manner, 3);
        assert!(matches!(history.weigh(exists(), &manner, 3), Step::Done(reply) if reply.was_done_before));
    }

    #[test]
    fn a_refusal_that_passes_is_waited_for() {
        let exists = || Step::Fail(Pan115Error::new("x", ErrorKind::Exists, ""));
        let manner = Manner { passes: Some(ErrorKind::Exists), ..Manner::CHANGE };
        for _ in 0..100 {
            assert!(matches!(History::default().weigh(exists(), &manner, 0), Step::Again(..)));
        }
        assert!(matches!(History::default().weigh(exists(), &Manner::CHANGE, 0), Step::Fail(_)));
    }

    #[test]
    fn retries_are_counted_but_for_those_that_wait_for_their_turn() {
        let mut history = History::default();
        for _ in 0..100 {
            assert!(matches!(history.weigh(again(ErrorKind::Busy), &Manner::CHANGE, 1), Step::Again(..)));
        }
        assert!(matches!(history.weigh(again(UNSENT), &Manner::CHANGE, 1), Step::Again(..)));
        assert!(matches!(history.weigh(again(UNSENT), &Manner::CHANGE, 1), Step::Fail(_)));
        let mut history = History::default();
        assert!(matches!(history.weigh(again(ErrorKind::Busy), &Manner::QUESTION, 0), Step::Fail(_)));
    }
}
