"""The report's `experts`: routing by layer."""

from collections.abc import Sequence

from hubmaxact.measurement.execution.recorder import Recorded
from hubmaxact.report.document import ExpertMax, Experts, ExpertTokens


def experts(recorded: Recorded) -> list[Experts]:
    """Routing per layer; experts that no token reached are listed."""
    maxima = {
        site.layer: result.expert_maxima
        for site, result in recorded.sites.items()
        if result.expert_maxima is not None
    }
    return [
        Experts(
            layer=layer,
            num_experts=len(counts),
            tokens=ExpertTokens(
                least=min(counts), median=sorted(counts)[(len(counts) - 1) // 2], most=max(counts)
            ),
            never_routed=[expert for expert, count in enumerate(counts) if count == 0],
            mlp_gate=_expert_max(maxima.get(layer, ())),
        )
        for layer, counts in recorded.routed.items()
    ]


def _expert_max(maxima: Sequence[float]) -> ExpertMax | None:
    """The largest, and the first expert that has it; None where no gate was watched or finite."""
    largest = max(maxima, default=-1.0)
    return ExpertMax(abs_max=largest, expert=maxima.index(largest)) if largest >= 0 else None
