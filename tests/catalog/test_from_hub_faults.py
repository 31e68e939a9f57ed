"""When the Hub stumbles: waits are honoured, failures are one repository's, old rows stay."""

import json
import time

import pytest
from catalog_reports import REPORT_NAME, TAGGED, publish, report_bytes_of, rows_in
from huggingface_hub.utils import hf_raise_for_status, httpx
from loopback_hub import run_cli
from loopback_hub.faults import Faults

from hubmaxact.catalog.sources.hub_calls import is_gone
from hubmaxact.errors import HubError
from hubmaxact.hub.retry import ask

LIMITED = {"RateLimit": '"api";r=0;t=0', "RateLimit-Policy": '"fixed window";"api";q=500;w=300'}
EXHAUSTED = LIMITED | {"RateLimit": '"api";r=0;t=301'}


@pytest.fixture
def catalog(hub, tmp_path):
    for name in "abcd":
        publish(hub, f"org/{name}")
    return tmp_path / "catalog"


def manifest_in(catalog):
    return json.loads((catalog / "manifest.json").read_bytes())


def test_a_rate_limit_is_waited_for_and_nothing_is_lost(hub, from_hub, catalog):
    hub.faults.add("GET", "/api/models/org/b/revision", status=429, headers=LIMITED)
    hub.faults.add("GET", "org/c/resolve", status=429, headers={"Retry-After": "0"})
    began = time.monotonic()
    done = from_hub("--no-paper")
    assert done.code == 0
    assert list(rows_in(catalog)) == ["org/a", "org/b", "org/c", "org/d"]
    assert time.monotonic() - began > 1


def test_errors_and_cut_lines_are_tried_again(hub, from_hub, catalog):
    hub.faults.add("GET", "/api/models/org/a/revision", status=500)
    hub.faults.add("GET", "/api/models/org/b/revision", delivery="reset")
    hub.faults.add("GET", "/api/models/org/c/revision", delivery="garbage")
    hub.faults.add("GET", "org/d/resolve", delivery="truncate")
    assert from_hub("--no-paper").code == 0
    assert len(rows_in(catalog)) == 4


GATED = {"X-Error-Code": "GatedRepo", "X-Error-Message": "Access is restricted."}
CANNOT_BE_READ = {
    "500": ({"status": 500}, "gives no usable answer: status 500"),
    "502": ({"status": 502, "body": b"<html>"}, "gives no usable answer: status 502"),
    "503": ({"status": 503, "headers": {"Retry-After": "9999"}}, "status 503"),
    "504": ({"status": 504}, "gives no usable answer: status 504"),
    "401": ({"status": 401}, "does not accept the token for bad/401 (401)"),
    "403": ({"status": 403}, "may not read bad/403 (403)"),
    "404": ({"status": 404}, "arrived damaged"),
    "gated": ({"status": 403, "headers": GATED}, "bad/gated is gated. Accept its terms at"),
    "reset": ({"delivery": "reset"}, "gives no usable answer: the connection failed"),
    "truncated": ({"delivery": "truncate"}, "gives no usable answer: the connection failed"),
    "bytes": ({"delivery": "garbage", "body": b"{"}, "arrived damaged"),
}


def test_what_cannot_be_read_is_no_fault_of_the_report_and_read_next_time(hub, from_hub, catalog):
    for name, (how, _) in CANNOT_BE_READ.items():
        publish(hub, f"bad/{name}")
        hub.faults.add("GET", f"bad/{name}/resolve", times=1000, **how)
    done = from_hub("--no-paper")
    assert done.code == 0
    assert list(rows_in(catalog)) == ["org/a", "org/b", "org/c", "org/d"]
    manifest = manifest_in(catalog)
    assert manifest["quarantine"] == []
    reasons = {left["name"]: left["reason"] for left in manifest["unread"]}
    assert reasons.keys() == {f"bad/{name}" for name in CANNOT_BE_READ}
    for name, (_, words) in CANNOT_BE_READ.items():
        assert words in reasons[f"bad/{name}"], name
    assert done.stderr.count("not read this time: bad/") == 10
    hub.faults = Faults()
    assert from_hub("--no-paper").code == 0
    assert len(rows_in(catalog)) == manifest_in(catalog)["counts"]["measured"] == 15
    assert manifest_in(catalog)["unread"] == []


