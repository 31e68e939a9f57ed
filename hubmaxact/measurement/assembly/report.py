"""The whole report, block by block, in the order of the document."""

from collections.abc import Sequence
from typing import Literal

from hubmaxact.measurement.assembly import (
    by_domain,
    coverage,
    experts,
    headroom,
    maxima,
    quantization,
    sites,
    stability,
)
from hubmaxact.measurement.assembly.protocol import PROFILE, protocol
from hubmaxact.measurement.execution.forward import Measurement
from hubmaxact.measurement.options import Options
from hubmaxact.measurement.prepare import Prepared
from hubmaxact.report.document import (
    VERSION_OF_PROFILE,
    Environment,
    Model,
    Report,
    SiteFacts,
)


def assemble(
    prepared: Prepared,
    measurement: Measurement,
    options: Options,
    *,
    model: Model,
    batch_tokens: int,
    environment: Environment,
) -> Report:
    """Turn a measurement into a report; `model` is the block that names what was measured."""
    recorded = measurement.recorder.result()
    rows = [sites.site_facts(*site) for site in recorded.sites.items()]
    peak = maxima.global_max(recorded.sites, measurement.plan)
    domains = prepared.samples.domains
    return Report(
        schema_version=VERSION_OF_PROFILE[PROFILE],
        model=model,
        protocol=protocol(prepared, measurement, options, batch_tokens),
        environment=environment,
        status=_status(rows, measurement),
        coverage=coverage.coverage(measurement),
        global_max=peak,
        max_by_role=maxima.max_by_role(recorded.sites),
        sites=rows,
        experts=experts.experts(recorded),
        domains=by_domain.domain_maxima(domains, recorded.sample_maxima),
        dtype_headroom=headroom.dtype_headroom(recorded.sites, peak, prepared.loaded.dtype),
        quantization=quantization.quantization(
            measurement.recorder.sites,
            peak,
            num_samples=len(domains),
            calibration=options.calibration_samples,
            evaluation=options.evaluation_samples,
        ),
        stability=stability.stability(domains, recorded.sample_maxima),
    )


def _status(
    rows: Sequence[SiteFacts], measurement: Measurement
) -> Literal["complete", "partial", "non_finite"]:
    """non_finite outranks partial: a NaN is the louder news."""
    if any(row["num_nan"] or row["num_inf"] for row in rows):
        return "non_finite"
    return "partial" if measurement.missing else "complete"
