//! Tests of the tree and of the trees to start with.

use super::*;

fn order(key: SortKey) -> Order {
    Order { key, ascending: true, mixed: false, pinned_first: true }
}

fn names(tree: &mut TreeState, folder: u64, by: Order) -> Vec<String> {
    let ids = tree.listed(folder, by, false);
    ids.iter().map(|id| tree.node(*id).unwrap().name.clone()).collect()
}

#[test]
fn edits_show_in_the_tree() {
    let mut tree = TreeState::default();
    let one = tree.add_folder(ROOT, "one");
    let two = tree.add_folder(ROOT, "two");
    let file = tree.add_file_sized(one, "file", 10);
    assert_eq!(tree.find(&["one", "file"]), Some(file));
    assert_eq!(tree.total_bytes(), 10);
    assert!(tree.relocate(file, two));
    assert!(tree.rename(file, "other"));
    assert_eq!(tree.find(&["two", "other"]), Some(file));
    assert!(tree.relocate(two, one));
    assert!(!tree.relocate(one, two), "a folder cannot move below itself");
    assert_eq!(tree.walk().len(), 3);
    assert!(tree.delete(one));
    assert!(tree.is_empty());
    assert!(tree.was_deleted(file));
    assert_eq!(tree.total_bytes(), 0);
    assert!(!tree.delete(ROOT) && !tree.rename(ROOT, "x"));
}

#[test]
fn pinned_and_system_nodes_come_first() {
    let mut tree = TreeState::default();
    tree.add_file_sized(ROOT, "b.txt", 2);
    tree.add_file_sized(ROOT, "a.txt", 1);
    tree.add_folder(ROOT, "folder");
    tree.add_system_folder("云下载");
    let pinned = tree.add_file_sized(ROOT, "z.txt", 3);
    tree.set_pinned(pinned, true);
    assert_eq!(names(&mut tree, ROOT, order(SortKey::Name)), ["z.txt", "云下载", "folder", "a.txt", "b.txt"]);
    let down = Order { ascending: false, mixed: true, ..order(SortKey::Size) };
    assert_eq!(names(&mut tree, ROOT, down), ["z.txt", "b.txt", "a.txt", "folder", "云下载"]);
}

#[test]
fn a_sorted_listing_is_kept_until_an_edit() {
    let mut tree = TreeState::build(&Tree::Flat(100));
    let folder = tree.find(&["flat"]).unwrap();
    let first = tree.listed(folder, order(SortKey::Name), false);
    assert!(Arc::ptr_eq(&first, &tree.listed(folder, order(SortKey::Name), false)));
    tree.add_file_sized(folder, "new", 1);
    assert_eq!(tree.listed(folder, order(SortKey::Name), false).len(), 101);
}

#[test]
fn pick_codes_lead_back_to_their_nodes() {
    let mut tree = TreeState::default();
    let file = tree.add_file_sized(ROOT, "file", 1);
    let code = tree.node(file).unwrap().pick_code();
    assert!(matches!(tree.by_pick_code(&code), PickCode::Found(node) if node.id == file));
    assert!(matches!(tree.by_pick_code("nonsense"), PickCode::Unknown));
    tree.delete(file);
    assert!(matches!(tree.by_pick_code(&code), PickCode::Deleted));
}

#[test]
fn trees_are_named_and_have_their_sizes() {
    for name in ["demo", "demo-small", "nasty", "flat:20000", "200x500", "empty"] {
        let kind: Tree = name.parse().unwrap();
        assert_eq!(kind.to_string(), name);
    }
    assert!("deml".parse::<Tree>().is_err() && "ax5".parse::<Tree>().is_err());
    assert_eq!(TreeState::build(&Tree::Grid { folders: 20, files: 50 }).len(), 20 + 1000);
    assert_eq!(TreeState::build(&Tree::Flat(2000)).len(), 2001);
    assert!(TreeState::build(&Tree::DemoSmall).total_bytes() < 10_000_000);
    let demo = TreeState::build(&Tree::Demo);
    let big: Vec<u64> =
        demo.walk().iter().map(|(_, node)| node.size()).filter(|size| *size > 1 << 20).collect();
    assert_eq!(big, [4 << 30]);
}

#[test]
fn the_nasty_tree_holds_every_trap() {
    let tree = TreeState::build(&Tree::Nasty);
    let walk = tree.walk();
    let has = |test: &dyn Fn(&SimNode) -> bool| walk.iter().any(|(_, node)| test(node));
    assert!(has(&|node| node.name.contains('/')));
    assert!(has(&|node| node.name == ".."));
    assert!(has(&|node| node.name.chars().count() == 255));
    assert!(has(&|node| node.name.contains("[\u{2}128074]")));
    assert!(has(&|node| node.pinned) && has(&|node| node.violating) && has(&|node| node.system));
}
