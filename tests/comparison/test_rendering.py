"""A comparison reads the same on the terminal, in Markdown and as JSON, whatever is in it."""

import copy
import io
import json
import math
import re
from html.parser import HTMLParser

import deployed_reports
import example_reports
import pytest
from markdown_it import MarkdownIt
from pooled_reports import find, nothing_known, pooled_report, with_loss
from rich.console import Console

from comparison.releases import OTHER_COMMIT, first_release, inputs, second_release
from hubmaxact.comparison import to_json, to_markdown
from hubmaxact.comparison.build import compare_inputs
from hubmaxact.comparison.table import change
from hubmaxact.comparison.to_terminal import show
from hubmaxact.report.inputs import Input

RUN = ("linear_inputs", "int8/per_token/dynamic", (0.012, 0.006, 0.019))


def later(report):
    """Another release: farther values, worse errors in INT8, nothing in the pass."""
    report["kv"][3]["value"]["abs_max"] = 600.0
    report["model"]["commit"] = OTHER_COMMIT
    for name in ("int8/per_token/dynamic", "nvfp4/block_16/max_abs"):
        nothing_known(find(report, name))
    find(report, "int8/per_tensor/max_abs")["sqnr_db"] = 19.4


CASES = {
    "releases": lambda: (first_release(), second_release()),
    "models": lambda: (
        example_reports.dense_report(24, 2048),
        example_reports.moe_report(),
        example_reports.partial_report(),
        example_reports.non_finite_report(),
    ),
    "across": lambda: (
        first_release(),
        example_reports.few_samples_report(protocol={"dtype": "float16"}),
    ),
    "deployed": lambda: (
        with_loss(pooled_report(), RUN),
        pooled_report(later),
        deployed_reports.deployment_report(18),
        first_release(),
    ),
    "eight": lambda: (
        *(second_release(float(peak)) for peak in (100, 200, 400, 800, 1600)),
        example_reports.moe_report(40),
        example_reports.huge_report(),
        example_reports.small_report(),
    ),
}


def made(name):
    return compare_inputs(inputs(*CASES[name]()), across_protocols=name in ("across", "deployed"))


def printed(comparison, *, width=80, encoding="utf-8"):
    buffer = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    show(comparison, Console(file=buffer, width=width))
    buffer.flush()
    return buffer.buffer.getvalue().decode(encoding)


@pytest.mark.parametrize("name", CASES)
def test_the_terminal_shows_what_it_showed(name, golden):
    golden(f"compare_{name}.txt", printed(made(name)))


@pytest.mark.parametrize("name", ["releases", "models", "across", "deployed"])
def test_markdown_is_what_it_was(name, golden):
    golden(f"compare_{name}.md", to_markdown.render(made(name)))


@pytest.mark.parametrize("width", [60, 80, 132])
@pytest.mark.parametrize("name", CASES)
def test_it_fits_the_console_and_no_column_is_lost(name, width):
    comparison = made(name)
    text = printed(comparison, width=width, encoding="ascii")
    assert max(map(len, text.splitlines())) <= width
    by_role = text.split("Largest value by role")[1].split("M over the largest")[0]
    for column in [entry.column for entry in comparison.reports]:
        assert re.search(rf" {column}( |$)", by_role, re.MULTILINE)


def test_the_first_lines_say_m_and_the_next_what_changed():
    text = printed(made("releases"), width=200)
    assert "M = 7,968 in the hidden state of layer 4: model.layers.4, channel 1,234" in text
    assert "The same magnitude stands in the hidden state of layers 5-9." in text
    assert "M goes from 7,968 to 696,320 in magnitude (87.4 times)." in text
    assert "Its carrier is still the hidden state of layer 4" in text
    assert "696,320 is 10.6 times 65,504; in the hidden state of layer 4, unscaled" in text
    assert "Measured under the same protocol." in text


def test_equal_layers_that_follow_each_other_are_closed_up():
    lines = printed(made("releases")).splitlines()
    assert "4-9    7,968  696,320  87.4 times" in lines


