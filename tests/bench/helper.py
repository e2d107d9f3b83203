"""Clients that the measurements need and that no packaged tool is: see the functions' first lines.

Only the standard library; run by the scripts beside it, pinned to the clients' core.
"""

import http.client
import json
import os
import socket
import sys
import time
from urllib.parse import quote, urlsplit


def names(count):
    """Names of about 40 bytes, a quarter of them Chinese, as a folder of episodes has them."""
    for number in range(count):
        if number % 4 == 3:
            yield f"电视剧.第一季.第{number:05}集.1080p.mkv"
        else:
            yield f"Some.Series.S01E{number:05}.1080p.WEB-DL.mkv"


def fill_sim(base, *counts):
    """Gives the simulator one folder `n<count>` for each count."""
    connection = http.client.HTTPConnection(urlsplit(base).netloc)

    def edit(change):
        connection.request("POST", "/__sim/tree", json.dumps(change))
        answer = connection.getresponse()
        text = answer.read()
        if answer.status >= 300:
            sys.exit(f"{change}: {text}")
        return json.loads(text)

    for count in map(int, counts):
        edit({"op": "add_folder", "parent": "/", "name": f"n{count}"})
        for number, name in enumerate(names(count)):
            edit({"op": "add_file", "parent": f"/n{count}", "name": name, "size": 1000 + number, "seed": 1})


def fill_folder(path, *counts):
    """The same names as empty files on disk."""
    for count in map(int, counts):
        folder = os.path.join(path, f"n{count}")
        os.makedirs(folder)
        for name in names(count):
            os.close(os.open(os.path.join(folder, name), os.O_CREAT | os.O_WRONLY, 0o644))


def connect(url, authorization, receive_buffer=None):
    """A connection on which a GET has been sent."""
    address = urlsplit(url)
    client = socket.socket()
    if receive_buffer:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    client.connect((address.hostname, address.port))
    head = f"GET {address.path} HTTP/1.1\r\nHost: {address.netloc}\r\nUser-Agent: curl/8\r\n"
    if authorization:
        head += f"Authorization: Basic {authorization}\r\n"
    client.sendall((head + "\r\n").encode())
    return client


def fetch(url, authorization=""):
    """Downloads as fast as a client can that throws everything away in the kernel; prints seconds and bytes."""
    started = time.monotonic()
    client = connect(url, authorization)
    head = b""
    while b"\r\n\r\n" not in head:
        head += client.recv(1)
    lines = head.decode("latin-1").lower().split("\r\n")
    if " 200 " not in lines[0]:
        sys.exit(f"{url}: {lines[0]}")
    length = next(int(line.split(":")[1]) for line in lines if line.startswith("content-length:"))
    left, buffer = length, bytearray(1 << 20)
    while left:
        # On TCP this flag drops the bytes instead of copying them.
        came = client.recv_into(buffer, min(left, len(buffer)), socket.MSG_TRUNC)
        if not came:
            sys.exit(f"{url}: {left} bytes are missing")
        left -= came
    print(f"{time.monotonic() - started:.6f} {length}")


def stall(url, authorization, count, seconds):
    """Begins downloads and reads nothing of them; says so on a line, and holds them for some time."""
    clients = [connect(url, authorization) for _ in range(int(count))]
    for client in clients:
        client.settimeout(30)
        if not client.recv(12, socket.MSG_PEEK).startswith(b"HTTP/1.1 200"):
            sys.exit(f"{url}: {client.recv(200)}")
    print("stalled", flush=True)
    time.sleep(float(seconds))


def propfind(url, authorization="", depth="1"):
    """Asks once and prints the seconds until the last byte, and the bytes."""
    address = urlsplit(url)
    client = socket.create_connection((address.hostname, address.port))
    head = f"PROPFIND {quote(address.path)} HTTP/1.1\r\nHost: {address.netloc}\r\nDepth: {depth}\r\n"
    if authorization:
        head += f"Authorization: Basic {authorization}\r\n"
    started = time.monotonic()
    client.sendall((head + "Connection: close\r\nContent-Length: 0\r\n\r\n").encode())
    answer = client.recv(1 << 20)
    if not answer.startswith(b"HTTP/1.1 207"):
        sys.exit(f"{url}: {answer[:200]}")
    length, buffer = len(answer), bytearray(1 << 20)
    while came := client.recv_into(buffer, len(buffer), socket.MSG_TRUNC):
        length += came
    print(f"{time.monotonic() - started:.6f} {length}")


if __name__ == "__main__":
    commands = (fill_sim, fill_folder, fetch, stall, propfind)
    {command.__name__: command for command in commands}[sys.argv[1]](*sys.argv[2:])
