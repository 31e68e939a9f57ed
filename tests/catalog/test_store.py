"""Index and manifest are replaced together: old or new, whatever happens between."""

import hashlib
import json
import signal
import subprocess
import sys
import threading

import pytest
from catalog_reports import report_bytes_of

from hubmaxact.catalog import store
from hubmaxact.catalog.manifest import ManifestError
from hubmaxact.catalog.store import NoIndexError, read_index
from hubmaxact.files import WriteError
from hubmaxact.temporary_files import temporary_file

BUILD = """
import sys
from pathlib import Path
from hubmaxact.catalog.build import build_from_folder
build_from_folder(Path(sys.argv[1]), Path(sys.argv[2]))
"""
# A child for each N, killed in the Nth change of the folder: before a rename or after it. Prints
# how each child ended and whether the index read afterwards is the old one.
KILLED = """
import os, signal, sys
from pathlib import Path
from hubmaxact.catalog.parquet import arrow
from hubmaxact.report.validate import validate
from hubmaxact.catalog.sources import paper
from hubmaxact.catalog.build import build_from_folder
from hubmaxact.catalog.store import read_index
folder, output = map(Path, sys.argv[1:])
arrow().array([]), validate({}), paper.rows()  # once, and not in every child
old = read_index(output).content
replace, unlink = Path.replace, Path.unlink
def dying(number):
    left = [number]
    def count():
        left[0] -= 1
        if left[0] == 0: os.kill(os.getpid(), signal.SIGKILL)
    def dying_replace(self, target):
        count(); replace(self, target); count()
    def dying_unlink(self, missing_ok=False):
        count(); unlink(self, missing_ok)
    Path.replace, Path.unlink = dying_replace, dying_unlink
for number in range(1, 30):
    child = os.fork()
    if child == 0:
        dying(number)
        build_from_folder(folder, output)
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    print(status, read_index(output).content == old)
    if status == 0: break
"""
KILLED_WHILE_READING = """
import os, signal
from hubmaxact.catalog.sources import folder
read, seen = folder.read_file, []
def dying_read(*arguments):
    seen.append(arguments)
    if len(seen) == 4: os.kill(os.getpid(), signal.SIGKILL)
    return read(*arguments)
folder.read_file = dying_read
"""
KILLED_WHILE_READING += BUILD


def build(workspace, script=BUILD):
    command = [sys.executable, "-c", script, workspace.folder, workspace.output]
    return subprocess.run(list(map(str, command)), capture_output=True, check=False)


def test_a_build_killed_at_any_change_leaves_the_old_index_or_the_new_one(workspace):
    workspace.put("a.json")
    workspace.build()
    workspace.put("b.json")
    done = build(workspace, script=KILLED)
    assert done.returncode == 0, done.stderr.decode()
    lines = [line.split() for line in done.stdout.decode().splitlines()]
    endings, is_old = zip(*lines, strict=True)
    assert endings == ("-9",) * (len(lines) - 1) + ("0",)
    assert len(lines) > 8
    # Old up to some change, and new from there on.
    assert (is_old[0], is_old[-1]) == ("True", "False")
    assert list(is_old) == sorted(is_old, reverse=True)
    assert sorted(path.name for path in workspace.output.glob("index*")) == ["index.parquet"]
    assert set(workspace.rows) >= {"file:a.json", "file:b.json"}


@pytest.mark.nightly
def test_a_build_killed_while_reading_leaves_the_old_index(workspace):
    workspace.put("a.json")
    workspace.build()
    old = [(workspace.output / n).read_bytes() for n in ("index.parquet", "manifest.json")]
    for number in range(5):
        workspace.put(f"more/{number}.json")
    assert build(workspace, script=KILLED_WHILE_READING).returncode == -signal.SIGKILL
    assert [(workspace.output / n).read_bytes() for n in ("index.parquet", "manifest.json")] == old
    # The one that the index has, and two that were read before the kill.
    assert "3 sources unchanged" in workspace.build().stderr


def test_temporary_files_of_killed_builds_are_swept_and_nothing_else(workspace):
    workspace.put("a.json")
    workspace.build()
    left, mine = (workspace.output / f".hubmaxact-{name}" for name in ("0" * 16, "notes"))
    for path in (left, mine):
        path.touch()
    with temporary_file(workspace.output) as (at_work, _):
        workspace.build()
        assert (left.exists(), mine.exists(), at_work.exists()) == (False, True, True)


@pytest.mark.nightly
def test_two_builds_do_not_write_into_one_folder(workspace):
    workspace.put("a.json")
    with store.locked(workspace.output):
        done = build(workspace)
    assert b"another build is writing into" in done.stderr
    assert not (workspace.output / "manifest.json").exists()
    assert build(workspace).returncode == 0


