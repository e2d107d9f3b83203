//! Every tree of the simulator is shown whole and as it is.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use dav115::model::{DownloadPolicy, FileId, Kind, Listing, Node, visible_name};
use http::StatusCode;
use sim115::{Content, NodeKind, ROOT, SimNode, Tree, TreeState};

use crate::harness::{Gateway, propfind};
use crate::multistatus::{Resource, resources};

const WANTED: &str = r#"<?xml version="1.0"?><d:propfind xmlns:d="DAV:" xmlns:oc="http://owncloud.org/ns"><d:prop>
    <d:resourcetype/><d:displayname/><d:getcontentlength/><d:getlastmodified/><oc:checksums/>
    </d:prop></d:propfind>"#;

/// What a tree holds at a path, as a client should see it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Thing {
    pub(crate) is_folder: bool,
    size: Option<u64>,
    sha1: Option<String>,
    modified: SystemTime,
}

/// The name under which a name of 115 is shown, duplicates apart.
///
/// 115 keeps some characters as references: `[`, the control character 2, a number, `]`.
pub(crate) fn shown(raw: &str) -> String {
    let mut name = String::new();
    let mut rest = raw;
    while let Some((before, after)) = rest.split_once("[\u{2}") {
        name.push_str(before);
        let reference = after.split_once(']').and_then(|(number, after)| {
            let letter = char::from_u32(number.parse().ok()?)?;
            Some((letter, after))
        });
        if let Some((letter, after)) = reference {
            name.push(letter);
            rest = after;
        } else {
            name.push_str("[\u{2}");
            rest = after;
        }
    }
    name.push_str(rest);
    visible_name(&name).into_owned()
}

/// The children of a folder under the names that tell them apart.
fn children(tree: &TreeState, folder: u64) -> Vec<(String, &SimNode)> {
    let nodes = tree.children(folder);
    let listing = Listing::new(
        nodes
            .iter()
            .map(|node| Node {
                id: FileId(node.id),
                kind: if node.is_folder() { Kind::Folder } else { Kind::File },
                ..Node::virtual_folder(&shown(&node.name), UNIX_EPOCH)
            })
            .collect(),
    );
    nodes.into_iter().zip(listing.nodes()).map(|(node, named)| (named.name.to_string(), node)).collect()
}

/// Everything in a tree, by path.
pub(crate) fn expected(tree: &TreeState) -> BTreeMap<String, (Thing, Content)> {
    let mut things = BTreeMap::new();
    let mut waiting = vec![(String::new(), ROOT)];
    while let Some((path, folder)) = waiting.pop() {
        for (name, node) in children(tree, folder) {
            let below = format!("{path}/{name}");
            if node.is_folder() {
                waiting.push((below.clone(), node.id));
            }
            let thing = Thing {
                is_folder: node.is_folder(),
                size: (!node.is_folder()).then(|| node.size()),
                // In lower case, as clients that compare checksums write them.
                sha1: (!node.is_folder()).then(|| node.sha1().to_ascii_lowercase()),
                modified: UNIX_EPOCH + Duration::from_secs(node.modified),
            };
            assert!(things.insert(below, (thing, sim115::content(node))).is_none());
        }
    }
    things
}

/// Everything a client finds below `top` when it follows every href, by path, and the href it was found under.
async fn found(gateway: &Gateway, top: &str) -> BTreeMap<String, (Thing, String)> {
    let mut things = BTreeMap::new();
    let mut waiting = vec![(String::new(), top.to_owned())];
    while let Some((path, href)) = waiting.pop() {
        let answer = gateway.send(propfind(), &href, &[("depth", "1")], WANTED).await;
        assert_eq!(answer.status, StatusCode::MULTI_STATUS, "{href}: {}", answer.text());
        let mut listed = resources(answer.text()).into_iter();
        assert_eq!(listed.next().unwrap().href, href);
        for resource in listed {
            assert!(resource.href.is_ascii(), "{}", resource.href);
            assert_eq!(resource.href.ends_with('/'), resource.is_folder, "{}", resource.href);
            assert!(resource.href.starts_with(&href), "{} in {href}", resource.href);
            let name = resource.name();
            assert_eq!(resource.display_name.as_deref(), Some(&*name));
            let Resource { href, is_folder, size, modified, sha1, .. } = resource;
            let below = format!("{path}/{name}");
            if is_folder {
                waiting.push((below.clone(), href.clone()));
            }
            let thing = Thing { is_folder, size, sha1, modified: modified.unwrap() };
            assert!(things.insert(below, (thing, href)).is_none());
        }
    }
    things
}

