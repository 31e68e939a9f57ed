"""Every statistic of a report, computed from whole tensors in the plainest way.

Values enter as float64, where bf16, fp16 and fp32 are exact; sums are `math.fsum`, so they are
correctly rounded. T rows of D channels.
"""

import math
from fractions import Fraction
from functools import lru_cache

import numpy as np
import torch

LEVELS = ("0.25", "0.5", "0.75", "0.9", "0.99", "0.999", "0.9999")
LARGEST_BF16 = 3.3895313892515355e38
LIMITS = {
    "float16": 65504.0,
    "bfloat16": LARGEST_BF16,
    "float8_e4m3fn": 448.0,
    "float8_e5m2": 57344.0,
}
ROLE_ORDER = (
    "embedding", "hidden_state", "attention_output", "mlp_output", "mlp_gate", "router_logits",
    "final_norm",
)  # fmt: skip
M_ROLES = {"embedding", "hidden_state", "attention_output", "mlp_output", "final_norm"}


def fsum(values):
    """The correctly rounded sum of an array."""
    return math.fsum(values.ravel().tolist())


def describe(captured):
    """Return one row of `sites[]`, without the site's names."""
    x = captured.exact
    finite = x[np.isfinite(x)]
    if finite.size == 0:
        raise ValueError("nothing finite to describe")
    mean = fsum(finite) / finite.size
    return {
        "count": x.size,
        "min": float(finite.min()),
        "max": float(finite.max()),
        "abs_max": float(np.abs(finite).max()),
        "mean": mean,
        "std": math.sqrt(fsum((finite - mean) ** 2) / finite.size),
        "rms": math.sqrt(fsum(finite * finite) / finite.size),
        "abs_mean": fsum(np.abs(finite)) / finite.size,
        "abs_quantiles": {level: abs_quantile(captured, level) for level in LEVELS},
        "zero_fraction": int((finite == 0).sum()) / finite.size,
        "num_nan": int(np.isnan(x).sum()),
        "num_inf": int(np.isinf(x).sum()),
        "massive": massive(x),
        "top": top(captured),
    }


def abs_quantile(captured, level):
    """Inverted CDF of finite |x| by sorting; wider dtypes than bf16 are rounded to bf16 first."""
    values = captured.values[captured.values.isfinite()]
    if values.dtype != torch.bfloat16:
        values = values.float().clamp(-LARGEST_BF16, LARGEST_BF16).bfloat16()
    ordered = np.sort(values.double().abs().numpy())
    return float(ordered[math.ceil(Fraction(level) * ordered.size) - 1])


