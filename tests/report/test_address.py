"""One way of naming a report: what each name means, before anything is asked."""

from pathlib import Path

import example_reports
import pytest

from hubmaxact import check, compare, push, read_report, write_report
from hubmaxact.gate.limits import settings_of
from hubmaxact.report.address import Address, AddressError, is_local, parse_address
from hubmaxact.report.document import REPORT_NAME
from hubmaxact.report.source import UnreadableFileError

REPORT = example_reports.small_report()
HOME = "https://huggingface.co"
COMMIT = "0123456789abcdef0123456789abcdef01234567"

ADDRESSES = {
    "alice/model": Address("alice/model"),
    "alice/model/": Address("alice/model"),
    "alice/model@v1": Address("alice/model", "v1"),
    f"hf://alice/model@{COMMIT}": Address("alice/model", COMMIT),
    "hf://models/alice/model": Address("alice/model"),
    "hf://alice/model/": Address("alice/model"),
    "hf://alice/model@refs/pr/3": Address("alice/model", "refs/pr/3"),
    "hf://alice/model@refs%2Fpr%2F3/old/x.json": Address("alice/model", "refs/pr/3", "old/x.json"),
    f"{HOME}/alice/model": Address("alice/model"),
    f"{HOME}/alice/model/": Address("alice/model"),
    f"{HOME}/alice/model/tree/v1": Address("alice/model", "v1"),
    f"{HOME}/alice/model/tree/v1/old": Address("alice/model", "v1", f"old/{REPORT_NAME}"),
    f"{HOME}/alice/model/tree/v1/old/x.json": Address("alice/model", "v1", "old/x.json"),
    f"{HOME}/alice/model/tree/refs%2Fpr%2F3": Address("alice/model", "refs/pr/3"),
    f"{HOME}/alice/model/discussions/3": Address("alice/model", "refs/pr/3"),
    f"{HOME}/alice/model/blob/main/{REPORT_NAME}": Address("alice/model", "main"),
    f"{HOME}/alice/model/resolve/{COMMIT}/{REPORT_NAME}?download=true": Address(
        "alice/model", COMMIT
    ),
    f"{HOME}/alice/model/raw/main/a%20b/x.json#L3": Address("alice/model", "main", "a b/x.json"),
    "http://HuggingFace.co:80/alice/model": Address("alice/model"),
    "https://hf.co/alice/model": Address("alice/model"),
    "huggingface.co/alice/model/tree/v1": Address("alice/model", "v1"),
}


def test_every_spelling_of_a_place_on_the_hub():
    for name, address in ADDRESSES.items():
        assert not is_local(name), name
        assert parse_address(name, HOME) == address, name


def test_what_is_no_place_of_a_report_is_refused_with_a_sentence():
    for name, sentence in {
        "https://example.org/alice/model": "is not on the Hub in use, https://huggingface.co, and",
        "https://huggingface.co.example.org/alice/model": "is not on the Hub in use",
        "https://huggingface.co@example.org/alice/model": "is not on the Hub in use",
        "https://me:secret@huggingface.co/alice/model": "is not on the Hub in use",
        "https://huggingface.co:8080/alice/model": "is not on the Hub in use",
        "https://[broken/alice/model": "is not on the Hub in use",
        f"{HOME}/datasets/alice/rows": "is no page of a model",
        "hf://datasets/alice/rows": "is no address of a report",
        HOME: "is no page of a model",
        f"{HOME}/alice/model/blob/main": "leads to no report",
        f"{HOME}/alice/model/settings": "leads to no report",
        "s3://bucket/report.json": "is no address of a report",
        "https://example.org/\x1b[31m": r"\\u001b",
    }.items():
        with pytest.raises(AddressError, match=sentence) as caught:
            parse_address(name, HOME)
        assert caught.value.exit_code == 2, name
        assert "secret" not in str(caught.value), name


def test_a_hub_of_ones_own_is_the_only_one_that_is_asked():
    mine = "http://127.0.0.1:8080/hub"
    assert parse_address(f"{mine}/alice/model/tree/v1", mine) == Address("alice/model", "v1")
    for other in (HOME, "http://127.0.0.1:8081/hub", "http://127.0.0.1:8080"):
        with pytest.raises(AddressError, match=f"is not on the Hub in use, {mine}"):
            parse_address(f"{other}/alice/model", mine)


def test_what_is_there_goes_before_an_id_and_what_looks_like_a_path_is_one(tmp_path):
    (tmp_path / "alice" / "model").mkdir(parents=True)
    assert is_local("alice/model", tmp_path)
    for name in ("x.json", "a/x.json", "./model", "../model", "/a/b", "a/b/c", "", "a\0b"):
        assert is_local(name, tmp_path), name
    assert is_local(Path("alice/other"), tmp_path)
    assert not is_local("alice/other", tmp_path)


def test_every_function_takes_the_folder_that_holds_a_report(tmp_path, monkeypatch):
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    write_report(REPORT, folder / REPORT_NAME)
    for name in (folder, str(folder)):
        assert read_report(name) == REPORT
        assert check(name, {"max_abs": 1e9}).file == str(folder)
        assert [each.file for each in compare(name, REPORT).reports] == [str(folder), None]
    monkeypatch.chdir(folder)
    assert read_report(".") == REPORT
    with pytest.raises(UnreadableFileError, match="name of the report is empty"):
        read_report("")
    (folder / REPORT_NAME).unlink()
    for call in (read_report, lambda name: push(name, "alice/model")):
        with pytest.raises(UnreadableFileError, match=f"^{folder} holds no {REPORT_NAME}. Measure"):
            call(str(folder))


def test_the_earlier_report_of_a_gate_may_be_anywhere(tmp_path):
    (tmp_path / "old").mkdir()
    for said, meant in (
        ("old", tmp_path / "old"),
        ("old/r.json", tmp_path / "old" / "r.json"),
        ("alice/model@v1", "alice/model@v1"),
        (f"{HOME}/alice/model", f"{HOME}/alice/model"),
    ):
        (tmp_path / "gate.toml").write_text(f'against = "{said}"\n')
        assert settings_of(tmp_path / "gate.toml") == {"against": meant}