def test_depth_instead_of_layers_is_said():
    text = printed(made("models"), width=200)
    assert "Largest |hidden state| by depth" in text
    assert "The numbers of layers differ (A has 24, B has 8, C has 4, D has 4)" in text


def test_different_protocols_are_said_before_any_number():
    for text in (printed(made("across"), width=200), to_markdown.render(made("across"))):
        warning = text.index("Measured under different protocols")
        assert warning < text.index("Largest value by role")
        assert "bfloat16 in A; float16 in B" in text


def test_what_was_not_measured_gives_its_reason():
    assert "B: the corpus has fewer texts than both splits need." in printed(
        made("across"), width=200
    )


def test_a_broken_report_says_so_first():
    text = printed(made("models"), width=200)
    assert "Partial: 1 expected tensor never seen. M = " in text
    assert "2 watched tensors held NaN or infinity; what follows is over finite values." in text


def test_a_report_without_m_is_compared_all_the_same():
    broken = second_release()
    broken["global_max"] = None
    for cell in broken["dtype_headroom"].values():
        cell["ratio"] = None
    comparison = compare_inputs(inputs(first_release(), broken))
    for text in (printed(comparison, width=200), to_markdown.render(comparison)):
        assert "No watched tensor held a finite value." in text
        assert "No finite M in B, so nothing to compare M with." in text
    assert json.loads(to_json.render(comparison))["reports"][1]["global_max"] is None


def test_the_same_weights_are_said():
    text = printed(compare_inputs(inputs(first_release(), first_release())))
    assert "The weight files are the same. M stays 7,968 in magnitude." in text
    assert "Largest changes" not in text


def test_no_word_promises_more_than_was_measured():
    for name in CASES:
        text = to_markdown.render(made(name)).lower()
        for word in ("fits", "int8 quality", "int-8 quality", "safe", "lossless", "better"):
            assert word not in text


@pytest.mark.parametrize(
    ("quotient", "said"),
    [
        (None, "-"),
        (1.0, "unchanged"),
        (1.004, "+0.4 %"),
        (1.9999, "+100 %"),
        (2.0, "2 times"),
        (87.39, "87.4 times"),
        (0.5, "-50 %"),
        (0.4999, "to 50 %"),
        (0.02, "to 2 %"),
        (1e-9, "to under 0.01 %"),
        (0.0, "to 0 %"),
    ],
)
def test_a_ratio_says_what_happened(quotient, said):
    assert change(quotient) == said


@pytest.mark.parametrize("name", CASES)
def test_the_json_is_strict_ascii_and_has_the_same_fields_in_the_same_order(name):
    text = to_json.render(made(name))
    assert text.isascii()
    document = json.loads(text, parse_constant=pytest.fail)
    assert list(document) == [
        "comparison_version",
        "comparable",
        "reports",
        "protocol",
        "by_role",
        "by_layer",
        "certainty",
        "int8",
        "dtype_headroom",
        "verdicts",
        "kv",
        "rounding",
        "end_to_end",
        "changes",
    ]
    num_reports = len(document["reports"])
    for block in ("by_role", "int8", "dtype_headroom"):
        assert all(len(row["cells"]) == num_reports for row in document[block])
    for series in document["by_layer"]["series"]:
        assert len(series["values"]) == len(document["by_layer"]["layers"])
        assert all(len(row) == num_reports for row in series["values"])


def test_the_json_carries_the_reports_own_values():
    document = json.loads(to_json.render(made("releases")))
    first, second = first_release(), second_release()
    assert [entry["global_max"] for entry in document["reports"]] == [
        first["global_max"],
        second["global_max"],
    ]
    (hidden,) = (row for row in document["by_role"] if row["role"] == "hidden_state")
    assert hidden["cells"] == [r["max_by_role"]["hidden_state"] for r in (first, second)]
    assert document["dtype_headroom"][0]["cells"][1] == second["dtype_headroom"]["float16"]
    (max_abs,) = (row for row in document["int8"] if row["policy"] == "max_abs")
    peak = max_abs["cells"][0]["at_peak"]
    assert peak in first["quantization"]["formats"]
    assert peak["site"] == {"role": "hidden_state", "layer": 4, "part": None}


