"""From a report by any of its names to a file or a checkpoint in an engine's format."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from hubmaxact.engine_files.changed_checkpoint import changed, write_beside, write_into
from hubmaxact.engine_files.output_file import write_file
from hubmaxact.engine_files.request import CheckpointChange, Choices, Measured
from hubmaxact.engine_files.table import FORMATS, Format
from hubmaxact.errors import OptionsError
from hubmaxact.report.inputs import Input, read_input


@dataclass(frozen=True, slots=True)
class Places:
    """Where an export goes.

    Attributes:
        output: A file, or a folder where the format is a checkpoint. None: not asked for.
        into: A local checkpoint that gets the scales itself. None: not asked for.
        checkpoint: The checkpoint that was measured. None: the folder that holds the report.
    """

    output: Path | None = None
    into: Path | None = None
    checkpoint: Path | None = None


def export_report(source: str | Path, to: str, places: Places, choices: Choices) -> tuple[str, ...]:
    """Write a report in a format of the table.

    Args:
        source: A report by any of its names.
        to: Name of the format.
        places: Where it goes.
        choices: What is chosen about it.

    Returns:
        Sentences that the user should read.

    Raises:
        OptionsError: The format does not exist, or does not take a choice or a place.
        NotExportableError: The report lacks what the format wants.
        SidecarError: What the format wants is in a file beside the report that is not there, or is
            another one.
        WriteError: It cannot be written; what was there before is still there.
        HubmaxactError: The report or the checkpoint cannot be read, or is another one.
    """
    row = _format(to, choices)
    read = read_input(source)
    assert read.found is not None
    digest = hashlib.sha256(read.found.content).hexdigest()
    measured = Measured(read.report, digest, read.found)
    made = row.make(measured, choices)
    if isinstance(made, CheckpointChange):
        _place(made, read, places)
    else:
        write_file(_file(to, places), made.content)
    return made.notes


def _format(to: str, choices: Choices) -> Format:
    if (row := FORMATS.get(to)) is None:
        raise OptionsError(f"there is no format {to!r}; there are {', '.join(FORMATS)}.")
    for name in choices.given():
        if name not in row.choices:
            option = name.replace("_", "-")
            raise OptionsError(f"--{option} is not for {to}. Leave it out.")
    return row


def _file(to: str, places: Places) -> Path:
    if places.output is None or places.into or places.checkpoint:
        raise OptionsError(
            f"{to} is a file: give --output PATH, and neither --write-into nor --checkpoint."
        )
    return places.output


def _place(made: CheckpointChange, read: Input, places: Places) -> None:
    if (places.output is None) == (places.into is None) or str(places.output) == "-":
        raise OptionsError("give one of --output FOLDER and --write-into CHECKPOINT.")
    if places.into is not None and places.checkpoint is not None:
        raise OptionsError("--write-into names the checkpoint; leave --checkpoint out.")
    beside_report = read.found.folder if read.found else None
    folder = places.into or places.checkpoint or beside_report
    if folder is None:
        raise OptionsError(
            "name the folder of the checkpoint that was measured with --checkpoint; its weights "
            "are linked to, and not copied."
        )
    new = changed(folder, read.report["model"]["weight_files"], made)
    if places.output is None:
        write_into(new)
    else:
        write_beside(new, places.output)
