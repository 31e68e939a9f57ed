"""What the server answers: its closed list of addresses, from one index, to anybody."""

import csv
import gzip
import hashlib
import io
import json
import socket

import httpx
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hubmaxact.catalog.store import read_index
from hubmaxact.page import assets
from hubmaxact.page.page_data import PageData
from hubmaxact.page.url_state import parse

DATA = ("about", "page", "releases", "findings")
FILES = [f"{what}.{kind}" for what in ("all", "view", "picked") for kind in ("csv", "parquet")]
HOSTILE = (
    "page=999999999999999999999", "page=-1", "page=%00", "sort=__class__", "sort=-",
    "q=" + "a" * 9000,
    "q=%ff%fe%00%ud800", "family=../../etc/passwd", "pick=" + "x" * 5000, "pick=%00", "&&&=&=", "%",
    "&".join(f"pick={n}" for n in range(500)), "q='%20OR%201=1--", "q=<script>alert(1)</script>",
    "scope[]=x&role[]=y", "view=findings&view=releases", "q=%E2%80%AE", "format=beyond-float16%00",
)  # fmt: skip


@pytest.fixture(scope="module")
def page_data(index):
    return PageData.of(read_index(index), origin="folder", built=None)


def plain(served, path, **headers):
    """An answer as it crosses the wire."""
    http = httpx.Client(base_url=served.url, headers=headers, trust_env=False)
    with http, http.stream("GET", path) as answer:
        answer.raw = b"".join(answer.iter_raw())
        return answer


def test_the_page_and_every_file_it_needs_are_served_as_they_are(space):
    for name in assets.names():
        answer = space.get("/" if name == "index.html" else f"/{name}")
        assert (answer.status_code, answer.content) == (200, assets.read(name))
        assert answer.headers["Content-Type"] == assets.media_type(name)


def test_the_data_is_what_the_page_data_says(space, page_data):
    address = "q=o&sort=name&page=1"
    keys = [row["key"] for row in page_data.rows[:2]]
    assert space.json(f"/data/page.json?{address}") == page_data.page(parse(address))
    picked = str(httpx.QueryParams([("pick", key) for key in [*keys, "no/such"]]))
    assert space.json(f"/data/releases.json?{picked}") == page_data.releases([*keys, "no/such"])
    assert space.json("/data/findings.json") == json.loads(json.dumps(page_data.findings()))
    about = space.json("/data/about.json")
    assert about["host"] == "server"
    assert (about["index"]["rows"], about["index"]["measured"]) == (30, 3)
    assert (about["index"]["origin"], about["index"]["problem"]) == ("folder", None)
    assert about["index"]["built"].endswith("Z")


def test_the_downloads_are_files_with_fixed_names(space, index, page_data):
    for name in FILES:
        answer = space.get(f"/download/{name}?pick=one&q=one")
        assert (
            answer.headers["Content-Disposition"]
            == f'attachment; filename="activation-maxima-{name}"'
        )
        assert answer.status_code == 200
    assert space.get("/download/all.parquet").content == (index / "index.parquet").read_bytes()
    rows = list(csv.DictReader(io.StringIO(space.get("/download/all.csv").text)))
    assert [float(row["abs_max"]) for row in rows] == [row["abs_max"] for row in page_data.rows]
    seen = space.get("/download/view.parquet?source=measured").content
    table = pyarrow.parquet.read_table(pyarrow.BufferReader(seen)).to_pylist()
    assert {row["name"] for row in table} == {
        row["name"] for row in page_data.rows if row["source"] == "measured"
    }


@pytest.mark.parametrize("name", FILES)
def test_a_download_holds_what_its_address_asks_for(space, page_data, name):
    key = page_data.rows[3]["key"]
    what, kind = name.split(".")
    address = str(httpx.QueryParams({"pick": key, "q": "qwen"}))
    assert space.get(f"/download/{name}?{address}").content == page_data.download(
        what, kind, parse(address)
    )


def test_what_a_browser_has_is_not_sent_again(space):
    for path in ("/", "/data/about.json", "/data/page.json", "/download/all.csv"):
        first = space.get(path)
        assert first.headers["Cache-Control"] == "no-cache"
        again = space.get(path, headers={"If-None-Match": f'"other", {first.headers["ETag"]}'})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["ETag"] == first.headers["ETag"]
        assert space.get(path, headers={"If-None-Match": '"other"'}).status_code == 200
    digest = space.json("/data/about.json")["index"]["sha256"]
    assert digest[:32] in space.get("/data/page.json").headers["ETag"]


