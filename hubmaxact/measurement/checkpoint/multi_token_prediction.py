"""Layers for multi-token prediction: stored behind the last layer or apart, and never run here.

How many there are stands in the configuration, under one of many names; where they lie is one of
two layouts: further places in the list of layers (DeepSeek-V3, GLM-4.5), or under a name of their
own (`mtp.*`, `model.mtp.*`, `model.mtp_block.*`: Qwen3-Next, LongCat, MiMo, ERNIE 4.5).
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from transformers import PreTrainedModel

from hubmaxact.measurement.checkpoint.weight_files import WeightFiles

PREDICTION = r"(mtp|next_?n|multi_?token)"
NUMBER = re.compile(
    rf"{PREDICTION}\w*(layers|modules|depth)$|(^|_)n(um)?_{PREDICTION}\w*$", re.IGNORECASE
)
"""`num_nextn_predict_layers`, `mtp_num_hidden_layers`, `num_mtp_modules`, `mtp_config.num_layers`.
A nested name is joined to those around it.
"""

APART = re.compile(rf"(^|\.){PREDICTION}\w*(?=\.)", re.IGNORECASE)
"""Part of a tensor's name that only such layers have."""

IN_LIST = re.compile(r"(?P<list>.*?)\.(?P<index>\d{1,6})\.")
"""The outermost list that a tensor lies in, and its place there."""


class Prediction:
    """Which tensors of a checkpoint are layers for multi-token prediction.

    Args:
        files: What `inspect` found sound.
        model: As transformers loaded it.
    """

    def __init__(self, files: WeightFiles, model: PreTrainedModel) -> None:
        text = model.config.get_text_config(decoder=True)
        self.count = int(getattr(text, "num_hidden_layers", 0) or 0)
        self.number = max(_declared(files.config, ""), default=0)
        names = (*files.tensors, *model.state_dict())
        places = {place for name in names if (place := _place(name))}
        self.lists = {where for where, index in places if index == self.count - 1}

    def holds(self, name: str) -> bool:
        """Whether a tensor's name is one of such a layer's, declared or not."""
        place = _place(name)
        return bool(APART.search(name)) or (
            place is not None and place[0] in self.lists and place[1] >= self.count
        )

    def declares(self, name: str) -> bool:
        """Whether config.json says that there is such a layer."""
        if not self.holds(name):
            return False
        place = None if APART.search(name) else _place(name)
        return self.number > (0 if place is None else place[1] - self.count)


def places(names: Iterable[str]) -> list[str]:
    """Where layers lie, each named once.

    Args:
        names: Of tensors that `Prediction` holds.

    Returns:
        Such as "model.layers.8" and "mtp", sorted.
    """
    return sorted({_where(name) for name in names})


def _where(name: str) -> str:
    if apart := APART.search(name):
        return name[: apart.end()]
    place = _place(name)
    assert place is not None
    return f"{place[0]}.{place[1]}"


def _place(name: str) -> tuple[str, int] | None:
    found = IN_LIST.match(name)
    return None if found is None else (found["list"], int(found["index"]))


def _declared(config: dict[str, Any], around: str) -> Iterator[int]:
    """Every number of such layers in a configuration and those inside it."""
    for key, value in config.items():
        name = f"{around}_{key}" if around else key
        if isinstance(value, dict):
            yield from _declared(value, name)
        elif type(value) is int and NUMBER.search(name):
            yield value
