//! The trees a simulator can start with.

use std::fmt;
use std::str::FromStr;

use bytes::Bytes;

use super::{ROOT, TreeState, nasty, picture};
use crate::content::Content;

/// How many contents the large trees share among their files, so that hashing them costs next to nothing.
const SHARED_CONTENTS: u64 = 64;

/// The size of the one big file of the demo tree.
const FILM_BYTES: u64 = 4 << 30;

/// A tree to start with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Tree {
    /// A small hand-made drive with one film of 4 GiB.
    #[default]
    Demo,
    /// The same without the film, for whole copies: below 10 MB.
    DemoSmall,
    /// Names and constellations that break careless clients.
    Nasty,
    /// One folder `flat` with this many files in it.
    Flat(usize),
    /// `folders` folders at the root with `files` files in each.
    Grid {
        /// How many folders.
        folders: usize,
        /// How many files in each.
        files: usize,
    },
    /// Nothing but the root.
    Empty,
}

impl FromStr for Tree {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = |digits: &str| digits.parse::<usize>().map_err(|error| format!("`{text}`: {error}"));
        match text {
            "demo" => Ok(Self::Demo),
            "demo-small" => Ok(Self::DemoSmall),
            "nasty" => Ok(Self::Nasty),
            "empty" => Ok(Self::Empty),
            _ => match (text.strip_prefix("flat:"), text.split_once('x')) {
                (Some(files), _) => Ok(Self::Flat(number(files)?)),
                (None, Some((folders, files))) => {
                    Ok(Self::Grid { folders: number(folders)?, files: number(files)? })
                }
                (None, None) => Err(format!(
                    "`{text}` is none of demo, demo-small, nasty, empty, flat:<files>, <folders>x<files>"
                )),
            },
        }
    }
}

impl fmt::Display for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Demo => f.write_str("demo"),
            Self::DemoSmall => f.write_str("demo-small"),
            Self::Nasty => f.write_str("nasty"),
            Self::Flat(files) => write!(f, "flat:{files}"),
            Self::Grid { folders, files } => write!(f, "{folders}x{files}"),
            Self::Empty => f.write_str("empty"),
        }
    }
}

/// Fills an empty tree.
pub(super) fn fill(tree: &mut TreeState, kind: &Tree) {
    match kind {
        Tree::Demo => demo(tree, true),
        Tree::DemoSmall => demo(tree, false),
        Tree::Nasty => nasty::fill(tree),
        Tree::Flat(files) => {
            let folder = tree.add_folder(ROOT, "flat");
            fill_folder(tree, folder, *files, 0);
        }
        Tree::Grid { folders, files } => {
            for number in 0..*folders {
                let folder = tree.add_folder(ROOT, &format!("folder-{number:04}"));
                fill_folder(tree, folder, *files, number);
            }
        }
        Tree::Empty => {}
    }
}

/// Adds numbered files whose contents are drawn in turn from the shared ones.
fn fill_folder(tree: &mut TreeState, folder: u64, files: usize, first: usize) {
    let mut draw = crate::num::long(first) % SHARED_CONTENTS;
    for number in 0..files {
        // Sizes of 1 to 64 KiB, each off a round number so that no two ends fall together.
        let content = Content::Rule { seed: 1000 + draw, size: (draw + 1) * 1024 - draw % 7 };
        tree.add_file(folder, &format!("file-{number:05}.bin"), content);
        draw = (draw + 1) % SHARED_CONTENTS;
    }
}

/// A literal text.
fn text(words: &str) -> Content {
    Content::Bytes(Bytes::copy_from_slice(words.as_bytes()))
}

fn demo(tree: &mut TreeState, with_film: bool) {
    let films = tree.add_folder(ROOT, "电影");
    let wandering = tree.add_folder(films, "流浪地球 (2019)");
    tree.add_file(wandering, "流浪地球 (2019).zh.srt", text(SUBTITLES));
    tree.add_file(wandering, "poster.png", Content::Bytes(picture::gradient(120, 180, 96)));
    if with_film {
        tree.add_file(wandering, "流浪地球 (2019).mkv", Content::Rule { seed: 2019, size: FILM_BYTES });
    }
    let series = tree.add_folder(ROOT, "剧集");
    let show = tree.add_folder(series, "三体");
    let season = tree.add_folder(show, "Season 01");
    for episode in 1_u64..=8 {
        let content = Content::Rule { seed: 300 + episode, size: 512 * 1024 + episode * 101 };
        tree.add_file(season, &format!("三体 S01E{episode:02}.mp4"), content);
    }
    let music = tree.add_folder(ROOT, "Music");
    let album = tree.add_folder(music, "🎵 Live & Loud #1");
    for track in 1_u64..=3 {
        let content = Content::Rule { seed: 700 + track, size: 300 * 1024 + track * 37 };
        tree.add_file(album, &format!("{track:02} – Ça ira 100%.flac"), content);
    }
    let documents = tree.add_folder(ROOT, "Documents");
    tree.add_file(
        documents,
        "README.txt",
        text("This drive is simulated. Every byte of it is made by rule.\n"),
    );
    tree.add_file(documents, "笔记.md", text("# 笔记\n\n- 第一条\n- 第二条 👍\n"));
    tree.add_file(
        documents,
        "report 2024.html",
        text("<!doctype html><title>Report</title><p>Nothing to report.\n"),
    );
    tree.add_file(documents, "data.json", text("{\"answer\": 42}\n"));
    tree.add_file(documents, "empty.txt", Content::Bytes(Bytes::new()));
    let pictures = tree.add_folder(ROOT, "照片 📷");
    let year = tree.add_folder(pictures, "2024");
    for (name, tint) in [("海.png", 200), ("mountain.png", 40), ("🌸.png", 128)] {
        tree.add_file(year, name, Content::Bytes(picture::gradient(320, 200, tint)));
    }
    tree.add_folder(ROOT, "空文件夹");
    let mut deep = tree.add_folder(ROOT, "deep");
    for level in 1..=8 {
        deep = tree.add_folder(deep, &format!("level {level}"));
    }
    tree.add_file(deep, "bottom.txt", text("You reached the bottom.\n"));
    tree.add_file(ROOT, "hello.txt", text("hello from the simulated drive\n"));
}

const SUBTITLES: &str =
    "1\n00:00:01,000 --> 00:00:03,500\n道路千万条\n\n2\n00:00:03,600 --> 00:00:06,000\n安全第一条\n";
