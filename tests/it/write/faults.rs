//! Each fault of 115 on each call of each write, as a table: what the client is told, and what is at 115 then.
//!
//! What was there is there, or all of it is done: never a part of it, and never less.

use std::time::Duration;

use sim115::{Fault, FaultRule};

use super::{BEFORE, Truth, changed, paths, put, send, shown, transfer, truth};
use crate::faults::Pause::{self, Exactly, From, Unstated};
use crate::faults::{BLOCK_PAUSE, LONG, SHORT, assert_failed, run_each};
use crate::harness::{Answer, Gateway};

/// What a client wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Task {
    PutNew,
    /// With content that 115 knows.
    PutKnown,
    PutReplace,
    MakeFolder,
    DeleteFile,
    DeleteFolder,
    Rename,
    RenameFolder,
    Extension,
    Relocate,
    RelocateRenamed,
    RelocateFolder,
    /// A move onto a file in another folder.
    MoveOver,
    /// A move onto a file in the same folder.
    RenameOver,
    CopyFile,
    CopyOver,
    CopyFolder,
}

use Task::{
    CopyFile, CopyFolder, CopyOver, DeleteFile, DeleteFolder, Extension, MakeFolder, MoveOver, PutKnown,
    PutNew, PutReplace, Relocate, RelocateFolder, RelocateRenamed, Rename, RenameFolder, RenameOver,
};

impl Task {
    async fn go(self, gateway: &Gateway) -> Answer {
        match self {
            PutNew => put(gateway, "/dir/new.txt", "brand new").await,
            PutKnown => put(gateway, "/dir/known.txt", "second").await,
            PutReplace => put(gateway, "/a.txt", "replaced").await,
            MakeFolder => send(gateway, "MKCOL", "/dir/made", &[], "").await,
            DeleteFile => send(gateway, "DELETE", "/a.txt", &[], "").await,
            DeleteFolder => send(gateway, "DELETE", "/dir", &[], "").await,
            Rename => transfer(gateway, "MOVE", "/a.txt", "/z.txt").await,
            RenameFolder => transfer(gateway, "MOVE", "/dir", "/renamed").await,
            Extension => transfer(gateway, "MOVE", "/a.txt", "/a.md").await,
            Relocate => transfer(gateway, "MOVE", "/a.txt", "/dir/a.txt").await,
            RelocateRenamed => transfer(gateway, "MOVE", "/a.txt", "/dir/z.txt").await,
            RelocateFolder => transfer(gateway, "MOVE", "/dir", "/other/dir").await,
            MoveOver => transfer(gateway, "MOVE", "/a.txt", "/other/a.txt").await,
            RenameOver => transfer(gateway, "MOVE", "/a.txt", "/b.txt").await,
            CopyFile => transfer(gateway, "COPY", "/a.txt", "/dir/copy.txt").await,
            CopyOver => transfer(gateway, "COPY", "/a.txt", "/b.txt").await,
            CopyFolder => transfer(gateway, "COPY", "/dir", "/other/copy").await,
        }
    }

    /// What is at 115 once it is done.
    fn outcome(self) -> Truth {
        let under = |top: &str| {
            ["/", "/c.txt = third", "/sub/", "/sub/d.txt = fourth"].map(|line| format!("{top}{line}"))
        };
        let with = |gone: &[&str], top: &str| {
            let lines = under(top);
            changed(gone, &lines.each_ref().map(String::as_str))
        };
        match self {
            PutNew => changed(&[], &["/dir/new.txt = brand new"]),
            PutKnown => changed(&[], &["/dir/known.txt = second"]),
            PutReplace => changed(&["/a.txt"], &["/a.txt = replaced"]),
            MakeFolder => changed(&[], &["/dir/made/"]),
            DeleteFile => changed(&["/a.txt"], &[]),
            DeleteFolder => changed(&["/dir"], &[]),
            Rename => changed(&["/a.txt"], &["/z.txt = first"]),
            RenameFolder => with(&["/dir"], "/renamed"),
            Extension => changed(&["/a.txt"], &["/a.md = first"]),
            Relocate => changed(&["/a.txt"], &["/dir/a.txt = first"]),
            RelocateRenamed => changed(&["/a.txt"], &["/dir/z.txt = first"]),
            RelocateFolder => with(&["/dir"], "/other/dir"),
            MoveOver => changed(&["/a.txt", "/other/a.txt"], &["/other/a.txt = first"]),
            RenameOver => changed(&["/a.txt", "/b.txt"], &["/b.txt = first"]),
            CopyFile => changed(&[], &["/dir/copy.txt = first"]),
            CopyOver => changed(&["/b.txt"], &["/b.txt = first"]),
            CopyFolder => with(&[], "/other/copy"),
        }
    }