def test_the_int8_row_at_m_is_found_whatever_the_order_of_its_keys():
    report = first_release()
    for row in report["quantization"]["formats"]:
        row["site"] = dict(reversed(row["site"].items()))
    cell = compare_inputs(inputs(report, second_release())).int8[0].cells[0]
    assert cell.at_peak["site"] == {"role": "hidden_state", "layer": 4, "part": None}


def test_the_int8_summary_is_over_hidden_states():
    report = first_release()
    cell = compare_inputs(inputs(report, second_release())).int8[0].cells[0]
    rows = [
        row["sqnr_db"]
        for row in report["quantization"]["formats"]
        if row["policy"] == "max_abs" and row["site"]["role"] == "hidden_state"
    ]
    assert (cell.lowest_db, cell.highest_db) == (min(rows), max(rows))
    assert cell.median_db == sorted(rows)[(len(rows) - 1) // 2]
    assert math.isfinite(cell.final_norm_db)


HOSTILE = [
    "|",
    "a`b``c",
    "<img src=x onerror=alert(1)>",
    "](javascript:alert(1))",
    "</details></table><script>alert(1)</script>",
    "https://example.org www.example.org me@example.org",
    "a\n\n# heading\n| a | b |\n```",
    "\u202egnp.exe\u200b",
    "*bold* _em_ ~~no~~ \\",
    "[red]x[/red] [link=https://example.org]y",
    "x" * 5000,
    "\ud800",
    "\x1b[31mred\x07",
]
OURS = {"role", "status", "policy", "dtype", "kind", "architecture", "format", "granularity"}
TAGS = {
    "h2", "p", "strong", "code", "table", "thead", "tbody", "tr", "th", "td", "details", "summary",
}  # fmt: skip


class Tags(HTMLParser):
    """Collects what a browser would build."""

    def __init__(self):
        super().__init__()
        self.tags, self.text = set(), []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        assert {name for name, _ in attrs} <= {"style"}

    def handle_data(self, data):
        self.text.append(data)


def poisoned(value, text):
    """A report with every free string replaced, as no validator would let through."""
    if isinstance(value, list):
        return [poisoned(item, text) for item in value]
    if not isinstance(value, dict):
        return text if isinstance(value, str) else value
    return {
        key: item if key in OURS and isinstance(item, str) else poisoned(item, text)
        for key, item in value.items()
    }


def hostile(text):
    one, other = (copy.deepcopy(poisoned(report, text)) for report in CASES["releases"]())
    for report in (one, other):
        report["global_max"]["part"] = text
        for site in report["sites"]:
            site["part"] = text
        for row in report["quantization"]["formats"]:
            row["policy"] = text
    other["protocol"]["corpus"]["digest"] = f"{text}2"
    other["protocol"]["corpus"]["domains"] = {text: 3}
    pair = (Input(f"x/{text}.json", one), Input(f"y/{text}.json", other))
    return compare_inputs(pair, across_protocols=True)


def test_hostile_text_stays_text_in_markdown():
    for text in HOSTILE:
        said = to_markdown.render(hostile(text))
        page = Tags()
        parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
        page.feed(parser.render(said))
        assert page.tags <= TAGS, text
        assert said.isascii(), text
        assert not re.search(r"[\x00-\x09\x0b-\x1f]", said), text
        assert said.count("\n## ") == 0, text
        assert "```" not in said, text
        assert len(said) < 60_000, text


def test_hostile_text_cannot_steer_the_terminal():
    for text in HOSTILE:
        said = printed(hostile(text))
        assert all(line.isprintable() for line in said.split("\n")), text
        assert max(map(len, said.split("\n"))) <= 80, text
        if text.startswith("[red]"):
            assert "[red]x" in said


def test_hostile_text_comes_back_from_json_as_it_was():
    for text in HOSTILE:
        said = to_json.render(hostile(text))
        assert said.isascii(), text
        assert json.loads(said)["reports"][0]["id"] == text
