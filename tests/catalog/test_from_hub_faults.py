"""When the Hub stumbles: waits are honoured, failures are one repository's, old rows stay."""

import json
import time

import pytest
from catalog_reports import REPORT_NAME, TAGGED, publish, report_bytes_of, rows_in
from loopback_hub import run_cli

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


def test_a_repository_that_keeps_failing_is_quarantined_and_asked_again_next_time(
    hub, from_hub, catalog
):
    fault = hub.faults.add("GET", "org/b/resolve", status=500, times=1000)
    assert from_hub("--no-paper").code == 0
    assert list(rows_in(catalog)) == ["org/a", "org/c", "org/d"]
    (left,) = manifest_in(catalog)["quarantine"]
    assert left["name"] == "org/b"
    assert "gives no usable answer" in left["reason"]
    fault.times = 0
    assert from_hub("--no-paper").code == 0
    assert len(rows_in(catalog)) == 4
    assert manifest_in(catalog)["quarantine"] == []


def test_a_known_release_keeps_its_row_while_the_hub_does_not_answer(hub, from_hub, catalog):
    from_hub("--no-paper")
    before = rows_in(catalog)["org/b"]
    head = hub.repos["model", "org/b"].commit({"README.md": TAGGED + b"\n"}).sha
    fault = hub.faults.add("GET", "/api/models/org/b/revision", status=503, times=1000)
    done = from_hub("--no-paper")
    assert rows_in(catalog)["org/b"] == before
    (left,) = manifest_in(catalog)["kept"]
    assert left["name"] == "org/b"
    assert "kept from the last build: org/b" in done.stderr
    fault.times = 0
    from_hub("--no-paper")
    assert rows_in(catalog)["org/b"]["commit"] == head
    assert manifest_in(catalog)["kept"] == []


def test_a_report_that_arrives_damaged_is_not_taken_for_the_repositorys(hub, from_hub, catalog):
    hub.faults.add("GET", "org/b/resolve", status=200, body=report_bytes_of("x"), times=1000)
    from_hub("--no-paper")
    assert "org/b" not in rows_in(catalog)
    (left,) = manifest_in(catalog)["quarantine"]
    assert left["reason"] == f"{REPORT_NAME} arrived damaged. Try again later."


def test_an_exhausted_rate_limit_ends_the_asking_and_the_next_build_goes_on(hub, from_hub, catalog):
    for number in range(60):
        publish(hub, f"org/many-{number}")
    fault = hub.faults.add("GET", "/revision/", status=429, headers=EXHAUSTED, times=1000, skip=20)
    assert from_hub("--no-paper").code == 0
    asked = [r for r in hub.requests if "/revision/" in r.target]
    assert len(asked) < 30, "asked on although the limit was used up"
    rows = rows_in(catalog)
    assert len(rows) == 20
    assert len(manifest_in(catalog)["quarantine"]) == 44
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


def test_a_listing_is_not_waited_for_for_ever(hub, catalog, tmp_path):
    hub.faults.add("GET", r"/api/models\?", delivery="hang", seconds=90)
    words = ["catalog", "build", "--from-hub", "--no-paper", "--output", catalog]
    short_timeout = {"HUBMAXACT_HTTP_TIMEOUT": "0.5"}
    assert run_cli(words, hub, tmp_path, extra=short_timeout, timeout=60).code == 0
    assert len(rows_in(catalog)) == 4


def test_a_hub_that_suddenly_lists_nothing_does_not_empty_the_index(hub, from_hub, catalog):
    from_hub("--no-paper")
    hub.faults.add("GET", r"/api/models\?", status=200, body=b"[]")
    done = from_hub("--no-paper")
    assert done.code == 2
    assert "lists no repository with the tag activation-maxima" in done.stderr
    assert len(rows_in(catalog)) == 4


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
