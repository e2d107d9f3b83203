//! How programs save: into a temporary file, which is then renamed onto the document.

use super::{changed, content, paths, put, send, shown, transfer, truth};
use crate::harness::{Answer, Gateway};

#[track_caller]
fn done(answer: &Answer) {
    assert!(answer.status.is_success(), "{}: {}", answer.status, answer.text());
}

/// Moves as programs do that look first whether the name is free.
async fn move_to_free(gateway: &Gateway, from: &str, to: &str) -> Answer {
    let destination = gateway.url(to);
    send(gateway, "MOVE", from, &[("destination", &destination), ("overwrite", "F")], "").await
}

#[tokio::test]
async fn office_saves_a_document_by_two_renames() {
    let gateway = super::gateway(|_| {}).await;
    done(&put(&gateway, "/dir/report.docx", "old report").await);
    done(&put(&gateway, "/dir/~%24report.docx", "owner").await);
    done(&put(&gateway, "/dir/A1B2C3D4.tmp", "").await);
    done(&put(&gateway, "/dir/A1B2C3D4.tmp", "new report").await);
    done(&move_to_free(&gateway, "/dir/report.docx", "/dir/E5F6A7B8.tmp").await);
    done(&move_to_free(&gateway, "/dir/A1B2C3D4.tmp", "/dir/report.docx").await);
    assert_eq!(content(&gateway, "/dir/report.docx").await, "new report");
    assert_eq!(content(&gateway, "/dir/E5F6A7B8.tmp").await, "old report");
    done(&send(&gateway, "DELETE", "/dir/E5F6A7B8.tmp", &[], "").await);
    done(&send(&gateway, "DELETE", "/dir/~%24report.docx", &[], "").await);
    let expected = changed(&[], &["/dir/report.docx = new report"]);
    assert_eq!(truth(&gateway), expected);
    assert_eq!(shown(&gateway).await, paths(&expected));
}

#[tokio::test]
async fn an_editor_saves_by_a_rename_over_the_file() {
    for temporary in
        ["/dir/.c.txt.swp", "/dir/c.txt~", "/dir/.goutputstream-X1Y2Z3", "/dir/4913", "/dir/c.tmp.txt"]
    {
        let gateway = super::gateway(|_| {}).await;
        done(&put(&gateway, temporary, "saved").await);
        done(&transfer(&gateway, "MOVE", temporary, "/dir/c.txt").await);
        let expected = changed(&["/dir/c.txt"], &["/dir/c.txt = saved"]);
        assert_eq!(truth(&gateway), expected, "{temporary}");
        assert_eq!(shown(&gateway).await, paths(&expected), "{temporary}");
        assert!(super::bin(&gateway).contains(&"c.txt".to_owned()), "the old one can be had back");
    }
}

#[tokio::test]
async fn an_editor_keeps_a_backup_and_saves_anew() {
    let gateway = super::gateway(|_| {}).await;
    for round in ["one", "two", "three"] {
        done(&transfer(&gateway, "MOVE", "/dir/c.txt", "/dir/c.txt.bak").await);
        done(&put(&gateway, "/dir/c.txt", round).await);
    }
    let expected = changed(&["/dir/c.txt"], &["/dir/c.txt = three", "/dir/c.txt.bak = two"]);
    assert_eq!(truth(&gateway), expected);
    assert_eq!(shown(&gateway).await, paths(&expected));
}

#[tokio::test]
async fn a_download_gets_its_name_when_it_is_complete() {
    let gateway = super::gateway(|_| {}).await;
    done(&put(&gateway, "/dir/film.mkv.part", "all of it").await);
    done(&move_to_free(&gateway, "/dir/film.mkv.part", "/other/film.mkv").await);
    let refused = move_to_free(&gateway, "/other/film.mkv", "/other/a.txt").await;
    assert_eq!(refused.status, 412, "{}", refused.text());
    assert_eq!(truth(&gateway), changed(&[], &["/other/film.mkv = all of it"]));
}
