"""Maps inside an expert: what each reads and what else files call it, in one table for all."""

from typing import Literal, NamedTuple

Reads = Literal["input", "down_input"]
"""The field of a report's `experts` that tells it."""


class ExpertMap(NamedTuple):
    """One weight of an expert, or of all experts of a layer."""

    reads: Reads
    maps: tuple[str, ...]  # of one expert, that it stands for
    in_files: str  # its other name there: of Mixtral, MiniMax, PhiMoE and LFM2


EXPERT_MAPS = {
    "gate_up_proj": ExpertMap("input", ("gate_proj", "up_proj"), "w13"),
    "gate_proj": ExpertMap("input", ("gate_proj",), "w1"),
    "up_proj": ExpertMap("input", ("up_proj",), "w3"),
    "down_proj": ExpertMap("down_input", ("down_proj",), "w2"),
}
"""By the last name that a weight has in memory."""

READ_BY = {name: row.reads for key, row in EXPERT_MAPS.items() for name in (key, row.in_files)}
"""The same by every name."""

OF_ONE_EXPERT = tuple(key for key, row in EXPERT_MAPS.items() if row.maps == (key,))
"""Those that are no two maps in one."""
