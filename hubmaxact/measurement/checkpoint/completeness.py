"""Nothing random may run: what a checkpoint lacks, and what of it is left aside.

transformers only logs missing weights and fills them at random, which gives a plausible, wrong
maximum. Any missing, unexpected or misshapen weight is refused, but for what never runs here: a
head or a pooler, layers for multi-token prediction, and what the architecture itself leaves aside.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, NamedTuple

from transformers import PreTrainedModel

from hubmaxact.errors import IncompleteWeightsError
from hubmaxact.measurement.checkpoint.multi_token_prediction import Prediction, places
from hubmaxact.measurement.checkpoint.other_tasks import OtherTasks
from hubmaxact.measurement.checkpoint.weight_files import WeightFiles
from hubmaxact.printable import counted
from hubmaxact.recognition.safetensors_header import TensorEntry
from hubmaxact.report.model_block import LeftAside
from hubmaxact.scales.caches import is_cache_scale

MOST_PLACES = 8
"""Of those that a report names."""


class Settled(NamedTuple):
    """What a checkpoint has more or less of than runs here."""

    sentences: tuple[str, ...]  # all of it, for people
    left_aside: tuple[LeftAside, ...]  # what it has more of
    no_head: tuple[str, ...]  # weights behind the decoder that it does not hold


def settle(files: WeightFiles, model: PreTrainedModel, info: Mapping[str, Any]) -> Settled:
    """Refuse an incomplete checkpoint, and take out of the model what it lacks and never runs.

    Args:
        files: What `inspect` found sound.
        model: As transformers loaded it.
        info: What transformers says of the loading.

    Returns:
        What was left aside, and what of a head is not there.

    Raises:
        IncompleteWeightsError: Names the first weights.
    """
    others = OtherTasks(model)
    heads = sorted(key for key in info["missing_keys"] if _is_head(model, key))
    optional = others.optional(set(info["missing_keys"]) - set(heads))
    unexpected = {key for key in info["unexpected_keys"] if not _is_buffer(key, files.tensors)}
    prediction = Prediction(files, model)
    extra = {key for key in unexpected if prediction.declares(key) or others.have(key)}
    scales = {key for key in unexpected if files.scaled_cache and is_cache_scale(key)}
    _refuse(
        files,
        {
            **info,
            "missing_keys": set(info["missing_keys"]) - {*heads, *optional},
            "unexpected_keys": unexpected - extra - scales,
        },
    )
    for key in heads:  # whatever runs it after all stumbles, and does not go on with random values
        module, _, name = key.rpartition(".")
        setattr(model.get_submodule(module), name, None)
    for part in set(optional.values()):  # transformers' own way to leave a pooler out
        setattr(model.base_model, part, None)
    heads += sorted(optional)
    aside = tuple(_left_aside(extra | _unused(files, model), prediction))
    return Settled(tuple(_told(files.name, heads, aside)), aside, tuple(heads))


def _left_aside(unused: set[str], prediction: Prediction) -> Iterator[LeftAside]:
    predicting = {key for key in unused if prediction.holds(key)}
    if predicting:
        yield _row("multi_token_prediction", len(predicting), places(predicting))
    if others := sorted(unused - predicting):
        yield _row("unused", len(others), others)


def _row(
    what: Literal["multi_token_prediction", "unused"], tensors: int, named: list[str]
) -> LeftAside:
    return LeftAside(what=what, tensors=tensors, places=named[:MOST_PLACES])


def _told(name: str, heads: list[str], aside: tuple[LeftAside, ...]) -> Iterator[str]:
    if heads:
        yield f"{name} has no {some(heads)}; a head never runs here, so nothing is missing."
    for row in aside:
        tensors, where = counted(row["tensors"], "tensor"), some(row["places"])
        if row["what"] == "unused":
            yield f"{tensors} of {name} ({where}) left aside: its architecture does not use them."
        else:
            yield (
                f"{name} has layers for multi-token prediction ({where}); they are no part of the "
                f"forward pass and were left aside, {tensors}."
            )


def _is_head(model: PreTrainedModel, key: str) -> bool:
    """Whether a weight lies behind the decoder: in what makes logits or scores of its output."""
    head, base = model.get_output_embeddings(), model.base_model
    module = model.get_submodule(key.rpartition(".")[0])
    if head is not None and any(module is part for part in head.modules()):
        return True
    return base is not model and not any(module is part for part in base.modules())


def _unused(files: WeightFiles, model: PreTrainedModel) -> set[str]:
    """Stored tensors that transformers drops without a word, because the class says so."""
    patterns = model._keys_to_ignore_on_load_unexpected or ()  # noqa: SLF001 its only record
    loaded = model.state_dict().keys()
    return {
        key
        for key in files.tensors
        if key not in loaded
        and not _is_buffer(key, files.tensors)
        and any(re.search(pattern, key) for pattern in patterns)
    }


def _refuse(files: WeightFiles, info: Mapping[str, Any]) -> None:
    for key, problem in (
        ("missing_keys", "missing"),
        ("mismatched_keys", "of another shape than the architecture's"),
        ("unexpected_keys", "unknown to the architecture"),
        ("error_msgs", "in error"),
    ):
        if info[key]:
            name = files.name
            weights = counted(len(info[key]), f"weight of {name} is", f"weights of {name} are")
            raise IncompleteWeightsError(
                f"{weights} {problem} "
                f"({some(info[key])}). "
                "Check config.json against the weights, or save the checkpoint again."
            )


def _is_buffer(key: str, tensors: Mapping[str, TensorEntry]) -> bool:
    """Whether it is what older releases of transformers stored beside the weights: a causal mask,
    the value it is filled with, or the frequencies of rotary positions.
    """
    shape = tensors[key].shape if key in tensors else None
    mask = shape is not None and len(shape) == 4 and shape[:2] == (1, 1) and shape[2] == shape[3]
    filled = key.endswith(".masked_bias") and shape in ((), (1,))
    return mask or filled or key.endswith(".inv_freq")


def some(keys: Iterable[Any]) -> str:
    """The first names of several, safe to print.

    Args:
        keys: Names, or tuples that begin with one.

    Returns:
        At most three.
    """
    names = sorted(ascii(key if isinstance(key, str) else key[0])[1:-1][:100] for key in keys)
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
