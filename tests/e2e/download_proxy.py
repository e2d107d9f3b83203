#!/usr/bin/env python3
"""A download proxy for tests that speaks the protocol of AList's and OpenList's download proxies.

    DOWNLOAD_PROXY_TOKEN=… download_proxy.py

Reads the address of the gateway from the file named by DOWNLOAD_PROXY_GATEWAY at the first request, because the gateway
has to be told the address of the proxy when it starts. Prints its own address, then a line for each request:
method, status, path.

`GET {path}?sign={signature}:{expire}` is answered with the file if the signature is the padded URL-safe base64 of
HMAC-SHA256(token, "{path}:{expire}") with the decoded path, and `expire` is 0 or in the future. Where the file is, the
gateway tells: `POST /api/fs/link` with the token as `Authorization` and `{"path": …}`; the answer holds
`data.url` and `data.header`, the headers to fetch it with.
"""

import base64
import hmac
import http.client
import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOKEN = os.environ["DOWNLOAD_PROXY_TOKEN"]
STEP = 1 << 18
PASSED_ON = ["Content-Type", "Content-Length", "Content-Range", "Accept-Ranges", "ETag", "Last-Modified"]


def is_signed(path, sign):
    signature, colon, expire = sign.rpartition(":")
    if not colon or not expire.isdecimal() or 0 < int(expire) < time.time():
        return False
    digest = hmac.digest(TOKEN.encode(), f"{path}:{expire}".encode(), "sha256")
    return hmac.compare_digest(signature.encode(), base64.urlsafe_b64encode(digest))


def ask_for_link(path):
    with open(os.environ["DOWNLOAD_PROXY_GATEWAY"], encoding="ascii") as file:
        gateway = file.read().strip()
    body = json.dumps({"path": path}).encode()
    headers = {"Authorization": TOKEN, "Content-Type": "application/json;charset=UTF-8"}
    with urllib.request.urlopen(urllib.request.Request(f"{gateway}/api/fs/link", body, headers)) as answer:
        told = json.load(answer)
    return told["code"], told["message"], told["data"]


def fetch(link, byte_range):
    """Opens the link with exactly the headers it asks for; urllib would add a User-Agent of its own."""
    url = urllib.parse.urlsplit(link["url"])
    connection = http.client.HTTPConnection(url.netloc, timeout=60)
    connection.putrequest("GET", f"{url.path}?{url.query}", skip_accept_encoding=True)
    for name, values in (link.get("header") or {}).items():
        for value in values:
            connection.putheader(name, value)
    if byte_range:
        connection.putheader("Range", byte_range)
    connection.endheaders()
    return connection.getresponse()


class Proxy(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        target = urllib.parse.urlsplit(self.path)
        path = urllib.parse.unquote(target.path)
        sign = dict(urllib.parse.parse_qsl(target.query)).get("sign", "")
        if not is_signed(path, sign):
            return self.refuse(401, path, "the signature is wrong")
        code, message, link = ask_for_link(path)
        if code != 200:
            return self.refuse(code, path, message)
        source = fetch(link, self.headers.get("Range"))
        self.send_response(source.status)
        for name in PASSED_ON:
            if value := source.headers.get(name):
                self.send_header(name, value)
        self.end_headers()
        self.tell(source.status, path)
        while self.command == "GET" and (block := source.read(STEP)):
            self.wfile.write(block)

    do_HEAD = do_GET

    def refuse(self, status, path, text):
        body = f"{text}\n".encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.tell(status, path)

    def tell(self, status, path):
        print(self.command, status, path, flush=True)

    def log_message(self, *_):
        pass


def main():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    sys.exit(main())
