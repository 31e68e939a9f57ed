"""Rules about watched tensors: which there are, and where their largest values sit."""

from collections.abc import Iterator
from itertools import pairwise

from hubmaxact.printable import shown
from hubmaxact.report.consistency.predicates import SiteKey, key_of, name_of, sites_with_paths
from hubmaxact.report.document import Report
from hubmaxact.report.problem import Problem
from hubmaxact.report.roles import ROLE_BY_NAME, site_order
from hubmaxact.report.row_fields import field

MASSIVE_ABOVE = 100
MASSIVE_RATIO = 1000

HIDDEN_WIDTH = (
    "embedding",
    "hidden_state",
    "attention_output",
    "mlp_output",
    "final_norm",
    "attention_update",
    "mlp_update",
    "mid_residual",
)
"""Roles whose channels are those of the residual stream."""


def are_distinct(report: Report) -> Iterator[Problem]:
    """No two sites share role, layer and part."""
    first: dict[SiteKey, str] = {}
    for path, site in sites_with_paths(report):
        key = key_of(site)
        if key in first:
            yield Problem(path, f"is {name_of(*key)}, and so is {first[key]}")
        first.setdefault(key, path)


def are_in_order(report: Report) -> Iterator[Problem]:
    """Sites go by layer, role and part: what "the first" means wherever values tie."""
    for position, pair in enumerate(pairwise(map(key_of, report["sites"]))):
        one, other = (site_order(role, layer, part) for role, layer, part in pair)
        if one > other:
            message = f"is {name_of(*pair[1])}, after {name_of(*pair[0])}"
            yield Problem(f"sites[{position + 1}]", message)


def layers_have_modules_of_their_own(report: Report) -> Iterator[Problem]:
    """A layer is a module, so no two layers put out one hidden state."""
    first: dict[str, str] = {}
    for path, site in sites_with_paths(report):
        if site["role"] != "hidden_state":
            continue
        name = site["module"]
        if name in first:
            yield Problem(f"{path}.module", f"is {shown(name)}, and so is that of {first[name]}")
        first.setdefault(name, path)


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
    """NaN and infinities are among the elements; what is wide as the stream has whole tokens."""
    num_tokens, hidden_size = (
        report["protocol"]["corpus"]["num_tokens"],
        report["model"]["hidden_size"],
    )
    for path, site in sites_with_paths(report):
        bad = site["num_nan"] + site["num_inf"]
        if bad > site["count"]:
            yield Problem(path, f"num_nan + num_inf is {bad}, but count is {site['count']}")
        if site["role"] == "hidden_state" and site["count"] % (num_tokens * hidden_size):
            message = f"num_tokens x hidden_size = {num_tokens * hidden_size}"
            yield Problem(f"{path}.count", f"is {site['count']}, no multiple of {message}")
        elif site["role"] in HIDDEN_WIDTH and site["count"] % num_tokens:
            message = f"is {site['count']}, no multiple of num_tokens = {num_tokens}"
            yield Problem(f"{path}.count", message)


def top_agrees(report: Report) -> Iterator[Problem]:
    """The largest values come first, begin with abs_max and differ in (token id, channel)."""
    for path, site in sites_with_paths(report):
        sizes = [abs(entry["value"]) for entry in site["top"]]
        if sizes and sizes[0] != site["abs_max"]:
            message = f"is {site['top'][0]['value']}, but abs_max is {site['abs_max']}"
            yield Problem(f"{path}.top[0].value", message)
        if sizes and site["top"][0]["value"] not in (site["min"], site["max"]):
            message = (
                f"is {site['top'][0]['value']}, but the extremes are "
                f"{site['min']} and {site['max']}"
            )
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
    positions = min(
        ("protocol.max_seq_len", report["protocol"]["max_seq_len"]),
        ("protocol.corpus.num_tokens", corpus["num_tokens"]),
        key=lambda bound: bound[1],
    )
    for path, site in sites_with_paths(report):
        bounds = {"sample": samples, "token_position": positions}
        if site["role"] in HIDDEN_WIDTH:
            # Streams count as channels, so the residual stream may be wider than hidden_size.
            bounds["channel"] = ("count over num_tokens", site["count"] // corpus["num_tokens"])
        for position, entry in enumerate(site["top"]):
            for name, (owner, bound) in bounds.items():
                found: int = field(entry, name)
                if found >= bound:
                    where = f"{path}.top[{position}].{name}"
                    yield Problem(where, f"is {found}, but {owner} is {bound}")


def massive_tokens_are_massive(report: Report) -> Iterator[Problem]:
    """A massive token needs a value above 100, a ratio above 1,000, and to be a token."""
    num_tokens, hidden_size = (
        report["protocol"]["corpus"]["num_tokens"],
        report["model"]["hidden_size"],
    )
    for path, site in sites_with_paths(report):
        found, ratio = site["massive"]["num_tokens"], site["massive"]["max_ratio"]
        # A layer may run more than once in a pass, and sees every token each time. A gate inside
        # experts sees a token once for each expert it is routed to.
        rows = max(num_tokens, site["count"] // hidden_size)
        if found > (site["count"] if site["role"] == "mlp_gate" else rows):
            message = f"is {found}, but protocol.corpus.num_tokens is {num_tokens}"
            yield Problem(f"{path}.massive.num_tokens", message)
        if found and ((site["abs_max"] or 0) <= MASSIVE_ABOVE or (ratio or 0) <= MASSIVE_RATIO):
            message = f"is {found}, but abs_max is {site['abs_max']} and max_ratio {ratio}"
            yield Problem(f"{path}.massive.num_tokens", message)
