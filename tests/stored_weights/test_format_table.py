"""docs/quantized.md shows the table of storages as it is, and all that is declared in each way."""

from pathlib import Path

from hubmaxact.stored_weights.by_compressed_tensors import FORMATS
from hubmaxact.stored_weights.by_modelopt import ALGORITHMS
from hubmaxact.stored_weights.declared import METHODS
from hubmaxact.stored_weights.format_table import splice, table
from hubmaxact.stored_weights.table import STORAGES


def test_the_page_holds_the_table():
    page = (Path(__file__).parents[2] / "docs" / "quantized.md").read_text("utf-8")
    assert splice(page) == page, "see python -m hubmaxact.stored_weights.format_table"


def test_nothing_that_is_read_is_left_out():
    shown = table()
    for name in (*METHODS, *FORMATS, *ALGORITHMS, *(storage.name for storage in STORAGES)):
        assert f"`{name}`" in shown
