#!/usr/bin/env python3
"""Kills a gateway in the midst of changes, at many points of each, and looks what it has left behind:
crash.py GATEWAY CONFIG SIMULATOR_URL SPOOL_DIRECTORY USER:PASSWORD [METHOD...]

Calls to the simulated 115 take a while before they are carried out, and another one until they are answered. A gateway
is killed when the nth call has begun, or has been carried out, or after a share of the time that the change takes.
Another one is started then, and both it and the simulator are asked what there is. At last the change is made again.

Prints a line for each kill: `ok` or `FAILED`, a tab, and what it was about; and `left` lines, which count what a crash
may leave behind:

- a second entry beside the old one: the new version was there, and the old one not yet in the recycle bin;
- a `.dav115-…` folder, in which a copy is made: the crash came before it was moved or removed;
- the source of a move under its new name in its old folder: 115 cannot change both name and folder in one call;
- an upload in parts that was being streamed: nobody can go on with it or give it up.
"""

import base64
import collections
import hashlib
import http.client
import json
import os
import re
import select
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request
import xml.etree.ElementTree

GATEWAY, CONFIG, SIM, SPOOL, LOGIN, *ONLY = sys.argv[1:]
KILLS = 16
LATENCY_MS = 30
MIB = 1 << 20


def sim(method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{SIM}/__sim/{path}", data, method=method)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.read()


class Gateway:
    """One run of the program."""

    def __init__(self):
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [GATEWAY, "serve", "--config", CONFIG], stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log
        )
        self.address = None
        for _ in range(2000):
            found = re.search(r'address["=: ]+([0-9.]+:[0-9]+)', re.sub("\x1b\\[[0-9;]*m", "", self.written()))
            if found:
                self.address = found[1]
                return
            time.sleep(0.01)
        raise SystemExit(f"the gateway does not start: {self.written()}")

    def written(self):
        return os.pread(self.log.fileno(), 1 << 20, 0).decode(errors="replace")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def ask(self, method, path, body=None, **headers):
        """Status and body of the answer; status 0 if there is none."""
        connection = http.client.HTTPConnection(self.address, timeout=120)
        headers["Authorization"] = "Basic " + base64.b64encode(LOGIN.encode()).decode()
        try:
            headers["Content-Length"] = str(len(body or b""))
            connection.request(method, urllib.parse.quote(path), None, headers)
            self.send(connection.sock, body or b"")
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            return 0, b""
        finally:
            connection.close()

    def send(self, sock, body):
        """Sends until there is an answer, which may come before all of the body is wanted."""
        at = 0
        while at < len(body):
            readable, writable, _ = select.select([sock], [sock], [])
            if readable:
                return
            if writable:
                at += sock.send(body[at : at + (1 << 16)], socket.MSG_DONTWAIT)

    def ask_patiently(self, *request, **headers):
        """The same, as clients do it: 503 says that it is to be repeated."""
        for _ in range(20):
            status, body = self.ask(*request, **headers)
            if status != 503:
                break
            time.sleep(0.5)
        return status, body

    def tree(self, folder):
        """Size of each file below a folder, or None for a folder, by path from there."""
        found, todo = {}, [folder]
        while todo:
            at = todo.pop()
            status, body = self.ask_patiently("PROPFIND", at, Depth="1")
            if status != 207:
                raise Wrong(f"PROPFIND of {at} is answered with {status}")
            for answer in xml.etree.ElementTree.fromstring(body).iter("{DAV:}response"):
                path = urllib.parse.unquote(answer.findtext("{DAV:}href")).rstrip("/")
                if path == at:
                    continue
                length = answer.findtext(".//{DAV:}getcontentlength")
                is_folder = answer.find(".//{DAV:}collection") is not None
                found[path[len(folder) + 1 :]] = None if is_folder else int(length)
                if is_folder:
                    todo.append(path)
        return found


class Wrong(Exception):
    """Something is not as it has to be."""


def held(folder):
    """(path, SHA-1 or None for a folder) of all that the simulator has below a folder of its root."""
    nodes = json.loads(sim("GET", "tree?format=json"))["nodes"]
    below = collections.defaultdict(list)
    for node in nodes:
        below[node["parent"]].append(node)
    found, todo = [], [("", node["id"]) for node in below["0"] if node["name"] == folder.strip("/")]
    while todo:
        above, number = todo.pop()
        for node in below[number]:
            path = above + node["name"]
            is_folder = node["kind"] == "folder"
            found.append((path, None if is_folder else node["sha1"].lower()))
            if is_folder:
                todo.append((path + "/", node["id"]))
    return sorted(found, key=str)


