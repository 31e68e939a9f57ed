"""Each setting of Gradio does what it is there for: behind the request filter, and without it."""

import http.server
import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from space.serving import running, until

UNFILTERED = Path(__file__).with_name("unfiltered.py")
LOCAL = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def gradio_alone(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    (home / "secret.txt").write_text("where it was started")
    with running(home, script=UNFILTERED, GRADIO_TEMP_DIR=str(home / "uploads")) as served:
        served.home = home
        yield served


def call(served, name, *arguments):
    """Call an endpoint; the status and the answer."""
    answer = served.http.post(f"/gradio_api/call/{name}", json={"data": arguments})
    return answer.status_code, answer.text


def outcome(served, event, name):
    with served.http.stream(
        "GET", f"/gradio_api/call/{name}/{json.loads(event)['event_id']}"
    ) as end:
        return end.read().decode()


@pytest.mark.parametrize(
    "path",
    [
        "/monitoring", "/monitoring/summary", "/monitoring/key",
        "/gradio_api/file=/etc/passwd", "/gradio_api/file=../app.py", "/gradio_api/file/etc/passwd",
        f"/gradio_api/file={LOCAL}", f"/gradio_api/proxy={LOCAL}", "/gradio_api/proxy=https://x.hf.space",
        "/gradio_api/runs", "/gradio_api/run-history/records", "/gradio_api/openapi.json",
        "/gradio_api/deep_link", "/gradio_api/upload_progress", "/gradio_api/token",
        "/gradio_api/vibe-code", "/gradio_api/mcp/sse", "/gradio_api/custom_component/1/client/x/y",
    ],
)  # fmt: skip
def test_the_filter_refuses_what_gradio_would_answer(space, path):
    assert space.get(path).status_code == 403


def test_the_filter_lets_no_file_in(space):
    for size in (1, 1000, 10_000):
        answer = space.http.post("/gradio_api/upload", files={"files": b"x" * size})
        assert answer.status_code == 403
    assert not list(Path(f"/proc/{space.process.pid}/cwd").iterdir())


def test_the_filter_ends_calls_that_are_too_large_or_of_no_length(space):
    def endless():
        yield b"x" * 10

    assert call(space, "releases", "x" * 70_000)[0] == 413
    for path in ("/gradio_api/call/releases", "/gradio_api/queue/join"):
        assert space.http.post(path, content=endless()).status_code == 411


def test_the_process_runs_where_there_is_nothing_to_hand_out(space):
    cwd = Path(f"/proc/{space.process.pid}/cwd").readlink()
    assert list(cwd.iterdir()) == []
    assert cwd != space.home
    assert space.get(f"/gradio_api/file={space.home}/secret.txt").status_code == 403


def test_monitoring_is_off(gradio_alone):
    assert gradio_alone.get("/monitoring").status_code == 403
    assert gradio_alone.get("/monitoring/summary").status_code == 403


def test_files_of_this_machine_are_not_handed_out(gradio_alone):
    for path in ("/etc/passwd", gradio_alone.home / "stderr.txt", "../etc/passwd"):
        assert gradio_alone.get(f"/gradio_api/file={path}").status_code in {403, 404}


def test_nothing_is_fetched_for_strangers(gradio_alone):
    assert gradio_alone.get(f"/gradio_api/file={LOCAL}").status_code in {400, 403, 404}
    assert gradio_alone.get(f"/gradio_api/proxy={LOCAL}").status_code == 400


def test_uploads_beyond_a_kilobyte_are_refused(gradio_alone):
    def upload(size):
        files = {"files": b"x" * size}
        return gradio_alone.http.post("/gradio_api/upload", files=files).status_code

    assert (upload(500), upload(5000)) == (200, 413)


def test_documentation_and_run_history_are_off(gradio_alone):
    for path in ("/docs", "/redoc", "/openapi.json", "/gradio_api/run-history/records"):
        assert gradio_alone.get(path).status_code == 404
    config = gradio_alone.json("/config")
    assert (config.get("run_history"), config.get("footer_links")) == (False, [])


def test_the_queue_cannot_be_passed_by(gradio_alone):
    answer = gradio_alone.http.post("/gradio_api/run/wait", json={"data": [0.0]})
    assert answer.status_code in {401, 404}


def test_a_bug_keeps_its_words_to_itself(gradio_alone):
    status, event = call(gradio_alone, "fail", "x")
    assert status == 200
    said = outcome(gradio_alone, event, "fail")
    assert "error" in said
    assert "secret" not in said


def test_foreign_pages_cannot_read_a_local_server(gradio_alone):
    for origin in ("https://evil.example", "null"):
        headers = gradio_alone.get("/config", headers={"Origin": origin}).headers
        assert headers.get("Access-Control-Allow-Origin") is None
    own = {"Origin": gradio_alone.url}
    allowed = gradio_alone.get("/config", headers=own).headers["Access-Control-Allow-Origin"]
    assert allowed == gradio_alone.url


def test_what_only_the_inside_shows(gradio_alone):
    assert json.loads(gradio_alone.line.partition(" ")[2]) == {
        "capacity": 200,
        "delete_cache": [3600, 3600],
        "analytics": False,
        "allowed_paths": [],
        "ssr": False,
        "share": False,
    }


def test_sessions_that_vanish_leave_nothing(gradio_alone):
    def held():
        _, event = call(gradio_alone, "kept")
        return json.loads(outcome(gradio_alone, event, "kept").split("data: ")[1])[0]

    for _ in range(20):
        assert call(gradio_alone, "wait", 0.0)[0] == 200  # and nobody asks for the answer
    assert max(held()) >= 20
    time.sleep(1.5)
    assert max(held()) < 5


HEAD = b"GET /config HTTP/1.1\r\nHost: x\r\n"
CALL = (
    b"POST /gradio_api/call/wait HTTP/1.1\r\nHost: x\r\n"
    b"Content-Type: application/json\r\nContent-Length: 50\r\n\r\n"
)


@pytest.mark.by_day("GET", "sent5")
@pytest.mark.parametrize(
    "sent",
    [
        b"", b"GET", HEAD, HEAD.replace(b"1.1", b"1.0"), CALL, CALL + b'{"data"',
        CALL.replace(b"/gradio_api", b"/no"), HEAD + b"Content-Length: 9\r\n\r\n",
        HEAD + b"\r\nGET", HEAD + b"\r\n" + CALL,
    ],
)  # fmt: skip
def test_half_a_request_is_not_waited_for_however_slowly_it_goes_on(gradio_alone, sent):
    address = ("127.0.0.1", gradio_alone.port)
    with socket.create_connection(address) as quiet, socket.create_connection(address) as slow:
        quiet.sendall(sent)
        slow.sendall(sent)
        slow.settimeout(0.3)
        until(lambda: ended(slow, b"x"), 4)
        quiet.settimeout(0.3)
        until(lambda: ended(quiet, b""), 4)


def ended(line, more):
    """Whether the server has ended a connection; if not, send these bytes."""
    try:
        while line.recv(65536):
            pass
    except TimeoutError:
        line.sendall(more)
        return False
    except ConnectionError:
        pass
    return True


def test_who_listens_is_not_cut_off(gradio_alone):
    with gradio_alone.http.stream("GET", "/gradio_api/heartbeat/0f-1e") as beats:
        assert "ALIVE" in next(beats.iter_text())
        _, event = call(gradio_alone, "wait", 1.5)
        assert "event: complete" in outcome(gradio_alone, event, "wait")
        assert not beats.is_closed


def test_four_calls_run_sixty_four_wait_and_the_next_is_told_so(gradio_alone):
    with ThreadPoolExecutor(20) as many:
        asked = list(many.map(lambda _: call(gradio_alone, "wait", 5.0), range(80)))
    accepted = [status for status, _ in asked if status == 200]
    assert 64 <= len(accepted) <= 64 + 4
    assert {status for status, _ in asked} - {200} <= {429, 503}
    assert "full" in next(text for status, text in asked if status != 200)


def test_nobody_else_is_ever_asked(index, tmp_path):
    """Every request to another host would go through this proxy."""
    asked = []

    class Proxy(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.requestline)
            self.send_error(502)

        do_CONNECT = do_POST = do_HEAD = do_GET

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as proxy:
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        here = f"http://127.0.0.1:{proxy.server_port}"
        proxies = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), here)
        names = {"NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"}
        with running(tmp_path, HUBMAXACT_INDEX=str(index), env={**proxies, **names}) as served:
            assert served.json("/data/page.json")["total"] == 30
            assert served.json("/config")
            served.end()
        proxy.shutdown()
    assert asked == []