    /// The calls it is made of that change something, in their order.
    fn calls(self) -> &'static [&'static str] {
        match self {
            PutNew => &["initupload", "oss_put"],
            PutKnown | CopyFile => &["initupload"],
            PutReplace => &["initupload", "oss_put", "rb_delete"],
            MakeFolder => &["add"],
            DeleteFile | DeleteFolder => &["rb_delete"],
            Rename | RenameFolder => &["batch_rename"],
            Extension | CopyOver => &["initupload", "rb_delete"],
            Relocate | RelocateFolder => &["move"],
            RelocateRenamed => &["batch_rename", "move"],
            MoveOver => &["move", "rb_delete"],
            RenameOver => &["batch_rename", "rb_delete"],
            CopyFolder => &["add", "copy", "batch_rename", "move"],
        }
    }
}

const ALL: [Task; 17] = [
    PutNew,
    PutKnown,
    PutReplace,
    MakeFolder,
    DeleteFile,
    DeleteFolder,
    Rename,
    RenameFolder,
    Extension,
    Relocate,
    RelocateRenamed,
    RelocateFolder,
    MoveOver,
    RenameOver,
    CopyFile,
    CopyOver,
    CopyFolder,
];

/// What comes of it.
#[derive(Clone, Copy, Debug)]
enum Comes {
    /// It is done, and the client told so.
    Done,
    /// Nothing is done, and the client told why.
    Nothing(u16, Pause),
    /// The client is told that it failed, and whether it was done nobody could know.
    Unknown(u16, Pause),
}

use Comes::{Done, Nothing, Unknown};

#[derive(Clone, Debug)]
struct Row {
    task: Task,
    on: &'static str,
    fault: Fault,
    /// How many calls it strikes; without it all of them.
    times: Option<u32>,
    comes: Comes,
}

async fn run_row(row: Row) {
    let Row { task, on, fault, times, comes } = row;
    let gateway = super::gateway(|config| {
        config.limits.retries = 1;
        if matches!(fault, Fault::Delay(_) | Fault::AnswerLate(_)) {
            config.limits.attempt_timeout = SHORT;
            config.limits.read_timeout = SHORT;
        }
        if times.is_none() && matches!(fault, Fault::Running990009 | Fault::Refusal(990_005 | 990_019)) {
            // Until then it is waited for.
            config.limits.deadline = Duration::from_secs(2);
        }
    })
    .await;
    let nth = u32::from(times.is_some());
    gateway.sim.fault(FaultRule { times, ..FaultRule::nth(on, nth, fault) });
    let answer = task.go(&gateway).await;
    let struck = gateway.sim.ledger().iter().filter(|entry| !entry.faults.is_empty()).count();
    assert!(struck > 0, "the fault has struck nothing");
    gateway.sim.clear_faults();
    gateway.sim.clear_firewall();
    let (before, done) = (changed(&[], &[]), task.outcome());
    assert_eq!(before, BEFORE);
    let (stands, is_over) = (truth(&gateway), matches!(comes, Done));
    match comes {
        Done => {
            assert!(answer.status.is_success(), "{}: {}", answer.status, answer.text());
            assert_eq!(stands, done);
        }
        Nothing(status, pause) => {
            if status == 405 {
                assert_eq!(answer.status, 405);
            } else {
                assert_failed(&answer, status, pause, "");
            }
            assert_eq!(stands, before);
        }
        Unknown(status, pause) => {
            assert_failed(&answer, status, pause, "");
            assert!(stands == before || stands == done, "{stands:?}");
        }
    }
    let is_left_alone = matches!(comes, Nothing(503, From(_) | Exactly(60)));
    if !matches!(comes, Unknown(..)) && !is_left_alone {
        assert_eq!(shown(&gateway).await, paths(&stands), "the client sees what is there");
    }
    if is_over || is_left_alone || matches!(comes, Nothing(403 | 405 | 507, _)) {
        return;
    }
    // The fault is over, and the same again works, or has been done.
    let again = task.go(&gateway).await;
    assert!(again.status.is_success() || stands == done, "{}: {}", again.status, again.text());
    assert_eq!(truth(&gateway), done);
    assert_eq!(shown(&gateway).await, paths(&done));
}

