"""Reports are told apart by id, then commit, then file name, then path, then position."""

import example_reports
import pytest

from comparison.releases import OTHER_COMMIT
from hubmaxact.report.inputs import Input
from hubmaxact.report.labels import labels

COMMIT = example_reports.small_report()["model"]["commit"]


def made(file="a.json", model_id="org/model", commit=COMMIT):
    return Input(file, example_reports.small_report(model={"id": model_id, "commit": commit}))


def test_different_models_go_by_their_ids():
    assert labels([made(), made(model_id="org/other")]) == ("org/model", "org/other")


def test_one_model_at_two_commits_goes_by_commit():
    assert labels([made(), made(commit=OTHER_COMMIT)]) == (
        f"org/model@{COMMIT[:12]}",
        f"org/model@{OTHER_COMMIT[:12]}",
    )


def test_one_commit_in_two_files_goes_by_file_name():
    full = f"org/model@{COMMIT[:12]}"
    assert labels([made("x/a.json"), made("x/b.json")]) == (f"{full} (a.json)", f"{full} (b.json)")


def test_equal_file_names_go_by_their_paths():
    first, second = labels([made("x/a.json"), made("y/a.json")])
    assert (first[-10:], second[-10:]) == ("(x/a.json)", "(y/a.json)")


def test_the_same_file_twice_goes_by_position():
    first, second = labels([made(), made()])
    assert first.endswith("(a.json, file 1)")
    assert second.endswith("(a.json, file 2)")


def test_a_local_folder_goes_by_its_file():
    assert labels([made("x/a.json", None, None), made("x/b.json", None, None)]) == (
        "a.json",
        "b.json",
    )
    assert labels([made("x/a.json", None, None), made("y/a.json", None, None)]) == (
        "x/a.json",
        "y/a.json",
    )


@pytest.mark.parametrize("commit", [COMMIT, None])
def test_only_those_that_clash_grow(commit):
    found = labels([made(commit=commit), made(model_id="org/other"), made("b.json", commit=commit)])
    assert found[1] == "org/other"
    assert found[0].endswith("(a.json)")
    assert found[2].endswith("(b.json)")


def test_a_file_named_like_another_label_gets_a_longer_one():
    twin = f"org/model@{COMMIT[:12]}"
    found = labels([made(), made(commit=OTHER_COMMIT), made(twin, None, None)])
    assert len(set(found)) == 3
