//! The store: what is kept, what follows a change of the tree, and what is said of a file that cannot be used.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use tempfile::TempDir;

use super::*;

fn name(local: &str) -> Name {
    Name { namespace: Some("urn:x y%\n".into()), local: local.into() }
}

fn dead(local: &str, value: &str) -> Dead {
    let xml = format!("<{local} xmlns=\"urn:x y%&#10;\">{value}</{local}>").into();
    Dead { name: name(local), xml }
}

fn set(local: &str, value: &str) -> Change {
    Change::Set(dead(local, value))
}

fn open(folder: &TempDir) -> Arc<Properties> {
    Arc::new(Properties::open(folder.path().join("kept/properties")))
}

/// Local names of what is kept at each path.
fn all(properties: &Properties) -> Vec<(String, Vec<String>)> {
    let kept = properties.kept.read();
    let names = |set: &DeadSet| set.iter().map(|dead| dead.name.local.to_string()).collect();
    kept.by_key.iter().map(|(key, set)| (key.clone(), names(set))).collect()
}

async fn put(properties: &Arc<Properties>, key: &str, local: &str) {
    properties.change(key.to_owned(), vec![set(local, "")]).await.unwrap();
}

#[tokio::test]
async fn what_is_kept_is_there_after_a_restart_for_its_owner_alone() {
    let folder = TempDir::new().unwrap();
    let properties = open(&folder);
    assert!(properties.is_empty() && fs::read_dir(folder.path()).unwrap().count() == 0);
    properties
        .change("/电影/a b%".to_owned(), vec![set("a", "1 &lt;%20"), set("b", "<c/>\u{10000}")])
        .await
        .unwrap();
    let plain = Dead { name: Name { namespace: None, local: "p".into() }, xml: "<p/>".into() };
    properties.change(String::new(), vec![Change::Set(plain.clone())]).await.unwrap();
    let again = open(&folder);
    assert_eq!(*again.of("/电影/a b%").unwrap(), [dead("a", "1 &lt;%20"), dead("b", "<c/>\u{10000}")]);
    assert_eq!(*again.of("").unwrap(), [plain]);
    assert_eq!(again.kept.read().bytes, properties.kept.read().bytes);
    let files: Vec<_> = fs::read_dir(folder.path().join("kept")).unwrap().map(Result::unwrap).collect();
    assert_eq!(files.len(), 1);
    assert_eq!(files[0].metadata().unwrap().permissions().mode() & 0o777, 0o600);
    again
        .change("/电影/a b%".to_owned(), vec![Change::Remove(name("a")), Change::Remove(name("b"))])
        .await
        .unwrap();
    again.forget("").await;
    assert!(again.is_empty() && open(&folder).is_empty());
}

#[tokio::test]
async fn changes_are_made_in_their_order_and_all_or_none() {
    let properties = Arc::new(Properties::default());
    let change = async |changes| properties.change("/a".to_owned(), changes).await;
    change(vec![
        set("a", "1"),
        set("b", "1"),
        set("a", "2"),
        Change::Remove(name("b")),
        Change::Remove(name("c")),
    ])
    .await
    .unwrap();
    assert_eq!(*properties.of("/a").unwrap(), [dead("a", "2")]);
    let long = "x".repeat(MAX_VALUE);
    let refused = change(vec![Change::Remove(name("a")), set("b", &long)]).await;
    assert!(matches!(&refused, Err(Unkept::TooMuch(1, reason)) if reason.contains("16384")), "{refused:?}");
    let many = (0..=MAX_PER_PATH).map(|number| set(&format!("n{number}"), "")).collect();
    let refused = change(many).await;
    assert!(matches!(refused, Err(Unkept::TooMuch(99, _))), "{refused:?}");
    assert_eq!(*properties.of("/a").unwrap(), [dead("a", "2")]);
}

#[tokio::test]
async fn all_together_stay_below_a_limit_that_is_given_back() {
    let properties = Arc::new(Properties::default());
    let large = "x".repeat(MAX_VALUE - 100);
    let fill = async |number: usize| {
        let changes = (0..MAX_PER_PATH).map(|index| set(&format!("n{index}"), &large)).collect();
        properties.change(format!("/{number}"), changes).await
    };
    let mut number = 0;
    while fill(number).await.is_ok() {
        number += 1;
    }
    assert_eq!(number, 2);
    // What does not fit is not copied.
    properties.copy("/0", "/copy", true).await;
    assert!(properties.kept.read().bytes <= MAX_BYTES && properties.of("/copy").is_none());
    properties.forget("/0").await;
    properties.forget("/1").await;
    assert!(properties.is_empty() && properties.kept.read().bytes == 0);
}