async fn run(rows: Vec<Row>) {
    let named = rows.into_iter().map(|row| {
        let name = format!("{:?} ×{:?} on {} of {:?}", row.fault, row.times, row.on, row.task);
        (name, run_row(row))
    });
    run_each(named.collect()).await;
}

fn rows(tasks: &[Task], faults: &[(Fault, Option<u32>, Comes)]) -> Vec<Row> {
    let of_call = |task: Task, on: &'static str| {
        faults.iter().map(move |(fault, times, comes)| Row {
            task,
            on,
            fault: fault.clone(),
            times: *times,
            comes: *comes,
        })
    };
    tasks.iter().flat_map(|&task| task.calls().iter().flat_map(move |&on| of_call(task, on))).collect()
}

/// Rows for calls of 115 itself, not of its object storage.
fn api_rows(tasks: &[Task], faults: &[(Fault, Option<u32>, Comes)]) -> Vec<Row> {
    rows(tasks, faults).into_iter().filter(|row| row.on != "oss_put").collect()
}

/// The last call alone: a failure there has everything before it undone.
fn last_rows(tasks: &[Task], faults: &[(Fault, Option<u32>, Comes)]) -> Vec<Row> {
    let is_last = |row: &Row| row.task.calls().last() == Some(&row.on) && row.on != "oss_put";
    rows(tasks, faults).into_iter().filter(is_last).collect()
}

#[tokio::test]
async fn a_write_without_a_fault_does_what_its_row_says() {
    for task in ALL {
        let gateway = super::gateway(|_| {}).await;
        let answer = task.go(&gateway).await;
        assert!(answer.status.is_success(), "{task:?}: {} {}", answer.status, answer.text());
        assert_eq!(truth(&gateway), task.outcome(), "{task:?}");
        let asked: Vec<String> = gateway.sim.ledger().into_iter().map(|entry| entry.endpoint).collect();
        for call in task.calls() {
            assert!(asked.iter().any(|asked| asked == call), "{task:?} makes no call {call}: {asked:?}");
        }
        assert_eq!(shown(&gateway).await, paths(&task.outcome()), "{task:?}");
    }
}

#[tokio::test]
async fn a_fault_that_passes_is_not_noticed() {
    let once = |fault| (fault, Some(1), Done);
    run(api_rows(
        &ALL,
        &[
            once(Fault::Status(502)),
            once(Fault::Reset),
            once(Fault::Busy590075),
            once(Fault::Unanswered),
            once(Fault::Garbage),
            (Fault::Running990009, Some(2), Done),
        ],
    )
    .into_iter()
    .filter(|row| {
        !(row.on == "copy" && matches!(row.fault, Fault::Status(_) | Fault::Reset | Fault::Garbage))
    })
    .collect())
    .await;
}

#[tokio::test]
async fn a_late_answer_is_taken_for_lost_and_what_it_would_have_said_found_out() {
    let tasks = [PutKnown, MakeFolder, DeleteFile, Rename, Relocate, CopyFolder];
    run(api_rows(&tasks, &[(Fault::AnswerLate(LONG), Some(1), Done)])).await;
    run(last_rows(&[MakeFolder, DeleteFolder, Rename, Relocate], &[(Fault::Delay(LONG), Some(1), Done)]))
        .await;
}

#[tokio::test]
async fn a_block_leaves_everything_as_it_was() {
    let tasks = [PutNew, MakeFolder, DeleteFile, DeleteFolder, Rename, Relocate, CopyFile];
    run(first_rows(
        &tasks,
        &[
            (Fault::Waf405, None, Nothing(503, From(BLOCK_PAUSE))),
            (Fault::Html(200), None, Nothing(503, From(BLOCK_PAUSE))),
            (Fault::TooMany429, None, Nothing(503, From(60))),
            (Fault::Limit770004, None, Nothing(503, From(60))),
            (Fault::LoggedOut, None, Nothing(503, Exactly(60))),
        ],
    ))
    .await;
}

/// The first call alone.
fn first_rows(tasks: &[Task], faults: &[(Fault, Option<u32>, Comes)]) -> Vec<Row> {
    let is_first = |row: &Row| row.task.calls().first() == Some(&row.on);
    rows(tasks, faults).into_iter().filter(is_first).collect()
}