def n_calls():
    return sum(json.loads(sim("GET", "ledger/counts")).values())


class Content:
    """Bytes of the simulator, and their hash."""

    def __init__(self, seed, size):
        self.seed, self.size = seed, size
        self.bytes = sim("GET", f"content?seed={seed}&size={size}")
        self.sha1 = hashlib.sha1(self.bytes).hexdigest()

    def put_into(self, folder, name):
        sim("POST", "tree", {"op": "add_file", "parent": folder, "name": name, "size": self.size, "seed": self.seed})


OLD, NEW, SHORT = Content(101, MIB), Content(102, 12 * MIB), Content(103, MIB // 2)
GOOD = {content.sha1: content.size for content in (OLD, NEW, SHORT)}


def add_folder(parent, name):
    sim("POST", "tree", {"op": "add_folder", "parent": parent, "name": name})
    return f"{parent.rstrip('/')}/{name}"


def need(condition, text):
    if not condition:
        raise Wrong(text)


def only(found, *paths):
    """The hashes of what lies at these paths."""
    return [sha1 for path, sha1 in found if path in paths and sha1 is not None]


class Put:
    """A file is stored, new or in place of another."""

    switches = ["", "announced", "known at 115", "announced and known at 115"]

    def __init__(self, replaces):
        self.name = "PUT over a file" if replaces else "PUT of a new file"
        self.replaces = replaces

    def prepare(self, folder, _):
        if self.replaces:
            OLD.put_into(folder, "file.bin")

    def run(self, gateway, folder, variant):
        headers = {"OC-Checksum": f"SHA1:{NEW.sha1}"} if variant & 1 else {}
        return gateway.ask_patiently("PUT", f"{folder}/file.bin", NEW.bytes, **headers)

    def behave(self, variant):
        return {"rapid": bool(variant & 2)}

    def look(self, found, _, left):
        hashes = only(found, "file.bin")
        need(len(hashes) == len(found), f"there is more than the file: {found}")
        if self.replaces:
            need(hashes, "neither the old nor the new version is there")
        left["a second entry beside the old one"] += len(hashes) > 1

    def again(self, gateway, folder, _, variant):
        return self.run(gateway, folder, variant)

    def done(self, found, shown, _, left):
        need(OLD.sha1 not in only(found, "file.bin"), "the old version is still there")
        need(NEW.sha1 in only(found, "file.bin"), "the new version is not there")
        need(shown.get("file.bin") == NEW.size, "the new version is not shown")
        left["a second entry of the same content, after the change was made again"] += len(found) - 1


class Move:
    """A file takes the name of another."""

    switches = ["in a folder", "to another folder", "to another folder and name", "to another extension"]
    places = [("a.bin", "b.bin"), ("a.bin", "sub/a.bin"), ("a.bin", "sub/b.bin"), ("a.bin", "b.dat")]
    name = "MOVE over a file"

    def prepare(self, folder, variant):
        source, target = self.places[variant]
        add_folder(folder, "sub")
        OLD.put_into(folder, source)
        above, _, name = target.rpartition("/")
        SHORT.put_into(f"{folder}/{above}", name)

    def behave(self, _):
        return {}

    def move(self, gateway, folder, source, target):
        to = urllib.parse.quote(f"http://{gateway.address}{folder}/{target}", safe=":/")
        return gateway.ask_patiently("MOVE", f"{folder}/{source}", Destination=to, Overwrite="T")

    def run(self, gateway, folder, variant):
        return self.move(gateway, folder, *self.places[variant])

    def places_between(self, variant):
        """Where 115 has the file between the calls: under its new name in its old folder, or with a number beside the old one."""
        source, target = self.places[variant]
        stem, extension = os.path.splitext(target)
        renamed = target.rpartition("/")[2]
        return [path for path in (renamed, f"{stem}(1){extension}") if path not in (source, target)]

    def look(self, found, variant, left):
        source, target = self.places[variant]
        between = self.places_between(variant)
        is_at = [path for path in (source, target, *between) if OLD.sha1 in only(found, path)]
        need(is_at, f"the source is neither where it was nor where it is to be: {found}")
        need(len(is_at) == 1 or source in is_at, f"the source is at several places: {found}")
        need(only(found, target), "there is nothing at the target")
        renamed = [path for path in is_at if path in between and "(1)" not in path]
        left["the source of a move under its new name in its old folder"] += len(renamed)
        left["a second entry beside the old one"] += len(only(found, target)) > 1 or "(1)" in is_at[0]

    def again(self, gateway, folder, found, variant):
        source, target = self.places[variant]
        if OLD.sha1 in only(found, source):
            return self.run(gateway, folder, variant)
        # It is no longer where the client left it, and has to be moved from where it is seen now.
        for path in self.places_between(variant):
            if OLD.sha1 in only(found, path):
                return self.move(gateway, folder, path, target)
        if len(only(found, target)) == 1:
            # It was done, and the client was not told.
            return 201, b""
        shown = gateway.tree(folder)
        beside = [path for path in shown if path.startswith(os.path.splitext(target)[0] + " [")]
        if shown.get(target) == OLD.size:
            return gateway.ask_patiently("DELETE", f"{folder}/{beside[0]}")
        return self.move(gateway, folder, beside[0], target)

    def done(self, found, shown, variant, left):
        source, target = self.places[variant]
        at_target = only(found, target)
        need(set(at_target) == {OLD.sha1}, f"at the target there is not the source alone: {found}")
        left["a second entry of the same content, after the change was made again"] += len(at_target) - 1
        need(not only(found, source), f"the source is still there: {found}")
        need(shown.get(target) == OLD.size, "the target is not shown")


class Copy:
    """A folder is copied, to where nothing is or another folder."""

    switches = ["to a new name", "over a folder"]
    name = "COPY of a folder"
    whole = [("deep", None), ("deep/three.bin", OLD.sha1), ("one.bin", OLD.sha1), ("two.bin", SHORT.sha1)]

    def prepare(self, folder, variant):
        source = add_folder(folder, "source")
        OLD.put_into(source, "one.bin")
        SHORT.put_into(source, "two.bin")
        OLD.put_into(add_folder(source, "deep"), "three.bin")
        if variant:
            SHORT.put_into(add_folder(folder, "target"), "before.bin")

    def behave(self, _):
        return {}

    def run(self, gateway, folder, _):
        to = urllib.parse.quote(f"http://{gateway.address}{folder}/target", safe=":/")
        return gateway.ask_patiently("COPY", f"{folder}/source", Destination=to, Overwrite="T")

    def parts(self, found):
        """What is in each folder at the top, several of one name together."""
        tops = collections.defaultdict(list)
        for path, sha1 in found:
            top, _, rest = path.partition("/")
            if rest:
                tops[top].append((rest, sha1))
            else:
                tops[top] += []
        return tops

    def look(self, found, variant, left):
        tops = self.parts(found)
        before = [("before.bin", SHORT.sha1)] if variant else []
        need(sorted(tops["source"], key=str) == self.whole, "the source has changed")
        target = sorted(tops["target"], key=str)
        allowed = [before, self.whole, sorted(before + self.whole, key=str)]
        need(target in allowed, f"the target is neither as it was nor whole: {target}")
        if variant:
            need(target, "there is nothing at the target")
            left["a second entry beside the old one"] += target == allowed[2]
        numbered = [top for top in tops if top.startswith("target(")]
        for top in numbered:
            need(sorted(tops[top], key=str) == self.whole, f"{top} is not whole: {tops[top]}")
        left["a second entry beside the old one"] += len(numbered)
        left["a .dav115- folder of a copy"] += sum(top.startswith(".dav115-") for top in tops)

    def again(self, gateway, folder, _, variant):
        return self.run(gateway, folder, variant)

    def done(self, found, shown, _, left):
        tops = self.parts(found)
        copies = [path for path, sha1 in found if path == "target"]
        need(sorted(set(tops["target"]), key=str) == self.whole, f"the copy is not whole: {found}")
        need(shown.get("target/deep/three.bin") == OLD.size, "the copy is not shown")
        left["a second entry of the same content, after the change was made again"] += len(copies) - 1


def check_spool():
    names = os.listdir(SPOOL) if os.path.isdir(SPOOL) else []
    strange = [name for name in names if not name.endswith(".upload")]
    need(not strange, f"there is more in the spool than where to go on: {strange}")


def check_whole(found, shown):
    """No file is cut short, at 115 or as it is shown, and as much is shown as there is."""
    for path, sha1 in found:
        need(sha1 is None or sha1 in GOOD, f"{path} has a content that nobody has sent: {sha1}")
    sizes = sorted(GOOD[sha1] for _, sha1 in found if sha1 is not None)
    need(sorted(size for size in shown.values() if size is not None) == sizes, f"{found} is shown as {shown}")


def switch(change, variant):
    """Slow calls, and how the change wants uploads to go."""
    sim("DELETE", "faults")
    sim("DELETE", "behaviours")
    upload = {"range_check_unknown": False, **change.behave(variant)}
    writes = {"folder_work_ms": 200}
    sim("PATCH", "behaviours", {"latency_ms": {"*": LATENCY_MS}, "upload": upload, "writes": writes})
    sim("POST", "faults", {"endpoint": "*", "nth": 0, "fault": {"answer_late": LATENCY_MS}})


def hurry():
    sim("DELETE", "faults")
    sim("PATCH", "behaviours", {"latency_ms": {"*": 0}})


def in_background(act):
    outcome = []
    thread = threading.Thread(target=lambda: outcome.append(act()), daemon=True)
    thread.start()
    return thread, outcome


def settle():
    """Waits until 115 has done what it has been told to."""
    sim("POST", "work", {"action": "finish"})
    time.sleep(0.05)


def drill(change, variant, step, steps, folder, measured, left):
    """One kill. What went wrong is raised."""
    calls, seconds = measured
    share = (step + 0.5) / steps
    gateway = Gateway()
    try:
        # The path there is known, so that all calls are those of the change.
        gateway.tree(folder)
        switch(change, variant)
        before, began = n_calls(), time.monotonic()
        thread, _ = in_background(lambda: change.run(gateway, folder, variant))
        if step % 2 == 0:
            at = before + max(1, round(share * calls))
            point = f"at call {at - before} of {calls}"
            while n_calls() < at and thread.is_alive():
                time.sleep(0.001)
            if step % 4 == 2:
                # Carried out, and not answered.
                point += ", carried out"
                time.sleep(LATENCY_MS * 1.4 / 1000)
        else:
            point = f"after {share * seconds * 1000:.0f} ms of {seconds * 1000:.0f}"
            time.sleep(max(0, began + share * seconds - time.monotonic()))
    finally:
        gateway.kill()
    thread.join()
    name = f"{change.name}, {change.switches[variant]}, killed {point}".replace(", ,", ",")
    hurry()
    settle()
    gateway = Gateway()
    try:
        check_spool()
        found, shown = held(folder), gateway.tree(folder)
        check_whole(found, shown)
        change.look(found, variant, left)
        status, body = change.again(gateway, folder, found, variant)
        need(200 <= status < 300, f"again it is answered with {status} {body[:200]!r}, with {found} there")
        settle()
        found, shown = held(folder), gateway.tree(folder)
        check_whole(found, shown)
        change.done(found, shown, variant, left)
        check_spool()
    except Wrong as wrong:
        return f"FAILED\t{name}: {wrong}"
    finally:
        gateway.kill()
    return f"ok\t{name}"


def measure(change, variant, folder):
    """Calls and seconds that the change takes when nobody is killed."""
    gateway = Gateway()
    try:
        gateway.tree(folder)
        switch(change, variant)
        before, began = n_calls(), time.monotonic()
        status, body = change.run(gateway, folder, variant)
        need(200 <= status < 300, f"{change.name}, {change.switches[variant]}: {status} {body[:200]!r}")
        return n_calls() - before, time.monotonic() - began
    finally:
        gateway.kill()
        hurry()
        settle()


def main():
    left = collections.Counter()
    for change in (Put(False), Put(True), Move(), Copy()):
        if ONLY and change.name.partition(" ")[0] not in ONLY:
            continue
        variants = len(change.switches)
        steps = KILLS // variants
        for variant in range(variants):
            places = []
            # All of them before a gateway has seen the root.
            for step in range(steps + 1):
                place = add_folder("/", f"{change.name} {variant} {step}".replace(" ", "-"))
                change.prepare(place, variant)
                places.append(place)
            measured = measure(change, variant, places.pop())
            for step, place in enumerate(places):
                before = json.loads(sim("GET", "uploads"))["unfinished"]
                print(drill(change, variant, step, steps, place, measured, left), flush=True)
                left["an upload in parts that was being streamed"] += json.loads(sim("GET", "uploads"))["unfinished"] - before
    for what, count in sorted(left.items()):
        print(f"left\t{count}: {what}", flush=True)


if __name__ == "__main__":
    main()
