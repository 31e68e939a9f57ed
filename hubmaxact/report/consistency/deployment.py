"""Rules about what profile `deployment` adds: linear inputs, keys and values, experts' inputs."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from hubmaxact.printable import shown
from hubmaxact.report.consistency.predicates import above, is_shortened, on_bf16_grid, told
from hubmaxact.report.deployment import SIDECARS, HeadMaxima, KeysAndValues, LinearInput
from hubmaxact.report.document import Report
from hubmaxact.report.json_text import join
from hubmaxact.report.problem import Problem
from hubmaxact.report.roles import DEPLOYMENT, PAPER_ROLES, ROLES
from hubmaxact.report.row_fields import field

PLACE = ("sample", "token_position", "token_id", "channel")
EXPERT_FIELDS = ("input", "down_input")


def profile_says_what_is_there(report: Report) -> Iterator[Problem]:
    """What one profile watches stands in a report of that profile, and in no other."""
    profile = report["protocol"]["profile"]
    deployed = profile == DEPLOYMENT
    places: list[tuple[str, str, Mapping[str, object]]] = [
        (name, name, report) for name in ("linear_inputs", "kv", "sidecars")
    ]
    places += [
        (f"dtype_headroom.{format_name}.{name}", name, row)
        for format_name, row in report["dtype_headroom"].items()
        for name in ("exceeded_by", "residual_exponent")
    ]
    places.append(("stability.by_text", "by_text", report["stability"]))
    places += [
        (f"coverage.{role.name}", role.name, report["coverage"])
        for role in ROLES
        if role not in PAPER_ROLES
    ]
    places += [
        (f"experts[{position}].{name}", name, row)
        for position, row in enumerate(report["experts"])
        for name in EXPERT_FIELDS
    ]
    for path, name, holder in places:
        if (name in holder) != deployed:
            words = "is given" if name in holder else "is left out"
            yield Problem(path, f'{words}, but protocol.profile is "{profile}"')
    if deployed and report["schema_version"] == "0.1":
        yield Problem("schema_version", 'is "0.1", which knows no profile "deployment"')


def linear_inputs_are_in_order(report: Report) -> Iterator[Problem]:
    """Layers ascend; in one, no two inputs share a part, and no map reads two of them."""
    layers, first = report["model"]["num_layers"], dict[tuple[object, ...], str]()
    previous = 0
    for position, row in enumerate(report.get("linear_inputs", ())):
        path, layer = f"linear_inputs[{position}]", row["layer"]
        if not previous <= layer < layers:
            message = f"is {layer}, after {previous}, in a model of {told(layers, 'layer')}"
            yield Problem(f"{path}.layer", message)
        previous = layer
        for key in (("part", layer, row["part"]), *(("modules", name) for name in row["modules"])):
            if key in first:
                name = shown(key[-1])
                yield Problem(f"{path}.{key[0]}", f"names {name}, and so does {first[key]}")
            first.setdefault(key, path)


def linear_inputs_agree(report: Report) -> Iterator[Problem]:
    """Statistics are null exactly when nothing was finite, and obey their inequalities."""
    for position, row in enumerate(report.get("linear_inputs", ())):
        path = f"linear_inputs[{position}]"
        finite = row["count"] - row["num_nan"] - row["num_inf"]
        if finite < 0:
            message = f"num_nan + num_inf is {row['count'] - finite}, but count is {row['count']}"
            yield Problem(path, message)
        values: dict[str, Any] = {"abs_max": row["abs_max"], "rms": row["rms"]}
        values |= _quantiles(row)
        values |= {name: field(row, name) for name in PLACE}
        for name, value in values.items():
            if (value is None) != (finite <= 0):
                known = told(finite, "element is", "elements are")
                word = "null" if value is None else value
                yield Problem(f"{path}.{name}", f"is {word}, but {known} finite")
        yield from _inequalities(report, path, row)


def _inequalities(report: Report, path: str, row: LinearInput) -> Iterator[Problem]:
    abs_max, rms = row["abs_max"], row["rms"]
    if abs_max is None or rms is None:
        return
    if above(rms, abs_max):
        yield Problem(f"{path}.rms", f"is {rms}, above abs_max, which is {abs_max}")
    tops = {"abs_max": abs_max} if report["protocol"]["counts_rounded_to"] is None else {}
    for quantiles in _ladders(row).values():
        ladder = {f"{path}.{name}": value for name, value in (quantiles | tops).items()}
        known = {name: value for name, value in ladder.items() if value is not None}
        for (lower, low), (upper, high) in pairwise(known.items()):
            if low > high:
                yield Problem(lower, f"is {low}, above {upper}, which is {high}")
    corpus, protocol = report["protocol"]["corpus"], report["protocol"]
    bounds = {"sample": corpus["num_samples"], "token_position": protocol["max_seq_len"]}
    for name, bound in bounds.items():
        if (found := field(row, name)) is not None and found >= bound:
            yield Problem(f"{path}.{name}", f"is {found}, but there are {bound}")


def _ladders(row: LinearInput) -> dict[str, dict[str, float | None]]:
    """Quantiles of values and of each size of block, by what they are of."""
    blocks = row["block_max_quantiles"] or {}
    of_all = {"abs_quantiles": row["abs_quantiles"] or {}}
    of_all |= {join("block_max_quantiles", size): found for size, found in blocks.items()}
    return {
        path: {join(path, level): value for level, value in found.items()}
        for path, found in of_all.items()
    }


def _quantiles(row: LinearInput) -> dict[str, float | None]:
    """All of those by their place in the row."""
    return {name: value for found in _ladders(row).values() for name, value in found.items()}


def cached_heads_agree(report: Report) -> Iterator[Problem]:
    """Each attention has one row, a maximum for each head, and the largest of them."""
    layers, previous = report["model"]["num_layers"], (-1, "")
    for position, row in enumerate(report.get("kv", ())):
        path, place = f"kv[{position}]", (row["layer"], row["part"] or "")
        if not previous < place or row["layer"] >= layers:
            message = f"is {row['layer']}, in a model of {told(layers, 'layer')}, out of order"
            yield Problem(f"{path}.layer", message)
        previous = place
        if row["kind"] == "latent" and row["num_kv_heads"] != 1:
            message = f"is {row['num_kv_heads']}, but all heads share a latent"
            yield Problem(f"{path}.num_kv_heads", message)
        for name, found in (("key", row["key"]), ("value", row["value"])):
            if found["per_head"] is not None:
                yield from _heads(f"{path}.{name}", found, found["per_head"], row["num_kv_heads"])
            elif not is_shortened(report):
                message = "is null, though the report has room for quantiles of blocks"
                yield Problem(f"{path}.{name}.per_head", message)
        yield from _multiplied(path, row)


def _multiplied(path: str, row: KeysAndValues) -> Iterator[Problem]:
    rotary, logit = row["rotary"], row["attention_logit"]
    if rotary is not None:
        channels = rotary["channels"]
        if channels % 2 or (channels == 0) != (rotary["pairs"] == "none"):
            message = f"is {channels}, but pairs is {shown(rotary['pairs'])}"
            yield Problem(f"{path}.rotary.channels", message)
    if logit is not None and row["query"] is None:
        yield Problem(f"{path}.attention_logit", "is given, but query is null")


def _heads(
    path: str, found: HeadMaxima, each: Sequence[float | None], num_heads: int
) -> Iterator[Problem]:
    if len(each) != num_heads:
        message = f"has {told(len(each), 'value')}, but num_kv_heads is {num_heads}"
        yield Problem(f"{path}.per_head", message)
    yield from _largest(path, found["abs_max"], each)


def _largest(path: str, said: float | None, each: Sequence[float | None]) -> Iterator[Problem]:
    largest = max((value for value in each if value is not None), default=None)
    if said != largest:
        message = f"is {said}, but the largest of its parts is {largest}"
        yield Problem(f"{path}.abs_max", message)


def expert_maxima_agree(report: Report) -> Iterator[Problem]:
    """The largest is the first largest of them; experts that received nothing have none."""
    for position, row in enumerate(report["experts"]):
        for name in EXPERT_FIELDS:
            found: Any = row.get(name)
            path = f"experts[{position}].{name}"
            if found is None:
                continue
            each, expert = found["per_expert"], found["expert"]
            if (expert is None) != (found["abs_max"] is None) or expert in row["never_routed"]:
                yield Problem(f"{path}.expert", f"is {expert}, which has no largest value")
            if each is not None:
                yield from _experts(path, found, row["num_experts"], row["never_routed"])


def _experts(
    path: str, found: Mapping[str, Any], num_experts: int, never: Sequence[int]
) -> Iterator[Problem]:
    each = found["per_expert"]
    if len(each) != num_experts:
        message = f"has {told(len(each), 'value')}, but num_experts is {num_experts}"
        yield Problem(f"{path}.per_expert", message)
        return
    yield from _largest(path, found["abs_max"], each)
    first = each.index(found["abs_max"]) if found["abs_max"] in each else None
    if found["abs_max"] is not None and first is not None and found["expert"] != first:
        message = f"is {found['expert']}, but the first that reached it is {first}"
        yield Problem(f"{path}.expert", message)
    for expert in never:
        if expert < num_experts and each[expert] is not None:
            message = f"is {each[expert]}, but that expert received no token"
            yield Problem(f"{path}.per_expert[{expert}]", message)


def deployed_values_lie_on_the_grid(report: Report) -> Iterator[Problem]:
    """Quantiles are bf16 values, and in an exact run in bf16 so is every maximum."""
    protocol = report["protocol"]
    exact = protocol["counts_rounded_to"] is None and protocol["dtype"] == "bfloat16"
    for position, row in enumerate(report.get("linear_inputs", ())):
        values = _quantiles(row)
        if exact:
            values["abs_max"] = row["abs_max"]
        for name, value in values.items():
            if value is not None and not on_bf16_grid(value):
                yield Problem(
                    f"linear_inputs[{position}].{name}", f"is {value}, which is no bf16 value"
                )


def sidecars_are_named_once(report: Report) -> Iterator[Problem]:
    """Each file stands once, in the order of the schema."""
    names = [row["name"] for row in report.get("sidecars", ())]
    if names != [name for name in SIDECARS if name in names]:
        yield Problem("sidecars", f"names {', '.join(names)}; each stands once, in that order")
