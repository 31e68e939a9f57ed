"""Rules about maxima of single texts: they agree with M, with each other and with the corpus."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from hubmaxact.report.consistency.predicates import above, told
from hubmaxact.report.document import Report
from hubmaxact.report.json_text import join
from hubmaxact.report.problem import Problem
from hubmaxact.report.stability import ExpectedMaximum, Tail, TextMaxima

PATH = "stability.by_text"
ALONE: Final = "num_texts_peaking_at_first_token"


def text_maxima_agree_with_m(report: Report) -> Iterator[Problem]:
    """The largest of all is M, in the domains whose maximum it is; without first tokens no more."""
    found = report["stability"].get("by_text")
    if found is None:
        return
    everything, peak = found["all_tokens"], report["global_max"]
    known = None if peak is None else peak["abs_max"]
    if everything["abs_max"] != known:
        message = f"is {_word(everything['abs_max'])}, but global_max.abs_max is {_word(known)}"
        yield Problem(f"{PATH}.all_tokens.abs_max", message)
    reach = {
        name for name, value in report["domains"].items() if value is not None and value == known
    }
    for name in sorted(reach ^ set(everything["reached_by"])):
        message = f"is {everything['reached_by'].get(name, 0)}, but domains has another maximum"
        yield Problem(join(f"{PATH}.all_tokens.reached_by", name), message)


def first_tokens_agree(report: Report) -> Iterator[Problem]:
    """What first tokens alone reach is the difference between the two blocks."""
    found = report["stability"].get("by_text")
    if found is None:
        return
    everything, later = found["all_tokens"], found["after_first_token"]
    alone, path = found[ALONE], f"{PATH}.{ALONE}"
    least, most = everything["num_texts"] - later["num_texts"], everything["num_texts"]
    if (later["abs_max"] or 0.0) > (everything["abs_max"] or 0.0) or least < 0:
        yield Problem(
            f"{PATH}.after_first_token", "holds more than all_tokens, which it is part of"
        )
    if later["abs_max"] != everything["abs_max"]:
        least = max(least, sum(everything["reached_by"].values()))
    if not least <= alone <= most:
        yield Problem(path, f"is {alone}, but the two blocks allow {least} to {most}")


def text_maxima_agree(report: Report) -> Iterator[Problem]:
    """Counts nest, expected maxima ascend to the largest, and a tail begins below it."""
    found = report["stability"].get("by_text")
    if found is None:
        return
    for name, maxima in (
        ("all_tokens", found["all_tokens"]),
        ("after_first_token", found["after_first_token"]),
    ):
        path = f"{PATH}.{name}"
        yield from _counts(report, path, maxima)
        yield from _saturation(f"{path}.saturation", maxima)
        if (maxima["tail"] is None) != (maxima["reason"] is not None):
            yield Problem(f"{path}.reason", "must be given exactly where tail is null")
        if maxima["tail"] is not None:
            yield from _tail(f"{path}.tail", maxima, maxima["tail"])


def _counts(report: Report, path: str, maxima: TextMaxima) -> Iterator[Problem]:
    corpus, reached = report["protocol"]["corpus"], maxima["reached_by"]
    for name, number in reached.items():
        most = corpus["domains"].get(name, 0)
        if number > most:
            read = told(most, "text was", "texts were")
            yield Problem(join(f"{path}.reached_by", name), f"is {number}, but {read} read")
    if maxima["num_texts"] > corpus["num_samples"]:
        message = f"is {maxima['num_texts']}, but protocol.corpus.num_samples is"
        yield Problem(f"{path}.num_texts", f"{message} {corpus['num_samples']}")
    has_any = (maxima["num_texts"] > 0, maxima["abs_max"] is not None, bool(reached))
    if len(set(has_any)) > 1 or sum(reached.values()) > maxima["num_texts"]:
        message = f"is {maxima['num_texts']}, but abs_max or reached_by says otherwise"
        yield Problem(f"{path}.num_texts", message)


def _saturation(path: str, maxima: TextMaxima) -> Iterator[Problem]:
    rows, largest, whole = maxima["saturation"], maxima["abs_max"], maxima["num_texts"]
    ends = [(row["num_texts"], row["expected"]) for row in rows[-1:]]
    if ends != ([] if largest is None else [(whole, largest)]):
        yield Problem(path, f"must end at {told(whole, 'text')} with {_word(largest)}")
    for position, (row, following) in enumerate(pairwise(rows)):
        yield from _ascends(f"{path}[{position}]", row, following)
        # One text at least reaches the largest value, and is in that share of subsets.
        if largest is not None and above(largest * row["num_texts"] / whole, row["expected"]):
            message = f"is {row['expected']}, below {row['num_texts']} / {whole} of {largest}"
            yield Problem(f"{path}[{position}].expected", message)


def _ascends(path: str, row: ExpectedMaximum, following: ExpectedMaximum) -> Iterator[Problem]:
    if row["num_texts"] >= following["num_texts"]:
        message = f"is {row['num_texts']}, and {following['num_texts']} follows"
        yield Problem(f"{path}.num_texts", message)
    if row["expected"] > following["expected"]:
        message = f"is {row['expected']}, above that of more texts, {following['expected']}"
        yield Problem(f"{path}.expected", message)


def _tail(path: str, maxima: TextMaxima, tail: Tail) -> Iterator[Problem]:
    ladder = {"threshold": tail["threshold"], "abs_max": maxima["abs_max"] or 0.0}
    ladder |= {"low": tail["low"], "median": tail["median"], "high": tail["high"]}
    for (lower, low), (upper, high) in pairwise(ladder.items()):
        if low > high:
            yield Problem(f"{path}.{lower}", f"is {low}, above {upper}, which is {high}")
    counts = {"num_distinct": tail["num_distinct"], "num_texts": tail["num_texts"]}
    counts |= {"num_texts of all": maxima["num_texts"]}
    for (lower, few), (upper, many) in pairwise(counts.items()):
        if few > many:
            yield Problem(f"{path}.{lower}", f"is {few}, above {upper}, which is {many}")


def _word(value: float | None) -> object:
    return "null" if value is None else value
