"""The whole report, block by block, in the order of the document."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypedDict

import torch

from hubmaxact.measurement.anatomy.site import Anatomy
from hubmaxact.measurement.assembly import (
    by_domain,
    coverage,
    deployment,
    experts,
    headroom,
    maxima,
    quantization,
    sidecars,
    sites,
    stability,
)
from hubmaxact.measurement.assembly.certainty.by_position import maxima_by_position
from hubmaxact.measurement.assembly.certainty.by_text import maxima_by_text
from hubmaxact.measurement.assembly.end_to_end import end_to_end
from hubmaxact.measurement.assembly.pooled import pooled
from hubmaxact.measurement.assembly.room import fitted
from hubmaxact.measurement.assembly.rounded_tensors import rounded_tensors
from hubmaxact.measurement.end_to_end.passes import Losses
from hubmaxact.measurement.execution.forward import Measurement
from hubmaxact.measurement.execution.head_recorder import RecordedHeads
from hubmaxact.measurement.execution.recorder import Recorder
from hubmaxact.measurement.run_facts import RunFacts
from hubmaxact.report.deployment import KeysAndValues, LinearInput, Sidecar, SidecarName
from hubmaxact.report.derived import EndToEnd
from hubmaxact.report.document import Protocol, Report, oldest_version
from hubmaxact.report.excess import tell_excesses
from hubmaxact.report.roles import DEPLOYMENT, ROLE_BY_NAME, Profile
from hubmaxact.report.watched_rows import WatchedRow, watched_rows


@dataclass(frozen=True, slots=True)
class Measured:
    """All that a measurement gives.

    Attributes:
        report: The report.
        sidecars: Contents, by file name, of the files that lie beside it; the report tells their
            digests. None under profile paper.
    """

    report: Report
    sidecars: Mapping[SidecarName, bytes]


def assemble(facts: RunFacts, recorder: Recorder, losses: Losses | None = None) -> Measured:
    """Turn what a run has seen into a report.

    Args:
        facts: The run.
        recorder: All that was seen of it.
        losses: What further passes with rounding showed; None: there were none.

    Returns:
        The report, and what lies beside it.
    """
    recorded, told = recorder.result(), _protocol(facts, recorder)
    measurement = Measurement(facts.anatomy, facts.plan, recorder)
    profile, domains = told["profile"], facts.domains
    seen = sites.under_each_role(recorded, facts.anatomy)
    peak = maxima.global_max(seen, facts.plan)
    shortage = quantization.shortage_of(
        len(domains),
        calibration=told["calibration_samples"],
        evaluation=told["evaluation_samples"],
    )
    report = Report(
        schema_version=oldest_version(facts.model, told),
        model=facts.model,
        protocol=told,
        environment=facts.environment,
        status="complete",
        coverage=coverage.coverage(measurement, profile),
        global_max=peak,
        max_by_role=maxima.max_by_role(seen),
        sites=sites.site_rows(seen),
        **_deployed(seen, recorded.heads, facts.anatomy, profile),
        experts=experts.experts(recorded, seen, profile),
        domains=by_domain.domain_maxima(domains, recorded.sample_maxima),
        dtype_headroom={},
        quantization=quantization.quantization(recorder.sites, peak, shortage=shortage),
        **_run_again(losses),
        stability=stability.stability(domains, recorded.sample_maxima),
    )
    if profile == DEPLOYMENT:
        report["stability"]["by_text"] = maxima_by_text(
            domains,
            recorded.sample_maxima,
            recorder.samples.after_first_token(),
            all_finite=_all_finite(seen),
        )
        report["stability"]["by_text"]["by_position"] = maxima_by_position(
            recorder.samples.by_stretch()
        )
    watched = list(watched_rows(report))
    report["status"] = _status(watched, measurement)
    report["dtype_headroom"] = headroom.dtype_headroom(watched, peak, told["dtype"])
    if profile != DEPLOYMENT:
        return Measured(report, {})
    tell_excesses(report)
    headroom.tell_tokens(report, seen)
    rounded = [] if shortage else rounded_tensors(seen, report)
    report["quantization"]["pooled"] = pooled(
        rounded, report, shortage=shortage, in_pass=told.get("format_errors") == "all"
    )
    beside = sidecars.sidecars(seen, recorder.sites, recorded, rounded, report)
    report["sidecars"] = sidecars.rows(beside)
    return Measured(fitted(report), beside)


def _protocol(facts: RunFacts, recorder: Recorder) -> Protocol:
    """How it was measured, with what is seen only afterwards."""
    told = facts.protocol.copy()
    if any(statistics.dtype != torch.bfloat16 for statistics in recorder.sites.values()):
        told["counts_rounded_to"] = "bfloat16"
    return told


class _Deployed(TypedDict, total=False):
    linear_inputs: list[LinearInput]
    kv: list[KeysAndValues]
    sidecars: list[Sidecar]


def _deployed(
    seen: sites.Seen, heads: RecordedHeads, anatomy: Anatomy, profile: Profile
) -> _Deployed:
    """The arrays that reports of profile `deployment` alone have."""
    if profile != DEPLOYMENT:
        return {}
    return {
        "linear_inputs": deployment.linear_inputs(seen),
        "kv": deployment.keys_and_values(seen, heads, anatomy.pairs),
        "sidecars": [],  # made of the report itself
    }


class _RunAgain(TypedDict, total=False):
    end_to_end: EndToEnd


def _run_again(losses: Losses | None) -> _RunAgain:
    """What runs that were asked for show, where there are any."""
    return {} if losses is None else {"end_to_end": end_to_end(losses)}


def _all_finite(seen: sites.Seen) -> bool:
    """Whether nothing that M is taken over was NaN or infinite."""
    watched = (
        result.values for site, result in seen.items() if ROLE_BY_NAME[site.role].in_global_max
    )
    return not any(values.num_nan or values.num_inf for values in watched)


def _status(
    rows: Sequence[WatchedRow], measurement: Measurement
) -> Literal["complete", "partial", "non_finite"]:
    """non_finite outranks partial: a NaN is the louder news."""
    if any(row.num_nan or row.num_inf for row in rows):
        return "non_finite"
    return "partial" if measurement.missing else "complete"
