"""Rules about one watched tensor at a time."""

import math
from collections.abc import Iterator
from itertools import pairwise

from hubmaxact.report.consistency.facts import name_of, near, on_bf16_grid, sites_with_paths
from hubmaxact.report.document import Report, SiteFacts
from hubmaxact.report.json_text import join
from hubmaxact.report.problem import Problem
from hubmaxact.roles import ROLE_BY_NAME

NULL_TOGETHER = ("min", "max", "abs_max", "mean", "std", "rms", "abs_mean", "zero_fraction")

MASSIVE_ABOVE = 100
MASSIVE_RATIO = 1000

HIDDEN_WIDTH = ("embedding", "hidden_state", "attention_output", "mlp_output", "final_norm")
"""Roles whose channels are those of the residual stream."""


def are_distinct(report: Report) -> Iterator[Problem]:
    """No two sites share role, layer and part."""
    first: dict[tuple[str, int | None, str | None], str] = {}
    for path, site in sites_with_paths(report):
        key = (site["role"], site["layer"], site["part"])
        if key in first:
            yield Problem(path, f"is {name_of(*key)}, and so is {first[key]}")
        first.setdefault(key, path)


def lie_in_the_model(report: Report) -> Iterator[Problem]:
    """Roles of a layer have one that the model has; the others have none."""
    for path, site in sites_with_paths(report):
        yield from layer_problem(report, path, site["role"], site["layer"])


def layer_problem(report: Report, path: str, role: str, layer: int | None) -> Iterator[Problem]:
    """Say what is wrong with a layer, if anything."""
    num_layers = report["model"]["num_layers"]
    if ROLE_BY_NAME[role].per_layer != (layer is not None):
        found = "null" if layer is None else layer
        yield Problem(f"{path}.layer", f"is {found}, which {role} cannot have")
    elif layer is not None and layer >= num_layers:
        yield Problem(f"{path}.layer", f"is {layer}, but model.num_layers is {num_layers}")


def counts_nest(report: Report) -> Iterator[Problem]:
    """NaN and infinities are among the elements; a hidden state has whole tokens."""
    tokens = report["protocol"]["corpus"]["num_tokens"] * report["model"]["hidden_size"]
    for path, site in sites_with_paths(report):
        bad = site["num_nan"] + site["num_inf"]
        if bad > site["count"]:
            yield Problem(path, f"num_nan + num_inf is {bad}, but count is {site['count']}")
        if site["role"] == "hidden_state" and site["count"] % tokens:
            message = f"is {site['count']}, no multiple of num_tokens x hidden_size = {tokens}"
            yield Problem(f"{path}.count", message)


def nulls_mean_nothing_finite(report: Report) -> Iterator[Problem]:
    """Statistics are null exactly when no element was finite."""
    for path, site in sites_with_paths(report):
        finite = site["count"] - site["num_nan"] - site["num_inf"]
        values: dict[str, object] = {name: site[name] for name in NULL_TOGETHER}  # type: ignore[literal-required]
        values |= {join("abs_quantiles", q): v for q, v in site["abs_quantiles"].items()}
        for name, value in values.items():
            if (value is None) != (finite <= 0):
                found = "null" if value is None else value
                yield Problem(f"{path}.{name}", f"is {found}, but {finite} elements are finite")
        if bool(site["top"]) != (finite > 0):
            message = f"holds {len(site['top'])} values, but {finite} elements are finite"
            yield Problem(f"{path}.top", message)


def moments_agree(report: Report) -> Iterator[Problem]:
    """Extremes are exact; moments obey their inequalities but for rounding."""
    for path, site in sites_with_paths(report):
        low, high, abs_max = site["min"], site["max"], site["abs_max"]
        if low is None or high is None or abs_max is None:
            continue
        if low > high:
            yield Problem(f"{path}.min", f"is {low}, above max, which is {high}")
        if abs_max != (largest := max(abs(low), abs(high))):
            yield Problem(f"{path}.abs_max", f"is {abs_max}, but max(|min|, |max|) is {largest}")
        yield from _moments(path, site, abs_max)


def _moments(path: str, site: SiteFacts, abs_max: float) -> Iterator[Problem]:
    mean, std, rms, abs_mean = site["mean"], site["std"], site["rms"], site["abs_mean"]
    if mean is None or std is None or rms is None or abs_mean is None:
        return
    if not near(rms, known := math.hypot(mean, std), 1e-4):
        yield Problem(f"{path}.rms", f"is {rms}, but sqrt(mean^2 + std^2) is {known}")
    ladder = {"|mean|": abs(mean), "abs_mean": abs_mean, "rms": rms, "abs_max": abs_max}
    for (lower, low), (upper, high) in pairwise(ladder.items()):
        if low > high and not near(low, high):
            yield Problem(path, f"{lower} is {low}, above {upper}, which is {high}")


