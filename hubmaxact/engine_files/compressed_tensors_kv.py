"""Scales of an FP8 cache as vLLM, SGLang and transformers read them from a checkpoint.

Stored = saturated(x / scale), so a scale is A / 448; keys are those after rotary embedding, which
is what was measured. What compressed-tensors calls `dense` leaves the weights as they are.
"""

from hubmaxact.engine_files.measured_maxima import abs_max, cached, per_head
from hubmaxact.engine_files.request import CheckpointChange, Choices, Measured, one_of
from hubmaxact.engine_files.scale_conventions import E4M3, multiplier
from hubmaxact.report.deployment import HeadMaxima
from hubmaxact.scales.caches import WRITTEN_NAMES
from hubmaxact.scales.tensors import KEY, VALUE
from hubmaxact.sidecars.safetensors_bytes import StoredTensor

STRATEGIES = {"per_tensor": "tensor", "per_head": "attn_head"}
"""Granularity -> what compressed-tensors calls it."""

PER_HEAD_NOTE = (
    "SGLang ignores scales per head, and vLLM takes them only with an attention backend that does."
)

EXPERTS_NOTE = (
    "transformers 5 loads no experts whose weights it merges with this config.json: it looks there "
    "for how they are quantized, and they are not. vLLM and SGLang do not ask."
)

WITHOUT_TRANSFORMERS = {
    "gpt2": "GPT-2",
    "gptj": "GPT-J",
    "gpt_neox": "GPT-NeoX",
    "falcon": "Falcon",
    "bloom": "BLOOM",
    "opt": "OPT",
}
"""A `model_type` whose attention has no projections of the names that compressed-tensors knows, or
takes no `past_key_values`, and what people call it."""


def make(measured: Measured, choices: Choices) -> CheckpointChange:
    """Return the scales, and what config.json says of them.

    Args:
        measured: A report of profile deployment.
        choices: `granularity`: per_tensor or per_head.

    Returns:
        A tensor `k_scale` and a `v_scale` for each attention.

    Raises:
        NotExportableError: Keys and values were not measured, or were not finite.
        OptionsError: The granularity is another.
    """
    granularity = one_of("granularity", choices.granularity, tuple(STRATEGIES))
    scales = {
        row["module"]: {
            WRITTEN_NAMES[KEY]: _scale(row["key"], granularity),
            WRITTEN_NAMES[VALUE]: _scale(row["value"], granularity),
        }
        for row in cached(measured.report)
    }
    notes = {
        PER_HEAD_NOTE: granularity == "per_head",
        EXPERTS_NOTE: measured.report["model"]["architecture"] == "moe",
    }
    told = (*(note for note, is_due in notes.items() if is_due), *_family_notes(measured))
    return CheckpointChange(scales, configuration(granularity), measured.origin, told)


def _family_notes(measured: Measured) -> list[str]:
    title = WITHOUT_TRANSFORMERS.get(measured.report["model"]["model_type"])
    if title is None:
        return []
    note = (
        f"transformers cannot use these scales in {title}, whose attention has no projections of "
        "the usual names or takes no past_key_values."
    )
    return [note]


def configuration(granularity: str) -> dict[str, object]:
    """The `quantization_config` of weights that are not quantized and a cache that is."""
    return {
        "quant_method": "compressed-tensors",
        "format": "dense",
        "quantization_status": "compressed",
        "config_groups": {},
        "ignore": [],
        "kv_cache_scheme": {
            "num_bits": 8,
            "type": "float",
            "symmetric": True,
            "strategy": STRATEGIES[granularity],
            "dynamic": False,
            "observer": "static_minmax",
        },
    }


def _scale(maxima: HeadMaxima, granularity: str) -> StoredTensor:
    """One number, which transformers refuses without a dimension, or one for each head."""
    if granularity == "per_tensor":
        return StoredTensor((multiplier(abs_max(maxima), E4M3),), (1,))
    heads = tuple(multiplier(value, E4M3) for value in per_head(maxima))
    return StoredTensor(heads, (len(heads), 1, 1))
