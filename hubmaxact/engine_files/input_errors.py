"""What rounding loses of each input of linear maps: as measured, or as its maximum lets expect.

With one scale for the tensor, INT8's steps of A / 127 make noise of A^2 / (12 * 127^2) against a
mean square of rms^2. That is an estimate, for INT8 alone, and stands in where nothing was measured.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import inf, log10

from hubmaxact.deployed_formats import LINEAR_INPUT, DeployedFormat, find_way, formats_of
from hubmaxact.engine_files.measured_maxima import MEASURE, abs_max, linear_inputs
from hubmaxact.engine_files.request import Measured, NotExportableError
from hubmaxact.errors import OptionsError
from hubmaxact.formats import INT8_LEVELS, full_name
from hubmaxact.printable import printable
from hubmaxact.report.deployment import QUANTIZATION, LinearInput
from hubmaxact.sidecars.error_rows import ErrorRow, can_be_read

WAYS = formats_of(LINEAR_INPUT)
ESTIMATED = WAYS[0]
"""INT8 with one scale for the tensor, from its maximum: the default, which can be estimated."""


@dataclass(frozen=True, slots=True)
class InputError:
    """What one input loses.

    Attributes:
        row: Of the report.
        sqnr_db: In dB; infinity where rounding loses nothing.
        underflow_rate: Share of the values that rounding makes zero. None: the input was not
            rounded, and `sqnr_db` is estimated.
    """

    row: LinearInput
    sqnr_db: float
    underflow_rate: float | None = None

    @property
    def is_measured(self) -> bool:
        """Whether the input was rounded."""
        return self.underflow_rate is not None


def way_of(name: str | None) -> DeployedFormat:
    """Return the way of rounding that was chosen.

    Args:
        name: FORMAT[/GRANULARITY[/POLICY]], the format by any name. None: the default.

    Returns:
        One of those that inputs of linear maps are rounded.

    Raises:
        OptionsError: There is no such way.
    """
    if name is None:
        return ESTIMATED
    number_format, *more = name.split("/")
    if (way := find_way("/".join([full_name(number_format), *more]), WAYS)) is not None:
        return way
    known = ", ".join(way.name for way in WAYS)
    raise OptionsError(f"--rounding {printable(name, 80)} is no way of rounding; use {known}.")


def input_errors(measured: Measured, way: DeployedFormat) -> list[InputError]:
    """Return what every input of linear maps loses, the worst first.

    Args:
        measured: A report of profile deployment, with what lies beside it.
        way: How inputs are rounded.

    Returns:
        At least one.

    Raises:
        NotExportableError: The inputs were not measured or not finite, or what they lose this way
            was not measured and cannot be estimated.
        SidecarError: What lies beside the report is not what it names.
        MissingPackageError: pyarrow is needed and not installed.
    """
    rows, rounded = linear_inputs(measured.report), _rounded(measured, way)
    errors = list(_errors(rows, rounded, way))
    return sorted(errors, key=lambda error: (error.sqnr_db, error.row["layer"]))


def _errors(
    rows: list[LinearInput], rounded: Mapping[str, ErrorRow], way: DeployedFormat
) -> Iterator[InputError]:
    for row in rows:
        module = row["modules"][0]
        if (found := rounded.get(module)) is not None:
            yield InputError(row, _sqnr_db(found), found["underflow_rate"])
        elif way == ESTIMATED:
            yield InputError(row, _estimated_db(row))
        else:
            raise NotExportableError(
                f"no {QUANTIZATION} beside the report tells what {way.name} loses of the input of "
                f"{printable(module)}, and only {ESTIMATED.name} can be estimated. {MEASURE}"
            )


def _rounded(measured: Measured, way: DeployedFormat) -> dict[str, ErrorRow]:
    """Rows of this way by the first map that reads the tensor."""
    if way == ESTIMATED and not can_be_read():
        return {}
    chosen = (LINEAR_INPUT, way.format, way.granularity, way.policy)
    return {
        row["module"]: row
        for row in measured.error_rows() or ()
        if (row["kind"], row["format"], row["granularity"], row["policy"]) == chosen
    }


def _sqnr_db(row: ErrorRow) -> float:
    if not row["sum_sq"] or not row["err_sq"]:
        return inf
    return 10 * (log10(row["sum_sq"]) - log10(row["err_sq"]))


def _estimated_db(row: LinearInput) -> float:
    largest, rms = abs_max(row), row["rms"]
    if not largest or not rms:  # nothing but zeros is rounded without error
        return inf
    return 10 * log10(12) + 20 * log10(INT8_LEVELS * rms / largest)