def quantiles_ascend(report: Report) -> Iterator[Problem]:
    """Quantiles ascend and, unless they were rounded, stay within the extremes."""
    rounded = report["protocol"]["counts_rounded_to"] is not None
    for path, site in sites_with_paths(report):
        ladder = {join(f"{path}.abs_quantiles", q): v for q, v in site["abs_quantiles"].items()}
        if not rounded:
            ladder[f"{path}.abs_max"] = site["abs_max"]
        known = {name: value for name, value in ladder.items() if value is not None}
        for (lower, low), (upper, high) in pairwise(known.items()):
            if low > high:
                yield Problem(lower, f"is {low}, above {upper}, which is {high}")


def top_agrees(report: Report) -> Iterator[Problem]:
    """The largest values come first, begin with abs_max and differ in (token id, channel)."""
    for path, site in sites_with_paths(report):
        sizes = [abs(entry["value"]) for entry in site["top"]]
        if sizes and sizes[0] != site["abs_max"]:
            message = f"is {site['top'][0]['value']}, but abs_max is {site['abs_max']}"
            yield Problem(f"{path}.top[0].value", message)
        for position, (one, other) in enumerate(pairwise(sizes)):
            if one < other:
                message = f"is {other} in magnitude, above the one before it, {one}"
                yield Problem(f"{path}.top[{position + 1}].value", message)
        places = [(entry["token_id"], entry["channel"]) for entry in site["top"]]
        if len(set(places)) < len(places):
            yield Problem(f"{path}.top", "names one (token_id, channel) twice")


def coordinates_exist(report: Report) -> Iterator[Problem]:
    """Samples, positions and channels lie inside the corpus and the tensor."""
    corpus = report["protocol"]["corpus"]
    samples = ("protocol.corpus.num_samples", corpus["num_samples"])
    positions = ("protocol.max_seq_len", report["protocol"]["max_seq_len"])
    for path, site in sites_with_paths(report):
        bounds = {"sample": samples, "token_position": positions}
        if site["role"] in HIDDEN_WIDTH:
            # Streams count as channels, so the residual stream may be wider than hidden_size.
            bounds["channel"] = ("count over num_tokens", site["count"] // corpus["num_tokens"])
        for position, entry in enumerate(site["top"]):
            for name, (owner, bound) in bounds.items():
                found: int = entry[name]  # type: ignore[literal-required]
                if found >= bound:
                    where = f"{path}.top[{position}].{name}"
                    yield Problem(where, f"is {found}, but {owner} is {bound}")


def massive_tokens_are_massive(report: Report) -> Iterator[Problem]:
    """A massive token needs a value above 100, a ratio above 1,000, and to be a token."""
    num_tokens = report["protocol"]["corpus"]["num_tokens"]
    for path, site in sites_with_paths(report):
        found, ratio = site["massive"]["num_tokens"], site["massive"]["max_ratio"]
        # A gate inside experts sees a token once for each expert it is routed to.
        if found > (site["count"] if site["role"] == "mlp_gate" else num_tokens):
            message = f"is {found}, but protocol.corpus.num_tokens is {num_tokens}"
            yield Problem(f"{path}.massive.num_tokens", message)
        if found and ((site["abs_max"] or 0) <= MASSIVE_ABOVE or (ratio or 0) <= MASSIVE_RATIO):
            message = f"is {found}, but abs_max is {site['abs_max']} and max_ratio {ratio}"
            yield Problem(f"{path}.massive.num_tokens", message)


def values_lie_on_the_grid(report: Report) -> Iterator[Problem]:
    """What is said to be bf16 can be held by bf16: a cheap check against made-up numbers."""
    rounded = report["protocol"]["counts_rounded_to"] == "bfloat16"
    exact = report["protocol"]["dtype"] == "bfloat16" and not rounded
    for path, site in sites_with_paths(report):
        values: dict[str, float | None] = {}
        if rounded or exact:
            values |= {join("abs_quantiles", q): v for q, v in site["abs_quantiles"].items()}
        if exact:
            values |= {"min": site["min"], "max": site["max"]}
            values |= {f"top[{n}].value": entry["value"] for n, entry in enumerate(site["top"])}
        for name, value in values.items():
            if value is not None and not on_bf16_grid(value):
                yield Problem(f"{path}.{name}", f"is {value}, which is no bf16 value")
