#!/usr/bin/env python3
"""Ranges of a large file, picked by a seed, and the SHA-1 of what is in them.

    ranges.py pick SEED COUNT SIZE       prints "offset length" lines, in no order
    ranges.py stream RANGES < content    prints "offset length sha1" lines; reads the whole content once
    ranges.py file RANGES PATH           the same, by seeking in PATH in the order of RANGES
    ranges.py run RANGES COMMAND...      the same, by a command with {offset}, {length} and {last} in its words
"""

import hashlib
import os
import random
import subprocess
import sys

STEP = 1 << 20


def pick(seed, count, size):
    chosen = random.Random(seed)
    yield 0, 1
    yield size - 1, 1
    yield size - 70_000, 70_000
    # Where a number of 31 or 32 bits ends.
    for edge in (1 << 31, 1 << 32):
        if edge + 5000 < size:
            yield edge - 5000, 10_000
    for _ in range(count):
        length = chosen.choice([1, 100, 4096, 65_537, 1_000_003])
        yield chosen.randrange(0, size - length), length


def read_ranges(path):
    with open(path, encoding="ascii") as lines:
        return [tuple(map(int, line.split())) for line in lines]


def of_stream(ranges, stream):
    hashes = {wanted: hashlib.sha1() for wanted in ranges}
    at = 0
    while block := stream.read(STEP):
        for (offset, length), sha1 in hashes.items():
            begin, end = max(offset, at), min(offset + length, at + len(block))
            if begin < end:
                sha1.update(block[begin - at : end - at])
        at += len(block)
    return [(*wanted, sha1.hexdigest()) for wanted, sha1 in hashes.items()]


def of_file(ranges, path):
    handle = os.open(path, os.O_RDONLY)
    for offset, length in ranges:
        sha1, missing = hashlib.sha1(), length
        os.lseek(handle, offset, os.SEEK_SET)
        while missing and (block := os.read(handle, missing)):
            sha1.update(block)
            missing -= len(block)
        yield offset, length, sha1.hexdigest()
    os.close(handle)


def of_command(ranges, words):
    for offset, length in ranges:
        values = {"offset": offset, "length": length, "last": offset + length - 1}
        command = [word.format(**values) for word in words]
        output = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
        yield offset, length, hashlib.sha1(output).hexdigest()


def main():
    command, *rest = sys.argv[1:]
    if command == "pick":
        lines = set(pick(*map(int, rest)))
        lines = random.Random(int(rest[0])).sample(sorted(lines), len(lines))
    elif command == "stream":
        lines = sorted(of_stream(read_ranges(rest[0]), sys.stdin.buffer))
    elif command == "file":
        lines = sorted(of_file(read_ranges(rest[0]), rest[1]))
    else:
        lines = sorted(of_command(read_ranges(rest[0]), rest[1:]))
    for line in lines:
        print(*line)


if __name__ == "__main__":
    main()
