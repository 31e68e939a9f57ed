"""ONNX Runtime GenAI's file of scales for a quantized cache (`kv_cache_scale_file`)."""

from collections.abc import Callable, Iterable, Mapping
from itertools import chain

from hubmaxact.engine_files.json_text import text_of
from hubmaxact.engine_files.measured_maxima import abs_max, cached_by_layer
from hubmaxact.engine_files.request import (
    Choices,
    FileContent,
    Measured,
    NotExportableError,
    one_of,
)
from hubmaxact.engine_files.scale_conventions import CACHE_LIMITS
from hubmaxact.printable import printable
from hubmaxact.report.deployment import KeysAndValues

LEAST_THRESHOLD = 1e-6
"""As its own calibration writes."""

ROTATION_NOTE = (
    "Keys turn with their position, so far beyond the measured length one value may grow by up to "
    "sqrt(2): measure at the length that is deployed."
)

ENVELOPE_NOTE = (
    "Keys are scaled by the largest norm of each pair of channels that rotates, which holds at "
    "every position, unless the model scales keys beyond a length, as dynamic YaRN does."
)

Thresholds = tuple[list[float], list[float]]
"""Of keys and of values: one, or one for each channel, head by head."""


def make(measured: Measured, choices: Choices) -> FileContent:
    """Return the JSON: scales for keys and for values of each layer that has a cache.

    Args:
        measured: A report of profile deployment; for scales per channel with what lies beside it.
        choices: `cache_type`: int8, int4 or fp8. `granularity`: per_tensor or per_channel.

    Returns:
        The file.

    Raises:
        NotExportableError: Keys and values were not measured or not finite, or scales per channel
            are asked for where it is not known which channels turn together.
        SidecarError: The channels are not there, or are not those of the report.
        OptionsError: A choice is none.
    """
    granularity = one_of("granularity", choices.granularity, tuple(THRESHOLDS))
    limit = CACHE_LIMITS[one_of("cache_type", choices.cache_type, tuple(CACHE_LIMITS))]
    rows = cached_by_layer(measured.report)
    thresholds, note = THRESHOLDS[granularity]
    found = thresholds(measured, list(rows.values()))
    document = {
        **measured.origin.as_json(),
        "scales": {
            "k_scales": [[_scale(each, limit) for each in keys] for keys, _ in found],
            "v_scales": [[_scale(each, limit) for each in values] for _, values in found],
        },
        "layer_ids": list(rows),
        "qmax": limit,
    }
    return FileContent(text_of(document), (note,) if _may_turn(rows.values()) else ())


def _may_turn(rows: Iterable[KeysAndValues]) -> bool:
    """Whether some keys turn with their position, as far as is known."""
    return any(row["rotary"] is None or row["rotary"]["pairs"] != "none" for row in rows)


def _of_tensor(measured: Measured, rows: list[KeysAndValues]) -> list[Thresholds]:  # noqa: ARG001
    return [([abs_max(row["key"])], [abs_max(row["value"])]) for row in rows]


def _of_channels(measured: Measured, rows: list[KeysAndValues]) -> list[Thresholds]:
    """Head by head; both channels of a pair that turns have the largest norm of the two."""
    for row in rows:
        if row["rotary"] is None:
            raise NotExportableError(
                f"which channels of the keys of {printable(row['module'])} turn together with "
                "their position is not known, so no scale per channel holds at others. Leave "
                "--granularity out for one scale a layer."
            )
    channels = measured.channels()
    return [
        (
            list(chain.from_iterable(channels.turned_abs_max(row))),
            list(chain.from_iterable(channels.cached_abs_max(row, "value"))),
        )
        for row in rows
    ]


Way = tuple[Callable[[Measured, list[KeysAndValues]], list[Thresholds]], str]
THRESHOLDS: Mapping[str, Way] = {
    "per_tensor": (_of_tensor, ROTATION_NOTE),
    "per_channel": (_of_channels, ENVELOPE_NOTE),
}
"""Granularity -> what is scaled to the limit, and what its user should know of keys that turn."""


def _scale(threshold: float, limit: float) -> float:
    return max(threshold, LEAST_THRESHOLD) / limit
