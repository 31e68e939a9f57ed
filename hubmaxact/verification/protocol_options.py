"""How a report was measured, as options, so that the same code runs again."""

from hubmaxact.errors import HubmaxactError
from hubmaxact.measurement.options import Options
from hubmaxact.report.document import Report

ATTENTIONS = ("eager", "sdpa", "flex_attention", "flash_attention_2", "flash_attention_3")


def options_of(report: Report, corpus: str | None, device: str) -> Options:
    """Return a report's protocol as options.

    Args:
        report: Of any profile.
        corpus: Where its corpus lies. None: hubmaxact carries it.
        device: As `verify` takes it.

    Returns:
        What the run was told, as far as values depend on it.

    Raises:
        HubmaxactError: The run cannot be repeated here.
    """
    protocol = report["protocol"]
    attention = protocol["attn_implementation"]
    if attention not in ATTENTIONS:
        raise HubmaxactError(
            f"the report was measured with attention {attention!r}, which is not one of "
            f"{', '.join(ATTENTIONS)}. It cannot be verified here."
        )
    return Options(
        corpus=corpus or _corpus_name(report),
        num_samples=protocol["corpus"]["num_samples"],
        max_seq_len=protocol["max_seq_len"],
        batch_tokens=protocol["batch_tokens"],
        special_tokens=protocol["special_tokens"]["policy"],
        dtype=protocol["dtype"],
        device=device,
        calibration_samples=protocol["calibration_samples"],
        evaluation_samples=protocol["evaluation_samples"],
        allow_partial=bool(report["coverage"]["missing"]),
        profile=protocol["profile"],
        attn_implementation=attention,
        simulate_activations="simulated_activations" in protocol,
    )


def _corpus_name(report: Report) -> str:
    from hubmaxact.corpus.load import NAMED

    name = report["protocol"]["corpus"]["name"]
    if name in NAMED:
        return name
    raise HubmaxactError(
        f"the report was measured on {name}, which hubmaxact does not carry. "
        "Give the same file or data set with --corpus."
    )
