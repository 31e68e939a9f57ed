"""The report's `model` block: what the files, the configuration and the card say of a checkpoint.

What none of them says is null.
"""

from collections import Counter
from pathlib import Path
from typing import Any, Literal, TypedDict

from transformers import PreTrainedModel

from hubmaxact.measurement.anatomy.site import Anatomy
from hubmaxact.measurement.checkpoint.load import Loaded
from hubmaxact.measurement.checkpoint.weight_files import STORED_AS, WeightFiles
from hubmaxact.recognition.card import CARD, base_model
from hubmaxact.report.model_block import (
    ActivationScales,
    AdapterBase,
    LeftAside,
    Model,
    StoredWays,
    WeightFile,
)
from hubmaxact.report.validate import problems_of
from hubmaxact.stored_weights.storage import StoredWeights

FAMILIES = {
    "deepseek_v3": "DeepSeek-V3",
    "gemma": "Gemma",
    "gemma2": "Gemma2",
    "gemma3": "Gemma3",
    "gemma3_text": "Gemma3",
    "gpt_oss": "gpt-oss",
    "llama": "Llama",
    "mistral": "Mistral",
    "mixtral": "Mixtral",
    "qwen2": "Qwen2",
    "qwen2_5_vl": "Qwen2.5-VL",
    "qwen3": "Qwen3",
    "qwen3_5": "Qwen3.5",
    "qwen3_5_moe": "Qwen3.5",
    "qwen3_5_moe_text": "Qwen3.5",
    "qwen3_5_text": "Qwen3.5",
    "qwen3_moe": "Qwen3",
}
"""Model types whose family is certain; any other family is null."""

MODALITY_CONFIGS = {"vision_config": "image", "audio_config": "audio"}
MOST_CARD_BYTES = 5_000_000


def describe_model(
    files: WeightFiles,
    weight_files: list[WeightFile],
    loaded: Loaded,
    anatomy: Anatomy,
    *,
    model_id: str | None,
    revision: str | None,
    commit: str | None,
    adapter_base: AdapterBase | None = None,
) -> Model:
    """Fill the `model` block."""
    model, config = loaded.model, loaded.model.config
    text = config.get_text_config(decoder=True)
    total = sum(parameter.numel() for parameter in model.parameters())
    return Model(
        id=model_id,
        revision=revision,
        commit=commit,
        weight_files=weight_files,
        model_type=config.model_type,
        family=FAMILIES.get(config.model_type),
        architecture="moe" if anatomy.routing_layers else "dense",
        stage=None,
        base_model=(adapter_base and adapter_base["id"]) or _named_base(files),
        tokens_trained=None,
        modalities=_modalities(files.config),
        num_parameters=total,
        num_active_parameters=_active_parameters(model, anatomy, total),
        num_layers=anatomy.num_layers,
        hidden_size=text.hidden_size,
        weights_dtype=STORED_AS.get(files.dtype, files.dtype.lower()),
        weights_quantization=None if files.stored is None else files.stored.method,
        dequantized=files.stored is not None,
        **_told(files, loaded, anatomy, adapter_base),
        remote_code=loaded.code is not None,
        **_told_of_code(loaded),
    )


class _Told(TypedDict, total=False):
    dequantized_by: Literal["hubmaxact"]
    stored_weights: list[StoredWays]
    activation_scales: list[ActivationScales]
    left_aside: list[LeftAside]
    adapter_base: AdapterBase
    bidirectional: Literal[True]
    remote_code_files: list[WeightFile]


def _told(
    files: WeightFiles, loaded: Loaded, anatomy: Anatomy, adapter_base: AdapterBase | None
) -> _Told:
    """What is only said where it is so."""
    told = _Told() if files.stored is None else _expanded(files.stored)
    if anatomy.bidirectional:
        told["bidirectional"] = True
    if loaded.left_aside:
        told["left_aside"] = list(loaded.left_aside)
    if adapter_base is not None:
        told["adapter_base"] = adapter_base
    return told


def _expanded(stored: StoredWeights) -> _Told:
    ways = Counter(weight.scheme.storage.name for weight in stored.weights)
    told = _Told(
        dequantized_by="hubmaxact",
        stored_weights=[StoredWays(storage=way, weights=ways[way]) for way in sorted(ways)],
    )
    names = Counter(name.rpartition(".")[2] for name in stored.set_aside)
    if names:
        scales = [ActivationScales(name=name, tensors=names[name]) for name in sorted(names)]
        told["activation_scales"] = scales
    return told


def _told_of_code(loaded: Loaded) -> _Told:
    if loaded.code is None:
        return {}
    files = loaded.code.files
    return {"remote_code_files": [WeightFile(path=n, size=s, sha256=d) for n, s, d in files]}


def _modalities(config: dict[str, Any]) -> list[str]:
    """What the checkpoint takes in; only what runs its text is measured."""
    return ["text", *(name for key, name in MODALITY_CONFIGS.items() if config.get(key))]


def _active_parameters(model: PreTrainedModel, anatomy: Anatomy, total: int) -> int | None:
    """Parameters without those of experts that a token does not choose; None where those of a
    layer cannot be told apart.
    """
    if set(anatomy.routing_layers) - set(anatomy.experts_per_token):
        return None
    idle = 0
    for layer, name in anatomy.experts.items():
        size = sum(parameter.numel() for parameter in model.get_submodule(name).parameters())
        idle += size - size * anatomy.experts_per_token[layer] // anatomy.num_experts[layer]
    return total - idle


def _named_base(files: WeightFiles) -> str | None:
    """What an adapter names as its base, or a card as what the model was made from."""
    if files.adapter is None:
        return _base_model(files.folder / CARD)
    named = files.adapter.named_base
    if named and "/" in named and _is_hub_id(named):
        return named
    return _base_model(files.adapter.folder / CARD)


def _base_model(card: Path) -> str | None:
    """`base_model` of the card's front matter, when it is one plain id."""
    if not card.is_file() or card.stat().st_size > MOST_CARD_BYTES:
        return None
    found = base_model(card.read_text("utf-8", errors="replace"))
    return found if found and "/" in found and _is_hub_id(found) else None


def _is_hub_id(name: str) -> bool:
    """Whether a report may carry it; cards name all sorts of things."""
    return not any(
        "base_model" in problem.path for problem in problems_of("model", {"base_model": name})
    )