#[tokio::test]
async fn properties_go_where_their_paths_go() {
    let properties = Arc::new(Properties::default());
    for key in ["/a", "/a/x", "/a/x/y", "/ab", "/b", "/b/old"] {
        put(&properties, key, "p").await;
    }
    properties.copy("/a", "/b", false).await;
    let keys = |properties: &Properties| all(properties).into_iter().map(|(key, _)| key).collect::<Vec<_>>();
    assert_eq!(keys(&properties), ["/a", "/a/x", "/a/x/y", "/ab", "/b"]);
    properties.copy("/a", "/c", true).await;
    properties.rename("/a", "/b").await;
    assert_eq!(keys(&properties), ["/ab", "/b", "/b/x", "/b/x/y", "/c", "/c/x", "/c/x/y"]);
    // Another spelling of the same path.
    properties.rename("/b", "/b").await;
    let children = properties.of_children("/b");
    assert_eq!(children.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>(), ["/b/x"]);
    assert_eq!(properties.of_children("").len(), 3);
    properties.forget("/b").await;
    properties.forget("/c/x").await;
    assert_eq!(keys(&properties), ["/ab", "/c"]);
}

#[tokio::test]
async fn a_change_that_cannot_be_written_is_not_made() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("kept"), "a file where a folder is needed").unwrap();
    let properties = open(&folder);
    let refused = properties.change("/a".to_owned(), vec![set("a", "")]).await;
    assert!(
        matches!(&refused, Err(Unkept::NotWritten(reason)) if reason.contains("properties_file")),
        "{refused:?}"
    );
    assert!(properties.is_empty());
}

#[tokio::test]
async fn what_follows_a_change_of_the_tree_is_written_with_the_next_that_can_be() {
    let folder = TempDir::new().unwrap();
    let properties = open(&folder);
    put(&properties, "/a", "p").await;
    let (kept, away) = (folder.path().join("kept"), folder.path().join("away"));
    fs::rename(&kept, &away).unwrap();
    fs::write(&kept, "").unwrap();
    properties.rename("/a", "/b").await;
    assert!(properties.of("/b").is_some() && properties.of("/a").is_none());
    fs::remove_file(&kept).unwrap();
    fs::rename(&away, &kept).unwrap();
    put(&properties, "/c", "p").await;
    assert_eq!(
        all(&open(&folder)),
        [("/b".to_owned(), vec!["p".to_owned()]), ("/c".to_owned(), vec!["p".to_owned()])]
    );
}

#[tokio::test]
async fn two_gateways_do_not_overwrite_each_other() {
    let folder = TempDir::new().unwrap();
    let (one, other) = (open(&folder), open(&folder));
    put(&one, "/a", "p").await;
    let refused = other.change("/b".to_owned(), vec![set("p", "")]).await;
    assert!(
        matches!(&refused, Err(Unkept::NotWritten(reason)) if reason.contains("second gateway")),
        "{refused:?}"
    );
    put(&one, "/c", "p").await;
    assert_eq!(all(&open(&folder)).len(), 2);
    fs::remove_dir_all(folder.path().join("kept")).unwrap();
    put(&one, "/d", "p").await;
    assert_eq!(all(&open(&folder)).len(), 3, "a file that is gone is made again, whole");
}

#[tokio::test]
async fn what_is_no_file_is_left_where_it_is() {
    let folder = TempDir::new().unwrap();
    fs::create_dir_all(folder.path().join("kept/properties/inside")).unwrap();
    let properties = open(&folder);
    let refused = properties.change("/a".to_owned(), vec![set("p", "")]).await;
    assert!(
        matches!(&refused, Err(Unkept::NotWritten(reason)) if reason.contains("it is no file")),
        "{refused:?}"
    );
    assert!(folder.path().join("kept/properties/inside").exists());
    // What is as it should be already needs no file.
    properties.change("/a".to_owned(), vec![Change::Remove(name("p"))]).await.unwrap();
}

#[tokio::test]
async fn a_link_to_the_file_stays_one() {
    let folder = TempDir::new().unwrap();
    put(&open(&folder), "/a", "p").await;
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(folder.path().join("kept/properties"), &link).unwrap();
    put(&Arc::new(Properties::open(link.clone())), "/b", "p").await;
    assert!(link.is_symlink() && all(&open(&folder)).len() == 2);
}

#[tokio::test]
async fn a_file_that_is_torn_or_foreign_is_put_aside() {
    let whole = TempDir::new().unwrap();
    let properties = open(&whole);
    put(&properties, "/a", "p").await;
    put(&properties, "/b", "p").await;
    let text = fs::read_to_string(whole.path().join("kept/properties")).unwrap();
    let mut damaged: Vec<Vec<u8>> = (0..text.len()).map(|end| text.as_bytes()[..end].to_vec()).collect();
    damaged.push(b"hello\n".to_vec());
    damaged.push(b"\xff".to_vec());
    damaged.push(text.replace("end 2", "end 3").into_bytes());
    damaged.push(text.replace("</p>", "</q>").into_bytes());
    damaged.push(text.replace("properties 1", "properties 2").into_bytes());
    for content in damaged {
        let folder = TempDir::new().unwrap();
        fs::create_dir(folder.path().join("kept")).unwrap();
        fs::write(folder.path().join("kept/properties"), &content).unwrap();
        let properties = open(&folder);
        assert!(properties.is_empty(), "{}", String::from_utf8_lossy(&content));
        put(&properties, "/new", "p").await;
        let files = fs::read_dir(folder.path().join("kept")).unwrap().map(|entry| entry.unwrap().path());
        let aside: Vec<_> = files.filter(|path| path.to_string_lossy().contains("unreadable")).collect();
        assert_eq!(aside.len(), 1);
        assert_eq!(fs::read(&aside[0]).unwrap(), content);
    }
}
