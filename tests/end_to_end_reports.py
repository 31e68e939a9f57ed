"""A report with losses of rounding for tests, by arithmetic alone; its numbers measure nothing."""

from deployed_reports import deployment_report

from hubmaxact.deployed_formats import TARGETS

LOSS, TEXTS, TOKENS = 2.5, 256, 8192
ASKED = (  # target, format, granularity, policy, what it costs, tokens that agree
    ("linear_inputs", "int8", "per_tensor", "max_abs", 0.25, 7168),
    ("linear_inputs", "int8", "per_token", "dynamic", 0.015625, 8000),
    ("kv", "float8_e4m3fn", "per_tensor", "unscaled", -0.00390625, 8064),
    ("residual", "int8", "per_tensor", "max_abs", 1.5, 4096),
)


def end_to_end_report():
    """Two layers; three ways of rounding that cost something, one that saves a little by chance."""
    report = deployment_report(num_layers=2, rounded=True)
    stability = report.pop("stability")
    return {**report, "end_to_end": end_to_end_facts(), "stability": stability}


def end_to_end_facts():
    """The block of all losses."""
    return {
        "loss": LOSS,
        "num_samples": TEXTS,
        "num_tokens": TOKENS,
        "confidence": 0.95,
        "resamples": 10_000,
        "seed": 0,
        "rows": [row(*asked) for asked in ASKED],
    }


def row(target, name, granularity, policy, change, agreed):
    """What one way costs."""
    way = next(
        way
        for way in TARGETS[target]
        if (way.format, way.granularity, way.policy) == (name, granularity, policy)
    )
    size = abs(change)
    return {
        "target": target,
        "format": name,
        "granularity": granularity,
        "policy": policy,
        "convention": way.convention,
        "num_samples": TEXTS,
        "num_tokens": TOKENS,
        "loss": LOSS + change,
        "loss_change": {"mean": change, "low": change - 0.01, "high": change + 0.0078125},
        "kl_divergence": {"mean": 1.5 * size, "low": size, "high": 2 * size},
        "top1_agreement": agreed / TOKENS,
        "reason": None,
    }


def unknown(row, reason):
    """The same row with a reason in the place of its values."""
    nothing = dict.fromkeys(("loss", "loss_change", "kl_divergence", "top1_agreement"))
    return row | nothing | {"reason": reason}
