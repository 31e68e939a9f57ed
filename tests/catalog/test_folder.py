"""A folder of reports becomes one table, whatever lies in it."""

import errno
import json
import os
from pathlib import Path

import pytest
from catalog_reports import newer, report_bytes_of, report_of
from invalid_report_files import FILES

from hubmaxact.catalog.parquet import rows_of
from hubmaxact.catalog.sources import paper
from hubmaxact.catalog.sources.folder import NoFolderError
from hubmaxact.catalog.store import read_index
from hubmaxact.report.document import REPORT_NAME


def test_reports_and_the_papers_checkpoints_stand_in_one_table(workspace):
    workspace.put("a.json")
    workspace.put(f"org/model/{REPORT_NAME}")
    result = workspace.build()
    assert result.exit_code == 0
    assert result.stdout == f"{workspace.output / 'index.parquet'}\n"
    assert "29 releases: 2 measured (2 unverified), 27 reported by the paper" in result.stderr
    rows = workspace.rows
    assert [key for key in rows if not key.startswith("paper:")] == [
        "file:a.json",
        f"file:org/model/{REPORT_NAME}",
    ]
    assert rows[f"file:org/model/{REPORT_NAME}"]["name"] == "org/model"
    assert {row["source"] for row in rows.values()} == {"measured", "reported by the paper"}


def test_the_papers_checkpoints_can_be_left_out(workspace):
    workspace.put("a.json")
    workspace.build("--no-paper")
    assert list(workspace.rows) == ["file:a.json"]


def test_a_claimed_repo_id_never_becomes_the_rows_repo_id(workspace):
    workspace.put("a.json", report_bytes_of("a", id="google/gemma-3-27b-it"))
    workspace.build()
    row = workspace.rows["file:a.json"]
    assert (row["repo_id"], row["model_id"]) == (None, "google/gemma-3-27b-it")
    assert row["trust"] == "unverified"


def test_every_invalid_report_is_quarantined_with_its_reason_and_none_stops_the_build(workspace):
    for name, (content, _) in FILES.items():
        workspace.put(f"{name}.json", content)
    workspace.put("good.json")
    assert workspace.build("--no-paper").exit_code == 0
    assert list(workspace.rows) == ["file:good.json"]
    assert {f"{name}.json" for name in FILES} == set(workspace.reasons)
    for name, (_, words) in FILES.items():
        assert words[:60] in workspace.reasons[f"{name}.json"]


def test_html_and_huge_numbers_that_are_valid_stay_data(workspace):
    report = report_of("a")
    report["protocol"]["corpus"]["name"] = "<script>alert(1)</script>"
    report["model"]["num_parameters"] = 2**53 - 1
    report["model"]["weight_files"][0]["size"] = 2**53 - 1
    workspace.put("<img src=x onerror=alert(1)>.json", json.dumps(report).encode())
    workspace.build("--no-paper")
    (row,) = workspace.rows.values()
    assert row["name"] == "<img src=x onerror=alert(1)>"
    assert row["corpus_name"] == "<script>alert(1)</script>"
    assert row["num_parameters"] == 2**53 - 1


def test_names_that_a_terminal_would_act_on_are_refused_and_shown_escaped(workspace):
    workspace.put("a\u202egnp.json")
    workspace.put("b\x1b[2J.json")
    (workspace.folder / os.fsdecode(b"c\xff.json")).write_bytes(report_bytes_of("c"))
    result = workspace.build("--no-paper")
    assert workspace.rows == {}
    assert len(workspace.reasons) == 3
    assert all(name.isprintable() and name.isascii() for name in workspace.reasons)
    assert "\x1b" not in result.stderr


def test_links_pipes_and_folders_named_like_reports_are_not_read(workspace, tmp_path):
    secret = tmp_path / "secret.json"
    secret.write_bytes(report_bytes_of("secret"))
    (workspace.folder / "link.json").symlink_to(secret)
    (workspace.folder / "dangling.json").symlink_to(tmp_path / "nowhere")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "c.json").write_bytes(report_bytes_of("c"))
    (workspace.folder / "outside").symlink_to(tmp_path / "outside")
    os.mkfifo(workspace.folder / "pipe.json")
    (workspace.folder / "folder.json").mkdir()
    workspace.build("--no-paper")
    assert workspace.rows == {}
    assert workspace.reasons == {
        "dangling.json": "a symbolic link; links are not followed",
        "link.json": "a symbolic link; links are not followed",
        "pipe.json": f"cannot read {workspace.folder}/pipe.json: it is not a regular file.",
    }


