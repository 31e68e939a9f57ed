"""A configuration that asks for far more than the weight files hold, refused before memory is.

transformers builds what config.json says first and compares it with the weights afterwards.
"""

from typing import Any

import torch
from transformers import initialization

from hubmaxact.errors import IncompleteWeightsError
from hubmaxact.measurement.checkpoint.configuration import CONFIG
from hubmaxact.measurement.checkpoint.memory_needed import num_weights
from hubmaxact.measurement.checkpoint.model_config import model_plan
from hubmaxact.measurement.checkpoint.weight_files import WeightFiles
from hubmaxact.printable import printable

MOST_TIMES = 16
"""What is less beyond the files is missing or misshapen weights, which are told by name."""

HARMLESS = 1 << 28
"""Numbers that any machine has room for."""


def refuse_oversized(
    files: WeightFiles, chosen: Any, attn_implementation: str | None = None
) -> None:
    """Refuse a configuration of which the weight files hold next to nothing.

    Args:
        files: What `inspect` found sound.
        chosen: The class that is loaded.
        attn_implementation: Attention kernel. None: the model's default.

    Raises:
        IncompleteWeightsError: Names the largest weight that is asked for.
        Exception: Whatever transformers raises of a configuration that it cannot build.
    """
    with torch.device("meta"):
        model = build(files, chosen, {"attn_implementation": attn_implementation})
    asked, held = [each.numel() for each in model.parameters()], num_weights(files)
    number = sum(asked)
    if number <= max(HARMLESS, MOST_TIMES * held):
        return
    raise IncompleteWeightsError(
        f"{CONFIG} of {files.name} asks for a model of {number:.3g} weights"
        f"{_largest(files, model, held) or f' in {len(asked):,} tensors'}, and the files hold "
        f"{held:.3g} in {len(files.tensors):,}. Compare it with the configuration the model was "
        "released with."
    )


def _largest(files: WeightFiles, model: torch.nn.Module, held: int) -> str:
    """The largest weight that is asked for; empty where only all of them together are too much."""
    name, weight = max(model.named_parameters(), key=lambda named: named[1].numel())
    if weight.numel() <= held:
        return ""
    shape, said = " x ".join(map(str, weight.shape)), _said(files.config, max(weight.shape))
    return f", the largest {printable(name)} of {shape}{said}"


def build(files: WeightFiles, chosen: Any, options: dict[str, Any]) -> Any:
    """Build what config.json says, on whatever device is torch's default, and fill in nothing.

    Args:
        files: What `inspect` found sound.
        chosen: The class that is loaded.
        options: Of transformers, such as attn_implementation and dtype.

    Returns:
        A model of which no weight was read.

    Raises:
        Exception: Whatever transformers raises of a configuration that it cannot build.
    """
    model_class, config = model_plan(files, chosen)
    with initialization.no_init_weights():
        return model_class._from_config(config, **options)  # noqa: SLF001 its only way


def _said(config: dict[str, Any], side: int) -> str:
    """Entries of config.json that ask for this side of a weight."""
    parts = [config, *(part for part in config.values() if isinstance(part, dict))]
    found = {
        f"{printable(key)} {value}"
        for part in parts
        for key, value in part.items()
        if type(value) is int and value == side
    }
    return f" ({', '.join(sorted(found))})" if found else ""
