"""Rules about what was seen: status, coverage, missing sites."""

from collections import Counter
from collections.abc import Iterator

from hubmaxact.report.consistency.predicates import key_of, name_of, sites_with_paths, told
from hubmaxact.report.consistency.sites import layer_problem
from hubmaxact.report.document import Report, RoleCoverage
from hubmaxact.report.problem import Problem
from hubmaxact.report.roles import ROLES, Role
from hubmaxact.report.row_fields import field
from hubmaxact.report.watched_rows import watched_rows

EVERYWHERE = ("embedding", "hidden_state")
"""Roles that no decoder, and no layer of one, is made without."""

EXPERT_FIELDS = {"expert_input": "input", "expert_down_input": "down_input"}
"""Role -> where a row of `experts` holds it."""


def status_agrees(report: Report) -> Iterator[Problem]:
    """NaN and infinities make a report non_finite; failing those, missing sites make it partial."""
    broken = sum(row.num_nan + row.num_inf for row in watched_rows(report))
    missing = len(report["coverage"]["missing"])
    status = "non_finite" if broken else "partial" if missing else "complete"
    if report["status"] != status:
        message = (
            f'is "{report["status"]}", but {told(broken, "element is", "elements are")} not '
            f'finite and {told(missing, "site is", "sites are")} missing, which is "{status}"'
        )
        yield Problem("status", message)


def counts_agree(report: Report) -> Iterator[Problem]:
    """Fired sites have rows, and what was expected and did not fire is named as missing."""
    seen = Counter(role for role, _ in _seen(report))
    missing = Counter(site["role"] for site in report["coverage"]["missing"])
    for role in _watched(report):
        row: RoleCoverage = field(report["coverage"], role.name)
        path = f"coverage.{role.name}"
        if row["fired"] != seen[role.name]:
            message = f"is {row['fired']}, but {role.rows} has {seen[role.name]} of this role"
            yield Problem(f"{path}.fired", message)
        if row["expected"] - row["fired"] != missing[role.name]:
            message = (
                f"is {row['expected']}, but {row['fired']} fired and "
                f"{told(missing[role.name], 'is', 'are')} missing"
            )
            yield Problem(f"{path}.expected", message)


def missing_lies_in_the_model(report: Report) -> Iterator[Problem]:
    """A missing site has a place that the model has."""
    for position, site in enumerate(report["coverage"]["missing"]):
        path = f"coverage.missing[{position}]"
        yield from layer_problem(report, path, site["role"], site["layer"])


def missing_was_not_seen(report: Report) -> Iterator[Problem]:
    """A missing site is not among the seen ones, and no reason for it is given twice."""
    seen: dict[tuple[object, ...], str] = {
        (*key_of(site), site["module"]): path for path, site in sites_with_paths(report)
    }
    told: dict[tuple[object, ...], str] = {}
    for position, site in enumerate(report["coverage"]["missing"]):
        path, key = f"coverage.missing[{position}]", key_of(site)
        # Several modules of one role may be missing in one layer, where no part tells them apart.
        place = (*key, site["module"])
        row = (*place, site["reason"])
        if earlier := seen.get(place) or told.get(row):
            yield Problem(path, f"is {name_of(*key)}, and so is {earlier}")
        told.setdefault(row, path)


def embedding_and_norm_are_counted(report: Report) -> Iterator[Problem]:
    """A decoder has one embedding, and one final norm unless it was made without."""
    for role in _watched(report):
        row: RoleCoverage = field(report["coverage"], role.name)
        promised = row["expected"] + (row["absent"] if role.name == "final_norm" else 0)
        if not role.per_layer and promised != 1:
            message = f"is {row['expected']}, with {row['absent']} absent, but a decoder has one"
            yield Problem(f"coverage.{role.name}.expected", message)
        if role.name in EVERYWHERE and row["absent"]:
            message = f"is {row['absent']}, but no {role.name} can be absent"
            yield Problem(f"coverage.{role.name}.absent", message)


def layers_add_up(report: Report) -> Iterator[Problem]:
    """Each layer has a role, misses it, or is counted as one without it."""
    layers = _layers_by_role(report)
    for role in _watched(report):
        if not role.per_layer:
            continue
        known, total = len(layers[role.name]), report["model"]["num_layers"]
        absent: int = field(report["coverage"], role.name)["absent"]
        if known + absent != total:
            message = (
                f"is {absent}, but {known} of {told(total, 'layer')} "
                f"{'has' if known == 1 else 'have'} this role in {role.rows} or in missing"
            )
            yield Problem(f"coverage.{role.name}.absent", message)


def gates_lie_in_blocks(report: Report) -> Iterator[Problem]:
    """A gate is part of a channel block, so its layer puts out an mlp_output."""
    layers = _layers_by_role(report)
    alone = sorted(layers["mlp_gate"] - layers["mlp_output"])
    if alone:
        message = f"counts layer {alone[0]}, which has an mlp_gate, as one without mlp_output"
        yield Problem("coverage.mlp_output.absent", message)
    if not layers["attention_output"] | layers["mlp_output"]:
        message = "counts every layer, and so does that of mlp_output; some layer must do something"
        yield Problem("coverage.attention_output.absent", message)


def _layers_by_role(report: Report) -> dict[str, set[int]]:
    """The layers that have a site of each role, seen or missing."""
    layers: dict[str, set[int]] = {role.name: set() for role in ROLES}
    missing = ((site["role"], site["layer"]) for site in report["coverage"]["missing"])
    for role, layer in (*_seen(report), *missing):
        if layer is not None:
            layers[role].add(layer)
    return layers


def _seen(report: Report) -> Iterator[tuple[str, int | None]]:
    """Role and layer of every tensor that fired, those inside experts too."""
    yield from ((row.role, row.layer) for row in watched_rows(report))
    for row in report["experts"]:
        for role, name in EXPERT_FIELDS.items():
            if name in row and field(row, name) is not None:
                yield role, row["layer"]


def _watched(report: Report) -> tuple[Role, ...]:
    """The roles that are counted; that those are the profile's is a rule of its own."""
    return tuple(role for role in ROLES if role.name in report["coverage"])