@pytest.mark.nightly
def test_a_known_release_keeps_its_row_while_the_hub_does_not_answer(hub, from_hub, catalog):
    from_hub("--no-paper")
    before = rows_in(catalog)["org/b"]
    head = hub.repos["model", "org/b"].commit({"README.md": TAGGED + b"\n"}).sha
    fault = hub.faults.add("GET", "/api/models/org/b/revision", status=503, times=1000)
    done = from_hub("--no-paper")
    assert rows_in(catalog)["org/b"] == before
    (left,) = manifest_in(catalog)["kept"]
    assert left["name"] == "org/b"
    assert left["reason"].startswith(f"as of commit {before['commit'][:7]} of 2025-")
    assert "kept from the last build: org/b" in done.stderr
    fault.times = 0
    from_hub("--no-paper")
    assert rows_in(catalog)["org/b"]["commit"] == head
    assert manifest_in(catalog)["kept"] == []


def test_a_report_that_arrives_damaged_is_not_taken_for_the_repositorys(hub, from_hub, catalog):
    hub.faults.add("GET", "org/b/resolve", status=200, body=report_bytes_of("x"), times=1000)
    from_hub("--no-paper")
    assert "org/b" not in rows_in(catalog)
    (left,) = manifest_in(catalog)["unread"]
    assert left["reason"] == f"{REPORT_NAME} arrived damaged. Try again later."


def test_weights_that_arrive_damaged_do_not_make_a_report_stale(hub, from_hub, catalog):
    weights = {"model.safetensors": b"small"}
    report = report_bytes_of("x", weights=weights, id="org/plain")
    files = {"README.md": TAGGED, REPORT_NAME: report, **weights}
    hub.create_repo("org/plain", files=files, gitattributes=b"")
    fault = hub.faults.add("GET", "resolve/.*safetensors", status=200, body=b"sm", times=9)
    from_hub("--no-paper")
    (left,) = manifest_in(catalog)["unread"]
    assert left["reason"] == "model.safetensors arrived damaged. Try again later."
    fault.times = 0
    from_hub("--no-paper")
    assert rows_in(catalog)["org/plain"]["trust"] == "current"


@pytest.mark.by_day("sha")
@pytest.mark.parametrize("lost", ["siblings", "sha"])
def test_a_description_that_lacks_what_it_should_say_takes_nothing_away(
    hub, from_hub, catalog, lost
):
    from_hub("--no-paper")
    before = rows_in(catalog)["org/b"]
    head = hub.repos["model", "org/b"].commit({"README.md": TAGGED + b"\n"}).sha
    body = {"id": "org/b", "sha": head, "siblings": []}
    del body[lost]
    hub.faults.add("GET", "org/b/revision", status=200, body=json.dumps(body).encode())
    from_hub("--no-paper")
    assert rows_in(catalog)["org/b"] == before


STRANGE_FILES = {
    "a path that is a number": [{"rfilename": 3}],
    "a path that is null": [{"rfilename": None}],
    "a size in words": [{"rfilename": REPORT_NAME, "size": "big", "blobId": "x"}],
    "a size beyond measure": [{"rfilename": REPORT_NAME, "size": float("inf"), "blobId": "x"}],
    "a digest that is a number": [{"rfilename": REPORT_NAME, "size": 5, "blobId": 7}],
    "LFS in a word": [{"rfilename": REPORT_NAME, "size": 5, "blobId": "x", "lfs": "yes"}],
    "no file at all": [],
    "an object in place of a list": {},
}
STRANGE_FACTS = {
    "tags that are a number": {"tags": 5},
    "tags in a word": {"tags": "activation-maxima"},
    "tags of another kind": {"tags": [["activation-maxima"]]},
    "no tags where a list should be": {"tags": {}},
    "an id that is none": {"id": "org/<b>"},
    "an id that is a number": {"id": 3},
    "an id that is null": {"id": None},
    "privacy in a word": {"private": "no"},
}


