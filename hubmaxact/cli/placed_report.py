"""A finished measurement put everywhere it was asked to be, and shown."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hubmaxact.cli import measured_report
from hubmaxact.cli.progress_bar import console
from hubmaxact.printable import counted
from hubmaxact.publication import folder
from hubmaxact.rendering.terminal import show
from hubmaxact.report.document import Report

if TYPE_CHECKING:
    from hubmaxact.measurement.assembly.report import Measured


@dataclass(frozen=True, slots=True)
class Places:
    """Where a report goes.

    Attributes:
        output: File, pipe, device, or "-" for standard output. None: not asked for.
        write_into: Folder that also gets a picture and a section. None: not asked for.
        checkpoint: What was measured, as the user named it. None: nobody knows.
    """

    output: Path | None
    write_into: Path | None
    checkpoint: str | None = None

    def check(self, *, with_sidecars: bool) -> None:
        """Refuse, before any long work, a place where no report could be written.

        Args:
            with_sidecars: Whether files will lie beside the report.

        Raises:
            WriteError: The first that takes none.
            ReadmeError: There is no such folder, or its README cannot be edited without risk.
        """
        if self.write_into is not None:
            folder.check(self.write_into)
        measured_report.check(self._targets, with_sidecars=with_sidecars)

    def check_room(self, num_bytes: int) -> None:
        """Refuse, before any batch is run, a place without room for what lies beside the report.

        Args:
            num_bytes: Of all files beside it.

        Raises:
            WriteError: The first that has none.
        """
        measured_report.check_room(self._targets, num_bytes)

    def put(self, measured: "Measured", second: Path | None = None) -> None:
        """Write a report everywhere, then show it.

        Args:
            measured: The report, and what lies beside it.
            second: Folder that it goes to where no place takes it.

        Raises:
            WriteError: A place did not take it; the message says where the report is.
        """
        report, targets = measured.report, self._targets
        measured_report.write(report, targets, measured.sidecars, second=second)
        if self.write_into is not None:
            placement = folder.plan(report, self.write_into / folder.README)
            folder.write(placement)
            for advice in placement.advice:
                click.echo(advice, err=True)
        show(report, console(stderr=measured_report.takes_standard_output(targets)))
        _warn(report)

    @property
    def _targets(self) -> list[measured_report.Target]:
        return measured_report.targets(self.output, self.write_into, self.checkpoint)


def _warn(report: Report) -> None:
    """Say, loudly, what is wrong with the result."""
    if report["status"] == "non_finite":
        click.echo("hubmaxact: NaN or infinity was seen; the report says where.", err=True)
    if report["coverage"]["missing"]:
        sites = counted(len(report["coverage"]["missing"]), "site")
        click.echo(f"hubmaxact: missing: {sites}, which the report names.", err=True)
