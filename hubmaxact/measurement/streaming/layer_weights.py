"""The weights of one layer that runs and of the next one, which a thread reads meanwhile.

transformers' own loading code makes them, from the stored tensors of that layer alone. All others
are on the meta device, where a weight is a shape.
"""

from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, NamedTuple, Self, cast

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.conversion_mapping import get_model_conversion_mapping
from transformers.core_model_loading import convert_and_load_state_dict_in_model
from transformers.modeling_utils import LoadStateDictConfig

from hubmaxact.errors import HubmaxactError, IncompleteWeightsError
from hubmaxact.measurement.anatomy.decoder_stack import Stack
from hubmaxact.measurement.checkpoint.lazy_state import one_by_one
from hubmaxact.measurement.failures.memory import ran_out
from hubmaxact.measurement.failures.own_error import reason
from hubmaxact.measurement.streaming.freed_memory import give_back
from hubmaxact.measurement.streaming.placement import Placement
from hubmaxact.printable import printable


class Place(NamedTuple):
    """Where a weight of a layer is, and the shape that stands there while it is not read."""

    name: str
    module: nn.Module
    attribute: str
    shape: Tensor

    @property
    def now(self) -> Tensor:
        """What is there."""
        found: Tensor = getattr(self.module, self.attribute)
        return found


class LayerWeights:
    """Gives each layer its weights when it is called, and takes those of the layer before.

    Args:
        stack: Of a model whose layers are shapes.
        placement: What each of them is loaded from.
        state: Stored tensors by name, of all layers; must stay open.
        dtype: Number format that the model was loaded in.
        device: Where its other weights are.
    """

    def __init__(
        self,
        stack: Stack,
        placement: Placement,
        state: Mapping[str, Any],
        *,
        dtype: torch.dtype,
        device: torch.device,
    ) -> None:
        self.stack, self._placement, self._state = stack, placement, state
        self.device = device
        model: PreTrainedModel = stack.model
        self._config = LoadStateDictConfig(
            ignore_mismatched_sizes=True,  # told by name
            device_map={"": device},
            dtype=dtype,
            dtype_plan=model._get_dtype_plan(dtype),  # noqa: SLF001 as its own loading does
            weight_mapping=cast("Any", get_model_conversion_mapping(model)),
        )
        self._places = [list(_places(model, layer)) for layer in placement.layers]
        self._here: int | None = None
        self._coming: tuple[int, Future[None]] | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="layer")
        self._stream = torch.cuda.Stream(device) if device.type == "cuda" else None

    def __enter__(self) -> Self:
        """Load on demand from now on."""
        self._hooks = [
            layer.register_forward_pre_hook(self._on_call(index))
            for index, layer in enumerate(self.stack.layers)
        ]
        return self

    def __exit__(self, *_: object) -> None:
        """Leave shapes behind, and no thread."""
        for hook in self._hooks:
            hook.remove()
        self.drop_all()
        self._thread.shutdown()

    @property
    def largest(self) -> int:
        """Bytes of the largest layer's weights."""
        return max(
            (sum(each.shape.nbytes for each in places) for places in self._places), default=0
        )

    def have(self, layer: int) -> None:
        """Wait for a layer's weights, let go of the layer before, and begin to read the next one.

        Args:
            layer: Counted from 0.

        Raises:
            HubmaxactError: Its weights are not as they were when the checkpoint was checked.
        """
        if layer == self._here:
            return
        if self._coming is not None and self._coming[0] != layer:
            self.drop_all()
        self._begin(layer)
        assert self._coming is not None
        self._coming[1].result()
        self._coming = None
        self._drop(self._here)
        self._here = layer
        if (following := (layer + 1) % len(self._places)) != layer:
            self._begin(following)

    def drop_all(self) -> None:
        """Let go of every layer."""
        coming, self._coming = self._coming, None
        if coming is not None:
            coming[1].cancel()
            coming[1].exception() if not coming[1].cancelled() else None
            self._drop(coming[0])
        self._drop(self._here)
        self._here = None

    def _on_call(self, layer: int) -> Any:
        def before(*_: object) -> None:
            self.have(layer)

        return before

    def _begin(self, layer: int) -> None:
        if self._coming is None:
            self._coming = layer, self._thread.submit(self._read, layer)

    def _read(self, layer: int) -> None:
        """Load a layer, in the thread."""
        state = {name: self._state[name] for name in self._placement.layers[layer]}
        with one_by_one(), _beside(self._stream), _told(layer):
            info, _ = convert_and_load_state_dict_in_model(self.stack.model, state, self._config)
        self._refuse(
            layer, [*info.conversion_errors, *(str(key[0]) for key in info.mismatched_keys)]
        )
        self._refuse(layer, [each.name for each in self._places[layer] if each.now.is_meta])

    def _refuse(self, layer: int, names: list[str]) -> None:
        if names:
            raise IncompleteWeightsError(
                f"layer {layer} cannot be loaded by itself: {printable(names[0])} does not follow "
                "from its own tensors. Leave out --stream, or save the checkpoint again if its "
                "files changed."
            )

    def _drop(self, layer: int | None) -> None:
        if layer is None:
            return
        if self._stream is not None:  # the memory is given to another stream
            torch.cuda.current_stream(self.device).synchronize()
        for each in self._places[layer]:
            setattr(each.module, each.attribute, each.shape)
        give_back()


@contextmanager
def _told(layer: int) -> Iterator[None]:
    """What cannot be read is a sentence; memory that runs out is left to the caller."""
    try:
        yield
    except HubmaxactError:
        raise
    except Exception as error:  # of many classes: safetensors', the system's
        if ran_out(error):
            raise
        raise IncompleteWeightsError(
            f"the weights of layer {layer} cannot be read any more: {type(error).__name__}: "
            f"{reason(error)}. Their files were sound when the run began; see whether something "
            "changed them meanwhile, and start again."
        ) from error


@contextmanager
def _beside(stream: torch.cuda.Stream | None) -> Iterator[None]:
    """On an accelerator, copies run beside the layer that computes, and are waited for here."""
    if stream is None:
        yield
        return
    with torch.cuda.stream(stream):
        yield
    stream.synchronize()


def _places(model: PreTrainedModel, layer: Mapping[str, tuple[str, ...]]) -> Iterator[Place]:
    for name in dict.fromkeys(target for targets in layer.values() for target in targets):
        owner, _, attribute = name.rpartition(".")
        module = model.get_submodule(owner)
        yield Place(name, module, attribute, getattr(module, attribute))
