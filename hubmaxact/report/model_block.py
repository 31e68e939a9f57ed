"""The report's `model` block as types: which weights were measured, and what was done to them."""

from typing import Literal, NotRequired, TypedDict


class WeightFile(TypedDict):
    """One weight file, by the digest the Hub also knows."""

    path: str
    size: int
    sha256: str


class StoredWays(TypedDict):
    """How many weights are stored in one way."""

    storage: str
    weights: int


class ActivationScales(TypedDict):
    """How many shipped scales of activations go by one name."""

    name: str
    tensors: int


class LeftAside(TypedDict):
    """Stored tensors that are no part of the forward pass."""

    what: Literal["multi_token_prediction", "unused"]
    tensors: int
    places: list[str]


class AdapterBase(TypedDict):
    """The model that an adapter was merged into."""

    id: str | None
    revision: str | None
    commit: str | None
    weight_files: list[WeightFile]


class Model(TypedDict):
    """Which weights were measured."""

    id: str | None
    revision: str | None
    commit: str | None
    weight_files: list[WeightFile]
    model_type: str
    family: str | None
    architecture: Literal["dense", "moe"]
    stage: str | None
    base_model: str | None
    tokens_trained: int | None
    modalities: list[str] | None
    num_parameters: int
    num_active_parameters: int | None
    num_layers: int
    hidden_size: int
    weights_dtype: str
    weights_quantization: str | None
    dequantized: bool
    dequantized_by: NotRequired[Literal["hubmaxact"]]
    stored_weights: NotRequired[list[StoredWays]]
    activation_scales: NotRequired[list[ActivationScales]]
    left_aside: NotRequired[list[LeftAside]]
    adapter_base: NotRequired[AdapterBase]
    bidirectional: NotRequired[Literal[True]]
    remote_code: bool
    remote_code_files: NotRequired[list[WeightFile]]


def every_weight_file(model: Model) -> list[WeightFile]:
    """Return all weight files that were loaded: those of the checkpoint, and of an adapter's base.

    Args:
        model: The block.

    Returns:
        Entries, the checkpoint's own first; paths of the two may be the same.
    """
    base = model.get("adapter_base")
    return [*model["weight_files"], *(base["weight_files"] if base is not None else ())]
