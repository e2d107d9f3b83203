#!/usr/bin/env python3
"""Renders what a terminal shows, as pixels, for a reader of QR codes.

Reads the lines of `tmux capture-pane -p -e` from standard input and writes a PGM picture to standard output.
The first argument is the terminal's own background, `dark` or `light`, which matters where no colours are stated.
The second may be `blurred`: the picture of a camera that does not see the strokes of a character.
"""

import re
import sys

CELL_WIDTH, CELL_HEIGHT = 8, 16
# The strokes of a `#` leave a good part of its cell as background.
HASH = [[x in (2, 5) or y in (5, 6, 10, 11) for x in range(CELL_WIDTH)] for y in range(CELL_HEIGHT)]


def inked(character):
    """Which pixels of a cell have the colour of the character."""
    if character == " ":
        rows = lambda x, y: False
    elif character == "█":
        rows = lambda x, y: True
    elif character == "▀":
        rows = lambda x, y: y < CELL_HEIGHT // 2
    elif character == "▄":
        rows = lambda x, y: y >= CELL_HEIGHT // 2
    elif character == "#":
        rows = lambda x, y: HASH[y][x]
    else:
        # Any other character: some strokes.
        rows = lambda x, y: 2 <= x < 5 and 4 <= y < 12 and (x + y) % 3 == 0
    return [[rows(x, y) for x in range(CELL_WIDTH)] for y in range(CELL_HEIGHT)]


def grey(number):
    """Of the 256 colours only those in use here are known."""
    return {16: 0, 231: 255}[number]


def blurred(pixels, width):
    """Squares of the width of a cell, each of one grey."""
    out = bytearray(pixels)
    for top in range(0, len(pixels) // width, CELL_WIDTH):
        for left in range(0, width, CELL_WIDTH):
            rows = [slice(y * width + left, y * width + left + CELL_WIDTH) for y in range(top, top + CELL_WIDTH)]
            mean = sum(sum(pixels[row]) for row in rows) // CELL_WIDTH**2
            for row in rows:
                out[row] = bytes([mean]) * CELL_WIDTH
    return out


def main():
    ink, paper = {"dark": (200, 20), "light": (20, 240)}[sys.argv[1]]
    lines = []
    # Colours go on from line to line.
    colour, ground = ink, paper
    for line in sys.stdin.read().split("\n"):
        cells = []
        for escape, character in re.findall(r"\x1b\[([0-9;]*)m|(.)", line):
            if character:
                cells.append((character, colour, ground))
                continue
            codes = [int(code or 0) for code in escape.split(";")]
            while codes:
                code = codes.pop(0)
                if code in (38, 48):
                    assert codes.pop(0) == 5, escape
                    value = grey(codes.pop(0))
                    colour, ground = (value, ground) if code == 38 else (colour, value)
                elif code == 39:
                    colour = ink
                elif code == 49:
                    ground = paper
                elif code == 0:
                    colour, ground = ink, paper
        lines.append(cells)
    width = max(len(cells) for cells in lines) + 2
    pixels = bytearray()
    for cells in lines:
        cells = [(" ", ink, paper)] + cells + [(" ", ink, paper)] * (width - 1 - len(cells))
        shapes = [(inked(character), front, back) for character, front, back in cells]
        for y in range(CELL_HEIGHT):
            for shape, front, back in shapes:
                pixels += bytes(front if shape[y][x] else back for x in range(CELL_WIDTH))
    if "blurred" in sys.argv[2:]:
        pixels = blurred(pixels, width * CELL_WIDTH)
    sys.stdout.buffer.write(b"P5\n%d %d\n255\n" % (width * CELL_WIDTH, len(lines) * CELL_HEIGHT) + pixels)


main()
