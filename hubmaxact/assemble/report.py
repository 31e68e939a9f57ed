"""The whole report, block by block, in the order of the document."""

from collections import Counter
from typing import Any

import torch

from hubmaxact.anatomy.gates import experts_implementation
from hubmaxact.assemble import maxima, quantization, sites
from hubmaxact.measure import Measurement
from hubmaxact.prepare import Options, Prepared
from hubmaxact.report.document import (
    SCHEMA_VERSION,
    CorpusFacts,
    Environment,
    Model,
    Protocol,
    Report,
    SpecialTokens,
)

PROFILE = "paper"


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
    seen = sites.seen_sites(measurement)
    rows = [sites.site_facts(*site) for site in seen]
    peak = maxima.global_max(seen, measurement.plan)
    sample_maxima = measurement.recorder.samples.abs_max.tolist()
    domains = prepared.samples.domains
    return Report(
        schema_version=SCHEMA_VERSION,
        model=model,
        protocol=protocol(prepared, measurement, options, batch_tokens),
        environment=environment,
        status=_status(rows, measurement),
        coverage=sites.coverage(measurement),
        global_max=peak,
        max_by_role=maxima.max_by_role(seen),
        sites=rows,
        experts=sites.experts(measurement),
        domains=maxima.domain_maxima(domains, sample_maxima),
        dtype_headroom=maxima.dtype_headroom(seen, peak, prepared.loaded.dtype),
        quantization=quantization.quantization(
            seen,
            peak,
            num_samples=len(domains),
            calibration=options.calibration_samples,
            evaluation=options.evaluation_samples,
        ),
        stability=maxima.stability(domains, sample_maxima),
    )


def protocol(
    prepared: Prepared, measurement: Measurement, options: Options, batch_tokens: int
) -> Protocol:
    """How it was measured."""
    corpus, config = prepared.corpus, prepared.loaded.model.config
    wide = any(s.dtype != torch.bfloat16 for s in measurement.recorder.sites.values())
    return Protocol(
        profile=PROFILE,
        corpus=CorpusFacts(
            name=corpus.name,
            version=corpus.version,
            kind=corpus.kind,
            digest=corpus.digest,
            num_samples=len(corpus.texts),
            num_tokens=sum(prepared.samples.lengths),
            domains=dict(sorted(Counter(text.domain for text in corpus.texts).items())),
        ),
        max_seq_len=prepared.max_seq_len,
        special_tokens=SpecialTokens(
            policy="none" if options.special_tokens == "none" else "as_tokenizer",
            bos_added=prepared.samples.bos_added,
        ),
        chat_template=None,
        dtype=prepared.loaded.dtype,
        attn_implementation=_attention(config),
        experts_implementation=_experts(prepared),
        batch_tokens=batch_tokens,
        batch_plan_digest=measurement.plan.digest,
        calibration_samples=options.calibration_samples,
        evaluation_samples=options.evaluation_samples,
        counts_rounded_to="bfloat16" if wide else None,
    )


def _attention(config: Any) -> str:
    return str(config.get_text_config(decoder=True)._attn_implementation)  # noqa: SLF001 the resolved choice has no public name


def _experts(prepared: Prepared) -> str | None:
    for name in prepared.anatomy.experts.values():
        return experts_implementation(prepared.loaded.model, name)
    return None


def _status(rows: list[Any], measurement: Measurement) -> Any:
    """non_finite outranks partial: a NaN is the louder news."""
    if any(row["num_nan"] or row["num_inf"] for row in rows):
        return "non_finite"
    return "partial" if measurement.missing else "complete"
