"""Rules about losses with rounding really applied: which rows there are, and how they agree."""

from collections.abc import Iterator

from hubmaxact.deployed_formats import TARGETS
from hubmaxact.printable import shown
from hubmaxact.report.consistency.predicates import near, told
from hubmaxact.report.derived import EndToEndRow, Interval
from hubmaxact.report.document import Report
from hubmaxact.report.problem import Problem
from hubmaxact.report.roles import DEPLOYMENT
from hubmaxact.report.row_fields import field

MEASURED = ("loss", "loss_change", "kl_divergence", "top1_agreement")
INTERVALS = ("loss_change", "kl_divergence")
SHARED = ("num_samples", "num_tokens")
SLACK = 1e-9  # of sums in float64, in nats


def losses_were_asked_for(report: Report) -> Iterator[Problem]:
    """Only profile deployment finds what is rounded; no more was run than the corpus has."""
    found, protocol = report.get("end_to_end"), report["protocol"]
    if found is None:
        return
    if protocol["profile"] != DEPLOYMENT:
        yield Problem("end_to_end", f'is given, but protocol.profile is "{protocol["profile"]}"')
    texts, tokens = protocol["evaluation_samples"], protocol["corpus"]["num_tokens"]
    if found["num_samples"] > texts:
        message = f"is {found['num_samples']}, but {told(texts, 'text')} were evaluated"
        yield Problem("end_to_end.num_samples", message)
    if found["num_tokens"] + found["num_samples"] > tokens:
        message = (
            f"is {found['num_tokens']} beside the first tokens of "
            f"{told(found['num_samples'], 'text')}, but the corpus has {told(tokens, 'token')}"
        )
        yield Problem("end_to_end.num_tokens", message)
    if found["num_tokens"] < found["num_samples"]:
        message = f"is {found['num_tokens']}, but num_samples is {found['num_samples']}"
        yield Problem("end_to_end.num_tokens", message)


def rounded_rows_are_of_a_known_kind(report: Report) -> Iterator[Problem]:
    """A row rounds as a row of the table says, and none does twice."""
    known = {
        (target, way.format, way.granularity, way.policy): way.convention
        for target, ways in TARGETS.items()
        for way in ways
    }
    seen: set[object] = set()
    for path, row in _rows(report):
        key = (row["target"], row["format"], row["granularity"], row["policy"])
        if key not in known:
            name = shown("/".join(key[1:]))
            yield Problem(path, f"rounds {row['target']} by {name}, which is not measured")
        elif row["convention"] != known[key]:
            message = f"is {shown(row['convention'])}, which is not {shown(known[key])}"
            yield Problem(f"{path}.convention", message)
        if key in seen:
            yield Problem(path, "repeats an earlier row")
        seen.add(key)


def rounded_rows_agree(report: Report) -> Iterator[Problem]:
    """Values are all there or a reason stands for them; changes are from the unrounded loss."""
    found = report.get("end_to_end")
    if found is None:
        return
    for path, row in _rows(report):
        for name in SHARED:
            if field(row, name) != field(found, name):
                message = f"is {field(row, name)}, but end_to_end.{name} is {field(found, name)}"
                yield Problem(f"{path}.{name}", message)
        for name in MEASURED:
            if (field(row, name) is None) != (row["reason"] is not None):
                yield Problem(f"{path}.{name}", "must be null exactly when a reason is given")
        yield from _changes(path, row, found["loss"])


def _changes(path: str, row: EndToEndRow, unrounded: float | None) -> Iterator[Problem]:
    for name in INTERVALS:
        found: Interval | None = field(row, name)
        if found is not None and found["low"] > found["high"]:
            message = f"is from {found['low']} to {found['high']}"
            yield Problem(f"{path}.{name}", message)
    change, loss = row["loss_change"], row["loss"]
    if unrounded is None:
        if loss is not None:
            yield Problem(f"{path}.loss", f"is {loss}, but end_to_end.loss is null")
    elif change is not None and loss is not None:
        slack = SLACK * max(1.0, loss, unrounded)
        if not near(change["mean"], loss - unrounded, slack=0.0, floor=slack):
            message = f"is {change['mean']}, but loss is {loss} and was {unrounded} unrounded"
            yield Problem(f"{path}.loss_change.mean", message)
    agreed = row["top1_agreement"]
    if agreed is not None and row["num_tokens"]:
        number = agreed * row["num_tokens"]
        if not near(number, round(number), floor=1e-6 * row["num_tokens"] ** 0.5):
            message = f"is {agreed}, which is no share of {told(row['num_tokens'], 'token')}"
            yield Problem(f"{path}.top1_agreement", message)


def _rows(report: Report) -> Iterator[tuple[str, EndToEndRow]]:
    found = report.get("end_to_end")
    for position, row in enumerate(found["rows"] if found else ()):
        yield f"end_to_end.rows[{position}]", row
