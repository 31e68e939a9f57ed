"""A report is written whole or not at all, and never lost, whichever call on a file fails."""

import re

import deployed_reports
import pytest

from faults.disk import KILLED, failures_of, files_in, put_back
from faults.elsewhere import taken_from_elsewhere
from hubmaxact.report.write import report_bytes

NEW = deployed_reports.deployment_report(model={"id": "alice/model"})
SAME_MODEL = deployed_reports.deployment_report(3, model={"id": "alice/model"})
OTHER_MODEL = deployed_reports.deployment_report(3, model={"id": "alice/other"})
BESIDE = {"channels.safetensors": b"new channels" * 20000, "blocks.safetensors": b"new blocks"}
OLD_BESIDE = {"channels.safetensors": b"old channels", "quantization.parquet": b"old rows"}


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """What a run has measured."""
    folder = tmp_path_factory.mktemp("measured")
    (folder / "report.json").write_bytes(report_bytes(NEW))
    (folder / "beside").mkdir()
    for name, content in BESIDE.items():
        (folder / "beside" / name).write_bytes(content)
    return folder


def pair(report, beside):
    return {
        "report.json": report_bytes(report),
        "report": None,
        **{f"report/{name}": content for name, content in beside.items()},
    }


OLD = {
    "none": {},
    "same": pair(SAME_MODEL, OLD_BESIDE),
    "other": pair(OTHER_MODEL, OLD_BESIDE),
}


SLOW = [pytest.param(name, 1, marks=pytest.mark.nightly) for name in OLD]


@pytest.mark.parametrize(("name", "step"), [("other", 5), *SLOW])
def test_whichever_call_fails_there_is_the_old_report_or_the_new_one(
    server, measured, tmp_path, name, step
):
    old = OLD[name]
    place = tmp_path / "place"

    def write(**fault):
        put_back(place, old)
        return server.run("write", measured, place / "report.json", under=place, **fault)

    done = write()
    assert (done.code, len(done.calls) > 15) == (0, True), done.said
    new = files_in(place)
    for number, call, fault in failures_of(done.calls, step):
        ended = write(at=number, fault=fault)
        where = (call, fault, ended.said)
        if fault == 0:
            assert ended.code == KILLED, where
            check_killed(server, measured, place, old, new, where)
        elif ended.code == 0:
            assert files_in(place) == new, where
        else:
            assert files_in(place) == old, where
            check_told(ended, server, where)


def check_killed(server, measured, place, old, new, where):
    """Every file is an old one or a new one, whole; the next run removes what is left over."""
    there = files_in(place)
    named = {name: content for name, content in there.items() if ".hubmaxact-" not in name}
    for name, content in named.items():
        assert content in {old.get(name, b"?"), new.get(name, b"?")}, where
    assert named.get("report.json") in {old.get("report.json"), new["report.json"]}, where
    assert server.run("write", measured, place / "report.json", under=place).code == 0, where
    assert files_in(place) == new, where


def check_told(ended, server, where):
    """One line says what failed; where measuring is over, the report is where the line says."""
    assert ended.code == 2, where
    assert re.fullmatch(r"hubmaxact: cannot [^\n]+\n", ended.said), where
    found = taken_from_elsewhere(ended.said)
    assert found in (None, pair(NEW, BESIDE)), where
    assert not list(server.temporary.glob("hubmaxact-report-*")), where
