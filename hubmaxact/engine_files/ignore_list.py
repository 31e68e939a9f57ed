"""Modules to leave unquantized, for each tool by its own matching rule.

Ranked by what leaving a module wide saves: the SQNR that its input has once it is rounded.
"""

from collections.abc import Sequence
from math import isfinite

from hubmaxact.engine_files.checkpoint_names import names_in
from hubmaxact.engine_files.input_errors import InputError, input_errors, way_of
from hubmaxact.engine_files.json_text import text_of
from hubmaxact.engine_files.matching_rules import HEAD, lists_of
from hubmaxact.engine_files.request import Choices, FileContent, Measured
from hubmaxact.errors import OptionsError
from hubmaxact.printable import counted, printable
from hubmaxact.report.deployment import QUANTIZATION

DEFAULT_BELOW_DB = 20.0
"""A tenth of the input's size, as noise."""

MOST_UNDERFLOW = 0.5
"""Where rounding makes more of an input's values zero, its SQNR is that of a few large ones, and
tokens that have none of these are lost."""

MEMORY_NOTE = (
    "Modules have the names of transformers' memory, which quantizers match. exclude_modules is "
    "matched by a checkpoint's names: give the checkpoint with --checkpoint if it has others."
)


def make(measured: Measured, choices: Choices) -> FileContent:
    """Return the ranking, and what each tool takes.

    Args:
        measured: A report of profile deployment, with what lies beside it.
        choices: `below_db`: SQNR under which a module is kept wide, as it is where most of its
            input vanishes. `rounding`: how inputs are rounded.

    Returns:
        The file; lists hold the language model's head even where nothing else is kept.

    Raises:
        NotExportableError: The inputs of linear maps were not measured, or not finite, or not
            rounded that way.
        OptionsError: The SQNR is not finite, or there is no such way of rounding.
        SidecarError: What lies beside the report is not what it names.
    """
    below_db = DEFAULT_BELOW_DB if choices.below_db is None else choices.below_db
    if not isfinite(below_db):
        raise OptionsError(f"--below-db {below_db} is no number of decibels. Give one, such as 20.")
    way = way_of(choices.rounding)
    errors = input_errors(measured, way)
    kept = [error for error in errors if error.sqnr_db < below_db or _vanishes(error)]
    modules = list(dict.fromkeys(module for error in kept for module in error.row["modules"]))
    document = {
        **measured.origin.as_json(),
        "rounding": way.name,
        "below_db": below_db,
        "num_inputs": len(errors),
        "kept_wide": [_told(error) for error in kept],
        **lists_of(modules, list(names_in(modules, measured.tensors).values())),
    }
    below = [error for error in errors if error.sqnr_db < below_db]
    note = (
        f"{len(below)} of {len(errors)} inputs are below {below_db:g} dB in {way.name}, "
        f"{_known(errors)}; {HEAD} is always kept."
    )
    notes = (note, *_vanishing([error for error in kept if error not in below]))
    named = [MEMORY_NOTE] if measured.tensors is None else []
    return FileContent(text_of(document), (*notes, *named))


def _known(errors: Sequence[InputError]) -> str:
    """How the numbers are known."""
    if all(error.is_measured for error in errors):
        return "measured"
    return f"estimated from maxima where {QUANTIZATION} beside the report has no row"


def _vanishes(error: InputError) -> bool:
    return (error.underflow_rate or 0.0) > MOST_UNDERFLOW


def _vanishing(others: Sequence[InputError]) -> tuple[str, ...]:
    """What is kept although its SQNR is high."""
    if not others:
        return ()
    first = max(others, key=lambda error: error.underflow_rate or 0.0)
    share = 100 * (first.underflow_rate or 0.0)
    note = (
        f"Kept too: {counted(len(others), 'input')} of which more than half of the values become "
        f"zero, first {printable(first.row['modules'][0])} ({share:.6g} %). SQNR weighs values by "
        "their squares, and a few large ones hold most of these."
    )
    return (note,)


def _told(error: InputError) -> dict[str, object]:
    row = error.row
    return {
        "modules": row["modules"],
        "layer": row["layer"],
        "sqnr_db": round(error.sqnr_db, 2),
        "sqnr_is": "measured" if error.is_measured else "estimated",
        "underflow_rate": error.underflow_rate,
        "abs_max": row["abs_max"],
        "rms": row["rms"],
    }
