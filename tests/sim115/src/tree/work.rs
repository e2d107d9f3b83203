//! Operations that go on after they were answered (protocol notes, writing part, §1.3 to §1.6).
//!
//! A job is a row of steps, each due at a time of the simulated clock. Nothing runs by itself: whoever looks at the tree
//! settles it first, which makes every step that is due by then.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use super::{Clash, Lag, SimNode, TreeState, free_name};

/// What a job does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JobKind {
    Move,
    Copy,
    Delete,
    Revert,
    Purge,
}

impl JobKind {
    /// What the service calls it.
    pub(crate) fn verb(self) -> &'static str {
        match self {
            Self::Move => "移动",
            Self::Copy => "复制",
            Self::Delete => "删除",
            Self::Revert => "还原",
            Self::Purge => "清空",
        }
    }
}

/// Where a copy goes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum CopyTo {
    /// Into this folder.
    Folder(u64),
    /// Into what the step of this place in the job made.
    Made(usize),
}

/// One change.
#[derive(Debug)]
pub(crate) enum Step {
    Move { id: u64, target: u64, clash: Clash },
    Copy { node: SimNode, into: CopyTo, numbered: bool },
    Discard { id: u64, lingering: Duration },
    Restore { id: u64 },
    EmptyBin,
}

/// An operation.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) kind: JobKind,
    /// The name of the first node it is about.
    pub(crate) name: String,
    /// The client's own name for it; empty without one.
    pub(crate) token: String,
    pub(crate) steps: Vec<Step>,
    /// How long it takes.
    pub(crate) duration: Duration,
    /// Whether the steps are spread over that time, instead of all coming at its end.
    pub(crate) gradual: bool,
    pub(crate) lag: Lag,
}

#[derive(Debug)]
struct Running {
    kind: JobKind,
    name: String,
    token: String,
    steps: VecDeque<(Duration, Step)>,
    start: Duration,
    end: Duration,
    lag: Lag,
    /// What each step made; nothing when it made nothing.
    made: Vec<Option<u64>>,
}

/// The job that is running, and the names of moves that have ended.
#[derive(Debug, Default)]
pub(super) struct Work {
    running: Option<Running>,
    ended: HashSet<String>,
}

/// The job that is running, as others see it.
#[derive(Debug, Clone)]
pub(crate) struct Underway {
    pub(crate) kind: JobKind,
    pub(crate) name: String,
    /// How far it is, from 0 to 99.
    pub(crate) percent: u64,
}

impl TreeState {
    /// Starts a job; one that takes no time is done at once. A job that was still running is finished first.
    pub(crate) fn start(&mut self, job: Job) {
        self.finish();
        let start = self.time();
        let last = u32::try_from(job.steps.len()).unwrap_or(u32::MAX).max(1);
        let due = |number: u32| {
            if job.gradual { start + job.duration / last * number } else { start + job.duration }
        };
        if job.kind == JobKind::Revert {
            let ids: Vec<u64> = job.steps.iter().filter_map(Step::restored).collect();
            self.set_restoring(&ids);
        }
        self.work.running = Some(Running {
            kind: job.kind,
            name: job.name,
            token: job.token,
            steps: (1..).map(due).zip(job.steps).collect(),
            start,
            end: start + job.duration,
            lag: job.lag,
            made: Vec::new(),
        });
        self.settle();
    }

    /// Makes every step that is due.
    pub(crate) fn settle(&mut self) {
        self.run_until(self.time());
    }

    /// Brings the job that is running, if there is one, to its end at once.
    pub fn finish(&mut self) {
        self.run_until(Duration::MAX);
    }

    fn run_until(&mut self, time: Duration) {
        let Some(mut running) = self.work.running.take() else { return };
        while running.steps.front().is_some_and(|(due, _)| *due <= time) {
            let Some((_, step)) = running.steps.pop_front() else { break };
            let made = self.make(step, &running);
            running.made.push(made);
        }
        if running.end <= time {
            self.work.ended.insert(running.token);
        } else {
            self.work.running = Some(running);
        }
    }

    fn make(&mut self, step: Step, running: &Running) -> Option<u64> {
        let lag = running.lag;
        match step {
            Step::Move { id, target, clash } => self.transfer(id, target, clash, lag),
            Step::Copy { node, into, numbered } => {
                let folder = match into {
                    CopyTo::Folder(id) => id,
                    CopyTo::Made(place) => running.made.get(place).copied().flatten()?,
                };
                // Somebody may have deleted the folder while the copy was under way.
                return self.node(folder)?.is_folder().then(|| self.add_copy(folder, &node, numbered, lag));
            }
            Step::Discard { id, lingering } => {
                self.before(id, lag);
                self.discard_lingering(id, lingering);
            }
            Step::Restore { id } => {
                self.restore(id);
                self.appeared(id, lag);
            }
            Step::EmptyBin => self.empty_bin(),
        }
        None
    }

    fn add_copy(&mut self, folder: u64, node: &SimNode, numbered: bool, lag: Lag) -> u64 {
        let taken = || self.children(folder).iter().any(|child| child.name == node.name);
        let name = if numbered && taken() { free_name(self, folder, node) } else { node.name.clone() };
        let mut source = node.clone();
        source.name = name;
        let copy = self.copy(folder, &source);
        self.appeared(copy, lag);
        copy
    }

    /// The job that is running.
    pub(crate) fn underway(&self) -> Option<Underway> {
        let running = self.work.running.as_ref()?;
        let passed = self.time().saturating_sub(running.start).as_millis() * 100;
        let percent = passed / running.end.saturating_sub(running.start).as_millis().max(1);
        let percent = u64::try_from(percent).unwrap_or_default().min(99);
        Some(Underway { kind: running.kind, name: running.name.clone(), percent })
    }

    /// How far the move a client has named is, from 0 to 100; nothing for a name never heard.
    pub(crate) fn progress(&self, token: &str) -> Option<u64> {
        if self.work.running.as_ref().is_some_and(|running| running.token == token) {
            return self.underway().map(|underway| underway.percent);
        }
        (!token.is_empty() && self.work.ended.contains(token)).then_some(100)
    }
}

impl Step {
    fn restored(&self) -> Option<u64> {
        if let Self::Restore { id } = self { Some(*id) } else { None }
    }
}
