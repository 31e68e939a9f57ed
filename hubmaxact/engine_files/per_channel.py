"""Formats that want every channel's statistics, which reports do not hold: refused by name."""

from typing import NoReturn

from hubmaxact.engine_files.request import Choices, Measured, NotExportableError


def smoothquant(measured: Measured, choices: Choices) -> NoReturn:  # noqa: ARG001
    """Refuse SmoothQuant's `act_scales`.

    Args:
        measured: Any report.
        choices: None are taken.

    Raises:
        NotExportableError: Always.
    """
    raise NotExportableError(
        "smoothquant's act_scales are the largest |x| of every channel of every linear map's "
        "input; the report holds one for the whole tensor, and no maxima of channels."
    )


def imatrix(measured: Measured, choices: Choices) -> NoReturn:  # noqa: ARG001
    """Refuse llama.cpp's imatrix.

    Args:
        measured: Any report.
        choices: None are taken.

    Raises:
        NotExportableError: Always.
    """
    raise NotExportableError(
        "an imatrix is the sum of x^2 of every channel of every linear map's input, and how many "
        "tokens it was taken over (in_sum2, counts); the report holds no sums of channels."
    )
