"""Rules about routed experts."""

from collections.abc import Iterator

from hubmaxact.report.consistency.predicates import told
from hubmaxact.report.document import Experts, Report
from hubmaxact.report.problem import Problem


def routing_agrees(report: Report) -> Iterator[Problem]:
    """Routing belongs to a MoE model, one row for each layer, with counts in order."""
    rows, layers = report["experts"], report["model"]["num_layers"]
    if rows and report["model"]["architecture"] == "dense":
        message = f'is "dense", but experts has {told(len(rows), "layer")}'
        yield Problem("model.architecture", message)
    previous = -1
    for position, row in enumerate(rows):
        path = f"experts[{position}]"
        if not previous < row["layer"] < layers:
            message = f"is {row['layer']}, after {previous}, in a model of {told(layers, 'layer')}"
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
        message = f"names {told(len(never), 'expert')}, but tokens.least is {least}"
        yield Problem(f"{path}.never_routed", message)
    idle, total = len(never), row["num_experts"]
    # The lower median is the load of the expert at this rank, from the least loaded one.
    for name, load, rank in (("median", median, (total - 1) // 2), ("most", most, total - 1)):
        if (load == 0) != (idle > rank):
            message = f"is {load}, but {idle} of {told(total, 'expert')} received no token"
            yield Problem(f"{path}.tokens.{name}", message)


def loads_fit_the_corpus(report: Report) -> Iterator[Problem]:
    """An expert receives a token at most once each time its layer runs."""
    hidden_size = report["model"]["hidden_size"]
    passed = {
        site["layer"]: site["count"] // hidden_size
        for site in report["sites"]
        if site["role"] == "hidden_state"
    }
    for position, row in enumerate(report["experts"]):
        most, tokens = row["tokens"]["most"], passed.get(row["layer"])
        if tokens is not None and most > tokens:
            message = f"is {most}, but {told(tokens, 'token')} passed that layer"
            yield Problem(f"experts[{position}].tokens.most", message)


def experts_that_ran_are_counted(report: Report) -> Iterator[Problem]:
    """Where an experts kernel ran and nothing is missing, routing was counted."""
    kernel = report["protocol"]["experts_implementation"]
    if kernel is not None and not report["experts"] and not report["coverage"]["missing"]:
        message = "has no rows, but protocol.experts_implementation says that experts ran"
        yield Problem("experts", message)


def expert_gates_agree(report: Report) -> Iterator[Problem]:
    """The largest gate among a layer's experts is one of its watched gates', in one that ran."""
    gates = {
        (site["layer"], site["abs_max"]) for site in report["sites"] if site["role"] == "mlp_gate"
    }
    for position, row in enumerate(report["experts"]):
        if (largest := row["mlp_gate"]) is None:
            continue
        path, expert = f"experts[{position}].mlp_gate", largest["expert"]
        if expert >= row["num_experts"] or expert in row["never_routed"]:
            yield Problem(f"{path}.expert", f"is {expert}, which received no token")
        if (row["layer"], largest["abs_max"]) not in gates:
            message = f"is {largest['abs_max']}, but no gate of layer {row['layer']} reached that"
            yield Problem(f"{path}.abs_max", message)
