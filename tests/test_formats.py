"""Number formats by the names that people give them."""

import pytest
from click.testing import CliRunner

from hubmaxact import Options
from hubmaxact.cli.check import check
from hubmaxact.cli.measure import measure
from hubmaxact.formats import full_name


def test_options_keep_the_name_that_a_report_has():
    said = {
        "bf16": "bfloat16",
        "BF16": "bfloat16",
        "fp16": "float16",
        "half": "float16",
        "fp32": "float32",
        "torch.float32": "float32",
        "bfloat16": "bfloat16",
        "auto": "auto",
    }
    assert {name: Options(dtype=name).dtype for name in said} == said


def test_what_is_no_format_stays_as_it_was_written():
    assert full_name("Int7") == "Int7"


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (measure, ["no/checkpoint/here", "--dtype", "bf16"]),
        (check, ["missing.json", "--not-exceeding", "fp16"]),
    ],
)
def test_commands_take_them_wherever_they_ask_for_a_format(command, words):
    """Neither ends in a usage error about the name."""
    assert "Invalid value" not in CliRunner().invoke(command, words).output
