"""SmoothQuant's `act_scales`: the largest |x| of every channel that a linear map reads.

Its scripts read a dict of float32 tensors by the names that modules have in transformers.
"""

import json
from collections.abc import Iterator, Sequence

from hubmaxact.engine_files.expert_modules import experts_of, fused
from hubmaxact.engine_files.measured_maxima import linear_inputs
from hubmaxact.engine_files.request import Choices, FileContent, Measured
from hubmaxact.engine_files.torch_archive import encoded
from hubmaxact.printable import counted
from hubmaxact.report.deployment import LinearInput

HEAD_NOTE = (
    "lm_head is not among them: what it reads is not measured, and SmoothQuant does not smooth it."
)

ROUTERS = {"mixtral": ("mlp.experts", "block_sparse_moe.gate")}
"""Model type -> its experts in a layer, and the router that SmoothQuant reads in their place.

Router and experts read one tensor, all of its tokens (`MixtralSparseMoeBlock`); `smooth_lm` takes
the router's scales for the experts; it has a branch for no other model with experts.
"""


def make(measured: Measured, choices: Choices) -> FileContent:  # noqa: ARG001 it has none
    """Return the tensors as `torch.load` reads them.

    Args:
        measured: A report of profile deployment, with what lies beside it.
        choices: None are taken.

    Returns:
        The file; maps that read one tensor have equal numbers.

    Raises:
        NotExportableError: The inputs were not measured or not finite.
        SidecarError: The channels are not there, or are not those of the report.
    """
    rows, channels = linear_inputs(measured.report), measured.channels()
    model_type = measured.report["model"]["model_type"]
    scales, experts = dict[str, Sequence[float]](), 0
    for row in rows:
        maxima = channels.abs_max(row)
        scales |= dict.fromkeys(_names(row, model_type), maxima)
        experts += sum(experts_of(module) is not None for module in row["modules"])
    origin = json.dumps(measured.origin.as_json()).encode("ascii")
    notes = (HEAD_NOTE, *_left_out(experts, model_type))
    return FileContent(encoded(scales, {"made_by.json": origin}), notes)


def _names(row: LinearInput, model_type: str) -> Iterator[str]:
    """Linear maps that read a tensor, and the router that does."""
    inside, router = ROUTERS.get(model_type, ("", ""))
    for module in row["modules"]:
        experts = experts_of(module)
        if experts is None:
            yield module
        elif router and experts.endswith(f".{inside}") and fused(module).reads == "input":
            yield f"{experts.removesuffix(inside)}{router}"


def _left_out(experts: int, model_type: str) -> tuple[str, ...]:
    """What is missing of experts, and what a script does about it."""
    if not experts:
        return ()
    note = f"{counted(experts, 'fused weight')} of experts left out: " + (
        f"SmoothQuant smooths experts by what {ROUTERS[model_type][1]} reads, which is there, and "
        "leaves what their last maps read as it is."
        if model_type in ROUTERS
        else "of models with experts, SmoothQuant's own script knows Mixtral alone, and smooths "
        "nothing of this one. A fork that looks for routers or experts finds no scale of theirs."
    )
    return (note,)