@pytest.mark.nightly
def test_a_description_of_another_shape_takes_nothing_away(hub, from_hub, catalog):
    from_hub("--no-paper")
    before = rows_in(catalog)["org/b"]
    head = hub.repos["model", "org/b"].commit({"README.md": TAGGED + b"\n"}).sha
    for what, siblings in STRANGE_FILES.items():
        hub.faults = Faults()
        body = json.dumps({"id": "org/b", "sha": head, "siblings": siblings}).encode()
        hub.faults.add("GET", "org/b/revision", status=200, body=body, times=9)
        done = from_hub("--no-paper")
        assert (done.code, rows_in(catalog)["org/b"]) == (0, before), (what, done.stderr)
    for what, strange in STRANGE_FACTS.items():
        hub.faults = Faults()
        hub.faults.add("GET", r"/api/models\?", status=200, body=b"[]")
        facts = {"id": "org/b", "sha": head, "tags": ["activation-maxima"], **strange}
        body = json.dumps(facts).encode()
        hub.faults.add("GET", r"/api/models/org/b\?", status=200, body=body, times=9)
        done = from_hub("--no-paper")
        assert (done.code, rows_in(catalog)["org/b"]) == (0, before), (what, done.stderr)


def refused(status, **headers):
    """The error of a call that huggingface_hub takes for one about no repository."""
    request = httpx.Request("GET", "https://huggingface.co/api/models/org/a")
    response = httpx.Response(status, headers=headers, request=request)
    with pytest.raises(HubError) as raised:
        ask(lambda: hf_raise_for_status(response), repo_id="org/a")
    return raised.value


def test_only_the_hub_itself_says_that_a_repository_is_gone():
    assert is_gone(refused(401, **{"X-Error-Message": "Invalid username or password."}))
    assert is_gone(refused(404, **{"X-Error-Code": "RepoNotFound"}))
    assert not is_gone(refused(401))  # a proxy that asks who we are
    assert not is_gone(refused(404))
    assert not is_gone(refused(403, **{"X-Error-Code": "GatedRepo"}))


def test_a_report_is_no_copy_where_another_than_the_hub_says_so(hub, from_hub, catalog):
    weights = {"model.safetensors": b"org/new"}
    publish(hub, "org/new", report=report_bytes_of("x", weights=weights, id="org/old"))
    fault = hub.faults.add("GET", r"/api/models/org/old\?", status=404, body=b"<html>", times=9)
    from_hub("--no-paper")
    assert [left["name"] for left in manifest_in(catalog)["unread"]] == ["org/new"]
    fault.times = 0
    from_hub("--no-paper")
    assert rows_in(catalog)["org/new"]["copied_from"] == "org/old"


@pytest.mark.nightly
def test_an_exhausted_rate_limit_ends_the_asking_and_the_next_build_goes_on(hub, from_hub, catalog):
    for number in range(60):
        publish(hub, f"org/many-{number}")
    fault = hub.faults.add("GET", "/revision/", status=429, headers=EXHAUSTED, times=1000, skip=20)
    assert from_hub("--no-paper").code == 0
    asked = [r for r in hub.requests if "/revision/" in r.target]
    assert len(asked) < 30, "asked on although the limit was used up"
    rows = rows_in(catalog)
    assert len(rows) == 20
    assert len(manifest_in(catalog)["unread"]) == 44
    assert manifest_in(catalog)["quarantine"] == []
    fault.times = 0
    hub.requests.clear()
    assert from_hub("--no-paper").code == 0
    assert len(rows_in(catalog)) == 64
    assert len([r for r in hub.requests if "/revision/" in r.target]) == 44


