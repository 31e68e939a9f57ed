"""An export is whole or none, the same for the same index, and touches nobody else's files."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from command import hubmaxact
from page.rows import PAPER, many, page_data_of, row

from hubmaxact.catalog.store import BusyFolderError, locked
from hubmaxact.files import WriteError
from hubmaxact.page.export import FIRST, ForeignFilesError, contents, export
from hubmaxact.page.export_manifest import EXPORT_MANIFEST, digest

# A child for one N in so many, killed in the Nth change of the folder, before it or after it.
# Prints how it ended, whether the folder looks whole, and whether what is there is the old export
# or the new one.
KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from page.rows import many, page_data_of
from hubmaxact.page.export import FIRST, contents, export
from hubmaxact.temporary_files import PREFIX
folder = Path(sys.argv[1])
os.fsync = lambda descriptor: None  # slow, and a killed process loses nothing that it wrote
old, new = page_data_of(many(60)), page_data_of(many(10, seed=1))
wholes = {name: dict(contents(page_data)) for name, page_data in (("old", old), ("new", new))}
def found():
    if not (folder / FIRST).exists():
        return "none"
    paths = (p for p in folder.rglob("*") if p.is_file() and PREFIX not in str(p))
    there = {p.relative_to(folder).as_posix(): p.read_bytes() for p in paths}
    there.pop("data/export.json")
    return next((name for name, whole in wholes.items() if whole == there), "HALF")
replace, unlink = Path.replace, Path.unlink
def dying(number):
    left = [number]
    def count(path):
        # Aside, every file is written alike: three of them stand for all.
        if PREFIX in str(path.parent) and path.name not in ("README.md", "about.json", "all.csv"):
            return
        left[0] -= 1
        if left[0] == 0: os.kill(os.getpid(), signal.SIGKILL)
    def dying_replace(self, target):
        count(target); replace(self, target); count(target)
    def dying_unlink(self, missing_ok=False):
        count(self); unlink(self, missing_ok); count(self)
    Path.replace, Path.unlink = dying_replace, dying_unlink
step = int(sys.argv[3])
number = 1 - step
while True:
    number += step
    export(old, folder)  # also: whatever was left is taken over
    assert found() == "old"
    assert not list(folder.glob(PREFIX + "*"))
    child = os.fork()
    if child == 0:
        dying(number)
        export(new, folder)
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    print(status, found())
    if status == 0: break
"""


def tree(folder):
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def test_an_export_holds_what_the_page_asks_for(tmp_path):
    page_data = page_data_of([*PAPER, *many(40)])
    done = export(page_data, tmp_path / "site")
    files = tree(tmp_path / "site")
    assert {"index.html", "README.md", "download/all.csv", "download/all.parquet"} <= set(files)
    about = json.loads(files[FIRST])
    assert (about["host"], about["index"]["rows"]) == ("static", 67)
    for each in about["downloads"]:
        assert each["href"] in files
    for shown in json.loads(files["data/table.json"])["rows"]:
        shard = json.loads(files[f"data/releases/{shown['shard']}.json"])
        assert shown["key"] in {release["key"] for release in shard["releases"]}
    assert set(json.loads(files["data/findings.json"])["findings"]) == {"paper", "measured", "all"}
    assert files["README.md"].startswith(b"---\ntitle: ")
    assert b"\nsdk: static\napp_file: index.html\n" in files["README.md"]
    assert done.num_files == len(files)
    assert not [path for path in (tmp_path / "site").iterdir() if path.name.startswith(".")]


def test_equal_indexes_give_equal_bytes(tmp_path):
    for name in ("a", "b"):
        export(page_data_of(many(60)), tmp_path / name)
    assert tree(tmp_path / "a") == tree(tmp_path / "b")


def test_a_later_export_replaces_the_earlier_one_and_leaves_nothing_of_it(tmp_path):
    export(page_data_of(many(120)), tmp_path / "a")
    export(page_data_of(PAPER), tmp_path / "a")
    export(page_data_of(PAPER), tmp_path / "b")
    assert tree(tmp_path / "a") == tree(tmp_path / "b")


@pytest.mark.parametrize(
    "name", ["notes.txt", ".github/x.yml", "data/mine.json", EXPORT_MANIFEST, FIRST]
)
def test_a_folder_of_other_files_is_refused_and_left_as_it_is(tmp_path, name):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("mine")
    with pytest.raises(ForeignFilesError, match="Move it away, or choose another folder"):
        export(page_data_of(PAPER), tmp_path)
    assert tree(tmp_path) == {name: b"mine"}


def test_other_files_within_an_export_are_refused_too(tmp_path):
    export(page_data_of(PAPER), tmp_path)
    before = tree(tmp_path)
    (tmp_path / "README.md").write_text("my own words")
    (tmp_path / "data" / "link").symlink_to("/etc/passwd")
    with pytest.raises(ForeignFilesError, match=r": README\.md, data/link\."):
        export(page_data_of(many(3)), tmp_path)
    assert tree(tmp_path) == before | {
        "README.md": b"my own words",
        "data/link": (tmp_path / "data" / "link").read_bytes(),
    }


