//! Tests of uploads of several users.

use super::client::start;
use super::upload_client::Uploader;
use crate::{Content, Tree};

#[tokio::test]
async fn each_user_uploads_to_a_drive_of_its_own_and_contents_are_known_to_all() {
    let sim = start(Tree::Empty).await;
    let second = sim.add_user("second", &Tree::Empty);
    let content = Content::Rule { seed: 5, size: 2 << 20 };
    let first = Uploader::new(&sim).await;
    let other = Uploader::of(&sim, &second.cookie()).await;
    assert_ne!(first.userkey, other.userkey);
    assert_eq!(first.upload("a.bin", &content).await["state"], true);
    let taken = other.init("b.bin", &content).await;
    assert_eq!(taken["status"], 2, "{taken}");
    assert!(sim.tree(|tree| tree.find(&["a.bin"]).is_some() && tree.find(&["b.bin"]).is_none()));
    let code = second.tree(|tree| tree.node(tree.find(&["b.bin"]).unwrap()).unwrap().pick_code());
    assert_eq!(taken["pickcode"], code);
    let begun = other.init("c.txt", &Content::Bytes("text".into())).await;
    assert_eq!(other.put(&begun, &Content::Bytes("text".into())).await.json()["state"], true);
    assert_eq!((sim.tree(|tree| tree.len()), second.tree(|tree| tree.len())), (1, 2));
}
