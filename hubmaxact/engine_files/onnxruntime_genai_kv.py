"""ONNX Runtime GenAI's file of scales for a quantized cache (`kv_cache_scale_file`)."""

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
from hubmaxact.report.deployment import HeadMaxima

LEAST_THRESHOLD = 1e-6
"""As its own calibration writes."""

ROTATION_NOTE = (
    "Keys turn with their position, so far beyond the measured length one value may grow by up to "
    "sqrt(2): measure at the length that is deployed."
)


def make(measured: Measured, choices: Choices) -> FileContent:
    """Return the JSON: a scale for keys and one for values of each layer that has a cache.

    Args:
        measured: A report of profile deployment.
        choices: `cache_type`: int8, int4 or fp8. `granularity`: per_tensor.

    Returns:
        The file.

    Raises:
        NotExportableError: Keys and values were not measured or not finite, or scales per channel
            are asked for.
        OptionsError: Another choice is none.
    """
    if choices.granularity == "per_channel":
        raise NotExportableError(
            "scales per channel need the largest norm of each pair of channels that rotary "
            "embedding turns, in keys, and the largest |x| of each channel, in values; neither is "
            "in the report. Leave --granularity out for one scale a layer."
        )
    one_of("granularity", choices.granularity, ("per_tensor",))
    limit = CACHE_LIMITS[one_of("cache_type", choices.cache_type, tuple(CACHE_LIMITS))]
    rows = cached_by_layer(measured.report)
    document = {
        **measured.origin.as_json(),
        "scales": {
            "k_scales": [[_scale(row["key"], limit)] for row in rows.values()],
            "v_scales": [[_scale(row["value"], limit)] for row in rows.values()],
        },
        "layer_ids": list(rows),
        "qmax": limit,
    }
    return FileContent(text_of(document), (ROTATION_NOTE,))


def _scale(maxima: HeadMaxima, limit: float) -> float:
    return max(abs_max(maxima), LEAST_THRESHOLD) / limit
