"""Rules about the corpus, the model, routing and subsets."""

import math
from collections.abc import Iterator

from hubmaxact.report.consistency.facts import same
from hubmaxact.report.document import Experts, Report, Subsets
from hubmaxact.report.problem import Problem


def domains_add_up(report: Report) -> Iterator[Problem]:
    """Every text has one domain."""
    corpus = report["protocol"]["corpus"]
    total = sum(corpus["domains"].values())
    if total != corpus["num_samples"]:
        message = f"add up to {total}, but num_samples is {corpus['num_samples']}"
        yield Problem("protocol.corpus.domains", message)


def tokens_fit_samples(report: Report) -> Iterator[Problem]:
    """No text is longer than max_seq_len; none is empty."""
    corpus, longest = report["protocol"]["corpus"], report["protocol"]["max_seq_len"]
    most = corpus["num_samples"] * longest
    if not corpus["num_samples"] <= corpus["num_tokens"] <= most:
        message = (
            f"is {corpus['num_tokens']}, but {corpus['num_samples']} texts of 1 to {longest} "
            f"tokens have {corpus['num_samples']} to {most}"
        )
        yield Problem("protocol.corpus.num_tokens", message)


def parameters_nest(report: Report) -> Iterator[Problem]:
    """Active parameters are among the parameters."""
    active, total = report["model"]["num_active_parameters"], report["model"]["num_parameters"]
    if active is not None and active > total:
        message = f"is {active}, but num_parameters is {total}"
        yield Problem("model.num_active_parameters", message)


def routing_agrees(report: Report) -> Iterator[Problem]:
    """Routing belongs to a MoE model, one row for each layer, with counts in order."""
    rows, layers = report["experts"], report["model"]["num_layers"]
    if rows and report["model"]["architecture"] == "dense":
        message = f'is "dense", but experts has {len(rows)} layers'
        yield Problem("model.architecture", message)
    previous = -1
    for position, row in enumerate(rows):
        path = f"experts[{position}]"
        if not previous < row["layer"] < layers:
            message = f"is {row['layer']}, after {previous}, in a model of {layers} layers"
            yield Problem(f"{path}.layer", message)
        previous = row["layer"]
        yield from _loads(path, row)


def _loads(path: str, row: Experts) -> Iterator[Problem]:
    least, median, most = row["tokens"]["least"], row["tokens"]["median"], row["tokens"]["most"]
    if not least <= median <= most:
        yield Problem(f"{path}.tokens", f"are {least}, {median}, {most}, which do not ascend")
    never = row["never_routed"]
    if never != sorted(set(never)) or (never and never[-1] >= row["num_experts"]):
        message = f"must name distinct experts below {row['num_experts']}, ascending"
        yield Problem(f"{path}.never_routed", message)
    if bool(never) != (least == 0):
        message = f"names {len(never)} experts, but tokens.least is {least}"
        yield Problem(f"{path}.never_routed", message)


def subsets_agree(report: Report) -> Iterator[Problem]:
    """Subsets are smaller than the corpus, their maxima at most M, their spreads as defined."""
    samples, peak = report["protocol"]["corpus"]["num_samples"], report["global_max"]
    for position, row in enumerate(report["stability"]["subsets"]):
        path = f"stability.subsets[{position}]"
        if row["size"] > samples:
            message = f"is {row['size']}, but protocol.corpus.num_samples is {samples}"
            yield Problem(f"{path}.size", message)
        if peak is None or max(row["values"]) > peak["abs_max"]:
            known = "null" if peak is None else peak["abs_max"]
            message = f"reach {max(row['values'])}, but global_max.abs_max is {known}"
            yield Problem(f"{path}.values", message)
        yield from _spreads(path, row)


def _spreads(path: str, row: Subsets) -> Iterator[Problem]:
    values = row["values"]
    mean = math.fsum(values) / len(values)
    wanted: dict[str, float | None] = {"range_over_mean": None, "coefficient_of_variation": None}
    if mean > 0:
        wanted["range_over_mean"] = (max(values) - min(values)) / mean
    if mean > 0 and len(values) > 1:
        squares = math.fsum((value - mean) ** 2 for value in values)
        wanted["coefficient_of_variation"] = math.sqrt(squares / (len(values) - 1)) / mean
    for name, value in wanted.items():
        said: float | None = row[name]  # type: ignore[literal-required]
        if not same(said, value):
            yield Problem(f"{path}.{name}", f"is {said}, but values give {value}")
