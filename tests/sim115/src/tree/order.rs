//! The orders a folder can be listed in.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::iter::Peekable;
use std::str::Chars;
use std::sync::Arc;

use super::{SimNode, extension};

/// What a listing is sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum SortKey {
    Name,
    Size,
    Type,
    Modified,
    Created,
    Opened,
}

impl SortKey {
    /// The key of a value of the parameter `o`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "file_name" => Self::Name,
            "file_size" => Self::Size,
            "file_type" => Self::Type,
            "user_utime" => Self::Modified,
            "user_ptime" => Self::Created,
            "user_otime" => Self::Opened,
            _ => return None,
        })
    }

    /// The value the service reports for this key.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Name => "file_name",
            Self::Size => "file_size",
            Self::Type => "file_type",
            Self::Modified => "user_utime",
            Self::Created => "user_ptime",
            Self::Opened => "user_otime",
        }
    }
}

/// A complete order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Order {
    pub(crate) key: SortKey,
    pub(crate) ascending: bool,
    /// Folders among the files instead of before them.
    pub(crate) mixed: bool,
    /// Pinned nodes before all others.
    pub(crate) pinned_first: bool,
}

/// Sorts nodes; the id settles what the key leaves open, so that pages never overlap.
pub(crate) fn sorted(mut found: Vec<&SimNode>, order: Order) -> Arc<[u64]> {
    found.sort_by(|one, two| {
        let pinned = if order.pinned_first { two.pinned.cmp(&one.pinned) } else { Ordering::Equal };
        let placed = if order.mixed {
            Ordering::Equal
        } else {
            two.system.cmp(&one.system).then(two.is_folder().cmp(&one.is_folder()))
        };
        let keyed = by_key(one, two, order.key);
        let keyed = if order.ascending { keyed } else { keyed.reverse() };
        pinned.then(placed).then(keyed).then(one.id.cmp(&two.id))
    });
    found.iter().map(|node| node.id).collect()
}

fn by_key(one: &SimNode, two: &SimNode, key: SortKey) -> Ordering {
    match key {
        SortKey::Name => natural(&one.name, &two.name),
        SortKey::Size => one.size().cmp(&two.size()),
        SortKey::Type => extension(&one.name).cmp(&extension(&two.name)),
        SortKey::Modified => one.modified.cmp(&two.modified),
        SortKey::Created => one.created.cmp(&two.created),
        SortKey::Opened => one.opened.cmp(&two.opened),
    }
}

/// Compares names as people count: runs of digits by their value, letters without case.
fn natural(one: &str, two: &str) -> Ordering {
    let (mut one_rest, mut two_rest) = (one.chars().peekable(), two.chars().peekable());
    loop {
        let verdict = match (one_rest.peek().copied(), two_rest.peek().copied()) {
            (None, None) => return one.cmp(two),
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(left), Some(right)) if left.is_ascii_digit() && right.is_ascii_digit() => {
                let (left, right) = (digits(&mut one_rest), digits(&mut two_rest));
                left.len().cmp(&right.len()).then_with(|| left.cmp(&right))
            }
            (Some(left), Some(right)) => {
                one_rest.next();
                two_rest.next();
                left.to_lowercase().cmp(right.to_lowercase())
            }
        };
        if verdict != Ordering::Equal {
            return verdict;
        }
    }
}

/// The next run of digits without its leading zeros, so that a longer run is a larger number.
fn digits(rest: &mut Peekable<Chars<'_>>) -> String {
    let mut run = String::new();
    while let Some(digit) = rest.next_if(char::is_ascii_digit) {
        if digit != '0' || !run.is_empty() {
            run.push(digit);
        }
    }
    run
}

/// What was sorted, in which order, and whether at any depth.
type OrderKey = (u64, Order, bool);

/// Sorted listings kept until the tree is edited.
#[derive(Debug, Default)]
pub(crate) struct Orders {
    kept: HashMap<OrderKey, Arc<[u64]>>,
}

impl Orders {
    pub(crate) fn get(&self, folder: u64, order: Order, deep: bool) -> Option<Arc<[u64]>> {
        self.kept.get(&(folder, order, deep)).map(Arc::clone)
    }

    pub(crate) fn keep(&mut self, folder: u64, order: Order, deep: bool, sorted: Arc<[u64]>) {
        self.kept.insert((folder, order, deep), sorted);
    }

    /// Drops the listings sorted by one key.
    pub(crate) fn forget(&mut self, key: SortKey) {
        self.kept.retain(|(_, order, _), _| order.key != key);
    }

    pub(crate) fn clear(&mut self) {
        self.kept.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_compare_as_people_count() {
        let mut names = vec!["b", "file10", "File9", "file09", "a", "第2集", "第10集"];
        names.sort_by(|one, two| natural(one, two));
        assert_eq!(names, ["a", "b", "File9", "file09", "file10", "第2集", "第10集"]);
    }
}
