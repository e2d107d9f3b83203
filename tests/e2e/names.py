#!/usr/bin/env python3
"""A tree of small files with the names that sync programs come across, and what is done to it.

Commands: `make PLACE COUNT` (COUNT files), `rename PLACE` (half of them get another name, extension or folder),
`halve PLACE` (half of them are removed), `list PLACE` and `sha1 PLACE` (as those of `tree.py`; with `quoted` behind it,
as they are shown when rclone has written them: it puts the quote in front of the picture of a control character that
stands in a name of its own, so that the picture itself is stored).
Nothing is left to chance: the same command makes the same tree.
"""

import hashlib
import os
import re
import shutil
import sys
import unicodedata

# What 115 and WebDAV are known to stumble over; {} is the number of the file.
NAMES = [
    "plain {}.txt",
    "电影 第{}集.mkv",
    "emoji 😀👨\u200d👩\u200d👧 {}.jpg",
    "100% {} %41%2F.txt",
    "a+b {} +.txt",
    "#tag {} #.md",
    "\"quoted\" 'single' {}.txt",
    "<angle> |pipe| {}.htm",
    "what? star* colon: {}.txt",
    " blank in front {}.txt",
    "blank at the end {}.txt ",
    "two  blanks  {}.txt",
    "wide ／ ＼ ＂＜＞ ｜？＊： {}.txt",
    "pictures ␀ ␉ ␡ {}.txt",
    ".hidden {}",
    ".dotted{}.conf",
    "no extension {}",
    "final dot {}.",
    "final dots {}..",
    "many.dots.{}.tar.gz",
    "amp & &amp; &lt; {}.xml",
    "semicolon; comma, {}=x.txt",
    "brackets [{}] {{x}} (1).txt",
    "[128512] {}.txt",
    "tilde~ back`tick $HOME {}.sh",
    "kana ガギグ é {}.txt",
    "Ünïcödé ß İ ı {}.TXT",
    "العربية עברית {}.txt",
    "zero\u200bwidth \u00a0nbsp {}.txt",
    "caret ^ at @ excl ! {}.txt",
]
FOLDERS = [
    "",
    "电影/第 1 季",
    " blank ",
    "100% #1 + ?*|:",
    "\"<>\"",
    "wide ＂＜＞／",
    "dots..",
    "深/" * 6 + "底",
    "emoji 🎬",
    ".hidden",
]
EXTENSIONS = [".dat", ".new", "", ".b c", ".电影"]


def write(path, content):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(content)


def make(place, count):
    composed = unicodedata.normalize("NFC", "née ガ.txt")
    special = [
        "one name/" + composed,
        "one name/" + unicodedata.normalize("NFD", composed),
        "long names/" + "x" * 251 + ".txt",
        "long names/" + "长" * 83 + ".txt",
        "long names/" + "y" * 255,
        "case/Same.txt",
        "case/same.txt",
        "empty/nothing at all",
        "empty/nothing.txt",
    ]
    for path in special:
        write(f"{place}/{path}", "" if path.startswith("empty/") else f"content of {path}\n")
    for number in range(count - len(special)):
        name = NAMES[number % len(NAMES)].format(number)
        folder = FOLDERS[number // len(NAMES) % len(FOLDERS)]
        write(f"{place}/{folder}/{name}", f"file {number} {'.' * (number % 97)}\n")


def files(place):
    found = []
    for folder, _, names in os.walk(place):
        found += [os.path.relpath(os.path.join(folder, name), place) for name in names]
    return sorted(found, key=str.encode)


def rename(place):
    for number, path in enumerate(files(place)):
        if number % 2:
            continue
        folder, name = os.path.split(path)
        stem, _, extension = name.rpartition(".")
        kind = number // 2 % 3
        if kind == 0:
            # What is long already is only shortened.
            target = os.path.join(folder, f"renamed {number}.{extension}"[:60] if stem else f"renamed {number}")
        elif kind == 1:
            target = os.path.join(folder, f"{(stem or name)[:60]} {number}{EXTENSIONS[number % len(EXTENSIONS)]}")
        else:
            target = os.path.join("moved", f"to {number % 7}", name)
        os.makedirs(os.path.join(place, os.path.dirname(target)), exist_ok=True)
        os.rename(os.path.join(place, path), os.path.join(place, target))


def halve(place):
    for number, path in enumerate(files(place)):
        if number % 2:
            os.remove(os.path.join(place, path))
    # Whole folders as well.
    for folder in ["emoji 🎬", "moved/to 3"]:
        shutil.rmtree(os.path.join(place, folder), ignore_errors=True)
    for folder, _, _ in os.walk(place, topdown=False):
        if folder != place and not os.listdir(folder):
            os.rmdir(folder)


def print_all(place, command, is_quoted):
    def written(path):
        return re.sub("[\u2401-\u241f\u2421]", "\u201b\\g<0>", path) if is_quoted else path

    lines = []
    for folder, names_of_folders, names in os.walk(place):
        below = os.path.relpath(folder, place) + "/"
        below = "" if below == "./" else below
        if command == "list":
            lines += [(written(f"{below}{name}/"),) * 2 for name in names_of_folders]
            lines += [(written(below + name),) * 2 for name in names]
            continue
        for name in names:
            with open(os.path.join(folder, name), "rb") as file:
                path = written(below + name)
                lines.append((path, f"{hashlib.sha1(file.read()).hexdigest()}  {path}"))
    lines.sort(key=lambda line: line[0].encode())
    sys.stdout.buffer.write("".join(f"{line}\n" for _, line in lines).encode())


def main():
    command, place, *rest = sys.argv[1:]
    if command == "make":
        make(place, int(rest[0]))
    elif command == "rename":
        rename(place)
    elif command == "halve":
        halve(place)
    else:
        print_all(place, command, rest == ["quoted"])


if __name__ == "__main__":
    main()