def massive(x):
    """Sun et al.: per token, |x| > 100 and > 1,000 times the lower median of the token's |x|."""
    ordered = np.sort(np.abs(x[np.isfinite(x).all(axis=1)]), axis=1)
    largest, median = ordered[:, -1], ordered[:, (x.shape[1] - 1) // 2]
    largest, median = largest[median > 0], median[median > 0]  # a zero median gives no ratio
    ratio = largest / median
    return {
        "num_tokens": int(((largest > 100) & (ratio > 1000)).sum()),
        "max_ratio": float(ratio.max()) if ratio.size else None,
    }


@lru_cache(maxsize=512)
def top(captured, num=5):
    """The largest values distinct in (token id, channel): |x| descending, sample, position."""
    x = captured.exact
    row, channel = np.nonzero(np.isfinite(x))
    value = x[row, channel]
    order = np.lexsort((channel, captured.position[row], captured.sample[row], -np.abs(value)))
    found = {}
    for index in order:
        key = int(captured.token_id[row[index]]), int(channel[index])
        if key not in found:
            found[key] = {
                "value": float(value[index]),
                "sample": int(captured.sample[row[index]]),
                "token_position": int(captured.position[row[index]]),
                "token_id": key[0],
                "channel": key[1],
            }
            if len(found) == num:
                break
    return list(found.values())


def num_ties(captured):
    """How many elements share the largest finite |x|."""
    magnitude = np.abs(captured.exact)
    finite = magnitude[np.isfinite(magnitude)]
    return int((finite == finite.max()).sum())


def site_order(key):
    """Layer, then role order, then part; the embedding comes first, the final norm last."""
    role, layer, part = key
    depth = {"embedding": -1, "final_norm": math.inf}.get(role, layer)
    return depth, ROLE_ORDER.index(role), part or ""


def carriers(sites):
    """Every M site whose abs_max is M: role, layer, part, ties and first coordinates."""
    peaks = {key: describe_peak(sites[key]) for key in sites if key[0] in M_ROLES}
    largest = max(abs(peak["value"]) for peak in peaks.values())
    return [
        {"role": key[0], "layer": key[1], "part": key[2], "num_ties": num_ties(sites[key])}
        | {name: peak[name] for name in ("sample", "token_position", "token_id", "channel")}
        for key, peak in sorted(peaks.items(), key=lambda item: site_order(item[0]))
        if abs(peak["value"]) == largest
    ]


def describe_peak(captured):
    """The first value in order, with coordinates."""
    return top(captured, num=1)[0]


def sample_maxima(sites, num_samples):
    """The largest finite |x| of every M site, per sample."""
    largest = np.full(num_samples, -1.0)
    for key, captured in sites.items():
        if key[0] in M_ROLES:
            magnitude = np.abs(captured.exact)
            magnitude[~np.isfinite(magnitude)] = -1.0
            np.maximum.at(largest, captured.sample, magnitude.max(axis=1))
    return largest


def maxima_by_position(sites, num_samples):
    """Of every M site: which texts peak in each stretch that doubles, and which reach M there."""
    largest = np.full((num_samples, 24), -1.0)
    for key, captured in sites.items():
        if key[0] in M_ROLES:
            magnitude = np.abs(captured.exact)
            magnitude[~np.isfinite(magnitude)] = -1.0
            place = [int(position).bit_length() for position in captured.position]
            np.maximum.at(largest, (captured.sample, place), magnitude.max(axis=1))
    return [
        {
            "first_position": [0, 1, 2, 4, 8, 16, 32, 64, 128, 256][place],
            "last_position": [0, 1, 3, 7, 15, 31, 63, 127, 255, 511][place],
            "abs_max": largest[:, place].max() if largest[:, place].max() >= 0 else None,
            "num_texts_peaking": int((largest.argmax(axis=1) == place).sum()),
            "num_texts_reaching_max": int((largest[:, place] == largest.max()).sum()),
        }
        for place in range(np.flatnonzero(largest.max(axis=0) >= 0)[-1] + 1)
    ]


def int8_row(captured, policy):
    """Symmetric per-tensor INT-8: threshold from calibration, errors over evaluation."""
    calibration, evaluation = captured.only("calibration"), captured.only("evaluation")
    known = calibration.exact
    if policy == "max_abs":
        threshold = float(np.abs(known[np.isfinite(known)]).max())
    else:
        threshold = abs_quantile(calibration, "0.999")
    scale = threshold / 127
    x = evaluation.exact
    x = x[np.isfinite(x)]
    error = x - np.clip(np.rint(x / scale), -127, 127) * scale
    sum_sq, err_sq = fsum(x * x), fsum(error * error)
    return {
        "threshold": threshold,
        "sum_sq": sum_sq,
        "err_sq": err_sq,
        "count": x.size,
        "sqnr_db": 10 * math.log10(sum_sq / err_sq),
        "rel_rmse": math.sqrt(err_sq / sum_sq),
        "rel_mae": fsum(np.abs(error)) / fsum(np.abs(x)),
        "clip_rate": int((np.abs(x) > threshold).sum()) / x.size,
    }


def bf16_step(value):
    """The distance from |value| to the next larger bf16 value."""
    bits = torch.tensor([abs(value)]).bfloat16().view(torch.int16)
    return float((bits + 1).view(torch.bfloat16).double() - bits.view(torch.bfloat16).double())
