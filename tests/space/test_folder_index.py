"""An index in a folder, kept fresh: a new one is shown whole, a bad one changes nothing."""

import hashlib
import json
import shutil
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from hubmaxact.catalog.manifest import SCHEMA
from hubmaxact.files import write_bytes
from space.serving import PLAIN, build, running, until

SOON = {"HUBMAXACT_REFRESH_SECONDS": "0.1"}


@pytest.fixture
def catalog(tmp_path):
    build(tmp_path / "reports", tmp_path / "catalog", "one")
    return tmp_path / "catalog"


@pytest.fixture
def live(catalog, tmp_path):
    with running(tmp_path / "home", script=PLAIN, HUBMAXACT_INDEX=str(catalog), **SOON) as served:
        yield served


def about(served):
    return served.json("/data/about.json")["index"]


def problem(served):
    return until(lambda: about(served)["problem"])


def test_a_new_index_is_shown_by_itself(live, catalog, tmp_path):
    before, tag = about(live), live.get("/data/page.json").headers["ETag"]
    assert (before["measured"], before["problem"]) == (1, None)
    build(tmp_path / "reports", catalog, "two", "three")
    after = until(lambda: about(live)["measured"] == 3 and about(live))
    assert after["sha256"] != before["sha256"]
    assert after["problem"] is None
    assert live.json("/data/page.json")["total"] == 30
    assert live.get("/data/page.json", headers={"If-None-Match": tag}).status_code == 200


def test_an_index_that_is_half_written_changes_nothing(live, catalog):
    before = live.json("/data/page.json")
    whole = (catalog / "index.parquet").read_bytes()
    (catalog / "index.parquet").write_bytes(whole[: len(whole) // 2])
    said = problem(live)
    assert said.startswith("The index could not be refreshed since 20")
    assert "so this is the last good copy: index.parquet is not the table" in said
    assert str(catalog) not in said
    assert live.json("/data/page.json") == before
    assert live.get("/data/page.json").status_code == 200
    (catalog / "index.parquet").write_bytes(whole)
    until(lambda: about(live)["problem"] is None)


def replace_manifest(catalog, manifest):
    """Put it there whole, as a build does: half a file would be another fault."""
    write_bytes(catalog / "manifest.json", json.dumps(manifest).encode())


def forged(content):
    """A table that its manifest vouches for, whatever is in it."""
    return {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}


@pytest.mark.nightly
def test_a_table_that_is_no_table_changes_nothing(live, catalog):
    manifest = json.loads((catalog / "manifest.json").read_bytes())
    junk = b"PAR1" + b"\x00" * 500 + b"PAR1"
    (catalog / "index.parquet").write_bytes(junk)
    manifest["index"] |= forged(junk)
    replace_manifest(catalog, manifest)
    assert "the index is not a Parquet file" in problem(live)
    assert live.json("/data/page.json")["total"] == 28


@pytest.mark.nightly
def test_a_manifest_of_a_later_version_changes_nothing(live, catalog):
    manifest = json.loads((catalog / "manifest.json").read_bytes())
    replace_manifest(catalog, {**manifest, "schema": SCHEMA + 1})
    assert "Upgrade hubmaxact." in problem(live)
    assert live.json("/data/page.json")["total"] == 28


def test_a_folder_that_is_gone_changes_nothing_and_since_when_is_said_once(live, catalog):
    shutil.rmtree(catalog)
    first = problem(live)
    assert "cannot read manifest.json: No such file or directory." in first
    assert live.json("/data/findings.json")["scopes"]
    time.sleep(1.2)  # the sentence tells seconds, and a dozen more looks go by
    assert problem(live) == first
    assert live.said.count("could not be refreshed") == 1


def test_without_any_index_the_page_says_so_and_waits_for_one(tmp_path):
    catalog = tmp_path / "catalog"
    with running(tmp_path / "home", script=PLAIN, HUBMAXACT_INDEX=str(catalog), **SOON) as served:
        page = served.get("/")
        assert (page.status_code, page.headers["Content-Type"][:9]) == (200, "text/html")
        for path in ("/data/about.json", "/data/page.json", "/download/all.csv"):
            answer = served.get(path)
            assert answer.status_code == 503
            assert answer.headers["Retry-After"].isdecimal()
            assert answer.headers["Cache-Control"] == "no-store"
            assert answer.json()["error"].startswith(
                "There is no index to show yet, and it is asked for again: cannot read"
            )
        build(tmp_path / "reports", catalog, "one")
        until(lambda: served.get("/data/about.json").status_code == 200)
        assert about(served)["problem"] is None


def test_readers_never_see_parts_of_two_indexes(live, catalog, tmp_path):
    """Each answer belongs to the index that its tag names, while indexes come and go."""

    def ask(_):
        answer = live.get("/data/page.json?source=measured")
        return answer.headers["ETag"], answer.json()["total"]

    seen = set()
    with ThreadPoolExecutor(4) as readers:
        for number in range(4):
            build(tmp_path / "reports", catalog, f"model-{number}")
            until(lambda number=number: about(live)["measured"] == number + 2)
            seen |= set(readers.map(ask, range(60)))
    assert len({tag for tag, _ in seen}) == len(seen)
