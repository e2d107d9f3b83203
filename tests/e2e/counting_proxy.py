#!/usr/bin/env python3
"""Stands between a client and the gateway and counts what the client sends: counting_proxy.py HOST:PORT COUNT_FILE

Prints the port it listens on. COUNT_FILE holds the bytes of all connections together that have been taken from clients.
Its buffers are small, so that what is counted is what was taken and not what lay about in them.
"""

import os
import socket
import sys
import threading

CHUNK = 16 << 10
BUFFER = 64 << 10


class Counter:
    def __init__(self, path):
        self.file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        self.lock, self.bytes = threading.Lock(), 0
        self.add(0)

    def add(self, more):
        with self.lock:
            self.bytes += more
            os.pwrite(self.file, b"%020d\n" % self.bytes, 0)


def carry(source, sink, count):
    """Carries bytes until one side ends, and tells the other."""
    try:
        while data := source.recv(CHUNK):
            count(len(data))
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def serve(client, target, counter):
    gateway = socket.socket()
    gateway.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
    with client, gateway:
        gateway.connect(target)
        back = threading.Thread(target=carry, args=(gateway, client, lambda _: None), daemon=True)
        back.start()
        carry(client, gateway, counter.add)
        back.join()


def main():
    host, port = sys.argv[1].rsplit(":", 1)
    counter = Counter(sys.argv[2])
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    print(listener.getsockname()[1], flush=True)
    while True:
        client, _ = listener.accept()
        threading.Thread(target=serve, args=(client, (host, int(port)), counter), daemon=True).start()


if __name__ == "__main__":
    main()
