"""The endpoints for programs, called with Gradio's own client; each checks what it is given."""

import json
import socket

import httpx
import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError

from hubmaxact.catalog.store import read_index
from hubmaxact.page.page_data import PageData
from hubmaxact.page.url_state import parse
from space.serving import running


@pytest.fixture(scope="module")
def client(space):
    client = Client(space.url, verbose=False)
    yield client
    client.close()


@pytest.fixture(scope="module")
def page_data(index):
    return PageData.of(read_index(index), origin="folder", built=None)


def as_json(document):
    return json.loads(json.dumps(document))


def test_programs_get_what_the_page_gets(client, page_data):
    for query in ("", "q=qwen&sort=name", "page=2", "family=nonsense"):
        said = client.predict(query, api_name="/releases")
        assert said == as_json(page_data.page(parse(query)))
    keys = [row["key"] for row in page_data.rows[:3]]
    said = client.predict([*keys, "no/such"], api_name="/compare")
    assert said == as_json(page_data.releases([*keys, "no/such"]))
    assert client.predict(api_name="/findings") == as_json(page_data.findings())


def test_the_endpoints_are_described(client):
    endpoints = client.view_api(return_format="dict")["named_endpoints"]
    assert set(endpoints) == {"/releases", "/compare", "/findings"}
    assert [p["parameter_name"] for p in endpoints["/releases"]["parameters"]] == ["query_string"]
    assert all(endpoint["description"] for endpoint in endpoints.values())


@pytest.mark.by_day("releases-5-*", "compare-qwen-*", "compare-argument6-*")
@pytest.mark.parametrize(
    ("name", "argument", "said"),
    [
        ("releases", 5, "query_string must be text"),
        ("releases", None, "query_string must be text"),
        ("releases", ["q=x"], "query_string must be text"),
        ("releases", "x" * 8193, "at most 8,192 characters"),
        ("compare", "qwen", "keys must be a list"),
        ("compare", [], "a list of 1 to 8 keys"),
        ("compare", [str(number) for number in range(9)], "a list of 1 to 8 keys"),
        ("compare", [["nested"]], "each key must be text"),
        ("compare", ["x" * 601], "each key must be text"),
        ("compare", {"0": "a"}, "keys must be a list"),
    ],
)
def test_a_wrong_argument_is_named(client, name, argument, said):
    with pytest.raises(AppError, match=said):
        client.predict(argument, api_name=f"/{name}")


@pytest.mark.by_day("{", "*etc/passwd*")
@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"null", b'{"data": 5}', b'{"data": []}', b'{"data": ["", "", ""]}',
        b'{"data": [{"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}]}',
        b'{"data": [{"url": "http://127.0.0.1:9/", "meta": {"_type": "gradio.FileData"}}]}',
        b'{"data": ["\xff"]}', b'{"fn_index": -1, "data": [""]}',
    ],
)  # fmt: skip
def test_a_call_that_is_none_leaves_the_server_as_it_was(space, body):
    headers = {"Content-Type": "application/json"}
    for path in ("call/releases", "call/v2/releases", "call/no_such", "queue/join", "cancel"):
        with httpx.Client(base_url=space.url, timeout=10, trust_env=False) as http:
            answer = http.post(f"/gradio_api/{path}", content=body, headers=headers)
            assert answer.status_code < 500
            assert "root:" not in answer.text
            assert "Traceback" not in answer.text
    assert space.get("/data/page.json").status_code == 200


def test_a_file_for_an_argument_is_neither_read_nor_fetched(space):
    """Gradio's clients send files as such objects, which no endpoint here takes."""
    asked = []
    meta = {"meta": {"_type": "gradio.FileData"}}
    with socket.create_server(("127.0.0.1", 0)) as bait:
        bait.settimeout(1)
        address = f"http://127.0.0.1:{bait.getsockname()[1]}/bait.txt"
        for thing in ({"path": "/etc/passwd"}, {"path": address}, {"path": "x", "url": address}):
            for argument in ({**thing, **meta}, [{**thing, **meta}]):
                name = "compare" if isinstance(argument, list) else "releases"
                body = {"data": [argument]}
                asked.append(space.http.post(f"/gradio_api/call/{name}", json=body))
        with pytest.raises(TimeoutError):
            bait.accept()
    assert {answer.status_code for answer in asked} == {400}
    assert all("neither files nor text" in answer.text for answer in asked)


@pytest.mark.nightly
def test_without_an_index_programs_are_told_so(tmp_path):
    with running(tmp_path / "home", HUBMAXACT_INDEX=str(tmp_path / "none")) as served:
        client = Client(served.url, verbose=False)
        with pytest.raises(AppError, match="no index to show yet"):
            client.predict("", api_name="/releases")
        client.close()
