"""`--format-errors`: its words on the command line, and what a run is told."""

import click
import pytest

from hubmaxact.cli.measure import _options, measure
from hubmaxact.errors import OptionsError
from hubmaxact.measurement.options import Options


def chosen(*words):
    params = measure.make_context("measure", ["checkpoint", *words]).params
    return _options(None, {name: params[name] for name in ("profile", "format_errors")})


@pytest.mark.parametrize(
    ("words", "name", "is_summed"),
    [([], "all", True), (["all"], "all", True), (["per-tensor"], "per_tensor", False)],
)
def test_a_run_is_told_which_errors_it_sums(words, name, is_summed):
    said = ["--format-errors", *words] if words else []
    options = chosen(*said)
    assert options.format_errors == name
    assert options.sums_format_errors is is_summed
    assert chosen("--profile", "paper", *said).sums_format_errors is False


def test_other_words_are_refused():
    with pytest.raises(click.BadParameter, match="'all', 'per-tensor'"):
        chosen("--format-errors", "none")
    with pytest.raises(OptionsError, match="format_errors must be one of all, per_tensor, found"):
        Options(format_errors="per-tensor")
