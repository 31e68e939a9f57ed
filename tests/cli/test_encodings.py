"""Output that cannot show every letter: what it cannot show is spelt out, and nothing breaks."""

import example_reports
import pytest
from command import hubmaxact

from hubmaxact.report.write import report_bytes


@pytest.fixture
def reports(tmp_path):
    """Two reports over a corpus of a Chinese name, in files of one."""
    for name, stage in (("日.json", "base"), ("本.json", "instruct")):
        report = example_reports.small_report(model={"stage": stage})
        report["protocol"]["corpus"]["name"] = "语料"
        (tmp_path / name).write_bytes(report_bytes(report))
    return ["日.json", "本.json"]


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
@pytest.mark.parametrize("command", ["validate", "compare", "card", "check"])
def test_letters_that_cannot_be_shown_are_spelt_out(tmp_path, reports, command, encoding):
    words = {
        "validate": reports,
        "compare": reports,
        "card": reports[:1],
        "check": [reports[0], "--max-abs", "1e-9"],
    }[command]
    done = hubmaxact(command, *words, home=tmp_path, PYTHONIOENCODING=encoding, PYTHONUTF8="0")
    assert done.returncode == (1 if command == "check" else 0), done.stderr
    assert "Traceback" not in done.stderr
    if (command, encoding) == ("validate", "latin-1"):  # click takes ASCII for UTF-8
        assert done.stdout == "\\u65e5.json: valid\n\\u672c.json: valid\n"
