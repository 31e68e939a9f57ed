"""From a report by any of its names to a file or a checkpoint in an engine's format."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from hubmaxact.engine_files.changed_checkpoint import changed, finish, write_beside, write_into
from hubmaxact.engine_files.checkpoint_at_hand import tensors_beside, tensors_of
from hubmaxact.engine_files.output_file import write_file
from hubmaxact.engine_files.request import CheckpointChange, Choices, Measured
from hubmaxact.engine_files.table import FORMATS, Format
from hubmaxact.errors import OptionsError
from hubmaxact.report.document import Report
from hubmaxact.report.inputs import Input, read_input
from hubmaxact.report.write import digest

SIMULATED_NOTE = (
    "The report is of a run that rounded the inputs of linear maps as its checkpoint is served, "
    "simulated: what was written is of that run, not of the model as it is. Measure without "
    "--simulate-activations for that."
)


@dataclass(frozen=True, slots=True)
class Places:
    """Where an export goes.

    Attributes:
        output: A file, or a folder where the format is a checkpoint. None: not asked for.
        into: A local checkpoint that gets the scales itself. None: not asked for.
        checkpoint: The checkpoint that was measured, or any of the model where only its names are
            taken. None: the folder that holds the report.
    """

    output: Path | None = None
    into: Path | None = None
    checkpoint: Path | None = None


def export(
    report: Report | str | Path,
    to: str,
    output: str | Path | None = None,
    *,
    write_into: str | Path | None = None,
    checkpoint: str | Path | None = None,
    granularity: str | None = None,
    tensor_parallel: int | None = None,
    cache_type: str | None = None,
    convention: str | None = None,
    number_format: str | None = None,
    below_db: float | None = None,
    rounding: str | None = None,
) -> tuple[str, ...]:
    """Write a report as a file that an engine or a quantizer takes.

    Which formats there are, what each holds and which choices it has stands in docs/export.md.

    Args:
        report: Of profile deployment; or its file, a folder that holds it, an id on the Hub, or a
            URL there. The file says that it came from this one, by its digest.
        to: Name of the format, as "compressed-tensors-kv".
        output: File to write, or "-" for standard output; a new folder where the format is a
            checkpoint.
        write_into: The measured checkpoint, which gets the scales of its cache itself.
        checkpoint: The measured checkpoint, whose weights are linked to; or any checkpoint of the
            model, whose names a file gets. None: the folder that holds the report.
        granularity: "per_tensor", "per_head" or "per_channel". None: the first that the format has.
        tensor_parallel: Ranks of the engine. None: 1.
        cache_type: "int8", "int4" or "fp8". None: "int8".
        convention: "compressed-tensors", "modelopt" or "transformers". None: the first.
        number_format: "fp8", "int8" or "nvfp4". None: "fp8".
        below_db: Modules whose input has a lower SQNR stay wide, in dB. None: 20.
        rounding: How inputs are rounded for that, as FORMAT[/GRANULARITY[/POLICY]]. None:
            "int8/per_tensor/max_abs".

    Returns:
        Sentences that its user should read.

    Raises:
        OptionsError: The format does not exist, or does not take a choice or a place.
        NotExportableError: The report lacks what the format wants.
        DigestMismatchError: The checkpoint is not the one that was measured.
        WriteError: It cannot be written; what was there before is still there.
        UnreadableFileError: The report cannot be read.
        BadInputError: It is not a valid report.
        HubmaxactError: The checkpoint cannot be read.
    """
    choices = Choices(
        granularity=granularity,
        tensor_parallel=tensor_parallel,
        cache_type=cache_type,
        convention=convention,
        number_format=number_format,
        below_db=below_db,
        rounding=rounding,
    )
    places = (None if each is None else Path(each) for each in (output, write_into, checkpoint))
    return export_report(report, to, Places(*places), choices)


def export_report(
    source: Report | str | Path, to: str, places: Places, choices: Choices
) -> tuple[str, ...]:
    """Write a report in a format of the table.

    Args:
        source: A report, or any name of one.
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
    measured = Measured(read.report, _digest(read), read.found, _tensors(row, read, places))
    made = row.make(measured, choices)
    if isinstance(made, CheckpointChange):
        _place(made, read, places)
    else:
        write_file(_file(row, places), made.content)
    is_simulated = "simulated_activations" in read.report["protocol"]
    return (*made.notes, *([SIMULATED_NOTE] if is_simulated else []))


def _digest(read: Input) -> str:
    """Of the report's very file; of one in memory, of the file that it would become."""
    if read.found is None:
        return digest(read.report)
    return hashlib.sha256(read.found.content).hexdigest()


def _format(to: str, choices: Choices) -> Format:
    if (row := FORMATS.get(to)) is None:
        raise OptionsError(f"there is no format {to!r}; there are {', '.join(FORMATS)}.")
    for name in choices.given():
        if name not in row.choices:
            option = name.replace("_", "-")
            raise OptionsError(f"--{option} is not for {to}. Leave it out.")
    return row


def _tensors(row: Format, read: Input, places: Places) -> frozenset[str] | None:
    """Names of the tensors of a checkpoint, where the format has names and one is at hand."""
    if not row.has_names:
        return None
    if places.checkpoint is not None:
        return tensors_of(places.checkpoint)
    return tensors_beside(read.found.folder if read.found else None)


def _file(row: Format, places: Places) -> Path:
    if row.has_names and (places.output is None or places.into):
        raise OptionsError(f"{row.name} is a file: give --output PATH, and no --write-into.")
    if places.output is None or places.into or (places.checkpoint and not row.has_names):
        raise OptionsError(
            f"{row.name} is a file: give --output PATH, and neither --write-into nor --checkpoint."
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
    if places.into is not None:
        finish(folder)
    new = changed(folder, read.report["model"]["weight_files"], made)
    if places.output is None:
        write_into(new)
    else:
        write_beside(new, places.output)
