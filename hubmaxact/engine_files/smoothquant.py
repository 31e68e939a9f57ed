"""SmoothQuant's `act_scales`: the largest |x| of every channel that a linear map reads.

Its scripts read a dict of float32 tensors by the names that modules have in transformers.
"""

import json

from hubmaxact.engine_files.expert_modules import experts_of
from hubmaxact.engine_files.measured_maxima import linear_inputs
from hubmaxact.engine_files.request import Choices, FileContent, Measured
from hubmaxact.engine_files.torch_archive import encoded
from hubmaxact.printable import counted

HEAD_NOTE = (
    "lm_head is not among them: what it reads is not measured, and SmoothQuant does not smooth it."
)


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
    scales, experts = {}, []
    for row in rows:
        maxima = channels.abs_max(row)
        for module in row["modules"]:
            if experts_of(module) is None:
                scales[module] = maxima
            else:
                experts.append(module)
    origin = json.dumps(measured.origin.as_json()).encode("ascii")
    return FileContent(encoded(scales, {"made_by.json": origin}), (HEAD_NOTE, *_left_out(experts)))


def _left_out(experts: list[str]) -> tuple[str, ...]:
    if not experts:
        return ()
    weights = counted(len(experts), "fused weight")
    return (f"{weights} of experts left out: SmoothQuant knows them as linear maps only.",)
