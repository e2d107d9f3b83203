//! What one user sees of the tree: a home that is their `/`, and rights by path.
//!
//! Knows paths and names; does not know users, mounts or where a rule was written.
//! Made by the composition root, found per request by `server`, asked at every step of `resolve`.
//!
//! A rule is held against the names of the nodes that a walk meets, not against the text of the request.
//! So it holds for every spelling that leads to a node: another Unicode normal form, the names Windows is shown, doubled slashes.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use unicode_normalization::UnicodeNormalization as _;

#[cfg(test)]
use super::NodeRef;
use super::{At, Folder, VPath};
#[cfg(test)]
use crate::model::Listing;
use crate::model::{NameFold, Node};

/// What a user may do with a path and all that is below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Nothing: it is not there for them.
    Hide,
    /// See and read it.
    Read,
    /// Change it as well.
    Write,
}

/// The access to one path. Of several rules that cover a path the longest counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// A path of the whole tree, whatever the home.
    pub path: VPath,
    /// What is allowed there and below.
    pub access: Access,
}

/// What one user sees. Cloning it copies nothing.
#[derive(Clone, Debug, Default)]
pub struct View(Option<Arc<Limits>>);

#[derive(Debug)]
struct Limits {
    home: VPath,
    /// The rules as a tree of folded names; the first is the top.
    rules: Vec<RuleNode>,
}

#[derive(Debug, Default)]
struct RuleNode {
    access: Option<Access>,
    children: HashMap<Box<str>, usize>,
    /// Something below it may be read.
    leads_on: bool,
}

impl View {
    /// Everything, to be changed as well.
    pub const fn whole() -> Self {
        Self(None)
    }

    /// The tree below `home`, by `rules`. What no rule covers is hidden; no rules at all allow everything.
    ///
    /// **Errors**: none; rules that show nothing are for the configuration to refuse.
    pub fn new(home: VPath, rules: Option<&[Rule]>) -> Self {
        let mut nodes = vec![RuleNode::default()];
        let Some(rules) = rules else {
            if home.is_root() {
                return Self::whole();
            }
            nodes[0].access = Some(Access::Write);
            return Self(Some(Arc::new(Limits { home, rules: nodes })));
        };
        for rule in rules {
            let mut on_the_way = Vec::new();
            let mut at = 0;
            for name in rule.path.segments() {
                on_the_way.push(at);
                let next = nodes.len();
                at = *nodes[at].children.entry(fold(name).into()).or_insert(next);
                if at == next {
                    nodes.push(RuleNode::default());
                }
            }
            nodes[at].access = Some(rule.access);
            if rule.access != Access::Hide {
                for above in on_the_way {
                    nodes[above].leads_on = true;
                }
            }
        }
        Self(Some(Arc::new(Limits { home, rules: nodes })))
    }

    /// Whether it is everything.
    pub fn is_whole(&self) -> bool {
        self.0.is_none()
    }

    /// `path`, as the user of this view means it.
    pub fn at(&self, path: VPath) -> At {
        let home = self.0.as_ref().map(|limits| &limits.home).filter(|home| !home.is_root());
        let tree = home.map(|home| path.below(home));
        At::new(path, tree, self.clone())
    }

    /// Whether some rule lets `path` or a folder above it be read, going by the text alone.
    ///
    /// Decides whether to let someone in without a password, not what they see then.
    pub fn opens(&self, path: &VPath) -> bool {
        let mut standing = Standing::top(self);
        let mut opens = standing.is_readable();
        for name in self.at(path.clone()).tree_path().segments() {
            standing = standing.step(name);
            opens |= standing.is_readable();
        }
        opens
    }

    /// How many names the home has.
    pub(super) fn home_depth(&self) -> usize {
        self.0.as_ref().map_or(0, |limits| limits.home.segments().count())
    }
}

/// How far a walk from the top has come in the rules of a view.
#[derive(Clone, Debug)]
pub struct Standing {
    view: View,
    /// The rules below, if there are any.
    at: Option<usize>,
    access: Access,
}

impl Standing {
    /// At the top of the whole tree.
    pub(super) fn top(view: &View) -> Self {
        let access =
            view.0.as_ref().map_or(Access::Write, |limits| limits.rules[0].access.unwrap_or(Access::Hide));
        Self { view: view.clone(), at: view.0.is_some().then_some(0), access }
    }

