//! A complete folder listing. There is no partial one.

use std::collections::HashMap;
use std::fmt::Write as _;

use super::{Kind, Node};

/// All children of one folder, in 115's order, with a look-up by name that is not linear.
///
/// Built once, then shared behind an `Arc`; nothing ever copies it.
#[derive(Debug)]
pub struct Listing {
    nodes: Box<[Node]>,
    /// Indices into `nodes`, sorted by name.
    by_name: Box<[u32]>,
}

impl Listing {
    /// Takes the children of a folder and makes their names unique.
    ///
    /// 115 allows several children of the same name.
    /// The one with the smallest id (the oldest) keeps the name;
    /// every later one gets ` [id]` before its extension, so a name means the same node whatever the order of the answer.
    pub fn new(mut nodes: Vec<Node>) -> Self {
        disambiguate(&mut nodes);
        let mut by_name: Vec<u32> = (0u32..).take(nodes.len()).collect();
        by_name.sort_unstable_by(|&a, &b| nodes[a as usize].name.cmp(&nodes[b as usize].name));
        Self { nodes: nodes.into_boxed_slice(), by_name: by_name.into_boxed_slice() }
    }

    /// The children in 115's order.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The children sorted by name.
    pub fn by_name(&self) -> impl Iterator<Item = &Node> {
        self.by_name.iter().map(|&index| &self.nodes[index as usize])
    }

    /// The position in [`Listing::nodes`] of the child called `name`.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.by_name
            .binary_search_by(|&index| (*self.nodes[index as usize].name).cmp(name))
            .ok()
            .map(|found| self.by_name[found] as usize)
    }

    /// The child called `name`.
    pub fn get(&self, name: &str) -> Option<&Node> {
        self.position(name).map(|index| &self.nodes[index])
    }
}

fn disambiguate(nodes: &mut [Node]) {
    // A suffixed name may meet a child that is really called so; hence the loop, which ends because names only grow.
    loop {
        let mut keeper: HashMap<&str, usize> = HashMap::with_capacity(nodes.len());
        let mut later = Vec::new();
        for (index, node) in nodes.iter().enumerate() {
            let holder = keeper.entry(&node.name).or_insert(index);
            if *holder == index {
                continue;
            }
            if node.id < nodes[*holder].id {
                later.push(*holder);
                *holder = index;
            } else {
                later.push(index);
            }
        }
        if later.is_empty() {
            return;
        }
        for index in later {
            nodes[index].name = suffixed(&nodes[index]);
        }
    }
}

fn suffixed(node: &Node) -> Box<str> {
    let (stem, extension) = match node.name.rfind('.') {
        Some(dot) if dot > 0 && node.kind == Kind::File => node.name.split_at(dot),
        _ => (&*node.name, ""),
    };
    let mut name = String::with_capacity(node.name.len() + 24);
    let _ = write!(name, "{stem} [{}]{extension}", node.id);
    name.into_boxed_str()
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::model::FileId;

    fn node(id: u64, name: &str, kind: Kind) -> Node {
        Node { id: FileId(id), kind, ..Node::virtual_folder(name, SystemTime::UNIX_EPOCH) }
    }

    #[track_caller]
    fn check(children: &[(u64, &str, Kind)], expected: &[&str]) {
        let listing = Listing::new(children.iter().map(|&(id, name, kind)| node(id, name, kind)).collect());
        let names: Vec<&str> = listing.nodes().iter().map(|node| &*node.name).collect();
        assert_eq!(names, expected);
        for (index, name) in names.iter().enumerate() {
            assert_eq!(listing.position(name), Some(index));
        }
        assert!(listing.by_name().map(|node| &node.name).is_sorted());
    }

    #[test]
    fn the_oldest_of_namesakes_keeps_the_name_whatever_the_order() {
        check(&[(1, "a.mkv", Kind::File), (2, "a.mkv", Kind::File)], &["a.mkv", "a [2].mkv"]);
        check(&[(2, "a.mkv", Kind::File), (1, "a.mkv", Kind::File)], &["a [2].mkv", "a.mkv"]);
        check(
            &[(3, "x", Kind::Folder), (1, "x", Kind::File), (2, "x", Kind::Folder)],
            &["x [3]", "x", "x [2]"],
        );
    }

    #[test]
    fn a_suffix_that_meets_a_real_name_yields() {
        check(
            &[(1, "a", Kind::File), (5, "a", Kind::File), (2, "a [5]", Kind::File)],
            &["a", "a [5] [5]", "a [5]"],
        );
    }

    #[test]
    fn hidden_files_and_folders_get_the_suffix_at_the_end() {
        check(&[(1, ".env", Kind::File), (2, ".env", Kind::File)], &[".env", ".env [2]"]);
        check(&[(1, "v1.0", Kind::Folder), (2, "v1.0", Kind::Folder)], &["v1.0", "v1.0 [2]"]);
    }

    #[test]
    fn an_unknown_name_is_not_found() {
        let listing = Listing::new(vec![node(1, "b", Kind::File)]);
        assert!(listing.get("a").is_none() && listing.get("c").is_none());
    }
}
