"""A build that is killed keeps what it read, and the next one asks for the rest."""

import os
import resource
import signal
from pathlib import Path

import pytest
from catalog_reports import TAGGED, publish, rows_in

from hubmaxact.catalog.journal import JOURNAL, Journal
from hubmaxact.catalog.outcome import Previous, in_table, left_out, read_report
from hubmaxact.files import WriteError


def outcome(name, content):
    _, row = read_report(content, key=f"file:{name}", name=name)
    return in_table(name, row, {"sha256": name})


@pytest.fixture
def outcomes(workspace):
    rows = [outcome(name, workspace.put(name).read_bytes()) for name in ("a", "b", "c")]
    return [*rows, left_out("d", "not JSON", {"sha256": "d"})]


def written(folder, outcomes):
    folder.mkdir(exist_ok=True)
    journal = Journal(folder, "folder")
    for each in outcomes:
        journal.add(each)
    journal.__exit__(KeyboardInterrupt, None, None)
    return folder / JOURNAL


def found_in(folder, kind="folder"):
    return Journal(folder, kind).found


def test_what_was_read_comes_back_as_it_was(tmp_path, outcomes):
    written(tmp_path, outcomes)
    for each in outcomes:
        again = found_in(tmp_path)[each.name]
        assert (again.row, again.state, again.outcome) == (each.row, each.state, each.outcome)
        assert again.unchanged
    assert Previous({}).with_more(found_in(tmp_path)).same("d", sha256="d").reason == "not JSON"


def test_a_journal_cut_anywhere_keeps_every_whole_line_and_takes_more(tmp_path, outcomes):
    path = written(tmp_path, outcomes)
    content = path.read_bytes()
    ends = [place + 1 for place, byte in enumerate(content) if byte == ord("\n")][1:]
    for size in [*range(0, len(content), 997), *ends, *(end - 1 for end in ends)]:
        path.write_bytes(content[:size])
        whole = "abcd"[: sum(end <= size for end in ends)]
        assert list(found_in(tmp_path)) == list(whole), size
        written(tmp_path, outcomes[-1:])
        assert set(found_in(tmp_path)) == {*whole, "d"}, size


@pytest.mark.parametrize("damage", [b"\0" * 100, b"9", b"\n", b"{}\n"])
def test_a_damaged_line_is_passed_over(tmp_path, outcomes, damage):
    path = written(tmp_path, outcomes)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:2], lines[2][:50], damage, lines[2][50:], *lines[3:]]))
    assert {"a", "d"} <= found_in(tmp_path).keys() <= {"a", "c", "d"}


def test_another_version_or_kind_begins_anew(tmp_path, outcomes, monkeypatch):
    written(tmp_path, outcomes)
    assert found_in(tmp_path, "hub") == {}
    monkeypatch.setattr("hubmaxact.catalog.journal.__version__", "0.0.0")
    assert found_in(tmp_path) == {}
    written(tmp_path, outcomes[:1])
    assert list(found_in(tmp_path)) == ["a"]


def test_a_build_that_ends_leaves_no_journal_and_a_folder_in_its_place_is_told(tmp_path, outcomes):
    with Journal(tmp_path, "folder") as journal:
        journal.add(outcomes[0])
        assert (tmp_path / JOURNAL).exists()
    assert list(tmp_path.glob(".*")) == []
    (tmp_path / JOURNAL / "x").mkdir(parents=True)
    with pytest.raises(WriteError, match="journal"), Journal(tmp_path, "folder") as journal:
        journal.add(outcomes[0])


def test_a_disk_that_fills_is_told_as_the_journals(tmp_path, outcomes):
    def build():
        with Journal(tmp_path, "folder") as journal:
            for each in outcomes * 20:
                journal.add(each)

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, limits[1]))
    try:
        with pytest.raises(WriteError, match=r"journal: File too large\. Free some space"):
            build()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "a" in found_in(tmp_path)


def kill_child_of(process):
    """End the command that the forking process is running, as a machine that is taken away."""
    (child,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    os.kill(int(child), signal.SIGKILL)


def test_a_killed_build_from_the_hub_goes_on_where_it_ended(hub, from_hub, forking, tmp_path):
    for number in range(30):
        publish(hub, f"org/many-{number:02}")
    hub.faults.add("GET", "/resolve/", skip=20, before=lambda: kill_child_of(forking))
    assert from_hub("--no-paper").code == -signal.SIGKILL
    assert not (tmp_path / "catalog" / "manifest.json").exists()
    # What has changed meanwhile is read again, and what has gone does not come back.
    repo = hub.repos["model", "org/many-03"]
    head = repo.commit({"README.md": TAGGED + b"\n", "model.safetensors": b"other"}).sha
    del hub.repos["model", "org/many-04"]
    hub.requests.clear()
    done = from_hub("--no-paper")
    assert done.code == 0
    assert len(hub.asked("GET", "/resolve/")) < 20
    rows = rows_in(tmp_path / "catalog")
    assert len(rows) == 29
    assert (rows["org/many-03"]["commit"], rows["org/many-03"]["trust"]) == (head, "stale")
    assert list((tmp_path / "catalog").glob(".*")) == []
    table = (tmp_path / "catalog" / "index.parquet").read_bytes()
    (tmp_path / "catalog" / "manifest.json").unlink()
    from_hub("--no-paper")
    assert (tmp_path / "catalog" / "index.parquet").read_bytes() == table
