"""Rules about the checkpoint: its files, its parameters, where it came from."""

from collections.abc import Iterator, Sequence

from hubmaxact.printable import shown
from hubmaxact.report.consistency.predicates import told
from hubmaxact.report.document import Report
from hubmaxact.report.model_block import Model, WeightFile, every_weight_file
from hubmaxact.report.problem import Problem

SUFFIX = ".safetensors"

PARAMETERS_PER_BYTE = 2
"""No stored number that hubmaxact loads is narrower than 4 bits."""


def files_are_weights(report: Report) -> Iterator[Problem]:
    """Weights are safetensors files, each named once, and none is empty."""
    model = report["model"]
    yield from _are_weights("model.weight_files", model["weight_files"])
    if (base := model.get("adapter_base")) is not None:
        yield from _are_weights("model.adapter_base.weight_files", base["weight_files"])


def _are_weights(where: str, files: Sequence[WeightFile]) -> Iterator[Problem]:
    first: dict[str, int] = {}
    for position, file in enumerate(files):
        path, name = f"{where}[{position}]", file["path"]
        if not name.endswith(SUFFIX):
            message = f"is {shown(name)}, but only {SUFFIX} files are loaded"
            yield Problem(f"{path}.path", message)
        if name in first:
            earlier = f"{where}[{first[name]}]"
            yield Problem(f"{path}.path", f"is {shown(name)}, and so is {earlier}")
        if not file["size"]:
            yield Problem(f"{path}.size", "is 0, but an empty file holds no weights")
        first.setdefault(name, position)


def parameters_nest(report: Report) -> Iterator[Problem]:
    """Active parameters are among the parameters, and the files, a base's too, could hold those."""
    active, total = report["model"]["num_active_parameters"], report["model"]["num_parameters"]
    if (active or 0) > total:
        message = f"is {active}, but num_parameters is {total}"
        yield Problem("model.num_active_parameters", message)
    size = sum(file["size"] for file in every_weight_file(report["model"]))
    if total > size * PARAMETERS_PER_BYTE:
        held = told(size, "byte")
        message = f"is {total}, but the weight files have {held}, too few even at 4 bits each"
        yield Problem("model.num_parameters", message)


def provenance_agrees(report: Report) -> Iterator[Problem]:
    """A commit belongs to a repository, and what was dequantized was quantized."""
    model = report["model"]
    if model["commit"] is not None and model["id"] is None:
        yield Problem("model.id", f"is null, but commit is {model['commit']}")
    if model["dequantized"] and model["weights_quantization"] is None:
        yield Problem("model.weights_quantization", "is null, but dequantized is true")
    if (base := model.get("adapter_base")) is not None and base["commit"] and base["id"] is None:
        yield Problem("model.adapter_base.id", f"is null, but commit is {base['commit']}")
    yield from _expanded(model)
    yield from _own_code(model)


def _expanded(model: Model) -> Iterator[Problem]:
    if model["dequantized"] and "dequantized_by" in model and "stored_weights" not in model:
        yield Problem("model.stored_weights", "is left out, but weights were expanded here")
    for name in ("dequantized_by", "stored_weights"):
        if name in model and not model["dequantized"]:
            yield Problem(f"model.{name}", "is there, but dequantized is false")


def _own_code(model: Model) -> Iterator[Problem]:
    """Code that was run is named, and lies in a repository at a commit."""
    if not model["remote_code"]:
        if "remote_code_files" in model:
            yield Problem("model.remote_code_files", "is there, but remote_code is false")
        return
    if "remote_code_files" not in model:
        yield Problem("model.remote_code_files", "is left out, but remote_code is true")
    if model["commit"] is None:
        yield Problem("model.commit", "is null, but remote_code is true")
