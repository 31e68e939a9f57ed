"""OpenVINO's ACTIVATIONS_SCALE_FACTOR: one number that keeps float16 inference from overflowing."""

from hubmaxact.engine_files.json_text import text_of
from hubmaxact.engine_files.measured_maxima import MEASURE, largest
from hubmaxact.engine_files.request import Choices, FileContent, Measured
from hubmaxact.formats import FP16_LIMIT
from hubmaxact.report.roles import watched_under

PROPERTY = "ACTIVATIONS_SCALE_FACTOR"
OFF = -1.0
"""OpenVINO's own default."""

MARGIN = 2.0
"""What was measured may be exceeded by this much before float16 overflows."""

LINEAR_INPUT = "linear_input"
UNSEEN_NOTE = (
    "The report's profile does not watch what linear maps read, which may be larger than what it "
    f"saw. {MEASURE}"
)


def make(measured: Measured, choices: Choices) -> FileContent:  # noqa: ARG001 it has none
    """Return the property as `compile_model` takes it, and as a model's own rt_info does.

    Args:
        measured: A report of any profile.
        choices: None are taken.

    Returns:
        The file.

    Raises:
        NotExportableError: NaN or infinity was seen, so that no factor is known to do.
    """
    reached, where = largest(measured.report)
    factor = factor_for(reached)
    document = {
        **measured.origin.as_json(),
        "abs_max": reached,
        "where": where,
        "margin": MARGIN,
        "config": {PROPERTY: factor},
        "rt_info": {"runtime_options": {PROPERTY: str(factor)}},
    }
    watched = watched_under(measured.report["protocol"]["profile"])
    notes = () if LINEAR_INPUT in {role.name for role in watched} else (UNSEEN_NOTE,)
    return FileContent(text_of(document), notes)


def factor_for(abs_max: float) -> float:
    """Return the least power of two that leaves MARGIN below float16's limit; OFF where none does.

    Args:
        abs_max: The largest |x| of everything watched.

    Returns:
        At least 2, or OFF.
    """
    factor = 1.0
    while abs_max * MARGIN / factor > FP16_LIMIT:
        factor *= 2
    return factor if factor > 1 else OFF
