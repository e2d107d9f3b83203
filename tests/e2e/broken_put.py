#!/usr/bin/env python3
"""A client that announces more of a file than it sends: broken_put.py URL USER:PASSWORD LENGTH FILE [HEADER...]

Sends FILE under a Content-Length of LENGTH, then ends its side of the connection, and prints the status of the answer,
or 0 if there is none.
"""

import base64
import socket
import sys
import urllib.parse


def main():
    url, login, length, file, *headers = sys.argv[1:]
    place = urllib.parse.urlsplit(url)
    lines = [
        f"PUT {place.path} HTTP/1.1",
        f"Host: {place.netloc}",
        f"Authorization: Basic {base64.b64encode(login.encode()).decode()}",
        f"Content-Length: {length}",
        *headers,
    ]
    with socket.create_connection((place.hostname, place.port)) as connection, open(file, "rb") as body:
        connection.settimeout(60)
        connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n")
        answer = b""
        try:
            while data := body.read(1 << 16):
                connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            while b"\r\n" not in answer and (data := connection.recv(4096)):
                answer += data
        except ConnectionError:
            pass
    print(answer.split()[1].decode() if answer.startswith(b"HTTP/1.1 ") else 0)


if __name__ == "__main__":
    main()
