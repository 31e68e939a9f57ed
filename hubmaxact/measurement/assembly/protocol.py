"""The report's `protocol`: how it was measured."""

from collections import Counter

from transformers import PreTrainedConfig

from hubmaxact.measurement.anatomy.mlp_gates import experts_implementation
from hubmaxact.measurement.batch_plan import Plan
from hubmaxact.measurement.options import Options
from hubmaxact.measurement.prepare import Prepared
from hubmaxact.report.document import (
    CorpusFacts,
    Protocol,
    SpecialTokens,
)
from hubmaxact.report.roles import DEPLOYMENT


def protocol(prepared: Prepared, plan: Plan, options: Options, batch_tokens: int) -> Protocol:
    """How it is measured; what counts are rounded to is seen only afterwards."""
    corpus, config = prepared.corpus, prepared.loaded.model.config
    told = Protocol(
        profile=options.profile,
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
        batch_plan_digest=plan.digest,
        calibration_samples=options.calibration_samples,
        evaluation_samples=options.evaluation_samples,
        counts_rounded_to=None,
    )
    if options.profile == DEPLOYMENT:
        told["format_errors"] = options.format_errors
    if prepared.simulation is not None:
        told["simulated_activations"] = prepared.simulation.rows
    return told


def _attention(config: PreTrainedConfig) -> str:
    return str(config.get_text_config(decoder=True)._attn_implementation)  # noqa: SLF001 the resolved choice has no public name


def _experts(prepared: Prepared) -> str | None:
    for name in prepared.anatomy.experts.values():
        return experts_implementation(prepared.loaded.model, name)
    return None
