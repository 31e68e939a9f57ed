"""What transformers declares about a model: which classes are its attentions and its routers.

What it does not declare, and no structure tells, stands here as a table.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from torch import nn
from transformers import PreTrainedModel
from transformers.utils.output_capturing import OutputRecorder

CHANNEL_BLOCKS = {"RwkvFeedForward": "receptance"}
"""Channel blocks that ask for a state, as only token mixers do elsewhere, by class; and the map of
theirs that puts out what the gate's sigmoid is applied to.
"""


@dataclass(frozen=True, slots=True)
class Record:
    """One declared hook point: modules of a class, and which element of their output."""

    target: type[nn.Module] | None
    class_name: str | None  # a suffix of the dotted name, where the class is not given
    layer_name: str | None
    index: int

    def matches(self, name: str, module: nn.Module) -> bool:
        """Whether the module at this dotted name is meant."""
        of_class = self.target is not None and isinstance(module, self.target)
        if not of_class and not (self.class_name and name.endswith(self.class_name)):
            return False
        return self.layer_name is None or f".{self.layer_name.strip('.')}." in f".{name}."


def declared(model: PreTrainedModel, key: str) -> tuple[Record, ...]:
    """The records of `_can_record_outputs[key]`; empty when the model declares none."""
    found = (model.can_record_outputs or {}).get(key, ())
    specifications = found if isinstance(found, list | tuple) else (found,)
    return tuple(_records(specifications))


def _records(specifications: object) -> Iterator[Record]:
    for specification in specifications:  # type: ignore[attr-defined]  # any of three forms
        if isinstance(specification, OutputRecorder):
            yield Record(
                specification.target_class,
                specification.class_name,
                specification.layer_name,
                specification.index,
            )
        elif isinstance(specification, str):
            yield Record(None, specification, None, 1)
        else:
            # transformers reads index 1 of a bare class: (output, attention weights or logits).
            yield Record(specification, None, None, 1)


def num_experts_of(config: object) -> int | None:
    """Routed experts per layer as the configuration spells it, or None for a dense model."""
    spellings = ("num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts")
    values = (getattr(config, spelling, None) for spelling in spellings)
    return next((value for value in values if isinstance(value, int) and value > 0), None)