/// Walks a whole tree, then looks at and reads each `step`th thing.
async fn check(tree: Tree, step: usize) {
    let gateway = Gateway::start(tree, DownloadPolicy::Proxy).await;
    let expected = gateway.sim.tree(|tree| expected(tree));
    let found = walk(&gateway, "/", &expected).await;
    let folders = 1 + expected.values().filter(|(thing, _)| thing.is_folder).count();
    let calls = gateway.take_calls();
    assert!(calls.len() == 1 && calls["files"] >= folders, "{calls:?} for {folders} folders");
    read(&gateway, &found, &expected, step).await;
}

/// Walks all that is shown below `top`, which is exactly what is expected.
pub(crate) async fn walk(
    gateway: &Gateway,
    top: &str,
    expected: &BTreeMap<String, (Thing, Content)>,
) -> BTreeMap<String, (Thing, String)> {
    let found = found(gateway, top).await;
    assert_eq!(found.len(), expected.len(), "{top}");
    for ((path, (found, _)), (expected_path, (expected, _))) in found.iter().zip(expected) {
        assert_eq!((path, found), (expected_path, expected), "{top}");
    }
    found
}

/// Looks at and reads each `step`th thing that was found; large and violating files are only looked at.
pub(crate) async fn read(
    gateway: &Gateway,
    found: &BTreeMap<String, (Thing, String)>,
    expected: &BTreeMap<String, (Thing, Content)>,
    step: usize,
) {
    for (path, (thing, href)) in found.iter().step_by(step) {
        let head = gateway.head(href).await;
        assert_eq!(head.status, StatusCode::OK, "{href}");
        let alone = gateway.send(propfind(), href, &[("depth", "0")], WANTED).await;
        let alone = resources(alone.text());
        assert_eq!((alone.len(), &alone[0].href, alone[0].size), (1, href, thing.size));
        let content = &expected[path].1;
        if thing.is_folder {
            assert_eq!(gateway.get(href, &[]).await.status, StatusCode::OK, "{href}");
        } else if content.size() < 10_000_000 && !path.ends_with("violating.mp4") {
            let answer = gateway.get(href, &[]).await;
            assert_eq!(answer.status, StatusCode::OK, "{href}: {}", answer.text());
            assert!(answer.body == content.read(0..content.size()), "{href}");
        }
    }
}

#[tokio::test]
async fn the_demo_is_shown_as_it_is() {
    check(Tree::Demo, 1).await;
}

#[tokio::test]
async fn the_nasty_tree_is_shown_as_it_is() {
    check(Tree::Nasty, 1).await;
}

#[tokio::test]
async fn a_grid_is_shown_as_it_is() {
    check(Tree::Grid { folders: 20, files: 50 }, 17).await;
}

#[tokio::test]
async fn a_flat_folder_is_shown_as_it_is() {
    check(Tree::Flat(3000), 61).await;
}

#[tokio::test]
async fn a_browser_gets_an_index() {
    let gateway = Gateway::start(Tree::Demo, DownloadPolicy::Redirect).await;
    let index = gateway.get("/", &[]).await;
    assert_eq!(index.status, StatusCode::OK);
    let names = gateway.sim.tree(|tree| {
        tree.walk()
            .into_iter()
            .filter(|(path, _)| path.len() == 1)
            .map(|(path, node)| (visible_name(&path[0]).into_owned(), matches!(node.kind, NodeKind::Folder)))
            .collect::<Vec<_>>()
    });
    assert!(!names.is_empty());
    for (name, is_folder) in names {
        let shown = if is_folder { format!(">{name}/<") } else { format!(">{name}<") };
        assert!(index.text().contains(&shown), "{shown} is missing in {}", index.text());
    }
}