def test_a_hub_that_is_down_is_asked_a_bounded_number_of_times(hub, from_hub, catalog):
    for number in range(80):
        publish(hub, f"org/many-{number:02}")
    hub.faults.add("GET", "/revision/", status=502, times=10_000)
    assert from_hub("--no-paper").code == 0
    assert rows_in(catalog) == {}
    tried = {r.target for r in hub.requests if "/revision/" in r.target}
    assert 20 <= len(tried) <= 26


@pytest.mark.by_day("how2*")
@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"status": 403}, "403"),
        ({"status": 200, "body": b"<html>"}, "no usable answer"),
        ({"status": 200, "body": b'[{"sha": 3}]'}, "no usable answer"),
    ],
)
def test_a_listing_that_fails_leaves_the_old_index(hub, from_hub, catalog, how, words):
    from_hub("--no-paper")
    before = (catalog / "index.parquet").read_bytes(), manifest_in(catalog)
    hub.faults.add("GET", r"/api/models\?", times=100, **how)
    done = from_hub("--no-paper")
    assert done.code == 2
    assert done.stderr.startswith("hubmaxact: ")
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert ((catalog / "index.parquet").read_bytes(), manifest_in(catalog)) == before


@pytest.mark.nightly
def test_a_refused_listing_is_told_as_a_listing(hub, from_hub, catalog):
    for how, words in {
        "404": ({"status": 404}, "models?other=activation-maxima is not there (404)"),
        "401": ({"status": 401}, "token for the listing of repositories tagged activation-maxima"),
        "500": ({"status": 500}, "status 500. scripted. Try again later."),
    }.values():
        hub.faults = Faults()
        hub.faults.add("GET", r"/api/models\?", times=9, **how)
        done = from_hub()
        assert done.code == 2
        assert words in done.stderr
    hub.faults = Faults()
    for tag in ("", "a,b"):  # of which the Hub would make every repository, or those with both
        done = from_hub("--tag", tag)
        assert (done.code, done.stderr) == (
            2,
            f'hubmaxact: "{tag}" is not one tag. Name one that repositories have.\n',
        )


@pytest.mark.by_day("truncate")
@pytest.mark.parametrize("delivery", ["reset", "truncate"])
def test_a_line_that_breaks_is_tried_as_often_as_an_answer(hub, from_hub, catalog, delivery):
    hub.faults.add("GET", r"/api/models\?", times=100, delivery=delivery)
    began = time.monotonic()
    done = from_hub()
    assert done.code == 2
    assert "the connection failed. Try again later." in done.stderr
    assert len(hub.asked("GET", "/api/models?")) == 4
    assert time.monotonic() - began < 15  # seconds; the client library alone would take 23


@pytest.mark.nightly
def test_a_listing_is_not_waited_for_for_ever(hub, catalog, tmp_path):
    hub.faults.add("GET", r"/api/models\?", delivery="hang", seconds=90)
    words = ["catalog", "build", "--from-hub", "--no-paper", "--output", catalog]
    short_timeout = {"HUBMAXACT_HTTP_TIMEOUT": "0.5"}
    assert run_cli(words, hub, tmp_path, extra=short_timeout, timeout=60).code == 0
    assert len(rows_in(catalog)) == 4


@pytest.mark.by_day("fewer", "garbage")
@pytest.mark.parametrize(
    "how", ["nothing", "fewer", "empty", "early", "again", "garbage", "broken"]
)
def test_a_listing_that_is_cut_short_never_shrinks_the_index(hub, from_hub, catalog, how):
    hub.page_size = 2
    from_hub("--no-paper")
    publish(hub, "org/e")
    commit = hub.repos["model", "org/e"].resolve("main").sha
    one = json.dumps([{"id": "org/e", "sha": commit}]).encode()
    first = r"/api/models\?(?!.*cursor)"
    link = {"headers": {"Link": f'<{hub.url}/api/models?filter=activation-maxima>; rel="next"'}}
    faults = {
        "nothing": (first, {"status": 200, "body": b"[]"}),
        "empty": ("cursor=2", {"status": 200, "body": b"[]"}),
        "early": ("cursor=2", {"headers": {"Link": ""}}),
        "again": (r"/api/models\?", link),
        "garbage": ("cursor=4", {"status": 200, "body": b"[{}]"}),
        "fewer": (first, {"status": 200, "body": one}),
        "broken": ("cursor=2", {"status": 502}),
    }
    where, what = faults[how]
    hub.faults.add("GET", where, times=1000, **what)
    hub.requests.clear()
    done = from_hub("--no-paper")
    assert {"org/a", "org/b", "org/c", "org/d"} <= rows_in(catalog).keys()
    assert manifest_in(catalog)["kept"] == []
    assert len(hub.asked("GET", "/api/models?")) < 20
    assert done.code == (2 if how in {"garbage", "broken"} else 0)
    assert ("releases may be missing" in done.stderr) == (how in {"empty", "again"})


