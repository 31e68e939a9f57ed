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


def test_every_documented_line_runs_as_it_stands(space, tmp_path):
    env = environment(tmp_path)
    offered = space.json("/gradio_api/info")["named_endpoints"]
    for name, endpoint in offered.items():
        line = endpoint["code_snippets"]["bash"]
        done = subprocess.run(
            ["bash", "-c", line], capture_output=True, text=True, env=env, check=True
        )
        event, data = done.stdout.strip().split("\n")
        assert event == "event: complete", (name, done.stdout[:200], done.stderr)
        assert json.loads(data.removeprefix("data: "))[0]
    assert json.loads(data.removeprefix("data: ")) == [space.json("/data/findings.json")]


def test_the_documentation_names_the_host_of_who_asks(space):
    """A line to copy must not lead where another caller wished it to."""
    evil = {"X-Forwarded-Host": "evil.example;reboot"}
    for path in ("/gradio_api/info", "/gradio_api/info/", "/gradio_api/info?page="):
        theirs, ours = (space.get(path, headers=headers).text for headers in (evil, {}))
        assert "evil.example" in theirs
        assert "evil.example" not in ours
        assert space.url in ours
    line = space.get("/gradio_api/info", headers=evil).json()["named_endpoints"]["/findings"]
    assert "reboot" not in shlex.split(line["code_snippets"]["bash"].replace(";", " ; "))


@pytest.mark.parametrize("body", [{}, {"query_string": "", "more": 1}, {"data": [""]}, [], "x"])
def test_a_call_by_other_names_is_told_where_the_names_are(space, body):
    earlier = len(space.said)
    answer = space.http.post("/gradio_api/call/v2/releases", json=body)
    assert answer.status_code == 422
    assert "Traceback" not in space.said[earlier:]


def test_a_call_that_cannot_be_answered_is_refused_and_no_bug_to_log(space):
    earlier = len(space.said)
    file = b'{"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}'
    arguments = (
        b"[]",
        b'["",""]',
        b'["\\ud800"]',
        b'[["\\ud800"]]',
        b"[%s]" % file,
        b"[[%s]]" % file,
    )
    bodies = [b'{"data": %s, "fn_index": 0, "session_hash": "a"}' % each for each in arguments]
    bodies += [
        b'{"data": [""], "session_hash": "a", "fn_index": %s}' % each
        for each in (b"99", b"-1", b"1e999", b"null", b"NaN")
    ]
    bodies += [b'{"x": "\\ud800"}', b'{"x": NaN}', b"[1e999]", b'{"event_id": 1e999}']
    sending = {"Content-Type": "application/json"}
    for body in bodies:
        joined = space.http.post("/gradio_api/queue/join", content=body, headers=sending)
        assert joined.status_code in {400, 422}, body
        for path in ("call/releases", "call/compare", "call/v2/compare", "reset"):
            answer = space.http.post(f"/gradio_api/{path}", content=body, headers=sending)
            assert answer.status_code in {400, 422} or b"fn_index" in body, (path, body)
    assert "Traceback" not in space.said[earlier:]


@pytest.mark.parametrize("origin", [EVIL, "null", "file://", "http://localhost:3000"])
def test_other_sites_get_no_credentials(space, origin):
    for method, path in (
        ("GET", "/"), ("GET", "/config"), ("GET", "/gradio_api/info"), ("GET", "/data/page.json"),
        ("GET", "/nothing"), ("GET", "/monitoring"), ("POST", "/gradio_api/call/releases"),
        ("OPTIONS", "/gradio_api/call/releases"), ("OPTIONS", "/gradio_api/queue/join"),
    ):  # fmt: skip
        for host in ("org-name.hf.space", f"127.0.0.1:{space.port}"):
            head = (
                f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\nCookie: a=b\r\n"
                "Access-Control-Request-Method: POST\r\nContent-Length: 0\r\n\r\n"
            )
            status, headers = spoken(space, head.encode())
            assert status < 500
            assert "Access-Control-Allow-Credentials" not in headers
            assert headers.get("Access-Control-Allow-Origin") in {None, "*"}
            if host.startswith("127.0.0.1") and origin != "http://localhost:3000":
                assert "Access-Control-Allow-Origin" not in headers


def test_an_origin_that_names_no_host_is_refused(space):
    assert spoken(space, b"GET /config HTTP/1.0\r\nOrigin: x\r\n\r\n")[0] == 400
    assert spoken(space, b"GET /config HTTP/1.0\r\n\r\n")[0] == 200


@pytest.mark.parametrize("name", ["X-Forwarded-Host", "X-Gradio-Server"])
def test_a_proxy_that_names_no_host_is_refused(space, name):
    earlier = len(space.said)
    for value in (b'\xff"<>', b"http://[", b"//:x", b"a:b:c", b"x:99999"):
        for path in (b"/config", b"/gradio_api/info", b"/data/about.json"):
            head = b"GET %s HTTP/1.1\r\nHost: x\r\n%s: %s\r\n\r\n" % (path, name.encode(), value)
            assert spoken(space, head)[0] in {200, 400}, (path, value)
    assert "Traceback" not in space.said[earlier:]
    asked = {name: "http://org-name.hf.space" if name == "X-Gradio-Server" else "a.b, c.d"}
    assert space.get("/config", headers=asked).status_code == 200


def test_another_site_may_read_a_public_page(space):
    asked = {"Host": "org-name.hf.space", "Origin": EVIL}
    headers = space.get("/gradio_api/info", headers=asked).headers
    assert headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.nightly
def test_answers_that_nobody_collects_are_forgotten_the_oldest_first(space):
    size = len(space.get("/data/findings.json").content)

    def call():
        answer = space.http.post("/gradio_api/call/findings", json={"data": []})
        return f"/gradio_api/call/findings/{answer.json()['event_id']}"

    calls = [call() for _ in range(ENOUGH // size)]
    assert "event: complete" in space.get(calls[-1]).text
    assert space.get(calls[0]).status_code == 404


def test_what_nobody_called_for_is_not_there(space):
    earlier = len(space.said)
    for path in ("call/releases/0f1e", "call/v2/findings/0f1e", "queue/data?session_hash=0f-1e"):
        assert space.get(f"/gradio_api/{path}").status_code == 404
    assert "Traceback" not in space.said[earlier:]


def test_a_session_has_a_name_like_those_of_the_clients(space):
    for name, status in (("a1", 200), ("0f-" * 21, 200), ("a b", 400), ("", 400), ("x" * 65, 400)):
        body = {"data": [""], "fn_index": 0, "session_hash": name}
        assert space.http.post("/gradio_api/queue/join", json=body).status_code == status
