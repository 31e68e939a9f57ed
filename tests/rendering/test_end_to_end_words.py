"""What a card and a terminal say of losses with rounding."""

import copy
import io

import end_to_end_reports
from deployed_reports import deployment_report
from rich.console import Console

from hubmaxact.rendering import commands, end_to_end_words, section, terminal

REPORT = end_to_end_reports.end_to_end_report()


def test_a_card_has_a_row_for_each_way(golden):
    golden("end_to_end.md", end_to_end_words.markdown(REPORT) + "\n")
    assert end_to_end_words.markdown(REPORT) in section.render(REPORT)


def test_a_report_without_them_says_nothing():
    plain = deployment_report(num_layers=2)
    assert end_to_end_words.heading(plain) is None
    assert end_to_end_words.markdown(plain) == ""
    assert end_to_end_words.cells(plain) == list(end_to_end_words.notes(plain, str)) == []
    assert "--end-to-end" not in commands.reproduce(plain)


def test_a_reason_stands_for_what_is_not_known():
    report, nothing = copy.deepcopy(REPORT), "with rounding 3 of 8,192 tokens have no finite loss"
    rows = report["end_to_end"]["rows"]
    rows[0] = end_to_end_reports.unknown(rows[0], nothing)
    assert end_to_end_words.cells(report)[0] == (
        *("linear inputs: int8 per tensor, max_abs", "-", "-", "-", "-"),
    )
    first = next(end_to_end_words.notes(report, str))
    assert first == f"linear inputs: int8 per tensor, max_abs was not measured: {nothing}."
    report["end_to_end"]["loss"] = None
    assert end_to_end_words.heading(report).endswith("without rounding it is not known")


def test_a_terminal_of_80_columns_has_room():
    out = io.StringIO()
    terminal.show(REPORT, Console(file=out, width=80))
    lines = out.getvalue().splitlines()
    begin = next(n for n, line in enumerate(lines) if line.startswith("Loss with rounding"))
    said = lines[begin : begin + 14]
    assert max(map(len, said)) <= 80
    assert any("+0.2500" in line and "+0.2400 to +0.2578" in line for line in said)


def test_the_command_asks_for_the_same_ways():
    said = commands.reproduce(REPORT).replace(" \\\n ", "")
    for asked in end_to_end_reports.ASKED:
        target, name, granularity, policy = asked[:4]
        assert f"--end-to-end {target}:{name}/{granularity}/{policy}" in said
