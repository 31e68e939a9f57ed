"""Every other command that writes: each file is an old one or a new one, whole, at any failure."""

import re
from dataclasses import dataclass

import deployed_reports
import example_reports
import pytest
from catalog_reports import report_bytes_of
from exported import model_folder

from faults.disk import KILLED, failures_of, files_in, put_back
from hubmaxact.catalog.store import read_index
from hubmaxact.report.write import report_bytes

OURS = re.compile(r"(.*/)?(\.hubmaxact-[^/]*|index\.previous\.parquet)(/.*)?")
"""What stands for files that are not whole yet, and for an index until there is another."""


@dataclass(frozen=True)
class Case:
    """A command, and the folder that it writes into; `together`: all files are new, or none is."""

    words: tuple[str, ...]
    folder: str
    together: bool = True


def card(place):
    (place / "activation_maxima.json").write_bytes(report_bytes(example_reports.small_report()))
    (place / "activation_maxima").mkdir()
    (place / "activation_maxima" / "layers.svg").write_text("an old picture")
    (place / "README.md").write_text("# A model\n")
    words = "card", "{place}/activation_maxima.json", "--readme", "{place}/README.md", "--write"
    return Case(words, "")


def exported_file(place):
    (place / "report.json").write_bytes(report_bytes(deployed_reports.deployment_report()))
    return Case(
        ("export", "{place}/report.json", "--to", "sglang-kv-json", "--output", "{place}/kv.json"),
        "",
    )


def exported_folder(place):
    model_folder(place / "dense")
    words = ("export", "{place}/dense", "--to", "compressed-tensors-kv", "--output", "{place}/kv")
    return Case(words, "")


def exported_into(place):
    model_folder(place / "dense")
    words = ("export", "{place}/dense", "--to", "compressed-tensors-kv")
    return Case((*words, "--write-into", "{place}/dense"), "dense", together=False)


def catalog(place):
    (place / "reports").mkdir()
    (place / "reports" / "first.json").write_bytes(report_bytes_of("first"))
    words = ("catalog", "build", "{place}/reports", "--output", "{place}/catalog")
    return Case(words, "catalog", together=False)


ALL = (card, exported_file, exported_folder, exported_into, catalog)
CASES = ((card, 5), *(pytest.param(each, 1, marks=pytest.mark.nightly) for each in ALL))


@pytest.mark.parametrize(("make", "step"), CASES)
def test_whichever_call_fails_every_file_is_old_or_new(server, tmp_path, make, step):
    place = tmp_path / "place"
    place.mkdir()
    case = make(place)
    words = [word.format(place=place) for word in case.words]

    def run(**fault):
        return server.run("command", *words, under=place / case.folder, **fault)

    if make is catalog:  # the old index has one report, the new one two
        assert run().code == 0
        (place / "reports" / "second.json").write_bytes(report_bytes_of("second"))
    old = files_in(place)
    done = run()
    assert (done.code, len(done.calls) > 3) == (0, True), done.said
    new = files_in(place)
    assert new != old
    for number, call, fault in failures_of(done.calls, step):
        put_back(place, old)
        ended = run(at=number, fault=fault)
        check(ended, fault, place, old, new, case, where=(number, call, fault, ended.said))
        if not (make is exported_folder and files_in(place) == new):  # replaced by no export
            assert run().code == 0, (number, call, fault)
        assert files_in(place) == new, (number, call, fault)


def check(ended, fault, place, old, new, case, where):
    there = {name: held for name, held in files_in(place).items() if not OURS.fullmatch(name)}
    if fault == 0:
        assert ended.code == KILLED, where
    elif ended.code == 0:
        assert files_in(place) == new, where
    else:
        assert ended.code == 2, where
        assert re.fullmatch(r"hubmaxact: [^\n]+\n", ended.said), where
        left = files_in(place).keys() - old.keys() - new.keys()
        assert left <= {"catalog/.hubmaxact-journal", "catalog/index.previous.parquet"}, where
        assert there == old or not case.together, where
    for name, content in there.items():
        assert content in {old.get(name, b"?"), new.get(name, b"?")}, where
    if (place / "catalog").exists():
        assert read_index(place / "catalog").table().num_rows in {28, 29}, where
