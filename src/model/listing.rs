//! A complete folder listing. There is no partial one.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::sync::OnceLock;

use super::{FileId, Kind, NameFold, Node};

/// What has become of a child of a folder.
#[derive(Clone, Debug)]
pub enum Change {
    /// It is there now, like this; whatever had its id is no more.
    Put(Node),
    /// The child of this id is no longer there.
    Gone(FileId),
}

/// All children of one folder, in 115's order, with a look-up by name that is not linear.
///
/// Built once, then shared behind an `Arc`; nothing ever copies it.
#[derive(Debug)]
pub struct Listing {
    nodes: Box<[Node]>,
    /// Indices into `nodes`, sorted by name.
    by_name: Box<[u32]>,
    /// Made when it is first asked for: most folders never are.
    windows: OnceLock<WindowsNames>,
}

/// The children that Windows sees under another name than their own; in most folders there are none.
#[derive(Debug)]
struct WindowsNames {
    /// Indices into `nodes`, in ascending order, each with the name Windows gets.
    by_index: Box<[(u32, Box<str>)]>,
    /// Indices into `by_index`, sorted by that name.
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
        Self {
            nodes: nodes.into_boxed_slice(),
            by_name: by_name.into_boxed_slice(),
            windows: OnceLock::new(),
        }
    }

    /// This listing after `changes`, the later of which count, or `None` if it says all of that already.
    ///
    /// A child that has the name and size of a change is left as the listing has it, which knows more of it.
    /// **Cost**: copies every child, so it is for changes, which come as slowly as 115 takes them.
    pub fn changed<'a>(&self, changes: impl IntoIterator<Item = &'a Change>) -> Option<Self> {
        let mut last: HashMap<FileId, Option<&Node>> = HashMap::new();
        let mut order = Vec::new();
        for change in changes {
            let (id, node) = match change {
                Change::Put(node) => (node.id, Some(node)),
                Change::Gone(id) => (*id, None),
            };
            if last.insert(id, node).is_none() {
                order.push(id);
            }
        }
        for node in &self.nodes {
            if let Some(Some(put)) = last.get(&node.id)
                && (&put.name, put.size, put.sha1) == (&node.name, node.size, node.sha1)
            {
                last.remove(&node.id);
            }
        }
        let is_news = |id| last.get(&id).is_some_and(Option::is_some);
        if !self.nodes.iter().any(|node| last.contains_key(&node.id)) && !order.iter().any(|&id| is_news(id))
        {
            return None;
        }
        let kept = self.nodes.iter().filter(|node| !last.contains_key(&node.id)).cloned();
        let put = order.iter().filter_map(|id| last.get(id).copied().flatten()).cloned();
        Some(Self::new(kept.chain(put).collect()))
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

    /// The name Windows gets for the child at `index` in [`Listing::nodes`].
    ///
    /// It is the child's own name, or the one [`NameFold::for_windows`] makes of it.
    /// A folded name that a sibling has already gets ` [id]` like a namesake:
    /// who needs no folding keeps the name, and of several who do, the one with the smallest id gets it.
    /// So it is unique, and never the own name of a sibling.
    pub fn windows_name(&self, index: usize) -> &str {
        let by_index = &self.windows().by_index;
        match by_index.binary_search_by(|&(other, _)| (other as usize).cmp(&index)) {
            Ok(found) => &by_index[found].1,
            Err(_) => &self.nodes[index].name,
        }
    }

    /// The position of the child that Windows gets under `name`, which is not its own: for that see [`Listing::position`].
    pub fn position_windows(&self, name: &str) -> Option<usize> {
        if name.is_ascii() {
            // A name that was folded holds a twin. Most names that are looked up in vain need no table.
            return None;
        }
        let WindowsNames { by_index, by_name } = self.windows();
        by_name
            .binary_search_by(|&index| (*by_index[index as usize].1).cmp(name))
            .ok()
            .map(|found| by_index[by_name[found] as usize].0 as usize)
    }

    fn windows(&self) -> &WindowsNames {
        self.windows.get_or_init(|| WindowsNames::of(self))
    }
}

impl WindowsNames {
    fn of(listing: &Listing) -> Self {
        let nodes = &listing.nodes;
        let mut folded: Vec<(u32, Box<str>)> = (0u32..)
            .zip(nodes)
            .filter_map(|(index, node)| match NameFold::for_windows(&node.name) {
                Cow::Owned(name) => Some((index, name.into_boxed_str())),
                Cow::Borrowed(_) => None,
            })
            .collect();
        // The gateway's own folders share one id, so the name decides between them: the order of the listing must not.
        folded.sort_unstable_by_key(|&(index, _)| {
            let node = &nodes[index as usize];
            (node.id, &*node.name)
        });
        let mut taken: HashSet<Box<str>> = HashSet::with_capacity(folded.len());
        for (index, name) in &mut folded {
            let node = &nodes[*index as usize];
            while listing.position(name).is_some() || taken.contains(name) {
                *name = suffixed(name, node);
            }
            taken.insert(name.clone());
        }
        folded.sort_unstable_by_key(|&(index, _)| index);
        let mut by_name: Vec<u32> = (0u32..).take(folded.len()).collect();
        by_name.sort_unstable_by(|&a, &b| folded[a as usize].1.cmp(&folded[b as usize].1));
        Self { by_index: folded.into_boxed_slice(), by_name: by_name.into_boxed_slice() }
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
            nodes[index].name = suffixed(&nodes[index].name, &nodes[index]);
        }
    }
}

