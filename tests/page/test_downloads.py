"""What is taken away reads back as what was shown, and runs nothing in a spreadsheet."""

import csv
import io
import json

import pytest
from page.rows import HOSTILE, PAPER, hostile_rows, many, page_data_of, row

from hubmaxact.catalog.parquet import decode, rows_of
from hubmaxact.catalog.row import HINTS, Real, Text, Truth, Whole
from hubmaxact.page.url_state import parse

FORMULAS = "=+-@\t\r"


def read_back(content):
    """Rows of a CSV file, by the catalog's types; the only loss is an apostrophe."""
    reader = csv.DictReader(io.StringIO(content.decode("utf-8"), newline=""))
    assert reader.fieldnames == list(HINTS)
    return [{name: _value(HINTS[name], text) for name, text in line.items()} for line in reader]


def _value(hint, text):
    if hint in (str, Text):
        guarded = text[:1] == "'" and text[1:2] and text[1] in FORMULAS
        return text[1:] if guarded else text or None
    if text == "":
        return None
    if hint == Truth:
        return {"true": True, "false": False}[text]
    return {Whole: int, Real: float}.get(hint, json.loads)(text)


@pytest.mark.parametrize("rows", [PAPER, many(100), hostile_rows(), []])
def test_csv_and_parquet_read_back_as_the_rows(rows):
    page_data = page_data_of(rows)
    expected = sorted(rows, key=lambda each: each["key"].encode("utf-16-be"))
    assert read_back(page_data.download("all", "csv")) == expected
    assert rows_of(decode(page_data.download("all", "parquet"))) == rows


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_view_and_the_picked_ones_are_downloaded_in_their_order(kind):
    page_data = page_data_of(PAPER)
    view = parse("family=ling&sort=name&pick=paper:gemma-2b&pick=gone&pick=paper:Ling-mini-5T")
    for what, names in (
        ("view", ["Ling-mini-10T", "Ling-mini-15T", "Ling-mini-20T", "Ling-mini-5T"]),
        ("picked", ["gemma-2b", "Ling-mini-5T"]),
    ):
        content = page_data.download(what, kind, view)
        rows = read_back(content) if kind == "csv" else rows_of(decode(content))
        assert [each["name"] for each in rows] == names


def test_the_whole_table_as_parquet_is_the_index_itself():
    page_data = page_data_of(PAPER)
    assert page_data.download("all", "parquet") == page_data.index.content


def test_no_text_begins_a_formula_and_no_number_is_touched():
    rows = [row(f"k{n}", name=text, max_value=-1.5) for n, text in enumerate(HOSTILE)]
    content = page_data_of(rows).download("all", "csv").decode("utf-8")
    for line in csv.DictReader(io.StringIO(content, newline="")):
        assert line["max_value"] == "-1.5"
        for name, cell in line.items():
            if HINTS[name] in (str, Text):
                assert cell[:1] not in set(FORMULAS)
    assert sum(cell in content for cell in ("'=HYPERLINK(1)", "'+1", "'-1", "'@sum", "'\t=1")) == 5
