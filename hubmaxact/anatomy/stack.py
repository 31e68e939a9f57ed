"""The decoder stack: the list of layers, the module that runs it, and its residual width."""

from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import nn
from transformers import PreTrainedModel
from transformers.modeling_layers import GradientCheckpointingLayer

from hubmaxact.errors import UnknownAnatomyError


@dataclass(frozen=True, slots=True)
class Stack:
    """Where the decoder lives inside a loaded model."""

    owner: PreTrainedModel  # innermost model that runs the layers, without lm_head
    owner_name: str
    layers: nn.ModuleList
    layers_name: str
    embedding: nn.Embedding
    embedding_name: str
    width: int  # hidden size: channels of the residual stream


def find_stack(model: PreTrainedModel) -> Stack:
    """Find the text decoder of a model, vision and audio towers left aside.

    Raises:
        UnknownAnatomyError: no list of decoder layers is there.
    """
    config = model.config.get_text_config(decoder=True)
    names = {id(module): name for name, module in model.named_modules()}
    decoder = model.get_decoder()
    layers = _layers(decoder, getattr(config, "num_hidden_layers", None))
    if layers is None:
        raise UnknownAnatomyError(
            f"no list of decoder layers was found in {type(model).__name__}: every layer must be a "
            "gradient-checkpointing layer, or there must be num_hidden_layers of them. "
            "Report the architecture as an issue."
        )
    layers_name = names[id(layers)]
    owner_name, owner = _owner(model, layers_name)
    embedding = cast("nn.Embedding", model.get_input_embeddings())
    return Stack(
        owner, owner_name, layers, layers_name, embedding, names[id(embedding)], config.hidden_size
    )


def input_device(embedding: Any) -> torch.device:
    """Where token ids go: the embedding's device, also when accelerate keeps it elsewhere."""
    device: torch.device = embedding.weight.device
    if device.type == "meta":
        return torch.device(embedding._hf_hook.execution_device)  # noqa: SLF001 accelerate's only record of it
    return device


def _layers(decoder: nn.Module, count: int | None) -> nn.ModuleList | None:
    """The largest list (by parameters) that looks like decoder layers."""
    candidates = [
        module
        for module in decoder.modules()
        if isinstance(module, nn.ModuleList)
        and len(module) > 0
        and (
            len(module) == count
            or all(isinstance(layer, GradientCheckpointingLayer) for layer in module)
        )
    ]
    if not candidates:
        return None
    return max(candidates, key=lambda layers: sum(p.numel() for p in layers.parameters()))


def _owner(model: PreTrainedModel, layers_name: str) -> tuple[str, PreTrainedModel]:
    """The innermost PreTrainedModel on the way to the layers."""
    name, owner = "", model
    parts = layers_name.split(".")
    for depth in range(1, len(parts)):
        module = model.get_submodule(".".join(parts[:depth]))
        if isinstance(module, PreTrainedModel):
            name, owner = ".".join(parts[:depth]), module
    return name, owner