#[tokio::test]
async fn a_fault_that_stays_undoes_what_was_begun() {
    run(api_rows(
        &ALL,
        &[
            (Fault::Status(500), None, Unknown(503, Exactly(10))),
            (Fault::Reset, None, Unknown(503, Exactly(10))),
            (Fault::Busy590075, None, Nothing(503, Exactly(10))),
        ],
    )
    .into_iter()
    .filter(|row| !is_not_undone(row))
    .collect())
    .await;
}

/// What cannot be undone because the same call that fails would be needed for it.
fn is_not_undone(row: &Row) -> bool {
    matches!((row.task, row.on), (PutReplace | Extension | CopyOver, "rb_delete"))
        // The copy that 115 is at work on is waited for.
        || matches!((row.task, row.on, &row.fault), (CopyFolder, "move", Fault::Busy590075))
}

#[tokio::test]
async fn an_account_that_stays_busy_is_waited_for_and_then_told_of() {
    let mut lines = vec![(Fault::Running990009, None, Nothing(503, Exactly(10)))];
    lines.extend([990_005, 990_019].map(|code| (Fault::Refusal(code), None, Nothing(503, Exactly(10)))));
    run(api_rows(&[MakeFolder, DeleteFile, Rename, Relocate], &lines)).await;
}

#[tokio::test]
async fn what_was_done_although_no_answer_ever_came_is_found_out_by_the_next_try() {
    let tasks = [PutNew, MakeFolder, DeleteFile, DeleteFolder, Rename, Relocate];
    let mut rows = api_rows(&tasks, &[(Fault::Unanswered, None, Unknown(503, Exactly(10)))]);
    // Whether they were done is looked for at once.
    rows.extend(api_rows(&[PutKnown, Extension, CopyFile], &[(Fault::Unanswered, None, Done)]));
    run(rows).await;
}

#[tokio::test]
async fn a_refusal_has_its_status_and_changes_nothing() {
    let refusal = |errno| Fault::Json { errno, message: "不行".to_owned() };
    let rows_on = |tasks: &[Task], code: i64, status| {
        first_rows(tasks, &[(refusal(code), None, Nothing(status, Unstated))])
    };
    let mut rows = rows_on(&[MakeFolder, Rename, RenameFolder, RenameOver], 20_003, 403);
    rows.extend(rows_on(&[MakeFolder], 20_004, 405));
    rows.extend(rows_on(&[MakeFolder, Relocate, CopyFolder], 91_005, 507));
    rows.extend(rows_on(&[PutNew, PutReplace, CopyFile], 91_005, 507));
    // After something had been done already.
    let copy = |on, code, status| Row {
        task: CopyFolder,
        on,
        fault: refusal(code),
        times: None,
        comes: Nothing(status, Unstated),
    };
    rows.extend([copy("copy", 91_005, 507), copy("batch_rename", 20_003, 403)]);
    run(rows).await;
}

#[tokio::test]
async fn the_object_storage_fails_and_nothing_is_stored() {
    let oss = |status, code: &str| Fault::Oss { status, code: code.to_owned() };
    let refused = || Fault::Json { errno: 990_003, message: "操作失败".to_owned() };
    let invalid = Fault::Init { status: 4, code: 401, message: "token invalid".to_owned() };
    let mut rows = Vec::new();
    for task in [PutNew, PutReplace] {
        for (fault, times, comes) in [
            (oss(403, "SecurityTokenExpired"), Some(1), Done),
            (oss(403, "InvalidAccessKeyId"), Some(1), Done),
            (oss(403, "AccessDenied"), None, Nothing(503, Exactly(10))),
            (oss(500, "InternalError"), Some(1), Done),
            (oss(400, "InvalidDigest"), Some(1), Done),
            (Fault::Reset, Some(1), Done),
            (Fault::CutUpload(3), Some(1), Done),
            (Fault::Unanswered, Some(1), Done),
            (Fault::CallbackFailed, None, Nothing(503, Exactly(10))),
            (refused(), None, Nothing(503, Exactly(10))),
        ] {
            rows.push(Row { task, on: "oss_put", fault, times, comes });
        }
        let (fault, comes) = (invalid.clone(), Nothing(503, From(60)));
        rows.push(Row { task, on: "initupload", fault, times: None, comes });
    }
    run(rows).await;
}
