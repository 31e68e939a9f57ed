"""Every kind of error that `help()` of a public function promises, raised by calling it.

What a whole model must be loaded for is in `tests/measurement`, what a Hub does in `tests/hub`.
"""

import json
import shutil

import example_reports
import pytest
from command import DENSE

from hubmaxact import (
    HubmaxactError,
    Options,
    check,
    compare,
    measure,
    push,
    read_report,
    validate,
    verify,
    write_report,
)
from hubmaxact import errors as known
from hubmaxact.comparison.build import NumberOfReportsError
from hubmaxact.files import WriteError
from hubmaxact.gate.limits import Limits, LimitsError, NoLimitError
from hubmaxact.report.comparability import DifferentProtocolsError
from hubmaxact.report.inputs import BadInputError
from hubmaxact.report.read import InvalidReportError, NewerReportError
from hubmaxact.report.source import UnreadableFileError
from hubmaxact.report.write import UnwritableReportError

REPORT = example_reports.small_report()
LOCAL = example_reports.small_report(model={"id": None, "revision": None, "commit": None})
OTHER = example_reports.small_report(protocol={"max_seq_len": 8192})
INVALID = {**REPORT, "status": "fine"}
NEWER = b'{"schema_version": "0.9"}'

RAISED = [
    (known.OptionsError, "dtype must be one of", lambda: Options(dtype="int8")),
    (known.OptionsError, "max_seq_len must be 1 or more", lambda: Options(max_seq_len=0)),
    (known.OptionsError, "calibration_samples must", lambda: Options(calibration_samples=-1)),
    (known.NoCheckpointError, "has no revisions", lambda: measure(DENSE, revision="main")),
    (known.NoCheckpointError, "not a folder", lambda: measure(DENSE / "config.json")),
    (known.NoCheckpointError, "not a folder", lambda: measure(DENSE / "nowhere")),
    (known.HubError, "not a repository id", lambda: measure("a/b/c")),
    (known.HubError, "not a repository id", lambda: measure(DENSE, model_id="a/b/c")),
    (known.NoCheckpointError, "folder inside it: moe, dense", lambda: measure(DENSE.parent)),
    (known.CorpusError, "no corpus", lambda: measure(DENSE, Options(corpus="nothing"))),
    (UnreadableFileError, "No such file", lambda: read_report("nowhere.json")),
    (NewerReportError, "upgrade hubmaxact", lambda: read_report(NEWER)),
    (InvalidReportError, "the document: lacks", lambda: read_report(b"{}")),
    (known.ReportError, "not JSON at line 1", lambda: read_report(b"{")),
    (UnwritableReportError, "status", lambda: write_report(INVALID, "report.json")),
    (WriteError, "Choose another folder", lambda: write_report(REPORT, "nowhere/report.json")),
    (NumberOfReportsError, "takes 2 to 8 reports, found 1", lambda: compare(REPORT)),
    (UnreadableFileError, "No such file", lambda: compare(REPORT, "nowhere.json")),
    (BadInputError, "report 2: status", lambda: compare(REPORT, INVALID)),
    (DifferentProtocolsError, "max_seq_len is", lambda: compare(REPORT, OTHER)),
    (NoLimitError, "nothing is asked", lambda: check(REPORT, {})),
    (NoLimitError, "nothing is asked", lambda: check(REPORT, Limits())),
    (LimitsError, "knows nothing of", lambda: check(REPORT, {"max": 3})),
    (LimitsError, "belong together", lambda: check(REPORT, Limits(max_ratio=2.0))),
    (BadInputError, "the report: status", lambda: check(INVALID, {"max_abs": 3})),
    (UnreadableFileError, "No such file", lambda: check("nowhere.json", {"max_abs": 3})),
    (BadInputError, "the report: status", lambda: verify(INVALID, DENSE)),
    (UnreadableFileError, "No such file", lambda: verify("nowhere.json", DENSE)),
    (known.NoCheckpointError, "names no repository", lambda: verify(LOCAL)),
    (known.NoCheckpointError, "not a folder", lambda: verify(REPORT, DENSE / "nowhere")),
    (UnreadableFileError, "No such file", lambda: push("nowhere.json", "alice/model")),
    (InvalidReportError, "the document: lacks", lambda: push(b"{}", "alice/model")),
    (known.HubError, "not a repository id", lambda: push(content(), "a/b/c")),
]


def content():
    return json.dumps(REPORT).encode()


@pytest.mark.parametrize(("kind", "words", "call"), RAISED)
def test_it_is_raised_at_the_call_in_one_sentence(tmp_path, monkeypatch, kind, words, call):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(HubmaxactError, match=words) as caught:
        call()
    assert type(caught.value) is kind
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_an_earlier_report_of_another_protocol_is_refused(tmp_path):
    write_report(OTHER, tmp_path / "earlier.json")
    asked = {"against": tmp_path / "earlier.json", "max_ratio": 2}
    with pytest.raises(DifferentProtocolsError, match="max_seq_len"):
        check(REPORT, asked)


@pytest.mark.parametrize("document", [None, 3, "text", [], {}, b"", b"[1", b"\xff", INVALID])
def test_validate_raises_nothing_whatever_it_is_given(document):
    assert validate(document)


def test_an_invalid_report_says_what_validate_says():
    with pytest.raises(InvalidReportError) as caught:
        read_report(json.dumps(INVALID).encode())
    assert list(caught.value.problems) == validate(INVALID) != []


def test_what_is_written_is_read_back(tmp_path):
    write_report(REPORT, tmp_path / "report.json")
    path = tmp_path / "report.json"
    assert read_report(path) == read_report(str(path)) == read_report(path.read_bytes()) == REPORT
    assert validate(path.read_bytes()) == []


def test_weights_and_devices_are_refused_once_torch_is_there(tmp_path):
    (tmp_path / "one.jsonl").write_text('{"text": "one text"}\n')
    options = {"corpus": str(tmp_path / "one.jsonl")}
    with pytest.raises(known.DeviceError, match="cannot be used here"):
        measure(DENSE, Options(device="nothing", **options))
    deeper = shutil.copytree(DENSE, tmp_path / "deeper")
    config = json.loads((deeper / "config.json").read_text())
    layers = config["num_hidden_layers"] + 1
    kinds = {"layer_types": ["full_attention"] * layers, "max_window_layers": layers}
    (deeper / "config.json").write_text(json.dumps(config | kinds | {"num_hidden_layers": layers}))
    with pytest.raises(known.IncompleteWeightsError, match="are missing"):
        measure(deeper, Options(device="cpu", **options))
