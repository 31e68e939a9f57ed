"""What a checkpoint has behind the layers that are measured: heads, poolers, and what
sentence-transformers puts there. None of it is watched, which is told.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from transformers import PreTrainedModel

from hubmaxact.measurement.checkpoint.configuration import MOST_JSON_BYTES
from hubmaxact.measurement.checkpoint.weight_files import WeightFiles
from hubmaxact.printable import printable

MODULES = "modules.json"  # of sentence-transformers: the model, and what follows it
MOST_MODULES = 8
LONGEST_NAME = 60  # characters


def behind_layers(files: WeightFiles, model: PreTrainedModel) -> Iterator[str]:
    """What is not measured, though the checkpoint holds or names it.

    Args:
        files: What `inspect` found sound.
        model: As transformers loaded it.

    Yields:
        Whole sentences.
    """
    if parts := [*_heads(model), *_poolers(model)]:
        verb = "lies" if len(parts) == 1 else "lie"
        kind = type(model).__name__
        yield f"{', '.join(parts)} of {kind} {verb} behind the layers, not measured."
    path = files.folder / MODULES
    if path.is_file():
        yield from _sentence_transformers(files.name, path)


def _heads(model: PreTrainedModel) -> list[str]:
    """Modules with weights outside the base; what predicts tokens goes without saying."""
    base, logits = model.base_model, model.get_output_embeddings()
    return [
        name
        for name, module in model.named_children()
        if module is not base
        and base is not model
        and base not in module.modules()
        and logits not in module.modules()
        and any(True for _ in module.parameters())
    ]


def _poolers(model: PreTrainedModel) -> list[str]:
    """Transformers' name for what makes one row of all tokens' in a base."""
    return ["pooler"] if getattr(model.base_model, "pooler", None) is not None else []


def _sentence_transformers(name: str, path: Path) -> Iterator[str]:
    modules = _modules(path)
    if modules is None:
        yield f"{MODULES} of {name} cannot be read, so what it puts behind the model is not known."
    elif modules:
        yield (
            f"{MODULES} of {name} puts {', '.join(modules)} behind the model, and what they make "
            "of its last hidden state is not measured."
        )


def _modules(path: Path) -> list[str] | None:
    """What follows the model, by class; None where the file does not say."""
    if path.stat().st_size > MOST_JSON_BYTES:
        return None
    try:
        document = json.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, list):
        return None
    classes = [_class(each) for each in document[:MOST_MODULES]]
    return [each for each in classes if each not in {"", "Transformer"}]


def _class(module: Any) -> str:
    said = module.get("type") if isinstance(module, dict) else None
    return printable(said.rpartition(".")[2], LONGEST_NAME) if isinstance(said, str) else ""
