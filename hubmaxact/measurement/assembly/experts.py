"""The report's `experts`: routing by layer."""

from collections.abc import Sequence

from hubmaxact.measurement.assembly.sites import Seen
from hubmaxact.measurement.execution.recorder import Recorded
from hubmaxact.report.deployment import ExpertMaxima
from hubmaxact.report.document import ExpertMax, Experts, ExpertTokens
from hubmaxact.report.roles import DEPLOYMENT, Profile


def experts(recorded: Recorded, seen: Seen, profile: Profile) -> list[Experts]:
    """Routing per layer; experts that no token reached are listed."""
    gates = _by_layer(seen, "mlp_gate")
    rows = [
        Experts(
            layer=layer,
            num_experts=len(counts),
            tokens=ExpertTokens(
                least=min(counts), median=sorted(counts)[(len(counts) - 1) // 2], most=max(counts)
            ),
            never_routed=[expert for expert, count in enumerate(counts) if count == 0],
            mlp_gate=_expert_max(gates.get(layer, ())),
        )
        for layer, counts in recorded.routed.items()
    ]
    if profile == DEPLOYMENT:
        given = {site.layer: found.maxima for site, found in recorded.expert_inputs.items()}
        inputs = {**given, **_by_layer(seen, "expert_input")}
        downs = _by_layer(seen, "expert_down_input")
        for row in rows:
            row["input"] = _maxima(inputs.get(row["layer"]))
            row["down_input"] = _maxima(downs.get(row["layer"]))
    return rows


def _by_layer(seen: Seen, role: str) -> dict[int | None, Sequence[float]]:
    """What the sites of a role show of each expert."""
    return {
        site.layer: result.expert_maxima
        for site, result in seen.items()
        if site.role == role and result.expert_maxima is not None
    }


def _maxima(values: Sequence[float] | None) -> ExpertMaxima | None:
    """All of them, -1 where nothing was finite; None where none was watched."""
    if values is None:
        return None
    largest = _expert_max(values)
    return ExpertMaxima(
        abs_max=largest["abs_max"] if largest else None,
        expert=largest["expert"] if largest else None,
        per_expert=[value if value >= 0 else None for value in values],
    )


def _expert_max(maxima: Sequence[float]) -> ExpertMax | None:
    """The largest, and the first expert that has it; None where no gate was watched or finite."""
    largest = max(maxima, default=-1.0)
    return ExpertMax(abs_max=largest, expert=maxima.index(largest)) if largest >= 0 else None