@pytest.mark.nightly
def test_a_repository_that_cannot_be_asked_for_keeps_its_row(hub, from_hub, catalog):
    from_hub("--no-paper")
    before = rows_in(catalog)
    for name, how in {
        "a": {"status": 503},
        "b": {"status": 404, "body": b"<html>"},
        "c": {"status": 200, "body": b'{"id": "org/c"}'},
    }.items():
        hub.faults.add("GET", rf"/api/models/org/{name}\?", times=100, **how)
    hub.faults.add("GET", r"/api/models\?", status=200, body=b"[]")
    del hub.repos["model", "org/d"]
    assert from_hub("--no-paper").code == 0
    assert list(rows_in(catalog)) == ["org/a", "org/b", "org/c"]
    assert rows_in(catalog).items() <= before.items()
    assert [left["name"] for left in manifest_in(catalog)["kept"]] == ["org/a", "org/b", "org/c"]


def test_another_version_reads_anew_and_loses_no_row_meanwhile(hub, from_hub, catalog):
    from_hub("--no-paper")
    before = rows_in(catalog)
    path = catalog / "manifest.json"
    path.write_text(path.read_text().replace('"built_by": "', '"built_by": "x'))
    hub.faults.add("GET", "org/b/resolve", status=500, times=4)
    hub.faults.add("GET", r"/api/models\?", status=200, body=b"[]")
    for unchanged, asked in ((0, 4), (3, 1)):
        hub.requests.clear()
        done = from_hub("--no-paper")
        assert rows_in(catalog) == before
        assert f"{unchanged} sources unchanged" in done.stderr
        assert len({each.target for each in hub.asked("GET", "/resolve/")}) == asked
    assert manifest_in(catalog)["kept"] == []


@pytest.mark.nightly
def test_the_last_repository_may_go_and_a_misspelt_tag_takes_nothing(hub, from_hub, catalog):
    from_hub("--no-paper")
    done = from_hub("--no-paper", "--tag", "activation-maximum")
    assert done.code == 2
    assert "lists no repository with the tag activation-maximum" in done.stderr
    assert len(rows_in(catalog)) == 4
    hub.repos.clear()
    assert from_hub("--no-paper").code == 0
    assert rows_in(catalog) == {}


def test_a_listing_with_hostile_ids_and_commits_lists_only_what_can_be_asked_for(
    hub, from_hub, catalog
):
    commit = hub.repos["model", "org/a"].resolve("main").sha
    listed = [
        {"id": name, "sha": sha}
        for name, sha in [
            ("org/a", commit),
            ("../../etc/passwd", commit),
            ("org/<script>", commit),
            ("org/b", "main"),
            ("org/c\n", commit),
            ("org/d", None),
            ("org/e", 3),
        ]
    ]
    hub.faults.add("GET", r"/api/models\?", status=200, body=json.dumps(listed).encode())
    assert from_hub("--no-paper").code == 0
    assert list(manifest_in(catalog)["sources"]) == ["org/a"]


def test_the_token_is_never_said(hub, from_hub, catalog):
    body = json.dumps({"error": f"bad token {hub.token}"}).encode()
    hub.faults.add("GET", "/revision/", status=403, body=body, times=1000)
    done = from_hub("--no-paper")
    assert hub.token not in done.said
    assert hub.token not in (catalog / "manifest.json").read_text()
