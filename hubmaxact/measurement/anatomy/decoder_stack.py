"""The stack: the list of layers, the module that runs it, and its residual width."""

import inspect
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import nn
from transformers import PreTrainedModel
from transformers.modeling_layers import GradientCheckpointingLayer

from hubmaxact.errors import UnknownAnatomyError
from hubmaxact.measurement.anatomy import module_traits

TABLE_SIDES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """Where the layers live inside a loaded model."""

    model: PreTrainedModel
    owner: PreTrainedModel  # innermost model that runs the layers, without lm_head
    owner_name: str
    layers: nn.ModuleList
    layers_name: str
    embedding: nn.Embedding
    embedding_name: str
    width: int  # hidden size: channels of the residual stream


def find_stack(model: PreTrainedModel) -> Stack:
    """Find the text decoder or encoder of a model, vision and audio towers left aside.

    Args:
        model: A loaded checkpoint.

    Returns:
        Its layers and embedding, with their dotted names.

    Raises:
        UnknownAnatomyError: It is an encoder-decoder, or does not have one list of layers.
    """
    kind, config = type(model).__name__, model.config.get_text_config(decoder=True)
    if model.config.is_encoder_decoder:
        raise UnknownAnatomyError(
            f"{kind} is an encoder-decoder, and hubmaxact measures decoders and encoders that "
            "stand alone."
        )
    names = {id(module): name for name, module in model.named_modules()}
    count = getattr(config, "num_hidden_layers", None)
    # What some models call their decoder is a head; then the layers are looked for everywhere.
    layers = _layers(model.get_decoder(), count) or _layers(model, count)
    if layers is None:
        raise UnknownAnatomyError(
            f"no list of layers was found in {kind}: every layer must be a "
            "gradient-checkpointing layer, or there must be num_hidden_layers of them. "
            "Report the architecture as an issue."
        )
    layers_name = names[id(layers)]
    owner_name, owner = _owner(model, layers_name)
    _refuse_second_stack(owner, layers)
    _refuse_layers_in_pieces(owner, layers)
    embedding = token_embedding(model)
    return Stack(
        model=model,
        owner=owner,
        owner_name=owner_name,
        layers=layers,
        layers_name=layers_name,
        embedding=embedding,
        embedding_name=names[id(embedding)],
        width=config.hidden_size,
    )


def token_embedding(model: PreTrainedModel) -> nn.Embedding:
    """Return the module that holds a row for each token.

    Args:
        model: A loaded checkpoint.

    Returns:
        Its embedding, of whatever class; its weight is a table.

    Raises:
        UnknownAnatomyError: It has none, as a model of images or sound alone.
    """
    try:
        embedding = model.get_input_embeddings()
    except (NotImplementedError, AttributeError):  # transformers', and of models that lack the part
        embedding = None
    weight = getattr(embedding, "weight", None)
    # Patches of an image are embedded by a convolution, whose weight has four sides.
    if not isinstance(weight, torch.Tensor) or weight.dim() != TABLE_SIDES:
        raise UnknownAnatomyError(
            f"{type(model).__name__} is no model of text: it has no embedding of tokens. "
            "hubmaxact measures decoders and encoders of text."
        )
    return cast("nn.Embedding", embedding)


def _refuse_second_stack(owner: PreTrainedModel, layers: nn.ModuleList) -> None:
    """Layers of the same class in another list would go unseen (HRM has two stacks)."""
    for name, module in owner.named_modules():
        if not isinstance(module, nn.ModuleList) or module is layers or not len(module):
            continue
        if type(module[0]) is type(layers[0]):
            raise UnknownAnatomyError(
                f"{type(owner).__name__} has a second list of layers ({name}), and "
                "hubmaxact measures models of one. Report the architecture as an issue."
            )


def _refuse_layers_in_pieces(owner: PreTrainedModel, layers: nn.ModuleList) -> None:
    """One list of attentions beside one of blocks makes no layers that could be watched (XLM)."""
    if isinstance(layers[0], GradientCheckpointingLayer):
        return
    beside = [
        name
        for name, module in owner.named_children()
        if isinstance(module, nn.ModuleList)
        and len(module) == len(layers)
        and module_traits.has_matrix(module)
    ]
    if len(beside) > 1:
        raise UnknownAnatomyError(
            f"{type(owner).__name__} keeps its layers in pieces ({', '.join(beside)}), and "
            "hubmaxact measures layers that are modules. Report the architecture as an issue."
        )


def run_owner(owner: nn.Module, ids_BL: torch.Tensor) -> Any:
    """Run what runs the layers, without a cache; some encoders know of none.

    Args:
        owner: As in `Stack`.
        ids_BL: Token ids, shape (sequences, tokens).

    Returns:
        What it puts out.
    """
    told = inspect.signature(type(owner).forward).parameters
    takes = "use_cache" in told or any(each.kind is each.VAR_KEYWORD for each in told.values())
    return owner(input_ids=ids_BL, **({"use_cache": False} if takes else {}))


def input_device(embedding: Any) -> torch.device:
    """Where token ids go: the embedding's device, also when accelerate keeps it elsewhere."""
    device: torch.device = embedding.weight.device
    if device.type == "meta":
        return torch.device(embedding._hf_hook.execution_device)  # noqa: SLF001 accelerate's only record of it
    return device


def _layers(decoder: nn.Module, count: int | None) -> nn.ModuleList | None:
    """The largest list (by parameters) that looks like layers."""
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
