"""A number format as the command line takes it: by the name in reports, or by any other it has."""

from typing import Any

import click

from hubmaxact.formats import full_name


class FormatName(click.Choice[str]):
    """One of some formats; a command gets the name that reports have for it."""

    def convert(self, value: Any, param: Any, ctx: Any) -> str:
        """Read the option's value."""
        return super().convert(full_name(value), param, ctx)