def test_a_clone_of_a_space_stays_a_clone(tmp_path):
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").write_text("git's")
    (tmp_path / ".gitattributes").write_text("git's")
    export(page_data_of(PAPER), tmp_path)
    export(page_data_of(many(3)), tmp_path)
    found = tree(tmp_path)
    assert (found.pop(".git/config"), found.pop(".gitattributes")) == (b"git's", b"git's")
    assert found.pop(EXPORT_MANIFEST)
    assert found == dict(contents(page_data_of(many(3))))


def test_what_looks_like_our_leavings_and_is_not_stays(tmp_path):
    (tmp_path / ".hubmaxact-notes").mkdir()
    (tmp_path / ".hubmaxact-notes" / "mine.txt").write_text("mine")
    (tmp_path / ".hubmaxact-mine").write_text("mine")
    export(page_data_of(PAPER), tmp_path)
    assert (tmp_path / ".hubmaxact-notes" / "mine.txt").read_text() == "mine"
    assert (tmp_path / ".hubmaxact-mine").read_text() == "mine"


def test_a_link_is_nobodys_export_whatever_it_leads_to(tmp_path):
    site = tmp_path / "site"
    export(page_data_of(PAPER), site)
    (site / "README.md").rename(tmp_path / "elsewhere.md")
    (site / "README.md").symlink_to(tmp_path / "elsewhere.md")
    with pytest.raises(ForeignFilesError, match=r": README\.md\."):
        export(page_data_of(PAPER), site)


def test_a_manifest_that_names_files_elsewhere_reaches_none_of_them(tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("mine")
    site = tmp_path / "site"
    (site / "data").mkdir(parents=True)
    names = dict.fromkeys(["../victim", str(victim)], digest(b"mine"))
    (site / EXPORT_MANIFEST).write_text(
        json.dumps({"made_by": "hubmaxact catalog export", "files": names, "replacing": names})
    )
    export(page_data_of(PAPER), site)
    assert victim.read_text() == "mine"


@pytest.mark.parametrize("step", [pytest.param(1, marks=pytest.mark.nightly), 7])
def test_an_export_killed_at_any_change_is_the_old_one_the_new_one_or_none(tmp_path, step):
    tests = Path(__file__).parents[1]
    command = [sys.executable, "-c", KILLED, tmp_path / "site", tests, step]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    endings, found = zip(*(line.split() for line in done.stdout.splitlines()), strict=True)
    assert endings == ("-9",) * (len(endings) - 1) + ("0",)
    assert len(endings) > 30 / step
    # Old, then none, then new, each for a while, and never a half.
    assert [name for n, name in enumerate(found) if name != found[n - 1] or n == 0] == [
        "old",
        "none",
        "new",
    ]


def test_two_exports_into_one_folder_do_not_meet(tmp_path):
    export(page_data_of(PAPER), tmp_path)
    with locked(tmp_path), pytest.raises(BusyFolderError, match="let it finish"):
        export(page_data_of(PAPER), tmp_path)


def test_a_file_in_the_place_of_the_folder_is_said(tmp_path):
    (tmp_path / "site").write_text("mine")
    with pytest.raises(BusyFolderError, match="cannot use"):
        export(page_data_of(PAPER), tmp_path / "site")


def test_a_full_disk_leaves_the_old_export_whole(tmp_path, monkeypatch):
    export(page_data_of(PAPER), tmp_path)
    before = tree(tmp_path)
    # As small as a quota: files beyond it cannot be written.
    import resource
    import signal

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, limits[1]))
    try:
        with pytest.raises(WriteError, match="cannot write"):
            export(page_data_of(many(60)), tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert tree(tmp_path) == before


def test_the_command_says_what_it_wrote_and_how_to_look_at_it(tmp_path):
    folder = tmp_path / "reports"
    folder.mkdir()
    built = hubmaxact("catalog", "build", folder, "--output", "catalog", home=tmp_path)
    assert built.returncode == 0
    done = hubmaxact("catalog", "export", "my site", home=tmp_path)
    assert (done.returncode, done.stdout) == (0, "my site/index.html\n")
    assert done.stderr.startswith("27 releases in ")
    assert done.stderr.endswith("Look at it with: python -m http.server --directory 'my site'\n")
    about = json.loads((tmp_path / "my site" / FIRST).read_bytes())
    assert about["index"]["built"].endswith("Z")
    assert about["index"]["origin"] == "folder"


@pytest.mark.nightly
def test_without_an_index_the_command_says_what_is_missing(tmp_path):
    done = hubmaxact("catalog", "export", "site", "--index", "nowhere", home=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "hubmaxact: cannot read nowhere/manifest.json: No such file or directory. Name the folder "
        "of a catalog, or build it first: hubmaxact catalog build REPORTS --output nowhere\n"
    )
    assert not (tmp_path / "site").exists()


@pytest.mark.nightly
def test_a_refusal_is_one_sentence_and_exit_2(tmp_path):
    hubmaxact("catalog", "build", ".", "--output", "catalog", home=tmp_path)
    done = hubmaxact("catalog", "export", "catalog", home=tmp_path)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "index.parquet, manifest.json" in done.stderr


def test_every_file_has_one_place():
    paths = [path for path, _ in contents(page_data_of([row("a")]))]
    assert len(paths) == len(set(paths))
