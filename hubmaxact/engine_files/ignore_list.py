"""Modules to leave unquantized, for each tool by its own matching rule.

Ranked by what rounding a map's input to INT8 with one scale for the tensor would cost: steps of
A / 127 make noise of A^2 / (12 * 127^2) against a mean square of rms^2. That is an estimate for
INT8; FP8 has a step for every power of two, and minds a large A far less.
"""

from math import inf, isfinite, log10

from hubmaxact.engine_files.checkpoint_names import names_in
from hubmaxact.engine_files.json_text import text_of
from hubmaxact.engine_files.matching_rules import HEAD, lists_of
from hubmaxact.engine_files.measured_maxima import abs_max, linear_inputs
from hubmaxact.engine_files.request import Choices, FileContent, Measured
from hubmaxact.errors import OptionsError
from hubmaxact.formats import INT8_LEVELS
from hubmaxact.report.deployment import LinearInput

DEFAULT_BELOW_DB = 20.0
"""A tenth of the input's size, as noise."""

MEMORY_NOTE = (
    "Modules have the names of transformers' memory, which quantizers match. exclude_modules is "
    "matched by a checkpoint's names: give the checkpoint with --checkpoint if it has others."
)


def make(measured: Measured, choices: Choices) -> FileContent:
    """Return the ranking, and what each tool takes.

    Args:
        measured: A report of profile deployment.
        choices: `below_db`: SQNR under which a module is kept wide.

    Returns:
        The file; lists hold the language model's head even where nothing else is kept.

    Raises:
        NotExportableError: The inputs of linear maps were not measured, or not finite.
        OptionsError: The SQNR is not finite.
    """
    below_db = DEFAULT_BELOW_DB if choices.below_db is None else choices.below_db
    if not isfinite(below_db):
        raise OptionsError(f"--below-db {below_db} is no number of decibels. Give one, such as 20.")
    rows = linear_inputs(measured.report)
    ranked = sorted(rows, key=lambda row: (sqnr_db(row), row["layer"]))
    kept = [row for row in ranked if sqnr_db(row) < below_db]
    modules = list(dict.fromkeys(module for row in kept for module in row["modules"]))
    document = {
        **measured.origin.as_json(),
        "below_db": below_db,
        "num_inputs": len(rows),
        "kept_wide": [_told(row) for row in kept],
        **lists_of(modules, list(names_in(modules, measured.tensors).values())),
    }
    note = f"{len(kept)} of {len(rows)} inputs are below {below_db:g} dB; {HEAD} is always kept."
    notes = (note, *([MEMORY_NOTE] if measured.tensors is None else []))
    return FileContent(text_of(document), notes)


def sqnr_db(row: LinearInput) -> float:
    """Estimate the SQNR of a map's input in INT8 with one scale for the tensor, in dB."""
    largest, rms = abs_max(row), row["rms"]
    if not largest or not rms:  # nothing but zeros is rounded without error
        return inf
    return 10 * log10(12) + 20 * log10(INT8_LEVELS * rms / largest)


def _told(row: LinearInput) -> dict[str, object]:
    return {
        "modules": row["modules"],
        "layer": row["layer"],
        "abs_max": row["abs_max"],
        "rms": row["rms"],
        "int8_sqnr_db": round(sqnr_db(row), 2),
    }
