#!/usr/bin/env python3
"""How much of the spool directory a gateway uses: spool_watch.py PID DIRECTORY [FILE]

Counts what lies in the directory and what the process has open of it without a name, in bytes on the disk.
Without more it looks once and prints the number; with FILE it looks a hundred times a second until it is stopped,
and FILE holds the most that it has seen.
"""

import os
import sys
import time


def used(pid, directory):
    total = 0
    for name in os.listdir(directory) if os.path.isdir(directory) else []:
        try:
            total += os.stat(os.path.join(directory, name)).st_blocks * 512
        except FileNotFoundError:
            pass
    descriptors = f"/proc/{pid}/fd"
    for number in os.listdir(descriptors):
        try:
            path = os.path.join(descriptors, number)
            place = os.readlink(path)
            # Those with a name have been counted.
            if place.startswith(directory + "/") and place.endswith(" (deleted)"):
                total += os.stat(path).st_blocks * 512
        except FileNotFoundError:
            pass
    return total


def main():
    pid, directory, *file = sys.argv[1:]
    if not file:
        print(used(pid, directory))
        return
    most = 0
    while os.path.isdir(f"/proc/{pid}"):
        try:
            most = max(most, used(pid, directory))
        except (FileNotFoundError, PermissionError):
            break
        with open(file[0] + ".new", "w") as out:
            print(most, file=out)
        os.replace(file[0] + ".new", file[0])
        time.sleep(0.01)


if __name__ == "__main__":
    main()
