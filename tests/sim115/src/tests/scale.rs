//! Tests of the large trees: that they are whole, and that paging through them works to the end.

use super::client::{get, start};
use crate::{Options, Sim, Tree};

#[tokio::test]
async fn a_hundred_thousand_files_are_there() {
    let sim = start(Tree::Grid { folders: 200, files: 500 }).await;
    assert_eq!(sim.tree(|tree| tree.len()), 100_200);
    let last = sim.tree(|tree| tree.find(&["folder-0199"]).unwrap());
    let listing = get(&sim, &format!("/webapi.115.com/files?cid={last}&limit=1150")).await.json();
    assert_eq!((listing["count"].as_u64(), listing["data"].as_array().map(Vec::len)), (Some(500), Some(500)));
}

#[tokio::test]
async fn a_folder_of_twenty_thousand_is_paged_to_its_end() {
    let sim = start(Tree::Flat(20_000)).await;
    let folder = sim.tree(|tree| tree.find(&["flat"]).unwrap());
    let mut total = 0;
    for page in 0..18 {
        let query =
            format!("cid={folder}&o=user_ptime&asc=1&custom_order=1&limit=1150&offset={}", page * 1150);
        let answer = get(&sim, &format!("/webapi.115.com/files?{query}")).await.json();
        total += answer["data"].as_array().unwrap().len();
    }
    assert_eq!((total, sim.calls("files")), (20_000, 18));
}

#[tokio::test]
async fn a_stopped_or_dropped_simulator_frees_its_address() {
    let sim = start(Tree::Empty).await;
    let address = sim.address();
    sim.stop().await;
    let again = Sim::start(Options { listen: address, tree: Tree::Empty, public_url: None }).await.unwrap();
    assert_eq!(again.address(), address);
    assert_ne!(again.now(), std::time::UNIX_EPOCH);
    drop(again);
    while tokio::net::TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
}

#[test]
fn the_handle_can_be_shared() {
    fn shared<T: Send + Sync>() {}
    shared::<Sim>();
}
