//! Every tree of the simulator is shown whole and as it is.

use dav115::model::{DownloadPolicy, visible_name};
use http::StatusCode;
use sim115::{NodeKind, Tree};

use crate::harness::Gateway;

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