def test_a_folder_that_cannot_be_listed_takes_no_row_away(workspace, monkeypatch):
    workspace.put("a.json")
    workspace.put("closed/b.json")
    workspace.build()
    before, listing = workspace.rows, os.scandir

    def closed(path):
        if Path(path).name == "closed":
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return listing(path)

    monkeypatch.setattr(os, "scandir", closed)
    with pytest.raises(NoFolderError, match=r"cannot list .*closed: Permission denied"):
        workspace.build()
    assert workspace.rows == before


def test_reports_beside_the_index_are_read_too(workspace):
    workspace.put("a.json")
    workspace.output = workspace.folder
    for unchanged in (0, 1):
        assert f"{unchanged} source" in workspace.build().stderr
        assert "file:a.json" in workspace.rows
        assert workspace.reasons == {}


def test_hidden_folders_and_the_catalogs_own_files_are_no_reports(workspace):
    workspace.put(".git/a.json")
    workspace.put(".b.json")
    workspace.put("c.json")
    workspace.output = workspace.folder / "catalog"
    workspace.build()
    workspace.build()
    assert workspace.reasons == {}
    assert workspace.manifest["counts"]["measured"] == 1


def test_a_newer_report_is_kept_apart_and_not_called_invalid(workspace):
    workspace.put("later.json", newer(report_of("a")))
    result = workspace.build("--no-paper")
    assert workspace.manifest["quarantine"] == []
    (left,) = workspace.manifest["newer"]
    assert left["name"] == "later.json"
    assert left["reason"].startswith("schema version 0.9 is newer than this reader")
    assert "newer than this index: later.json" in result.stderr


def test_truncation_at_any_point_is_quarantined(workspace):
    content = report_bytes_of("a")
    for tenth in range(10):
        workspace.put(f"{tenth}.json", content[: len(content) * tenth // 10])
    workspace.build("--no-paper")
    assert len(workspace.reasons) == 10


def test_equal_inputs_give_equal_bytes_and_a_second_build_reads_nothing(workspace, monkeypatch):
    for number in range(8):
        workspace.put(f"{number}.json")
    workspace.put("bad.json", b"{}")
    workspace.put("later.json", newer(report_of("a")))
    workspace.build()
    first = [(workspace.output / name).read_bytes() for name in ("index.parquet", "manifest.json")]

    def refuse(content):
        raise AssertionError("parsed again")

    with monkeypatch.context() as patched:
        patched.setattr("hubmaxact.catalog.outcome.parse", refuse)
        result = workspace.build()
    assert "10 sources unchanged" in result.stderr
    second = [(workspace.output / name).read_bytes() for name in ("index.parquet", "manifest.json")]
    assert second == first
    assert sorted(path.name for path in workspace.output.iterdir()) == [
        "index.parquet",
        "manifest.json",
    ]


def test_an_incremental_build_gives_the_bytes_of_a_fresh_one(workspace, tmp_path):
    for number in range(6):
        workspace.put(f"{number}.json")
    workspace.build()
    workspace.put("3.json", report_bytes_of("other", stage="base"))
    workspace.put("4.json", b"[]")
    (workspace.folder / "5.json").unlink()
    workspace.put("6.json")
    workspace.build()
    assert workspace.rows["file:3.json"]["stage"] == "base"
    assert "file:5.json" not in workspace.rows
    incremental = (workspace.output / "index.parquet").read_bytes(), workspace.manifest
    workspace.output = tmp_path / "fresh"
    workspace.build()
    assert ((workspace.output / "index.parquet").read_bytes(), workspace.manifest) == incremental


@pytest.mark.parametrize("damage", ["index.parquet", "manifest.json"])
def test_a_damaged_catalog_is_built_afresh(workspace, damage):
    workspace.put("a.json")
    workspace.build()
    good = (workspace.output / "index.parquet").read_bytes()
    path = workspace.output / damage
    path.write_bytes(path.read_bytes()[:-50])
    assert "0 sources unchanged" in workspace.build().stderr
    assert (workspace.output / "index.parquet").read_bytes() == good
    assert read_index(workspace.output).content == good


def test_another_version_of_the_builder_reads_every_report_again(workspace):
    workspace.put("a.json")
    workspace.build()
    manifest = workspace.output / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"built_by": "', '"built_by": "x'))
    assert "0 sources unchanged" in workspace.build().stderr


def test_rows_survive_the_table_unchanged(workspace):
    workspace.put("a.json")
    workspace.build()
    written = [row for row in rows_of(read_index(workspace.output).table()) if row["in_paper_main"]]
    assert written == sorted(
        (row for row in paper.rows() if row["in_paper_main"]), key=lambda row: row["key"]
    )
