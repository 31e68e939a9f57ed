"""The terminal's picture fits 80 columns, any console, any number of layers."""

import io

import example_reports
import pooled_reports
import pytest
from rich.console import Console

from hubmaxact.rendering.terminal import show
from hubmaxact.rendering.terminal_chart import chart

REPORTS = {
    **example_reports.BY_NAME,
    "pooled": pooled_reports.pooled_report,
    "hundred_layers": lambda: example_reports.dense_report(100, 8192, 22144.0),
}


def printed(report, *, encoding="utf-8", width=80, colour=False):
    buffer = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    palette = "256" if colour else None
    show(report, Console(file=buffer, width=width, force_terminal=colour, color_system=palette))
    buffer.flush()
    return buffer.buffer.getvalue().decode(encoding)


@pytest.mark.parametrize("name", ["dense", "huge", "pooled", "hundred_layers"])
def test_what_is_shown_is_what_it_was(name, golden):
    golden(f"terminal_{name}.txt", printed(REPORTS[name]()))


@pytest.mark.parametrize("name", REPORTS)
def test_it_fits_eighty_columns(name):
    lines = printed(REPORTS[name]()).splitlines()
    assert max(map(len, lines)) <= 80
    assert len(lines) < (75 if name == "pooled" else 55)


@pytest.mark.parametrize("name", REPORTS)
def test_a_console_that_knows_only_ascii_gets_the_same_facts(name):
    plain = printed(REPORTS[name](), encoding="ascii")
    full = printed(REPORTS[name]())
    assert plain.isascii()
    facts = full.split("Largest |activation|")[0]
    assert plain.split("Largest |activation|")[0] == facts


def test_the_headline_comes_first():
    text = printed(example_reports.dense_report())
    assert text.startswith("The largest activation is 7,968, in the hidden state of layer 6")
    assert "One bf16 step" in text
    assert "diagnostic, as in arXiv:2605.15572" in text


def test_without_a_finite_value_there_is_no_empty_table_of_roles():
    report = example_reports.non_finite_report() | {"global_max": None, "max_by_role": {}}
    assert "module" not in printed(report)


def test_colour_adds_no_text():
    import re

    report = example_reports.huge_report()
    assert re.sub(r"\x1b\[[0-9;]*m", "", printed(report, colour=True)) == printed(report)


def test_text_from_a_report_cannot_steer_the_terminal():
    report = example_reports.small_report()
    for role in report["max_by_role"].values():
        role["module"] = "[red]\x1b[31m\u202e"
    report["protocol"]["corpus"]["name"] = "[link=x]\x07"
    text = printed(report)
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "\u202e" not in text
    assert "[link=x]" in text


def lines_of(values, *, plain=False):
    return ["".join(text for text, _ in line) for line in chart(values, plain=plain)]


def test_a_missing_layer_breaks_the_axis():
    *_, axis, numbers = lines_of([3.0, None, 5.0], plain=True)
    assert axis == "        " + "=" * 6 + " " * 6 + "=" * 6
    assert numbers.split() == ["0", "1", "2", "layer"]


def test_the_limit_of_fp16_is_always_marked():
    for values in ([0.1], [1.0] * 200, [7e5, 3.0], [0.0, None]):
        assert sum(line.endswith(" fp16") for line in lines_of(values)) == 1


def test_what_exceeds_fp16_is_red():
    styles = {
        style for line in chart([7e5, 3.0], plain=False) for text, style in line if "█" in text
    }
    assert styles == {"red", "cyan"}


def test_layers_that_share_a_column_show_the_largest():
    values = [1.0] * 128
    values[101] = 60_000.0
    top = next(line for line in lines_of(values) if "█" in line)
    assert top.index("█") == 8 + 101 // 2


@pytest.mark.parametrize("num_layers", [1, 2, 11, 64, 65, 130, 4096])
def test_any_number_of_layers_fits(num_layers):
    lines = lines_of([float(n + 1) for n in range(num_layers)])
    assert max(map(len, lines)) <= 80
    assert len(lines) <= 20


def test_a_larger_value_is_never_drawn_lower():
    heights = []
    for value in (0.0, 0.5, 1, 3, 10, 447, 448, 65_503, 65_505, 7e5, 3e38):
        column = [line[8] for line in lines_of([value, 0.1])[:-2]]
        heights.append(sum("▁▂▃▄▅▆▇█".find(mark) + 1 for mark in column))
    assert heights[:9] == sorted(heights[:9])
