//! One operation at a time for an account (protocol notes, writing part, §1.3 to §1.5).
//!
//! A call has to wait while an operation is under way in the tree, and while an earlier call of the same user is not
//! answered yet. Waiting means: it is refused and nothing is done.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::Value;

use super::codes::{self, refusal, worded};
use crate::account::cookie_value;
use crate::api::{Endpoint, Turn};
use crate::behaviours::Behaviours;
use crate::call::Call;
use crate::tree::{JobKind, TreeState};

/// The calls of each user that are not answered yet.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    waiting: Mutex<HashMap<String, u32>>,
}

/// The place of one call in the queue; it is left when this is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    queue: Arc<Queue>,
    user: String,
    /// Whether it is behind another call.
    behind: bool,
}

impl Queue {
    /// Queues a call up, if it is one of those that go one at a time.
    pub(crate) fn enter(
        self: &Arc<Self>,
        call: &Call,
        endpoint: Endpoint,
        behaviours: &Behaviours,
    ) -> Option<Place> {
        let writes = &behaviours.writes;
        if !writes.concurrent_refused || !writes.serialised.contains(endpoint.label()) {
            return None;
        }
        // The cookies of one user begin with the same number.
        let cookies = call.cookies();
        let user = cookie_value(&cookies, "UID").unwrap_or_default().split('_').next().unwrap_or_default();
        let mut waiting = self.waiting.lock();
        let ahead = waiting.entry(user.to_owned()).or_default();
        *ahead += 1;
        Some(Place { queue: Arc::clone(self), user: user.to_owned(), behind: *ahead > 1 })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(ahead) = self.queue.waiting.lock().get_mut(&self.user) {
            *ahead = ahead.saturating_sub(1);
        }
    }
}

/// The refusal of a call that would have to wait.
pub(super) fn must_wait(tree: &TreeState, turn: &Turn<'_>) -> Option<Value> {
    let writes = &turn.behaviours.writes;
    if !writes.serialised.contains(turn.endpoint.label()) {
        return None;
    }
    let code = |usual: i64| if writes.busy_code == 0 { usual } else { writes.busy_code };
    let Some(underway) = tree.underway() else {
        let behind = turn.place.is_some_and(|place| place.behind);
        return behind.then(|| refusal(code(codes::SIMILAR_TASK)));
    };
    let usual = match (underway.kind, turn.endpoint) {
        (JobKind::Move, _) => codes::MOVE_RUNNING,
        (_, Endpoint::Move) => codes::SIMILAR_TASK,
        _ => codes::UNFINISHED,
    };
    Some(match code(usual) {
        codes::UNFINISHED => {
            let words = codes::text(codes::UNFINISHED);
            worded(codes::UNFINISHED, &format!("{}[{}]{words}", underway.kind.verb(), underway.name))
        }
        code => refusal(code),
    })
}
