"""What the classes of one architecture have beside its layers, each for its task: heads, poolers.

A checkpoint often holds what the class that it names has no place for, or lacks what it has.
"""

import copy
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import torch
import transformers
from transformers import PreTrainedModel, initialization
from transformers.modeling_layers import GradientCheckpointingLayer

TASKS: tuple[Any, ...] = (
    transformers.MODEL_MAPPING,
    transformers.MODEL_FOR_CAUSAL_LM_MAPPING,
    transformers.MODEL_FOR_MASKED_LM_MAPPING,
    transformers.MODEL_FOR_PRETRAINING_MAPPING,
    transformers.MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING,
    transformers.MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING,
    transformers.MODEL_FOR_QUESTION_ANSWERING_MAPPING,
    transformers.MODEL_FOR_MULTIPLE_CHOICE_MAPPING,
    transformers.MODEL_FOR_NEXT_SENTENCE_PREDICTION_MAPPING,
)


class OtherTasks:
    """The classes that transformers has for a model's architecture, built without weights.

    Args:
        model: As transformers loaded it.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        self._model, self._prefix = model, f"{model.base_model_prefix}."

    @cached_property
    def _weights(self) -> list[frozenset[str]]:
        return [frozenset(names) for names in _weights(self._model, self._prefix)]

    def have(self, key: str) -> bool:
        """Whether one of them has a weight of this name; with the base's prefix or without."""
        name = key.removeprefix(self._prefix)
        return any(name in weights for weights in self._weights)

    def optional(self, missing: set[str]) -> dict[str, str]:
        """Which weights that are not there lie in a part of the base that runs behind the layers.

        Args:
            missing: Names of weights.

        Returns:
            By weight the part's name, such as "pooler": one of these classes does without it, and
            no weight of it is there.
        """
        base = self._model.base_model
        tokens = self._model.get_input_embeddings()
        parts = dict[str, str]()
        for name, part in base.named_children():
            inside = set(part.modules())
            runs_layers = any(isinstance(each, GradientCheckpointingLayer) for each in inside)
            keys = {f"{name}.{key}" for key, _ in part.named_parameters()}
            whole = keys <= {key.removeprefix(self._prefix) for key in missing}
            if keys and whole and not runs_layers and tokens not in inside:
                parts |= dict.fromkeys(keys, name)
        found = {key: parts.get(key.removeprefix(self._prefix)) for key in missing}
        return {key: part for key, part in found.items() if part and self._do_without(key)}

    def _do_without(self, key: str) -> bool:
        name = key.removeprefix(self._prefix)
        return any(name not in weights for weights in self._weights)


def _weights(model: PreTrainedModel, prefix: str) -> Iterator[Iterator[str]]:
    """The names of each class's weights, without the prefix of the base."""
    kind = type(model.config)
    classes = {task[kind] for task in TASKS if kind in task}
    for each in (one for found in classes for one in _several(found)):
        try:
            with torch.device("meta"), initialization.no_init_weights():
                built = each(copy.deepcopy(model.config))  # a class may write into it
        except Exception:  # noqa: BLE001, S112 a task that this configuration says too little for
            continue
        yield (name.removeprefix(prefix) for name, _ in built.named_parameters())


def _several(found: Any) -> tuple[Any, ...]:
    return found if isinstance(found, tuple) else (found,)
