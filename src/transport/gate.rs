//! A breaker: shut while calling would do harm, then one call to see.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;
use tokio::time::Instant;

/// Lets calls through unless it was shut.
#[derive(Debug, Default)]
pub struct Gate {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Open,
    Shut(Closure),
    /// The closure is over and one call is under way to see.
    Probing(Closure),
}

#[derive(Clone, Debug)]
struct Closure {
    end: Instant,
    refused: Refused,
}

/// What a gate was shut because of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Too many calls.
    Throttle,
    /// A ban.
    Block,
}

/// The gate is shut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// What because of.
    pub cause: Cause,
    /// Until when.
    pub until: SystemTime,
    /// Why it was shut.
    pub reason: Arc<str>,
}

/// The right to make one call. Dropped without a word, it changes nothing, and the next call may probe.
#[derive(Debug)]
pub struct Pass<'a> {
    gate: &'a Gate,
    is_probe: bool,
}

impl Gate {
    /// Asks to be let through.
    pub fn enter(&self) -> Result<Pass<'_>, Refused> {
        let mut state = self.state.lock();
        match &*state {
            State::Open => Ok(Pass { gate: self, is_probe: false }),
            State::Shut(closure) if closure.end <= Instant::now() => {
                *state = State::Probing(closure.clone());
                Ok(Pass { gate: self, is_probe: true })
            }
            State::Shut(closure) | State::Probing(closure) => Err(closure.refused.clone()),
        }
    }

    /// Why and until when it is shut, if it is.
    ///
    /// A closure that is over keeps nobody away, even if no call has been to see since:
    /// on a host that is rarely called that may take for ever.
    pub fn refusal(&self) -> Option<Refused> {
        match &*self.state.lock() {
            State::Shut(closure) | State::Probing(closure) if closure.end > Instant::now() => {
                Some(closure.refused.clone())
            }
            State::Open | State::Shut(_) | State::Probing(_) => None,
        }
    }

    /// Shuts the gate for `pause` from now. A longer closure under way stays.
    pub fn shut(&self, cause: Cause, pause: Duration, reason: impl Into<Arc<str>>) -> Refused {
        let refused = Refused { cause, until: SystemTime::now() + pause, reason: reason.into() };
        let closure = Closure { end: Instant::now() + pause, refused };
        let mut state = self.state.lock();
        match &*state {
            State::Shut(longer) if longer.end > closure.end => longer.refused.clone(),
            State::Open | State::Shut(_) | State::Probing(_) => {
                let refused = closure.refused.clone();
                *state = State::Shut(closure);
                refused
            }
        }
    }

    /// Opens the gate, whatever had shut it.
    pub fn open(&self) {
        *self.state.lock() = State::Open;
    }
}

impl Pass<'_> {
    /// The call was answered as it should be: a probe opens the gate.
    pub fn succeed(mut self) {
        if std::mem::take(&mut self.is_probe) {
            self.gate.open();
        }
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        let mut state = self.gate.state.lock();
        if let (true, State::Probing(closure)) = (self.is_probe, &*state) {
            *state = State::Shut(closure.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: Duration = Duration::from_secs(660);

    #[tokio::test(start_paused = true)]
    async fn after_the_pause_one_call_goes_to_see() {
        let gate = Gate::default();
        assert!(gate.enter().is_ok());
        let refused = gate.shut(Cause::Block, PAUSE, "a firewall page");
        assert_eq!(gate.enter().unwrap_err(), refused);
        assert_eq!(gate.refusal(), Some(refused));
        tokio::time::advance(PAUSE).await;
        assert_eq!(gate.refusal(), None);
        let probe = gate.enter().unwrap();
        assert!(gate.enter().is_err() && gate.refusal().is_none());
        probe.succeed();
        assert!(gate.enter().is_ok() && gate.refusal().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_that_fails_shuts_again_and_one_that_vanishes_leaves_its_place() {
        let gate = Gate::default();
        gate.shut(Cause::Block, PAUSE, "x");
        tokio::time::advance(PAUSE).await;
        drop(gate.enter().unwrap());
        let probe = gate.enter().unwrap();
        gate.shut(Cause::Block, PAUSE, "y");
        drop(probe);
        assert_eq!(&*gate.enter().unwrap_err().reason, "y");
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_was_under_way_does_not_open_it() {
        let gate = Gate::default();
        let early = gate.enter().unwrap();
        gate.shut(Cause::Block, PAUSE, "x");
        early.succeed();
        assert!(gate.enter().is_err());
    }
}