    /// At the end of `path`, which begins here.
    #[must_use]
    pub(super) fn along(&self, path: &VPath) -> Self {
        path.segments().fold(self.clone(), |standing, name| standing.step(name))
    }

    /// At the child called `name`.
    #[must_use]
    pub(super) fn step(&self, name: &str) -> Self {
        let Some((limits, at)) = self.view.0.as_ref().zip(self.at) else { return self.clone() };
        let at = limits.rules[at].children.get(&*fold(name)).copied();
        let access = at.and_then(|at| limits.rules[at].access).unwrap_or(self.access);
        Self { view: self.view.clone(), at, access }
    }

    /// Whether a node that stands here is there for the user.
    ///
    /// A hidden folder is, if something below it may be read: it shows then what leads there and nothing else.
    pub(super) fn shows(&self, is_folder: bool) -> bool {
        self.is_readable() || (is_folder && self.leads_on())
    }

    /// Whether the user may change what stands here.
    pub(super) fn is_writable(&self) -> bool {
        self.access == Access::Write
    }

    /// Whether the user may change what stands here or something below it.
    pub(super) fn may_write_somewhere(&self) -> bool {
        self.is_writable() || !self.all_below(|access| access != Access::Write)
    }

    /// Whether the user may change what stands here and everything below it.
    pub(super) fn is_writable_throughout(&self) -> bool {
        self.is_writable() && self.all_below(|access| access == Access::Write)
    }

    /// Whether the user may read what stands here and everything below it.
    pub(super) fn is_readable_throughout(&self) -> bool {
        self.is_readable() && self.all_below(|access| access != Access::Hide)
    }

    fn all_below(&self, test: impl Fn(Access) -> bool + Copy) -> bool {
        fn all(limits: &Limits, at: usize, test: impl Fn(Access) -> bool + Copy) -> bool {
            let passes =
                |&child: &usize| limits.rules[child].access.is_none_or(test) && all(limits, child, test);
            limits.rules[at].children.values().all(passes)
        }
        self.view.0.as_ref().zip(self.at).is_none_or(|(limits, at)| all(limits, at, test))
    }

    fn is_readable(&self) -> bool {
        self.access != Access::Hide
    }

    fn leads_on(&self) -> bool {
        self.view.0.as_ref().zip(self.at).is_some_and(|(limits, at)| limits.rules[at].leads_on)
    }

    /// Whether everything below is there for the user as well.
    fn shows_all(&self) -> bool {
        let is_last = |(limits, at): (&Arc<Limits>, usize)| limits.rules[at].children.is_empty();
        self.is_readable() && self.view.0.as_ref().zip(self.at).is_none_or(is_last)
    }
}

impl Folder {
    /// All children of a folder.
    #[cfg(test)]
    pub(crate) fn whole(node: NodeRef, listing: Arc<Listing>) -> Self {
        Self { node, listing, standing: Standing::top(&View::whole()) }
    }

    /// Whether every child is there for the user. So it is for most, who need not look at each.
    pub fn shows_all(&self) -> bool {
        self.standing.shows_all()
    }

    /// Whether this child is there for the user.
    pub fn shows(&self, child: &Node) -> bool {
        self.shows_all() || self.standing.step(&child.name).shows(child.is_folder())
    }

    /// The children that are there for the user.
    pub fn shown(&self) -> impl Iterator<Item = &Node> {
        let all = self.shows_all();
        self.listing.nodes().iter().filter(move |node| all || self.shows(node))
    }
}

