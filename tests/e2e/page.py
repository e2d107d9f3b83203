#!/usr/bin/env python3
"""Reads an index page, as a browser has understood it, from standard input.

    page.py entries FOLDER    prints "text, tab, decoded address below FOLDER" of every entry but the parent, sorted
    page.py addresses         prints the address of every file as it stands there
    page.py problems          prints what should not be there: scripts, anything from elsewhere, files before folders
"""

import sys
from html.parser import HTMLParser
from urllib.parse import unquote


class Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.entries, self.problems = [], []
        self.link, self.in_table = None, False

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "table":
            self.in_table = True
        if tag == "a":
            self.link = [attributes["href"], "", attributes.get("rel")]
        if tag in ("script", "img", "link", "iframe", "object", "form", "base"):
            self.problems.append(f"<{tag}>")
        for name, value in attributes.items():
            if name.startswith("on") or (name in ("src", "href") and not value.startswith("/")):
                self.problems.append(f"{name}={value}")

    def handle_endtag(self, tag):
        if tag == "a" and self.link and self.in_table and self.link[2] != "up":
            self.entries.append((self.link[1], self.link[0]))
        if tag == "a":
            self.link = None
        if tag == "table":
            self.in_table = False

    def handle_data(self, data):
        if self.link:
            self.link[1] += data


def main():
    page = Page()
    page.feed(sys.stdin.buffer.read().decode())
    if sys.argv[1] == "entries":
        folder = sys.argv[2]
        found = sorted(f"{text}\t{unquote(href).removeprefix(folder)}" for text, href in page.entries)
        sys.stdout.buffer.write("".join(f"{line}\n" for line in found).encode())
    elif sys.argv[1] == "addresses":
        for _, href in page.entries:
            if not href.endswith("/"):
                print(href)
    else:
        kinds = [href.endswith("/") for _, href in page.entries]
        if kinds != sorted(kinds, reverse=True):
            page.problems.append("a file stands before a folder")
        print("\n".join(page.problems), end="")


if __name__ == "__main__":
    main()
