"""Loading a checkpoint whose layers stay in their files until each has its turn."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, Self

import torch
from torch import Tensor
from transformers import modeling_utils

from hubmaxact.errors import HubmaxactError, OptionsError
from hubmaxact.measurement.anatomy.decoder_stack import Stack, find_stack, input_device
from hubmaxact.measurement.checkpoint.asked_size import build, refuse_oversized
from hubmaxact.measurement.checkpoint.load import (
    DTYPES,
    Loaded,
    OnTokenizer,
    load,
    opened_state,
    silence_transformers,
)
from hubmaxact.measurement.checkpoint.not_built import not_built
from hubmaxact.measurement.checkpoint.own_code import model_class
from hubmaxact.measurement.checkpoint.transformers_log import transformers_log
from hubmaxact.measurement.checkpoint.weight_files import WeightFiles
from hubmaxact.measurement.streaming.layer_weights import LayerWeights
from hubmaxact.measurement.streaming.out_of_turn import refuse_out_of_turn
from hubmaxact.measurement.streaming.placement import place
from hubmaxact.measurement.streaming.refusal import refuse_by_config
from hubmaxact.recognition.own_code import OwnCode


class StandIn:
    """A weight that is not read: where it would be placed, its shape is.

    Args:
        shape: As its file says.
    """

    def __init__(self, shape: list[int]) -> None:
        self._shape = shape

    def __getitem__(self, _: Any) -> Self:
        """Return all of it; its number format is told next."""
        return self

    def to(self, device: Any = None, dtype: torch.dtype | None = None) -> Tensor:  # noqa: ARG002 transformers'
        """Make a tensor of that shape without values.

        Args:
            device: Where another weight would be placed.
            dtype: Number format.

        Returns:
            It, on the meta device.
        """
        return torch.empty(self._shape, dtype=dtype, device="meta")


class Streamed(NamedTuple):
    """A model whose layers load when they are called."""

    loaded: Loaded
    weights: LayerWeights


@contextmanager
def load_streamed(
    files: WeightFiles,
    *,
    dtype: str = "auto",
    device: str = "auto",
    attn_implementation: str | None = None,
    code: OwnCode | None = None,
    on_tokenizer: OnTokenizer | None = None,
) -> Iterator[Streamed]:
    """Load a model without its layers, and its tokenizer.

    Every name and shape is checked as ever: what is refused of a loaded model is refused here.

    Args:
        files: What `inspect` found sound.
        dtype: As `load`.
        device: As `load`.
        attn_implementation: As `load`.
        code: As `load`; none may be.
        on_tokenizer: As `load`.

    Yields:
        The model: while the block runs, each layer has its weights whenever it is called.

    Raises:
        HubmaxactError: As `load`.
        OptionsError: The model cannot be streamed; the sentence says why.
    """
    if code is not None:
        raise OptionsError(
            "stream loads one layer at a time, which is not tried with a checkpoint's own code. "
            "Leave out --stream or --trust-remote-code."
        )
    silence_transformers()
    with opened_state(files, mapped=False) as state:
        placement = place(_shapes(files, attn_implementation), state)
        stand_ins = {name: StandIn(state[name].get_shape()) for name in placement.left_out}
        with _no_room_set_aside():
            loaded = load(
                files,
                dtype=dtype,
                device=device,
                attn_implementation=attn_implementation,
                state={**state, **stand_ins},
                on_tokenizer=on_tokenizer,
            )
        stack = find_stack(loaded.model)
        with LayerWeights(
            stack,
            placement,
            state,
            dtype=DTYPES[loaded.dtype],
            device=input_device(stack.embedding),
        ) as weights:
            refuse_out_of_turn(stack, weights)
            yield Streamed(loaded, weights)


@contextmanager
def _no_room_set_aside() -> Iterator[None]:
    """Transformers takes room on a GPU for all weights before it loads them: most never come."""
    before = modeling_utils.caching_allocator_warmup
    modeling_utils.caching_allocator_warmup = lambda *_: None
    try:
        yield
    finally:
        modeling_utils.caching_allocator_warmup = before


def _shapes(files: WeightFiles, attn_implementation: str | None) -> Stack:
    """The decoder as it is built before it has weights."""
    chosen = model_class(files.folder, files.config)
    with transformers_log():
        try:
            refuse_oversized(files, chosen, attn_implementation)
            with torch.device("meta"):
                model = build(files, chosen, {"attn_implementation": attn_implementation}).eval()
        except HubmaxactError:
            raise
        except Exception as error:  # a damaged configuration shows as whatever it breaks first
            raise not_built(files, error) from error
    refuse_by_config(model)
    return find_stack(model)