/// `name`, which `node` was to get, with the id that tells it apart.
fn suffixed(name: &str, node: &Node) -> Box<str> {
    let (stem, extension) = match name.rfind('.') {
        Some(dot) if dot > 0 && node.kind == Kind::File => name.split_at(dot),
        _ => (name, ""),
    };
    let mut longer = String::with_capacity(name.len() + 24);
    let _ = write!(longer, "{stem} [{}]{extension}", node.id);
    longer.into_boxed_str()
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use proptest::prelude::*;

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
    fn changes_replace_add_and_remove() {
        let listing = Listing::new(vec![node(1, "a", Kind::File), node(2, "b", Kind::File)]);
        let names = |changes: &[Change]| {
            let changed = listing.changed(changes)?;
            Some(changed.by_name().map(|node| (node.id.0, node.name.to_string())).collect::<Vec<_>>())
        };
        let put = |id, name| Change::Put(node(id, name, Kind::File));
        let is = |id, name: &str| (id, name.to_owned());
        assert_eq!(names(&[put(3, "c")]).unwrap(), [is(1, "a"), is(2, "b"), is(3, "c")]);
        assert_eq!(names(&[put(1, "c")]).unwrap(), [is(2, "b"), is(1, "c")]);
        assert_eq!(names(&[Change::Gone(FileId(1)), put(3, "a")]).unwrap(), [is(3, "a"), is(2, "b")]);
        assert_eq!(names(&[put(3, "c"), Change::Gone(FileId(3))]), None);
        assert_eq!(names(&[Change::Gone(FileId(9)), put(1, "a")]), None);
        assert_eq!(names(&[]), None);
    }

    #[test]
    fn an_unknown_name_is_not_found() {
        let listing = Listing::new(vec![node(1, "b", Kind::File)]);
        assert!(listing.get("a").is_none() && listing.get("c").is_none());
    }

    #[track_caller]
    fn check_windows(children: &[(u64, &str)], expected: &[&str]) {
        let of = |children: &mut dyn Iterator<Item = &(u64, &str)>| {
            let listing = Listing::new(children.map(|&(id, name)| node(id, name, Kind::File)).collect());
            let names = (0..listing.nodes().len()).map(|index| listing.windows_name(index).to_owned());
            names.collect::<Vec<_>>()
        };
        assert_eq!(of(&mut children.iter()), expected);
        let mut reversed = of(&mut children.iter().rev());
        reversed.reverse();
        assert_eq!(reversed, expected, "the order must not matter");
    }

    #[test]
    fn a_twin_that_was_always_there_stays_and_is_found() {
        let listing =
            Listing::new(vec![node(1, "Re： 从零开始?.txt", Kind::File), node(2, "plain", Kind::File)]);
        assert_eq!(listing.windows_name(0), "Re： 从零开始？.txt");
        assert_eq!(listing.position_windows("Re： 从零开始？.txt"), Some(0));
        assert_eq!(listing.position_windows("Re: 从零开始?.txt"), None);
        assert_eq!(listing.windows_name(1), "plain");
    }

    #[test]
    fn of_those_windows_cannot_tell_apart_one_keeps_the_name() {
        check_windows(&[(1, "a:b.txt"), (2, "a：b.txt")], &["a：b [1].txt", "a：b.txt"]);
        check_windows(&[(5, "a?：b.txt"), (3, "a？:b.txt")], &["a？：b [5].txt", "a？：b.txt"]);
        check_windows(
            &[(1, "a:"), (2, "a："), (3, "a： [1]"), (4, "a: [1]")],
            &["a： [1] [1]", "a：", "a： [1]", "a： [1] [4]"],
        );
    }

    proptest! {
        #[test]
        fn every_windows_name_leads_back_to_its_child(
            children in proptest::collection::vec(("[a:：?？.． ␠]{1,4}( \\[[0-3]\\])?", any::<bool>()), 0..12),
            reuse in proptest::collection::vec(any::<proptest::sample::Index>(), 0..4),
        ) {
            let mut children = children;
            if !children.is_empty() {
                for index in reuse {
                    children.push(index.get(&children).clone());
                }
            }
            let kind = |file| if file { Kind::File } else { Kind::Folder };
            let nodes = (0..).zip(&children).map(|(id, (name, file))| node(id, name, kind(*file)));
            let listing = Listing::new(nodes.collect());
            let mut seen = HashSet::new();
            for (index, child) in listing.nodes().iter().enumerate() {
                let name = listing.windows_name(index);
                prop_assert!(matches!(NameFold::for_windows(name), Cow::Borrowed(_)), "{name}");
                prop_assert!(seen.insert(name), "{name} twice");
                // As a walker looks names up: as they are, then as Windows has them.
                let found = |name| listing.position(name).or_else(|| listing.position_windows(name));
                prop_assert_eq!(found(name), Some(index));
                prop_assert_eq!(found(&child.name), Some(index));
                let folded = (name != &*child.name).then_some(index);
                prop_assert_eq!(listing.position_windows(name), folded);
            }
        }
    }
}
