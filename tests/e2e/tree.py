#!/usr/bin/env python3
"""What a simulated 115 holds, under the names the gateway should show.

The naming rules are written down here once more, on purpose, from their description alone:
a character that a path cannot hold becomes its twin, a name that holds such a twin already gets the quote in front of it,
the quote in front of a wide ", < or > means the plain one, which 115 refuses in new names,
and of several children of the same name all but the oldest get their id.

Commands: `list` (as `rclone lsf -R`), `sha1` (as `rclone sha1sum`), `sizes` (size, tab, path), `ids` (id, size, path).
A share code behind the command stands for the tree of that share, `user=NAME` for that of another user than the first. Only `list` tells of folders. `sha1` leaves out what the simulator has no true hash of.
"""

import json
import re
import sys
import urllib.request

QUOTE = "\u201b"
TWIN = {chr(code): chr(0x2400 + code) for code in range(0x20)} | {"/": "\uff0f", "\\": "\uff3c", "\x7f": "\u2421"}
TWINS = set(TWIN.values()) | {QUOTE}
REFUSED = {"\uff02": '"', "\uff1c": "<", "\uff1e": ">"}
DOTS = {".": "\uff0e", "..": "\uff0e\uff0e"}


def resolved(name):
    """115 writes characters outside of the basic plane as references: [, U+0002, code point, ]."""

    def character(match):
        code = int(match[1])
        is_one = code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF
        return chr(code) if is_one else match[0]

    return re.sub("\\[\x02([0-9]+)\\]", character, name)


def shown(name):
    """The name as a path can hold it."""
    name = resolved(name)
    if name == "":
        return QUOTE
    if name in DOTS:
        return DOTS[name]
    if name in DOTS.values():
        return QUOTE + name

    def part(match):
        text = match[0]
        if len(text) == 2:
            return REFUSED[text[1]]
        return (QUOTE if text in TWINS else "") + TWIN.get(text, text)

    return re.sub(f"{QUOTE}[{''.join(REFUSED)}]|.", part, name, flags=re.DOTALL)


def with_id(node, name):
    stem, dot, extension = name.rpartition(".")
    if node["kind"] == "file" and stem:
        return f"{stem} [{node['id']}]{dot}{extension}"
    return f"{name} [{node['id']}]"


def told_apart(children):
    """Names for the children of one folder: (node, name) pairs."""
    names = {node["id"]: shown(node["name"]) for node in children}
    oldest_first = sorted(children, key=lambda node: int(node["id"]))
    while True:
        taken, later = set(), []
        for node in oldest_first:
            name = names[node["id"]]
            if name in taken:
                later.append(node)
            taken.add(name)
        if not later:
            return [(node, names[node["id"]]) for node in children]
        for node in later:
            names[node["id"]] = with_id(node, names[node["id"]])


def walk(nodes):
    """(path, node) of everything, the path without a slash in front."""
    below = {}
    for node in nodes:
        below.setdefault(node["parent"], []).append(node)
    todo = [("", "0")]
    while todo:
        prefix, folder = todo.pop()
        for node, name in told_apart(below.get(folder, [])):
            yield prefix + name, node
            if node["kind"] == "folder":
                todo.append((f"{prefix}{name}/", node["id"]))


def main():
    base, command, *places = sys.argv[1:]
    of_whom = "".join(f"&{place}" if place.startswith("user=") else f"&share={place}" for place in places)
    with urllib.request.urlopen(f"{base}/__sim/tree?format=json{of_whom}") as answer:
        nodes = json.load(answer)["nodes"]
    lines = []
    for path, node in walk(nodes):
        is_folder = node["kind"] == "folder"
        if command == "list":
            lines.append(path + "/" if is_folder else path)
        elif is_folder:
            continue
        elif command == "sizes":
            lines.append(f"{node['size']}\t{path}")
        elif command == "ids":
            lines.append(f"{node['id']}\t{node['size']}\t{path}")
        elif command == "sha1" and node["sha1_is_true"] and not node["violating"]:
            lines.append(f"{node['sha1'].lower()}  {path}")
        elif command == "stated":
            lines.append(f"{node['sha1'].lower()}  {path}")
    # By path, as `sort` puts the same lines of a client.
    lines.sort(key=lambda line: re.sub("^[^ \t]*(  |\t)", "", line).encode() if command not in ("list", "ids") else line.encode())
    sys.stdout.buffer.write("".join(f"{line}\n" for line in lines).encode())


if __name__ == "__main__":
    main()