def test_an_output_that_cannot_be_a_folder_is_said_in_a_sentence(workspace):
    workspace.output.write_bytes(b"")
    with pytest.raises(store.BusyFolderError, match=r"cannot use .* as output"):
        workspace.build()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("manifest.json", b'{"name": "a web app"}'),
        ("index.parquet", b"a table of mine"),
        ("index.previous.parquet", b"a table of mine"),
    ],
)
def test_files_of_others_under_the_catalogs_names_are_left_alone(workspace, name, content):
    workspace.put("a.json")
    workspace.output.mkdir()
    (workspace.output / name).write_bytes(content)
    with pytest.raises(store.ForeignCatalogError, match=f"holds {name}, which no catalog build"):
        workspace.build()
    assert [path.name for path in workspace.output.iterdir()] == [name]
    assert (workspace.output / name).read_bytes() == content


def test_a_folder_in_the_place_of_the_table_is_said(workspace):
    workspace.put("a.json")
    workspace.build()
    (workspace.output / "index.parquet").unlink()
    (workspace.output / "index.parquet").mkdir()
    with pytest.raises(WriteError, match=r"index\.parquet: Is a directory"):
        workspace.build()


def test_a_first_build_killed_before_its_manifest_is_taken_over(workspace):
    workspace.put("a.json")
    workspace.build()
    (workspace.output / "manifest.json").unlink()
    assert workspace.build().exit_code == 0
    read_index(workspace.output)


def test_a_reader_waits_for_the_manifest_of_the_new_table(workspace, monkeypatch):
    workspace.put("a.json")
    workspace.build()
    manifest = (workspace.output / "manifest.json").read_bytes()
    table = (workspace.output / "index.parquet").read_bytes()
    workspace.put("b.json")
    workspace.build()
    newer = (workspace.output / "manifest.json").read_bytes()
    (workspace.output / "manifest.json").write_bytes(manifest)
    timer = threading.Timer(0.3, (workspace.output / "manifest.json").write_bytes, [newer])
    timer.start()
    assert read_index(workspace.output).content != table
    timer.join()


def test_a_table_that_the_manifest_does_not_name_is_refused(workspace, monkeypatch):
    workspace.put("a.json", report_bytes_of("a"))
    workspace.build()
    path = workspace.output / "index.parquet"
    path.write_bytes(path.read_bytes() + b" ")
    monkeypatch.setattr(store, "READ_PAUSE", 0)
    with pytest.raises(NoIndexError, match=r"is not the table that manifest\.json names"):
        read_index(workspace.output)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"{", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "not a catalog's manifest"),
        (b'{"schema": 1}', "not a catalog's manifest"),
    ],
)
def test_a_strange_manifest_is_refused_in_a_sentence(workspace, content, words):
    workspace.put("a.json")
    workspace.build()
    (workspace.output / "manifest.json").write_bytes(content)
    with pytest.raises(ManifestError, match=words):
        read_index(workspace.output)
    assert workspace.build().exit_code == 0
    read_index(workspace.output)


def test_an_index_of_a_newer_version_is_left_as_it_is(workspace):
    workspace.put("a.json")
    workspace.build()
    (workspace.output / "manifest.json").write_bytes(b'{"schema": 2}')
    before = {path.name: path.read_bytes() for path in workspace.output.iterdir()}
    with pytest.raises(ManifestError, match="Upgrade hubmaxact"):
        read_index(workspace.output)
    with pytest.raises(ManifestError, match="Upgrade hubmaxact"):
        workspace.build()
    assert {path.name: path.read_bytes() for path in workspace.output.iterdir()} == before


def test_where_no_catalog_is_the_way_to_build_one_is_said(tmp_path):
    with pytest.raises(NoIndexError, match=r"catalog build REPORTS --output '.*/no such'$"):
        read_index(tmp_path / "no such")


@pytest.mark.parametrize(
    "strange",
    [
        {"quarantine": [{"name": ["a"], "reason": "x"}]},
        {"newer": [{"name": "a", "reason": {}}]},
        {"sources": {"a.json": {"sha256": 5}}},
        {"sources": {"a.json": []}},
    ],
)
def test_a_manifest_with_strange_entries_is_not_relied_on(workspace, strange):
    workspace.put("a.json")
    workspace.build()
    manifest = workspace.manifest | strange
    (workspace.output / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ManifestError, match="not a catalog's manifest"):
        read_index(workspace.output)
    assert "0 sources unchanged" in workspace.build().stderr


def test_the_manifest_vouches_for_the_table(workspace):
    workspace.put("a.json")
    workspace.build()
    index = workspace.manifest["index"]
    content = (workspace.output / index["file"]).read_bytes()
    assert index["sha256"] == hashlib.sha256(content).hexdigest()
    assert (index["size"], index["rows"]) == (len(content), 28)