def test_data_and_files_travel_packed_to_who_can_unpack(space):
    for path in ("/app.js", "/data/page.json", "/download/all.csv"):
        packed = plain(space, path, **{"Accept-Encoding": "br, gzip;q=0.5"})
        assert packed.headers["Content-Encoding"] == "gzip"
        assert "Accept-Encoding" in packed.headers["Vary"]
        for refused in ("identity", ""):
            unpacked = plain(space, path, **{"Accept-Encoding": refused})
            assert "Content-Encoding" not in unpacked.headers
            assert gzip.decompress(packed.raw) == unpacked.raw
        assert len(packed.raw) < len(unpacked.raw) / 2


@pytest.mark.parametrize(
    "path",
    [
        "/nothing", "/index.html", "/data", "/data/", "/data/about", "/data/table.json",
        "/download/all.exe", "/download/all.csv/", "/download/../app.js/..", "/..%2fapp.py",
        "/%2e%2e/settings.py", "/data/about.json%00", "//data/about.json", "/app.js/", "/APP.JS",
        "/static/x", "/svelte/x", "/assets/x", "/theme.css", "/manifest.json", "/pwa_icon",
        "/logout", "/dev/reload", "/docs", "/redoc", "/openapi.json",
    ],
)  # fmt: skip
def test_there_is_nothing_else(space, path):
    with socket.create_connection(("127.0.0.1", space.port)) as line:
        line.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        assert line.makefile("rb").readline().split()[1] == b"404"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_the_page_can_only_be_read(space, method):
    for path in ("/", "/data/page.json", "/download/all.csv"):
        answer = space.http.request(method, path)
        assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD")
    assert space.http.head("/data/about.json").content == b""


def test_every_answer_says_what_a_browser_may_do_with_it(space):
    asked = (
        "/",
        "/app.js",
        "/data/page.json",
        "/nothing",
        "/config",
        "/monitoring",
        "/gradio_api/info",
    )
    for path in asked:
        headers = space.get(path).headers
        policy = dict(
            part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";")
        )
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
        assert policy["frame-ancestors"] == "'self' https://huggingface.co https://*.hf.space"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
    has = {"If-None-Match": space.get("/").headers["ETag"]}
    assert "Content-Security-Policy" in space.get("/", headers=has).headers


def test_the_headers_allow_at_least_what_the_page_itself_declares(space):
    declared = space.get("/").text.split('Content-Security-Policy" content="')[1].split('"')[0]
    assert space.get("/").headers["Content-Security-Policy"].startswith(declared)


@pytest.mark.parametrize("query", HOSTILE)
def test_a_hostile_address_gets_an_answer(space, query):
    for path in ("data/about.json", "data/page.json", "data/releases.json", "data/findings.json",
                 "download/view.csv", "download/picked.parquet"):  # fmt: skip
        assert space.get(f"/{path}?{query}").status_code == 200


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.binary(max_size=300))
def test_no_bytes_in_an_address_make_the_server_stumble(space, junk):
    allowed = bytes(byte for byte in junk if 0x20 < byte < 0x7F and byte != ord("#"))
    escaped = "".join(f"%{byte:02x}" for byte in junk)
    for query in (allowed.decode(), escaped, f"q={escaped}&sort={escaped}&pick={escaped}"):
        for name in ("page", "releases"):
            status = raw_status(space, f"/data/{name}.json?{query}")
            assert status in {200, 400}, (status, query)


def raw_status(space, target):
    """Ask exactly this, as no well-behaved client would."""
    with socket.create_connection(("127.0.0.1", space.port)) as line:
        line.sendall(
            b"GET " + target.encode() + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        )
        return int(line.makefile("rb").readline().split()[1])


def test_names_from_strangers_arrive_as_text_and_as_no_formula(space):
    hostile = "=cmd|<img src=x onerror=alert(1)>"
    answer = space.get("/data/page.json?source=measured")
    assert answer.headers["Content-Type"] == "application/json"
    assert any(hostile in row["name"] for row in answer.json()["rows"])
    rows = csv.reader(io.StringIO(space.get("/download/all.csv").text))
    assert not [cell for row in rows for cell in row if cell.startswith("=")]


def test_the_index_tag_is_the_digest_of_the_file(space, index):
    digest = hashlib.sha256((index / "index.parquet").read_bytes()).hexdigest()
    assert space.json("/data/about.json")["index"]["sha256"] == digest
