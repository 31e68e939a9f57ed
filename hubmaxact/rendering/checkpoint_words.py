"""What was done to a checkpoint before it ran, and what of it did not run, as facts in words."""

from collections.abc import Callable, Iterator

from hubmaxact.formats import SHORT_NAMES
from hubmaxact.rendering import numbers
from hubmaxact.rendering.words import Name
from hubmaxact.report.document import Report
from hubmaxact.report.model_block import LeftAside

Fact = tuple[str, str]
"""A heading, and what is said under it, without a full stop."""

MOST_NAMED = 3

NOT_RUN = {
    "multi_token_prediction": "layers for multi-token prediction",
    "unused": "what the architecture does not use",
}
GRANULARITIES = {"per_tensor": "per tensor", "per_token": "per token"}
BLOCK = "block_"
POLICIES = {"stored": "by the scales that it ships", "dynamic": "by scales of their own"}


def facts(report: Report, name: Name) -> Iterator[Fact]:
    """Tell what is not so of an ordinary release; of an ordinary one nothing.

    Args:
        report: Of any profile and version.
        name: Makes a name safe where it will be shown.

    Yields:
        In the order of importance.
    """
    for told in FACTS:
        if (found := told(report, name)) is not None:
            yield found


def _simulated(report: Report, name: Name) -> Fact | None:
    rows = report["protocol"].get("simulated_activations")
    if rows is None:
        return None
    said = [
        f"inputs of {numbers.count(row['maps'], 'linear map')} to {name(row['format'])} "
        f"{_granularity(row['granularity'], name)}, {POLICIES[row['policy']]}"
        for row in rows
    ]
    return "Activations rounded as served, simulated", "; ".join(said)


def _granularity(found: str, name: Name) -> str:
    if found.startswith(BLOCK):
        return f"in blocks of {name(found.removeprefix(BLOCK))}"
    return GRANULARITIES.get(found) or name(found)


def _dequantized(report: Report, name: Name) -> Fact | None:
    model = report["model"]
    method = model["weights_quantization"]
    if not model["dequantized"] or method is None:
        return None
    said = f"weights dequantized, activations in {SHORT_NAMES[report['protocol']['dtype']]}"
    stored = ", ".join(
        f"{numbers.count(row['weights'], 'weight')} as {name(row['storage'])}"
        for row in model.get("stored_weights", ())
    )
    said += f"; {name(method)}{f': {stored}, expanded in float32, rounded once' if stored else ''}"
    aside = ", ".join(
        f"{row['tensors']:,} {name(row['name'])}" for row in model.get("activation_scales", ())
    )
    is_used = "simulated_activations" in report["protocol"]
    head = "shipped scales of activations" if is_used else "shipped scales set aside"
    return "Weights", said + (f"; {head}: {aside}" if aside else "")


def _adapter(report: Report, name: Name) -> Fact | None:
    base = report["model"].get("adapter_base")
    if base is None:
        return None
    where = name(base["id"]) if base["id"] else "a model in a local folder"
    commit = f" at {name(base['commit'][:12])}" if base["commit"] else ""
    return "Adapter", f"LoRA adapter merged into {where}{commit}, in float32, rounded once"


def _encoder(report: Report, _: Name) -> Fact | None:
    if "bidirectional" not in report["model"]:
        return None
    return (
        "Model",
        "encoder (bidirectional): a token attends to all of its text; nothing was padded",
    )


def _own_code(report: Report, name: Name) -> Fact | None:
    model = report["model"]
    if not model["remote_code"]:
        return None
    files = [file["path"] for file in model.get("remote_code_files", ())]
    commit = f" at {name(model['commit'][:12])}" if model["commit"] else ""
    return "Own code", f"measured with the checkpoint's own code{commit} ({_some(files, name)})"


def _left_aside(report: Report, name: Name) -> Fact | None:
    rows = report["model"].get("left_aside")
    return None if rows is None else ("Not measured", "; ".join(_aside(row, name) for row in rows))


def _aside(row: LeftAside, name: Name) -> str:
    tensors = numbers.count(row["tensors"], "tensor")
    return f"{NOT_RUN[row['what']]} ({tensors}: {_some(row['places'], name)})"


def _some(found: list[str], name: Name) -> str:
    """The first names of several."""
    more = ", ..." if len(found) > MOST_NAMED else ""
    return ", ".join(name(each) for each in found[:MOST_NAMED]) + more


FACTS: tuple[Callable[[Report, Name], Fact | None], ...] = (
    _simulated,
    _dequantized,
    _adapter,
    _encoder,
    _own_code,
    _left_aside,
)
