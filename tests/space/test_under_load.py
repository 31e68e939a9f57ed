"""What strangers send and leave behind: bodies of any kind, requests from elsewhere, calls."""

import json
import shlex
import socket
import subprocess

import httpx
import pytest
from command import environment

ENOUGH = 12 * 1024 * 1024  # bytes of answers, more than the server keeps
EVIL = "https://evil.example"


def spoken(served, request, *, wait=10):
    """Send these bytes; the answer's status and headers, which come before the connection ends."""
    got = b""
    with socket.create_connection(("127.0.0.1", served.port), timeout=wait) as line:
        line.sendall(request)
        while b"\r\n\r\n" not in got and (piece := line.recv(65536)):
            got += piece
    status, *lines = got.partition(b"\r\n\r\n")[0].decode().split("\r\n")
    return int(status.split()[1]), httpx.Headers([line.split(": ", 1) for line in lines])


def chunked(size):
    return b"%x\r\n%s\r\n0\r\n\r\n" % (size, b" " * size)


@pytest.mark.parametrize(
    ("version", "headers", "body"),
    [
        ("1.1", "Transfer-Encoding: chunked", chunked(200_000)),
        ("1.1", "Transfer-Encoding: chunked", chunked(10)),
        ("1.1", "Content-Length: 10\r\nTransfer-Encoding: chunked", chunked(200_000)),
        ("1.1", "Transfer-Encoding: chunked\r\nContent-Length: 10", chunked(200_000)),
        ("1.1", "transfer-encoding: CHUNKED\r\ncontent-length: 10", chunked(200_000)),
        ("1.1", "Content-Length: 70000", b" " * 70_000),
        ("1.1", "Content-Length: 10\r\nContent-Length: 70000", b" " * 70_000),
        ("1.1", "Content-Length: 70000\r\nExpect: 100-continue", b""),
        ("1.0", "Content-Length: 70000", b" " * 70_000),
        ("1.0", "Content-Length: 10\r\nTransfer-Encoding: chunked", chunked(200_000)),
        ("1.1", "X: y\r\n" * 50_000 + "Content-Length: 10", b" " * 10),
    ],
)
def test_a_body_is_capped_however_it_is_sent(space, version, headers, body):
    head = f"HTTP/{version}\r\nHost: x\r\nContent-Type: application/json\r\n{headers}\r\n\r\n"
    for path in ("call/releases", "call/v2/releases", "queue/join", "upload", "reset"):
        request = f"POST /gradio_api/{path} {head}".encode() + body
        assert spoken(space, request)[0] in {400, 411, 413}, path
    assert spoken(space, f"GET /data/page.json {head}".encode() + body)[0] in {400, 411, 413}
