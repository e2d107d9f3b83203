//! Writing over WebDAV: against a 115 that fails, lags or is asked by many at once, and as real clients do it.

mod broken_off;
mod editors;
mod explorer;
mod faults;
mod finder;
mod lag;
mod races;
mod refusals;

use bytes::Bytes;
use dav115::config::Config;
use http::Method;
use sim115::{Content, NodeKind, ROOT, Sim, Tree};

use crate::harness::{Answer, Gateway, simulator};
use crate::multistatus::resources;

/// Everything at 115: folders with a slash behind, files with their content.
type Truth = Vec<String>;

/// What is at 115 to begin with.
const BEFORE: [&str; 8] = [
    "/a.txt = first",
    "/b.txt = second",
    "/dir/",
    "/dir/c.txt = third",
    "/dir/sub/",
    "/dir/sub/d.txt = fourth",
    "/other/",
    "/other/a.txt = old",
];

/// A simulator that holds [`BEFORE`].
async fn sim() -> Sim {
    let sim = simulator(Tree::Empty).await;
    sim.tree(|tree| {
        let text = |text: &str| Content::Bytes(text.to_owned().into());
        tree.add_file(ROOT, "a.txt", text("first"));
        tree.add_file(ROOT, "b.txt", text("second"));
        let dir = tree.add_folder(ROOT, "dir");
        tree.add_file(dir, "c.txt", text("third"));
        let sub = tree.add_folder(dir, "sub");
        tree.add_file(sub, "d.txt", text("fourth"));
        let other = tree.add_folder(ROOT, "other");
        tree.add_file(other, "a.txt", text("old"));
    });
    sim
}

/// A gateway over [`BEFORE`], all of it in the cache.
async fn gateway(change: impl FnOnce(&mut Config)) -> Gateway {
    let gateway = Gateway::over(sim().await, change).await;
    shown(&gateway).await;
    gateway.take_calls();
    gateway
}

/// Everything at 115 in truth, whatever listings say.
fn truth(gateway: &Gateway) -> Truth {
    gateway.sim.tree(|tree| {
        assert!(tree.dangling().is_empty(), "nothing may fall out of the tree");
        let line = |(names, node): (Vec<String>, &sim115::SimNode)| {
            let path = format!("/{}", names.join("/"));
            match &node.kind {
                NodeKind::Folder => path + "/",
                NodeKind::File(content) => {
                    format!("{path} = {}", String::from_utf8_lossy(&content.read(0..content.size())))
                }
            }
        };
        let mut lines: Truth = tree.walk().into_iter().map(line).filter(|line| line != "/").collect();
        lines.sort();
        lines
    })
}

/// Everything the gateway shows, without contents.
async fn shown(gateway: &Gateway) -> Truth {
    let (mut lines, mut folders) = (Truth::new(), vec!["/".to_owned()]);
    while let Some(folder) = folders.pop() {
        let answer = gateway.propfind(&folder, "1").await;
        assert_eq!(answer.status, 207, "{folder}: {}", answer.text());
        for resource in resources(answer.text()).into_iter().skip(1) {
            if resource.href.ends_with('/') {
                folders.push(resource.href.clone());
            }
            lines.push(percent_encoding::percent_decode_str(&resource.href).decode_utf8().unwrap().into());
        }
    }
    lines.sort();
    lines
}

/// The paths of what is at 115, without contents.
fn paths(truth: &[String]) -> Truth {
    let mut paths: Truth = truth
        .iter()
        .map(|line| line.split_once(" = ").map_or(line.as_str(), |(path, _)| path).to_owned())
        .collect();
    paths.sort();
    paths
}

/// [`BEFORE`] without the lines that begin with one of `gone`, and with `new`.
fn changed(gone: &[&str], new: &[&str]) -> Truth {
    let stays = |line: &&&str| !gone.iter().any(|gone| line.starts_with(gone));
    let mut lines: Truth = BEFORE.iter().filter(stays).chain(new).map(|&line| line.to_owned()).collect();
    lines.sort();
    lines
}

async fn send(gateway: &Gateway, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    gateway.send(Method::from_bytes(method.as_bytes()).unwrap(), path, headers, body).await
}

async fn put(gateway: &Gateway, path: &str, body: &str) -> Answer {
    send(gateway, "PUT", path, &[], body).await
}

/// `MOVE` or `COPY`, which replaces what is there.
async fn transfer(gateway: &Gateway, method: &str, from: &str, to: &str) -> Answer {
    send(gateway, method, from, &[("destination", &gateway.url(to))], "").await
}

/// What is in the recycle bin: the names of what was put into it.
fn bin(gateway: &Gateway) -> Vec<String> {
    gateway.sim.tree(|tree| tree.bin().iter().map(|entry| entry.top().name.clone()).collect())
}

/// The content of a file as a client that does not follow redirects gets it.
async fn content(gateway: &Gateway, path: &str) -> Bytes {
    let answer = gateway.get(path, &[("user-agent", crate::harness::STAYING_AGENT)]).await;
    assert_eq!(answer.status, 200, "{path}: {}", String::from_utf8_lossy(&answer.body));
    answer.body.into()
}
