"""Fused experts in a report, where engines and quantizers know a module for each expert.

A report names a fused weight by its parameter, such as `model.layers.0.mlp.experts.gate_up_proj`;
files name `model.layers.0.mlp.experts.3.gate_proj`, or the experts as a whole.
"""

from collections.abc import Iterator

from hubmaxact.engine_files.request import NotExportableError
from hubmaxact.printable import printable
from hubmaxact.report.document import Experts, Report
from hubmaxact.scales.expert_maps import EXPERT_MAPS, ExpertMap

EXPERTS = "experts"


def experts_of(module: str) -> str | None:
    """Return the module that holds all experts of a layer, where this is a weight of theirs."""
    parent, _, _ = module.rpartition(".")
    return parent if parent.rpartition(".")[2] == EXPERTS else None


def inside_experts(name: str) -> tuple[str, str]:
    """Take a name apart where the module that holds a layer's experts ends.

    Args:
        name: Full name of a module, or of a weight.

    Returns:
        The experts, and what follows; twice nothing where the name is of no expert's.
    """
    before, found, inside = name.partition(f".{EXPERTS}.")
    return (f"{before}.{EXPERTS}", inside) if found else ("", "")


def fused(module: str) -> ExpertMap:
    """Return what is known of a fused weight.

    Args:
        module: Full name of the weight.

    Returns:
        A row of EXPERT_MAPS.

    Raises:
        NotExportableError: Its last name is another.
    """
    name = module.rpartition(".")[2]
    if name not in EXPERT_MAPS:
        raise NotExportableError(
            f"{printable(module)} is a weight of fused experts, and which maps of one expert it "
            f"stands for is known for {', '.join(EXPERT_MAPS)} only."
        )
    return EXPERT_MAPS[name]


def expert_maxima(report: Report, layer: int, module: str) -> list[float]:
    """Return the largest |x| that each expert reads through a fused weight.

    Args:
        report: Of profile deployment.
        layer: Decoder layer.
        module: Full name of the weight.

    Returns:
        As many as there are experts. Those that no token reached, and all of them where the report
        has no room for each, have the layer's largest, which engines take for all experts anyway.

    Raises:
        NotExportableError: The experts' inputs were not measured.
    """
    reads = fused(module).reads
    for row in _rows(report, layer):
        maxima = row.get(reads)
        if maxima is not None and maxima["abs_max"] is not None:
            whole = maxima["abs_max"]
            each = maxima["per_expert"] or [None] * row["num_experts"]
            return [whole if value is None else value for value in each]
    raise NotExportableError(
        f"the report holds no largest input of each expert (experts[].{reads}) for "
        f"{printable(module)}."
    )


def num_experts(report: Report, layer: int) -> int:
    """Return how many routed experts a layer has.

    Args:
        report: Of a model with experts.
        layer: Decoder layer.

    Returns:
        As the report says.

    Raises:
        NotExportableError: It says of none.
    """
    for row in _rows(report, layer):
        return row["num_experts"]
    raise NotExportableError(f"the report tells of no experts in layer {layer}.")


def _rows(report: Report, layer: int) -> Iterator[Experts]:
    return (row for row in report["experts"] if row["layer"] == layer)
