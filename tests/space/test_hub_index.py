"""An index in a data set on the Hub: read at a commit, kept on disk, and never with a token."""

import hashlib
import json
import os

import httpx
import pytest
from loopback_hub import LoopbackHub
from loopback_hub.client import environment

from space.serving import APP, PLAIN, build, running, until

REPO = "org/index"


@pytest.fixture
def hub():
    with LoopbackHub() as started:
        yield started


@pytest.fixture
def files(tmp_path):
    """Build an index over reports of these names; the two files of the data set."""

    def built(*names):
        output = tmp_path / "catalog"
        build(tmp_path / "reports", output, *names)
        return {name: (output / name).read_bytes() for name in ("index.parquet", "manifest.json")}

    return built


@pytest.fixture
def repo(hub, files):
    return hub.create_repo(REPO, repo_type="dataset", files=files("one"))


@pytest.fixture
def serve(hub, tmp_path):
    """Start the Space on the data set, always with the same home."""

    def start(script=PLAIN, **more):
        env = environment(hub, tmp_path / "home") | {
            "HUBMAXACT_INDEX": REPO,
            "HUBMAXACT_REFRESH_SECONDS": "0.1",
            **more,
        }
        env.pop("PYTHONWARNINGS")  # of libraries around Gradio
        stored = tmp_path / "home" / "hf" / "token"  # as `hf auth login` leaves it
        stored.parent.mkdir(parents=True, exist_ok=True)
        stored.write_text(hub.token)
        return running(tmp_path / "home", script=script, env=env)

    return start


def about(served):
    return served.json("/data/about.json")["index"]


def break_hub(hub):
    hub.faults.add("GET", "/api/datasets/", status=500, times=10**6)


def test_the_index_is_read_at_a_commit_and_as_old_as_it(hub, repo, serve):
    with serve(APP) as served:
        index = about(served)
        head = repo.resolve("main")
        assert index["origin"] == f"{REPO}@{head.sha}"
        assert (index["measured"], index["problem"]) == (1, None)
        assert index["built"].startswith("2025-")
        dates = [c["date"] for c in history(hub, head.sha)]
        assert index["built"][:19] == dates[0][:19]
    for asked in hub.requests:
        assert asked.authorization is None
        assert "/resolve/main/" not in asked.target


def history(hub, sha):
    return httpx.get(f"{hub.url}/api/datasets/{REPO}/commits/{sha}").json()


def test_an_unchanged_data_set_costs_one_request_a_look(hub, repo, serve):
    with serve() as served:
        about(served)
        seen = len(hub.requests)
        until(lambda: len(hub.requests) > seen + 5)
        assert {r.target for r in hub.requests[seen:]} == {
            f"/api/datasets/{REPO}/revision/main?expand=sha"
        }


def test_a_new_commit_is_shown_by_itself(hub, repo, serve, files):
    with serve() as served:
        assert about(served)["measured"] == 1
        repo.commit(files("two"))
        until(lambda: about(served)["measured"] == 2)
        assert about(served)["origin"].endswith(repo.resolve("main").sha)


@pytest.mark.nightly
def test_a_named_revision_stays(hub, repo, serve, files):
    pinned = repo.resolve("main").sha
    repo.commit(files("two"))
    with serve(HUBMAXACT_INDEX_REVISION=pinned) as served:
        assert about(served)["origin"].endswith(pinned)
        assert about(served)["measured"] == 1


@pytest.mark.by_day("garbage")
@pytest.mark.parametrize("delivery", ["reset", "garbage", "status"])
def test_a_hub_that_is_down_changes_nothing(hub, repo, serve, delivery):
    with serve() as served:
        before = served.json("/data/page.json")
        how = {"status": 503} if delivery == "status" else {"delivery": delivery}
        fault = hub.faults.add("GET", "/api/datasets/", times=10**6, **how)
        said = until(lambda: about(served)["problem"])
        assert "so this is the last good copy: the Hub at " in said
        assert served.json("/data/page.json") == before
        fault.times = 0
        until(lambda: about(served)["problem"] is None)


@pytest.mark.by_day("index.parquet")
@pytest.mark.parametrize("damaged", ["index.parquet", "manifest.json"])
def test_a_damaged_commit_changes_nothing_and_the_next_is_shown(hub, repo, serve, files, damaged):
    with serve() as served:
        good = about(served)["origin"]
        bad = files("two")
        repo.commit({**bad, damaged: bad[damaged][:-50] + b"\x00" * 50})
        said = until(lambda: about(served)["problem"])
        assert damaged in said
        assert about(served)["origin"] == good
        repo.commit({damaged: None})
        until(lambda: f"has no usable {damaged}" in about(served)["problem"])
        repo.commit(bad)
        until(lambda: about(served)["problem"] is None)
        assert about(served)["measured"] == 2


def test_a_start_without_the_hub_shows_the_last_good_copy(hub, repo, serve, files):
    with serve() as served:
        first = about(served)
        page = served.json("/data/page.json")
        served.end()
    break_hub(hub)
    with serve() as served:
        said = until(lambda: about(served)["problem"])
        assert "so this is the last good copy" in said
        assert served.json("/data/page.json") == page
        assert {**about(served), "problem": None} == first


@pytest.mark.nightly
def test_a_copy_that_was_never_good_is_not_kept(hub, repo, serve, files):
    """Its digest is right, and it is no table."""
    with serve() as served:
        good = about(served)["origin"]
        manifest = json.loads(files("two")["manifest.json"])
        junk = b"PAR1" + bytes(500) + b"PAR1"
        manifest["index"]["sha256"] = hashlib.sha256(junk).hexdigest()
        bad = {"index.parquet": junk, "manifest.json": json.dumps(manifest).encode()}
        repo.commit(bad)
        assert "not a Parquet file" in until(lambda: about(served)["problem"])
        served.end()
    break_hub(hub)
    with serve() as served:
        assert about(served)["origin"] == good


@pytest.mark.nightly
def test_old_copies_do_not_pile_up(hub, repo, serve, files, tmp_path):
    with serve() as served:
        for number in range(3):
            repo.commit(files(f"model-{number}"))
            until(lambda number=number: about(served)["measured"] == number + 2)
        kept = tmp_path / "home" / "hf" / "hubmaxact" / "index"
        until(lambda: len(list(kept.glob("*/*/index.parquet"))) == 1)


@pytest.mark.nightly
def test_a_damaged_copy_on_disk_is_not_shown(hub, repo, serve, tmp_path):
    with serve() as served:
        about(served)
        served.end()
    for table in (tmp_path / "home" / "hf" / "hubmaxact").rglob("index.parquet"):
        times = table.stat().st_mtime_ns
        table.write_bytes(b"PAR1")
        os.utime(table, ns=(times, times))  # as a disk damages a file
    break_hub(hub)
    with serve() as served:
        answer = served.get("/data/page.json")
        assert answer.status_code == 503
        assert "no index to show yet" in answer.json()["error"]
    hub.faults._faults.clear()
    with serve() as served:
        assert about(served)["measured"] == 1


def test_a_data_set_that_is_not_there_is_named(hub, serve):
    with serve() as served:
        said = until(lambda: served.get("/data/about.json").json()["error"])
        assert "datasets/org/index is not a public data set on the Hub." in said
