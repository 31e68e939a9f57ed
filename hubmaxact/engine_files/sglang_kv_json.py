"""SGLang's `--quantization-param-path`: experimental, because SGLang 0.5 uses only half of it.

It sets the scale as a plain number that most attention backends do not read, so that keys are
divided by it when written and not multiplied when read, or not at all. Its schema is kept here all
the same, exactly; `compressed-tensors-kv` is the way that works.
"""

from hubmaxact.engine_files.json_text import text_of
from hubmaxact.engine_files.measured_maxima import abs_max, cached_by_layer, per_head
from hubmaxact.engine_files.request import Choices, FileContent, Measured, NotExportableError
from hubmaxact.engine_files.scale_conventions import E4M3, multiplier
from hubmaxact.printable import counted, printable
from hubmaxact.report.deployment import KeysAndValues

EXPERIMENTAL = (
    "SGLang 0.5.23 sets these scales where most of its attention backends do not read them; those "
    "of compressed-tensors-kv it sets where they do."
)

LOADED = {
    "apertus", "arcee", "exaone4", "glm4", "glm5_next", "hunyuan", "hunyuan_v1_dense",
    "hunyuan_v1_moe", "internlm3", "llama", "mimo", "mimo_v2", "mimo_v2_flash", "mistral", "opt",
    "phi3", "qwen2", "qwen3", "solar",
}  # fmt: skip
"""Model types whose class defines `load_kv_cache_scales` in SGLang 0.5.23 (`srt/models/*.py`).

That of internlm3, mistral and phi3 is Llama's.
"""


def make(measured: Measured, choices: Choices) -> FileContent:
    """Return the JSON: one number for keys and values of each layer, on each rank.

    Args:
        measured: A report of profile deployment.
        choices: `tensor_parallel`: ranks that the engine runs with; each rank's scales are of its
            own heads.

    Returns:
        The file.

    Raises:
        NotExportableError: Keys and values were not measured, were not finite, are not in every
            layer, or their heads cannot be dealt out to so many ranks.
    """
    num_ranks, num_layers = choices.tensor_parallel or 1, measured.report["model"]["num_layers"]
    rows = cached_by_layer(measured.report)
    if absent := sorted(set(range(num_layers)) - set(rows)):
        raise NotExportableError(
            f"layer {absent[0]} has no cache of its own, and SGLang's file must list every layer. "
            "Use compressed-tensors-kv."
        )
    scales = {
        str(rank): {str(layer): _scale(row, rank, num_ranks) for layer, row in rows.items()}
        for rank in range(num_ranks)
    }
    document = {
        "model_type": measured.report["model"]["model_type"],
        "kv_cache": {"dtype": "float8_e4m3fn", "scaling_factor": scales},
        **measured.origin.as_json(),
        "experimental": EXPERIMENTAL,
    }
    notes = (f"Experimental: {EXPERIMENTAL}", *_not_loaded(measured.report["model"]["model_type"]))
    return FileContent(text_of(document), notes)


def _not_loaded(model_type: str) -> tuple[str, ...]:
    """What SGLang does with a file for a class that has no place for it."""
    if model_type in LOADED:
        return ()
    note = (
        f"SGLang 0.5.23 has no load_kv_cache_scales for {printable(model_type, 60)}, as far as is "
        "known: it stops with a RuntimeError while it loads. Use compressed-tensors-kv."
    )
    return (note,)


def _scale(row: KeysAndValues, rank: int, num_ranks: int) -> float:
    """One number for keys and values, which is all that SGLang has a place for."""
    both = row["key"], row["value"]
    if num_ranks == 1:
        return multiplier(max(map(abs_max, both)), E4M3)
    heads = _heads_of(row, rank, num_ranks)
    return multiplier(max(max(per_head(maxima)[heads]) for maxima in both), E4M3)


def _heads_of(row: KeysAndValues, rank: int, num_ranks: int) -> slice:
    """The heads that a rank holds: its share, or one of them where ranks share heads."""
    num_heads = row["num_kv_heads"]
    if num_heads % num_ranks == 0:
        share = num_heads // num_ranks
        return slice(rank * share, (rank + 1) * share)
    if num_ranks % num_heads == 0:
        head = rank * num_heads // num_ranks
        return slice(head, head + 1)
    raise NotExportableError(
        f"{counted(num_heads, 'head')} of layer {row['layer']} cannot be dealt out to "
        f"{counted(num_ranks, 'rank')}. Choose --tensor-parallel so that one divides the other."
    )
