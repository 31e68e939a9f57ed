"""Reports with errors of deployed formats, and with what rounding does to the loss.

`pooled_rows.json` holds real figures: inputs, keys and values of Gemma 3 270M over 16 texts of
probe-5k, thresholds from 12 others, rounded by `hubmaxact.measurement.rounding` alone; of each way
sum_sq, err_sq, count, the two rates, and the three tensors that are rounded worst.
"""

import copy
import json
import math
from pathlib import Path

import deployed_reports

from hubmaxact.deployed_formats import DEPLOYED_FORMATS, LABEL

NUM_LAYERS = 18
ROWS = json.loads(Path(__file__).with_name("pooled_rows.json").read_text("utf-8"))
CONVENTIONS = {way.name: way.convention for way in DEPLOYED_FORMATS}
OFF = "switched off by --format-errors per-tensor"


def pooled_report(edit=lambda report: None):
    """A report of profile deployment that says what each way of rounding costs."""
    report = copy.deepcopy(deployed_reports.deployment_report(NUM_LAYERS))
    for each in report["kv"]:
        each["key"] = {**each["key"], "abs_max": 103.5}
    report["quantization"]["pooled"] = [_pooled(*row) for row in ROWS]
    edit(report)
    return report


def find(report, name, kind="linear_input"):
    """The pooled row of a way, named FORMAT/GRANULARITY/POLICY."""
    keys = ("format", "granularity", "policy")
    rows = report["quantization"]["pooled"]
    return next(r for r in rows if r["kind"] == kind and "/".join(r[k] for k in keys) == name)


def nothing_known(row, reason=OFF):
    """Take its figures from a pooled row."""
    figures = ("sum_sq", "err_sq", "sqnr_db", "rel_rmse", "clip_rate", "underflow_rate")
    row.update(dict.fromkeys(figures), count=0, num_tensors=0, worst=[], reason=reason)


def switched_off(report):
    """The same report with errors of one scale alone, and why there are no others."""
    report = copy.deepcopy(report)
    report["protocol"]["format_errors"] = "per_tensor"
    for row in report["quantization"]["pooled"]:
        if row["granularity"] != "per_tensor":
            nothing_known(row)
    return report


def with_loss(report, *rows):
    """Add runs with rounding: target, name of the way, change of loss as (mean, low, high)."""
    report["end_to_end"] = {
        "loss": 3.21,
        "num_samples": 256,
        "num_tokens": 16_128,
        "confidence": 0.95,
        "resamples": 1000,
        "seed": 0,
        "rows": [_run(*row) for row in rows],
    }
    return report


def _run(target, name, change, reason=None):
    number_format, granularity, policy = name.split("/")
    told = change and dict(zip(("mean", "low", "high"), change, strict=True))
    return {
        "target": target,
        "format": number_format,
        "granularity": granularity,
        "policy": policy,
        "convention": CONVENTIONS[name],
        "num_samples": 256,
        "num_tokens": 16_128,
        "loss": told and 3.21 + told["mean"],
        "loss_change": told,
        "kl_divergence": told and {name: abs(value) for name, value in told.items()},
        "top1_agreement": told and 0.91,
        "reason": reason,
    }


def _pooled(kind, number_format, granularity, policy, sum_sq, err_sq, count, clip, zero, worst):
    return {
        "kind": kind,
        "format": number_format,
        "granularity": granularity,
        "policy": policy,
        "convention": CONVENTIONS[f"{number_format}/{granularity}/{policy}"],
        "num_tensors": 4 * NUM_LAYERS if kind == "linear_input" else NUM_LAYERS,
        "sum_sq": sum_sq,
        "err_sq": err_sq,
        "count": count,
        "sqnr_db": 10 * math.log10(sum_sq / err_sq),
        "rel_rmse": math.sqrt(err_sq / sum_sq),
        "clip_rate": clip,
        "underflow_rate": zero,
        "worst": [_worst(*each) for each in worst],
        "label": LABEL,
        "reason": None,
    }


def _worst(layer, part, sqnr_db):
    module = f"model.layers.{layer}.{part or 'self_attn'}"
    return {"layer": layer, "part": part, "module": module, "sqnr_db": sqnr_db}