/// The same for all spellings of a name that can lead to one node: decomposed, and as Windows has to spell it.
///
/// Names that only differ in these count as one to a rule, so a hidden name has no twin that is not.
pub(super) fn fold(name: &str) -> Cow<'_, str> {
    if name.is_ascii() {
        return NameFold::for_windows(name);
    }
    let decomposed: String = name.nfd().collect();
    match NameFold::for_windows(&decomposed) {
        Cow::Owned(folded) => Cow::Owned(folded),
        Cow::Borrowed(_) => Cow::Owned(decomposed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> VPath {
        VPath::parse(text).unwrap()
    }

    fn view(rules: &[(&str, Access)]) -> View {
        let rules: Vec<Rule> =
            rules.iter().map(|&(text, access)| Rule { path: path(text), access }).collect();
        View::new(VPath::root(), Some(&rules))
    }

    fn shows(view: &View, text: &str, is_folder: bool) -> bool {
        let path = path(text);
        path.segments().fold(Standing::top(view), |standing, name| standing.step(name)).shows(is_folder)
    }

    #[test]
    fn the_longest_rule_counts_and_what_none_covers_is_hidden() {
        let view = view(&[
            ("/", Access::Read),
            ("/films", Access::Hide),
            ("/films/kids", Access::Write),
            ("/films/kids/not yet", Access::Hide),
        ]);
        for (path, expected) in [
            ("/", true),
            ("/music", true),
            ("/filmsX", true),
            ("/films/other", false),
            ("/films/kids", true),
            ("/films/kids/a/b", true),
            ("/films/kids/not yet", false),
            ("/films/kids/not yet/a", false),
        ] {
            assert_eq!(shows(&view, path, true), expected, "{path}");
        }
        assert!(shows(&view, "/films", true), "it leads to what may be read");
        assert!(!shows(&view, "/films", false), "a file leads nowhere");
        let few = self::view(&[("/a/b", Access::Read)]);
        assert!(shows(&few, "/", true) && shows(&few, "/a", true) && shows(&few, "/a/b/c", false));
        assert!(!shows(&few, "/b", true) && !shows(&few, "/a/c", true));
        assert!(shows(&View::whole(), "/anything", false));
    }

    #[test]
    fn a_rule_covers_every_spelling_of_its_name() {
        for spelling in ["caf\u{e9}: a?", "cafe\u{301}: a?", "caf\u{e9}： a？", "cafe\u{301}： a?"] {
            let view = view(&[("/", Access::Read), (&format!("/{spelling}"), Access::Hide)]);
            for name in ["caf\u{e9}: a?", "cafe\u{301}： a？"] {
                assert!(!shows(&view, &format!("/{name}"), true), "{spelling:?} {name:?}");
            }
            assert!(shows(&view, "/cafe: a?", true));
        }
        let stroke = view(&[("/", Access::Read), ("/\u{ff1c}\u{338}", Access::Hide)]);
        assert!(!shows(&stroke, "/\u{226e}", true));
    }

    #[test]
    fn only_what_a_rule_lets_be_read_is_open_by_its_text() {
        let view = view(&[("/pub", Access::Read), ("/pub/x", Access::Hide), ("/b", Access::Hide)]);
        for (text, expected) in
            [("/", false), ("/pub", true), ("/pub/x/y", true), ("/pubs", false), ("/b/c", false)]
        {
            assert_eq!(view.opens(&path(text)), expected, "{text}");
        }
    }

    #[test]
    fn who_may_change_a_folder_may_not_change_all_below_it() {
        let view = view(&[("/", Access::Write), ("/a/x", Access::Read), ("/b/y/z", Access::Hide)]);
        for (text, writable, throughout, readable) in [
            ("/", true, false, false),
            ("/a", true, false, true),
            ("/a/x", false, false, true),
            ("/b", true, false, false),
            ("/b/y/z", false, false, false),
            ("/c", true, true, true),
        ] {
            let standing = Standing::top(&view).along(&path(text));
            assert_eq!(standing.is_writable(), writable, "{text}");
            assert_eq!(standing.is_writable_throughout(), throughout, "{text}");
            assert_eq!(standing.is_readable_throughout(), readable, "{text}");
        }
        assert!(Standing::top(&View::whole()).is_writable_throughout());
    }

    #[test]
    fn a_home_is_put_in_front_of_a_path() {
        let view = View::new(path("/kids"), None);
        let at = view.at(path("/a")).join("b").unwrap();
        assert_eq!((at.path().as_str(), at.tree_path().as_str()), ("/a/b", "/kids/a/b"));
        assert_eq!(view.at(VPath::root()).tree_path().as_str(), "/kids");
        assert_eq!(View::whole().at(path("/a")).tree_path().as_str(), "/a");
    }
}
