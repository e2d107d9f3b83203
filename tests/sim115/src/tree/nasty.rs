//! The tree of names and constellations that break careless clients (protocol notes, reading part, §3.3 and §10.8).

use bytes::Bytes;

use super::{ROOT, TreeState};
use crate::content::Content;

/// Names that are each legal on 115 and each wrong in some path, URL, XML or shell.
const NAMES: [&str; 40] = [
    "with/slash.txt",
    "/leading slash",
    "back\\slash.txt",
    ". ",
    ".",
    "..",
    "...",
    " leading blank.txt",
    "trailing blank.txt ",
    "  ",
    "trailing dot.",
    "100%.txt",
    "%41.txt",
    "%2F.txt",
    "%zz.txt",
    "a+b.txt",
    "a&b.txt",
    "a#b.txt",
    "a?b=c.txt",
    "a;b.txt",
    "a:b.txt",
    "a*b|c.txt",
    "it's.txt",
    "[brackets] {braces}.txt",
    "tab\there.txt",
    "&amp;.txt",
    "]]>.txt",
    "~tilde^caret`.txt",
    "$HOME.txt",
    "=1+1.csv",
    ".hidden",
    "CON",
    "👍🏽 skin tone.txt",
    "𠀀𠀁 four bytes.txt",
    "[\u{2}128074] reference.txt",
    "half a reference [\u{2}128074",
    "right-to-left \u{202e}txt.exe",
    "zero\u{200b}width.txt",
    "Straße İstanbul.txt",
    "non\u{a0}breaking.txt",
];

/// Fills an empty tree.
pub(super) fn fill(tree: &mut TreeState) {
    tree.add_system_folder("云下载");
    names(tree);
    duplicates(tree);
    let normal = tree.add_folder(ROOT, "normal forms");
    small(tree, normal, "caf\u{e9}.txt");
    small(tree, normal, "cafe\u{301}.txt");
    small(tree, normal, "が.txt");
    small(tree, normal, "か\u{3099}.txt");
    let cases = tree.add_folder(ROOT, "cases");
    for name in ["README.txt", "Readme.txt", "readme.txt"] {
        small(tree, cases, name);
    }
    let long = tree.add_folder(ROOT, "long names");
    small(tree, long, &"长".repeat(255));
    let folder = tree.add_folder(long, &"夹".repeat(255));
    small(tree, folder, &format!("{}.txt", "🦀".repeat(100)));
    let sizes = tree.add_folder(ROOT, "sizes");
    for size in [0_u64, 1, 2, 4095, 4096, 4097, 65_535, 65_536, 1_000_000] {
        tree.add_file_sized(sizes, &format!("{size}.bin"), size);
    }
    let marked = tree.add_folder(ROOT, "marked");
    small(tree, marked, "a first.txt");
    let pinned = small(tree, marked, "z pinned.txt");
    tree.set_pinned(pinned, true);
    let refused = small(tree, marked, "violating.mp4");
    tree.set_violating(refused, true);
    let mut deep = tree.add_folder(ROOT, "deep");
    for level in 1..=24 {
        deep = tree.add_folder(deep, &format!("层{level}"));
    }
    small(tree, deep, "bottom.txt");
    tree.add_folder(ROOT, "空");
}

/// Every nasty name once as a file and once as a folder with a file in it.
fn names(tree: &mut TreeState) {
    let files = tree.add_folder(ROOT, "files");
    let folders = tree.add_folder(ROOT, "folders");
    for name in NAMES {
        small(tree, files, name);
        let folder = tree.add_folder(folders, name);
        small(tree, folder, "inside.txt");
    }
}

/// The three ways a name can repeat within one folder.
fn duplicates(tree: &mut TreeState) {
    let folder = tree.add_folder(ROOT, "duplicates");
    small(tree, folder, "twice.txt");
    small(tree, folder, "twice.txt");
    small(tree, folder, "twice (1).txt");
    small(tree, folder, "thrice.mkv");
    small(tree, folder, "thrice.mkv");
    small(tree, folder, "thrice.mkv");
    small(tree, folder, "both");
    for _ in 0..2 {
        let twin = tree.add_folder(folder, "twin");
        small(tree, twin, "same.txt");
    }
    let both = tree.add_folder(folder, "both");
    small(tree, both, "same.txt");
}

/// A file whose text tells it from every other.
fn small(tree: &mut TreeState, folder: u64, name: &str) -> u64 {
    let words = format!("file number {} in folder {folder}\n", tree.len());
    tree.add_file(folder, name, Content::Bytes(Bytes::from(words)))
}
