"""A misspelled command is told which one it resembles."""

import pytest
from click.testing import CliRunner

from hubmaxact.cli.main import group


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("measur", "measure"), ("Push", "push"), ("validates", "validate"), ("catalogue", "catalog")],
)
def test_the_command_that_it_resembles_is_named(typed, meant):
    result = CliRunner().invoke(group, [typed, "--output", "x"])
    assert result.exit_code == 2
    assert result.stderr.endswith(f"No such command {typed!r}. Did you mean {meant!r}?\n")


def test_what_resembles_nothing_is_told_no_more():
    result = CliRunner().invoke(group, ["x"])
    assert result.stderr.endswith("No such command 'x'.\n")
